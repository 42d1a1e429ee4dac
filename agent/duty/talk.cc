// What the server says of itself, and when.

#include "agent/duty/duty.h"

#include "heartbeat/sim_points.h"

#include <algorithm>
#include <tuple>

namespace agent {

using heartbeat::Heartbeat;
using heartbeat::Role;
using heartbeat::Wish;

namespace {

// What is sent at once when it changes. The rest changes all the time and waits for its turn:
// request, lease_left, received, applied, lag, seen, semi_sync_clients, mark, barred, revision.
bool same_facts(const Heartbeat& a, const Heartbeat& b) {
    const auto facts = [](const Heartbeat& beat) {
        return std::tie(beat.role, beat.wants, beat.held, beat.promised, beat.read_only,
                        beat.semi_sync, beat.database_start, beat.health, beat.flavour, beat.errant,
                        beat.refused_under, beat.upstream, beat.weight, beat.priority, beat.drain,
                        beat.may_not_lead, beat.why);
    };
    return facts(a) == facts(b);
}

std::string printable(std::string_view of, const std::string& why) {
    if (of.empty() && why.empty()) return {};
    std::string text(of);
    text += why;
    if (text.size() > Heartbeat::why_max) text.resize(Heartbeat::why_max);
    for (char& c : text)
        if (c < ' ' || c > '~') c = '?';
    return text;
}

}  // namespace

std::optional<heartbeat::GtidPosition> Duty::fitting(
    const std::optional<heartbeat::GtidPosition>& position) {
    return position && position->fits() ? position : std::nullopt;
}

Wish Duty::wish(Instant now) const {
    const bool fenced = fence_report_ > Epoch{} && role() == Role::fenced;
    if (stopping_) return fenced ? Wish::release : Wish::nothing;
    if (!rules_.has_database || !rules_.may_lead || phase_ == Phase::demoting) return Wish::nothing;
    if (!database_.reachable || now < record_retry_) return Wish::nothing;
    // A planned switchover relieves a master whose page is not well; until then it goes on.
    if (holds()) return Wish::master;
    if (now < promotion_.at) {
        SIM_SOMETIMES(others_got_their_chance);
        return fenced ? Wish::release : Wish::nothing;
    }
    // One that is errant asks too: what that means for it the arbiter knows, or an operator.
    return well() || SIM_BROKEN(unwell_never_leads) ? Wish::master : Wish::nothing;
}

Epoch Duty::epoch_said() const {
    if (holds()) return held_;
    return role() == Role::fenced ? fence_report_ : Epoch{};
}

std::string Duty::why() const {
    if (!page_.web || !page_.page) return printable("page: ", page_.why);
    if (!rules_.has_database) return {};
    if (!database_.reachable) return printable("database: ", database_.why);
    if (!database_.replication_error.empty())
        return printable("replication: ", database_.replication_error);
    return printable({}, database_.why);
}

// All but the positions: it is made after every event, to see whether anything changed.
Heartbeat Duty::facts(Instant now) const {
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
    beat.revision = revision_;
    beat.may_not_lead = !rules_.may_lead || !rules_.has_database;
    if (!rules_.has_database) return beat;
    beat.flavour = database_.flavour;
    if (const std::optional<Errant>& errant = wanted_.errant) {
        beat.errant = errant->refused ? heartbeat::Errant::refused : heartbeat::Errant::wrote;
        if (errant->refused) beat.refused_under = errant->under;
    }
    beat.lag = database_.lag;
    if (target_ && at_target()) beat.upstream = target_->master;
    beat.semi_sync = database_.semi_sync;
    beat.semi_sync_clients = database_.semi_sync_clients;
    beat.database_start = start_said(database_.start, generation());
    // Of a database that could not be looked at nothing was read after anything.
    if (database_.reachable) beat.mark = mark_;
    if (SIM_BROKEN(mark_after_the_look) && !marks_.empty()) beat.mark = marks_.back().first;
    beat.barred = barred_said();
    beat.read_only = database_.read_only;
    return beat;
}

void Duty::add_positions(Heartbeat& beat) const {
    if (!rules_.has_database) return;
    // With a fence goes the final position, and that was not read before the demotion had ended.
    if (beat.role == Role::fenced && final_look_) SIM_SOMETIMES(a_fence_had_no_position_yet);
    const bool final =
        beat.role != Role::fenced || !final_look_ || SIM_BROKEN(final_position_after_the_demotion);
    // What was received in another relay log than is said would pass for what that one has.
    if (!final || start_is_owed()) return;
    beat.received = fitting(database_.received);
    beat.applied = fitting(database_.applied);
}

void Duty::send(Heartbeat&& next, Turn& turn) {
    said_ = next;  // that it has no positions yet same_facts() does not see
    add_positions(next);
    if (!SIM_BROKEN(each_heartbeat_has_its_request) || resend_at() > turn.now) ++request_;
    next.request = request_;
    // Replies to what was asked before the first report of a fence no longer count.
    if (next.role == Role::fenced && next.held > fenced_epoch_said_) {
        fenced_epoch_said_ = next.held;
        fenced_said_ = request_ - 1;
    }
    outstanding_.push_back({request_, turn.now, next.wants, database_.start, generation()});
    tell_ = false;
    if (outstanding_.size() > outstanding_max) outstanding_.pop_front();
    said_at_ = turn.now;
    turn.effects.emplace_back(SendHeartbeat{std::move(next)});
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
    if (said_) send(facts(turn.now), turn);
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
    // It is durable with the tick that is due.
    if (start_is_owed() && !turn.ticked && turn.now >= record_retry_) return;
    Heartbeat next = facts(turn.now);
    const bool changed = looked && (!said_ || tell_ || !same_facts(*said_, next));
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
        send(std::move(next), turn);
        round_ = turn.now;
        round_request_ = request_;
        next_round_ = turn.now + rules_.heartbeat;
        resends_ = 0;
        answered_ = false;
    } else if (resend) {
        SIM_SOMETIMES(a_heartbeat_was_sent_again);
        send(std::move(next), turn);
        ++resends_;
    }
}

}  // namespace agent
