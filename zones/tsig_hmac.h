#pragma once
// HMAC (RFC 2104) by libcrypto, as plain values: a key's two hash states are made once, a MAC then
// copies them. Nothing is allocated, as EVP's contexts would be for every message.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace zones {

// RFC 8945 §6: the algorithms that we know.
enum class TsigAlgorithm : std::uint8_t {
    hmac_md5,
    hmac_sha1,
    hmac_sha224,
    hmac_sha256,
    hmac_sha384,
    hmac_sha512,
};
inline constexpr std::size_t tsig_algorithms = 6;
inline constexpr std::size_t mac_size_max = 64;

std::size_t mac_size(TsigAlgorithm algorithm) noexcept;
// As in named.conf: "hmac-sha256", "hmac-md5".
std::string_view text(TsigAlgorithm algorithm) noexcept;
// The name that stands in records, in small letters; "hmac-md5.sig-alg.reg.int" for MD5.
std::span<const std::byte> wire_name(TsigAlgorithm algorithm) noexcept;

// A hash on its way; which one it is, is known by its user.
struct HashState {
    alignas(8) std::array<std::byte, 216> bytes;
};

class HmacKey {
public:
    HmacKey(TsigAlgorithm algorithm, std::span<const std::byte> secret) noexcept;
    TsigAlgorithm algorithm() const { return algorithm_; }

private:
    friend class Hmac;
    TsigAlgorithm algorithm_;
    HashState inner_, outer_;  // each behind its block of the key
};

class Hmac {
public:
    explicit Hmac(const HmacKey& key) noexcept : key_(key), state_(key.inner_) {}
    explicit Hmac(HmacKey&&) = delete;  // it is only looked at
    void add(std::span<const std::byte> bytes) noexcept;
    // Once, at the end; the first mac_size(algorithm) bytes are the MAC.
    std::array<std::byte, mac_size_max> finish() noexcept;

private:
    const HmacKey& key_;
    HashState state_;
};

// In a time that tells nothing of where they differ. Of different sizes they are never equal.
bool equal_macs(std::span<const std::byte> one, std::span<const std::byte> other) noexcept;

}  // namespace zones
