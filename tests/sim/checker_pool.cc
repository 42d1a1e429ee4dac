// What is published: who stands in www and as master, under which serial.

#include "tests/sim/checker.h"
#include "tests/sim/world.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace sim {

namespace {

bool in_pool(const dnsd::Standing& standing, const ServerId& id) {
    return std::any_of(standing.pool.begin(), standing.pool.end(),
                       [&](const dnsd::Member& each) { return each.id == id; });
}

}  // namespace

void Checker::announces(const World& world, const dnsd::Standing& standing) {
    // The first after a loss is made of what is left.
    const bool lost = std::exchange(standing_lost_, false);
    if (standing.pool.empty()) return broken("I9: the pool is empty");
    const auto& stood = world.published();
    // Of one that was found writable, before there were leases.
    observed_ = observed_ || world.observing() || world.rules().mode == dnsd::Mode::observe;
    const bool found = observed_ && standing.epoch == Epoch{};
    if (standing.master) {
        if (!found && !was_writable(standing.master->id, standing.epoch))
            return broken(
                fmt::format("I7: {} is published as master of epoch {}, and was never "
                            "writable under it",
                            text(standing.master->id), standing.epoch.value));
        if (stood && standing.epoch < stood->epoch && !lost)
            return broken(fmt::format("I7: the published master went back from epoch {} to {}",
                                      stood->epoch.value, standing.epoch.value));
    } else if (stood && stood->master && !lost) {
        return broken("I7: the master record went away");
    }
    members_due_ = true;
    if (world.arbiter().reloads) return;  // it has not taken the rules that the world has
    judge_members(world, standing);
    if (standing.master && (!stood || !stood->master || stood->master->id != standing.master->id ||
                            stood->master->addresses != standing.master->addresses))
        master_moved_ = world.now();
    judge_flaps(world, standing);
    judge_opening(world, standing);
    note_pool(world, standing);
    if (world.observing()) {
        if (standing.pool.size() != world.rules().servers.size())
            broken("observe: not every server is in www");
        return;
    }
    judge_drained(world, standing);
    judge_newcomers(world, standing);
    // Whoever said that it is unwell is out while anybody else is there.
    const bool all_unwell =
        std::all_of(standing.pool.begin(), standing.pool.end(), [&](const dnsd::Member& each) {
            const std::size_t place = world.place_of(each.id);
            return place < world.sites().size() && known(world, place).health.unwell;
        });
    if (all_unwell) return;
    for (const dnsd::Member& each : standing.pool) {
        const std::size_t place = world.place_of(each.id);
        if (place < world.sites().size() && known(world, place).health.unwell)
            return broken("I9: " + text(each.id) + " said that it is unwell, and is in www");
    }
}

// As configured; of a master that is configured no more, as it was.
void Checker::judge_members(const World& world, const dnsd::Standing& standing) {
    const auto same = [](const std::vector<heartbeat::Address>& one,
                         const std::vector<heartbeat::Address>& other) {
        return std::is_permutation(one.begin(), one.end(), other.begin(), other.end());
    };
    const auto as_configured = [&](const dnsd::Member& member) {
        const dnsd::ServerRules* rules = rules_of(world, member.id);
        return rules && member.weight == rules->weight && same(member.addresses, rules->addresses);
    };
    for (const dnsd::Member& member : standing.pool)
        if (!as_configured(member))
            return broken("I9: " + text(member.id) +
                          " is in www otherwise than the configuration says");
    if (!standing.master) return;
    const dnsd::Member& master = *standing.master;
    if (rules_of(world, master.id)) {
        if (!as_configured(master))
            broken("I7: " + text(master.id) +
                   " is published as master otherwise than the configuration says");
        return;
    }
    // What an older ledger knows of it may be older, too.
    const auto& stood = world.published();
    const bool known = stood && stood->master && stood->master->id == master.id && !ledger_lost_;
    if (!master.addresses.empty() && (!known || same(master.addresses, stood->master->addresses)))
        return;
    // It moved when the ledger could not take that, or just before the arbiter died: another run
    // knows what is on disk.
    const ArbiterSite& arbiter = world.arbiter();
    const bool unwritten = master_moved_ < arbiter.ledger.fails_until ||
                           died_at_ - master_moved_ < world.rules().lease.count();
    if (!master.addresses.empty() && master_moved_ < arbiter.since && unwritten)
        return excuse(Excuse::ledger_fails);
    broken("I7: " + text(master.id) +
           " was dropped, and is published as master elsewhere than it was");
}

// Whoever is drained is out while somebody else is there.
void Checker::judge_drained(const World& world, const dnsd::Standing& standing) {
    const auto& disk = world.ledger();
    if (!disk || disk->drains.empty()) return;
    const bool others =
        std::any_of(standing.pool.begin(), standing.pool.end(),
                    [&](const dnsd::Member& each) { return !perhaps_drained(*disk, each.id); });
    if (!others) return;
    for (const dnsd::Member& each : standing.pool)
        if (drained(world, *disk, each.id))
            return broken("drain: " + text(each.id) +
                          " is in www, and others are that are not drained");
}

// One that comes and goes must be good for longer each time.
void Checker::judge_flaps(const World& world, const dnsd::Standing& standing) {
    constexpr unsigned flaps_max = 4;
    const auto& stood = world.published();
    const bool sure = stood && !stood->fail_open && !standing.fail_open && !world.observing();
    const dnsd::ArbiterRules& rules = world.rules();
    for (std::size_t i = 0; i < world.sites().size(); ++i) {
        Known& server = known(world, i);
        Known::Stand& stand = server.stand;
        if (!sure) {
            stand = {};
            continue;
        }
        const bool was = in_pool(*stood, world.sites()[i].id);
        const bool is = in_pool(standing, world.sites()[i].id);
        if (was && !is) {
            const ArbiterSite& arbiter = world.arbiter();
            const True silent = world.now() - std::max(arbiter.heard[i].at, arbiter.since);
            const auto& disk = world.ledger();
            const bool drained =
                disk && std::any_of(disk->drains.begin(), disk->drains.end(),
                                    [&](const auto& one) { return one.id == world.sites()[i].id; });
            const bool fell =
                !drained && (server.health.unwell || silent > rules.down_after.count() * 9 / 10);
            const bool soon =
                stand.from != never && world.now() - stand.from < 9 * rules.down_after.count();
            stand = {never, fell && soon ? std::min(stand.flaps + 1, flaps_max) : 0, fell};
        } else if (!was && is) {
            const True good = world.now() - server.health.good_since;
            const True due = rules.heartbeat.count() * rules.up_after << stand.flaps;
            if (stand.flaps > 0 && good < due * 9 / 10)
                return broken(
                    fmt::format("I9: {} came and went {} times, and is in www again after "
                                "{} ms",
                                text(world.sites()[i].id), stand.flaps, good / millisecond));
            // A run of the arbiter begins with those that it knows to be stable.
            const bool earned = stand.fell && server.health.good >= rules.up_after &&
                                world.now() > world.arbiter().since + 2 * rules.down_after.count();
            stand.from = earned ? server.health.good_since : never;
        }
    }
}

// One that fell is in again by a row of good heartbeats only. A run of the arbiter begins with all
// that belong: one that did not fall since was out because it was drained.
void Checker::judge_newcomers(const World& world, const dnsd::Standing& standing) {
    const auto& stood = world.published();
    if (!stood || stood->fail_open || standing.fail_open) return;
    // One that was never heard stands until it should have been.
    const bool waited =
        first_heard_ != never && world.now() - std::max({world.arbiter().since, first_heard_,
                                                         world.arbiter().process.stopped_until}) >=
                                     2 * world.rules().down_after.count();
    for (const dnsd::Member& each : standing.pool) {
        const bool stays = in_pool(*stood, each.id);
        const std::size_t place = world.place_of(each.id);
        if (stays || place >= world.sites().size()) continue;
        const Known::Health& health = known(world, place).health;
        const bool heard = world.arbiter().heard[place].boot != 0;
        const bool fell = health.fell || (!heard && waited);
        if (fell && health.good < world.rules().up_after)
            return broken(fmt::format("I9: {} is in www again after {} good heartbeats in a row",
                                      text(each.id), health.good));
    }
}

void Checker::look_at_pool(const World& world) {
    const True now = world.now();
    if (now < pool_due_) return;
    if (world.arbiter().process.up) seen_up_ = now;
    pool_due_ = now + 20 * millisecond;
    const ArbiterSite& arbiter = world.arbiter();
    const auto& published = world.published();
    if (world.observing()) {
        observed_until_ = now;
        pool_is_its_own_ = false;
    }
    if (!published || world.observing() || arbiter.reloads || !arbiter.process.up) return;
    if (std::exchange(members_due_, false)) judge_members(world, *published);
    // It reads and judges what came while it was stopped, or while its disk failed, in a while.
    const Duration retry = world.rules().heartbeat + std::chrono::seconds(1);
    if (now < arbiter.process.stopped_until + 10 * millisecond ||
        now < arbiter.ledger.fails_until + retry.count())
        return;
    judge_drained(world, *published);
    const auto& disk = world.ledger();
    if (!disk || disk->stable_set.empty()) return;
    look_at_stable_set(world, *disk);
    // If none of the stable set is configured, the wait begins with the first that reports.
    const True since = std::max(arbiter.since, first_heard_);
    const Duration silence = world.rules().down_after;
    const True patience = silence.count() + silence.count() / 20 + 20 * millisecond;
    if (now - since < patience) return;
    look_at_open(world, *disk);
    if (published->fail_open) return;
    for (const dnsd::Member& each : published->pool) {
        const std::size_t place = world.place_of(each.id);
        if (place >= arbiter.heard.size()) continue;
        const True last = std::max(arbiter.heard[place].at, since);
        if (now - last > patience)
            return broken(fmt::format("I9: {} is in www, and silent since {}", text(each.id),
                                      seconds_of(last)));
    }
}

}  // namespace sim
