#pragma once
// Chance that a seed replays exactly. Each purpose of each machine has a stream of its own, so that
// a fault that is taken away leaves the rest nearly as it was.

#include "tests/random.h"
#include "tests/sim/clock.h"

#include <array>
#include <cassert>
#include <cstddef>

namespace sim {

class Stream : public tests::SplitMix64 {
public:
    Stream() : Stream(0, 0, 0) {}
    Stream(std::uint64_t seed, std::uint64_t purpose, std::uint64_t who)
        : SplitMix64(mixed(mixed(seed) + purpose * 64 + who)) {}

    // From low to high, both included.
    std::int64_t between(std::int64_t low, std::int64_t high) {
        assert(low <= high);
        return low + static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(high - low + 1));
    }
    Duration between(Duration low, Duration high) {
        return Duration(between(low.count(), high.count()));
    }
    std::size_t below(std::size_t count) {
        return static_cast<std::size_t>(next() % static_cast<std::uint64_t>(count));
    }
    // In so many of a million times. Draws nothing when it never happens.
    bool chance(std::int64_t millionths) {
        return millionths > 0 && static_cast<std::int64_t>(next() % million) < millionths;
    }

private:
    static std::uint64_t mixed(std::uint64_t value) { return SplitMix64(value + golden).next(); }
};

enum class Purpose : std::uint8_t { script, clock, network, verbs, looks, database, clients, zone };

// One stream for each purpose and machine.
class Chance {
public:
    static constexpr std::size_t machines_max = 8;  // the servers, and the arbiter as the last

    explicit Chance(std::uint64_t seed) {
        for (std::size_t i = 0; i < streams_.size(); ++i)
            streams_[i] = Stream(seed, i / machines_max, i % machines_max);
    }
    Stream& of(Purpose purpose, std::size_t machine) {
        return streams_[static_cast<std::size_t>(purpose) * machines_max + machine];
    }

private:
    std::array<Stream, 8 * machines_max> streams_;
};

}  // namespace sim
