// What the holder of the lease says, and whether that renews it.

#include "dnsd/arbiter/arbiter.h"
#include "heartbeat/sim_points.h"

#include <algorithm>

namespace dnsd {

using heartbeat::Heartbeat;
using heartbeat::Role;
using heartbeat::Wish;

bool Arbiter::renewable(const Heartbeat& beat) const {
    if (record_.closed && !SIM_BROKEN(closed_epoch_is_not_renewed)) return false;
    if (lease_.refused()) return false;
    // A later state waits to be written: this is not the last holder.
    if (!unrisen_.empty() && !unconfirmed()) return false;
    if (beat.wants != Wish::master || !beat.health.database) return false;
    if (!well(beat) && SIM_BROKEN(unwell_master_is_renewed)) return false;
    if (beat.role == Role::master) return beat.held == record_.epoch;
    if (lease_.state() == LeaseState::quarantine && beat.held != record_.epoch && !unconfirmed())
        SIM_SOMETIMES(nobody_was_promoted_in_quarantine);
    // It is still on its way to be master. After a restart of ours nobody new is promoted; one that
    // was found writable, and is so, gets its deadline.
    return (unconfirmed() && !beat.read_only) || beat.held == record_.epoch ||
           lease_.state() != LeaseState::quarantine || SIM_BROKEN(nobody_is_promoted_in_quarantine);
}

// Its database is not the one that was writable under this epoch: what it had acknowledged may be
// cut off. 0 is "not known", and no restart.
bool Arbiter::restarted(const Heartbeat& beat) const {
    if (SIM_BROKEN(database_restart_ends_the_epoch)) return false;
    return record_.holder_start != 0 && beat.database_start != 0 &&
           beat.database_start != record_.holder_start;
}

// It never writes again under this epoch: where it stands now is where the epoch ends.
void Arbiter::note_final(const HeartbeatHeard& heard) {
    const Heartbeat& beat = heard.beat;
    if (record_.holder != heard.from || beat.role != Role::fenced) return;
    if (beat.held != record_.epoch || !beat.health.database || !beat.received) return;
    if (record_.holder_start == 0 || beat.database_start != record_.holder_start) {
        SIM_SOMETIMES(a_final_position_was_of_another_start);
        if (!SIM_BROKEN(final_position_is_of_the_same_database)) return;
    }
    final_ = beat.received;
}

bool Arbiter::hear_holder(const HeartbeatHeard& heard, Turn& turn) {
    note_final(heard);
    // A closed epoch is never renewed: its lease has ended.
    if (lease_.lives() && record_.closed && record_.holder == heard.from)
        SIM_SOMETIMES(a_closed_epoch_was_not_renewed);
    const bool lives =
        (lease_.lives() && record_.lease_may_live) || SIM_BROKEN(closed_epoch_is_not_renewed);
    if (!lives || record_.holder != heard.from) return false;
    const Heartbeat& beat = heard.beat;
    const bool this_epoch = beat.held == record_.epoch;
    // From now on it is unwritable unless it is before a deadline of ours.
    const bool confirms = this_epoch || (beat.health.database && beat.read_only);
    const bool waited = unconfirmed();
    if (waited && confirms && ledger_works(turn.now)) {
        SIM_SOMETIMES(unbounded_lease_got_its_end);
        record_.lease_longest = std::max(rules_.lease, longest_told_);
        lease_.bound(rules_, record_.lease_longest, turn.now);
        // What others knew has waited for its word.
        if (!unrisen_.empty()) rise_above_all(turn);
        if (!record_.holder) return false;
    }
    if (beat.role == Role::fenced && (this_epoch || SIM_BROKEN(fenced_frees_its_own_epoch))) {
        // It is surely unwritable under this epoch, for ever; so nothing is renewed even if the
        // ledger can not take that now.
        lease_.refuse();
        if (may_be_later_holder()) SIM_SOMETIMES(fenced_was_not_enough_after_a_start);
        if (!ledger_works(turn.now) || may_be_later_holder()) return false;
        SIM_SOMETIMES(holder_reported_fenced);
        free(std::string(heard.from.text()) + " reported fenced" +
                 (beat.why.empty() ? std::string() : ": " + beat.why),
             turn);
        return false;  // it competes like any other
    }
    const bool leads = beat.role == Role::master && this_epoch;
    // Also before it was ever writable: what it was elected for, its relay log, is gone. It may not
    // know that it was granted, and ask with its new start.
    if (leads || (!lease_.was_writable() && beat.health.database)) {
        if (restarted(beat)) refuse_holder(heard, "its database restarted in this epoch", turn);
    } else if (lease_.was_writable() && !SIM_BROKEN(one_way_loss_ends_the_lease)) {
        // One-way loss, or an agent without memory: it was writable and is not. It may be fenced,
        // but did not say so; the lease just runs out.
        if (!lease_.refused()) SIM_SOMETIMES(holder_was_writable_and_is_not);
        refuse_holder(heard, "it is no longer writable", turn);
    }
    if (beat.role == Role::master && this_epoch && told_to_yield(heard, turn)) return false;
    if (!renewable(beat)) return false;
    if (!ledger_works(turn.now) && SIM_BROKEN(failed_ledger_renews)) return false;
    if (beat.role == Role::master && this_epoch) note_writable(heard, turn);
    acknowledge(heard, turn);
    return true;
}

// It gets no further ACK; told once.
void Arbiter::refuse_holder(const HeartbeatHeard& heard, const char* why, Turn& turn) {
    if (!lease_.refused()) turn.story.push_back({Kind::expiring, heard.from, record_.epoch, why});
    lease_.refuse();
}

void Arbiter::note_writable(const HeartbeatHeard& heard, Turn& turn) {
    lease_.writable();
    const bool known =
        record_.master_epoch == record_.epoch && record_.master_published == heard.from;
    const Ackers::Sight sight{rules_, roster_,  *roster_.find(heard.from),
                              mark_,  turn.now, turn.story};
    if (!ledger_works(turn.now)) {
        if (known) writer_heard_ = turn.now;
        return;  // asked again with the next heartbeat
    }
    if (record_.holder_start == 0) record_.holder_start = heard.beat.database_start;
    if (!known) {
        ackers_.writable(record_, sight);
        record_.master_published = heard.from;
        record_.master_addresses = sight.holder.rules.addresses;
        record_.master_epoch = record_.epoch;
        Note note{Kind::writable, heard.from, record_.epoch, cause_};
        note.from = previous_;
        if (writer_heard_) note.no_writer = turn.now - *writer_heard_;
        const bool switched = switchover_ && switchover_->stage() == Switchover::Stage::granted;
        note.planned = switched;
        if (switched) {
            note.by = switchover_->by();
            note.why = switchover_->cause();
        } else if (word_ && word_->granted) {
            note.by = word_->by;
        }
        settle_grant(true, note.no_writer, {}, turn);
        turn.story.push_back(std::move(note));
    }
    writer_heard_ = turn.now;
    ackers_.judge(record_, sight);
}

void Arbiter::acknowledge(const HeartbeatHeard& heard, Turn& turn) {
    // A longer lease than was ever told under this epoch is durable first; else the old one is
    // told.
    if (rules_.lease > record_.lease_longest && ledger_works(turn.now) &&
        !SIM_BROKEN(longer_lease_is_durable_first)) {
        SIM_SOMETIMES(lease_was_lengthened);
        record_.lease_longest = rules_.lease;
    }
    if (lease_.state() == LeaseState::quarantine) SIM_SOMETIMES(renewed_after_a_restart);
    if (!ledger_works(turn.now)) SIM_SOMETIMES(renewed_while_the_ledger_failed);
    if (!well(heard.beat)) SIM_SOMETIMES(an_unwell_master_was_renewed);
    lease_.renew(rules_, record_.lease_longest, turn.now);
    heartbeat::Ack ack;
    ack.request = heard.beat.request;
    ack.epoch = record_.epoch;
    const Duration lease = SIM_BROKEN(longer_lease_is_durable_first)
                               ? rules_.lease
                               : std::min(rules_.lease, record_.lease_longest);
    if (lease < longest_told_) SIM_SOMETIMES(lease_was_shortened);
    // E counts the lease, not what is told of it.
    longest_told_ = std::max(longest_told_, lease);
    ack.lease = as_told(rules_, lease);
    // A shorter lease than the rules have keeps room for its heartbeats.
    ack.demotion =
        lease == rules_.lease ? rules_.demotion() : std::min(rules_.demotion(), lease / 4);
    if (commits_wait()) {
        ack.semi_sync_set = told_set(record_);
        ack.barred = ackers_.barred(record_, roster_);
    }
    turn.reply = SendReply{heard.from, std::move(ack)};
}

}  // namespace dnsd
