// When www fails open: because nobody stands in it, or because so many of the stable set vanished
// at once that the arbiter's own network is the likelier fault. And what the stable set is. All by
// what was heard of each, and when; where one can not be sure, whatever the arbiter does is right.

#include "tests/sim/checker.h"
#include "tests/sim/world.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace sim {

namespace {

constexpr unsigned falls_max = 4;

bool contains(const std::vector<ServerId>& list, const ServerId& id) {
    return std::find(list.begin(), list.end(), id) != list.end();
}

bool in_pool(const dnsd::Standing& standing, const ServerId& id) {
    return std::any_of(standing.pool.begin(), standing.pool.end(),
                       [&](const dnsd::Member& each) { return each.id == id; });
}

// At least two, and half of them.
bool enough(std::size_t vanished, std::size_t members) {
    return vanished >= 2 && 2 * vanished >= members;
}

bool same_servers(const dnsd::Standing& one, const dnsd::Standing& other) {
    return std::equal(one.pool.begin(), one.pool.end(), other.pool.begin(), other.pool.end(),
                      [](const auto& a, const auto& b) { return a.id == b.id; });
}

// So long it must at most be good, that fell so often after it had stood for a short time.
True steady_for(const World& world, unsigned falls) {
    if (falls == 0) return 0;
    return world.rules().heartbeat.count() * world.rules().up_after << falls;
}

// Silent by any clock, if it was not heard since.
bool silent_since(const World& world, True last) {
    const True silence = world.rules().down_after.count();
    return world.now() - last > silence + silence / 20 + 20 * millisecond;
}

}  // namespace

// ---- Who stands
// ------------------------------------------------------------------------------------------

// Once more heard to be well, or the contrary; by its own heartbeats alone.
void Checker::note_row(const World& world, std::size_t agent) {
    Known& server = known(world, agent);
    Known::Row& row = server.row;
    // How it stands meanwhile www does not show.
    const auto& disk = world.ledger();
    if (disk && perhaps_drained(*disk, world.sites()[agent].id)) server.stand = {};
    const True silence = world.rules().down_after.count();
    const True last = server.health_before.good_at;
    const bool gap = world.now() - last > silence * 9 / 10;
    if (row.good > 0 && (gap || server.health.unwell)) {
        // Whoever stood for long has not flapped.
        const True stood = last - row.since - steady_for(world, row.falls);
        // By another heartbeat it had to be steady for another time.
        const bool long_stood = stood > 12 * silence && row.since > reconfigured_;
        row.falls = long_stood ? 0 : std::min(row.falls + 1, falls_max);
        row.good = 0;
    }
    if (server.health.unwell) {
        row.stood = false;
        return;
    }
    if (row.good == 0) row.since = world.now();
    ++row.good;
    row.stood = surely_stands(world, agent);
}

// By a shorter silence, or once by a longer one, it may have been down.
void Checker::judge_rows_anew(const World& world) {
    const Duration shorter = std::min(world.rules().down_after, down_after_);
    down_after_ = world.rules().down_after;
    for (std::size_t i = 0; i < known_.size(); ++i) {
        Known::Row& row = known_[i].row;
        if (!world.configured(i)) {
            row = {};
            unsure_members_.insert(world.sites()[i].id);
        } else if (row.good > 0 &&
                   world.now() - known_[i].health.good_at > shorter.count() * 9 / 10) {
            row.good = 0;
            row.falls = falls_max;
        }
    }
}

bool Checker::surely_stands(const World& world, std::size_t place) {
    const Known& server = known(world, place);
    const Known::Row& row = server.row;
    const True good_for = server.health.good_at - row.since;
    const bool steady = row.falls == 0 || (row.since > reconfigured_ &&
                                           good_for > steady_for(world, row.falls) * 11 / 10);
    return world.configured(place) && world.arbiter().cloned != place &&
           row.good >= world.rules().up_after && steady &&
           world.now() - server.health.good_at <= world.rules().down_after.count() * 9 / 10;
}

// When it was heard last; by this run of the arbiter.
True Checker::last_heard(const World& world, std::size_t place) {
    const Known::Said& said = known(world, place).said;
    return said.boot == world.arbiter().process.boot ? said.at : world.arbiter().since;
}

bool Checker::surely_fell(const World& world, std::size_t place) {
    const Known& server = known(world, place);
    const bool low = server.health.fell && server.health.good < world.rules().up_after;
    return !world.configured(place) || server.health.unwell || low ||
           silent_since(world, std::max(last_heard(world, place), reconfigured_));
}

// ---- When it fails open
// ----------------------------------------------------------------------------------

// Nobody stands, for sure; or of those of the stable set that stood half are silent since one R.
bool Checker::must_be_open(const World& world, const dnsd::Record& disk) {
    const auto& servers = world.rules().servers;
    if (std::all_of(servers.begin(), servers.end(), [&](const dnsd::ServerRules& server) {
            return surely_fell(world, world.place_of(server.id));
        }))
        return true;
    const True settled = std::max(world.arbiter().process.stopped_until, reconfigured_);
    std::size_t vanished = 0;
    True first = never;
    True latest = 0;
    for (const dnsd::ServerRules& rules : servers) {
        const std::size_t place = world.place_of(rules.id);
        const True last = last_heard(world, place);
        if (last <= settled || !silent_since(world, last)) continue;
        const Known& server = known(world, place);
        const bool heard = server.said.boot == world.arbiter().process.boot;
        if (!contains(disk.stable_set, rules.id) || unsure_members_.contains(rules.id) ||
            perhaps_drained(disk, rules.id) || server.health.unwell || (heard && !server.row.stood))
            continue;
        ++vanished;
        first = std::min(first, last);
        latest = std::max(latest, last);
    }
    if (vanished == 0 || latest - first >= world.rules().down_after.count() * 9 / 10) return false;
    const auto members = std::count_if(servers.begin(), servers.end(), [&](const auto& rules) {
        return contains(disk.stable_set, rules.id) && !drained(world, disk, rules.id);
    });
    return enough(vanished, static_cast<std::size_t>(members));
}

// Nobody surely stands; or so many may have vanished, if `at_once` within one R.
bool Checker::may_be_open(const World& world, const dnsd::Record& disk, bool at_once) {
    const auto& servers = world.rules().servers;
    if (std::none_of(servers.begin(), servers.end(), [&](const dnsd::ServerRules& server) {
            return surely_stands(world, world.place_of(server.id));
        }))
        return true;
    const True silence = world.rules().down_after.count();
    std::size_t members = 0;
    std::size_t others = 0;  // that may be counted with any
    std::vector<True> vanished;
    for (const dnsd::ServerRules& rules : servers) {
        const std::size_t place = world.place_of(rules.id);
        if (!contains(disk.stable_set, rules.id)) continue;
        if (!unsure_members_.contains(rules.id) && !perhaps_drained(disk, rules.id)) ++members;
        if (drained(world, disk, rules.id) || known(world, place).health.unwell ||
            surely_stands(world, place))
            continue;
        const True last = last_heard(world, place);
        if (world.now() - last > silence * 9 / 10)
            vanished.push_back(last);
        else
            ++others;
    }
    if (!at_once || world.now() - std::max(reconfigured_, drains_changed_) < 3 * silence)
        return enough(vanished.size() + others, members);
    const True within = silence + silence / 20 + 50 * millisecond;
    return std::any_of(vanished.begin(), vanished.end(), [&](True latest) {
        const auto count = std::count_if(vanished.begin(), vanished.end(), [&](True last) {
            return last <= latest && latest - last <= within;
        });
        return enough(static_cast<std::size_t>(count) + others, members);
    });
}

void Checker::look_at_open(const World& world, const dnsd::Record& disk) {
    const dnsd::Standing& published = *world.published();
    if (!published.fail_open) {
        if (must_be_open(world, disk))
            broken("I9: nobody stands in www, or half vanished at once, and it does not fail open");
        return;
    }
    if (!may_be_open(world, disk, false))
        return broken("I9: www fails open, and those that stand and are heard are enough");
    for (const dnsd::ServerRules& rules : world.rules().servers) {
        const std::size_t place = world.place_of(rules.id);
        const bool stable = contains(disk.stable_set, rules.id);
        const bool sure = stable && !unsure_members_.contains(rules.id);
        const bool in = in_pool(published, rules.id);
        if (sure && !in && !perhaps_drained(disk, rules.id) && !known(world, place).health.unwell)
            return broken("I9: www fails open without " + text(rules.id) +
                          ", which is of the stable set");
        if (!in || !silent_since(world, std::max(last_heard(world, place), reconfigured_)))
            continue;
        // Without any of that set everybody is back.
        const bool anybody =
            std::any_of(disk.stable_set.begin(), disk.stable_set.end(), [&](const ServerId& id) {
                return rules_of(world, id) && !unsure_members_.contains(id);
            });
        if (!stable && anybody)
            return broken("I9: " + text(rules.id) +
                          " is silent, not of the stable set, and in www that fails open");
        if (!std::exchange(open_counted_, true)) excuse(Excuse::fail_open);
    }
}

void Checker::judge_opening(const World& world, const dnsd::Standing& standing) {
    const auto& stood = world.published();
    const auto& disk = world.ledger();
    if (!standing.fail_open) open_counted_ = false;
    const bool opens = stood && !stood->fail_open && standing.fail_open;
    if (!opens || !disk || world.observing() || observed_) return;
    // What was heard in a step that the ledger took back the arbiter hears again.
    if (!may_be_open(world, *disk, true) && !ledger_fails(world))
        broken("I9: www fails open, and not so many vanished within one R");
}

// ---- The stable set
// --------------------------------------------------------------------------------------

void Checker::note_pool(const World& world, const dnsd::Standing& standing) {
    const auto& stood = world.published();
    if (stood && stood->fail_open == standing.fail_open && same_servers(*stood, standing)) return;
    // One that observes publishes another pool than it knows to stand; what it had known is seen
    // when it acts.
    pool_since_ = pool_is_its_own_ ? world.now() : 0;
    pool_seen_ = world.now();
    pool_is_its_own_ = !world.observing();
}

// It is what stood in www unchanged for 2R, while that did not fail open.
void Checker::judge_stable_set(const World& world, const dnsd::Record& before,
                               const dnsd::Record& next) {
    // Who is drained is not counted, and from its end on it is.
    if (next.drains != before.drains) drains_changed_ = world.now();
    if (next.stable_set == before.stable_set) return;
    const auto& stood = world.published();
    const bool fails = world.now() < world.arbiter().ledger.fails_until;
    if (!fails) unsure_members_.clear();
    if (!stood || stood->fail_open || world.observing())
        return broken("I9: the stable set is another, and www fails open or is not judged");
    if (stood->pool.size() != next.stable_set.size() ||
        !std::all_of(next.stable_set.begin(), next.stable_set.end(),
                     [&](const ServerId& id) { return in_pool(*stood, id); }))
        return broken("I9: the stable set is another than what stands in www");
    const True due = 2 * world.rules().down_after.count();
    const True stands = world.now() - std::max({pool_since_, first_heard_, world.arbiter().since});
    if (stands < due - due / million * world.script().climate.rho - millisecond)
        broken(fmt::format("I9: what has stood in www for {} ms is the stable set, and 2R are {}",
                           stands / millisecond, due / millisecond));
}

// … and what did is that.
void Checker::look_at_stable_set(const World& world, const dnsd::Record& disk) {
    const dnsd::Standing& published = *world.published();
    // What the ledger did not take is tried again after half a lease.
    const ArbiterSite& arbiter = world.arbiter();
    const True written = arbiter.ledger.fails_until + world.rules().lease.count() / 2;
    const True since = std::max({pool_seen_, first_heard_, arbiter.since, reconfigured_, written,
                                 arbiter.process.stopped_until, observed_until_});
    const True due = world.rules().down_after.count() * 21 / 10 + second / 10;
    if (published.fail_open || first_heard_ == never || world.now() - since < due) return;
    if (std::equal(published.pool.begin(), published.pool.end(), disk.stable_set.begin(),
                   disk.stable_set.end(),
                   [](const dnsd::Member& each, const ServerId& id) { return each.id == id; }))
        return;
    for (const dnsd::ServerRules& rules : world.rules().servers) {
        if (unsure_members_.contains(rules.id) ||
            contains(disk.stable_set, rules.id) == in_pool(published, rules.id))
            continue;
        return broken(fmt::format("I9: {} is {} www since {} ms, and the stable set has not that",
                                  text(rules.id), in_pool(published, rules.id) ? "in" : "out of",
                                  (world.now() - since) / millisecond));
    }
}

}  // namespace sim
