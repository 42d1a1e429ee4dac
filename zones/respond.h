#pragma once
// The door: request bytes in, response bytes out. Servers, fuzzers, benches and tests all come in
// here, and no input whatever throws, asserts or takes more than a bounded time.

#include "zones/catalog.h"
#include "zones/peer.h"
#include "zones/tsig_stream.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace zones {

// Why a request was refused that asked for more than names: for the log of whoever sends the
// response. Every transfer that is refused has one, and every request whose signature is wrong.
enum class Refusal : std::uint8_t {
    none,
    no_such_zone,  // no zone of ours begins at that name
    not_allowed,   // no rule is met by this address, with this key or without any
    key_unknown,   // BADKEY: also when the key's algorithm is another
    bad_signature,
    bad_time,
    bad_truncation,
};
inline constexpr std::size_t refusals = 7;
// For people, behind "refused transfer of ZONE to ADDRESS: ".
std::string_view text(Refusal refusal) noexcept;

// What a response was, beyond its bytes. The zone's name is QNAME of the request, and stands there
// uncompressed, from header_size on.
struct Outcome {
    Refusal refusal = Refusal::none;
    Rcode rcode = Rcode::noerror;  // with what the OPT adds to the header's bits
    bool transfer = false;         // AXFR or IXFR of class IN was asked for, in a query
    std::uint8_t name_size = 0;    // of QNAME; 0 when there was none

    std::span<const std::byte> name(std::span<const std::byte> request) const {
        return request.subspan(header_size, name_size);
    }
};

// One datagram: writes into `out`, which should have room for peer.udp_size_max, and returns the
// length; 0 means stay silent. Allocates nothing. `outcome`, when not null, is set to what became
// of the request.
std::size_t respond(const Catalog& catalog, std::span<const std::byte> request, const Peer& peer,
                    const Turn& turn, std::span<std::byte> out,
                    Outcome* outcome = nullptr) noexcept;

// The transfer that a stream request asks for, signed if the request is; nullopt when it does not,
// may not, or when the SOA alone is the answer: then it is one message, by the door above.
std::optional<TsigStream> begin_transfer(const Catalog& catalog, std::span<const std::byte> request,
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
    std::optional<TsigStream> transfer_;
    std::uint64_t now_seconds_ = 0;
};

Response respond(std::shared_ptr<const Catalog> catalog, std::span<const std::byte> request,
                 const Peer& peer, const Turn& turn);

}  // namespace zones
