// Who may be written to, after each event: I1, and that nobody is so without a lease for long.

#include "tests/sim/checker.h"
#include "tests/sim/world.h"

#include <algorithm>
#include <bit>
#include <utility>

#include <fmt/format.h>

namespace sim {

namespace {

std::string name(const World& world, std::size_t site) {
    return std::string(world.sites()[site].id.text());
}

// Could a client hear "committed" from it? With semi-sync only through a replica that acknowledges.
bool can_acknowledge(const World& world, std::size_t site) {
    const Database& database = world.sites()[site].database;
    if (!database.writable()) return false;
    if (!database.waits) return true;
    return std::any_of(world.sites().begin(), world.sites().end(), [&](const Site& each) {
        const Database& replica = each.database;
        // What somebody has a server acknowledge by hand is told to clients, and kept for nobody.
        return replica.upstream == site && replica.connected && replica.acknowledges &&
               !replica.by_hand;
    });
}

}  // namespace

bool Checker::excused_writer(const World& world, std::size_t site) {
    Known& server = known(world, site);
    if (!server.by_hand && !world.sites()[site].unguarded) return false;
    if (!server.excused) excuse(server.by_hand ? Excuse::by_hand : Excuse::unguarded);
    server.excused = true;
    return true;
}

// I4.
void Checker::look_at_writer(const World& world, std::size_t site) {
    Known& server = known(world, site);
    const Site& self = world.sites()[site];
    if (!server.writable) {
        server.writable = true;
        if (!server.announced) {
            const bool born = world.now() == 0;
            server.by_hand = self.unguarded;
            server.hands_from = hands_.size();
            server.leads.reset();
            if (born && !server.by_hand) excuse(Excuse::found_writable);
            if (!born && !server.by_hand)
                return broken("I4: " + name(world, site) + " is writable, and nobody made it so");
        }
    }
    server.announced = false;
    if (server.by_hand) look_at_hand(world, site);
    if ((!server.leads && !server.limited) || excused_writer(world, site)) return;
    if (server.leads && self.database.start != server.start)
        return broken(
            fmt::format("I4: {}'s database restarted, and is writable under epoch {} again",
                        name(world, site), server.leads->value));
    if (world.now() > self.guard.deadline)
        broken(fmt::format("I4: {} is writable under epoch {} after its deadline",
                           name(world, site), server.leads.value_or(Epoch{}).value));
}

// What is written by hand shows where its agent looks, nobody replicates it, and nobody counts on
// what it acknowledges (docs/PROTOCOL.md, I6).
bool Checker::hand_is_seen(const World& world, std::size_t site) {
    const Site& self = world.sites()[site];
    const bool followed =
        std::any_of(world.sites().begin(), world.sites().end(),
                    [&](const Site& each) { return each.database.upstream == site; });
    const bool demoted = self.duty && self.duty->role() == heartbeat::Role::unknown;
    const bool may_receive = self.verb && (std::holds_alternative<agent::Follow>(*self.verb) ||
                                           std::holds_alternative<agent::Configure>(*self.verb));
    return self.process.runs(world.now()) && self.seen_at_rest && !demoted && !followed &&
           !may_receive && !self.database.acknowledges;
}

void Checker::may_receive(std::size_t site) {
    for (Hand& hand : hands_) hand.watched = hand.watched && (hand.site != site || hand.looked_at);
}

// What is not on its disk its agent does not know when it begins again.
void Checker::keeps(std::size_t agent, const agent::AgentRecord& record) {
    if (!record.errant || record.errant->refused) return;
    for (Hand& hand : hands_) hand.kept = hand.kept || (hand.site == agent && hand.looked_at);
}

void Checker::dies(std::size_t agent) {
    for (Hand& hand : hands_) hand.watched = hand.watched && (hand.site != agent || hand.kept);
}

void Checker::look_at_hand(const World& world, std::size_t site) {
    if (hands_.size() <= known_[site].hands_from) return;
    const bool seen = hand_is_seen(world, site);
    for (std::size_t i = known_[site].hands_from; i < hands_.size(); ++i)
        if (hands_[i].site == site) hands_[i].watched = hands_[i].watched && seen;
}

// By hand, where its agent did not make it writable.
void Checker::writes(const World& world, std::size_t site, Point from, Point to) {
    const Known& server = known(world, site);
    const bool writable = world.sites()[site].database.writable();
    if (writable && !server.by_hand) return;
    if (writable)
        for (std::size_t i = server.hands_from; i < hands_.size(); ++i)
            if (hands_[i].site == site && hands_[i].first.branch == to.branch) return;
    hands_.push_back({site, {to.branch, from.length + 1}, hand_is_seen(world, site)});
}

// Its agent sees that it is writable without a lease, and demotes it: within two looks, what a verb
// that runs may take, and the demotion.
void Checker::look_at_bare_writer(const World& world, std::size_t site) {
    Known& server = known_[site];
    const Site& self = world.sites()[site];
    const Climate& climate = world.script().climate;
    const agent::AgentRecord& disk = self.disk;
    const bool told = std::max({disk.seen, disk.promised, disk.fenced}) > Epoch{};
    const bool sees = told && self.process.runs(world.now()) &&
                      self.database.answers(world.now()) && world.now() >= self.record_fails_until;
    // One that was granted while somebody made it writable leads like any other.
    const bool leased = !holders_.empty() && holders_.rbegin()->second.holder == self.id &&
                        world.now() < holders_.rbegin()->second.may_live;
    if (!sees || leased || climate.failing_verbs > 0 || climate.blind_looks > 0) {
        server.bare_since = never;
        return;
    }
    server.bare_since = std::min(server.bare_since, world.now());
    const Duration patience = 2 * climate.heartbeat + climate.lease / 2 + std::chrono::seconds(5);
    if (world.now() - server.bare_since > patience.count())
        broken(fmt::format("I4: {} is writable without a lease since {} ms, and its agent runs",
                           name(world, site), (world.now() - server.bare_since) / millisecond));
}

// I1. Time keeps two from being writable at once; where that was given up, the promises and the
// endless wait for an acknowledgement still keep two from telling a client "committed".
void Checker::look_at_writers(const World& world) {
    std::optional<std::size_t> lawful;
    std::size_t writable = 0;
    // Of the others nothing is to be said, and nothing was.
    unsigned mask = 0;
    unsigned bit = 1;
    for (const Site& site : world.sites()) {
        if (site.database.writable()) mask |= bit;
        bit <<= 1;
    }
    for (unsigned left = std::exchange(touched_, mask) | mask; left != 0; left &= left - 1) {
        const auto i = static_cast<std::size_t>(std::countr_zero(left));
        Known& server = known_[i];
        if ((mask >> i & 1) == 0) {
            server.writable = server.announced = server.by_hand = server.excused = server.limited =
                server.forgotten = false;
            server.bare_since = never;
            continue;
        }
        ++writable;
        look_at_writer(world, i);
        if (excused_writer(world, i)) {
            look_at_bare_writer(world, i);
            continue;
        }
        server.bare_since = never;
        if (lawful)
            return broken("I1: " + name(world, *lawful) + " and " + name(world, i) +
                          " are writable at once");
        lawful = i;
    }
    if (writable < 2) return;
    std::optional<std::size_t> other;
    for (std::size_t i = 0; i < world.sites().size(); ++i) {
        // No gate knows of a grant that was lost with the ledger: time alone keeps that one out.
        if (known_[i].by_hand || known_[i].forgotten || !can_acknowledge(world, i)) continue;
        if (other &&
            gates_stood(known_[*other].leads.value_or(Epoch{}), known_[i].leads.value_or(Epoch{})))
            return broken("I1: " + name(world, *other) + " and " + name(world, i) +
                          " can both acknowledge a write");
        other = i;
    }
}

// Was nobody between the two granted without the zero-loss gate?
bool Checker::gates_stood(Epoch one, Epoch other) const {
    const auto [low, high] = std::minmax(one, other);
    return std::none_of(holders_.upper_bound(low), holders_.upper_bound(high),
                        [](const auto& held) { return held.second.gateless; });
}

}  // namespace sim
