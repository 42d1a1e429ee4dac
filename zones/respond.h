#pragma once
// The door: request bytes in, response bytes out. Servers, fuzzers, benches and tests all come in
// here, and no input whatever throws, asserts or takes more than a bounded time.

#include "zones/catalog.h"
#include "zones/transfer.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace zones {

inline constexpr std::size_t udp_size_min = 512;       // RFC 1035 §4.2.1
inline constexpr std::size_t udp_size_default = 1232;  // no fragments on any usual path
inline constexpr std::size_t message_size_max = 65535;

struct Peer {
    enum class Transport : std::uint8_t { udp, tcp };

    std::array<std::uint8_t, 16> address{};  // IPv4 as ::ffff:a.b.c.d
    std::uint16_t port = 0;
    Transport transport = Transport::udp;
    std::uint16_t udp_size_max = udp_size_default;
};

// What changes from query to query and is not in the zone.
struct Turn {
    std::uint64_t rotation = 0;     // RRsets start at this record, modulo their size
    std::uint32_t now_seconds = 0;  // Unix time, modulo 2^32: the age of cookies (RFC 9018 §4.3)
    // Over TCP: how long an idle connection stays, in tenths of a second, for those who ask
    // (RFC 7828); 0 is not told.
    std::uint16_t tcp_idle_ds = 0;
};

// One datagram: writes into `out`, which should have room for peer.udp_size_max, and returns the
// length; 0 means stay silent. Allocates nothing.
std::size_t respond(const Catalog& catalog, std::span<const std::byte> request, const Peer& peer,
                    const Turn& turn, std::span<std::byte> out) noexcept;

// The transfer that a stream request asks for; nullopt when it does not, may not, or when the SOA
// alone is the answer: then it is one message, by the door above.
std::optional<Transfer> begin_transfer(const Catalog& catalog, std::span<const std::byte> request,
                                       const Peer& peer);

// The answer to one stream request: as many messages as it takes, all from the one snapshot.
class Response {
public:
    // The next message, without the length prefix; false when there is none.
    bool next(std::vector<std::byte>& message);

private:
    friend Response respond(std::shared_ptr<const Catalog> catalog,
                            std::span<const std::byte> request, const Peer& peer, const Turn& turn);
    std::vector<std::byte> single_;
    std::optional<Transfer> transfer_;
};

Response respond(std::shared_ptr<const Catalog> catalog, std::span<const std::byte> request,
                 const Peer& peer, const Turn& turn);

}  // namespace zones
