// The operators' commands. One that would break a rule is refused with the reason and what would
// make it possible; what one changes is durable before it is answered.

#include "dnsd/arbiter/operator.h"

#include "dnsd/arbiter/arbiter.h"
#include "heartbeat/sim_points.h"

#include <algorithm>
#include <cassert>
#include <type_traits>

namespace dnsd {

namespace {

std::string name(const ServerId& id) {
    return std::string(id.text());
}

}  // namespace

Answer refusal(std::uint64_t token, std::string text, bool changed) {
    Answer answer;
    answer.token = token;
    answer.kind = Answer::Kind::refused;
    answer.text = std::move(text);
    answer.changed = changed;
    return answer;
}

Answer done(std::uint64_t token, std::string text, bool changed) {
    Answer answer = refusal(token, std::move(text), changed);
    answer.kind = Answer::Kind::done;
    return answer;
}

Answer going_on(std::uint64_t token, std::string text, std::vector<std::string> steps) {
    Answer answer = refusal(token, std::move(text), false);
    answer.kind = Answer::Kind::going_on;
    answer.steps = std::move(steps);
    return answer;
}

std::string asked_by(const OperatorAsked& asked) {
    return "asked by " + asked.by + (asked.reason.empty() ? "" : ": " + asked.reason);
}

std::string bad_length(std::optional<Duration> length) {
    if (!length) return {};
    if (*length <= Duration::zero()) return "a length must be above 0";
    if (*length > Term::length_max)
        return "a length of more than 366 days has no end that anybody waits for: say \"until "
               "undone\"";
    return {};
}

// A dry run is the command itself, carried out on a copy of the machine that is then forgotten.
void Arbiter::obey(const OperatorAsked& asked, Turn& turn) {
    if (!asked.dry_run) return carry_out(asked, turn);
    Arbiter copy = *this;
    Turn dry{turn.now, std::nullopt, {}, {}};
    OperatorAsked real = asked;
    real.dry_run = false;
    {
        SIM_SUPPOSING();
        copy.carry_out(real, dry);
    }
    // The command may end what others wait for; they are answered when it does.
    const auto its = std::find_if(dry.answers.begin(), dry.answers.end(),
                                  [&](const Answer& one) { return one.token == asked.token; });
    assert(its != dry.answers.end());
    Answer answer = std::move(*its);
    answer.changed = false;
    if (answer.kind != Answer::Kind::refused) {
        answer.kind = Answer::Kind::done;
        answer.text = "nothing was changed; would be: " + answer.text;
    }
    turn.answers.push_back(std::move(answer));
}

void Arbiter::carry_out(const OperatorAsked& asked, Turn& turn) {
    const auto refused = [&](const std::string& why) {
        turn.answers.push_back(refusal(asked.token, why));
    };
    if (!ledger_works(turn.now))
        return refused("the ledger can not be written; it is tried again in " +
                       spoken(ledger_retry_ - turn.now));
    std::visit(
        [&](const auto& command) {
            using C = std::decay_t<decltype(command)>;
            if constexpr (requires { command.length; })
                if (const std::string bad = bad_length(command.length); !bad.empty())
                    return refused(bad);
            // One that was scrapped may be barred still.
            constexpr bool ends_a_bar = std::is_same_v<C, ConfirmDeadCommand>;
            if constexpr (requires { command.server; })
                if (!roster_.find(command.server) &&
                    !(ends_a_bar && is_barred(record_, command.server)))
                    return refused("there is no server " + name(command.server) +
                                   " in this group; the configuration would have to name it");
            if constexpr (std::is_same_v<C, SwitchoverCommand>)
                switch_over(command, asked, turn);
            else if constexpr (std::is_same_v<C, DrainCommand>)
                drain(command, asked, turn);
            else if constexpr (std::is_same_v<C, UndrainCommand>)
                undrain(command, asked, turn);
            else if constexpr (std::is_same_v<C, PauseCommand>)
                pause(command, asked, turn);
            else if constexpr (std::is_same_v<C, ResumeCommand>)
                resume(asked, turn);
            else if constexpr (std::is_same_v<C, ConfirmDeadCommand>)
                confirm_dead(command, asked, turn);
            else if constexpr (std::is_same_v<C, AdoptCommand>)
                adopt(command, asked, turn);
            else
                change_mode(command, asked, turn);
        },
        asked.command);
}

void Arbiter::tell(Kind kind, std::optional<ServerId> server, const OperatorAsked& asked,
                   std::string why, Turn& turn) {
    if (!asked.reason.empty()) why += (why.empty() ? "" : "; ") + asked.reason;
    Note note{kind, server, record_.epoch, std::move(why)};
    note.by = asked.by;
    turn.story.push_back(std::move(note));
}

// Empty when another long command may begin.
std::string Arbiter::under_way() const {
    if (SIM_BROKEN(one_word_at_a_time)) return {};
    if (switchover_)
        return "a switchover from " + name(switchover_->from()) + " to " + name(switchover_->to()) +
               " is under way; ask again when it has ended";
    if (word_)
        return "an election that " + word_->by +
               " asked for is under way; ask again when "
               "it has ended";
    return {};
}

// ---- Who leads
// -------------------------------------------------------------------------------------

void Arbiter::switch_over(const SwitchoverCommand& command, const OperatorAsked& asked,
                          Turn& turn) {
    const auto refused = [&](const std::string& why) {
        Answer answer = refusal(asked.token, why);
        answer.candidates = judged(turn.now);
        turn.answers.push_back(std::move(answer));
        ++counts_.switchover.refused;
    };
    if (command.to && !roster_.find(*command.to))
        return refused("there is no server " + name(*command.to) + " in this group");
    if (const std::string busy = under_way(); !busy.empty()) return refused(busy);
    if (observing())
        return refused("the arbiter only observes; the command \"mode act\" makes it possible");
    if (lease_.state() != LeaseState::held || lease_.refused()) {
        const std::string why = command.to ? forbidden(*roster_.find(*command.to)) : std::string();
        if (!why.empty()) return refused(name(*command.to) + " " + why);
        return elect_by_word(command, asked, turn);
    }
    const std::string holder = name(*record_.holder);
    if (command.to == record_.holder) return refused(holder + " leads already");
    if (!lease_.was_writable() || unconfirmed())
        return refused(holder + " was granted epoch " + std::to_string(record_.epoch.value) +
                       " and is not writable yet; ask again when it is");
    std::optional<ServerId> to = command.to;
    if (to) {
        bool lasting = false;
        const std::string why = hindrance(*roster_.find(*to), turn.now, lasting);
        if (lasting) return refused(name(*to) + " may not lead: " + why);
    } else {
        to = successor(turn.now, true);
        if (!to) to = successor(turn.now, false);
        if (!to) return refused("no server may take over from " + holder + nobody_may(turn.now));
    }
    begin_switchover(*to, asked_by(asked), asked.by, turn);
    switchover_->add_token(asked.token);
    Answer answer =
        going_on(asked.token, "a switchover from " + holder + " to " + name(*to), steps_to(*to));
    answer.stops_writer = stops_writer();
    answer.candidates = judged(turn.now);
    turn.answers.push_back(std::move(answer));
}

std::string Arbiter::nobody_may(Instant now) const {
    std::string text;
    for (const Answer::Judged& one : judged(now)) text += "; " + name(one.id) + ": " + one.why;
    return text;
}

// ---- What stands until it ends
// ---------------------------------------------------------------------

void Arbiter::drain(const DrainCommand& command, const OperatorAsked& asked, Turn& turn) {
    const std::string its = name(command.server);
    if (switchover_ && switchover_->to() == command.server) {
        turn.answers.push_back(refusal(asked.token, under_way()));
        return;
    }
    const bool leads = record_.holder == command.server && lease_.lives();
    const bool joins = switchover_ && leads;  // it is being relieved already
    if (joins && switchover_->tokens().size() >= Switchover::tokens_max) {
        turn.answers.push_back(
            refusal(asked.token, "too many commands wait for a switchover; ask again later"));
        return;
    }
    orders_.drain(command.server, command.length, turn.now, asked.unix_seconds, record_);
    roster_.drain(orders_.drained(turn.now), turn.now, turn.story);
    SIM_SOMETIMES(a_server_was_drained);
    tell(Kind::drained, command.server, asked, Term::spoken_length(command.length), turn);
    std::string text = its + " is drained " + Term::spoken_length(command.length);
    if (observing())
        text += "; it stays in www, as the arbiter only observes";
    else if (roster_.find(command.server)->published)
        text += "; it stays in www, as nobody else is left for it";
    if (!leads) return turn.answers.push_back(done(asked.token, text));
    const bool able = lease_.state() == LeaseState::held && lease_.was_writable() &&
                      !lease_.refused() && !word_ && !observing();
    const std::optional<ServerId> to =
        able && !joins ? successor(turn.now, true) : std::optional<ServerId>();
    if (to) begin_switchover(*to, its + " is drained, " + asked_by(asked), asked.by, turn);
    if (!switchover_) {
        text += "; it leads on until another can take over" + nobody_may(turn.now);
        return turn.answers.push_back(done(asked.token, text));
    }
    switchover_->add_token(asked.token, true);
    Answer answer =
        going_on(asked.token, text + "; a switchover to " + name(switchover_->to()) + " follows",
                 steps_to(switchover_->to()));
    answer.changed = true;
    answer.stops_writer = stops_writer();
    turn.answers.push_back(std::move(answer));
}

void Arbiter::undrain(const UndrainCommand& command, const OperatorAsked& asked, Turn& turn) {
    const std::string its = name(command.server);
    if (!orders_.drained(command.server, turn.now)) {
        const Watched& server = *roster_.find(command.server);
        turn.answers.push_back(server.drains()
                                   ? refusal(asked.token, its + " is drained by its own agent; "
                                                                "undrain it there")
                                   : done(asked.token, its + " is not drained", false));
        return;
    }
    orders_.undrain(command.server, record_);
    roster_.drain(orders_.drained(turn.now), turn.now, turn.story);
    tell(Kind::undrained, command.server, asked, {}, turn);
    const bool drains = roster_.find(command.server)->drains();
    turn.answers.push_back(
        done(asked.token, drains ? its + " is drained no more by this arbiter, but by its own "
                                         "agent still; undrain it there"
                                 : its + " is drained no more"));
}

void Arbiter::pause(const PauseCommand& command, const OperatorAsked& asked, Turn& turn) {
    orders_.pause(command.length, turn.now, asked.unix_seconds, record_);
    tell(Kind::paused, std::nullopt, asked, Term::spoken_length(command.length), turn);
    turn.answers.push_back(
        done(asked.token, "automatic failovers are paused " + Term::spoken_length(command.length)));
}

void Arbiter::resume(const OperatorAsked& asked, Turn& turn) {
    const bool paused = orders_.paused(turn.now);
    const bool damped = damper_.anything_to_lift(turn.now) ||
                        damper_.judge(rules_, turn.now) != Damper::Verdict::free;
    if (!paused && !damped) {
        turn.answers.push_back(done(asked.token, "nothing is paused or blocked", false));
        return;
    }
    if (damped) SIM_SOMETIMES(a_resume_lifted_the_damping);
    orders_.resume(record_);
    damper_.lift();
    record_.damping = damper_.recorded();
    refusal_.clear();
    lately_.clear();
    tell(Kind::resumed, std::nullopt, asked, {}, turn);
    if (!lease_.lives() && !observing()) try_open(turn);
    turn.answers.push_back(done(asked.token, "automatic failovers go on"));
}

void Arbiter::change_mode(const ModeCommand& command, const OperatorAsked& asked, Turn& turn) {
    const bool observes = command.mode == Mode::observe;
    if (observing() == observes) {
        const bool changed = record_.mode != command.mode;
        record_.mode = command.mode;  // whatever the configuration says from now on
        turn.answers.push_back(
            done(asked.token, observes ? "the arbiter observes" : "the arbiter acts", changed));
        return;
    }
    const bool has_given =
        (record_.epoch > Epoch{} || record_.holder) && !SIM_BROKEN(no_way_back_to_observing);
    if (observes && has_given) {
        SIM_SOMETIMES(there_was_no_way_back);
        turn.answers.push_back(
            refusal(asked.token,
                    "leases have been given, and who holds one would never be renewed; a pause "
                    "stops what the arbiter does by itself"));
        return;
    }
    SIM_SOMETIMES(observer_began_to_act);
    record_.mode = command.mode;
    would_.clear();
    lately_.clear();
    announced_pool_.reset();
    if (observes && election_) {
        election_.reset();
        lease_.free();
    }
    if (!observes) rise_above_all(turn);
    judge_word(turn);  // nobody is granted any more
    const std::string which = observes ? "observes" : "acts";
    tell(Kind::mode_changed, std::nullopt, asked, "it " + which + " from now on", turn);
    turn.answers.push_back(done(asked.token, "the arbiter " + which + " from now on"));
}

}  // namespace dnsd
