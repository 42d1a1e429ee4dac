#pragma once
// Chance that a seed replays exactly on every machine.

#include "tests/random.h"

#include <cstddef>
#include <cstdint>
#include <iterator>

namespace differential {

class Random : public tests::SplitMix64 {
public:
    explicit Random(std::uint64_t seed) : SplitMix64(seed * golden + 1) {}

    std::size_t below(std::size_t bound) { return next() % bound; }
    std::size_t between(std::size_t low, std::size_t high) { return low + below(high - low + 1); }
    bool percent(unsigned chance) { return below(100) < chance; }
    template <class Some>
    auto& pick(Some& some) {
        return some[below(std::size(some))];
    }
};

// The seed of one thing among many: neighbours must not look alike.
inline std::uint64_t mixed(std::uint64_t seed, std::uint64_t number) {
    return Random(Random(seed).next() ^ (number * 0xd6e8'feb8'6659'fd93)).next();
}

}  // namespace differential
