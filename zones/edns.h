#pragma once
// The extension mechanisms (RFC 6891): what a request's OPT record asks for, and what an answer's
// says.

#include "zones/cookie.h"
#include "zones/peer.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace zones {

inline constexpr std::size_t opt_size = 11;  // of an OPT record without options
inline constexpr std::size_t nsid_size_max = 128;

enum class Option : std::uint16_t {
    nsid = 3,             // RFC 5001
    client_subnet = 8,    // RFC 7871
    expire = 9,           // RFC 7314
    cookie = 10,          // RFC 7873
    tcp_keepalive = 11,   // RFC 7828
    padding = 12,         // RFC 7830
    extended_error = 15,  // RFC 8914
};

// RFC 8914 §4: why an answer is what it is.
enum class ExtendedError : std::uint16_t {
    none = 0xffff,
    prohibited = 18,
    not_authoritative = 20,
    not_supported = 21,
};

// What we answer to options, whoever asks.
struct EdnsRules {
    std::vector<std::byte> nsid;    // at most nsid_size_max; empty: not told
    CookieSecrets cookies;          // none: the option is not known to us
    bool cookies_required = false;  // of clients that have cookies, by UDP: else BADCOOKIE
};

// A request's OPT record, as far as it concerns us. Data of options are said by their place in the
// request; size 0 for what is not there or malformed.
struct Edns {
    struct Part {
        std::uint16_t at = 0, size = 0;
        std::span<const std::byte> of(std::span<const std::byte> request) const {
            return request.subspan(at, size);
        }
    };
    std::uint16_t udp_size = 0;
    std::uint8_t version = 0;
    bool dnssec_ok = false;
    bool nsid = false, expire = false, tcp_keepalive = false;
    Part cookie, client_subnet;
};

// Reads the `size` bytes of options at `at`, which are inside the request. False when one of them
// is malformed (RFC 6891 §7); those that we do not know are passed over (§6.1.2).
bool read_options(std::span<const std::byte> request, std::size_t at, std::size_t size,
                  Edns& edns) noexcept;

// The OPT record of an answer, but for the code that it extends.
class OptRecord {
public:
    OptRecord() {}  // NOLINT(modernize-use-equals-default): the bytes stay as they are

    // What `asked` is told; `cookie` is what check_cookie() said of it.
    void answer(const Edns& asked, std::span<const std::byte> request, CookieState cookie,
                const EdnsRules& rules, const Peer& peer, const Turn& turn) noexcept;
    void add(ExtendedError error) noexcept;
    // RFC 7314 §3.1: from a primary, the EXPIRE of the zone's SOA.
    void add_expire(std::uint32_t seconds) noexcept;

    std::size_t size() const { return opt_size + options_size_; }
    std::uint16_t udp_size() const { return udp_size_; }
    bool dnssec_ok() const { return dnssec_ok_; }
    std::span<const std::byte> options() const { return {options_.data(), options_size_}; }
    // The whole record, size() bytes; the return value.
    std::size_t write(std::byte* at, std::uint16_t rcode) const noexcept;

private:
    static constexpr std::size_t head = 4;  // code and length
    static constexpr std::size_t options_max =
        (head + nsid_size_max) + (head + client_cookie_size + server_cookie_size) +
        (head + 4 + 16) + (head + 2) + (head + 2) + (head + 4);

    // Room for the data of one more option.
    std::byte* option(Option code, std::size_t size) noexcept;

    std::uint16_t udp_size_ = 0;
    bool dnssec_ok_ = false;
    std::size_t options_size_ = 0;
    std::array<std::byte, options_max> options_;
};

}  // namespace zones
