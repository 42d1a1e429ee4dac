#include "tests/sim/world.h"

#include <algorithm>
#include <cassert>

namespace sim {

using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr std::size_t clients = 3;

}  // namespace

World::World(Script script, Teller teller)
    : script_(std::move(script)),
      teller_(std::move(teller)),
      chance_(script_.seed),
      network_(script_.climate, chance_),
      secondaries_(events_, chance_) {
    const Climate& climate = script_.climate;
    rules_ = climate.rules();
    const auto clock = [&](std::size_t machine) {
        Stream& stream = chance_.of(Purpose::clock, machine);
        const std::int64_t offset = stream.between(0, 1000 * second);
        return Clock{0, offset, stream.between(-climate.rho, climate.rho)};
    };
    sites_.reserve(climate.agents);
    for (std::size_t i = 0; i < climate.agents; ++i) {
        const auto last = static_cast<std::uint8_t>(i + 1);
        sites_.emplace_back(*ServerId::parse("wiki" + std::to_string(i + 1)),
                            Address::v4({192, 0, 2, last}));
        sites_[i].clock = clock(i);
        sites_[i].database.start = 1'000'000 * (i + 1);  // no two servers have one in common
        if (i < climate.configured)
            rules_.servers.push_back({sites_[i].id, {sites_[i].address}, 1, true, 0});
    }
    if (climate.first_writable) {
        const std::size_t leads = chance_.of(Purpose::clock, 0).below(climate.configured);
        Database& database = sites_[leads].database;
        database.read_only = false;
        database.logged =
            timeline_.written({}, static_cast<std::uint32_t>(leads + 1), Epoch{}, 10, false);
        database.committed = database.durable = database.received = database.logged;
    }
    for (const std::string& broken : rules_.check()) checker_.broken(broken);
    arbiter_.clock = clock(the_arbiter);
    arbiter_.heard.resize(sites_.size());
    clients_.resize(clients);
    events_.add(0, Event::Kind::arbiter_starts, 0);
    for (std::size_t i = 0; i < sites_.size(); ++i)
        after(chance_.of(Purpose::clock, i).between(Duration{0}, milliseconds(500)),
              Event::Kind::agent_starts, i);
    for (std::size_t i = 0; i < clients_.size(); ++i)
        after(climate.write_every, Event::Kind::writes, i);
    for (std::size_t i = 0; i < script_.faults.size(); ++i)
        events_.add(script_.faults[i].at, Event::Kind::fault, 0, i);
    events_.add(climate.troubled.count(), Event::Kind::calm, 0);
}

bool World::step() {
    if (events_.next() == never || !violation().empty()) return false;
    const Event event = events_.take();
    assert(event.at >= now_);
    now_ = event.at;
    dispatch(event);
    checker_.looks(*this);
    return violation().empty();
}

bool World::run(Duration time) {
    const True end = now_ + time.count();
    while (events_.next() <= end)
        if (!step()) return false;
    now_ = end;
    return violation().empty();
}

bool World::put_off(const Process& process, const Event& event, bool datagram) {
    if (now_ >= process.stopped_until) return false;
    using Kind = Event::Kind;
    if (Events::is_alarm(event.kind)) {
        events_.set_alarm(process.stopped_until, event.kind, event.who, event.a);
        return true;
    }
    const Kind reader =
        event.kind == Kind::heard_by_arbiter ? Kind::arbiter_wakes : Kind::agent_wakes;
    if (datagram && events_.alarm(reader, event.who) <= process.stopped_until)
        SIM_SOMETIMES(a_queue_went_before_a_timer);
    events_.add(process.stopped_until, event.kind, event.who, event.a, event.b,
                datagram ? Events::Turn::datagrams : Events::Turn::timers);
    return true;
}

void World::dispatch(const Event& event) {
    using Kind = Event::Kind;
    const std::size_t who = event.who;
    // Of an earlier run of that agent, or while it is stopped.
    const auto void_for_agent = [&] {
        const Process& process = sites_[who].process;
        return !process.up || process.boot != event.a || put_off(process, event, false);
    };
    switch (event.kind) {
        case Kind::heard_by_arbiter:
            return heard_by_arbiter(event);
        case Kind::heard_by_agent:
            return heard_by_agent(event);
        case Kind::challenged:
            return challenged(event);
        case Kind::arbiter_starts:
            if (!arbiter_.process.up) start_arbiter();
            return;
        case Kind::arbiter_wakes:
            return arbiter_wakes(event);
        case Kind::agent_starts:
            if (!sites_[who].process.up && sites_[who].process.boot == event.a) start_agent(who);
            return;
        case Kind::agent_wakes:
            if (!void_for_agent()) agent_step(who, agent::ClockTicked{});
            return;
        case Kind::looks:
            if (!void_for_agent()) looks(who);
            return;
        case Kind::looked:
            if (!void_for_agent() && event.b == sites_[who].look_number) looked(who);
            return;
        case Kind::asked_dns:
            if (!void_for_agent()) asked_dns(who);
            return;
        case Kind::verb_ends:
            if (!void_for_agent()) end_verb(who, event.b);
            return;
        case Kind::notifier_wakes:
        case Kind::secondary:
            if (!put_off(arbiter_.process, event, false))
                secondaries_.on(event, now_, arbiter_.clock);
            return;
        case Kind::fault:
            return begin(event.a);
        case Kind::fault_ends:
            return end(event.a);
        case Kind::calm:
            return calm();
        case Kind::repair:
            return repair();
        default:
            return dispatch_data(event);
    }
}

void World::dispatch_data(const Event& event) {
    using Kind = Event::Kind;
    const std::size_t who = event.who;
    const bool this_start = sites_[who < sites_.size() ? who : 0].database.start == event.a;
    switch (event.kind) {
        case Kind::guard_kills:
            return guard_kills(who, event.a);
        case Kind::database_starts:
            if (!sites_[who].database.up && this_start) database_starts(who);
            return;
        case Kind::writes:
            return clients_write(who);
        case Kind::statements:
            if (this_start) perform_statements(who);
            return;
        case Kind::receives:
            return receive(who, event.a);
        case Kind::applies:
            if (this_start) apply(who);
            return;
        case Kind::acknowledges:
            return acknowledge(event);
        case Kind::connects:
            if (this_start) connect(who);
            return;
        default:
            return;
    }
}

// ---- What is so
// ------------------------------------------------------------------------------------

std::string World::name(std::size_t site) const {
    return std::string(sites_[site].id.text());
}

std::size_t World::place_of(const ServerId& id) const {
    // They are wiki1, wiki2, …
    const std::string_view text = id.text();
    const std::size_t place = static_cast<std::size_t>(text.back() - '1');
    return place < sites_.size() && sites_[place].id == id ? place : sites_.size();
}

bool World::configured(std::size_t site) const {
    return std::any_of(rules_.servers.begin(), rules_.servers.end(),
                       [&](const auto& server) { return server.id == sites_[site].id; });
}

bool World::observing() const {
    const auto& record = arbiter_.ledger.record;
    if (record && (record->epoch > Epoch{} || record->holder)) return false;
    const auto mode = record && record->mode ? *record->mode : rules_.mode;
    return mode == dnsd::Mode::observe;
}

std::vector<std::size_t> World::masters() const {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < sites_.size(); ++i)
        if (sites_[i].database.writable()) found.push_back(i);
    return found;
}

Epoch World::epoch() const {
    const auto& record = arbiter_.ledger.record;
    return record ? record->epoch : Epoch{};
}

bool World::all_of_it_runs(std::size_t site) const {
    const Site& it = sites_[site];
    return it.process.runs(now_) && it.guard.fit(now_) && it.database.answers(now_) &&
           now_ >= it.record_fails_until;
}

True World::quiet_at() const {
    True last = script_.climate.troubled.count();
    for (const Fault& fault : script_.faults) last = std::max(last, fault.at + fault.lasts.count());
    return last + 3 * script_.climate.expiry().count();
}

std::string World::unsettled() const {
    const auto writable = masters();
    if (writable.size() != 1) return std::to_string(writable.size()) + " masters";
    if (!arbiter_.process.runs(now_)) return "the arbiter is down";
    const std::size_t master = writable.front();
    const auto& record = arbiter_.ledger.record;
    if (!record || record->holder != sites_[master].id) return "the ledger has another holder";
    if (!published_ || !published_->master || published_->master->id != sites_[master].id)
        return "another is published";
    if (published_->epoch != record->epoch) return "published under another epoch";
    if (published_->fail_open) return "www fails open";
    if (published_->pool.size() != rules_.servers.size()) return "not all are in www";
    if (now_ < arbiter_.ledger.fails_until) return "the ledger can not be written";
    for (std::size_t i = 0; i < sites_.size(); ++i) {
        if (!configured(i)) continue;
        // A fault that outlasts the others: what it does may be still to come.
        if (!all_of_it_runs(i)) return "not all of " + name(i) + " runs";
        if (i == master) continue;
        const Database& database = sites_[i].database;
        if (database.upstream != master) return name(i) + " follows another";
        if (!database.io_running || !database.sql_running) return name(i) + " has stopped";
        if (!database.connected) return name(i) + " is not connected";
        if (!timeline_.begins(database.logged, sites_[master].database.logged))
            return name(i) + " diverged";
    }
    for (const auto& copy : secondaries_.copies())
        if (copy.standing != published_) return "a secondary has another version";
    for (const ServerId& id : record->rejoining)
        if (configured(place_of(id))) return std::string(id.text()) + " is still on its way back";
    if (rules_.semi_sync && rules_.servers.size() > 1 && !record->covered)
        return "nobody acknowledges what is committed";
    // What it could not write it may not even have judged.
    const auto status = arbiter_.machine->status(arbiter_.clock.at(now_));
    if (status.state != dnsd::LeaseState::held) return "the lease is not renewed";
    if (status.switchover) return "a switchover is under way";
    return status.alarms.empty() ? std::string() : "an alarm: " + status.alarms.front();
}

// Nobody writes any more: what replicates has all in a moment.
void World::let_replicas_catch_up() {
    clients_rest_ = true;
    run(milliseconds(500));
}

std::string World::unequal() const {
    const auto writable = masters();
    if (writable.size() != 1) return {};
    const Database& master = sites_[writable.front()].database;
    for (std::size_t i = 0; i < sites_.size(); ++i)
        if (configured(i) && sites_[i].database.logged != master.logged)
            return name(i) + " has not what the master has, and nobody writes any more";
    return {};
}

// ---- A whole run
// ------------------------------------------------------------------------------------

// A quarantine at the longest lease, the longest of the pauses that failed verbs earned, and the
// operator's patience.
Duration settling_bound(const Climate& climate) {
    return 20 * climate.lease + seconds(240);
}

Verdict live(const Script& script, const World::Teller& teller) {
    World world(script, teller);
    const Climate& climate = script.climate;
    world.run(climate.troubled);
    const Duration bound = settling_bound(climate);
    // It has settled when all faults are over and it is whole, and it stays so for two leases.
    const True rests = (2 * climate.lease).count();
    const True patience = std::max(world.quiet_at(), world.now()) + bound.count();
    True since = never;
    while (world.violation().empty() && world.now() < patience &&
           (since == never || world.now() < std::max(since + rests, Duration(least).count()))) {
        world.run(climate.heartbeat);
        const bool whole = world.now() >= world.quiet_at() && world.unsettled().empty();
        since = whole ? std::min(since, world.now()) : never;
    }
    const bool settled = world.violation().empty() && world.unsettled().empty();
    if (settled) world.let_replicas_catch_up();
    const std::string differs = settled ? world.unequal() : std::string();
    if (world.violation().empty() && world.unsettled().empty()) world.finish();
    Verdict verdict{world.violation(),  world.now(),     world.checker().grants(),
                    world.heartbeats(), world.commits(), world.adoptions(),
                    world.clonings()};
    for (const Fault& fault : world.script().faults)
        if (fault.at <= world.now()) ++verdict.faults[static_cast<std::size_t>(fault.kind)];
    for (std::size_t i = 0; i < verdict.excused.size(); ++i)
        verdict.excused[i] = world.checker().excused(static_cast<Excuse>(i));
    verdict.omitted = world.omitted();
    const std::string lacks = differs.empty() ? world.unsettled() : differs;
    if (verdict.broken.empty() && !lacks.empty()) verdict.broken = "does not settle: " + lacks;
    return verdict;
}

}  // namespace sim
