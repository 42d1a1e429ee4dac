// Planned switchovers: who may take over, when the holder is told to stop, and what becomes of it.

#include "dnsd/arbiter/arbiter.h"
#include "heartbeat/sim_points.h"

#include <algorithm>

namespace dnsd {

using Stage = Switchover::Stage;

// Why a switchover to it can not begin at this moment; `lasting` when waiting a little does not
// help.
std::string Arbiter::hindrance(const Watched& server, Instant now, bool& lasting) const {
    const Unfit why = unfit(server, now);
    lasting = why != Unfit::no;
    if (lasting) return spoken(why, rules_, record_, server, now);
    return unready(server, *record_.holder, rules_);
}

std::vector<Answer::Judged> Arbiter::judged(Instant now) const {
    std::vector<Answer::Judged> all;
    const Watched* holder = record_.holder ? roster_.find(*record_.holder) : nullptr;
    for (const Watched& server : roster_.servers()) {
        if (server.rules.id == record_.holder) continue;
        const Unfit unfitness = unfit(server, now);
        Answer::Judged one{server.rules.id, unfitness == Unfit::no,
                           spoken(unfitness, rules_, record_, server, now)};
        if (one.may_lead && record_.holder) {
            one.why = unready(server, *record_.holder, rules_);
            const bool all_received = holder && holder->last && holder->last->received &&
                                      reaches(server.last->received, *holder->last->received);
            if (one.why.empty() && all_received)
                one.why = "received all of " + std::string(record_.holder->text()) + "'s commits";
            else if (one.why.empty())
                one.why = "lag " + spoken(*server.last->lag);
        }
        all.push_back(std::move(one));
    }
    return all;
}

std::optional<ServerId> Arbiter::successor(Instant now, bool ready_now) const {
    std::vector<Ready> able;
    for (const Watched& server : roster_.servers()) {
        if (server.rules.id == record_.holder) continue;
        bool lasting = false;
        const std::string why = hindrance(server, now, lasting);
        if (lasting || (ready_now && !why.empty())) continue;
        able.push_back({server.rules.id, damper_.points(server.rules.id, rules_, now),
                        server.rules.priority, server.last->priority});
    }
    return preferred(able);
}

// Of a holder that is lost nobody waits for its last word.
bool Arbiter::stops_writer() const {
    return record_.holder && lease_.state() == LeaseState::held && lease_.was_writable() &&
           !lease_.refused();
}

std::vector<std::string> Arbiter::steps_to(const ServerId& to) const {
    std::vector<std::string> steps;
    if (stops_writer()) steps.push_back(std::string(record_.holder->text()) + " stops writing");
    steps.push_back(std::string(to.text()) + " applies the rest");
    steps.push_back("epoch " + std::to_string(record_.epoch.next().value));
    steps.push_back("serial " + std::to_string(serial_ + 1));
    return steps;
}

void Arbiter::begin_switchover(const ServerId& to, std::string cause, const std::string& by,
                               Turn& turn) {
    Note note{Kind::switchover_begun, to, record_.epoch.next(), cause};
    note.from = record_.holder;
    note.by = by;
    note.planned = true;
    turn.story.push_back(std::move(note));
    switchover_.emplace(*record_.holder, to, record_.epoch, std::move(cause), by, turn.now);
}

// Why the arbiter would have another lead, though this one can; empty: it would not.
std::string Arbiter::relief_cause(const Watched& holder, Instant now) const {
    const std::string name(holder.rules.id.text());
    if (holder.drains()) {
        SIM_SOMETIMES(a_drained_holder_was_to_go);
        return name + " is drained";
    }
    if (!holder.rules.may_lead) SIM_SOMETIMES(one_that_may_not_lead_was_to_go);
    if (!holder.rules.may_lead) return name + " may not lead (configured)";
    if (holder.last->may_not_lead) return name + " may not lead (its agent says so)";
    const bool unwell = holder.unwell_since && now >= *holder.unwell_since + rules_.down_after;
    if (!unwell && !SIM_BROKEN(no_relief_without_a_cause)) return {};
    // It costs a pause of writes: not more often than failovers may come.
    if (damper_.judge(rules_, now) != Damper::Verdict::free) SIM_SOMETIMES(relief_was_damped);
    if (damper_.judge(rules_, now) != Damper::Verdict::free && !SIM_BROKEN(damping_stops_relief))
        return {};
    SIM_SOMETIMES(an_unwell_holder_was_to_go);
    return name + " is unwell: " + holder.last->why;
}

// An unwell master with a healthy database is renewed; when another can take over without a loss,
// it does. Called when the holder has just been renewed.
void Arbiter::relieve(Turn& turn) {
    if (switchover_ || word_ || !record_.holder || !lease_.was_writable()) return;
    if (orders_.paused(turn.now)) SIM_SOMETIMES(relief_was_paused);
    if (lease_.state() != LeaseState::held ||
        (orders_.paused(turn.now) && !SIM_BROKEN(pause_stops_switchovers)))
        return;
    if (!ledger_works(turn.now)) return;
    const Watched* holder = roster_.find(*record_.holder);
    if (!holder || !holder->last || !holder->last->health.database) return;
    std::string cause = relief_cause(*holder, turn.now);
    if (cause.empty()) return;
    const std::optional<ServerId> to = successor(turn.now, true);
    if (!to) {  // it leads on; the status says why
        SIM_SOMETIMES(nobody_could_relieve_it);
        return;
    }
    if (!pace_.allows(turn.now) && !SIM_BROKEN(own_switchovers_are_paced)) {
        SIM_SOMETIMES(own_switchover_was_held_back);
        return;
    }
    SIM_SOMETIMES(arbiter_began_a_switchover);
    record_.pace = pace_.began(rules_, turn.now);
    begin_switchover(*to, std::move(cause), {}, turn);
}

// The writable holder speaks while it is to be relieved. True: it gets no ACK, but the order to
// yield.
bool Arbiter::told_to_yield(const HeartbeatHeard& heard, Turn& turn) {
    if (!switchover_ || switchover_->from() != heard.from) return false;
    if (switchover_->began_to_yield() && SIM_BROKEN(yielded_is_never_renewed)) return false;
    if (switchover_->stage() == Stage::readying) {
        const Watched* to = roster_.find(switchover_->to());
        bool lasting = false;
        if (!to || !to->heard || *to->heard < switchover_->begun()) return false;
        if (!hindrance(*to, turn.now, lasting).empty()) return false;
        switchover_->yield(turn.now);
        writer_heard_ = turn.now;
        SIM_SOMETIMES(holder_was_told_to_yield);
    }
    if (!switchover_->began_to_yield()) return false;
    if (SIM_BROKEN(yield_waits_for_fenced)) {
        free("it was told to yield", turn);
        switchover_->freed();
        switchover_->final_position(*heard.beat.received);
    }
    return true;
}

// The holder of before reports fenced, once or again.
void Arbiter::hear_fenced(const HeartbeatHeard& heard, Turn& turn) {
    if (!switchover_ || switchover_->from() != heard.from) return;
    if (switchover_->stage() == Stage::granted) return;
    if (heard.beat.role != heartbeat::Role::fenced || lease_.lives()) return;
    if (switchover_->stage() == Stage::readying)
        return fail_switchover(std::string(heard.from.text()) + " was fenced before it was told to",
                               turn);
    // One that had to be killed has no final position.
    if (restarted(heard.beat)) SIM_SOMETIMES(a_yielded_holder_had_restarted);
    if (restarted(heard.beat))
        return fail_switchover("the database of " + std::string(heard.from.text()) + " restarted",
                               turn);
    if (switchover_->stage() == Stage::yielding) switchover_->freed();
    if (final_) switchover_->final_position(*final_);
}

// The candidate of a switchover: it gets the lease when it has all that the holder had.
bool Arbiter::hear_successor(const HeartbeatHeard& heard, Turn& turn) {
    if (switchover_->stage() != Stage::waiting) return false;
    if (heard.from != switchover_->to() && !SIM_BROKEN(switchover_goes_to_the_named)) return false;
    const Watched& server = *roster_.find(heard.from);
    if (unfit(server, turn.now) != Unfit::no) return false;
    if (!switchover_->caught_up(heard.beat) || !promised(server)) return false;
    if (const Gate gate(rules_, record_, roster_, ackers_, final_);
        gate.stands() && !gate.passes(server) && !SIM_BROKEN(candidate_waits_for_final))
        return false;
    grant(heard, rules_.lease, switchover_->cause(), turn);
    return true;
}

// Nothing is granted by it any more. Who leads next is decided by the ordinary rules, in which the
// old holder, if its database never restarted, lacks nothing.
void Arbiter::fail_switchover(std::string why, Turn& turn) {
    const Switchover failed = *switchover_;
    switchover_.reset();
    const std::string from(failed.from().text());
    if (!failed.began_to_yield()) {
        SIM_SOMETIMES(a_switchover_was_given_up);
        if (lease_.state() == LeaseState::held && record_.holder == failed.from())
            why += "; " + from + " leads on";
        else
            why += lease_.lives() ? "; an election follows when its lease has surely ended"
                                  : "; an election follows";
    } else {
        SIM_SOMETIMES(switchover_failed_late);
        // It was told to stop, and may not have heard it: no further ACK under this epoch.
        if (lease_.lives()) lease_.refuse();
        given_back_ = failed.from();
        why += "; an election follows, and " + from + " may have the lease back";
    }
    Note note{Kind::switchover_failed, failed.to(), failed.epoch(), why};
    note.from = failed.from();
    note.by = failed.by();
    note.planned = true;
    turn.story.push_back(std::move(note));
    ++counts_.switchover.failed;
    for (const std::uint64_t token : failed.tokens()) {
        std::string text =
            "the switchover to " + std::string(failed.to().text()) + " failed: " + why;
        if (failed.has_changed(token) && orders_.drained(failed.from(), turn.now))
            text += "; " + from + " stays drained";
        turn.answers.push_back(
            refusal(token, std::move(text), failed.began_to_yield() || failed.has_changed(token)));
    }
}

// The candidate is ready by its last word: who did not speak, or too late?
std::string Arbiter::unheard_in_time() const {
    const Watched& from = *roster_.find(switchover_->from());
    const Watched& to = *roster_.find(switchover_->to());
    const std::string its(from.rules.id.text());
    const std::string candidate(to.rules.id.text());
    if (to.heard < switchover_->begun()) return candidate + " was not heard";
    if (from.cloned)
        return "two machines speak under the name of " + its + ", and neither can be told to stop";
    if (from.alive() && from.heard >= switchover_->begun() && from.heard < to.heard)
        return candidate + " was close enough too late";
    return its + " was not heard to be writable, and could not be told to stop";
}

void Arbiter::judge_switchover(Turn& turn) {
    if (!switchover_) return;
    if (switchover_->stage() == Stage::granted) {
        if (SIM_BROKEN(no_way_back_after_the_grant) && lease_.lives() && !lease_.was_writable() &&
            turn.now >= lease_.last_ack() + rules_.lease / 4)
            free("the switchover took too long", turn);
        return;
    }
    const auto gone = [&](const ServerId& id) { return roster_.find(id) == nullptr; };
    if (gone(switchover_->from()) || gone(switchover_->to()))
        return fail_switchover("a server of it is configured no more", turn);
    const std::string to_name(switchover_->to().text());
    if (const std::string why = forbidden(*roster_.find(switchover_->to())); !why.empty())
        return fail_switchover(to_name + " " + why, turn);
    // In between somebody else's word, or time, ended the lease that it was to take over.
    const bool stale =
        switchover_->held() != record_.epoch || record_.holder != switchover_->from();
    const bool ran_out = !lease_.lives() && switchover_->stage() != Stage::waiting;
    if (stale || ran_out)
        return fail_switchover("the lease of " + std::string(switchover_->from().text()) + " ended",
                               turn);
    if (turn.now >= switchover_->fails_at(rules_)) {
        SIM_SOMETIMES(a_switchover_took_too_long);
        std::string why = switchover_->waits_for();
        bool lasting = false;
        const std::string hinders = hindrance(*roster_.find(switchover_->to()), turn.now, lasting);
        if (switchover_->stage() == Stage::readying)
            why = hinders.empty() ? unheard_in_time() : why + ": " + hinders;
        if (switchover_->stage() == Stage::waiting && lasting)
            why = to_name + " may not lead: " + hinders;
        fail_switchover(std::move(why), turn);
    }
}

}  // namespace dnsd
