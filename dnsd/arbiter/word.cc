// Elections by an operator's word: when nobody leads, or when only a person can say who should.

#include "dnsd/arbiter/arbiter.h"
#include "dnsd/arbiter/refusals.h"
#include "heartbeat/sim_points.h"

#include <algorithm>

namespace dnsd {

namespace {

std::string name(const ServerId& id) {
    return std::string(id.text());
}

}  // namespace

// Nobody holds the lease, or its holder is not renewed any more: the operator's word for an
// election.
void Arbiter::elect_by_word(const SwitchoverCommand& command, const OperatorAsked& asked,
                            Turn& turn) {
    if (unconfirmed()) {
        ++counts_.switchover.refused;
        turn.answers.push_back(refusal(
            asked.token, name(*record_.holder) +
                             " was found writable and has not taken its lease: only its own "
                             "word ends that, or confirm-dead"));
        return;
    }
    take_word({asked.token, asked.by, asked.reason, command.to}, turn);
    std::string text = "an election";
    if (command.to) text += " in which only " + name(*command.to) + " is granted";
    if (lease_.lives())
        text += ", when the lease of " + (record_.holder ? name(*record_.holder) : "nobody") +
                " has surely ended, in " +
                spoken(std::max(Duration::zero(), lease_.ends() - turn.now));
    Answer answer = going_on(asked.token, std::move(text), {});
    if (command.to) answer.steps = steps_to(*command.to);
    answer.candidates = judged(turn.now);
    turn.answers.push_back(std::move(answer));
}

void Arbiter::take_word(Word word, Turn& turn) {
    SIM_SOMETIMES(operator_called_an_election);
    const Duration wait =
        lease_.lives() ? std::max(Duration::zero(), lease_.ends() - turn.now) : Duration::zero();
    word.ends = turn.now + wait + word_patience();
    word.lifted = damper_.anything_to_lift(turn.now);
    word_ = std::move(word);
    if (word_->lifted) SIM_SOMETIMES(a_word_lifted_the_damping);
    damper_.lift();
    record_.damping = damper_.recorded();
    refusal_.clear();
    lately_.clear();
    if (!lease_.lives()) try_open(turn);
}

namespace {

// While there was no lease yet nobody has a deadline: who was writable is so until it is heard to
// be read-only, also when it is silent.
std::string may_be_written_to(const Record& record, const Watched& server) {
    const std::string its = name(server.rules.id);
    if (said_writable(server) && has_data(*server.last) && server.alive())
        return its + " is writable; it must be read-only, or be adopted itself";
    if (record.epoch != Epoch{} || !server.writable) return {};
    return its +
           " was writable when its database was last heard of, and there was no lease yet: it may "
           "be written to still. Make it read-only and have its agent report that, adopt it "
           "itself, or start the arbiter anew when that server is gone for good";
}

}  // namespace

// Why this one can not be adopted now, and what would make it possible; empty when it can.
std::string Arbiter::not_adoptable(const ServerId& id, bool allow_loss, Instant now) const {
    const Watched& server = *roster_.find(id);
    const Unfit why = unfit(server, now);
    const bool lossy = why == Unfit::behind || why == Unfit::errant;
    if (why != Unfit::no && !(lossy && allow_loss))
        return name(id) + " may not lead: " + spoken(why, rules_, record_, server, now) +
               (lossy ? "; it can be adopted when the loss is allowed" : "");
    for (const Watched& other : roster_.servers()) {
        if (other.rules.id == id) continue;
        if (std::string writes = may_be_written_to(record_, other); !writes.empty()) return writes;
        // One whose database is down has what it said last.
        if (allow_loss || SIM_BROKEN(adopt_has_most) || !other.had || !server.last->received)
            continue;
        const std::string its = name(other.rules.id);
        const auto order = *other.had <=> *server.last->received;
        if (order == std::partial_ordering::greater)
            return its + " has received more, up to " + other.had->text() +
                   "; adopt that one, or allow the loss";
        if (order == std::partial_ordering::unordered)
            return its + " and " + name(id) +
                   " each have transactions that the other lacks; allow the loss of " + its +
                   "'s, or adopt that one";
    }
    return {};
}

void Arbiter::adopt(const AdoptCommand& command, const OperatorAsked& asked, Turn& turn) {
    const auto refused = [&](const std::string& why) {
        SIM_SOMETIMES(an_adoption_was_refused);
        ++counts_.adoption.refused;
        turn.answers.push_back(refusal(asked.token, why));
    };
    if (const std::string busy = under_way(); !busy.empty()) return refused(busy);
    if (observing())
        return refused("the arbiter only observes; the command \"mode act\" makes it possible");
    if (lease_.lives()) {
        const std::string holder = record_.holder ? name(*record_.holder) : "a server of before";
        if (lease_.state() == LeaseState::held)
            return refused(holder + " holds the lease; a switchover moves it");
        if (unconfirmed())
            return refused(holder +
                           " was found writable and has not taken its lease; only its own "
                           "word ends that, or confirm-dead");
        return refused(holder + " may hold a lease for another " +
                       spoken(std::max(Duration::zero(), lease_.ends() - turn.now)) +
                       "; ask again then");
    }
    const std::string not_now = not_adoptable(command.server, command.allow_loss, turn.now);
    if (!not_now.empty()) return refused(not_now);
    Word word{asked.token, asked.by, asked.reason, command.server};
    word.adopt = true;
    word.allow_loss = command.allow_loss;
    take_word(std::move(word), turn);
    turn.answers.push_back(going_on(asked.token, name(command.server) + " is adopted as master",
                                    {"epoch " + std::to_string(record_.epoch.next().value),
                                     "serial " + std::to_string(serial_ + 1)}));
}

// The heartbeat of the one whom an operator adopts. True: answered.
bool Arbiter::hear_adopted(const HeartbeatHeard& heard, Turn& turn) {
    // What was so when it was asked for may be otherwise now.
    if (!not_adoptable(heard.from, word_->allow_loss, turn.now).empty()) {
        SIM_SOMETIMES(an_adoption_was_judged_again);
        return false;
    }
    // A lease that it did not ask for it would not take.
    if (heard.beat.wants != heartbeat::Wish::master) return false;
    // One that was writable before there were leases knows no deadline (docs/decisions/0002).
    const bool found_writable = !heard.beat.read_only;
    if (!found_writable && !promised(*roster_.find(heard.from))) return false;
    const Gate gate(rules_, record_, roster_, ackers_, final_);
    const Watched& server = *roster_.find(heard.from);
    const bool loses = gate.stands() && !gate.passes(server);
    if (loses) {
        ++losses_accepted_;
        Note lost{Kind::lost_accepted, heard.from, record_.epoch.next(),
                  "the gate would wait for " + gate.waits_for(server)};
        lost.by = word_->by;
        turn.story.push_back(std::move(lost));
    }
    Note note{Kind::adopted, heard.from, record_.epoch.next(), word_->reason};
    note.by = word_->by;
    turn.story.push_back(std::move(note));
    SIM_SOMETIMES(a_server_was_adopted);
    if (errant(record_, server)) SIM_SOMETIMES(an_errant_one_was_adopted);
    if (loses) SIM_SOMETIMES(an_adoption_lost_something);
    grant(heard, found_writable ? Record::unbounded : rules_.lease, "adopted", turn);
    if (loses) ackers_.granted_with_loss();
    return true;
}

// Nothing that comes under the name of two machines is heard: that it looks silent says nothing.
std::string Arbiter::not_known_dead(const Watched& server, Instant now) const {
    const std::string its = name(server.rules.id);
    const bool heard_since = server.uncloned && server.heard && *server.heard >= *server.uncloned;
    const bool just_now = server.uncloned && now - *server.uncloned < rules_.down_after;
    if (!server.cloned && (heard_since || !just_now)) return {};
    std::string text = server.cloned ? "two machines speak under the name of " + its
                                     : "two machines spoke under the name of " + its + " until " +
                                           spoken(now - *server.uncloned) + " ago";
    text += ", and neither is believed: nobody knows that it is dead; stop the one that is not " +
            its + ", and ask again when it has been silent under one name for " +
            spoken(rules_.down_after);
    if (lease_.ends() != Instant::max())
        text += ", or wait: its lease is not renewed, and ends in " +
                spoken(std::max(Duration::zero(), lease_.ends() - now));
    return text;
}

// Why the holder of a lease that may live is not taken for dead, and what would make it possible;
// empty when it may be. One that speaks may be about to become writable, by an ACK that is on its
// way: no word but its own "fenced" ends that before the lease does.
std::string Arbiter::not_dead(const Watched& server, Instant now) const {
    if (std::string why = not_known_dead(server, now); !why.empty()) {
        SIM_SOMETIMES(a_cloned_holder_was_not_dead);
        if (!SIM_BROKEN(a_cloned_name_is_not_dead)) return why;
    }
    if (!server.alive()) return {};
    const heartbeat::Heartbeat& beat = *server.last;
    if (beat.role == heartbeat::Role::fenced && beat.held == record_.epoch) return {};
    const bool endless = lease_.ends() == Instant::max();
    // One that was found writable knows of no deadline; a database that has been down for long is
    // back read-only, and says so.
    const bool down = server.down_since && now - *server.down_since >= rules_.down_after;
    if (endless && down) return {};
    std::string text = name(server.rules.id) + " was heard " + spoken(now - *server.heard) +
                       " ago: it is not dead; ";
    if (endless)
        return text +
               "stop its agent and its database, and ask again when it has been silent for " +
               spoken(rules_.down_after);
    return text + "its lease ends in " + spoken(std::max(Duration::zero(), lease_.ends() - now)) +
           " if it is not renewed, and a switchover moves it";
}

void Arbiter::confirm_dead(const ConfirmDeadCommand& command, const OperatorAsked& asked,
                           Turn& turn) {
    const auto refused = [&](const std::string& why) {
        turn.answers.push_back(refusal(asked.token, why));
    };
    const std::string its = name(command.server);
    if (!rules_.confirm_dead && !SIM_BROKEN(confirm_dead_is_allowed_first))
        return refused("confirm-dead is off; allow_confirm_dead = true under [master] allows it");
    if (!roster_.find(command.server)) return let_in(command, asked, turn);
    if (record_.holder != command.server || !lease_.lives())
        return refused(its + " holds no lease that may live: there is nothing to end");
    const std::string alive = not_dead(*roster_.find(command.server), turn.now);
    if (!alive.empty()) SIM_SOMETIMES(one_that_is_heard_is_not_dead);
    if (!alive.empty() && !SIM_BROKEN(confirm_dead_only_for_the_silent)) return refused(alive);
    if (may_be_later_holder(command.server)) SIM_SOMETIMES(a_death_waited_for_the_others);
    if (const Watched* later = may_be_later_holder(command.server);
        later && !SIM_BROKEN(a_death_waits_for_the_others))
        return refused("the arbiter has just started, and " + name(later->rules.id) +
                       " has not reported: were the ledger an older copy, it might hold a later "
                       "lease; ask again when it has, or wait for the end of the quarantine");
    SIM_SOMETIMES(operator_confirmed_a_death);
    tell(Kind::confirmed_dead, command.server, asked, {}, turn);
    free(asked.by + " confirmed that " + its + " is dead", turn);
    judge_switchover(turn);  // it had to yield, or was about to
    turn.answers.push_back(done(asked.token, "the lease of " + its + " under epoch " +
                                                 std::to_string(record_.epoch.value) +
                                                 " has ended"));
}

// One that is configured no more is heard no more: no word of its own ends its bar.
void Arbiter::let_in(const ConfirmDeadCommand& command, const OperatorAsked& asked, Turn& turn) {
    const std::string its = name(command.server);
    if (acker_of(record_, command.server)) {
        turn.answers.push_back(refusal(
            asked.token, its + " is in the semi-sync set still, and leaves it when a master "
                               "lets it in no more and others have what it acknowledged; ask "
                               "again then"));
        return;
    }
    std::erase(record_.barred, command.server);
    tell(Kind::confirmed_dead, command.server, asked, "it is barred no more", turn);
    turn.answers.push_back(done(asked.token, its + " is barred no more"));
}

// Of one that names somebody: what is wrong with that one.
std::string Arbiter::word_waits_for(Instant now) const {
    const std::string all = "it waits for " + waiting_for(now);
    if (lease_.lives() || !ledger_works(now) || !word_->only) return all;
    const Watched& named = *roster_.find(*word_->only);
    const std::string its = name(*word_->only);
    if (word_->adopt) {
        if (std::string why = not_adoptable(*word_->only, word_->allow_loss, now); !why.empty())
            return why;
        if (named.last->wants != heartbeat::Wish::master)
            return its + " does not ask to lead" +
                   (named.last->why.empty() ? "" : ": " + named.last->why);
    } else if (const Unfit why = unfit(named, now); why != Unfit::no) {
        return its + " may not lead: " + spoken(why, rules_, record_, named, now);
    }
    if (!promised(named) && named.last->read_only)
        return its + " has not promised epoch " + std::to_string(record_.epoch.next().value);
    return word_->adopt ? "it waits for the next heartbeat of " + its : all;
}

// What has changed since it was asked for.
std::string Arbiter::word_is_void() const {
    if (observing()) return "the arbiter observes";
    if (lease_.state() == LeaseState::held)
        return name(*record_.holder) + " holds the lease again; a switchover moves it";
    if (!word_->only) return {};
    const Watched* named = roster_.find(*word_->only);
    if (!named) return name(*word_->only) + " is configured no more";
    const std::string why = forbidden(*named);
    return why.empty() ? std::string() : name(*word_->only) + " " + why;
}

// An operator's election that has waited long enough, or of which nothing can come any more.
void Arbiter::judge_word(Turn& turn) {
    if (!word_ || word_->granted) return;
    std::string why = word_is_void();
    if (why.empty() && turn.now >= word_->ends)
        why = "nobody could be granted: " + word_waits_for(turn.now);
    if (!why.empty()) refuse_word(why, turn);
}

void Arbiter::refuse_word(const std::string& why, Turn& turn) {
    turn.answers.push_back(refusal(word_->token, why, word_->lifted));
    ++(word_->adopt ? counts_.adoption : counts_.switchover).refused;
    word_.reset();
}

// The one that the word names has promised as all have, and another has what it lacks: with nobody
// to receive from that changes no more, and the others need not wait for the word's end.
void Arbiter::refuse_lacking(const std::vector<Candidate>& able, Turn& turn) {
    const Watched* named = roster_.find(*word_->only);
    if (!named || !promised(*named) || unfit(*named, turn.now) != Unfit::no) return;
    for (const Candidate& one : able) {
        if (one.id == *word_->only || reaches(named->last->received, one.received)) continue;
        SIM_SOMETIMES(who_was_named_lacks_something);
        return refuse_word(
            name(one.id) + " has what " + name(*word_->only) + " lacks; name that one, or nobody",
            turn);
    }
}

// The one that was granted last is writable, or never will be under its epoch: whoever waits for
// that is answered.
void Arbiter::settle_grant(bool writable, std::optional<Duration> no_writer, const std::string& why,
                           Turn& turn) {
    if (pending_) {
        FailoverCounts::Counts* counts = *pending_ == GrantKind::failover     ? &counts_.failover
                                         : *pending_ == GrantKind::switchover ? &counts_.switchover
                                                                              : &counts_.adoption;
        if (*pending_ != GrantKind::again) ++(writable ? counts->done : counts->failed);
    }
    pending_.reset();
    std::vector<std::uint64_t> tokens;
    if (switchover_ && switchover_->stage() == Switchover::Stage::granted) {
        tokens = switchover_->tokens();
        switchover_.reset();
    } else if (word_ && word_->granted) {
        tokens = {word_->token};
        word_.reset();
    }
    if (SIM_BROKEN(commands_are_answered)) return;
    for (const std::uint64_t token : tokens) {
        const std::string under = " epoch " + std::to_string(record_.epoch.value);
        const std::string leader = record_.holder ? name(*record_.holder) : "nobody";
        Answer answer =
            writable
                ? done(token, leader + " leads under" + under)
                : refusal(token,
                          leader + " was granted" + under + " and did not become writable: " + why,
                          true);
        answer.no_writer = no_writer;
        turn.answers.push_back(std::move(answer));
    }
}

}  // namespace dnsd
