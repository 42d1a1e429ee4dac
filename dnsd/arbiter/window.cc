// The candidate window: when it opens and closes, who stands in it, and who is granted.

#include "dnsd/arbiter/arbiter.h"
#include "dnsd/arbiter/gate.h"
#include "dnsd/arbiter/refusals.h"
#include "heartbeat/sim_points.h"

#include <algorithm>
#include <compare>

namespace dnsd {

// The first election of a ledger that never granted: nobody is chosen before the data of all is
// known, so that an empty server never wins against the one with the wiki. True: answered.
bool Arbiter::hear_first(const HeartbeatHeard& heard, Turn& turn) {
    if (lease_.lives() || record_.holder || !ledger_works(turn.now)) return false;
    if (record_.epoch != Epoch{} || awaits_reports() || held_back(turn.now)) return false;
    if (word_ && word_->only && *word_->only != heard.from) return false;
    const std::vector<ServerId> writable = found_writable();
    if (writable.size() > 1 && !SIM_BROKEN(two_writable_are_refused)) {
        SIM_SOMETIMES(two_were_found_writable);
        refuse("found writable: " + names(writable) + "; one of them must be made read-only",
               std::nullopt, turn);
        return false;
    }
    if (std::find(writable.begin(), writable.end(), heard.from) == writable.end()) return false;
    const Watched& server = *roster_.find(heard.from);
    if (const Unfit why = unfit(server, turn.now); why != Unfit::no) {
        // All others wait for it. Who is being adopted has somebody's word already.
        std::string lasts = forbidden(server);
        if (why == Unfit::errant)
            lasts = "may not lead: " + why_errant(record_, server) +
                    "; it can be adopted when the loss is allowed";
        if (!lasts.empty() && !(word_ && word_->adopt))
            refuse(names({heard.from}) + " is found writable, and " + lasts +
                       "; another may lead when it is read-only",
                   heard.from, turn);
        return false;
    }
    SIM_SOMETIMES(a_writable_one_was_granted);
    grant(heard, Record::unbounded, "it was found writable", turn);
    return true;
}

bool Arbiter::hear_candidate(const HeartbeatHeard& heard, Turn& turn) {
    if (lease_.lives()) return false;
    if (!ledger_works(turn.now)) SIM_SOMETIMES(a_grant_waited_for_the_ledger);
    if (!ledger_works(turn.now) && !SIM_BROKEN(failed_ledger_grants_nobody)) return false;
    try_open(turn);
    if (word_ && word_->adopt) return word_->only == heard.from && hear_adopted(heard, turn);
    // Also while the window is open: a server may have been configured since.
    if (!election_ || held_back(turn.now) || first_election_waits()) return false;
    if (switchover_) return hear_successor(heard, turn);
    const Watched& server = *roster_.find(heard.from);
    if (unfit(server, turn.now) != Unfit::no) return false;
    election_->asks(heard.from);
    if (!promised(server) && !SIM_BROKEN(candidates_have_promised)) return false;
    if (!window_ready(turn.now)) return false;
    return close_window(heard, turn);
}

namespace {

// It is one of them, and has all that the others have.
bool lacks_nothing(const ServerId& id, const std::vector<Candidate>& able, bool broken = false) {
    const auto its =
        std::find_if(able.begin(), able.end(), [&](const Candidate& one) { return one.id == id; });
    return its != able.end() && std::all_of(able.begin(), able.end(), [&](const Candidate& one) {
               return broken || (its->received <=> one.received) >= 0;
           });
}

}  // namespace

// The best of them by the policy; nobody, with an alarm, when two can not be compared.
std::optional<Winner> Arbiter::best_of(const std::vector<Candidate>& able, Turn& turn) {
    const Outcome outcome = elect(rules_.choose, able);
    if (const auto* clash = std::get_if<Incomparable>(&outcome)) {
        SIM_SOMETIMES(candidates_were_incomparable);
        refuse(std::string(clash->one.text()) + " and " + std::string(clash->other.text()) +
                   " each have transactions that the other lacks",
               std::nullopt, turn);
    }
    const auto* best = std::get_if<Winner>(&outcome);
    return best ? std::optional(*best) : std::nullopt;
}

// The one whose heartbeat this is gets the lease, if it is the best of those that may have it.
bool Arbiter::close_window(const HeartbeatHeard& heard, Turn& turn) {
    std::vector<Candidate> able = candidates(turn.now);
    std::optional<Winner> winner = best_of(able, turn);
    if (!winner || first_has_less(winner->id, turn)) return false;
    const Gate gate(rules_, record_, roster_, ackers_, final_);
    const auto passes = [&](const ServerId& id) {
        return !gate.stands() || gate.passes(*roster_.find(id));
    };
    const bool none_passes = std::none_of(able.begin(), able.end(),
                                          [&](const Candidate& one) { return passes(one.id); });
    if (none_passes && rules_.loss == Loss::none && !SIM_BROKEN(zero_loss_gate)) {
        wait_at_gate(gate.waits_for(*roster_.find(winner->id)), turn);
        return false;
    }
    // When a loss is allowed and nobody passes, all stand for election as they are.
    if (!none_passes) {
        const auto fails = [&](const Candidate& one) { return !passes(one.id); };
        if (std::erase_if(able, fails) > 0) winner = best_of(able, turn);
        if (!winner) return false;
        gate_waits_.clear();
    }
    damped_ = false;
    if (is_failover(winner->id) && !may_fail_over(*winner, able, turn)) return false;
    const bool names = word_ && word_->only && !SIM_BROKEN(a_word_grants_whom_it_names);
    if (names && !meant_by_word(*winner, able)) {
        refuse_lacking(able, turn);
        return false;
    }
    if (winner->id != heard.from) return false;  // its own heartbeat comes soon
    // Without semi-sync nobody was asked: what it lacks then a later gate asks for.
    const bool loses = !passes(heard.from);
    if (loses) {
        SIM_SOMETIMES(loss_was_accepted);
        ++losses_accepted_;
        turn.story.push_back(
            {Kind::lost_accepted, heard.from, record_.epoch.next(),
             "the gate would wait for " + gate.waits_for(*roster_.find(heard.from))});
    }
    grant(heard, rules_.lease, winner->why, turn);
    if (loses || !gate.stands()) ackers_.granted_with_loss();
    return true;
}

// Nobody is elected first who lacks what another reported, though that one may not lead just now:
// no gate asks for what was there before the ledger.
bool Arbiter::first_has_less(const ServerId& winner, Turn& turn) {
    if (record_.epoch != Epoch{}) return false;
    const auto& has = *roster_.find(winner)->last->received;
    for (const Watched& other : roster_.servers()) {
        if (!other.last || !other.last->received) continue;
        const auto order = has <=> *other.last->received;
        if (order >= 0) continue;
        if (order == std::partial_ordering::unordered && SIM_BROKEN(incomparable_elects_nobody))
            continue;
        SIM_SOMETIMES(the_first_would_lack_something);
        refuse(std::string(other.rules.id.text()) + " has what " + std::string(winner.text()) +
                   " lacks, and may not lead now; it must be able to, or somebody be adopted",
               other.rules.id, turn);
        return true;
    }
    return false;
}

// An alarm, told as refuse() does.
void Arbiter::wait_at_gate(std::string why, Turn& turn) {
    if (why == gate_waits_) return;
    SIM_SOMETIMES(gate_waited);
    gate_waits_ = why;
    if (!lately_.anew(Kind::gate_waits, why, turn.now)) return;
    turn.story.push_back({Kind::gate_waits, std::nullopt, election_->epoch(), std::move(why)});
}

void Arbiter::grant(const HeartbeatHeard& heard, Duration longest, const std::string& why,
                    Turn& turn) {
    if (heard.beat.errant == heartbeat::Errant::refused && !word_)
        SIM_SOMETIMES(the_refused_one_leads);
    if (given_back_ == heard.from) SIM_SOMETIMES(lease_went_back);
    ackers_.granted(record_, *roster_.find(heard.from), rules_, roster_, mark_, turn.now);
    previous_ = record_.holder;
    if (!SIM_BROKEN(each_grant_has_its_epoch)) record_.epoch = record_.epoch.next();
    record_.holder = heard.from;
    record_.holder_start = heard.beat.database_start;
    record_.holder_had = heard.beat.received ? heard.beat.received : heard.beat.applied;
    record_.closed = false;
    record_.lease_may_live = true;
    record_.lease_longest = longest;
    lease_.grant(rules_, longest, turn.now);
    longest_told_ = Duration::zero();
    if (SIM_BROKEN(master_follows_the_writer)) {
        record_.master_published = heard.from;
        record_.master_addresses = roster_.find(heard.from)->rules.addresses;
        record_.master_epoch = record_.epoch;
    }
    note_grant(heard, why, turn);
    election_.reset();
    final_.reset();
    refusal_.clear();
    gate_waits_.clear();
    lately_.clear();
    acknowledge(heard, turn);
}

// A grant to another than the last holder, without anybody's word and without a plan.
bool Arbiter::is_failover(const ServerId& winner) const {
    return record_.epoch > Epoch{} && record_.holder && winner != *record_.holder && !word_ &&
           !switchover_;
}

// What a grant means for the damping, for those who wait for it, and for the history.
void Arbiter::note_grant(const HeartbeatHeard& heard, const std::string& why, Turn& turn) {
    const bool planned = switchover_.has_value();
    const bool changes = previous_ && *previous_ != heard.from;
    Note note{Kind::granted, heard.from, record_.epoch, why};
    note.from = previous_;
    note.planned = planned;
    if (planned) note.by = switchover_->by();
    if (word_) note.by = word_->by;
    turn.story.push_back(std::move(note));
    pending_ = !changes ? GrantKind::again : GrantKind::failover;
    if (!changes && previous_) SIM_SOMETIMES(the_last_holder_led_again);
    if (planned) {
        pending_ = GrantKind::switchover;
        switchover_->granted();
        SIM_SOMETIMES(switchover_was_granted);
        if (switchover_->by_operator())
            damper_.lift();
        else
            damper_.penalize(*previous_, rules_, turn.now);
    } else if (word_) {
        pending_ = word_->adopt ? GrantKind::adoption : GrantKind::failover;
        word_->granted = true;
    } else if (changes) {
        const Duration block = damper_.failed_over(*previous_, rules_, turn.now);
        SIM_SOMETIMES(failed_over);
        if (block > Duration::zero())
            turn.story.push_back({Kind::damped, std::nullopt, record_.epoch,
                                  "for " + spoken(block) + " after an automatic failover, the " +
                                      std::to_string(damper_.failovers_last_hour(turn.now)) +
                                      ". within an hour"});
    }
    given_back_.reset();
    damped_ = false;
    record_.damping = damper_.recorded();
}

// Does the damping let `winner` lead by the arbiter's own decision? If not, the last holder may
// lead again, as that is no failover. False: nobody is granted.
bool Arbiter::may_fail_over(Winner& winner, const std::vector<Candidate>& able, Turn& turn) {
    // Paused, and a switchover that was begun all the same gives the lease back.
    const bool paused = orders_.paused(turn.now) && !SIM_BROKEN(pause_stops_grants);
    const Damper::Verdict verdict = damper_.judge(rules_, turn.now);
    if (verdict == Damper::Verdict::free && !paused) return true;
    if (paused) SIM_SOMETIMES(failover_was_paused);
    if (verdict == Damper::Verdict::blocked) SIM_SOMETIMES(failover_was_blocked);
    if (verdict == Damper::Verdict::spent) SIM_SOMETIMES(failovers_were_spent);
    if (verdict == Damper::Verdict::manual) SIM_SOMETIMES(failover_wanted_a_word);
    if (lacks_nothing(*record_.holder, able, SIM_BROKEN(last_holder_lacks_nothing))) {
        SIM_SOMETIMES(what_was_blocked_was_no_failover);
        winner = {*record_.holder, "it led before; automatic failovers are blocked"};
        return true;
    }
    if (paused) {
        refuse("automatic failovers are paused", winner.id, turn);
        return false;
    }
    damped_ = true;
    if (verdict == Damper::Verdict::spent) {
        turn.story.push_back(
            {Kind::damped, std::nullopt, record_.epoch,
             damper_.why(rules_, turn.now) + "; only an operator's word elects from now on"});
        damper_.make_manual();
        record_.damping = damper_.recorded();
    }
    refuse(verdict == Damper::Verdict::blocked
               ? "the last automatic failover was too short a time ago"
               : "too many automatic failovers within an hour; a switchover or resume ends that",
           winner.id, turn);
    return false;
}

// The one that an operator named is granted if it lacks nothing that another candidate has.
bool Arbiter::meant_by_word(Winner& winner, const std::vector<Candidate>& able) const {
    if (!lacks_nothing(*word_->only, able)) return false;
    SIM_SOMETIMES(who_was_named_was_granted);
    winner = {*word_->only, "named by " + word_->by};
    return true;
}

// A pause: no grant but by an operator's word, or what is left of one.
bool Arbiter::held_back(Instant now) const {
    if (SIM_BROKEN(pause_stops_grants)) return false;
    return orders_.paused(now) && !word_ && !switchover_ && !given_back_;
}

// Prepares for epoch + 1 leave from now on. "Closed" is durable by then: free() wrote it, and a
// record from before that opens the window only with it.
void Arbiter::try_open(Turn& turn) {
    if (observing()) return;  // a resume asks here too
    const bool adopting = word_ && word_->adopt;
    if (held_back(turn.now)) SIM_SOMETIMES(a_pause_kept_the_window_shut);
    if (held_back(turn.now)) return;
    if (first_election_waits() && !adopting) return tell_missed_writable(turn);
    // Who is adopted may be one whom no rule would choose.
    const bool any =
        std::any_of(roster_.servers().begin(), roster_.servers().end(), [&](const Watched& s) {
            return unfit(s, turn.now) == Unfit::no ||
                   (adopting && word_->only == s.rules.id &&
                    not_adoptable(s.rules.id, word_->allow_loss, turn.now).empty());
        });
    if (!any) return ask_whose_data_counts(turn);
    if (election_) return;
    if (!SIM_BROKEN(closed_before_prepare)) record_.closed = true;
    lease_.open_window();
    election_.emplace(record_.epoch.next(), turn.now);
    turn.story.push_back({Kind::window_opened, std::nullopt, election_->epoch(), cause_});
}

// Whoever is to lead has what no master gave it, or what its master lacks: none of them becomes fit
// by itself, and which of them has the truth only a person can say.
void Arbiter::ask_whose_data_counts(Turn& turn) {
    std::string list;
    for (const Watched& server : roster_.servers()) {
        const Unfit why = unfit(server, turn.now);
        if (why == Unfit::configured || why == Unfit::no_database || why == Unfit::by_agent)
            continue;
        if (why != Unfit::errant) return;
        list += (list.empty() ? "" : "; ") + std::string(server.rules.id.text()) + ": " +
                why_errant(record_, server);
    }
    if (list.empty()) return;
    SIM_SOMETIMES(all_were_errant);
    refuse("every server that may lead is errant, and one must be adopted: " + list, std::nullopt,
           turn);
}

bool Arbiter::promised(const Watched& server) const {
    return election_ && server.last && server.last->promised >= election_->epoch();
}

// The shortest length has passed, and every server that is there and has data has promised; for one
// that does not, no longer than a lease, so that a slow candidate is not missed and a dead one is.
bool Arbiter::window_ready(Instant now) const {
    if (now < election_->opened() + rules_.window() && !SIM_BROKEN(window_has_a_length))
        return false;
    if (now >= election_->opened() + rules_.lease) {
        SIM_SOMETIMES(a_window_waited_no_longer);
        return true;
    }
    return std::all_of(roster_.servers().begin(), roster_.servers().end(), [&](const Watched& s) {
        // One that gave its lease back asks for nothing: it leaves, or could not be promoted.
        const bool counts =
            fresh(rules_, s, now) && has_data(*s.last) && s.last->wants != heartbeat::Wish::release;
        if (counts && !promised(s)) SIM_SOMETIMES(a_window_waited_for_the_slow);
        return !counts || promised(s) || SIM_BROKEN(window_waits_for_the_slow);
    });
}

std::vector<Candidate> Arbiter::candidates(Instant now) const {
    std::vector<Candidate> found;
    for (const Watched& server : roster_.servers()) {
        if (!promised(server) && !SIM_BROKEN(candidates_have_promised)) continue;
        if (unfit(server, now) != Unfit::no) continue;
        found.push_back({server.rules.id, *server.last->received, *server.last->applied,
                         server.rules.priority, server.last->priority,
                         election_->turn_of(server.rules.id), given_back_ == server.rules.id,
                         damper_.points(server.rules.id, rules_, now)});
    }
    return found;
}

std::vector<ServerId> Arbiter::unreported() const {
    // In a new ledger those that may lead; after a loss of state all: any of them may know the
    // epoch that was given last, or hold what was acknowledged.
    const bool all = record_.epoch != Epoch{} || record_.semi_sync_unknown;
    std::vector<ServerId> ids;
    for (const Watched& server : roster_.servers()) {
        if (all ? !may_have_data(server)
                : !server.rules.may_lead || (server.last && server.last->may_not_lead))
            continue;
        const bool reported = server.last && server.last->health.database && server.last->applied;
        if (!reported) ids.push_back(server.rules.id);
    }
    return ids;
}

// For reports; or for the one that is found writable, which hear_first() sees to.
bool Arbiter::first_election_waits() const {
    if (record_.holder) return false;
    if (awaits_reports()) SIM_SOMETIMES(the_first_election_waited);
    return awaits_reports() || (record_.epoch == Epoch{} && !found_writable().empty());
}

// All wait for the one that was found writable, and it says nothing any more.
std::string Arbiter::missed_writable() const {
    if (record_.holder || record_.epoch != Epoch{} || awaits_reports() || observing()) return {};
    const std::vector<ServerId> writable = found_writable();
    if (writable.size() != 1 || !roster_.find(writable.front())->silent) return {};
    return names(writable) +
           " was found writable and is silent, and may be written to still; start it, or, when it "
           "is gone for good, restart the arbiter and adopt another";
}

void Arbiter::tell_missed_writable(Turn& turn) {
    std::string why = missed_writable();
    if (why.empty() || !lately_.anew(Kind::refused, why, turn.now)) return;
    SIM_SOMETIMES(a_writable_one_was_missed);
    ++counts_.failover.refused;
    turn.story.push_back({Kind::refused, std::nullopt, record_.epoch, std::move(why)});
}

bool Arbiter::awaits_reports() const {
    return !unreported().empty() && !SIM_BROKEN(first_election_waits_for_all);
}

std::vector<ServerId> Arbiter::found_writable() const {
    std::vector<ServerId> ids;
    for (const Watched& server : roster_.servers())
        if (said_writable(server) && server.last->applied && !server.last->applied->empty())
            ids.push_back(server.rules.id);
    return ids;
}

}  // namespace dnsd
