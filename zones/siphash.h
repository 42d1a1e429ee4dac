#pragma once
// SipHash-2-4 (Aumasson, Bernstein 2012): a keyed hash of short messages that no one without the
// key can foretell.

#include <cstddef>
#include <cstdint>
#include <span>

namespace zones {

struct SipKey {
    std::uint64_t low = 0, high = 0;

    static SipKey of(std::span<const std::byte, 16> bytes) noexcept;
    friend bool operator==(const SipKey&, const SipKey&) = default;
};

// The eight bytes of output are this number in little-endian order.
std::uint64_t siphash64(const SipKey& key, std::span<const std::byte> message) noexcept;

// The variant with 128 bits of output: `low` holds the first eight bytes.
struct Sip128 {
    std::uint64_t low = 0, high = 0;
};
Sip128 siphash128(const SipKey& key, std::span<const std::byte> message) noexcept;

}  // namespace zones
