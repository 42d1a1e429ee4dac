// What the database is asked to do, one verb at a time, and what came of it.

#include "agent/duty/duty.h"

#include "heartbeat/sim_points.h"

#include <algorithm>

namespace agent {

namespace {

constexpr Duration patience_max = std::chrono::seconds(60);

std::string_view name_of(VerbDone::Verb verb) {
    switch (verb) {
        case VerbDone::Verb::promote:
            return "promote";
        case VerbDone::Verb::demote:
            return "demote";
        case VerbDone::Verb::follow:
            return "follow";
        case VerbDone::Verb::prepare:
            return "prepare";
        case VerbDone::Verb::configure:
            return "configure";
    }
    return "unknown";
}

}  // namespace

void Duty::ask(Verb verb, Epoch epoch, Instant give_up, Turn& turn) {
    verb_ = Running{verb, epoch, give_up, setting(), told_ ? told_->mark : 0};
    const Setting& setting = verb_->setting;
    if (verb != Verb::prepare) {
        configured_.reset();
        barred_ = 0;
    }
    if (verb == Verb::follow || verb == Verb::configure) {  // it may receive
        rests_at_.reset();
        stopped_receiving_ = false;
    }
    switch (verb) {
        case Verb::promote:
            turn.effects.push_back(Promote{epoch, give_up, database_start_, wanted_.relay.log,
                                           setting.semi_sync, setting.barred});
            break;
        case Verb::demote:
            turn.effects.push_back(Demote{demote_why_});
            break;
        case Verb::prepare:
            turn.effects.push_back(Prepare{epoch});
            break;
        case Verb::follow:
            turn.effects.push_back(
                Follow{target_->master, target_->addresses, epoch, setting.semi_sync});
            break;
        case Verb::configure:
            turn.effects.push_back(
                Configure{epoch, verb_->mark, setting.semi_sync, setting.barred, holds(), !waits_});
            break;
    }
}

bool Duty::at_target() const {
    return database_.replica_configured && database_.upstream &&
           std::find(target_->addresses.begin(), target_->addresses.end(), *database_.upstream) !=
               target_->addresses.end();
}

// Replication is not what the target calls for. A thread that tries to connect is left to it:
// MariaDB tries again each second, also when the master is dead; only another address may be worth
// a try.
bool Duty::astray() const {
    if (!database_.reachable) return false;
    if (target_->addresses.size() > 1 && !database_.io_connected) return true;
    return !at_target() || !database_.io_running || !database_.sql_running;
}

// Ordered and not yet promised; or promised, and it receives again although nobody told it to.
bool Duty::must_prepare() const {
    if (prepare_ == Epoch{} || !database_.reachable) return false;
    return wanted_.promised < prepare_ || database_.io_running;
}

// Of an epoch that another has followed since nobody is told to replicate.
bool Duty::must_follow() const {
    if (!target_ || record_.seen != target_->epoch || !database_seen_ || !astray()) return false;
    if (waits_) {
        SIM_SOMETIMES(a_wait_began_nothing);
        return false;
    }
    return SIM_BROKEN(no_epoch_below_the_known) || target_->epoch >= wanted_.promised;
}

void Duty::drive_verbs(Turn& turn) {
    if (!verb_ && phase_ == Phase::follower && writable() && !virgin() &&
        !SIM_BROKEN(none_writable_without_a_lease))
        lose(wanted_.seen, "writable without a lease", turn);
    if (phase_ == Phase::demoting) {
        const bool running = verb_ && verb_->verb == Verb::demote;
        if (!running && turn.now >= demote_.at) ask(Verb::demote, Epoch{}, Instant::max(), turn);
        return;
    }
    if (verb_ || start_is_owed()) return;
    if (phase_ == Phase::promoting) {
        // The epoch is on disk before anything becomes writable under it.
        if (promote_done_ || record_.seen < held_ || turn.now >= soft_end()) return;
        // One that has failed may have done half of it.
        if (!fresh_) return;
        ask(Verb::promote, held_, *deadline_, turn);
        return;
    }
    if (stopping_) return;
    if (phase_ == Phase::master) return drive_configure(turn);
    if (must_prepare()) {
        if (turn.now >= prepare_retry_.at) ask(Verb::prepare, prepare_, Instant::max(), turn);
        return;
    }
    if (record_ != wanted_) return;
    if (!must_follow() || turn.now < follow_.at) return drive_configure(turn);
    if (followed_ == target_->epoch)
        turn.note(Kind::mended, target_->epoch,
                  database_.upstream ? "it replicated from " + database_.upstream->text()
                                     : "it did not replicate");
    ask(Verb::follow, target_->epoch, Instant::max(), turn);
}

void Duty::done(const VerbDone& done, Turn& turn) {
    // One that was overtaken may end late.
    if (!verb_ || verb_->verb != done.verb || verb_->epoch != done.epoch) return;
    const Running asked = *verb_;
    verb_.reset();
    verb_ended_ = turn.now;
    look_ = true;
    fresh_ = false;
    if (!done.ok)
        turn.note(Kind::verb_failed, done.epoch, std::string(name_of(done.verb)) + ": " + done.why);
    switch (done.verb) {
        case Verb::promote:
            return promoted(done, asked, turn);
        case Verb::demote:
            return demoted(done, turn);
        case Verb::prepare:
            if (!done.ok)
                return prepare_retry_.failed(turn.now, rules_.heartbeat / 4, patience_max);
            prepare_retry_.clear();
            stopped_receiving_ = true;
            database_.io_running = database_.io_connected = false;
            wanted_.promised = std::max(wanted_.promised, done.epoch);
            return;
        case Verb::follow:
            if (done.ok) configured_ = asked.setting;
            follow_ended_ = done.epoch;
            // Also after success: threads that do not come up are not stopped again at once.
            return follow_.failed(turn.now,
                                  std::max<Duration>(4 * rules_.heartbeat, std::chrono::seconds(1)),
                                  patience_max);
        case Verb::configure:
            return configured(done, asked, turn);
    }
}

void Duty::promoted(const VerbDone& done, const Running& asked, Turn& turn) {
    if (phase_ != Phase::promoting || held_ != done.epoch) return;
    promote_done_ = done.ok;
    if (done.ok) configured_ = asked.setting;
    if (done.ok) return;  // the look tells
    // It ran out of the time of its first lease, which has been renewed since: on with it.
    if (turn.now >= asked.give_up - lease_ / 4 && turn.now < soft_end()) return;
    rests_at_.reset();  // it may have been writable for a moment
    SIM_SOMETIMES(a_promotion_failed);
    lose(held_, "promotion failed: " + done.why, turn);
    give_back(turn);
}

// By its own will: for a while it asks for nothing, so that another candidate gets its chance.
void Duty::give_back(Turn& turn) {
    if (!SIM_BROKEN(others_get_their_chance)) promotion_.failed(turn.now, 2 * lease_, patience_max);
}

void Duty::demoted(const VerbDone& done, Turn& turn) {
    if (phase_ != Phase::demoting) return;
    if (!done.ok) return demote_.failed(turn.now, rules_.heartbeat / 4, rules_.heartbeat);
    database_.read_only = true;
    fence(turn);
}

void Duty::lose(Epoch fence, std::string why, Turn& turn) {
    turn.note(Kind::lease_lost, held_, why);
    // What a promotion that runs may have let in is not by hand.
    if (verb_) rests_at_.reset();
    phase_ = Phase::demoting;
    fence_to_ = fence;
    demote_why_ = std::move(why);
    demote_.clear();
    prepare_ = Epoch{};
    promise_look_.reset();
    target_.reset();
    if (SIM_BROKEN(fenced_when_it_is_unwritable)) fence_report_ = wanted_.fenced = fence;
}

void Duty::fence(Turn& turn) {
    wanted_.fenced = std::max(wanted_.fenced, fence_to_);
    fence_report_ = std::max(fence_report_, fence_to_);
    phase_ = Phase::follower;
    end_lease(turn);
    held_ = Epoch{};
    database_start_ = 0;
    generation_asked_ = 0;
    demote_.clear();
    final_look_ = turn.now;
    look_ = true;
    turn.note(Kind::demoted, fence_to_, demote_why_);
}

void Duty::stop(Turn& turn) {
    if (stopping_) return;
    stopping_ = true;
    stop_by_ = std::max(turn.now, deadline_.value_or(turn.now)) + stop_bound;
    if (holds()) lose(held_, "the agent stops", turn);
}

}  // namespace agent
