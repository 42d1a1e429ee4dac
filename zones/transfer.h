#pragma once
// A zone on its way out, message by message: the SOA, everything else, the SOA again (RFC 5936), or
// in place of everything else the steps from an older version (RFC 1995). All of it is of the one
// version that it began with.

#include "zones/history.h"
#include "zones/wire.h"
#include "zones/zone.h"

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace zones {

class TransferWriter;

// Room is left for the TSIG record of a signed message.
inline constexpr std::size_t transfer_message_max = 65535 - 1024;

class Transfer {
public:
    // Of all steps of `told`, or of the whole zone when it has none. `request` is the whole
    // request: its id and question are repeated in the first message, which `opt` goes with when
    // the request had one.
    Transfer(History told, std::span<const std::byte> request, const Query& query,
             const OptRecord& opt);

    // Writes the next message into `out`, which has room for transfer_message_max, and returns its
    // length; 0 when the zone has been told.
    std::size_t next(std::span<std::byte> out);
    bool done() const { return stage_ == Stage::done; }
    std::span<const std::byte> request() const { return request_; }
    // Whether it tells steps.
    bool incremental() const { return told_.size() != 0; }

private:
    enum class Stage { first_soa, body, last_soa, done };
    // These go on until there is no more of it (true) or until the message is full (false).
    bool write_some(TransferWriter& writer);
    bool write_zone(TransferWriter& writer);
    bool write_node(TransferWriter& writer, const Path& owner);
    bool write_steps(TransferWriter& writer);
    bool write_half(TransferWriter& writer, const Delta& delta);

    History told_;
    std::vector<std::byte> request_;
    Query query_;
    OptRecord opt_;
    Stage stage_ = Stage::first_soa;
    bool first_message_ = true;
    std::size_t record_at_ = 0;  // bytes into the records of the RRset or group being told

    Zone::Cursor cursor_;
    const Node* node_ = nullptr;  // being told
    std::size_t rrset_at_ = 0;    // bytes into its RRsets
    std::size_t rrsets_left_ = 0;

    std::size_t step_ = 0;  // being told
    Delta::Half half_ = Delta::Half::deleted;
    std::size_t group_at_ = 0;
};

}  // namespace zones
