#pragma once
// Chance that a seed replays exactly on every machine: std's distributions differ between
// libraries.

#include <cstddef>
#include <cstdint>
#include <iterator>

namespace differential {

// SplitMix64 (Steele, Lea, Flood 2014).
class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed * 0x9e37'79b9'7f4a'7c15 + 1) {}

    std::uint64_t next() {
        std::uint64_t z = (state_ += 0x9e37'79b9'7f4a'7c15);
        z = (z ^ (z >> 30)) * 0xbf58'476d'1ce4'e5b9;
        z = (z ^ (z >> 27)) * 0x94d0'49bb'1331'11eb;
        return z ^ (z >> 31);
    }
    std::size_t below(std::size_t bound) { return next() % bound; }
    std::size_t between(std::size_t low, std::size_t high) { return low + below(high - low + 1); }
    bool percent(unsigned chance) { return below(100) < chance; }
    template <class Some>
    auto& pick(Some& some) {
        return some[below(std::size(some))];
    }

private:
    std::uint64_t state_;
};

// The seed of one thing among many: neighbours must not look alike.
inline std::uint64_t mixed(std::uint64_t seed, std::uint64_t number) {
    return Random(Random(seed).next() ^ (number * 0xd6e8'feb8'6659'fd93)).next();
}

}  // namespace differential
