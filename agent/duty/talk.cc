// What the server says of itself, and when.

#include "agent/duty/duty.h"

#include <algorithm>

namespace agent {

using heartbeat::Heartbeat;
using heartbeat::Role;
using heartbeat::Wish;

namespace {

// What is sent at once when it changes; the rest changes all the time and waits for its turn.
bool same_facts(Heartbeat a, const Heartbeat& b) {
    a.request = b.request;
    a.lease_left = b.lease_left;
    a.received = b.received;
    a.applied = b.applied;
    a.lag = b.lag;
    a.seen = b.seen;
    a.semi_sync_clients = b.semi_sync_clients;
    return a == b;
}

std::string printable(std::string text) {
    if (text.size() > Heartbeat::why_max) text.resize(Heartbeat::why_max);
    for (char& c : text)
        if (c < ' ' || c > '~') c = '?';
    return text;
}

std::optional<heartbeat::GtidPosition> fitting(
    const std::optional<heartbeat::GtidPosition>& position) {
    return position && position->fits() ? position : std::nullopt;
}

}  // namespace

Wish Duty::wish(Instant now) const {
    const bool fenced = fence_report_ > Epoch{} && role() == Role::fenced;
    if (stopping_) return fenced ? Wish::release : Wish::nothing;
    if (!rules_.has_database || !rules_.may_lead || phase_ == Phase::demoting) return Wish::nothing;
    if (!database_.reachable || now < record_retry_) return Wish::nothing;
    // A planned switchover relieves a master whose page is not well; until then it goes on.
    if (holds()) return Wish::master;
    if (now < promotion_.at) return fenced ? Wish::release : Wish::nothing;
    return well() && !errant_ ? Wish::master : Wish::nothing;
}

Epoch Duty::epoch_said() const {
    if (holds()) return held_;
    return role() == Role::fenced ? fence_report_ : Epoch{};
}

std::string Duty::why() const {
    if (!page_.web || !page_.page) return printable("page: " + page_.why);
    if (!rules_.has_database) return {};
    if (!database_.reachable) return printable("database: " + database_.why);
    if (!database_.replication_error.empty())
        return printable("replication: " + database_.replication_error);
    return printable(database_.why);
}

Heartbeat Duty::beat(Instant now) const {
    Heartbeat beat;
    beat.health.web = page_.web;
    beat.health.page = page_.page;
    beat.health.database = !rules_.has_database || database_.reachable;
    beat.health.replication = !rules_.has_database || phase_ == Phase::master ||
                              (database_.io_connected && database_.sql_running);
    beat.why = why();
    beat.role = role();
    beat.held = epoch_said();
    beat.promised = std::min(promise_said_, record_.promised);
    beat.seen = record_.seen;
    beat.wants = wish(now);
    if (deadline_) beat.lease_left = std::max(Duration::zero(), *deadline_ - now);
    beat.weight = rules_.weight;
    beat.priority = rules_.priority;
    beat.may_not_lead = !rules_.may_lead || !rules_.has_database;
    if (!rules_.has_database) return beat;
    beat.flavour = database_.flavour;
    beat.received = fitting(database_.received);
    beat.applied = fitting(database_.applied);
    beat.errant = errant_;
    beat.lag = database_.lag;
    const bool known = target_ && database_.upstream &&
                       std::find(target_->addresses.begin(), target_->addresses.end(),
                                 *database_.upstream) != target_->addresses.end();
    if (known) beat.upstream = target_->master;
    beat.semi_sync = database_.semi_sync;
    beat.semi_sync_clients = database_.semi_sync_clients;
    beat.database_start = database_.start;
    beat.read_only = database_.read_only;
    return beat;
}

void Duty::send(Turn& turn) {
    Heartbeat next = beat(turn.now);
    next.request = ++request_;
    // Replies to what was asked before the first report of a fence no longer count.
    if (next.role == Role::fenced && next.held > fenced_epoch_said_) {
        fenced_epoch_said_ = next.held;
        fenced_said_ = request_ - 1;
    }
    outstanding_.push_back({request_, turn.now, next.wants});
    if (outstanding_.size() > outstanding_max) outstanding_.pop_front();
    said_at_ = turn.now;
    said_ = next;
    turn.effects.push_back(SendHeartbeat{std::move(next)});
}

Instant Duty::resend_at() const {
    if (answered_ || !said_ || resends_ >= 2) return Instant::max();
    return round_ + (resends_ + 1) * (rules_.heartbeat / 4);
}

// Silent until the last word: what it would say meanwhile is that it is not renewed any more.
void Duty::leave(Turn& turn) {
    const bool demoted = phase_ != Phase::demoting;
    const bool over = demoted && wanted_ == record_;
    if (!over && turn.now < stop_by_) return;
    if (said_) send(turn);
    left_ = true;
    left_undone_ = !over;
    if (over) return turn.note(Kind::left, record_.fenced, "");
    turn.note(Kind::left_undone, record_.fenced,
              demoted ? "its record could not be written"
                      : "the database was not seen read-only and may still take writes");
}

void Duty::drive_talk(Turn& turn) {
    const bool looked = page_seen_ && (!rules_.has_database || database_seen_);
    if (stopping_) return leave(turn);
    const bool changed = looked && (!said_ || !same_facts(*said_, beat(turn.now)));
    const bool resend = turn.now >= resend_at();
    if (!said_ || turn.now >= burst_ + rules_.heartbeat) {
        burst_ = turn.now;
        burst_changes_ = 0;
    }
    change_waits_ =
        changed && burst_changes_ >= burst_changes_max && turn.now < said_at_ + change_gap();
    if (changed && !change_waits_) ++burst_changes_;
    if (turn.now >= next_round_ || (changed && !change_waits_)) {
        change_waits_ = false;
        send(turn);
        round_ = turn.now;
        round_request_ = request_;
        next_round_ = turn.now + rules_.heartbeat;
        resends_ = 0;
        answered_ = false;
    } else if (resend) {
        send(turn);
        ++resends_;
    }
}

}  // namespace agent
