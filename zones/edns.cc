#include "zones/edns.h"

#include "zones/node.h"

#include <cassert>
#include <cstring>

namespace zones {

namespace {

// RFC 7873 §5.2.2.
bool is_cookie_size(std::size_t size) {
    return size == client_cookie_size || (size >= client_cookie_size + server_cookie_size_min &&
                                          size <= client_cookie_size + server_cookie_size_max);
}

// RFC 7871 §6: family, length of the source prefix, length of the scope (0 in requests), and no
// more bytes of address than the prefix takes, with zeros behind it.
bool is_client_subnet(std::span<const std::byte> data) {
    if (data.size() < 4) return false;
    const unsigned family = load16(data.data());
    const auto prefix = std::to_integer<std::size_t>(data[2]);
    // Family 0 goes with an empty address: "say nothing of my network", as `dig +subnet=0` asks.
    constexpr std::array<std::size_t, 3> prefix_max{0, 32, 128};
    if (family >= prefix_max.size() || prefix > prefix_max[family]) return false;
    if (data[3] != std::byte{0}) return false;
    const auto address = data.subspan(4);
    if (address.size() != (prefix + 7) / 8) return false;
    const std::size_t used = prefix % 8;
    return used == 0 || (address.back() & static_cast<std::byte>(0xff >> used)) == std::byte{0};
}

Edns::Part part(std::size_t at, std::size_t size) {
    return {static_cast<std::uint16_t>(at), static_cast<std::uint16_t>(size)};
}

}  // namespace

bool read_options(std::span<const std::byte> request, std::size_t at, std::size_t size,
                  Edns& edns) noexcept {
    const std::size_t end = at + size;
    while (at < end) {
        if (end - at < 4) return false;
        const auto code = static_cast<Option>(load16(request.data() + at));
        const std::size_t length = load16(request.data() + at + 2);
        at += 4;
        if (end - at < length) return false;
        switch (code) {
            case Option::nsid:
                edns.nsid = true;  // RFC 5001 §2.2: data in a request are ignored
                break;
            case Option::expire:
                edns.expire = true;  // RFC 7314 §2 has it empty; as BIND does, we look at no data
                break;
            case Option::cookie:
                // RFC 7873 §5.2: only the first is considered.
                if (edns.cookie.size != 0) break;
                if (!is_cookie_size(length)) return false;
                edns.cookie = part(at, length);
                break;
            case Option::client_subnet:
                if (edns.client_subnet.size != 0) break;
                if (!is_client_subnet(request.subspan(at, length))) return false;
                edns.client_subnet = part(at, length);
                break;
            case Option::tcp_keepalive:
                // RFC 7828 §3.2.1 has clients send no timeout; as peers do, we look at none.
                edns.tcp_keepalive = true;
                break;
            default:
                // Among them padding, which we accept and never send: RFC 7830 §6 pads only where
                // messages are encrypted.
                break;
        }
        at += length;
    }
    return true;
}

std::byte* OptRecord::option(Option code, std::size_t size) noexcept {
    assert(options_size_ + head + size <= options_max);
    std::byte* at = options_.data() + options_size_;
    store16(at, static_cast<std::uint16_t>(code));
    store16(at + 2, static_cast<std::uint16_t>(size));
    options_size_ += head + size;
    return at + head;
}

void OptRecord::answer(const Edns& asked, std::span<const std::byte> request, CookieState cookie,
                       const EdnsRules& rules, const Peer& peer, const Turn& turn) noexcept {
    udp_size_ = peer.udp_size_max;
    dnssec_ok_ = asked.dnssec_ok;
    if (asked.nsid && !rules.nsid.empty())
        std::memcpy(option(Option::nsid, rules.nsid.size()), rules.nsid.data(), rules.nsid.size());
    if (cookie != CookieState::none) {
        const auto theirs = asked.cookie.of(request);
        std::byte* at = option(Option::cookie, client_cookie_size + server_cookie_size);
        if (cookie == CookieState::good) {
            std::memcpy(at, theirs.data(), theirs.size());  // RFC 7873 §5.2.5 (a)
        } else {
            const auto client_cookie = theirs.first<client_cookie_size>();
            const ServerCookie ours =
                make_cookie(rules.cookies, client_cookie, peer.address,
                            static_cast<std::uint32_t>(turn.now_seconds));
            std::memcpy(at, client_cookie.data(), client_cookie.size());
            std::memcpy(at + client_cookie.size(), ours.data(), ours.size());
        }
    }
    if (asked.client_subnet.size != 0) {
        // RFC 7871 §7.2.1: the request's own, with a scope of 0, as it is: we have the same answer
        // for every network.
        const auto subnet = asked.client_subnet.of(request);
        std::memcpy(option(Option::client_subnet, subnet.size()), subnet.data(), subnet.size());
    }
    // RFC 7828 §3.3.1: never over UDP.
    if (asked.tcp_keepalive && peer.transport == Peer::Transport::tcp && turn.tcp_idle_ds != 0)
        store16(option(Option::tcp_keepalive, 2), turn.tcp_idle_ds);
}

std::size_t OptRecord::write(std::byte* at, std::uint16_t rcode) const noexcept {
    at[0] = std::byte{0};
    store16(at + 1, static_cast<std::uint16_t>(Type::opt));
    store16(at + 3, udp_size_);
    at[5] = static_cast<std::byte>(rcode >> 4);
    at[6] = std::byte{0};  // RFC 6891 §6.1.3: version 0 is the highest that we know
    // RFC 3225 §3: DO is copied; RFC 6891 §6.1.4: all other flags are zero.
    store16(at + 7, dnssec_ok_ ? 0x8000 : 0);
    store16(at + 9, static_cast<std::uint16_t>(options_size_));
    std::memcpy(at + opt_size, options_.data(), options_size_);
    return size();
}

void OptRecord::add_expire(std::uint32_t seconds) noexcept {
    store32(option(Option::expire, 4), seconds);
}

void OptRecord::add(ExtendedError error) noexcept {
    store16(option(Option::extended_error, 2), static_cast<std::uint16_t>(error));
}

}  // namespace zones
