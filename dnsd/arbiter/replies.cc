// What a heartbeat that gets no lease is told: why, and what to do meanwhile.

#include "dnsd/arbiter/arbiter.h"
#include "heartbeat/sim_points.h"

#include <algorithm>
#include <chrono>

namespace dnsd {

using heartbeat::DenyReason;
using namespace std::chrono_literals;

heartbeat::DenyReason Arbiter::reason(const HeartbeatHeard& heard, Instant now) const {
    if (observing()) return DenyReason::observing;  // of clones too
    const bool holder = record_.holder == heard.from;
    const bool yields = switchover_ && switchover_->began_to_yield();
    if (yields && (holder || !lease_.lives())) return DenyReason::switching;
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
    if (held_back(now)) return DenyReason::paused;
    if (!record_.holder && !election_) return DenyReason::awaiting_first;
    if (unfit(*roster_.find(heard.from), now) != Unfit::no) return DenyReason::not_fit;
    if (!gate_waits_.empty()) return DenyReason::gated;
    return damped_ ? DenyReason::damped : DenyReason::electing;
}

bool Arbiter::rejoins(const ServerId& server) const {
    return std::find(record_.rejoining.begin(), record_.rejoining.end(), server) !=
           record_.rejoining.end();
}

heartbeat::Order Arbiter::order(const HeartbeatHeard& heard) const {
    const bool has_database = heard.beat.flavour != heartbeat::GtidFlavour::none;
    if (!has_database || observing()) return heartbeat::NoOrder{};
    const bool to_yield = switchover_ && switchover_->stage() == Switchover::Stage::yielding &&
                          switchover_->from() == heard.from && lease_.lives();
    if (to_yield) return heartbeat::YieldOrder{switchover_->to(), switchover_->epoch()};
    // The candidate of a switchover goes on receiving until it has all.
    const bool receives = switchover_ && switchover_->stage() == Switchover::Stage::waiting &&
                          switchover_->to() == heard.from && !switchover_->caught_up(heard.beat);
    if (receives) {
        SIM_SOMETIMES(a_candidate_was_waited_for);
        return heartbeat::WaitOrder{};
    }
    if (election_) return heartbeat::PrepareOrder{election_->epoch()};
    if (record_.holder == heard.from && lease_.lives()) return heartbeat::NoOrder{};
    // Only one that is writable is followed; until then its replicas stay where they are.
    if (lease_.state() != LeaseState::held) return heartbeat::WaitOrder{};
    if (!lease_.was_writable()) SIM_SOMETIMES(nobody_followed_before_the_promotion);
    if (!lease_.was_writable() && !SIM_BROKEN(only_a_writable_one_is_followed))
        return heartbeat::WaitOrder{};
    // One that was master takes its own transactions back only as a semi-sync replica
    // (docs/decisions/0001).
    const bool member = commits_wait() ? in_told_set(record_, heard.from)
                                       : acker_of(record_, heard.from) != nullptr;
    if (rejoins(heard.from) && !member) SIM_SOMETIMES(an_old_master_waited_to_be_a_member);
    if (rejoins(heard.from) && !member && !SIM_BROKEN(old_master_rejoins_as_a_member))
        return heartbeat::WaitOrder{};
    if (is_barred(record_, heard.from))
        return heartbeat::WaitOrder{};  // the master would not let it in
    return heartbeat::FollowOrder{};
}

// So that an election is not paced by H: whoever has data is needed soon, and the sooner if
// something that waits for its word is due before. Until the one that was granted is writable, too:
// its commits wait for those that are then told to follow. 0: not before its turn.
Duration Arbiter::retry_after(const HeartbeatHeard& heard, Instant now) const {
    if (heard.beat.flavour == heartbeat::GtidFlavour::none) return Duration::zero();
    const LeaseState state = lease_.state();
    const bool wishes = heard.beat.wants == heartbeat::Wish::master && record_.holder;
    const bool elects = state == LeaseState::expiring || state == LeaseState::window ||
                        (state == LeaseState::free && wishes) ||
                        (state == LeaseState::held && !lease_.was_writable());
    const bool switches =
        switchover_ && (switchover_->to() == heard.from || switchover_->from() == heard.from);
    if (!elects && !switches) return Duration::zero();
    if (SIM_BROKEN(elections_are_not_paced_by_h)) return Duration::zero();
    SIM_SOMETIMES(an_election_was_not_paced_by_h);
    const Duration soon = std::max<Duration>(1ms, rules_.retry_soon());
    Instant due = Instant::max();
    if (state == LeaseState::expiring) due = lease_.ends();
    if (election_) due = election_->opened() + rules_.window();
    // Told in whole milliseconds: not one too early.
    if (due <= now || due - now >= soon) return soon;
    return std::chrono::ceil<std::chrono::milliseconds>(due - now);
}

// Semi-sync that is switched off is told so when the record says it: until then it covers, and who
// acknowledges is in S.
bool Arbiter::commits_wait() const {
    return rules_.semi_sync || record_.covered || !told_set(record_).empty();
}

heartbeat::Deny Arbiter::deny(const HeartbeatHeard& heard, Instant now) const {
    heartbeat::Deny deny;
    deny.request = heard.beat.request;
    deny.epoch = record_.epoch;
    deny.reason = reason(heard, now);
    deny.order = order(heard);
    // Without semi-sync nobody's commits wait: to follow as a member makes nobody an acker. One
    // that is barred is let in again when it says that it is off.
    if (commits_wait())
        deny.semi_sync_set = told_set(record_);
    else if (rejoins(heard.from) && acker_of(record_, heard.from) &&
             !is_barred(record_, heard.from))
        deny.semi_sync_set = {heard.from};
    if (std::holds_alternative<heartbeat::FollowOrder>(deny.order)) {
        const Watched* master = roster_.find(*record_.holder);
        if (master) {
            deny.master = master->rules.id;
            deny.master_addresses = master->rules.addresses;
        } else {
            deny.order = heartbeat::WaitOrder{};
        }
    }
    deny.retry_after = retry_after(heard, now);
    return deny;
}

}  // namespace dnsd
