// The daemon around an agent's machine: its record, what it says and hears, its looks.

#include "heartbeat/sim_points.h"
#include "tests/sim/datagram_text.h"
#include "tests/sim/world.h"

#include <algorithm>
#include <memory>
#include <utility>

#include <fmt/format.h>

namespace sim {

using std::chrono::milliseconds;

void World::start_agent(std::size_t agent) {
    Site& site = sites_[agent];
    site.process = {.up = true, .boot = site.process.boot + 1, .began = now_};
    site.counter = 0;
    site.arbiter_boot = 0;
    site.looking = site.look_again = site.seen_at_rest = false;
    site.verb.reset();
    site.crashes_at_record.reset();
    if (site.landed) {
        if (telling()) tell(name(agent) + "'s record is the one that could not be written");
        SIM_SOMETIMES(failed_write_was_on_disk);
        site.disk = *std::exchange(site.landed, std::nullopt);
        checker_.keeps(agent, site.disk);
    }
    if (telling()) tell(name(agent) + "'s agent starts, boot " + std::to_string(site.process.boot));
    if (site.process.boot > 1 && site.disk.promised > epoch())
        SIM_SOMETIMES(a_promise_outlived_its_agent);
    if (site.process.boot > 1 && site.disk.errant) SIM_SOMETIMES(an_errant_one_stayed_errant);
    agent::DutyRules rules{.self = site.id, .heartbeat = script_.climate.heartbeat};
    site.duty.emplace(std::move(rules), site.disk, site.clock.at(now_));
    agent_step(agent, agent::ClockTicked{});
    if (site.process.up) looks(agent);
}

// The process is gone; what it had asked its database for may still be done.
void World::end_agent(std::size_t agent, Duration off) {
    Site& site = sites_[agent];
    if (!site.process.up) return;
    site.process.up = false;
    site.duty.reset();
    checker_.dies(agent);
    if (site.verb && site.database.answers(now_) &&
        chance_.of(Purpose::verbs, agent).chance(300'000)) {
        if (telling()) tell(name(agent) + "'s database does what it was told last");
        (void)act(agent);
    }
    site.verb.reset();
    after(off, Event::Kind::agent_starts, agent, site.process.boot);
}

void World::set_agent_alarm(std::size_t agent) {
    const Site& site = sites_[agent];
    const Instant wakes = site.duty->wakes_at();
    const True when = wakes == Instant::max() ? never : std::max(now_, site.clock.when(wakes));
    events_.set_alarm(when, Event::Kind::agent_wakes, agent, site.process.boot);
}

// False: it failed, or the agent died over it.
bool World::write_record(std::size_t agent, const agent::AgentRecord& record) {
    Site& site = sites_[agent];
    if (now_ < site.record_fails_until) {
        if (site.lands != Landing::lost) site.landed = record;
        if (site.lands == Landing::kept_and_the_writer_dies) {
            site.lands = Landing::kept;
            follow_up(Fault::Kind::agent_crashes, agent, script_.climate.heartbeat / 2,
                      milliseconds(300));
        }
        return false;
    }
    const bool lost = site.crashes_at_record && site.before_record;
    if (!lost) {
        site.disk = record;
        site.landed.reset();
        checker_.keeps(agent, record);
    }
    if (!site.crashes_at_record) return true;
    if (telling())
        tell(name(agent) + "'s agent crashes " + (lost ? "before" : "after") +
             " it wrote its record");
    end_agent(agent, *site.crashes_at_record);
    return false;
}

void World::agent_step(std::size_t agent, const agent::Event& event) {
    Site& site = sites_[agent];
    // Only what may fail has to be taken back.
    std::unique_ptr<const agent::Duty> before;
    if (now_ < site.record_fails_until) before = std::make_unique<const agent::Duty>(*site.duty);
    const std::uint64_t boot = site.process.boot;
    for (agent::Effect& effect : site.duty->step(event, site.clock.at(now_))) {
        if (const auto* remember = std::get_if<agent::Remember>(&effect)) {
            if (write_record(agent, remember->record)) continue;
            if (!site.process.up) return;
            site.duty = *before;
            SIM_SOMETIMES(an_agents_record_failed);
            if (telling()) tell(name(agent) + "'s record fails");
            return agent_step(agent, agent::RecordFailed{});
        }
        perform(agent, effect);
        if (!site.process.up || site.process.boot != boot) return;
    }
    set_agent_alarm(agent);
}

// What it carries may be taken.
void World::perform(std::size_t agent, agent::Effect& effect) {
    Site& site = sites_[agent];
    if (auto* says = std::get_if<agent::SendHeartbeat>(&effect)) {
        send(agent, std::move(says->beat));
    } else if (std::holds_alternative<agent::LookAtDatabase>(effect)) {
        // One that began before a verb ended tells nothing of what it did: another follows.
        site.look_again = site.looking;
        look_at_database(agent);
    } else if (std::holds_alternative<agent::AskMasterRecord>(effect)) {
        after(chance_.of(Purpose::looks, agent).between(milliseconds(1), milliseconds(50)),
              Event::Kind::asked_dns, agent, site.process.boot);
    } else if (const auto* extended = std::get_if<agent::LeaseExtended>(&effect)) {
        checker_.extends(*this, agent, *extended);
        arm_guard(agent, site.clock.when(extended->deadline));
    } else if (std::holds_alternative<agent::LeaseEnded>(effect)) {
        // The guard goes by the deadline, and finds then that there is nothing to kill.
        if (telling()) tell(name(agent) + "'s lease has ended");
    } else if (const auto* note = std::get_if<agent::Note>(&effect)) {
        if (telling()) tell(agent::log_line(site.id, *note));
        // A service manager starts it again.
        if (note->kind == agent::Kind::left || note->kind == agent::Kind::left_undone)
            end_agent(agent, milliseconds(500));
    } else {
        begin_verb(agent, effect);
    }
}

void World::send(std::size_t agent, heartbeat::Heartbeat&& beat) {
    Site& site = sites_[agent];
    checker_.says(*this, agent, beat);
    if (now_ < site.lies_until) beat.seen = Epoch{std::uint64_t{1} << 50};
    if (telling()) tell(fmt::format("{} says #{}: {}", name(agent), beat.request, spoken(beat)));
    const auto fate = network_.send(agent, the_arbiter, now_, troubled());
    ++site.counter;
    if (fate.copies == 0) return;
    const std::size_t parcel = parcels_.put(
        {agent, site.process.boot, site.arbiter_boot, site.counter, std::move(beat)}, fate.copies);
    for (std::size_t i = 0; i < fate.copies; ++i)
        events_.add(fate.at[i], Event::Kind::heard_by_arbiter, 0, parcel);
}

void World::heard_by_agent(const Event& event) {
    Site& site = sites_[event.who];
    if (site.process.up && put_off(site.process, event, true)) return;
    Parcel parcel = parcels_.take(event.a);
    // A reply counts for the boots of both sides between whom it was asked for.
    if (!site.process.up || parcel.agent_boot != site.process.boot) return;
    if (parcel.arbiter_boot != site.arbiter_boot && !SIM_BROKEN(no_reply_of_another_boot)) return;
    const auto& reply = std::get<heartbeat::Reply>(parcel.message);
    checker_.handed(*this, event.who,
                    std::visit([](const auto& each) { return each.mark; }, reply));
    agent_step(event.who, agent::ReplyHeard{std::move(std::get<heartbeat::Reply>(parcel.message))});
}

void World::challenged(const Event& event) {
    Site& site = sites_[event.who];
    if (!site.process.up || site.process.boot != event.a || put_off(site.process, event, true))
        return;
    if (site.arbiter_boot == event.b) return;
    site.arbiter_boot = event.b;
    agent_step(event.who, agent::Introduced{});
}

void World::asked_dns(std::size_t agent) {
    const auto& copy = secondaries_.copies()[agent % Secondaries::count];
    agent::MasterRecordSeen seen;
    if (copy.standing && copy.standing->master) seen.addresses = copy.standing->master->addresses;
    agent_step(agent, seen);
}

// ---- Looks
// ------------------------------------------------------------------------------------------

void World::looks(std::size_t agent) {
    Site& site = sites_[agent];
    after(script_.climate.heartbeat, Event::Kind::looks, agent, site.process.boot);
    look_at_database(agent);
    agent_step(agent, agent::PageSeen{{true, site.page, site.page ? "" : "HTTP 503"}});
}

// A look that is still on its way is not overtaken by the next.
void World::look_at_database(std::size_t agent) {
    Site& site = sites_[agent];
    if (site.looking) return;
    site.looking = true;
    site.look_begun = site.clock.at(now_);
    Stream& stream = chance_.of(Purpose::looks, agent);
    // Nothing is heard of one that is stopped until the look's own deadline.
    const Duration takes = site.database.answers(now_)
                               ? stream.between(milliseconds(1), milliseconds(8))
                               : std::min<Duration>(script_.climate.heartbeat, milliseconds(500));
    after(takes, Event::Kind::looked, agent, site.process.boot, ++site.look_number);
}

void World::looked(std::size_t agent) {
    Site& site = sites_[agent];
    site.looking = false;
    const std::uint64_t boot = site.process.boot;
    agent::DatabaseView view = view_of(agent);
    checker_.looked(*this, agent, site.look_begun, view.reachable);
    agent_step(agent, agent::DatabaseSeen{std::move(view), site.look_begun});
    if (!site.process.up || site.process.boot != boot) return;
    if (std::exchange(site.look_again, false)) look_at_database(agent);
}

// As it is durable; what is not is not said.
std::uint64_t World::start_said(std::size_t agent) const {
    const Site& site = sites_[agent];
    const agent::RelayKnown& relay = site.disk.relay;
    return relay.start == site.database.start ? agent::start_said(relay.start, relay.generation)
                                              : site.database.start;
}

agent::DatabaseView World::view_of(std::size_t agent) {
    Site& site = sites_[agent];
    const Database& database = site.database;
    agent::DatabaseView view;
    site.blind = !site.blind && troubled() &&
                 chance_.of(Purpose::looks, agent).chance(script_.climate.blind_looks);
    view.reachable = database.answers(now_) && !site.blind;
    if (!view.reachable) {
        view.why = database.up ? "no answer" : "connection refused";
        return view;
    }
    view.read_only = database.read_only;
    view.start = database.start;
    view.flavour = heartbeat::GtidFlavour::mariadb;
    view.applied = timeline_.position(database.logged);
    view.received = timeline_.position(database.has());
    view.relay = database.relay_log();
    view.replica_configured = database.upstream.has_value();
    if (database.upstream) view.upstream = sites_[*database.upstream].address;
    view.io_running = database.io_running;
    // While it is demoted it may still be written to.
    sites_[agent].seen_at_rest = !database.io_running && database.read_only &&
                                 sites_[agent].duty->role() != heartbeat::Role::unknown;
    view.io_connected = database.io_running && database.connected;
    view.sql_running = database.sql_running;
    view.refused = database.refused;
    view.wrote = database.wrote;
    if (database.refused) view.replication_error = "1236: not in the master's binlog";
    if (database.wrote) view.replication_error = "1950: out of order";
    view.semi_sync = database.upstream ? database.io_running && database.acknowledges
                                       : !database.read_only && database.waits;
    for (std::size_t i = 0; i < sites_.size(); ++i) {
        const Database& replica = sites_[i].database;
        view.semi_sync_clients += replica.upstream == agent && replica.connected &&
                                  replica.io_running && replica.acknowledges;
    }
    // Seconds_Behind_Master: NULL unless both threads do their work.
    if (view.io_connected && view.sql_running)
        view.lag = Duration(std::clamp<True>(database.lags_until - now_, 0, second * 40));
    return view;
}

}  // namespace sim
