#pragma once
// The machine that decides for one group: who is alive, who holds the lease, who is elected
// (docs/PROTOCOL.md). A copyable value without a clock, a socket or a file.

#include "dnsd/arbiter/election.h"
#include "dnsd/arbiter/facts.h"
#include "dnsd/arbiter/lease.h"
#include "dnsd/arbiter/roster.h"
#include "dnsd/arbiter/status.h"

namespace dnsd {

class Arbiter {
public:
    // `remembered` is what the ledger held; nullopt only for a ledger that `arbiterctl init` just made.
    Arbiter(ArbiterRules rules, std::optional<Record> remembered, Instant now);

    // What must happen now, in order. The first step after construction also announces the standing
    // that the record calls for.
    [[nodiscard]] std::vector<Effect> step(const Event& event, Instant now);
    // When the shell owes a ClockTicked.
    Instant wakes_at() const;

    Standing standing() const;
    GroupStatus status(Instant now) const;
};

}  // namespace dnsd
