#pragma once
// What the servers tell of transfers: when a long one begins, when one ends, and what was refused.

#include "dnsd/config/endpoint.h"
#include "dnsd/publish/transfer_seen.h"
#include "zones/respond.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace dnsd {

struct TransferNews {
    enum class What : std::uint8_t {
        begun,    // and goes on; one that ends at once is told as ended alone
        ended,    // for whatever reason
        refused,  // or another request whose signature was wrong
    };
    What what = What::ended;
    Endpoint peer;
    std::vector<std::byte> request;  // as it came
    std::uint64_t transfer = 0;      // the same in begun and ended; 0 when only ended is told
    std::optional<zones::Name> signer = {};  // the key
    TransferSeen seen = {};                  // of one that ended
    zones::Outcome outcome = {};             // of what was refused
};

}  // namespace dnsd
