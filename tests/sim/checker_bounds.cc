// What is told for no longer than it may be: who acknowledges, what an operator ordered, how long
// an election waits; and on whose word S changes, or somebody is taken for dead.

#include "tests/sim/checker.h"
#include "tests/sim/world.h"

#include <algorithm>

#include <fmt/format.h>

namespace sim {

namespace {

using std::chrono::milliseconds;

bool same_members(const dnsd::Record& one, const dnsd::Record& other) {
    return std::equal(one.semi_sync.begin(), one.semi_sync.end(), other.semi_sync.begin(),
                      other.semi_sync.end(), [](const dnsd::Acker& a, const dnsd::Acker& b) {
                          return a.id == b.id && a.leaving == b.leaving;
                      });
}

// By the wall clock, which says an end up to a second too late.
bool long_over(const dnsd::Until& until, const World& world) {
    const std::int64_t wall = world.arbiter().wall_offset + world.now() / second;
    return until.length_seconds > 0 && wall > until.unix_seconds + 2;
}

}  // namespace

// Whoever falls silent together with the holder stays in S: it is another only as the writable
// holder is heard. A grant and a lost ledger begin it anew.
void Checker::judge_set(const World& world, const dnsd::Record& before, const dnsd::Record& next) {
    if (next.epoch != before.epoch || next.holder != before.holder || !next.holder ||
        next.semi_sync_unknown || same_members(before, next))
        return;
    const std::size_t holder = world.place_of(*next.holder);
    const bool heard = heard_by_ == holder && heard_at_ == world.now();
    if (heard && known(world, holder).said.leads == next.epoch) return;
    broken("S: it is another set, and no heartbeat of the writable holder was heard");
}

// Commits must not wait for one that can not acknowledge.
void Checker::judge_members(const World& world, std::size_t agent, const heartbeat::Ack& ack) {
    if (known(world, agent).said.leads != ack.epoch || !judges_time(world)) return;
    const True silence = world.rules().down_after.count();
    for (const ServerId& id : ack.semi_sync_set) {
        const std::size_t place = world.place_of(id);
        const bool dropped = !world.configured(place);
        // One that was not heard yet is waited for from when the first was.
        const bool heard = known(world, place).said.boot == world.arbiter().process.boot;
        const True begins = heard ? 0 : first_heard_;
        const True last = std::max({last_heard(world, place), begins, reconfigured_});
        const True silent = world.now() - last;
        if (!dropped && silent <= silence + silence / 20 + 20 * millisecond) continue;
        if (ledger_fails(world)) return;
        return broken(fmt::format("S: {} is to acknowledge, and {}", text(id),
                                  dropped ? "it is configured no more"
                                          : fmt::format("silent for {} ms", silent / millisecond)));
    }
}

// As soon as there are enough others the one too many is told to leave.
void Checker::judge_surplus(const World& world) {
    const auto& disk = world.ledger();
    if (!disk || !disk->holder || !world.rules().semi_sync) return;
    const auto members =
        std::count_if(disk->semi_sync.begin(), disk->semi_sync.end(), [&](const auto& acker) {
            const bool rejoins = std::find(disk->rejoining.begin(), disk->rejoining.end(),
                                           acker.id) != disk->rejoining.end();
            return !acker.leaving && acker.id != disk->holder && !rejoins;
        });
    if (static_cast<std::size_t>(members) > world.rules().ackers)
        broken(fmt::format("S: at the end {} acknowledge, and {} are wanted", members,
                           world.rules().ackers));
}

// Whoever asks for the lease while nobody has it is needed sooner than a heartbeat is due.
void Checker::judge_retry(const World& world, std::size_t agent, const heartbeat::Deny& deny) {
    using heartbeat::DenyReason;
    const bool elects = deny.reason == DenyReason::expiring ||
                        deny.reason == DenyReason::electing || deny.reason == DenyReason::gated ||
                        deny.reason == DenyReason::damped;
    const Known::Said& said = known(world, agent).said;
    // Of one without a database nothing is waited for.
    if (!elects || !said.received || said.at != world.now() || world.now() < reconfigured_ + second)
        return;
    const Duration soon =
        std::max<Duration>(milliseconds(1), world.rules().lease / 60) + milliseconds(1);
    if (deny.retry_after > Duration::zero() && deny.retry_after <= soon) return;
    broken(fmt::format("election: {} is to ask again after {} ms, and that is not soon",
                       text(world.sites()[agent].id), deny.retry_after.count() / millisecond));
}

// Its lease may live: a person says that it does not, where that is allowed. In the quarantine
// after a start the ledger may be an older copy, and whoever was not heard hold a later lease.
void Checker::judge_death(const World& world, const ServerId& dead) {
    if (!world.rules().confirm_dead)
        return broken("I3: " + text(dead) + " is taken for dead, and the settings forbid that");
    if (!world.configured(world.place_of(dead))) return;  // it held no lease, and is barred no more
    if (world.arbiter().cloned == world.place_of(dead))
        return broken("I3: " + text(dead) +
                      " is taken for dead, and two machines speak under its name");
    const auto held = holders_.find(world.epoch());
    const std::uint64_t run = world.arbiter().process.boot;
    if (held == holders_.end() || held->second.boot == run || held->second.acked == run) return;
    for (const dnsd::ServerRules& server : world.rules().servers) {
        const std::size_t place = world.place_of(server.id);
        if (server.id == dead || known(world, place).said.boot == run) continue;
        return broken("I3: after a start " + text(dead) + " is taken for dead, and " +
                      text(server.id) + " was not heard");
    }
}

// What an operator ordered for a while.
void Checker::look_at_orders(const World& world) {
    const auto& disk = world.ledger();
    if (!disk || (!disk->pause && disk->drains.empty()) || !judges_time(world)) return;
    if (world.now() < world.arbiter().since + second) return;
    const bool pause = disk->pause && long_over(*disk->pause, world);
    const bool drain = std::any_of(disk->drains.begin(), disk->drains.end(),
                                   [&](const auto& one) { return long_over(one.until, world); });
    if ((pause || drain) && !ledger_fails(world))
        broken(pause ? "pause: its end has passed, and it stands"
                     : "drain: its end has passed, and it stands");
}

}  // namespace sim
