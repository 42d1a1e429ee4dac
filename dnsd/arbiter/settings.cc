// The configuration that was read anew, machines that share a name, and what ends by itself.

#include "dnsd/arbiter/arbiter.h"
#include "heartbeat/sim_points.h"

#include <algorithm>
#include <cmath>

namespace dnsd {

namespace {

std::string said(Duration value) {
    return spoken(value);
}
std::string said(const std::optional<Duration>& value) {
    return value ? spoken(*value) : "default";
}
std::string said(bool value) {
    return value ? "true" : "false";
}
std::string said(unsigned value) {
    return std::to_string(value);
}
std::string said(Choose value) {
    return std::string(name_of(value));
}
std::string said(Loss value) {
    return value == Loss::none ? "none" : "allow";
}
std::string said(Mode value) {
    return value == Mode::act ? "act" : "observe";
}
// As the configuration has it, in millionths.
std::string said_drift(double rho) {
    return std::to_string(std::lround(rho * 1e6));
}

// "lease 6.0 s -> 9.0 s, + wiki4": each setting that is another, by its name in the configuration.
class Differences {
public:
    void add(const std::string& clause) { text_ += (text_.empty() ? "" : ", ") + clause; }
    template <typename Value>
    void value(const std::string& name, const Value& was, const Value& is) {
        if (was != is) add(name + " " + said(was) + " -> " + said(is));
    }
    std::string done() const { return text_.empty() ? "nothing that matters here" : text_; }

private:
    std::string text_;
};

const ServerRules* configured(const ArbiterRules& rules, const ServerId& id) {
    for (const ServerRules& server : rules.servers)
        if (server.id == id) return &server;
    return nullptr;
}

void compare_servers(const ArbiterRules& before, const ArbiterRules& after, Differences& out) {
    for (const ServerRules& server : after.servers) {
        const std::string name(server.id.text());
        const ServerRules* old = configured(before, server.id);
        if (!old) {
            out.add("+ " + name);
            continue;
        }
        if (old->addresses != server.addresses) out.add("other addresses of " + name);
        out.value("weight of " + name, old->weight, server.weight);
        out.value("may_lead of " + name, old->may_lead, server.may_lead);
        out.value("priority of " + name, old->priority, server.priority);
    }
    for (const ServerRules& server : before.servers)
        if (!configured(after, server.id)) out.add("- " + std::string(server.id.text()));
}

std::string difference(const ArbiterRules& before, const ArbiterRules& after) {
    Differences out;
    compare_servers(before, after, out);
    out.value("heartbeat", before.heartbeat, after.heartbeat);
    out.value("lease", before.lease, after.lease);
    out.value("demotion", before.demotion_said, after.demotion_said);
    out.value("guard", before.guard_said, after.guard_said);
    out.value("window", before.window_said, after.window_said);
    if (before.rho != after.rho)
        out.add("clock_drift " + said_drift(before.rho) + " -> " + said_drift(after.rho));
    out.value("down_after", before.down_after, after.down_after);
    out.value("up_after", before.up_after, after.up_after);
    out.value("max_lag", before.max_lag, after.max_lag);
    out.value("choose", before.choose, after.choose);
    out.value("loss", before.loss, after.loss);
    out.value("semi_sync", before.semi_sync, after.semi_sync);
    out.value("ackers", before.ackers, after.ackers);
    out.value("mode", before.mode, after.mode);
    out.value("allow_confirm_dead", before.confirm_dead, after.confirm_dead);
    out.value("damping", before.block, after.block);
    out.value("damping_max", before.block_max, after.block_max);
    out.value("failovers_per_hour", before.failovers_an_hour, after.failovers_an_hour);
    out.value("penalty_half_life", before.penalty_half_life, after.penalty_half_life);
    return out.done();
}

}  // namespace

// Whoever was writable before it ever knew a deadline is not told to stop by being dropped, and
// nothing that the arbiter waits for would make it stop. One that may not lead is not waited for by
// the first election of the next run.
std::string Arbiter::objection(const ArbiterRules& rules) const {
    if (unconfirmed() && !configured(rules, *record_.holder))
        return std::string(record_.holder->text()) +
               " was found writable and has not taken its lease; make its database read-only "
               "before it is dropped, or confirm that it is dead";
    if (record_.epoch != Epoch{} || SIM_BROKEN(writable_ones_are_not_dropped)) return {};
    for (const Watched& server : roster_.servers()) {
        const ServerRules* next = configured(rules, server.rules.id);
        if (!server.writable || (next && next->may_lead >= server.rules.may_lead)) continue;
        return std::string(server.rules.id.text()) +
               " was writable when it was last heard, and there was no lease yet: it would write "
               "on beside the one that is elected. Make its database read-only before it " +
               (next ? "may not lead" : "is dropped") +
               ", or start the arbiter anew when that server is gone for good";
    }
    return {};
}

// Nothing of the record changes here, so that a ledger that fails makes no reload undone: the next
// tick puts in order what follows.
void Arbiter::change(const ArbiterRules& rules, Turn& turn) {
    if (std::string why = objection(rules); !why.empty()) {
        turn.story.push_back(
            {Kind::refused, std::nullopt, record_.epoch, "other rules: " + std::move(why)});
        return;
    }
    const std::string what = difference(rules_, rules);
    rules_ = rules;
    ledger_retry_ = std::min(ledger_retry_, turn.now + rules_.lease / 2);
    roster_.change(rules_, turn.now, turn.story);
    // One that was dropped and is back before that could be written is drained still.
    roster_.drain(orders_.drained(turn.now), turn.now, turn.story);
    if (!SIM_BROKEN(other_rules_are_published)) announced_pool_.reset();
    untidy_ = true;
    if (SIM_BROKEN(shorter_lease_takes_nothing_back) && lease_.lives() && !unconfirmed()) {
        record_.lease_longest = rules_.lease;
        lease_.bound(rules_, rules_.lease, lease_.last_ack());
    }
    turn.story.push_back({Kind::rules_changed, std::nullopt, record_.epoch, what});
    if (!record_.holder || roster_.find(*record_.holder) || !lease_.lives()) return;
    // It keeps its claim: it may be writable until the lease has surely ended.
    SIM_SOMETIMES(holder_was_dropped);
    if (SIM_BROKEN(dropped_holder_keeps_its_claim)) return free("it was dropped", turn);
    if (!lease_.refused())
        turn.story.push_back(
            {Kind::expiring, record_.holder, record_.epoch, "it is configured no more"});
    lease_.refuse();
}

// Told once when it begins.
void Arbiter::see_clones(const std::vector<ServerId>& servers, Turn& turn) {
    for (const ServerId& id : servers) {
        if (std::find(clones_.begin(), clones_.end(), id) != clones_.end()) continue;
        if (!roster_.find(id)) continue;
        SIM_SOMETIMES(clones_were_seen);
        turn.story.push_back({Kind::alarm, id, record_.epoch,
                              "two machines speak under its name: neither is granted or renewed"});
    }
    clones_ = servers;
    std::erase_if(clones_, [&](const ServerId& id) { return !roster_.find(id); });
    roster_.mark_cloned(clones_, turn.now);
}

// What a tick finds to have ended, or to be left over from other settings.
void Arbiter::tidy(Turn& turn) {
    if (ledger_works(turn.now)) {
        orders_.end(turn.now, record_, turn.story);
        if (untidy_) {
            orders_.keep_only(rules_.servers, record_);
            damper_.keep_only(rules_.servers);
            refusals_.keep_only(roster_, record_);
            record_.damping = damper_.recorded();
            record_.master_addresses = master_addresses();
            // One that observed may act from now on.
            if (!observing()) rise_above_all(turn);
            untidy_ = false;
        }
    }
    roster_.drain(orders_.drained(turn.now), turn.now, turn.story);
}

Instant Arbiter::operator_wakes_at() const {
    Instant at = Instant::max();
    // What nothing can come of any more is answered at once.
    if (switchover_ && switchover_->can_be_given_back()) {
        const Watched* to = roster_.find(switchover_->to());
        at = to && forbidden(*to).empty() ? switchover_->fails_at(rules_) : started_;
    }
    if (word_ && !word_->granted)
        at = std::min(at, word_is_void().empty() ? word_->ends : started_);
    return at;
}

}  // namespace dnsd
