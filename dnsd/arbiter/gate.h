#pragma once
// The zero-loss gate: does this candidate have every commit that was acknowledged? Judged when a
// candidate window would close (docs/PROTOCOL.md, "Zero-loss gate"; docs/decisions/0012).

#include "dnsd/arbiter/ackers.h"

namespace dnsd {

class Gate {
public:
    // `final` is what the last holder had when it reported fenced, in the life of its database in
    // which it was writable.
    Gate(const ArbiterRules& rules, const Record& record, const Roster& roster,
         const Ackers& ackers, const std::optional<heartbeat::GtidPosition>& final)
        : rules_(rules), record_(record), roster_(roster), ackers_(ackers), final_(final) {}

    // Without semi-sync nothing is known of what was acknowledged, and nothing is asked.
    bool stands() const { return rules_.semi_sync; }
    bool passes(const Watched& candidate) const;
    // For whom and for what it waits, as one clause, when it does not let this one pass.
    std::string waits_for(const Watched& candidate) const;

private:
    bool is_intact_holder(const Watched& candidate) const;
    bool holder_led() const;
    bool has_final(const Watched& candidate) const;
    bool has_all_of_set(const Watched& candidate) const;
    bool has_all_of_everybody(const Watched& candidate) const;
    bool memory_is_intact() const;
    bool is_holder_without_rival(const Watched& candidate) const;
    // Why this member's word does not count yet, or shows that the candidate lacks something; empty
    // when the candidate has all that it has.
    std::string lacks(const Watched& candidate, const ServerId& other, const Acker* acker) const;
    bool kept_what_it_had(const Watched& holder) const;
    bool was_never_let_in(const Watched& member) const;
    bool was_sent_nothing(const Watched& server) const;
    bool says_what_it_has(const Watched& server) const;
    bool asked_and_has(const Watched& candidate, const Watched& other) const;
    Epoch epoch() const { return record_.epoch.next(); }

    const ArbiterRules& rules_;
    const Record& record_;
    const Roster& roster_;
    const Ackers& ackers_;
    const std::optional<heartbeat::GtidPosition>& final_;
};

}  // namespace dnsd
