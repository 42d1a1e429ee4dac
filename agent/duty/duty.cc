#include "agent/duty/duty.h"

#include "heartbeat/sim_points.h"

#include <algorithm>
#include <type_traits>

namespace agent {

using heartbeat::Role;

Duty::Duty(DutyRules rules, AgentRecord remembered, Instant now)
    : rules_(std::move(rules)),
      record_(remembered),
      wanted_(remembered),
      started_(now),
      stepped_(now),
      fence_report_(remembered.seen),
      promise_said_(remembered.promised),
      // Not before the first looks are in: a server that was never looked at is not unwell.
      next_round_(now + 3 * rules_.heartbeat) {
    // Which epoch it held when it ended is not remembered; so it is fenced for all that it knew of.
    wanted_.fenced = std::max(wanted_.fenced, wanted_.seen);
    if (!rules_.has_database) fence_report_ = Epoch{};
}

std::vector<Effect> Duty::step(const Event& event, Instant now) {
    if (left_) return {};
    Turn turn{now, std::holds_alternative<ClockTicked>(event), {}};
    // First of all: an agent that was stopped for a while finds its lease gone, whatever it hears.
    judge_deadline(turn);
    std::visit(
        [&](const auto& e) {
            using E = std::decay_t<decltype(e)>;
            if constexpr (std::is_same_v<E, PageSeen> || std::is_same_v<E, DatabaseSeen> ||
                          std::is_same_v<E, MasterRecordSeen>)
                see(e, turn);
            else if constexpr (std::is_same_v<E, ReplyHeard>)
                hear(e.reply, turn);
            else if constexpr (std::is_same_v<E, Introduced>)
                introduce();
            else if constexpr (std::is_same_v<E, VerbDone>)
                done(e, turn);
            else if constexpr (std::is_same_v<E, RecordFailed>)
                record_retry_ = now + rules_.heartbeat;
            else if constexpr (std::is_same_v<E, Stopping>)
                stop(turn);
        },
        event);
    drive(turn);
    stepped_ = now;
    return std::move(turn.effects);
}

void Duty::Retry::failed(Instant now, Duration first, Duration most) {
    pause = pause == Duration::zero() ? first : std::min(std::max(first, 2 * pause), most);
    at = now + pause;
}

Duty::Stage Duty::stage() const {
    switch (phase_) {
        case Phase::promoting:
            return Stage::promoting;
        case Phase::master:
            return Stage::master;
        case Phase::demoting:
            return Stage::demoting;
        case Phase::follower:
            break;
    }
    if (prepare_ > Epoch{} && promise_said_ >= prepare_) return Stage::candidate;
    return role() == Role::fenced ? Stage::fenced : Stage::follower;
}

Role Duty::role() const {
    // Also over one look that saw nothing: judge_master() says when it is master no longer, and the
    // arbiter never renews one that said anything else.
    if (phase_ == Phase::master) return Role::master;
    if (!rules_.has_database || !database_seen_ || !database_.reachable) return Role::unknown;
    if (phase_ == Phase::promoting) return Role::replica;  // not writable yet
    const bool demoting = phase_ == Phase::demoting || writable();
    if (demoting && !SIM_BROKEN(fenced_when_it_is_unwritable)) return Role::unknown;
    if (fence_report_ > Epoch{})
        return record_.fenced >= fence_report_ ? Role::fenced : Role::unknown;
    return database_.replica_configured ? Role::replica : Role::fenced;
}

// A server that no arbiter has ever told anything: a database found writable stays so until it is
// told who leads, for it may be the one that leads already (docs/PROTOCOL.md, "First election").
bool Duty::virgin() const {
    const Epoch told = std::max({wanted_.seen, wanted_.promised, wanted_.fenced});
    return told == Epoch{} && prepare_ == Epoch{} && !target_;
}

// ---- What is seen
// ----------------------------------------------------------------------------------

void Duty::see(const PageSeen& seen, Turn& turn) {
    page_ = seen.view;
    page_seen_ = true;
    note_health(turn);
}

void Duty::see(const DatabaseSeen& seen, Turn& turn) {
    if (!rules_.has_database) return;
    // What was read before the end of a verb says nothing of what it did.
    if (seen.begun < verb_ended_ && !SIM_BROKEN(promise_after_the_stop)) return;
    take_in(seen);
    judge_relay(turn);
    judge_errant();
    judge_rest();
    note_health(turn);
    const bool restarted =
        database_.reachable && database_start_ != 0 && database_.start != database_start_;
    // A database that restarted is not writable under this epoch again, whatever became of a
    // demotion.
    if (phase_ == Phase::demoting && restarted && database_.read_only) fence(turn);
    if (verb_) return;  // what a running verb does is judged after it
    if (phase_ == Phase::master) judge_master(turn);
    if (phase_ == Phase::promoting) judge_promotion(turn);
    judge_replica(seen, turn);
}

void Duty::take_in(const DatabaseSeen& seen) {
    const std::uint64_t start = database_.start;
    database_seen_ = true;
    if (!seen.view.reachable) {
        // Nothing was read; which start it was in is still the last that is known.
        SIM_SOMETIMES(a_look_saw_nothing);
        database_ = DatabaseView{};
        database_.why = seen.view.why;
        database_.start = start;
        return;
    }
    database_ = seen.view;
    fresh_ = true;
    know_mark(seen.begun);
    // What it is set to now stands in its own files.
    if (start != database_.start) configured_.reset();
    if (final_look_ && seen.begun >= *final_look_) {
        final_look_.reset();
        tell_ = true;
    }
}

void Duty::judge_replica(const DatabaseSeen& seen, Turn& turn) {
    const bool stopped =
        SIM_BROKEN(promise_after_the_stop) || (database_.reachable && !database_.io_running &&
                                               promise_look_ && seen.begun >= *promise_look_);
    if (promise_look_ && stopped) {
        promise_said_ = record_.promised;
        promise_look_.reset();
        turn.note(Kind::prepared, promise_said_,
                  database_.received ? "received " + database_.received->text() : "");
    }
    if (target_ && database_.reachable && !astray()) {
        follow_.clear();
        if (followed_ != target_->epoch) {
            followed_ = target_->epoch;
            turn.note(Kind::following, target_->epoch, std::string(target_->master.text()));
        }
    }
}

// The database forgets its error when the connection to the master ends, or when it restarts, and
// still has what the others lack; only a master that takes it as its replica proves otherwise, or
// data that are not those which were refused: somebody has put others in their place.
namespace {

// Other data than it had: more, and not more by whoever wrote last what it had. What somebody adds
// by hand while nobody looks goes on where that was.
bool are_other_data(const heartbeat::GtidPosition& had, const heartbeat::GtidPosition& has) {
    if (had >= has) return false;
    return std::none_of(has.entries().begin(), has.entries().end(), [&](const auto& now) {
        return std::any_of(had.entries().begin(), had.entries().end(), [&](const auto& was) {
            return was.domain == now.domain && was.server == now.server &&
                   was.sequence < now.sequence;
        });
    });
}

}  // namespace

void Duty::judge_errant() {
    if (!database_.reachable) return;
    if (database_.wrote) return note_written();
    if (database_.refused) return note_refused();
    std::optional<Errant>& was = wanted_.errant;
    if (!was) return;
    // A connection of before goes on, whatever is written beside it.
    const bool anew = database_.relay.io == 0 || database_.relay.io != errant_io_;
    const bool taken = anew && database_.io_connected && database_.sql_running &&
                       database_.replication_error.empty();
    const bool restarted = database_.start != was->start;
    const bool replaced =
        restarted && was->at && database_.applied && are_other_data(*was->at, *database_.applied);
    if (replaced) rests_at_.reset();
    if (replaced) SIM_SOMETIMES(an_errant_ones_data_were_replaced);
    if (taken && !replaced) SIM_SOMETIMES(a_master_took_an_errant_one);
    if (replaced || taken) return was.reset();
    // What is added in this start is not what a copy brought.
    if (restarted && database_.applied) was->start = database_.start;
}

void Duty::note_written() {
    errant_io_ = database_.relay.io;
    wanted_.errant = Errant{database_.start, fitting(database_.applied)};
}

// By whom, is known of a thread that began under that master's epoch: what a look finds sooner is
// the error of the last one.
void Duty::note_refused() {
    const std::optional<Errant>& was = wanted_.errant;
    if (was && !was->refused) return note_written();  // which is worse
    Epoch under = was ? was->under : Epoch{};
    const bool of_target =
        target_ && at_target() && (follow_ended_ == target_->epoch || followed_ == target_->epoch);
    if (of_target) under = target_->epoch;
    errant_io_ = database_.relay.io;
    wanted_.errant = Errant{database_.start, fitting(database_.applied), true, under};
}

// Who receives nothing and may not write has nothing new, or somebody wrote to it by hand. That is
// more than its position says: under a high number of its own it may lack what the others have.
void Duty::judge_rest() {
    if (!database_.reachable || !database_.applied) return;
    // Somebody has opened it meanwhile, and what it was sent hides what was written to it.
    const bool follows = phase_ == Phase::follower;
    const bool received = !rests_at_ || database_.io_running;
    const bool reopened =
        follows && received && writable() && !virgin() && shut_in_ == database_.start;
    shut_in_ = follows && database_.read_only ? database_.start : 0;
    if (reopened) SIM_SOMETIMES(a_follower_was_opened_by_hand);
    if (reopened && !SIM_BROKEN(hand_written_is_errant)) note_written();
    // Who was granted the lease is at rest until its promotion has made it writable.
    const bool waits = phase_ == Phase::promoting && !promote_done_ && database_.read_only;
    if ((holds() && !waits) || database_.io_running || virgin()) return rests_at_.reset();
    // After a fence nobody but a person makes it writable: what it had before nobody has seen.
    const bool opened = !rests_at_ && phase_ == Phase::follower && writable() &&
                        wanted_.fenced > Epoch{} && wanted_.fenced >= wanted_.seen;
    const bool written = opened || (rests_at_ && !(*rests_at_ >= *database_.applied));
    if (written && !SIM_BROKEN(hand_written_is_errant)) {
        SIM_SOMETIMES(somebody_wrote_by_hand);
        note_written();
    }
    // While it is demoted it may still be written to.
    if (phase_ == Phase::follower && database_.read_only)
        rests_at_ = database_.received ? database_.received : database_.applied;
}

void Duty::judge_master(Turn& turn) {
    if (!database_.reachable) {
        look_ = true;
        // One failed look may be the look's fault; meanwhile no renewal is asked for.
        if (++blind_looks_ >= 2) lose(held_, "the database does not answer", turn);
        return;
    }
    blind_looks_ = 0;
    const bool restarted =
        !SIM_BROKEN(database_restart_ends_the_epoch) && database_.start != database_start_;
    if (restarted) SIM_SOMETIMES(a_masters_database_restarted);
    if (restarted || database_.read_only)
        lose(held_, restarted ? "the database restarted" : "the database was made read-only", turn);
    // Servers start read-only: there is nothing to demote (docs/PROTOCOL.md, "Promotion").
    if (restarted && database_.read_only) fence(turn);
}

void Duty::judge_promotion(Turn& turn) {
    if (!database_.reachable) {
        look_ = look_ || promote_done_;
        return;
    }
    if (restarted_since_asked()) {
        SIM_SOMETIMES(a_database_restarted_while_promoted);
        lose(held_, "the database restarted, or its relay log began anew, during its promotion",
             turn);
        if (database_.read_only) fence(turn);
        return;
    }
    if (!promote_done_) return;
    if (database_.read_only) {
        lose(held_, "the promotion left the database read-only", turn);
        give_back(turn);
        return;
    }
    database_start_ = database_.start;
    phase_ = Phase::master;
    wanted_.errant.reset();  // what it has is what there is, from now on
    blind_looks_ = 0;
    promotion_.clear();
    turn.note(Kind::writable, held_, "");
}

void Duty::see(const MasterRecordSeen& seen, Turn& turn) {
    if (!target_) return;
    const bool agrees =
        std::any_of(seen.addresses.begin(), seen.addresses.end(), [this](const Address& address) {
            return std::find(target_->addresses.begin(), target_->addresses.end(), address) !=
                   target_->addresses.end();
        });
    // The record moves a moment after the lease does; the arbiter's word has the epoch, and wins.
    dns_mismatches_ = agrees ? 0 : dns_mismatches_ + 1;
    if (dns_mismatches_ != 2) return;
    const std::string record = seen.addresses.empty() ? "nobody" : seen.addresses.front().text();
    turn.note(Kind::mismatch, target_->epoch,
              "the arbiter names " + std::string(target_->master.text()) +
                  ", the master record names " + record);
}

void Duty::note_health(Turn& turn) {
    if (!page_seen_ || (rules_.has_database && !database_seen_) || well() == was_well_) return;
    was_well_ = well();
    turn.note(was_well_ ? Kind::well : Kind::unwell, held_, why());
}

// ---- Time
// ------------------------------------------------------------------------------------------

Instant Duty::soft_end() const {
    return SIM_BROKEN(demotion_before_the_deadline) ? *deadline_ : *deadline_ - demotion_;
}

void Duty::judge_deadline(Turn& turn) {
    if (!deadline_) return;
    if (holds() && turn.now >= soft_end()) {
        if (turn.now < *deadline_) SIM_SOMETIMES(demoted_before_its_deadline);
        lose(held_, "no acknowledgement", turn);
    }
    if (turn.now >= *deadline_) end_lease(turn);
}

void Duty::end_lease(Turn& turn) {
    if (!deadline_) return;
    turn.effects.push_back(LeaseEnded{held_});
    deadline_.reset();
}

void Duty::drive(Turn& turn) {
    drive_record(turn);
    if (rules_.has_database) {
        drive_verbs(turn);
        drive_looks(turn);
    }
    drive_talk(turn);
}

// What was wanted is on disk before anything below acts on it or says it.
void Duty::drive_record(Turn& turn) {
    if (wanted_ == record_ || !turn.ticked || turn.now < record_retry_) return;
    AgentRecord durable = wanted_;
    if (SIM_BROKEN(seen_on_disk_before_said)) durable.seen = durable.fenced = Epoch{};
    if (SIM_BROKEN(promise_on_disk_before_said)) durable.promised = Epoch{};
    if (SIM_BROKEN(lost_relay_log_on_disk_before_said)) durable.relay.generation = 0;
    turn.effects.insert(turn.effects.begin(), Remember{durable});
    if (wanted_.promised > record_.promised) {
        promise_look_ = turn.now;
        look_ = true;
    }
    record_ = wanted_;
}

void Duty::drive_looks(Turn& turn) {
    if (!look_ || verb_) return;
    look_ = false;
    turn.effects.push_back(LookAtDatabase{});
}

Instant Duty::wakes_at() const {
    if (left_) return Instant::max();
    if (wanted_ != record_) {
        const Instant owed = std::max(record_retry_, stepped_);
        if (owed <= stepped_) return owed;
    }
    // One that stops says nothing before its last word.
    Instant at = stopping_ ? Instant::max() : std::min(next_round_, resend_at());
    // What lies in the past has been judged by the step of then.
    const auto also = [&](Instant time) {
        if (time > stepped_) at = std::min(at, time);
    };
    also(record_retry_);
    also(stop_by_);
    also(promotion_.at);
    if (deadline_) also(*deadline_);
    if (deadline_ && holds()) also(soft_end());
    if (!verb_)
        for (const Retry* retry : {&demote_, &prepare_retry_, &follow_, &configure_})
            also(retry->at);
    if (change_waits_) also(said_at_ + change_gap());
    return at;
}

}  // namespace agent
