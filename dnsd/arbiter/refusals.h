#pragma once
// Replicas that a master refused, as it lacks what they have. Which of the two lost something? One
// whose database never restarted under its epoch has all that it was granted with, and all that it
// wrote: whom it refuses is errant. One that restarted may have lost its tail, and whom it refuses
// may be the one that has everything (docs/decisions/0014).

#include "dnsd/arbiter/roster.h"

namespace dnsd {

class Refusals {
public:
    // What a server says of its refusal, or as the master that refused others. What it proves is in
    // the record. `mark` is of the last reply.
    void hear(const ServerId& from, const heartbeat::Heartbeat& beat, Record& record,
              std::uint64_t mark);
    // Forgets who is configured no more.
    void keep_only(const Roster& roster, Record& record);

private:
    struct Claim {
        Refused refused;
        std::uint64_t mark = 0;  // the last that was told when it was first heard
    };
    std::vector<Claim> claims_;  // of servers that are refused; at most one each
};

// It has what no master gave it, and its position says more than it has: somebody wrote to it by
// hand, or an intact master refused it.
bool errant(const Record& record, const Watched& server);
// That it has what a master lacked, and how that is known; empty when it has not. It may lead all
// the same, when nothing proves that the master has lost nothing.
std::string why_errant(const Record& record, const Watched& server);

}  // namespace dnsd
