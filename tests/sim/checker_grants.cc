// Whom the arbiter grants, when, and what it does by itself or by a person's word.

#include "tests/sim/checker.h"

#include "heartbeat/sim_points.h"
#include "tests/sim/world.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace sim {

namespace {

std::string name(const World& world, std::size_t site) {
    return std::string(world.sites()[site].id.text());
}

std::int64_t unix_seconds(const World& world) {
    return world.arbiter().wall_offset + world.now() / second;
}

std::int64_t began(const World& world) {
    return world.arbiter().wall_offset + world.arbiter().since / second;
}

// When it ends. By a wall clock that was set back since it was begun it is not longer than it was.
std::int64_t end_of(const dnsd::Until& until, const World& world) {
    const std::int64_t placed = until.unix_seconds - until.length_seconds;
    if (placed <= began(world) || placed > world.arbiter().highest_wall + 2)
        return until.unix_seconds;
    return std::min(until.unix_seconds, began(world) + until.length_seconds);
}

// By two seconds surely: both the wall clock and the arbiter's own had a say in its end.
bool surely_on(const dnsd::Until& until, const World& world) {
    return until.length_seconds == 0 || end_of(until, world) > unix_seconds(world) + 2;
}

// With the setting, a block that is under way ends as well.
bool surely_blocked(const dnsd::Record& record, const World& world) {
    return world.rules().block > Duration::zero() && record.damping.block &&
           surely_on(*record.damping.block, world);
}

}  // namespace

bool drained(const World& world, const dnsd::Record& record, const ServerId& id) {
    return std::any_of(record.drains.begin(), record.drains.end(), [&](const dnsd::Drained& each) {
        return each.id == id && surely_on(each.until, world);
    });
}

bool perhaps_drained(const dnsd::Record& record, const ServerId& id) {
    return std::any_of(record.drains.begin(), record.drains.end(),
                       [&](const dnsd::Drained& each) { return each.id == id; });
}

const dnsd::ServerRules* rules_of(const World& world, const ServerId& id) {
    const auto& servers = world.rules().servers;
    const auto at = std::find_if(servers.begin(), servers.end(),
                                 [&](const dnsd::ServerRules& server) { return server.id == id; });
    return at == servers.end() ? nullptr : &*at;
}

// ---- Who is granted
// ----------------------------------------------------------------------------------

// Before its first word of it is on the wire.
void Checker::judge_grant(const World& world, const dnsd::Record& before,
                          const dnsd::Record& next) {
    const ServerId& to = *next.holder;
    const std::size_t place = world.place_of(to);
    const std::string grant =
        fmt::format("{} is granted epoch {}", std::string(to.text()), next.epoch.value);
    for (std::size_t i = 0; i < world.sites().size(); ++i) {
        const bool all = !before.covered || before.semi_sync_unknown;
        const bool asked = all ? world.configured(i)
                               : std::any_of(before.semi_sync.begin(), before.semi_sync.end(),
                                             [&](const dnsd::Acker& acker) {
                                                 return acker.id == world.sites()[i].id;
                                             });
        if (asked && wrought(world, i)) hand_asked_.insert(next.epoch);
    }
    // No word lifts these.
    if (!world.configured(place)) return broken(grant + ", and is not configured");
    const Known& winner = known(world, place);
    if (!rules_of(world, to)->may_lead) return broken("election: " + grant + ", and may not lead");
    if (drained(world, before, to)) return broken("drain: " + grant + ", and is drained");
    if (world.arbiter().cloned == place)
        return broken("clones: " + grant + ", and two machines speak under that name");
    if (winner.health.unwell) return broken("election: " + grant + ", and said that it is unwell");
    judge_named(world, to, grant);
    const bool adopted = adoption_of(to) != nullptr;
    if (adopted) excuse(Excuse::adopted);
    // What those had that did not report is given up by that word; and without semi-sync the best
    // that is there leads, whatever it may lack.
    const bool planned = switches_to(to);
    if (adopted || (!planned && !world.rules().semi_sync)) forgive(world, place, next.epoch);
    if (winner.said.errant && !adopted)
        return broken("election: " + grant + ", and has what no master gave it");
    // After a switchover that failed the lease goes back also in a pause (docs/decisions/0013).
    if (before.pause && surely_on(*before.pause, world) && !planned && to != before.holder) {
        if (!word_given())
            return broken("pause: " + grant + " by the arbiter alone, and it is paused");
        excuse(Excuse::word);
    }
    // It may have died since.
    const bool found = before.epoch == Epoch{} && winner.said.writable;
    if (planned || found) return;
    judge_candidate(world, before, grant, place);
    if (!before.holder || to == before.holder) return;
    const bool fenced = known(world, world.place_of(*before.holder)).heard_fenced >= before.epoch;
    if (outsider_ && world.rules().semi_sync && world.rules().loss == dnsd::Loss::none &&
        !before.semi_sync_unknown && !fenced) {
        if (!adopted)
            return broken("S: " + grant + ", and somebody outside S acknowledged its commits");
        excuse(Excuse::adopted);
    }
    judge_damping(world, before, grant);
}

// Of those that promised and may lead nobody has received more, or what this one lacks; and none of
// those that have the same goes before it.
void Checker::judge_candidate(const World& world, const dnsd::Record& before,
                              const std::string& grant, std::size_t winner) {
    const ServerId& to = world.sites()[winner].id;
    const Known::Said& best = known(world, winner).said;
    const Asked* adoption = adoption_of(to);
    for (const dnsd::ServerRules& server : world.rules().servers) {
        const std::size_t place = world.place_of(server.id);
        const Known::Said& said = known(world, place).said;
        if (place == winner || !best.received || !may_stand(world, before, place)) continue;
        const auto order = *said.received <=> *best.received;
        bool lacks =
            order != std::partial_ordering::less && order != std::partial_ordering::equivalent;
        // For the last holder the gate asks for what it wrote itself and has no more; what others
        // have of another origin it lacked, and was allowed to, when it was granted.
        if (to == before.holder && world.rules().semi_sync && !before.semi_sync_unknown)
            lacks = lacks &&
                    world.timeline().wrote(static_cast<std::uint32_t>(winner + 1),
                                           world.sites()[winner].database.received,
                                           world.sites()[place].database.received, before.epoch);
        const bool candidate = said.promised > before.epoch;
        if (lacks && adoption && !adoption->allow_loss)
            return broken(
                fmt::format("adopt: {}, and {} has what it lacks", grant, name(world, place)));
        if (lacks && candidate && !ledger_fails(world)) {
            if (!adoption)
                return broken(fmt::format("election: {}, and {} has what it lacks", grant,
                                          name(world, place)));
            excuse(Excuse::adopted);
        }
        if (candidate) judge_order(world, before, grant, place, winner);
    }
}

void Checker::judge_damping(const World& world, const dnsd::Record& before,
                            const std::string& grant) {
    const unsigned most = world.rules().failovers_an_hour;
    const auto& times = before.damping.failovers;
    const auto since = unix_seconds(world) - 3600 + 2;
    const auto damped = [&](const char* why) {
        if (word_given()) return excuse(Excuse::word);
        broken("damping: " + grant + why);
    };
    if (most > 0 && std::count_if(times.begin(), times.end(), [&](std::int64_t at) {
                        return std::min(at, began(world)) > since ||
                               (at > since && at <= unix_seconds(world));
                    }) >= most)
        return damped(", and an hour has seen enough failovers");
    if (before.damping.manual) return damped(", and only the operator's word elects");
    if (surely_blocked(before, world)) return damped(" while failovers are blocked");
}

// It ends with its time; or by a person's word, which this is the answer to, or which the
// switchover that ends here was.
void Checker::judge_block(const World& world, const dnsd::Record& before,
                          const dnsd::Record& next) {
    // It ends with its time, by a person's word, or with the setting.
    if (!surely_blocked(before, world)) return;
    const std::int64_t end = end_of(*before.damping.block, world);
    if (next.damping.block && next.damping.block->unix_seconds >= end - 2) return;
    const bool granted = next.epoch > before.epoch && next.holder;
    if (lifting_ == world.now()) {
        lifted_by_ = lifting_by_;
        return;
    }
    if (granted && switching_ && switching_->by_operator) return;
    broken("damping: failovers were blocked for longer, and are not");
}

// Each failover that came within an hour of the one before doubles the block.
void Checker::judge_next_block(const World& world, const dnsd::Record& before,
                               const dnsd::Record& next) {
    const auto& times = next.damping.failovers;
    if (next.epoch == before.epoch || times.size() <= before.damping.failovers.size() ||
        world.rules().block <= Duration::zero())
        return;
    Duration due = world.rules().block;
    for (std::size_t i = times.size() - 1; i > 0 && times[i] - times[i - 1] < 3600; --i)
        due = std::min(2 * due, std::max(world.rules().block, world.rules().block_max));
    const auto length =
        next.damping.block ? std::chrono::seconds(next.damping.block->length_seconds) : Duration{};
    if (length < due)
        broken(fmt::format("damping: the {}. failover of a row blocks the next for {} s, not {}",
                           times.size(), length / std::chrono::seconds(1),
                           due / std::chrono::seconds(1)));
}

// ---- When a lease has ended
// ----------------------------------------------------------------------------------

// I3, as somebody sees it who knows the true time and every disk.
void Checker::judge_lease_end(const World& world, std::size_t agent, Epoch epoch) {
    if (holders_.empty()) return;
    const auto& [last, held] = *holders_.rbegin();
    const std::size_t place = world.place_of(held.holder);
    if (place == agent || place >= world.sites().size()) return;
    const Known& holder = known(world, place);
    if (world.now() >= held.may_live || holder.fenced >= last) {
        // A server that was writable before it heard of a lease knows of no deadline; once it knows
        // one, it is writable after it only where nobody is left to fence it.
        if (!holder.writable || holder.leads || holder.limited || holder.by_hand) return;
    }
    if (held.confirmed_dead) return excuse(Excuse::confirmed_dead);
    broken(
        fmt::format("I3: epoch {} is granted to {} at {}, and {} may be writable under {} until {}",
                    epoch.value, name(world, agent), seconds_of(world.now()), name(world, place),
                    last.value, seconds_of(held.may_live)));
}

// E, as the arbiter must count it by its own clock.
void Checker::judge_expiry(const World& world, std::size_t agent, Epoch epoch) {
    if (holders_.empty() || ledger_lost_) return;
    const auto& [last, held] = *holders_.rbegin();
    const std::size_t place = world.place_of(held.holder);
    if (place == agent || place >= world.sites().size()) return;
    const Known& holder = known(world, place);
    if (holder.heard_fenced >= last || held.confirmed_dead) return;
    constexpr Duration rounding = std::chrono::microseconds(1);
    const Duration drift(held.longest.count() / million * world.script().climate.rho);
    const Duration guard = world.rules().guard_said.value_or(held.longest / 12);
    const Duration waited = world.arbiter().clock.at(world.now()) - held.last_ack;
    if (waited + rounding >= held.longest + drift + guard) return;
    broken(
        fmt::format("I3: epoch {} is granted to {} {} ms after the last ACK of epoch {}, and E "
                    "is {} ms",
                    epoch.value, name(world, agent), waited.count() / millisecond, last.value,
                    (held.longest + drift + guard).count() / millisecond));
}

void Checker::judge_new_holder(const World& world, std::size_t agent, Epoch epoch) {
    outsider_since_ = never;
    acked_set_.clear();
    outsider_ = false;
    const bool adopted = adoption_of(world.sites()[agent].id) != nullptr;
    const bool planned = switches_to(world.sites()[agent].id);
    const auto& refused = known(world, agent).refused;
    if (refused && refused->proofs > 1) {
        if (!adopted)
            return broken(fmt::format(
                "refused: {} is granted epoch {}, and {}, which has lost nothing since it was "
                "granted, had refused it",
                name(world, agent), epoch.value, name(world, refused->by)));
        excuse(Excuse::adopted);
    }
    // The first may have been found writable, and promised nothing.
    if (epoch > Epoch{1} && known(world, agent).promised_once < epoch &&
        world.sites()[agent].disk.promised < epoch)
        broken(fmt::format("I5: {} is granted epoch {}, and has promised {}", name(world, agent),
                           epoch.value, known(world, agent).promised_once.value));
    // Who is there and has data is waited for, for a lease.
    const True opened = std::exchange(window_since_, never);
    const True open = world.now() - opened;
    // Who was found writable stands in no window.
    const bool found_writable = world.ledger()->lease_longest >= dnsd::Record::unbounded;
    const True least_open = world.rules().window().count() * 95 / 100;  // by the arbiter's clock
    if (opened != never && !world.arbiter().reloads && opened > reconfigured_ &&
        open < least_open && !adopted && !planned && !found_writable)
        broken(fmt::format("window: epoch {} is granted {} ms after its window opened", epoch.value,
                           open / millisecond));
    const Duration patience = std::min(world.rules().lease, world.rules().down_after) / 2;
    for (std::size_t i = 0; i < world.sites().size(); ++i) {
        const Known::Said& said = known(world, i).said;
        const ArbiterSite::Heard& heard = world.arbiter().heard[i];
        const bool there = world.configured(i) && heard.at >= said.at && heard.boot != 0 &&
                           said.at > std::max(opened, reconfigured_) &&
                           world.now() - said.at < patience.count() && world.arbiter().cloned != i;
        if (epoch > Epoch{1} && opened != never && there && said.fit && said.received &&
            said.promised < epoch && world.now() - opened < world.rules().lease.count() * 9 / 10 &&
            !adopted && !planned)
            broken(fmt::format("window: epoch {} is granted, and {} has not promised", epoch.value,
                               name(world, i)));
    }
    const Point best = world.sites()[agent].database.has();
    for (std::size_t i = 0; i < world.sites().size(); ++i) {
        const Point has = world.sites()[i].database.has();
        if (world.configured(i) && known(world, i).promised < epoch && has != best &&
            world.timeline().begins(best, has))
            SIM_SOMETIMES(window_closed_with_the_best_late);
    }
}

// ---- Planned switchovers
// ----------------------------------------------------------------------------------

void Checker::judge_begun(const World& world, const dnsd::Note& note) {
    const Instant now = world.arbiter().clock.at(world.now());
    switching_ = Planned{*note.server, now, !note.by.empty()};
    if (!note.by.empty()) return;
    const auto& disk = world.ledger();
    if (!disk || !disk->holder) return;
    const std::string begins = "the arbiter begins a switchover by itself";
    if (disk->pause && surely_on(*disk->pause, world))
        return broken("pause: " + begins + ", and it is paused");
    const std::size_t holder = world.place_of(*disk->holder);
    const dnsd::ServerRules* rules = rules_of(world, *disk->holder);
    const bool drains = perhaps_drained(*disk, *disk->holder);
    const bool only_unwell =
        rules && rules->may_lead && !drains && known(world, holder).health.unwell;
    // For R, which begins when it was heard so.
    const bool dropped_or_told = !rules || !rules->may_lead || !world.sites()[holder].may_lead;
    if (!dropped_or_told && !drains && !known(world, holder).health.unwell)
        return broken("switchover: " + begins + ", and its holder is well and may lead");
    if (only_unwell && surely_blocked(*disk, world))
        return broken("damping: " + begins + " while failovers are blocked");
    const dnsd::ArbiterRules& now_rules = world.rules();
    const Duration pause = now_rules.block > Duration::zero() ? now_rules.block : now_rules.lapse();
    const Duration fast(pause.count() / million * world.script().climate.rho);
    const True begun =
        std::exchange(paced_until_, world.now() + (pause - fast).count());  // by any clock
    if (world.now() < begun) broken("switchover: " + begins + " again, too soon after the last");
}

// The holder is told to stop when the other is surely close; with no order, if it has no database
// at that moment.
void Checker::judge_yield(const World& world, std::size_t agent) {
    yielded_ = world.ledger()->epoch;
    if (switching_->yielded) return;
    switching_->yielded = world.arbiter().clock.at(world.now());
    const Known::Said& to = known(world, world.place_of(switching_->to)).said;
    const Duration close = std::max<Duration>(std::chrono::seconds(1), world.rules().lease / 4);
    if (!to.lag || *to.lag > close)
        broken(fmt::format("switchover: {} is told to yield to {}, whose lag is {} ms",
                           name(world, agent), name(world, world.place_of(switching_->to)),
                           to.lag.value_or(Duration{-millisecond}).count() / millisecond));
}

// It does not hang: the other becomes ready in time, and is granted in time, or it has failed.
void Checker::look_at_switchover(const World& world) {
    const ArbiterSite& arbiter = world.arbiter();
    if (!switching_ || !judges_time(world)) return;
    const Duration readying = 5 * world.rules().heartbeat;
    const Duration patience = std::max<Duration>(world.rules().lease, std::chrono::seconds(2));
    const Instant due =
        switching_->yielded ? *switching_->yielded + patience : switching_->begun + readying;
    if (arbiter.clock.at(world.now()) < due + std::chrono::milliseconds(100)) return;
    if (ledger_fails(world)) return;
    broken(fmt::format("switchover: to {}, {}, and it goes on",
                       name(world, world.place_of(switching_->to)),
                       switching_->yielded ? "the holder was told to yield, and nobody was granted"
                                           : "which is not ready"));
}

}  // namespace sim
