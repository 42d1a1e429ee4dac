#pragma once
// The door: request bytes in, response bytes out. Servers, fuzzers, benches and tests all come in
// here, and no input whatever throws, asserts or takes more than a bounded time.

#include "zones/catalog.h"
#include "zones/peer.h"
#include "zones/transfer.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace zones {

// One datagram: writes into `out`, which should have room for peer.udp_size_max, and returns the
// length; 0 means stay silent. Allocates nothing.
std::size_t respond(const Catalog& catalog, std::span<const std::byte> request, const Peer& peer,
                    const Turn& turn, std::span<std::byte> out) noexcept;

// The transfer that a stream request asks for; nullopt when it does not, may not, or when the SOA
// alone is the answer: then it is one message, by the door above.
std::optional<Transfer> begin_transfer(const Catalog& catalog, std::span<const std::byte> request,
                                       const Peer& peer, const Turn& turn);

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
