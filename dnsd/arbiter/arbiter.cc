#include "dnsd/arbiter/arbiter.h"

#include "heartbeat/sim_points.h"

#include <algorithm>
#include <type_traits>

namespace dnsd {

Arbiter::Arbiter(ArbiterRules rules, std::optional<Record> remembered, Instant now,
                 std::int64_t unix_seconds)
    : rules_(std::move(rules)),
      record_(remembered.value_or(Record{})),
      remembered_(record_),
      started_(now),
      roster_(rules_, record_.stable_set, now),
      lease_(rules_, record_, now),
      revision_before_(record_.revision),
      cause_(record_.holder ? "the arbiter restarted" : "first election"),
      damper_(record_.damping, Wall{now, unix_seconds}),
      orders_(record_, Wall{now, unix_seconds}),
      pace_(record_.pace, Wall{now, unix_seconds}) {
    if (SIM_BROKEN(master_over_restart)) record_.master_published.reset();
    std::vector<Note> nobody_reads;
    roster_.drain(orders_.drained(now), now, nobody_reads);
}

Arbiter Arbiter::after_damage(ArbiterRules rules, Instant now, std::int64_t unix_seconds) {
    Record unknown;
    unknown.closed = true;
    unknown.lease_may_live = true;
    unknown.lease_longest = ArbiterRules::lease_max;
    unknown.semi_sync_unknown = true;
    Arbiter arbiter(std::move(rules), unknown, now, unix_seconds);
    arbiter.remembered_ = Record{};  // the first step writes it
    arbiter.cause_ = "the ledger was damaged";
    return arbiter;
}

Arbiter Arbiter::after_conflict(ArbiterRules rules, Record there, Instant now,
                                std::int64_t unix_seconds) {
    const Record stored = there;
    // A holder that has no deadline yet is asked to confirm one, as ever: no time ends its lease.
    if (there.lease_longest < Record::unbounded) {
        there.closed = true;
        there.lease_may_live = true;
        there.lease_longest = ArbiterRules::lease_max;
    }
    Arbiter arbiter(std::move(rules), std::move(there), now, unix_seconds);
    arbiter.remembered_ = stored;  // the first step writes it
    arbiter.cause_ = "another decided beside this arbiter";
    return arbiter;
}

std::vector<Effect> Arbiter::step(const Event& event, Instant now) {
    Turn turn{now, std::nullopt, {}, {}};
    if (!announced_) {
        const std::string holder = record_.holder ? std::string(record_.holder->text()) : "nobody";
        std::string how = std::string(name_of(lease_.state())) + ", last holder " + holder;
        if (!rules_.semi_sync)
            how += "; without semi-sync nothing keeps a failover from losing commits";
        turn.story.push_back({Kind::started, std::nullopt, record_.epoch, std::move(how)});
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
            } else if constexpr (std::is_same_v<E, Published>) {
                serial_ = e.serial;
            } else if constexpr (std::is_same_v<E, ClonesSeen>) {
                see_clones(e.servers, turn);
            } else if constexpr (std::is_same_v<E, RulesChanged>) {
                change(e.rules, turn);
            } else {
                obey(e, turn);
            }
        },
        event);
    return effects(std::move(turn));
}

// What is spoken is on disk by then; and everything that is spoken bears a mark.
std::vector<Effect> Arbiter::effects(Turn&& turn) {
    std::vector<Effect> effects;
    // With what may come beside: it is one allocation.
    effects.reserve(3 + turn.story.size() + turn.answers.size());
    std::optional<Remember> remember;
    if (record_ != remembered_ && ledger_works(turn.now)) {
        ++record_.revision;
        remembered_ = record_;
        remember = Remember{record_};
    }
    if (remember && !SIM_BROKEN(record_before_reply)) effects.push_back(std::move(*remember));
    if (turn.reply) {
        ++mark_;
        std::visit(
            [this](auto& reply) {
                reply.mark = mark_;
                reply.revision = remembered_.revision;
                reply.serial = serial_;
            },
            turn.reply->reply);
        note_told(turn.reply->to, remembered_.revision);
        effects.push_back(std::move(*turn.reply));
    }
    if (remember && SIM_BROKEN(record_before_reply)) effects.push_back(std::move(*remember));
    announce(effects);
    for (Note& note : turn.story) {
        // The roster knows of no epochs.
        if (note.epoch == Epoch{}) note.epoch = record_.epoch;
        effects.emplace_back(std::in_place_type<Note>,
                             observing() ? as_would(std::move(note)) : std::move(note));
    }
    for (Answer& answer : turn.answers) effects.push_back(std::move(answer));
    return effects;
}

void Arbiter::announce(std::vector<Effect>& effects) {
    const std::optional<ServerId>& master = record_.master_published;
    const bool same_master = announced_ && announced_->master.has_value() == master.has_value() &&
                             (!master || (announced_->master->id == *master &&
                                          announced_->epoch == record_.master_epoch));
    if (same_master && announced_pool_ == roster_.pool_version()) return;
    announced_pool_ = roster_.pool_version();
    Standing next = standing();
    if (announced_ == next) return;
    effects.push_back(Announce{next});
    announced_ = std::move(next);
}

// ---- Heartbeats
// ------------------------------------------------------------------------------------

void Arbiter::hear(const HeartbeatHeard& heard, Turn& turn) {
    if (!roster_.find(heard.from)) return;  // its key outlived its place in the configuration
    // What one of two machines says under one name is true of neither.
    if (roster_.find(heard.from)->cloned && !SIM_BROKEN(clones_are_not_elected)) {
        SIM_SOMETIMES(nobody_believed_a_clone);
        const bool frees =
            heard.beat.role == heartbeat::Role::fenced && SIM_BROKEN(clones_free_nothing);
        if ((frees || SIM_BROKEN(clones_are_not_renewed)) && hear_holder(heard, turn)) return;
        turn.reply = SendReply{heard.from, deny(heard, turn.now)};
        return;
    }
    roster_.heard(heard.from, heard.beat, turn.now, turn.story);
    if (observing()) return observe(heard, turn);
    ackers_.hear(record_, *roster_.find(heard.from), turn.story);
    if (ledger_works(turn.now)) refusals_.hear(heard.from, heard.beat, record_, mark_);
    if (!unrisen_.empty()) rise_above_all(turn);
    rise(heard, turn);
    note_claim(heard, turn);
    believe_free(turn);
    bool answered = hear_holder(heard, turn);
    hear_fenced(heard, turn);
    answered = answered || hear_first(heard, turn) || hear_candidate(heard, turn);
    if (answered) relieve(turn);
    if (!answered) turn.reply = SendReply{heard.from, deny(heard, turn.now)};
}

// ---- Time
// ------------------------------------------------------------------------------------------

void Arbiter::judge_timers(Turn& turn) {
    tidy(turn);
    roster_.tick(turn.now, turn.story);
    if (observing()) {
        judge_word(turn);
        return show_would(turn);
    }
    settle(turn);
    if (!unrisen_.empty()) rise_above_all(turn);
    if (SIM_BROKEN(set_changes_with_the_holder)) judge_acknowledgers(turn);
    if (turn.now >= lease_.lapses_at(rules_)) {
        SIM_SOMETIMES(grant_lapsed);
        lease_.refuse();
        settle_grant(false, std::nullopt, "it was given " + spoken(rules_.lapse()), turn);
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
        if (lease_.state() == LeaseState::quarantine)
            SIM_SOMETIMES(quarantine_ended_by_time);
        else
            SIM_SOMETIMES(lease_ended_by_time);
        std::string cause = cause_;
        if (lease_.state() != LeaseState::quarantine && record_.holder)
            cause = std::string(record_.holder->text()) + " was " +
                    (lease_.refused() || !holder || !holder->heard
                         ? "not renewed for " + spoken(turn.now - lease_.last_ack())
                         : "silent for " + spoken(turn.now - *holder->heard));
        free(std::move(cause), turn);
    }
    judge_switchover(turn);
    if (!lease_.lives() && ledger_works(turn.now)) try_open(turn);
    judge_word(turn);
}

// By what the holder said last, though it says nothing now: what no rule of ours does.
void Arbiter::judge_acknowledgers(Turn& turn) {
    const Watched* holder = record_.holder ? roster_.find(*record_.holder) : nullptr;
    if (!holder || !holder->last || !lease_.was_writable() || !ledger_works(turn.now)) return;
    ackers_.judge(record_, {rules_, roster_, *holder, mark_, turn.now, turn.story});
}

void Arbiter::settle(Turn& turn) {
    if (!ledger_works(turn.now)) return;
    if (auto stable = roster_.unsettled(turn.now)) {
        SIM_SOMETIMES(stable_set_changed);
        record_.stable_set = std::move(*stable);
        roster_.settle();
    }
}

// The lease has surely ended. The epoch is closed with it: its holder knows that it is fenced.
void Arbiter::free(std::string cause, Turn& turn) {
    cause_ = std::move(cause);
    turn.story.push_back({Kind::freed, record_.holder, record_.epoch, cause_});
    lease_.free();
    settle_grant(false, std::nullopt, cause_, turn);
    // The lease may have ended before its time.
    if (word_) word_->ends = std::min(word_->ends, turn.now + word_patience());
    if (SIM_BROKEN(closed_before_prepare)) return;
    record_.closed = true;
    record_.lease_may_live = false;
}

Instant Arbiter::wakes_at() const {
    Instant at =
        std::min({roster_.silence_at(), lease_.lapses_at(rules_), lease_.expires_at(rules_)});
    // What the ledger must take waits until it is tried again.
    // One that observes writes no stable set, so that none is due.
    Instant durable = observing() ? Instant::max() : roster_.settles_at();
    durable = std::min(durable, orders_.ends());
    if (untidy_) durable = std::min(durable, started_);
    if (lease_.lives()) durable = std::min(durable, lease_.ends());
    at = std::min(at, operator_wakes_at());
    if (durable != Instant::max()) durable = std::max(durable, ledger_retry_);
    return announced_ ? std::min(at, durable) : Instant::min();
}

// An alarm, told once until something is decided, or for an hour.
void Arbiter::refuse(std::string why, std::optional<ServerId> server, Turn& turn) {
    if (why == refusal_) return;
    refusal_ = why;
    if (!lately_.anew(Kind::refused, why, turn.now)) return;
    ++counts_.failover.refused;
    turn.story.push_back({Kind::refused, server, record_.epoch, std::move(why)});
}

Standing Arbiter::standing() const {
    Standing standing;
    standing.group = rules_.group;
    standing.pool = observing() ? roster_.everybody() : roster_.pool();
    standing.fail_open = roster_.fail_open() && !observing();
    if (!record_.master_published) return standing;
    standing.epoch = record_.master_epoch;
    const Watched* master = roster_.find(*record_.master_published);
    if (master && !SIM_BROKEN(master_as_configured)) {
        standing.master = Member{master->rules.id, master->rules.addresses, master->rules.weight};
    } else if (const auto addresses = master_addresses();
               !addresses.empty() && !SIM_BROKEN(master_stands)) {  // it is configured no more
        SIM_SOMETIMES(a_dropped_master_stood);
        standing.master = Member{*record_.master_published, addresses};
    } else {
        standing.epoch = Epoch{};  // … and a record of an older format knows no addresses
    }
    return standing;
}

// Where the published master is; of one that is configured no more, where it was last, which the
// ledger may not have taken yet.
std::vector<Address> Arbiter::master_addresses() const {
    if (!record_.master_published || SIM_BROKEN(dropped_master_keeps_its_address))
        return record_.master_addresses;
    if (const Watched* master = roster_.find(*record_.master_published))
        return master->rules.addresses;
    const bool stands =
        announced_ && announced_->master && announced_->master->id == *record_.master_published;
    return stands ? announced_->master->addresses : record_.master_addresses;
}

}  // namespace dnsd
