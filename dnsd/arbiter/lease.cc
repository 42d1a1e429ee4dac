#include "dnsd/arbiter/lease.h"

#include "heartbeat/drift.h"
#include "heartbeat/sim_points.h"

#include <chrono>

namespace dnsd {

namespace {

Instant end_of(const ArbiterRules& rules, Duration longest, Instant from) {
    if (longest >= Record::unbounded) {
        if (!SIM_BROKEN(unconfirmed_lease_has_no_end)) return Instant::max();
        longest = rules.lease;
    }
    if (SIM_BROKEN(longest_lease_counts)) longest = rules.lease;
    if (SIM_BROKEN(expiry_is_waited_for)) return from + longest / 4;
    if (SIM_BROKEN(expiry_counts_drift)) return from + longest;
    return from + rules.expiry(longest);
}

}  // namespace

Duration as_told(const ArbiterRules& rules, Duration lease) {
    if (rules.rho <= heartbeat::agent_drift || SIM_BROKEN(ack_cut_by_the_drift)) return lease;
    SIM_SOMETIMES(a_lease_was_told_shorter);
    const double share = (1.0 - rules.rho) / (1.0 - heartbeat::agent_drift);
    const std::chrono::duration<double, std::nano> cut(static_cast<double>(lease.count()) * share);
    return std::chrono::floor<std::chrono::milliseconds>(cut);
}

Lease::Lease(const ArbiterRules& rules, const Record& record, Instant now) {
    if (record.lease_may_live) {
        if (!SIM_BROKEN(quarantine_after_restart))
            quarantine(end_of(rules, record.lease_longest, now));
    } else if (record.epoch != Epoch{} && !SIM_BROKEN(free_is_not_believed_at_once)) {
        // It may be an older copy, and somebody hold what was granted since.
        quarantine(now + rules.expiry(rules.lease));
    }
}

bool Lease::lives() const {
    return state_ == LeaseState::quarantine || state_ == LeaseState::held ||
           state_ == LeaseState::expiring;
}

void Lease::grant(const ArbiterRules& rules, Duration longest, Instant now) {
    *this = Lease();
    state_ = LeaseState::held;
    granted_ = last_ack_ = now;
    ends_ = end_of(rules, longest, now);
}

void Lease::renew(const ArbiterRules& rules, Duration longest, Instant now) {
    if (state_ == LeaseState::quarantine) granted_ = now;
    state_ = LeaseState::held;
    last_ack_ = now;
    // `longest` is of all that were told under this epoch: this is not earlier than before.
    ends_ = end_of(rules, longest, now);
}

void Lease::bound(const ArbiterRules& rules, Duration longest, Instant now) {
    if (ends_ == Instant::max()) granted_ = now;  // it has its lease since this was heard
    ends_ = end_of(rules, longest, now);
}

void Lease::refuse() {
    refused_ = true;
    if (state_ == LeaseState::held) state_ = LeaseState::expiring;
}

Instant Lease::expires_at(const ArbiterRules& rules) const {
    if (state_ != LeaseState::held) return Instant::max();
    return last_ack_ + rules.lease - rules.demotion();
}

void Lease::free() {
    *this = Lease();
}

void Lease::quarantine(Instant until) {
    state_ = LeaseState::quarantine;
    ends_ = until;
    refused_ = writable_ = false;
}

Instant Lease::lapses_at(const ArbiterRules& rules) const {
    if (SIM_BROKEN(grant_without_a_writer_lapses)) return Instant::max();
    const bool running = state_ == LeaseState::held || state_ == LeaseState::expiring;
    // One without an end gets it by an ACK that arrives, however late.
    if (ends_ == Instant::max()) return Instant::max();
    return running && !writable_ && !refused_ ? granted_ + rules.lapse() : Instant::max();
}

}  // namespace dnsd
