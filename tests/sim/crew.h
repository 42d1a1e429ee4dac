#pragma once
// Many worlds at once, in processes: an assertion of a machine ends one worker, and is told as the
// violation that it is.

#include "tests/sim/tally.h"

#include <vector>

namespace sim {

struct Run {
    std::uint64_t from = 0;
    std::uint64_t count = 0;
    unsigned jobs = 1;
    bool progress = true;      // a line now and then on stderr
    bool all_moments = false;  // one that was never hit is a failure too
    Mix mix = Mix::usual;
};
// Each violation is printed as it is found, and the closing lines at the end, also of a run that
// SIGINT or SIGTERM ends. The number of violations, and of moments that should have been hit.
std::uint64_t run_seeds(const Run& run);

// These rules of points.h, each broken alone, up to so many worlds each. The number of rules whose
// breach no check noticed.
std::size_t run_mutants(const Run& run, const std::vector<Rule>& rules);

// One world, in a process of its own: what it broke, which may be that it died or hung; empty when
// all held.
std::string fate_of(const Script& script);

}  // namespace sim
