#pragma once
// One lease and the time that rules it: quarantine → held ⇄ expiring → free → window → held. What
// of it must survive a restart is in the Record; here is what this run of the arbiter knows. No
// timer is judged here but by the caller's tick.

#include "dnsd/arbiter/status.h"

namespace dnsd {

// As an ACK tells a lease of that length, in whole milliseconds: an agent that takes it to be
// shorter by heartbeat::agent_drift ends by L(1 - rho) on its own clock, whatever rho is here.
Duration as_told(const ArbiterRules& rules, Duration lease);

class Lease {
public:
    // A recorded lease that may live is waited out: quarantine for E from now.
    Lease(const ArbiterRules& rules, const Record& record, Instant now);

    LeaseState state() const { return state_; }
    // A server may be writable under it: nobody else can be granted.
    bool lives() const;
    // When it has surely ended; only while it lives.
    Instant ends() const { return ends_; }
    Instant last_ack() const { return last_ack_; }
    // Of its epoch, or its first renewal after a start.
    Instant granted() const { return granted_; }

    // An ACK leaves at `now` under a new epoch, or under the same.
    void grant(const ArbiterRules& rules, Duration longest, Instant now);
    void renew(const ArbiterRules& rules, Duration longest, Instant now);
    // The holder has a deadline from now on, where it had none.
    void bound(const ArbiterRules& rules, Duration longest, Instant now);
    // The holder gets no further ACK, whatever it says: the lease only runs out.
    void refuse();
    bool refused() const { return refused_; }
    // The holder's ACKs stay away long enough: agents are told to ask soon.
    void expire() { state_ = LeaseState::expiring; }
    Instant expires_at(const ArbiterRules& rules) const;
    // It has surely ended.
    void free();
    void open_window() { state_ = LeaseState::window; }
    // A lease of which nothing is known but that it may live until then.
    void quarantine(Instant until);

    // The holder was heard to be writable under this epoch, in this run of the arbiter.
    void writable() { writable_ = true; }
    bool was_writable() const { return writable_; }
    // When a grant under which nobody became writable lapses.
    Instant lapses_at(const ArbiterRules& rules) const;

private:
    Lease() = default;

    LeaseState state_ = LeaseState::free;
    Instant ends_{};
    Instant last_ack_{};
    Instant granted_{};
    bool refused_ = false;
    bool writable_ = false;
};

}  // namespace dnsd
