#pragma once
// How often the arbiter may fail over by itself (docs/PROTOCOL.md, "Damping"): a block after each
// automatic failover, so many in an hour and then only by an operator's word, and a penalty for a
// server that lost its lease. What it knows is the Damping of the Record.

#include "dnsd/arbiter/term.h"

namespace dnsd {

class Damper {
public:
    static constexpr Duration hour = std::chrono::hours(1);
    // A penalty that has worn off to less than this is forgotten.
    static constexpr double penalty_min = 0.05;

    // `wall` holds for the whole run. What the record says of the future, since the wall clock was
    // set back meanwhile, counts as of now.
    Damper(Damping recorded, const Wall& wall);

    // What the ledger must have; changes only with the calls below that are not const.
    const Damping& recorded() const { return damping_; }

    // spent: one more would be more than are allowed in an hour.
    enum class Verdict { free, blocked, spent, manual };
    Verdict judge(const ArbiterRules& rules, Instant now) const;
    // A clause for people: "blocked for another 48 s after the last automatic failover".
    std::string why(const ArbiterRules& rules, Instant now) const;
    std::optional<Duration> block_left(Instant now) const;
    // When a block ends that has not; Instant::max() without one.
    Instant ends(Instant now) const;
    std::size_t failovers_last_hour(Instant now) const;
    double penalty(const ServerId& server, const ArbiterRules& rules, Instant now) const;
    // As elections count it: to the nearest whole point.
    unsigned points(const ServerId& server, const ArbiterRules& rules, Instant now) const;

    // `loser` lost its lease to another without an operator's word. Returns the block, 0: none.
    Duration failed_over(const ServerId& loser, const ArbiterRules& rules, Instant now);
    // ... or by a switchover that it called for itself: a penalty, and no block.
    void penalize(const ServerId& loser, const ArbiterRules& rules, Instant now);
    void make_manual() { damping_.manual = true; }
    // An operator's word: no block, and the hour is counted anew. Penalties wear off by themselves.
    void lift();
    bool anything_to_lift(Instant now) const;
    // Servers that the configuration dropped have no penalty.
    void keep_only(const std::vector<ServerRules>& servers);
    // The block of the next failover, were it now.
    Duration next_block(const ArbiterRules& rules, Instant now) const;

private:
    std::int64_t seconds_at(Instant now) const { return wall_.seconds_at(now); }

    Damping damping_;
    Wall wall_;
};

}  // namespace dnsd
