#pragma once
// NOTIFY to a secondary: making one, and reading what it answers (RFC 1996).

#include "zones/name.h"
#include "zones/record.h"
#include "zones/serial.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace zones {

// RFC 1996 §3.6, §3.7: AA set, the new SOA in the answer section. `soa` is the zone's SOA RRset;
// its serial is sent as `serial`.
std::vector<std::byte> make_notify(const Name& zone, Serial serial, const RRset& soa,
                                   std::uint16_t id);

struct NotifyAnswer {
    std::uint16_t id = 0;
    Name zone;  // the root when the answer has no question
    std::uint8_t rcode = 0;
};
// nullopt when it is not an answer to a NOTIFY. A TSIG record is not looked at:
// tsig_verify_answer() does that, also for NOTIFY.
std::optional<NotifyAnswer> read_notify_answer(std::span<const std::byte> message);

}  // namespace zones
