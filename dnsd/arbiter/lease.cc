#include "dnsd/arbiter/lease.h"

#include <algorithm>

namespace dnsd {

namespace {

Instant end_of(const ArbiterRules& rules, Duration longest, Instant from) {
    return longest >= Record::unbounded ? Instant::max() : from + rules.expiry(longest);
}

}  // namespace

Lease::Lease(const ArbiterRules& rules, const Record& record, Instant now) {
    if (record.lease_may_live) quarantine(end_of(rules, record.lease_longest, now));
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

void Lease::writable(std::uint64_t database_start) {
    writable_ = true;
    if (database_start_ == 0) database_start_ = database_start;
}

bool Lease::database_restarted(std::uint64_t database_start) const {
    return database_start_ != 0 && database_start != 0 && database_start != database_start_;
}

Instant Lease::lapses_at(const ArbiterRules& rules) const {
    const bool running = state_ == LeaseState::held || state_ == LeaseState::expiring;
    return running && !writable_ && !refused_ ? granted_ + rules.lapse() : Instant::max();
}

}  // namespace dnsd
