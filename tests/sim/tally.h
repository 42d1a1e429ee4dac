#pragma once
// What many worlds came to, as plain numbers: in shared memory, so that what a worker had counted
// outlives it.

#include "tests/sim/points.h"
#include "tests/sim/world.h"

#include <array>
#include <cstdint>
#include <string>

namespace sim {

struct Tally {
    std::uint64_t seeds = 0;
    std::uint64_t violations = 0;
    std::uint64_t grants = 0;
    std::uint64_t heartbeats = 0;
    std::uint64_t commits = 0;
    std::uint64_t adoptions = 0;  // by people, when all faults were over
    std::uint64_t clonings = 0;
    std::uint64_t five_servers = 0;  // worlds of so many
    std::uint64_t fast = 0;          // … with heartbeats of less than a second
    std::uint64_t kinds = 0;         // of faults, summed over all worlds
    std::uint64_t lived_ms = 0;      // of the worlds' own time
    std::array<std::uint64_t, static_cast<std::size_t>(Fault::Kind::count)> faults{};
    std::array<std::uint64_t, static_cast<std::size_t>(Excuse::count)> excused{};
    World::Omitted omitted{};
    std::array<std::uint64_t, static_cast<std::size_t>(Moment::count)> moments{};

    // One world more, whose moments stand in sim::moments and are taken from there.
    void add(const Script& script, const Verdict& verdict);
    void add(const Tally& other);
    std::size_t missed() const;  // moments that were never hit
};

// The closing lines of a run: `seconds` of wall time, `jobs` workers.
std::string closing_lines(const Tally& tally, double seconds, double cpu_seconds, unsigned jobs);

}  // namespace sim
