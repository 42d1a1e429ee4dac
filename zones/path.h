#pragma once
// A wire name on its way through tables: where each of its suffixes starts, and the hash of each,
// all found in one pass from the root down. The hash is blind to case. Lives on the stack; the
// bytes stay whose they are.

#include "zones/name.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace zones {

using Hash = std::uint64_t;

// Eight bytes with the ASCII capitals made small. A whole wire name may be treated so: the length
// of a label is at most 63, below 'A'.
constexpr std::uint64_t lower8(std::uint64_t x) {
    constexpr std::uint64_t ones = 0x0101'0101'0101'0101;
    const std::uint64_t seven = x & (0x7f * ones);
    const std::uint64_t from_a = seven + (0x80 - 'A') * ones;
    const std::uint64_t past_z = seven + (0x80 - 'Z' - 1) * ones;
    return x | ((~x & (from_a ^ past_z) & (0x80 * ones)) >> 2);
}
constexpr std::uint8_t lower1(std::uint8_t c) {
    return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

inline bool equal_names(const std::byte* a, const std::byte* b, std::size_t size) {
    for (; size >= 8; a += 8, b += 8, size -= 8) {
        std::uint64_t x, y;
        std::memcpy(&x, a, 8);
        std::memcpy(&y, b, 8);
        if (x != y && lower8(x) != lower8(y)) return false;
    }
    for (; size > 0; ++a, ++b, --size)
        if (*a != *b &&
            lower1(static_cast<std::uint8_t>(*a)) != lower1(static_cast<std::uint8_t>(*b)))
            return false;
    return true;
}

// The hash of `label`.suffix, from that of the suffix; `label` points at its length byte.
Hash hash_label(Hash suffix, const std::byte* label);
inline constexpr Hash hash_of_root = 0x9e37'79b9'7f4a'7c15;
Hash hash_name(std::span<const std::byte> wire);

class Path {
public:
    // Left as it is: a path is made by set(), so that an array of them costs nothing.
    Path() {}  // NOLINT(modernize-use-equals-default): `= default` would zero it in Path{}
    explicit Path(std::span<const std::byte> wire) { set(wire); }
    explicit Path(const Name& name) { set(name.wire()); }

    // `wire` is a whole uncompressed name, already checked.
    void set(std::span<const std::byte> wire);

    // Depth is a count of labels: 0 is the root, depth() the whole name.
    std::size_t depth() const { return depth_; }
    Hash hash(std::size_t depth) const { return hash_[depth]; }
    Hash hash() const { return hash_[depth_]; }
    std::span<const std::byte> wire(std::size_t depth) const {
        return {wire_ + start_[depth], static_cast<std::size_t>(size_ - start_[depth])};
    }
    std::span<const std::byte> wire() const { return {wire_, size_}; }
    std::size_t start(std::size_t depth) const { return start_[depth]; }

private:
    const std::byte* wire_;
    std::uint8_t size_;
    std::uint8_t depth_;
    std::array<std::uint8_t, labels_max + 1> start_;
    std::array<Hash, labels_max + 1> hash_;
};

}  // namespace zones
