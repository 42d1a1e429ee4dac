// What the arbiter says, and which of it counts.

#include "agent/duty/duty.h"

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
            return "not every server has reported";
        case DenyReason::paused:
            return "paused";
        case DenyReason::closed_epoch:
            return "the epoch is closed";
        case DenyReason::no_state:
            return "the arbiter's ledger can not be written";
    }
    return "unknown";
}

Epoch epoch_of(const Deny& deny) {
    const auto* prepare = std::get_if<heartbeat::PrepareOrder>(&deny.order);
    return prepare ? std::max(prepare->epoch, deny.epoch) : deny.epoch;
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
    if (deny && deny->retry_after > Duration::zero() && request == request_)
        next_round_ =
            std::min(next_round_, turn.now + std::max(std::min(deny->retry_after, rules_.heartbeat),
                                                      rules_.heartbeat / 50));
    // Newer than the last that was obeyed, and than the last time it said that it is fenced: what
    // was asked before that was asked by a server that no longer is.
    if (request <= obeyed_ || request <= fenced_said_) return;
    const Epoch epoch = ack ? ack->epoch : epoch_of(*deny);
    if (epoch < std::max(wanted_.seen, wanted_.promised) || epoch > epoch_max) return;
    obeyed_ = request;
    if (ack)
        granted(*ack, sent, turn);
    else
        denied(*deny, sent, turn);
}

void Duty::granted(const Ack& ack, const Sent& sent, Turn& turn) {
    if (sent.wish != Wish::master || ack.epoch <= wanted_.fenced) return;
    if (ack.lease <= Duration::zero() || ack.lease > lease_max) return;
    // Rounded down: a nanosecond too early is safe, one too late is not.
    const Instant deadline =
        sent.at + Duration(static_cast<Duration::rep>(
                      std::floor(static_cast<double>(ack.lease.count()) * (1.0 - rules_.rho))));
    if (holds()) {
        if (ack.epoch != held_) return lose(held_, "a new epoch was granted", turn);
        if (deadline <= *deadline_) return;
        deadline_ = deadline;
        lease_ = ack.lease;
        turn.effects.push_back(LeaseExtended{held_, deadline});
        return;
    }
    // One that comes too late to be of use is left to run out.
    if (phase_ != Phase::follower || stopping_ || deadline - ack.lease / 4 <= turn.now) return;
    held_ = ack.epoch;
    deadline_ = deadline;
    lease_ = ack.lease;
    wanted_.seen = std::max(wanted_.seen, ack.epoch);
    phase_ = Phase::promoting;
    promote_done_ = false;
    prepare_ = Epoch{};
    target_.reset();
    followed_.reset();
    turn.note(Kind::granted, held_, "");
    turn.effects.push_back(LeaseExtended{held_, deadline});
}

void Duty::denied(const Deny& deny, const Sent& sent, Turn& turn) {
    wanted_.seen = std::max(wanted_.seen, deny.epoch);
    if (holds()) {
        // One that asked for nothing was denied nothing.
        if (sent.wish == Wish::master || deny.epoch > held_)
            lose(held_, "denied: " + std::string(name_of(deny.reason)), turn);
        return;
    }
    if (phase_ == Phase::demoting || !rules_.has_database) return;
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
    // The source's rule, "check on each DENY", at most once a heartbeat.
    if (turn.now < dns_asked_ + rules_.heartbeat) return;
    dns_asked_ = turn.now;
    turn.effects.push_back(AskMasterRecord{});
}

}  // namespace agent
