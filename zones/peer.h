#pragma once
// Who asks, and what changes from query to query.

#include <array>
#include <cstddef>
#include <cstdint>

namespace zones {

inline constexpr std::size_t udp_size_min = 512;       // RFC 1035 §4.2.1
inline constexpr std::size_t udp_size_default = 1232;  // no fragments on any usual path
inline constexpr std::size_t message_size_max = 65535;

using AddressBytes = std::array<std::uint8_t, 16>;  // IPv4 as ::ffff:a.b.c.d

struct Peer {
    enum class Transport : std::uint8_t { udp, tcp };

    AddressBytes address{};
    std::uint16_t port = 0;
    Transport transport = Transport::udp;
    std::uint16_t udp_size_max = udp_size_default;
};

// What changes from query to query and is not in the zone.
struct Turn {
    // RRsets start at this record, modulo their size.
    std::uint64_t rotation = 0;
    std::uint64_t now_seconds = 0;  // Unix time: of signatures, and the age of cookies
    // Over TCP: how long an idle connection stays, in tenths of a second, for those who ask
    // (RFC 7828); 0 is not told.
    std::uint16_t tcp_idle_ds = 0;
    std::uint64_t requests = 0;

    // To be called before each request. A plain count would stand still for those who ask in a
    // rhythm: who asks for A, then AAAA, each time would find an RRset of two at one place. So the
    // count is mixed (the finalizer of MurmurHash3), and every rhythm sees every order.
    void next_request() {
        std::uint64_t x = ++requests;
        x = (x ^ x >> 33) * 0xff51'afd7'ed55'8ccd;
        x = (x ^ x >> 33) * 0xc4ce'b9fe'1a85'ec53;
        rotation = x ^ x >> 33;
    }
};

}  // namespace zones
