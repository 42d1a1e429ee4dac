// What agents do to their databases, as agent/io does it; and the guards, which only kill.

#include "heartbeat/sim_points.h"
#include "tests/sim/world.h"

#include <algorithm>

namespace sim {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Verb = agent::VerbDone::Verb;

namespace {

// agent/io/database.h's limits: by then a verb has failed if the database does not answer.
constexpr Duration patience = seconds(5);

agent::VerbDone asked_for(const agent::Effect& effect) {
    agent::VerbDone done{};
    if (const auto* promote = std::get_if<agent::Promote>(&effect)) {
        done.verb = Verb::promote;
        done.epoch = promote->epoch;
    } else if (const auto* follow = std::get_if<agent::Follow>(&effect)) {
        done.verb = Verb::follow;
        done.epoch = follow->epoch;
    } else if (const auto* prepare = std::get_if<agent::Prepare>(&effect)) {
        done.verb = Verb::prepare;
        done.epoch = prepare->epoch;
    } else if (const auto* configure = std::get_if<agent::Configure>(&effect)) {
        done.verb = Verb::configure;
        done.epoch = configure->epoch;
    } else {
        done.verb = Verb::demote;
    }
    return done;
}

}  // namespace

// It works for a while; what it does, it does at its end, unless it was overtaken.
void World::begin_verb(std::size_t agent, const agent::Effect& effect) {
    Site& site = sites_[agent];
    const Climate& climate = script_.climate;
    Stream& stream = chance_.of(Purpose::verbs, agent);
    Duration takes = stream.between(milliseconds(2), milliseconds(50));
    site.verb_until = now_ + patience.count();
    if (const auto* promote = std::get_if<agent::Promote>(&effect)) {
        site.verb_until = site.clock.when(promote->give_up);
        if (troubled() && stream.chance(50'000)) takes = 2 * climate.lease;
        if (telling())
            tell(name(agent) + " promotes itself under " + std::to_string(promote->epoch.value));
    } else if (const auto* demote = std::get_if<agent::Demote>(&effect)) {
        // Without a guard the soft demotion keeps to its budget; with one it may take too long.
        const Duration budget = shortest_lease_ / 4;
        takes = stream.between(milliseconds(1),
                               climate.guard && troubled() ? 3 * budget / 2 : budget * 9 / 10);
        if (telling()) tell(name(agent) + " demotes itself: " + demote->why);
    } else if (const auto* follow = std::get_if<agent::Follow>(&effect)) {
        checker_.follows(*this, agent, follow->epoch);
        checker_.may_receive(agent);
        takes = stream.between(milliseconds(5), milliseconds(90));
        if (telling())
            tell(name(agent) + " follows " + std::string(follow->master.text()) +
                 (follow->semi_sync ? ", acknowledging" : ""));
    } else if (const auto* configure = std::get_if<agent::Configure>(&effect)) {
        checker_.may_receive(agent);
        if (telling())
            tell(name(agent) + " configures semi-sync " + (configure->semi_sync ? "on" : "off") +
                 ", bars " + std::to_string(configure->barred.size()));
    }
    if (const auto* promote = std::get_if<agent::Promote>(&effect))
        checker_.bars(*this, agent, promote->barred);
    if (const auto* change = std::get_if<agent::Configure>(&effect); change && change->leads)
        checker_.bars(*this, agent, change->barred);
    site.verb = effect;
    after(takes, Event::Kind::verb_ends, agent, site.process.boot, ++site.verb_number);
}

void World::end_verb(std::size_t agent, std::uint64_t number) {
    Site& site = sites_[agent];
    if (site.verb_number != number || !site.verb) return;
    Database& database = site.database;
    const bool promotes = std::holds_alternative<agent::Promote>(*site.verb);
    // What it waits for: an answer; all that was received to be applied.
    True waits_for = database.up ? database.stopped_until : now_;
    if (promotes && database.up && database.received != database.logged) {
        if (now_ < database.lags_until) SIM_SOMETIMES(a_winner_had_yet_to_apply);
        waits_for = std::max(waits_for, database.lags_until);
    }
    if (now_ < waits_for && now_ < site.verb_until)
        return events_.add(std::min(waits_for, site.verb_until), Event::Kind::verb_ends, agent,
                           site.process.boot, number);
    agent::VerbDone ended = asked_for(*site.verb);
    const bool may_fail = ended.verb != Verb::demote || script_.climate.guard;
    if (!database.up)
        ended.why = "the database is down";
    else if (now_ < waits_for)
        ended.why = "no answer in time";
    else if (may_fail && troubled() &&
             chance_.of(Purpose::verbs, agent).chance(script_.climate.failing_verbs))
        ended.why = "failed";
    else
        ended.why = act(agent);
    ended.ok = ended.why.empty();
    if (const auto* promote = std::get_if<agent::Promote>(&*site.verb); promote && !ended.ok)
        checker_.promotion_failed(*this, agent, promote->epoch, promote->give_up);
    site.verb.reset();
    agent_step(agent, ended);
}

std::string World::act(std::size_t agent) {
    const agent::Effect verb = *sites_[agent].verb;
    if (const auto* promote = std::get_if<agent::Promote>(&verb)) return act(agent, *promote);
    if (const auto* follow = std::get_if<agent::Follow>(&verb)) return act(agent, *follow);
    if (const auto* prepare = std::get_if<agent::Prepare>(&verb)) return act(agent, *prepare);
    if (const auto* change = std::get_if<agent::Configure>(&verb)) return act(agent, *change);
    return act(agent, std::get<agent::Demote>(verb));
}

// The server looks at the time once more itself, so a statement that lay in a socket does no harm.
std::string World::act(std::size_t agent, const agent::Promote& effect) {
    Site& site = sites_[agent];
    Database& database = site.database;
    if (site.clock.at(now_) >= effect.give_up) return "the lease ends before it is writable";
    if (effect.start != database.start && !SIM_BROKEN(winner_in_the_start_it_asked_with))
        return "the database restarted since it asked";
    if (agent::may_be_lost(effect.relay, database.relay_log(), false) &&
        !SIM_BROKEN(winner_in_the_start_it_asked_with))
        return "the relay log began anew since it asked";
    const bool wrote_before = database.writable() && !database.upstream;
    if (!wrote_before) {
        if (database.upstream && !database.sql_running) database.start_replication(false, true);
        if (!timeline_.begins(database.logged, database.received))
            return "what was received can not be applied";
        database.stop_replication();
        database.logged = database.received;
        database.commits(database.logged, now_);
        database.upstream.reset();
        database.raised = true;
    }
    database.refused = database.wrote = false;
    bar(agent, effect.barred);
    database.waits = effect.semi_sync;
    database.write_epoch = effect.epoch;
    database.read_only = false;
    site.unguarded = false;
    if (telling())
        tell(name(agent) + " is writable under " + std::to_string(effect.epoch.value) + " at " +
             timeline_.position(database.logged).text());
    checker_.becomes_writable(*this, agent, effect.epoch);
    return {};
}

// read_only, and KILL HARD of all clients: who waited has its row committed here, and hears an
// error.
std::string World::act(std::size_t agent, const agent::Demote&) {
    fence_database(agent);
    return {};
}

// CHANGE MASTER throws the relay log away: what is in it is applied first, or it stays.
std::string World::apply_received(std::size_t agent) {
    Database& database = sites_[agent].database;
    if (!database.upstream || !(database.io_running || database.sql_running)) return {};
    if (!database.sql_running) database.start_replication(false, true);
    database.io_running = false;
    database.disconnect();
    apply(agent);
    if (database.received == database.logged) return {};
    return "what was received would be lost: not all of it could be applied in time";
}

std::string World::act(std::size_t agent, const agent::Follow& effect) {
    Database& database = sites_[agent].database;
    const std::size_t upstream = place_of(effect.master);
    if (!database.waiters.empty()) return "1205: read_only can not be set behind a waiter";
    fence_database(agent);
    database.waits = false;
    database.acknowledges_next = effect.semi_sync;
    database.by_hand = false;
    if (database.upstream != upstream) {
        if (auto why = apply_received(agent); !why.empty()) {
            SIM_SOMETIMES(a_relay_log_was_kept);
            return why;
        }
        database.stop_replication();
        database.upstream = upstream;
    } else if (database.io_running && database.acknowledges != database.acknowledges_next) {
        database.io_running = false;
        database.disconnect();
    }
    database.start_replication();
    connect(agent);
    start_applying(agent);
    return database.connected ? "" : "replication does not run";
}

std::string World::act(std::size_t agent, const agent::Prepare&) {
    Database& database = sites_[agent].database;
    if (!database.upstream) {
        checker_.stops_receiving(*this, agent);
        return {};
    }
    const bool by_hand = !database.sql_running && !database.wrote;
    if (!database.sql_running) database.start_replication(false, true);
    if (by_hand && database.io_running) {
        start_applying(agent);
        return "somebody had stopped applying: it begins again first";
    }
    checker_.stops_receiving(*this, agent);
    database.io_running = false;
    database.disconnect();
    start_applying(agent);
    return {};
}

std::string World::act(std::size_t agent, const agent::Configure& effect) {
    Database& database = sites_[agent].database;
    if (!effect.leads) {
        database.waits = false;
        database.acknowledges_next = effect.semi_sync;
        database.by_hand = false;
        if (!database.io_running || database.acknowledges == database.acknowledges_next) return {};
        if (database.wrote) return "what was received can not be applied";
        // Else what was received would be thrown away.
        if (!database.sql_running) database.start_replication(false, true);
        database.io_running = false;
        database.disconnect();
        if (database.acknowledges_next || effect.receives) database.start_replication();
        connect(agent);
        start_applying(agent);
        return {};
    }
    if (database.read_only) return "it is read-only, and no master any more";
    bar(agent, effect.barred);
    database.waits = effect.semi_sync;
    // Whoever waits is told "committed", though nobody else has it.
    if (!database.waits) release(agent, database.logged, false);
    return {};
}

// None of them is let in, and who is connected is cut off; nobody else is kept out.
void World::bar(std::size_t agent, const std::vector<heartbeat::Barred>& list) {
    Database& database = sites_[agent].database;
    std::uint8_t barred = 0;
    for (const heartbeat::Barred& each : list)
        barred = static_cast<std::uint8_t>(barred | 1u << place_of(each.id));
    database.barred = barred;
    for (std::size_t i = 0; i < sites_.size(); ++i) {
        Database& replica = sites_[i].database;
        if (!database.is_barred(i) || replica.upstream != agent || !replica.connected) continue;
        SIM_SOMETIMES(a_barred_one_was_cut_off);
        replica.disconnect();
        after(seconds(1), Event::Kind::connects, i, replica.start);
    }
}

// ---- The guards
// -------------------------------------------------------------------------------------

void World::arm_guard(std::size_t agent, True deadline) {
    Guard& guard = sites_[agent].guard;
    guard.deadline = deadline;
    guard.lease = std::max(rules_.lease, script_.climate.lease);
    events_.add(deadline, Event::Kind::guard_kills, agent, ++guard.arming);
}

void World::guard_kills(std::size_t agent, std::uint64_t arming) {
    Site& site = sites_[agent];
    Guard& guard = site.guard;
    if (guard.arming != arming || now_ < guard.deadline || !site.database.writable()) return;
    // Where there is none the agent alone fences, if it runs and its database answers.
    if (!script_.climate.guard) {
        const True begun = guard.deadline - guard.lease.count();
        site.unguarded =
            site.unguarded || !site.process.ran_since(begun) || site.database.stopped_until > begun;
        return;
    }
    if (!guard.fit(now_)) {
        // Nobody fences any more; what was acknowledged is kept by promises and the gate alone.
        site.unguarded = true;
        if (telling()) tell(name(agent) + " is writable after its lease, and has no guard");
        if (guard.up) events_.add(guard.stopped_until, Event::Kind::guard_kills, agent, arming);
        return;
    }
    SIM_SOMETIMES(guard_killed_a_database);
    kill_database(
        agent, "its guard kills it",
        chance_.of(Purpose::database, agent).between(milliseconds(50), milliseconds(1500)));
}

}  // namespace sim
