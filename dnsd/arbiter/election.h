#pragma once
// Who of the candidates leads next (docs/PROTOCOL.md, "Election"). Both policies put the most
// received first: no choice may lose what another candidate has.

#include "dnsd/arbiter/facts.h"

#include <span>

namespace dnsd {

// A server that promised, and what it said with its promise.
struct Candidate {
    ServerId id;
    heartbeat::GtidPosition received;
    heartbeat::GtidPosition applied;
    unsigned priority = 0;        // as the arbiter's configuration has it
    unsigned priority_asked = 0;  // as the server itself asks for
    std::size_t turn = 0;         // its place among those that asked
    // It led until it yielded to a switchover that failed: it has the lease back, if it lacks
    // nothing.
    bool given_back = false;
    unsigned penalty = 0;  // whole points for leases that it lost
};

struct NoCandidate {};
struct Winner {
    ServerId id;
    std::string why;
};
// Each has something that the other lacks: no automatic grant.
struct Incomparable {
    ServerId one;
    ServerId other;
};
using Outcome = std::variant<NoCandidate, Winner, Incomparable>;

// most-advanced: received, applied, penalty, priority, id. first-request: received, then who asked
// first.
Outcome elect(Choose choose, std::span<const Candidate> candidates);

// One candidate window: since when it is open, and who asked in which order.
class Election {
public:
    Election(Epoch epoch, Instant opened) : epoch_(epoch), opened_(opened) {}

    Epoch epoch() const { return epoch_; }
    Instant opened() const { return opened_; }
    // At most one entry a configured server.
    void asks(const ServerId& server);
    std::size_t turn_of(const ServerId& server) const;

private:
    Epoch epoch_;
    Instant opened_;
    std::vector<ServerId> asked_;
};

}  // namespace dnsd
