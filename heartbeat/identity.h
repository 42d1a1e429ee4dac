#pragma once
// Who is who and when is when in the cluster: names, boot ids, epochs, addresses and instants.
// Plain values without a clock: the shells read CLOCK_BOOTTIME and hand instants in.

#include <array>
#include <bit>
#include <chrono>
#include <compare>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace heartbeat {

// The time line of one process: CLOCK_BOOTTIME, which counts suspend. It has no now(): only a shell
// may read it (heartbeat/io/clock.h), and instants of two machines are never compared.
struct BootClock {
    using rep = std::int64_t;
    using period = std::nano;
    using duration = std::chrono::nanoseconds;
    using time_point = std::chrono::time_point<BootClock, duration>;
    static constexpr bool is_steady = true;
};
using Duration = BootClock::duration;
using Instant = BootClock::time_point;

// The name of a server, an arbiter or a cluster: 1 to 32 bytes of a-z, 0-9 and '-', no '-' at
// either end, so that it can stand as a DNS label, a file name and a metric's label.
class ServerId {
public:
    static constexpr std::size_t size_max = 32;

    static std::optional<ServerId> parse(std::string_view text);

    std::string_view text() const { return {bytes_.data(), size_}; }

    // What lies behind the name is zero, so that a name equals, and comes before, as its text does.
    // By words, and without a call: names are compared wherever one is looked for.
    friend bool operator==(const ServerId& a, const ServerId& b) {
        return ((a.word(0) ^ b.word(0)) | (a.word(1) ^ b.word(1)) | (a.word(2) ^ b.word(2)) |
                (a.word(3) ^ b.word(3))) == 0;
    }
    friend std::strong_ordering operator<=>(const ServerId& a, const ServerId& b) {
        std::size_t place = 0;
        while (place < words - 1 && a.word(place) == b.word(place)) ++place;
        return in_order(a.word(place)) <=> in_order(b.word(place));
    }

private:
    ServerId() = default;
    static constexpr std::size_t words = size_max / sizeof(std::uint64_t);
    // A word whose first byte counts most.
    static std::uint64_t in_order(std::uint64_t word) {
        return std::endian::native == std::endian::little ? __builtin_bswap64(word) : word;
    }
    std::uint64_t word(std::size_t place) const {
        std::uint64_t word = 0;
        static_assert(words == 4);
        std::memcpy(&word, bytes_.data() + place * sizeof word, sizeof word);
        return word;
    }
    std::array<char, size_max> bytes_{};
    std::uint8_t size_ = 0;
};

// One start of one process, drawn at random when it starts.
struct BootId {
    std::array<std::uint8_t, 16> bytes{};
    friend auto operator<=>(const BootId&, const BootId&) = default;
};

// The number of a mastership; 0 is "none yet". It only ever rises, over restarts and loss of state.
struct Epoch {
    std::uint64_t value = 0;
    constexpr Epoch next() const { return Epoch{value + 1}; }
    friend constexpr auto operator<=>(const Epoch&, const Epoch&) = default;
};

// An IPv4 or IPv6 address without a port; IPv4 comes first in order.
class Address {
public:
    static std::optional<Address> parse(std::string_view text);
    static Address v4(const std::array<std::uint8_t, 4>& bytes);
    static Address v6(const std::array<std::uint8_t, 16>& bytes);

    bool is_v4() const { return size_ == 4; }
    const std::uint8_t* data() const { return bytes_.data(); }
    std::size_t size() const { return size_; }  // 4 or 16, network order
    std::string text() const;

    friend bool operator==(const Address&, const Address&) = default;
    friend std::strong_ordering operator<=>(const Address& a, const Address& b) {
        if (a.size_ != b.size_) return a.size_ <=> b.size_;
        return a.bytes_ <=> b.bytes_;
    }

private:
    Address() = default;
    std::array<std::uint8_t, 16> bytes_{};
    std::uint8_t size_ = 4;
};

}  // namespace heartbeat
