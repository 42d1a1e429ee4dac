// What a heartbeat that gets no lease is told: why, and what to do meanwhile.

#include "dnsd/arbiter/arbiter.h"

namespace dnsd {

using heartbeat::DenyReason;

heartbeat::DenyReason Arbiter::reason(const HeartbeatHeard& heard, Instant now) const {
    const bool holder = record_.holder == heard.from;
    switch (lease_.state()) {
        case LeaseState::quarantine:
            return holder && record_.closed ? DenyReason::closed_epoch : DenyReason::quarantine;
        case LeaseState::held:
            return holder ? DenyReason::not_fit : DenyReason::other_holds;
        case LeaseState::expiring:
            return holder && lease_.refused() ? DenyReason::closed_epoch : DenyReason::expiring;
        case LeaseState::free:
        case LeaseState::window:
            break;
    }
    if (!ledger_works(now)) return DenyReason::no_state;
    if (!record_.holder && !election_) return DenyReason::awaiting_first;
    return unfit(*roster_.find(heard.from), now).empty() ? DenyReason::electing
                                                         : DenyReason::not_fit;
}

heartbeat::Order Arbiter::order(const HeartbeatHeard& heard) const {
    const bool has_database = heard.beat.flavour != heartbeat::GtidFlavour::none;
    if (!has_database) return heartbeat::NoOrder{};
    if (election_) return heartbeat::PrepareOrder{election_->epoch()};
    if (record_.holder == heard.from && lease_.lives()) return heartbeat::NoOrder{};
    // Only one that is writable is followed; until then its replicas stay where they are.
    if (lease_.state() == LeaseState::held && lease_.was_writable())
        return heartbeat::FollowOrder{};
    return heartbeat::WaitOrder{};
}

heartbeat::Deny Arbiter::deny(const HeartbeatHeard& heard, Instant now) const {
    heartbeat::Deny deny;
    deny.request = heard.beat.request;
    deny.epoch = record_.epoch;
    deny.reason = reason(heard, now);
    deny.semi_sync_set = record_.semi_sync_set;
    deny.serial = serial_;
    deny.order = order(heard);
    if (std::holds_alternative<heartbeat::FollowOrder>(deny.order)) {
        const Watched* master = roster_.find(*record_.holder);
        if (master) {
            deny.master = master->rules.id;
            deny.master_addresses = master->rules.addresses;
        } else {
            deny.order = heartbeat::WaitOrder{};
        }
    }
    // So that an election is not paced by H: whoever has data is needed soon.
    const bool soon = lease_.state() == LeaseState::expiring ||
                      lease_.state() == LeaseState::window ||
                      (lease_.state() == LeaseState::free &&
                       heard.beat.wants == heartbeat::Wish::master && record_.holder);
    if (soon && heard.beat.flavour != heartbeat::GtidFlavour::none)
        deny.retry_after = std::max<Duration>(std::chrono::milliseconds(1), rules_.retry_soon());
    return deny;
}

}  // namespace dnsd
