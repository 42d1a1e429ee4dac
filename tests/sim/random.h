#pragma once
// Chance that a seed replays exactly.

#include "tests/random.h"

#include <cstdint>

namespace sim {

class Random : public tests::SplitMix64 {
public:
    explicit Random(std::uint64_t seed) : SplitMix64(seed * golden + 1) {}

    // From low to high, both included.
    std::int64_t between(std::int64_t low, std::int64_t high) {
        return low + static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(high - low + 1));
    }
    double fraction() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
    bool chance(double probability) { return fraction() < probability; }
};

}  // namespace sim
