#include "zones/siphash.h"

#include <bit>

namespace zones {

namespace {

std::uint64_t little_endian(std::span<const std::byte> bytes) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i)
        value |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * i);
    return value;
}

class State {
public:
    explicit State(const SipKey& key)
        : v0_(key.low ^ 0x736f'6d65'7073'6575),
          v1_(key.high ^ 0x646f'7261'6e64'6f6d),
          v2_(key.low ^ 0x6c79'6765'6e65'7261),
          v3_(key.high ^ 0x7465'6462'7974'6573) {}

    void choose_wide() { v1_ ^= 0xee; }
    void absorb(std::span<const std::byte> message) {
        const std::uint64_t last = static_cast<std::uint64_t>(message.size()) << 56;
        for (; message.size() >= 8; message = message.subspan(8))
            word(little_endian(message.first<8>()));
        word(last | little_endian(message));
    }
    std::uint64_t finish(std::uint64_t mark) {
        v2_ ^= mark;
        return mix();
    }
    std::uint64_t finish_second() {
        v1_ ^= 0xdd;
        return mix();
    }

private:
    std::uint64_t mix() {
        rounds(4);
        return v0_ ^ v1_ ^ v2_ ^ v3_;
    }
    void word(std::uint64_t value) {
        v3_ ^= value;
        rounds(2);
        v0_ ^= value;
    }
    void rounds(int count) {
        for (; count > 0; --count) {
            v0_ += v1_;
            v1_ = std::rotl(v1_, 13) ^ v0_;
            v0_ = std::rotl(v0_, 32);
            v2_ += v3_;
            v3_ = std::rotl(v3_, 16) ^ v2_;
            v0_ += v3_;
            v3_ = std::rotl(v3_, 21) ^ v0_;
            v2_ += v1_;
            v1_ = std::rotl(v1_, 17) ^ v2_;
            v2_ = std::rotl(v2_, 32);
        }
    }

    std::uint64_t v0_, v1_, v2_, v3_;
};

}  // namespace

SipKey SipKey::of(std::span<const std::byte, 16> bytes) noexcept {
    return {little_endian(bytes.first<8>()), little_endian(bytes.last<8>())};
}

std::uint64_t siphash64(const SipKey& key, std::span<const std::byte> message) noexcept {
    State state(key);
    state.absorb(message);
    return state.finish(0xff);
}

Sip128 siphash128(const SipKey& key, std::span<const std::byte> message) noexcept {
    State state(key);
    state.choose_wide();
    state.absorb(message);
    Sip128 hash;
    hash.low = state.finish(0xee);
    hash.high = state.finish_second();
    return hash;
}

}  // namespace zones
