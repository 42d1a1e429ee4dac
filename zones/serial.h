#pragma once
// The serial number of a zone's version: a place on a circle of 2^32 (RFC 1982).

#include <compare>
#include <cstdint>

namespace zones {

class Serial {
public:
    explicit constexpr Serial(std::uint32_t value) : value_(value) {}

    constexpr std::uint32_t value() const { return value_; }
    constexpr Serial next() const { return Serial(value_ + 1); }

    friend constexpr bool operator==(Serial, Serial) = default;
    // RFC 1982 §3.2: two serials half the circle apart have no order.
    friend constexpr std::partial_ordering operator<=>(Serial a, Serial b) {
        const std::uint32_t ahead = a.value_ - b.value_;
        if (ahead == 0) return std::partial_ordering::equivalent;
        if (ahead == 0x8000'0000U) return std::partial_ordering::unordered;
        return ahead < 0x8000'0000U ? std::partial_ordering::greater : std::partial_ordering::less;
    }

private:
    std::uint32_t value_;
};

static_assert(Serial(0xffff'ffff).next() > Serial(0xffff'ffff));

}  // namespace zones
