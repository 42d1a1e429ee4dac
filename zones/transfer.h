#pragma once
// A zone on its way out, message by message (RFC 5936): the SOA, everything else, the SOA again,
// all of the one version that it began with.

#include "zones/wire.h"
#include "zones/zone.h"

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace zones {

// Room is left for the TSIG record of a signed message.
inline constexpr std::size_t transfer_message_max = 65535 - 1024;

class Transfer {
public:
    // `request` is the whole request: its id and question are repeated in the first message, which
    // `opt` goes with when the request had one.
    Transfer(std::shared_ptr<const Zone> zone, std::span<const std::byte> request,
             const Query& query, const OptRecord& opt);

    // Writes the next message into `out`, which has room for transfer_message_max, and returns its
    // length; 0 when the zone has been told.
    std::size_t next(std::span<std::byte> out);
    bool done() const { return stage_ == Stage::done; }
    std::span<const std::byte> request() const { return request_; }

private:
    enum class Stage { first_soa, records, last_soa, done };
    bool write_some(Writer& writer);

    std::shared_ptr<const Zone> zone_;
    std::vector<std::byte> request_;
    Query query_;
    OptRecord opt_;
    Stage stage_ = Stage::first_soa;
    bool first_message_ = true;
    Zone::Cursor cursor_;
    const Node* node_ = nullptr;  // being told
    std::size_t rrset_at_ = 0;    // bytes into its RRsets
    std::size_t rrsets_left_ = 0;
    std::size_t record_at_ = 0;  // bytes into the RRset's records
};

}  // namespace zones
