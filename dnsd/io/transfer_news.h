#pragma once
// What the servers tell of transfers: when a long one begins, when one ends, and what was refused.

#include "dnsd/config/endpoint.h"
#include "dnsd/publish/transfer_seen.h"
#include "zones/name.h"
#include "zones/respond.h"
#include "zones/serial.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace dnsd {

struct TransferNews {
    enum class What : std::uint8_t {
        begun,    // and goes on; one that ends at once is told as ended alone
        ended,    // for whatever reason
        refused,  // or another request whose signature was wrong
    };
    What what = What::ended;
    Endpoint peer;
    // That was asked for; nullopt at the end of one that was told as begun: it is that one's.
    std::optional<zones::Name> zone = {};
    std::optional<zones::Serial> has = {};   // what an IXFR says, as the zone
    std::optional<zones::Name> signer = {};  // the key, as the zone
    std::uint64_t transfer = 0;   // the same in begun and ended; 0 when only ended is told
    TransferSeen seen = {};       // of one that ended
    zones::Outcome outcome = {};  // of what was refused
};

// News that there was no room for, since start.
struct TransfersLeftOut {
    std::array<std::uint64_t, zones::refusals> refused{};  // by zones::Refusal
    std::uint64_t permitted = 0;                           // begins and ends

    std::uint64_t all_refused() const {
        std::uint64_t all = 0;
        for (const std::uint64_t one : refused) all += one;
        return all;
    }
    TransfersLeftOut& operator+=(const TransfersLeftOut& other) {
        for (std::size_t i = 0; i < refused.size(); ++i) refused[i] += other.refused[i];
        permitted += other.permitted;
        return *this;
    }
};

}  // namespace dnsd
