#include "dnsd/arbiter/status.h"

#include "dnsd/arbiter/arbiter.h"

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

std::string Arbiter::waiting_for(Instant now) const {
    const auto names = [](const std::vector<ServerId>& ids) {
        std::string text;
        for (const ServerId& id : ids) text += (text.empty() ? "" : ", ") + std::string(id.text());
        return text;
    };
    if (lease_.state() == LeaseState::held) return {};
    if (!ledger_works(now)) return "the ledger can not be written";
    if (lease_.lives() && unconfirmed())
        return std::string(record_.holder->text()) +
               ", which was found writable, to take its lease or to be read-only";
    if (lease_.lives()) {
        const std::string left = spoken(std::max(Duration::zero(), lease_.ends() - now));
        return (lease_.state() == LeaseState::quarantine
                    ? "leases of before the arbiter's start to end, in "
                    : "the lease of " +
                          (record_.holder ? std::string(record_.holder->text()) : "nobody") +
                          " to end, in ") +
               left;
    }
    if (!record_.holder && !unreported().empty())
        return "the first report of " + names(unreported());
    if (!refusal_.empty()) return refusal_;
    std::string waiting;
    for (const Watched& server : roster_.servers()) {
        const std::string why = unfit(server, now);
        if (why.empty() && (!election_ || promised(server))) continue;
        waiting += (waiting.empty() ? "" : "; ") + std::string(server.rules.id.text()) + ": " +
                   (why.empty() ? "has not promised yet" : why);
    }
    return waiting.empty() ? "the candidates' next heartbeats" : waiting;
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
    status.fail_open = roster_.fail_open();
    status.waiting_for = waiting_for(now);
    for (const Watched& server : roster_.servers()) {
        ServerStatus one{.id = server.rules.id};
        one.addresses = server.rules.addresses;
        one.weight = server.rules.weight;
        one.alive = server.alive();
        one.in_pool = server.published;
        if (server.heard) one.last_heard = now - *server.heard;
        one.last = server.last;
        if (server.last && !server.silent) one.role = server.last->role;
        if (server.since) one.since = now - *server.since;
        const std::string why = unfit(server, now);
        const bool leads = lease_.lives() && record_.holder == server.rules.id;
        // A server that wishes for nothing may still be able to lead.
        one.may_lead = why.empty() || (leads && server.rules.may_lead && server.alive());
        if (!server.published)
            one.why = !server.heard          ? "not heard yet"
                      : server.silent        ? "silent for " + spoken(*one.last_heard)
                      : server.said_unwell() ? why
                                             : "not yet enough good heartbeats in a row";
        else if (!one.may_lead)
            one.why = why;
        status.servers.push_back(std::move(one));
    }
    return status;
}

}  // namespace dnsd
