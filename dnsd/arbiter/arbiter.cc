#include "dnsd/arbiter/arbiter.h"

#include <algorithm>
#include <type_traits>

namespace dnsd {

using heartbeat::Heartbeat;
using heartbeat::Role;
using heartbeat::Wish;

namespace {

std::string list(const std::vector<ServerId>& ids) {
    std::string text;
    for (const ServerId& id : ids) text += (text.empty() ? "" : ", ") + std::string(id.text());
    return text;
}

std::string name(const ServerId& id) {
    return std::string(id.text());
}

std::string number(Epoch epoch) {
    return std::to_string(epoch.value);
}

// The highest epoch that a server says was granted; a promise is for one that was not yet.
Epoch known_to(const Heartbeat& beat) {
    const Epoch before_promise{beat.promised.value - (beat.promised.value > 0 ? 1 : 0)};
    return std::max({beat.seen, beat.held, before_promise});
}

}  // namespace

Arbiter::Arbiter(ArbiterRules rules, std::optional<Record> remembered, Instant now)
    : rules_(std::move(rules)),
      record_(remembered.value_or(Record{})),
      remembered_(record_),
      started_(now),
      roster_(rules_, record_.stable_set, now),
      lease_(rules_, record_, now),
      cause_(record_.holder ? "the arbiter restarted" : "first election") {}

Arbiter Arbiter::after_damage(ArbiterRules rules, Instant now) {
    Record unknown;
    unknown.closed = true;
    unknown.lease_may_live = true;
    unknown.lease_longest = ArbiterRules::lease_max;
    Arbiter arbiter(std::move(rules), unknown, now);
    arbiter.remembered_ = Record{};  // the first step writes it
    arbiter.cause_ = "the ledger was damaged";
    return arbiter;
}

std::vector<Effect> Arbiter::step(const Event& event, Instant now) {
    Turn turn{now, std::nullopt, {}};
    if (!announced_) {
        const std::string holder = record_.holder ? name(*record_.holder) : "nobody";
        turn.story.push_back({Kind::started, std::nullopt, record_.epoch,
                              std::string(name_of(lease_.state())) + ", last holder " + holder});
    }
    std::visit(
        [&](const auto& e) {
            using E = std::decay_t<decltype(e)>;
            if constexpr (std::is_same_v<E, HeartbeatHeard>) {
                hear(e, turn);
            } else if constexpr (std::is_same_v<E, ClockTicked>) {
                judge_timers(turn);
            } else if constexpr (std::is_same_v<E, LedgerFailed>) {
                // Not again at once: until then renewals, which write nothing, keep going out.
                ledger_retry_ = now + rules_.lease / 2;
                turn.story.push_back({Kind::ledger_failed, std::nullopt, record_.epoch,
                                      "nobody new is granted, the holder is still renewed"});
            } else {
                serial_ = e.serial;
            }
        },
        event);
    return effects(std::move(turn));
}

std::vector<Effect> Arbiter::effects(Turn&& turn) {
    std::vector<Effect> effects;
    if (record_ != remembered_ && ledger_works(turn.now)) {
        effects.push_back(Remember{record_});
        remembered_ = record_;
    }
    if (turn.reply) effects.push_back(std::move(*turn.reply));
    Standing next = standing();
    if (announced_ != next) {
        effects.push_back(Announce{next});
        announced_ = std::move(next);
    }
    for (Note& note : turn.story) {
        // The roster knows of no epochs.
        if (note.epoch == Epoch{}) note.epoch = record_.epoch;
        effects.push_back(std::move(note));
    }
    return effects;
}

// ---- Heartbeats
// ------------------------------------------------------------------------------------

void Arbiter::hear(const HeartbeatHeard& heard, Turn& turn) {
    if (!roster_.find(heard.from)) return;  // its key outlived its place in the configuration
    roster_.heard(heard.from, heard.beat, turn.now, turn.story);
    rise(heard, turn);
    note_claim(heard, turn);
    const bool answered =
        hear_holder(heard, turn) || hear_first(heard, turn) || hear_candidate(heard, turn);
    if (!answered) turn.reply = SendReply{heard.from, deny(heard, turn.now)};
}

// A server knows of an epoch that the ledger does not: the ledger is an older copy, or new in an
// old cluster. Whoever was granted by the lost one may still be writable, for as long as a lease
// can be.
void Arbiter::rise(const HeartbeatHeard& heard, Turn& turn) {
    const Heartbeat& beat = heard.beat;
    const Epoch known = known_to(beat);
    if (known <= record_.epoch) return;
    const std::string claim = name(heard.from) + " knows epoch " + number(known) +
                              ", the ledger only " + number(record_.epoch);
    if (impossible(known))
        return refuse(claim + ", which nobody can have reached", heard.from, turn);
    // Nothing but the holder's word ends an unconfirmed lease; what is known now waits for it.
    if (!ledger_works(turn.now) || unconfirmed()) return;
    refuse(claim + ": is it an older copy?", heard.from, turn);
    Instant safe = started_ + rules_.expiry(ArbiterRules::lease_max);
    if (lease_.lives()) safe = std::max(safe, lease_.ends());
    record_.epoch = known;
    record_.holder.reset();
    record_.closed = true;
    record_.lease_may_live = true;
    record_.lease_longest = ArbiterRules::lease_max;
    lease_.quarantine(safe);
    election_.reset();
    cause_ = "the ledger was behind";
}

// A server says that it is master under an epoch that is not its own: told once a claim.
void Arbiter::note_claim(const HeartbeatHeard& heard, Turn& turn) {
    const auto told = std::find_if(claims_.begin(), claims_.end(),
                                   [&](const auto& claim) { return claim.first == heard.from; });
    const bool own = record_.holder == heard.from && heard.beat.held == record_.epoch;
    if (heard.beat.role != Role::master || own) {
        if (told != claims_.end()) claims_.erase(told);
        return;
    }
    if (told != claims_.end() && told->second == heard.beat.held) return;
    if (told != claims_.end())
        told->second = heard.beat.held;
    else
        claims_.emplace_back(heard.from, heard.beat.held);
    turn.story.push_back({Kind::refused, heard.from, record_.epoch,
                          name(heard.from) + " claims to be master under epoch " +
                              number(heard.beat.held) + "; the ledger has epoch " +
                              number(record_.epoch) + " of " +
                              (record_.holder ? name(*record_.holder) : "nobody")});
}

bool Arbiter::renewable(const Heartbeat& beat) const {
    if (record_.closed || lease_.refused()) return false;
    if (beat.wants != Wish::master || !beat.health.database) return false;
    if (beat.role == Role::master) return beat.held == record_.epoch;
    // It is still on its way to be master. After a restart of ours nobody new is promoted.
    return unconfirmed() || beat.held == record_.epoch || lease_.state() != LeaseState::quarantine;
}

bool Arbiter::hear_holder(const HeartbeatHeard& heard, Turn& turn) {
    if (!lease_.lives() || record_.holder != heard.from) return false;
    const Heartbeat& beat = heard.beat;
    const bool this_epoch = beat.held == record_.epoch;
    // From now on it is unwritable unless it is before a deadline of ours.
    const bool confirms = this_epoch || (beat.health.database && beat.read_only);
    if (unconfirmed() && confirms && ledger_works(turn.now)) {
        record_.lease_longest = rules_.lease;
        lease_.bound(rules_, record_.lease_longest, turn.now);
    }
    if (beat.role == Role::fenced && this_epoch) {
        // It is surely unwritable under this epoch, for ever; so nothing is renewed even if the
        // ledger can not take that now.
        lease_.refuse();
        if (!ledger_works(turn.now)) return false;
        free(name(heard.from) + " reported fenced" +
                 (beat.why.empty() ? std::string() : ": " + beat.why),
             turn);
        return false;  // it competes like any other
    }
    if (beat.role == Role::master && this_epoch) {
        if (lease_.database_restarted(beat.database_start)) {
            if (!lease_.refused())
                turn.story.push_back({Kind::expiring, heard.from, record_.epoch,
                                      "its database restarted in this epoch"});
            lease_.refuse();
        }
    } else if (lease_.was_writable() && !lease_.refused()) {
        // One-way loss, or an agent without memory: it was writable and is not. It may be fenced,
        // but did not say so; the lease just runs out.
        lease_.refuse();
        turn.story.push_back(
            {Kind::expiring, heard.from, record_.epoch, "it is no longer writable"});
    }
    if (!renewable(beat)) return false;
    if (beat.role == Role::master) note_writable(heard, turn);
    acknowledge(heard, turn);
    return true;
}

void Arbiter::note_writable(const HeartbeatHeard& heard, Turn& turn) {
    lease_.writable(heard.beat.database_start);
    if (record_.master_epoch == record_.epoch && record_.master_published == heard.from) {
        writer_heard_ = turn.now;
        return;
    }
    if (!ledger_works(turn.now)) return;  // asked again with the next heartbeat
    record_.master_published = heard.from;
    record_.master_epoch = record_.epoch;
    std::string why = cause_;
    if (writer_heard_) why += "; no writer for " + spoken(turn.now - *writer_heard_);
    writer_heard_ = turn.now;
    turn.story.push_back({Kind::writable, heard.from, record_.epoch, std::move(why)});
}

void Arbiter::acknowledge(const HeartbeatHeard& heard, Turn& turn) {
    // A longer lease than was ever told under this epoch is durable first; else the old one is
    // told.
    if (rules_.lease > record_.lease_longest && ledger_works(turn.now))
        record_.lease_longest = rules_.lease;
    lease_.renew(rules_, record_.lease_longest, turn.now);
    turn.reply = SendReply{heard.from, heartbeat::Ack{heard.beat.request, record_.epoch,
                                                      std::min(rules_.lease, record_.lease_longest),
                                                      record_.semi_sync_set, serial_}};
}

void Arbiter::grant(const HeartbeatHeard& heard, Duration longest, const std::string& why,
                    Turn& turn) {
    record_.epoch = record_.epoch.next();
    record_.holder = heard.from;
    record_.closed = false;
    record_.lease_may_live = true;
    record_.lease_longest = longest;
    lease_.grant(rules_, longest, turn.now);
    election_.reset();
    refusal_.clear();
    turn.story.push_back({Kind::granted, heard.from, record_.epoch, why});
    acknowledge(heard, turn);
}

// The first election of a ledger that never granted: nobody is chosen before the data of all is
// known, so that an empty server never wins against the one with the wiki. True: answered.
bool Arbiter::hear_first(const HeartbeatHeard& heard, Turn& turn) {
    if (lease_.lives() || record_.holder || !ledger_works(turn.now)) return false;
    if (record_.epoch != Epoch{} || !unreported().empty()) return false;
    const std::vector<ServerId> writable = found_writable();
    if (writable.size() > 1) {
        refuse("found writable: " + list(writable) + "; one of them must be made read-only",
               std::nullopt, turn);
        return false;
    }
    if (writable.empty() || writable.front() != heard.from) return false;
    if (!unfit(*roster_.find(heard.from), turn.now).empty()) return false;
    grant(heard, Record::unbounded, "it was found writable", turn);
    return true;
}

bool Arbiter::hear_candidate(const HeartbeatHeard& heard, Turn& turn) {
    if (lease_.lives() || !ledger_works(turn.now)) return false;
    try_open(turn);
    if (!election_) return false;
    const Watched& server = *roster_.find(heard.from);
    if (!unfit(server, turn.now).empty()) return false;
    election_->asks(heard.from);
    if (!promised(server) || !window_ready(turn.now)) return false;
    const Outcome outcome = elect(rules_.choose, candidates(turn.now));
    if (const auto* clash = std::get_if<Incomparable>(&outcome)) {
        refuse(name(clash->one) + " and " + name(clash->other) +
                   " each have transactions that the other lacks",
               std::nullopt, turn);
        return false;
    }
    const auto* winner = std::get_if<Winner>(&outcome);
    if (!winner || winner->id != heard.from) return false;  // its own heartbeat comes soon
    grant(heard, rules_.lease, winner->why, turn);
    return true;
}

// ---- Time
// ------------------------------------------------------------------------------------------

void Arbiter::judge_timers(Turn& turn) {
    roster_.tick(turn.now, turn.story);
    settle(turn);
    if (turn.now >= lease_.lapses_at(rules_)) {
        lease_.refuse();
        turn.story.push_back({Kind::grant_lapsed, record_.holder, record_.epoch,
                              "not writable " + spoken(rules_.lapse()) + " after its grant"});
    }
    if (turn.now >= lease_.expires_at(rules_)) {
        lease_.expire();
        turn.story.push_back(
            {Kind::expiring, record_.holder, record_.epoch,
             "no acknowledged heartbeat for " + spoken(turn.now - lease_.last_ack())});
    }
    if (lease_.lives() && turn.now >= lease_.ends() && ledger_works(turn.now)) {
        const Watched* holder = record_.holder ? roster_.find(*record_.holder) : nullptr;
        std::string cause = cause_;
        if (lease_.state() != LeaseState::quarantine && record_.holder)
            cause = name(*record_.holder) + " was " +
                    (lease_.refused() || !holder || !holder->heard
                         ? "not renewed for " + spoken(turn.now - lease_.last_ack())
                         : "silent for " + spoken(turn.now - *holder->heard));
        free(std::move(cause), turn);
    }
    if (!lease_.lives() && ledger_works(turn.now)) try_open(turn);
}

void Arbiter::settle(Turn& turn) {
    if (!ledger_works(turn.now)) return;
    if (auto stable = roster_.unsettled(turn.now)) {
        record_.stable_set = std::move(*stable);
        roster_.settle();
    }
}

// The lease has surely ended. The epoch is closed with it: its holder knows that it is fenced.
void Arbiter::free(std::string cause, Turn& turn) {
    cause_ = std::move(cause);
    turn.story.push_back({Kind::freed, record_.holder, record_.epoch, cause_});
    lease_.free();
    record_.closed = true;
    record_.lease_may_live = false;
}

// Prepares for epoch + 1 leave from now on. "Closed" is durable by then: free() wrote it, and a
// record from before that opens the window only with it.
void Arbiter::try_open(Turn& turn) {
    if (election_ || (!record_.holder && !unreported().empty())) return;
    if (record_.epoch == Epoch{} && !found_writable().empty()) return;  // hear_first's
    const bool any = std::any_of(roster_.servers().begin(), roster_.servers().end(),
                                 [&](const Watched& s) { return unfit(s, turn.now).empty(); });
    if (!any) return;
    record_.closed = true;
    lease_.open_window();
    election_.emplace(record_.epoch.next(), turn.now);
    turn.story.push_back({Kind::window_opened, std::nullopt, election_->epoch(), cause_});
}

Instant Arbiter::wakes_at() const {
    Instant at =
        std::min({roster_.silence_at(), lease_.lapses_at(rules_), lease_.expires_at(rules_)});
    // What the ledger must take waits until it is tried again.
    Instant durable = roster_.settles_at();
    if (lease_.lives()) durable = std::min(durable, lease_.ends());
    if (durable != Instant::max()) durable = std::max(durable, ledger_retry_);
    return announced_ ? std::min(at, durable) : Instant::min();
}

// An alarm, told once until something else is to be told.
void Arbiter::refuse(std::string why, std::optional<ServerId> server, Turn& turn) {
    if (why == refusal_) return;
    refusal_ = why;
    turn.story.push_back({Kind::refused, server, record_.epoch, std::move(why)});
}

// ---- Who may lead
// ----------------------------------------------------------------------------------

bool Arbiter::fresh(const Watched& server, Instant now) const {
    return server.alive() && now - *server.heard <= std::min(rules_.down_after, rules_.lease);
}

bool Arbiter::impossible(Epoch claimed) const {
    return claimed > epoch_max || claimed.value > record_.epoch.value + epoch_jump_max;
}

std::string Arbiter::unfit(const Watched& server, Instant now) const {
    if (!server.rules.may_lead) return "may not lead (configured)";
    if (!server.heard) return "not heard yet";
    const Heartbeat& beat = *server.last;
    if (impossible(known_to(beat)))
        return "claims an impossible epoch";
    if (!fresh(server, now)) return "silent for " + spoken(now - *server.heard);
    if (beat.flavour == heartbeat::GtidFlavour::none && beat.may_not_lead) return "has no database";
    if (beat.may_not_lead) return "may not lead (its agent says so)";
    if (beat.drain) return "draining";
    if (!well(beat)) return beat.why.empty() ? "unwell" : beat.why;
    if (beat.errant) return "has transactions that its master lacks";
    if (!beat.received || !beat.applied)
        return "its position is not known" + (beat.why.empty() ? std::string() : ": " + beat.why);
    if (beat.lag && *beat.lag > rules_.max_lag)
        return "lag " + spoken(*beat.lag) + ", max_lag is " + spoken(rules_.max_lag);
    if (beat.wants != Wish::master) return "does not ask";
    return {};
}

bool Arbiter::promised(const Watched& server) const {
    return election_ && server.last && server.last->promised >= election_->epoch();
}

// The shortest length has passed, and every server that is there and has data has promised; for one
// that does not, no longer than a lease, so that a slow candidate is not missed and a dead one is.
bool Arbiter::window_ready(Instant now) const {
    if (now < election_->opened() + rules_.window()) return false;
    if (now >= election_->opened() + rules_.lease) return true;
    return std::all_of(roster_.servers().begin(), roster_.servers().end(), [&](const Watched& s) {
        // One that gave its lease back asks for nothing: it leaves, or could not be promoted.
        const bool counts = fresh(s, now) && s.last->health.database &&
                            s.last->wants != Wish::release &&
                            s.last->flavour != heartbeat::GtidFlavour::none;
        return !counts || promised(s);
    });
}

std::vector<Candidate> Arbiter::candidates(Instant now) const {
    std::vector<Candidate> found;
    for (const Watched& server : roster_.servers()) {
        if (!promised(server) || !unfit(server, now).empty()) continue;
        found.push_back({server.rules.id, *server.last->received, *server.last->applied,
                         server.rules.priority, server.last->priority,
                         election_->turn_of(server.rules.id)});
    }
    return found;
}

std::vector<ServerId> Arbiter::unreported() const {
    std::vector<ServerId> ids;
    for (const Watched& server : roster_.servers()) {
        if (!server.rules.may_lead || (server.last && server.last->may_not_lead)) continue;
        const bool reported = server.last && server.last->health.database && server.last->applied;
        if (!reported) ids.push_back(server.rules.id);
    }
    return ids;
}

std::vector<ServerId> Arbiter::found_writable() const {
    std::vector<ServerId> ids;
    for (const Watched& server : roster_.servers())
        if (server.last && server.last->health.database && !server.last->read_only &&
            server.last->applied && !server.last->applied->empty())
            ids.push_back(server.rules.id);
    return ids;
}

Standing Arbiter::standing() const {
    Standing standing;
    standing.group = rules_.group;
    standing.pool = roster_.pool();
    standing.fail_open = roster_.fail_open();
    if (!record_.master_published) return standing;
    // One that the configuration dropped has no addresses left to publish.
    if (const Watched* master = roster_.find(*record_.master_published)) {
        standing.master = Member{master->rules.id, master->rules.addresses, master->rules.weight};
        standing.epoch = record_.master_epoch;
    }
    return standing;
}

}  // namespace dnsd
