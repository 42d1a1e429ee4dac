#include "dnsd/arbiter/status.h"

#include "dnsd/arbiter/arbiter.h"

#include <algorithm>

namespace dnsd {

std::string_view name_of(LeaseState state) {
    switch (state) {
        case LeaseState::quarantine:
            return "quarantine";
        case LeaseState::free:
            return "free";
        case LeaseState::held:
            return "held";
        case LeaseState::expiring:
            return "expiring";
        case LeaseState::window:
            return "window";
    }
    return "unknown";
}

std::string_view name_of(SwitchoverStatus::Stage stage) {
    switch (stage) {
        case SwitchoverStatus::Stage::readying:
            return "readying";
        case SwitchoverStatus::Stage::yielding:
            return "yielding";
        case SwitchoverStatus::Stage::waiting:
            return "waiting";
        case SwitchoverStatus::Stage::granted:
            return "granted";
    }
    return "unknown";
}

std::string Arbiter::waiting_for(Instant now) const {
    if (lease_.state() == LeaseState::held) return {};
    if (observing()) return "the command \"mode act\": the arbiter only observes";
    if (!ledger_works(now)) return "the ledger can not be written";
    if (unconfirmed())
        return std::string(record_.holder->text()) +
               ", which was found writable, to take its lease or to be read-only";
    if (lease_.state() == LeaseState::quarantine && !record_.lease_may_live) {
        std::string unheard;
        for (const Watched& server : roster_.servers())
            if (!server.heard)
                unheard += (unheard.empty() ? "" : ", ") + std::string(server.rules.id.text());
        return unheard + " to report after the arbiter's start, or another " +
               spoken(std::max(Duration::zero(), lease_.ends() - now));
    }
    if (lease_.lives()) {
        const std::string left = spoken(std::max(Duration::zero(), lease_.ends() - now));
        return (lease_.state() == LeaseState::quarantine
                    ? "leases of before the arbiter's start to end, in "
                    : "the lease of " +
                          (record_.holder ? std::string(record_.holder->text()) : "nobody") +
                          " to end, in ") +
               left;
    }
    if (held_back(now)) return "the end of the pause: " + orders_.pause_why(now);
    if (switchover_) return switchover_->waits_for();
    if (damped_) return damper_.why(rules_, now);
    if (!record_.holder && !unreported().empty())
        return "the first report of " + names(unreported());
    if (std::string missed = missed_writable(); !missed.empty()) return missed;
    if (!gate_waits_.empty()) return "the zero-loss gate: " + gate_waits_;
    if (!refusal_.empty()) return refusal_;
    std::string waiting;
    for (const Watched& server : roster_.servers()) {
        const std::string why = spoken(unfit(server, now), rules_, record_, server, now);
        if (why.empty() && (!election_ || promised(server))) continue;
        waiting += (waiting.empty() ? "" : "; ") + std::string(server.rules.id.text()) + ": " +
                   (why.empty() ? "has not promised yet" : why);
    }
    return waiting.empty() ? "the candidates' next heartbeats" : waiting;
}

// What stands in the way of automatic failovers, and of switchovers.
void Arbiter::tell_orders(GroupStatus& status, Instant now) const {
    status.mode = observing() ? Mode::observe : Mode::act;
    status.would = would_;
    status.paused = orders_.pause_left(now);
    status.manual = record_.damping.manual;
    if (rules_.block > Duration::zero()) status.block_left = damper_.block_left(now);
    status.failovers_last_hour = damper_.failovers_last_hour(now);
    if (switchover_) status.switchover = switchover_->status(now);
    status.clones = clones_;
    status.counts = counts_;
    status.counts.loss_accepted = losses_accepted_;
}

// It leads, and if it died now the gate would wait for it; not in the first seconds of its epoch,
// until a replica has caught up.
bool Arbiter::without_successor(Instant now) const {
    if (!rules_.semi_sync || rules_.loss == Loss::allow || record_.covered) return false;
    if (lease_.state() != LeaseState::held || !lease_.was_writable()) return false;
    if (now < lease_.granted() + rules_.lapse()) return false;
    return std::any_of(rules_.servers.begin(), rules_.servers.end(), [&](const ServerRules& one) {
        return one.may_lead && one.id != record_.holder;
    });
}

// One clause for each thing that wants a person now.
std::vector<std::string> Arbiter::alarms(Instant now) const {
    std::vector<std::string> alarms;
    for (const ServerId& id : clones_)
        alarms.push_back("two machines speak under the name " + std::string(id.text()));
    if (!ackers_.outsider().empty()) alarms.push_back(ackers_.outsider());
    if (!ackers_.crowded().empty()) alarms.push_back(ackers_.crowded());
    if (!gate_waits_.empty()) alarms.push_back("the zero-loss gate waits for " + gate_waits_);
    if (!refusal_.empty() && lease_.state() != LeaseState::held) alarms.push_back(refusal_);
    if (std::string missed = missed_writable(); !missed.empty()) alarms.push_back(missed);
    if (without_successor(now))
        alarms.push_back("no automatic failover if " + std::string(record_.holder->text()) +
                         " dies: no replica that acknowledges its commits has caught up with it");
    if (record_.damping.manual) alarms.push_back(damper_.why(rules_, now));
    if (!ledger_works(now)) alarms.push_back("the ledger can not be written");
    const bool ignored = rules_.mode == Mode::observe && !record_.mode && !observing();
    if (ignored)
        alarms.push_back(
            "mode \"observe\" is configured, but leases have been given: it acts; a "
            "pause stops what it does by itself");
    return alarms;
}

GroupStatus Arbiter::status(Instant now) const {
    GroupStatus status;
    status.name = rules_.group;
    status.epoch = record_.epoch;
    if (lease_.lives()) status.holder = record_.holder;
    status.master = record_.master_published;
    status.state = lease_.state();
    if (lease_.state() == LeaseState::held || lease_.state() == LeaseState::expiring)
        status.lease_left = std::max(Duration::zero(), lease_.last_ack() + rules_.lease - now);
    status.fail_open = roster_.fail_open() && !observing();
    status.waiting_for = waiting_for(now);
    tell_orders(status, now);
    status.alarms = alarms(now);
    status.covered = record_.covered;
    status.semi_sync_unknown = record_.semi_sync_unknown;
    status.gate_waits = gate_waits_;
    for (const Acker& acker : record_.semi_sync) {
        const Watched* server = roster_.find(acker.id);
        status.semi_sync.push_back({acker.id, server && whole(acker, *server), acker.leaving});
    }
    for (const Watched& server : roster_.servers()) {
        ServerStatus one{.id = server.rules.id};
        one.addresses = server.rules.addresses;
        one.weight = server.rules.weight;
        one.alive = server.alive();
        one.in_pool = server.published || observing();
        one.drained = orders_.drain_left(server.rules.id, now);
        one.cloned = server.cloned;
        one.penalty = damper_.penalty(server.rules.id, rules_, now);
        if (server.heard) one.last_heard = now - *server.heard;
        one.last = server.last;
        if (server.last && !server.silent) one.role = server.last->role;
        if (server.since) one.since = now - *server.since;
        const std::string why = spoken(unfit(server, now), rules_, record_, server, now);
        one.rejoining = rejoins(server.rules.id);
        const bool leads = lease_.lives() && record_.holder == server.rules.id;
        // A server that wishes for nothing may still be able to lead.
        one.may_lead = why.empty() || (leads && server.rules.may_lead && server.alive());
        one.good = server.good;
        one.good_needed = rules_.up_after;
        if (!one.may_lead) one.may_not_lead = why;
        one.errant = why_errant(record_, server);
        if (!one.in_pool) one.out_why = roster_.out_why(server, now);
        one.why = one.in_pool ? one.may_not_lead : one.out_why;
        status.servers.push_back(std::move(one));
    }
    return status;
}

}  // namespace dnsd
