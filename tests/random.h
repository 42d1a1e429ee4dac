#pragma once
// A generator of our own: std's distributions differ between libraries, and a seed must replay
// exactly.

#include <cstdint>

namespace tests {

// SplitMix64 (Steele, Lea, Flood 2014).
class SplitMix64 {
public:
    explicit SplitMix64(std::uint64_t state) : state_(state) {}

    std::uint64_t next() {
        std::uint64_t z = (state_ += golden);
        z = (z ^ (z >> 30)) * 0xbf58'476d'1ce4'e5b9;
        z = (z ^ (z >> 27)) * 0x94d0'49bb'1331'11eb;
        return z ^ (z >> 31);
    }

    static constexpr std::uint64_t golden = 0x9e37'79b9'7f4a'7c15;

private:
    std::uint64_t state_;
};

}  // namespace tests
