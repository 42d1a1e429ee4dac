#pragma once
// DNS cookies (RFC 7873), made and checked in the one way that all servers share (RFC 9018), so
// that the cookie of one server of a name is good at another of them.

#include "zones/peer.h"
#include "zones/siphash.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace zones {

inline constexpr std::size_t client_cookie_size = 8;
inline constexpr std::size_t server_cookie_size = 16;  // of those that we make: RFC 9018 §4
inline constexpr std::size_t server_cookie_size_min = 8, server_cookie_size_max = 32;

using ServerCookie = std::array<std::byte, server_cookie_size>;

// The first secret makes cookies, all are accepted. A secret is changed in three stages (RFC 9018
// §5): the new one stands last until every server has it, then first, and after an hour the old one
// goes.
class CookieSecrets {
public:
    static constexpr std::size_t secrets_max = 4;  // the work that one false cookie asks for
    static constexpr std::size_t secret_size = 16;

    // One secret a line, of 32 hexadecimal digits. Empty lines and those that begin with '#' are
    // passed over. The error names the line.
    static tl::expected<CookieSecrets, std::string> parse(std::string_view text);
    static CookieSecrets of(std::span<const std::byte, secret_size> secret);

    // With a new first one; of these only the first is accepted on.
    CookieSecrets rolled(std::span<const std::byte, secret_size> secret) const;

    bool empty() const { return count_ == 0; }
    std::size_t size() const { return count_; }
    std::span<const SipKey> keys() const { return {keys_.data(), count_}; }
    friend bool operator==(const CookieSecrets&, const CookieSecrets&) = default;

private:
    std::array<SipKey, secrets_max> keys_{};
    std::size_t count_ = 0;
};

// What a request's cookie says of its sender.
enum class CookieState : std::uint8_t {
    none,     // no COOKIE option, or cookies are not ours to answer
    unknown,  // a client's part alone, or with a server's part that is not or no longer good
    good,     // this address was told this cookie by us, in the last hour
    fading,   // as good; but a new one is due
};

// `cookie` is the option's data: the client's part and perhaps a server's.
CookieState check_cookie(const CookieSecrets& secrets, std::span<const std::byte> cookie,
                         const AddressBytes& client, std::uint32_t now_seconds) noexcept;

// By the first of `secrets`, which are not empty.
ServerCookie make_cookie(const CookieSecrets& secrets,
                         std::span<const std::byte, client_cookie_size> client_cookie,
                         const AddressBytes& client, std::uint32_t now_seconds) noexcept;

}  // namespace zones
