// What the arbiter says, and which of it counts.

#include "agent/duty/duty.h"

#include "heartbeat/drift.h"
#include "heartbeat/sim_points.h"

#include <algorithm>
#include <cmath>

namespace agent {

using heartbeat::Ack;
using heartbeat::Deny;
using heartbeat::Wish;

namespace {

std::string_view name_of(heartbeat::DenyReason reason) {
    using heartbeat::DenyReason;
    switch (reason) {
        case DenyReason::other_holds:
            return "another server holds the lease";
        case DenyReason::quarantine:
            return "the arbiter has just started";
        case DenyReason::expiring:
            return "the lease runs out";
        case DenyReason::electing:
            return "candidates are being heard";
        case DenyReason::not_fit:
            return "not fit to lead";
        case DenyReason::awaiting_first:
            return "the first election waits for a server";
        case DenyReason::paused:
            return "paused";
        case DenyReason::closed_epoch:
            return "the epoch is closed";
        case DenyReason::no_state:
            return "the arbiter's ledger can not be written";
        case DenyReason::switching:
            return "a switchover is under way";
        case DenyReason::observing:
            return "the arbiter only observes";
        case DenyReason::damped:
            return "automatic failovers are blocked";
        case DenyReason::gated:
            return "the zero-loss gate waits";
    }
    return "unknown";
}

Epoch epoch_of(const Deny& deny) {
    const auto* prepare = std::get_if<heartbeat::PrepareOrder>(&deny.order);
    return prepare ? std::max(prepare->epoch, deny.epoch) : deny.epoch;
}

// A D that means nothing is not obeyed: the default stands.
Duration demotion_of(const Ack& ack) {
    const bool sane = ack.demotion > Duration::zero() && ack.demotion < ack.lease;
    return sane ? ack.demotion : ack.lease / 4;
}

}  // namespace

void Duty::hear(const heartbeat::Reply& reply, Turn& turn) {
    const auto* ack = std::get_if<Ack>(&reply);
    const auto* deny = std::get_if<Deny>(&reply);
    const std::uint64_t request = ack ? ack->request : deny->request;
    const auto at = std::find_if(outstanding_.begin(), outstanding_.end(),
                                 [&](const Sent& sent) { return sent.request == request; });
    if (at == outstanding_.end()) return;  // a second copy, or too old
    const Sent sent = *at;
    outstanding_.erase(at);
    if (request >= round_request_) answered_ = true;
    revision_ = std::max(revision_, ack ? ack->revision : deny->revision);
    if (deny && deny->retry_after > Duration::zero() && request == request_) {
        next_round_ =
            std::min(next_round_, turn.now + std::max(std::min(deny->retry_after, rules_.heartbeat),
                                                      rules_.heartbeat / 50));
        look_ = rules_.has_database;  // what it then says is to be new
    }
    // Newer than the last that was obeyed, and than the last time it said that it is fenced: what
    // was asked before that was asked by a server that no longer is.
    if (request <= obeyed_) SIM_SOMETIMES(a_reply_came_after_a_newer_one);
    if (!SIM_BROKEN(newer_than_the_last_obeyed) && request <= obeyed_) return;
    if (request <= fenced_said_) SIM_SOMETIMES(a_reply_came_after_the_fence);
    if (!SIM_BROKEN(no_fenced_epoch_again) && request <= fenced_said_) return;
    const Epoch epoch = ack ? ack->epoch : epoch_of(*deny);
    const bool below = epoch < std::max(wanted_.seen, wanted_.promised);
    if (below) SIM_SOMETIMES(a_reply_was_below_the_known);
    if (below && !SIM_BROKEN(no_epoch_below_the_known)) return;
    if (epoch > epoch_max) return;
    obeyed_ = std::max(obeyed_, request);
    obey(reply, sent, turn);
}

void Duty::obey(const heartbeat::Reply& reply, const Sent& sent, Turn& turn) {
    const auto* ack = std::get_if<Ack>(&reply);
    const auto* deny = std::get_if<Deny>(&reply);
    // When full the newest gives way: a look that is on its way may be older than all of them.
    if (marks_.size() == marks_max) marks_.pop_back();
    marks_.emplace_back(ack ? ack->mark : deny->mark, turn.now);
    // An arbiter that only observes decides nothing, and what it does not say is no order either.
    if (deny && deny->reason == heartbeat::DenyReason::observing) {
        SIM_SOMETIMES(an_agent_was_told_nothing);
        return;
    }
    const std::vector<ServerId>& set = ack ? ack->semi_sync_set : deny->semi_sync_set;
    const Setting before = setting();
    // A DENY does not say who is barred: a master that hears one bars whom it did before.
    Told told{set.empty(), std::find(set.begin(), set.end(), rules_.self) != set.end(), {}, 0};
    if (ack) {
        told.barred = ack->barred;
        told.mark = ack->mark;
    } else if (told_ && holds() && !SIM_BROKEN(deny_bars_as_before)) {
        told.barred = told_->barred;
        told.mark = told_->mark;
    } else {
        told.mark = deny->mark;
    }
    told_ = std::move(told);
    if (ack)
        granted(*ack, sent, turn);
    else
        denied(*deny, sent, turn);
    if (setting() != before) configure_.clear();  // it does not wait for what failed before
    if (configured_ && configured_->barred == told_->barred) barred_ = told_->mark;
}

// Another boot of the arbiter counts its marks anew, and what the last one still says is not for
// this one's ears: it would be a mark of its own.
void Duty::introduce() {
    if (!outstanding_.empty()) SIM_SOMETIMES(requests_died_with_the_arbiter);
    if (!SIM_BROKEN(no_reply_of_another_boot)) outstanding_.clear();
    if (!SIM_BROKEN(marks_of_one_boot)) {
        marks_.clear();
        mark_ = barred_ = 0;
        if (told_) told_->mark = 0;
        if (verb_) verb_->mark = 0;
    }
    tell_ = true;
}

void Duty::granted(const Ack& ack, const Sent& sent, Turn& turn) {
    if (sent.wish != Wish::master) return;
    if (ack.epoch <= wanted_.fenced) SIM_SOMETIMES(an_ack_was_of_a_fenced_epoch);
    if (!SIM_BROKEN(no_fenced_epoch_again) && ack.epoch <= wanted_.fenced) return;
    if (ack.lease <= Duration::zero() || ack.lease > lease_max) return;
    // Rounded down: a nanosecond too early is safe, one too late is not.
    const double rho = SIM_BROKEN(lease_cut_by_the_drift) ? 0.0 : heartbeat::agent_drift;
    const Instant from = SIM_BROKEN(lease_from_send) ? turn.now : sent.at;
    const Instant deadline = from + Duration(static_cast<Duration::rep>(std::floor(
                                        static_cast<double>(ack.lease.count()) * (1.0 - rho))));
    if (holds()) {
        if (ack.epoch != held_) return lose(held_, "a new epoch was granted", turn);
        if (deadline <= *deadline_) {
            SIM_SOMETIMES(a_late_ack_shortened_nothing);
            return;
        }
        take_lease(ack, deadline);
        turn.effects.push_back(LeaseExtended{held_, deadline});
        return;
    }
    // One that comes too late to be of use is left to run out.
    const Instant useless = deadline - demotion_of(ack);
    if (useless <= turn.now) SIM_SOMETIMES(an_ack_came_too_late);
    if (phase_ != Phase::follower || stopping_ || useless <= turn.now) return;
    held_ = ack.epoch;
    take_lease(ack, deadline);
    wanted_.seen = std::max(wanted_.seen, ack.epoch);
    phase_ = Phase::promoting;
    promote_done_ = false;
    database_start_ = sent.start;
    generation_asked_ = sent.generation;
    prepare_ = Epoch{};
    target_.reset();
    followed_.reset();
    turn.note(Kind::granted, held_, "");
    turn.effects.push_back(LeaseExtended{held_, deadline});
    if (!restarted_since_asked()) return;
    // What it was elected for, the relay log, is gone (docs/decisions/0012).
    SIM_SOMETIMES(granted_to_a_database_that_restarted);
    lose(held_, "the database restarted, or its relay log began anew, after it asked", turn);
    give_back(turn);
}

void Duty::take_lease(const Ack& ack, Instant deadline) {
    deadline_ = deadline;
    lease_ = ack.lease;
    demotion_ = demotion_of(ack);
}

void Duty::denied(const Deny& deny, const Sent& sent, Turn& turn) {
    wanted_.seen = std::max(wanted_.seen, deny.epoch);
    if (holds()) {
        const bool yields = std::holds_alternative<heartbeat::YieldOrder>(deny.order);
        if (yields) SIM_SOMETIMES(the_holder_yielded);
        // One that asked for nothing was denied nothing.
        if (yields || sent.wish == Wish::master || deny.epoch > held_)
            lose(held_, "denied: " + std::string(name_of(deny.reason)), turn);
        return;
    }
    if (phase_ == Phase::demoting || !rules_.has_database) return;
    waits_ = !std::holds_alternative<heartbeat::FollowOrder>(deny.order) &&
             !SIM_BROKEN(wait_begins_nothing);
    if (std::holds_alternative<heartbeat::WaitOrder>(deny.order) && prepare_ > Epoch{})
        SIM_SOMETIMES(a_promise_stood_through_a_wait);
    if (const auto* prepare = std::get_if<heartbeat::PrepareOrder>(&deny.order)) {
        if (prepare->epoch > prepare_) {
            prepare_ = prepare->epoch;
            prepare_retry_.clear();  // a new window does not wait for what failed in the last
        }
        target_.reset();
    }
    if (std::holds_alternative<heartbeat::FollowOrder>(deny.order) && deny.master &&
        *deny.master != rules_.self && !deny.master_addresses.empty())
        follow(deny, turn);
}

void Duty::follow(const Deny& deny, Turn& turn) {
    const bool same = target_ && target_->master == *deny.master &&
                      target_->addresses == deny.master_addresses && target_->epoch == deny.epoch;
    if (!same) {
        follow_.clear();
        dns_mismatches_ = 0;
    }
    target_ = Target{*deny.master, deny.master_addresses, deny.epoch};
    prepare_ = Epoch{};
    fence_report_ = Epoch{};  // another leads: nobody waits for our word
    final_look_.reset();
    // The source's rule, "check on each DENY", at most once a heartbeat.
    if (turn.now < dns_asked_ + rules_.heartbeat) return;
    dns_asked_ = turn.now;
    turn.effects.push_back(AskMasterRecord{});
}

}  // namespace agent
