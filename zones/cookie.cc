#include "zones/cookie.h"

#include "zones/node.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace zones {

namespace {

constexpr std::uint8_t version_siphash = 1;    // RFC 9018 §4.1
constexpr std::size_t hashed_from_server = 8;  // version, reserved, timestamp
// RFC 9018 §4.3.
constexpr std::int64_t age_max_s = 3600, renewed_from_age_s = 1800, ahead_max_s = 300;

constexpr std::size_t v4_mapped = 12;  // bytes of ::ffff:0:0/96

std::span<const std::byte> client_address(const AddressBytes& address) {
    constexpr std::array<std::uint8_t, v4_mapped> prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    const auto bytes = std::as_bytes(std::span(address));
    const bool v4 = std::equal(prefix.begin(), prefix.end(), address.begin());
    return v4 ? bytes.subspan(v4_mapped) : bytes;
}

// RFC 9018 §4.4: of the client's cookie, the server's up to its hash, and the client's address.
std::uint64_t cookie_hash(const SipKey& key,
                          std::span<const std::byte, client_cookie_size> client_cookie,
                          std::span<const std::byte, hashed_from_server> front,
                          const AddressBytes& client) {
    const auto address = client_address(client);
    std::array<std::byte, client_cookie_size + hashed_from_server + sizeof(AddressBytes)> message;
    std::byte* at = message.data();
    for (const std::span<const std::byte> part :
         {std::span<const std::byte>(client_cookie), std::span<const std::byte>(front), address}) {
        std::memcpy(at, part.data(), part.size());
        at += part.size();
    }
    const auto size = static_cast<std::size_t>(at - message.data());
    return siphash64(key, std::span(message).first(size));
}

std::uint64_t load_hash(const std::byte* at) {
    std::uint64_t hash = 0;
    for (int i = 7; i >= 0; --i) hash = hash << 8 | std::to_integer<std::uint64_t>(at[i]);
    return hash;
}

int digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

}  // namespace

CookieSecrets CookieSecrets::of(std::span<const std::byte, secret_size> secret) {
    CookieSecrets secrets;
    secrets.keys_[secrets.count_++] = SipKey::of(secret);
    return secrets;
}

CookieSecrets CookieSecrets::rolled(std::span<const std::byte, secret_size> secret) const {
    CookieSecrets next = of(secret);
    if (!empty()) next.keys_[next.count_++] = keys_.front();
    return next;
}

tl::expected<CookieSecrets, std::string> CookieSecrets::parse(std::string_view text) {
    CookieSecrets secrets;
    for (int number = 1; !text.empty(); ++number) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        while (!line.empty() && std::string_view(" \t\r").find(line.back()) != line.npos)
            line.remove_suffix(1);
        if (line.empty() || line.front() == '#') continue;
        const std::string where = "line " + std::to_string(number) + ": ";
        const auto is_digit = [](char c) { return digit(c) >= 0; };
        if (line.size() != 2 * secret_size || !std::all_of(line.begin(), line.end(), is_digit))
            return tl::unexpected(where + "a cookie secret is 32 hexadecimal digits");
        std::array<std::byte, secret_size> secret;
        for (std::size_t i = 0; i < secret.size(); ++i)
            secret[i] = static_cast<std::byte>(digit(line[2 * i]) << 4 | digit(line[2 * i + 1]));
        const SipKey key = SipKey::of(secret);
        if (std::find(secrets.keys().begin(), secrets.keys().end(), key) != secrets.keys().end())
            return tl::unexpected(where + "this secret is there twice");
        if (secrets.count_ == secrets_max)
            return tl::unexpected(where + "more than " + std::to_string(secrets_max) + " secrets");
        secrets.keys_[secrets.count_++] = key;
    }
    if (secrets.empty()) return tl::unexpected<std::string>("it holds no cookie secret");
    return secrets;
}

CookieState check_cookie(const CookieSecrets& secrets, std::span<const std::byte> cookie,
                         const AddressBytes& client, std::uint32_t now_seconds) noexcept {
    if (secrets.empty() || cookie.size() < client_cookie_size) return CookieState::none;
    if (cookie.size() != client_cookie_size + server_cookie_size) return CookieState::unknown;
    const std::byte* server = cookie.data() + client_cookie_size;
    if (std::to_integer<std::uint8_t>(server[0]) != version_siphash) return CookieState::unknown;
    // RFC 9018 §4.3: in serial number arithmetic, so that the year 2106 makes no difference.
    const std::int64_t age = static_cast<std::int32_t>(now_seconds - load32(server + 4));
    if (age > age_max_s || age < -ahead_max_s) return CookieState::unknown;
    const std::uint64_t hash = load_hash(server + hashed_from_server);
    const std::span<const std::byte, hashed_from_server> front(server, hashed_from_server);
    for (const SipKey& key : secrets.keys()) {
        if (cookie_hash(key, cookie.first<client_cookie_size>(), front, client) != hash) continue;
        const bool newest = &key == secrets.keys().data();
        return newest && age <= renewed_from_age_s ? CookieState::good : CookieState::fading;
    }
    return CookieState::unknown;
}

ServerCookie make_cookie(const CookieSecrets& secrets,
                         std::span<const std::byte, client_cookie_size> client_cookie,
                         const AddressBytes& client, std::uint32_t now_seconds) noexcept {
    assert(!secrets.empty());
    ServerCookie cookie{std::byte{version_siphash}};
    store32(cookie.data() + 4, now_seconds);
    const std::uint64_t hash = cookie_hash(secrets.keys().front(), client_cookie,
                                           std::span(cookie).first<hashed_from_server>(), client);
    for (std::size_t i = 0; i < 8; ++i)
        cookie[hashed_from_server + i] = static_cast<std::byte>(hash >> (8 * i) & 0xff);
    return cookie;
}

}  // namespace zones
