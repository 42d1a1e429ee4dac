// What shows that the ledger is an older copy, or that somebody claims what is not its own.

#include "dnsd/arbiter/arbiter.h"
#include "heartbeat/sim_points.h"

#include <algorithm>
#include <utility>

namespace dnsd {

using heartbeat::Heartbeat;

// Of a higher revision than this run found, or has told this server since: it was told by another.
bool Arbiter::knows_later_state(const HeartbeatHeard& heard) const {
    if (SIM_BROKEN(older_copy_by_revision)) return false;
    if (heard.beat.revision <= revision_before_) return false;
    const auto told = std::find_if(told_.begin(), told_.end(),
                                   [&](const auto& one) { return one.first == heard.from; });
    return told == told_.end() || heard.beat.revision > told->second;
}

// Not while somebody's later state waits to be written: it would pass for what it was told here.
void Arbiter::note_told(const ServerId& server, std::uint64_t revision) {
    if (!unrisen_.empty()) return;
    const auto told = std::find_if(told_.begin(), told_.end(),
                                   [&](const auto& one) { return one.first == server; });
    if (told != told_.end())
        told->second = revision;
    else
        told_.emplace_back(server, revision);
}

// After a start somebody who is not heard yet may be the holder of a later epoch than the ledger
// has: what the ledger's holder says, or a person of it, does not end what is in quarantine. The
// first that was not heard yet, beside `known`.
const Watched* Arbiter::may_be_later_holder(const std::optional<ServerId>& known) const {
    if (lease_.state() != LeaseState::quarantine || SIM_BROKEN(all_are_heard_after_a_start))
        return nullptr;
    const auto at = std::find_if(
        roster_.servers().begin(), roster_.servers().end(),
        [&](const Watched& server) { return !server.heard && server.rules.id != known; });
    return at == roster_.servers().end() ? nullptr : &*at;
}

// The ledger says that no lease may live, and nobody who was heard since the start knows better:
// all who could were heard.
void Arbiter::believe_free(Turn& turn) {
    if (lease_.state() != LeaseState::quarantine || record_.lease_may_live) return;
    if (may_be_later_holder()) {
        SIM_SOMETIMES(free_was_not_believed_at_once);
        return;
    }
    free(cause_, turn);
}

// A server knows of an epoch or of a state that the ledger does not: the ledger is an older copy,
// or new in an old cluster. Whoever was granted by the lost one may still be writable, for as long
// as a lease can be, and who may have acknowledged is not known.
void Arbiter::rise(const HeartbeatHeard& heard, Turn& turn) {
    const Heartbeat& beat = heard.beat;
    // What is to be promised is closed before, on disk: it may have been granted as well.
    const bool closed_since = beat.promised > record_.epoch && !record_.closed && record_.holder;
    const Epoch known = closed_since ? std::max(known_to(beat), beat.promised) : known_to(beat);
    const bool later = knows_later_state(heard);
    if (SIM_BROKEN(epoch_above_all_known)) return;
    // What a lost state had others promise may have been granted, and its ACK lost: nobody gets
    // that epoch once more.
    const bool lost = record_.semi_sync_unknown && !record_.holder && !election_;
    if (lost && beat.promised > record_.epoch && !impossible(beat.promised, record_.epoch) &&
        ledger_works(turn.now))
        record_.epoch = beat.promised;
    if (known <= record_.epoch && !later) return;
    const std::string who(heard.from.text());
    const std::string claim =
        known > record_.epoch ? who + " knows epoch " + std::to_string(known.value) +
                                    ", the ledger only " + std::to_string(record_.epoch.value)
                              : who + " knows revision " + std::to_string(beat.revision) +
                                    " of the ledger, which has " + std::to_string(record_.revision);
    if (impossible(known, record_.epoch) || beat.revision > record_.revision + epoch_jump_max) {
        SIM_SOMETIMES(somebody_claimed_too_much);
        return refuse(claim + ", which nobody can have reached", heard.from, turn);
    }
    // Nothing but the holder's word ends an unconfirmed lease; what is known now waits for it.
    if (!ledger_works(turn.now) || unconfirmed()) {
        return rise_later(heard);
    }
    SIM_SOMETIMES(ledger_was_an_older_copy);
    if (known <= record_.epoch) SIM_SOMETIMES(a_revision_showed_an_older_copy);
    if (known > known_to(beat)) SIM_SOMETIMES(a_promise_showed_an_older_copy);
    refuse(claim + ": is it an older copy?", heard.from, turn);
    settle_grant(false, std::nullopt, "the ledger was behind", turn);
    Instant safe = started_ + rules_.expiry(ArbiterRules::lease_max);
    if (lease_.lives()) safe = std::max(safe, lease_.ends());
    record_.revision = revision_before_ = std::max(record_.revision, beat.revision);
    record_.epoch = std::max(record_.epoch, known);
    record_.holder.reset();
    record_.holder_start = 0;
    record_.holder_had.reset();
    record_.closed = true;
    record_.lease_may_live = true;
    record_.lease_longest = ArbiterRules::lease_max;
    record_.semi_sync.clear();
    record_.covered = false;
    record_.semi_sync_unknown = true;
    lease_.quarantine(safe);
    election_.reset();
    final_.reset();
    cause_ = "the ledger was behind";
    if (switchover_) fail_switchover(cause_, turn);
}

// One that only looked on, or could not write, did not rise with what it heard; who said it may be
// silent by now.
void Arbiter::rise_above_all(Turn& turn) {
    for (const HeartbeatHeard& heard : std::exchange(unrisen_, {})) rise(heard, turn);
}

void Arbiter::rise_later(const HeartbeatHeard& heard) {
    std::erase_if(unrisen_, [&](const HeartbeatHeard& each) { return each.from == heard.from; });
    unrisen_.push_back(heard);
}

// A server says that it is master under an epoch that is not its own: told once a claim.
void Arbiter::note_claim(const HeartbeatHeard& heard, Turn& turn) {
    const auto told = std::find_if(claims_.begin(), claims_.end(),
                                   [&](const auto& claim) { return claim.first == heard.from; });
    const bool own = record_.holder == heard.from && heard.beat.held == record_.epoch;
    if (heard.beat.role != heartbeat::Role::master || own) {
        if (told != claims_.end()) claims_.erase(told);
        return;
    }
    if (told != claims_.end() && told->second == heard.beat.held) return;
    if (told != claims_.end())
        told->second = heard.beat.held;
    else
        claims_.emplace_back(heard.from, heard.beat.held);
    turn.story.push_back({Kind::refused, heard.from, record_.epoch,
                          std::string(heard.from.text()) + " claims to be master under epoch " +
                              std::to_string(heard.beat.held.value) + "; the ledger has epoch " +
                              std::to_string(record_.epoch.value) + " of " +
                              (record_.holder ? std::string(record_.holder->text()) : "nobody")});
}

}  // namespace dnsd
