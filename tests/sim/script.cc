#include "tests/sim/script.h"

#include "tests/sim/chance.h"

#include <algorithm>

#include <fmt/format.h>

namespace sim {

namespace {

using Kind = Fault::Kind;
using std::chrono::milliseconds;
using std::chrono::seconds;

struct Described {
    std::string_view name;
    std::string_view text;
};
constexpr Described described[] = {
#define SIM_NAME(name, text) {#name, text},
    SIM_FAULTS(SIM_NAME)
#undef SIM_NAME
};

std::string name_of(std::size_t who) {
    return who == the_arbiter ? "the arbiter" : fmt::format("wiki{}", who + 1);
}

bool names_a_server(Kind kind) {
    switch (kind) {
        case Kind::arbiter_crashes:
        case Kind::arbiter_crashes_at_ledger:
        case Kind::arbiter_stops:
        case Kind::ledger_fails:
        case Kind::ledger_restored:
        case Kind::ledger_damaged:
        case Kind::secondary_cut:
        case Kind::asks_pause:
        case Kind::asks_resume:
        case Kind::lease_changes:
        case Kind::asks_observe:
        case Kind::wall_clock_steps:
        case Kind::semi_sync_changes:
        case Kind::ackers_change:
        case Kind::loss_changes:
        case Kind::choose_changes:
        case Kind::heartbeat_changes:
        case Kind::patience_changes:
        case Kind::damping_changes:
            return false;
        default:
            return kind < Kind::asks_act;
    }
}

void draw_setting(Climate& climate, Stream& stream) {
    climate.agents = stream.chance(500'000) ? 5 : static_cast<std::size_t>(stream.between(2, 5));
    climate.configured = climate.agents;
    // The last may be a server that the configuration does not have yet.
    if (climate.agents > 2 && stream.chance(200'000)) --climate.configured;
    // Mostly slow, for that is what costs least; the fast ones see as much in a tenth of the time.
    const std::int64_t pace = stream.between(0, 99);
    climate.heartbeat = pace < 85   ? seconds(1)
                        : pace < 96 ? milliseconds(stream.between(3, 8) * 100)
                                    : milliseconds(100);
    climate.lease = climate.heartbeat * stream.between(8, 14) / 2;
    climate.lease = std::max<Duration>(climate.lease, climate.heartbeat * 5);
    climate.down_after = climate.heartbeat * stream.between(2, 4);
    climate.choose =
        stream.chance(300'000) ? dnsd::Choose::first_request : dnsd::Choose::most_advanced;
    climate.loss = stream.chance(850'000) ? dnsd::Loss::none : dnsd::Loss::allow;
    climate.semi_sync = stream.chance(900'000);
    climate.ackers = static_cast<unsigned>(stream.between(1, 3));
    climate.confirm_dead = stream.chance(300'000);
    climate.rho = stream.chance(700'000) ? 1000 : 20'000;
    climate.guard = stream.chance(800'000);
    climate.first_writable = stream.chance(600'000);
    climate.write_every = milliseconds(stream.between(200, 900));
    if (stream.chance(250'000)) climate.block = climate.lease * stream.between(1, 4);
    if (stream.chance(150'000))
        climate.failovers_an_hour = static_cast<unsigned>(stream.between(1, 3));
}

void draw_weather(Climate& climate, Stream& stream) {
    climate.loss_share = stream.chance(500'000) ? 0 : stream.between(0, 400'000);
    climate.duplication = stream.chance(500'000) ? 0 : 200'000;
    climate.straggling = stream.chance(500'000) ? 0 : stream.between(0, 50'000);
    climate.failing_verbs = stream.chance(600'000) ? 0 : stream.between(0, 400'000);
    climate.blind_looks = stream.chance(600'000) ? 0 : stream.between(0, 100'000);
}

// How long it lasts, as a share of the lease; a tenth of them long.
Duration length(const Climate& climate, Stream& stream) {
    const std::int64_t most = stream.chance(100'000) ? 5'000'000 : 1'800'000;
    return Duration(climate.lease.count() / million * stream.between(1000, most) +
                    stream.between(0, million));
}

Fault draw(const Climate& climate, Kind kind, Stream& stream) {
    Fault fault;
    fault.kind = kind;
    fault.at = stream.between(0, climate.troubled.count());
    // Once a lease was given it is refused.
    if (kind == Kind::asks_observe) fault.at /= 16;
    fault.lasts = length(climate, stream);
    fault.who = stream.below(climate.agents);
    fault.other = stream.below(climate.agents + 1);
    if (fault.other == climate.agents) fault.other = the_arbiter;
    fault.how = static_cast<std::uint32_t>(stream.next() >> 40);
    if ((kind == Kind::cut || kind == Kind::cut_one_way) &&
        (stream.chance(500'000) || fault.other == fault.who))
        fault.other = the_arbiter;
    if (kind == Kind::cut_one_way && stream.chance(500'000)) std::swap(fault.who, fault.other);
    if ((kind == Kind::cut_all || kind == Kind::slow) && stream.chance(200'000))
        fault.who = the_arbiter;
    return fault;
}

bool needs_guard(Kind kind) {
    return kind == Kind::guard_dies || kind == Kind::guard_stops;
}

// What is possible in any world, and so often as that.
struct Weight {
    Kind kind;
    std::int64_t weight;
};
constexpr Weight weights[] = {
    {Kind::arbiter_crashes, 10},
    {Kind::arbiter_crashes_at_ledger, 8},
    {Kind::arbiter_stops, 6},
    {Kind::ledger_fails, 4},
    {Kind::ledger_restored, 2},
    {Kind::ledger_damaged, 1},
    {Kind::clones_seen, 1},
    {Kind::machine_crashes, 12},
    {Kind::machine_suspends, 4},
    {Kind::agent_crashes, 8},
    {Kind::agent_crashes_at_record, 5},
    {Kind::agent_stops, 8},
    {Kind::agent_restarts, 4},
    {Kind::record_fails, 3},
    {Kind::record_lost, 2},
    {Kind::guard_dies, 2},
    {Kind::guard_stops, 2},
    {Kind::database_crashes, 10},
    {Kind::database_restarts, 3},
    {Kind::database_stops, 6},
    {Kind::replication_lags, 4},
    {Kind::replication_breaks, 3},
    {Kind::made_read_only, 2},
    {Kind::made_writable, 1},
    {Kind::cut, 12},
    {Kind::cut_one_way, 8},
    {Kind::cut_all, 8},
    {Kind::slow, 5},
    {Kind::page_unwell, 6},
    {Kind::secondary_cut, 4},
    {Kind::asks_switchover, 6},
    {Kind::asks_drain, 3},
    {Kind::asks_pause, 3},
    {Kind::asks_resume, 3},
    {Kind::asks_confirm_dead, 2},
    {Kind::asks_adopt, 1},
    {Kind::may_not_lead, 3},
    {Kind::lease_changes, 2},
    {Kind::asks_observe, 1},
    {Kind::wall_clock_steps, 2},
    {Kind::semi_sync_changes, 1},
    {Kind::ackers_change, 2},
    {Kind::loss_changes, 1},
    {Kind::choose_changes, 1},
    {Kind::heartbeat_changes, 1},
    {Kind::patience_changes, 2},
    {Kind::damping_changes, 2},
    {Kind::server_changes, 2},
    {Kind::server_dropped, 2},
    {Kind::server_added, 2},
};

// … of worlds of their own, so that what is aimed in all others stays what it was.
constexpr Kind late_aims[] = {Kind::acker_begins_anew};
constexpr Kind later_aims[] = {Kind::yielder_is_struck};

// Those that are aimed: at whoever holds the lease, is a member of S, or is granted next (aims.cc).
constexpr Weight aims[] = {
    {Kind::winner_is_struck, 12}, {Kind::holder_dies, 5},           {Kind::acker_lags, 6},
    {Kind::leaver_is_ahead, 6},   {Kind::stranger_acknowledges, 3}, {Kind::hand_leads, 5},
    {Kind::memory_is_lost, 3},    {Kind::ledger_forgets, 5},        {Kind::claims_too_much, 2},
};
// What is done on the way of an aimed one only, and what only a world that observes has.
constexpr Kind others[] = {Kind::written_by_hand, Kind::made_to_acknowledge, Kind::asks_act};
static_assert(std::size(weights) + std::size(aims) + std::size(late_aims) + std::size(later_aims) +
                  std::size(others) ==
              static_cast<std::size_t>(Kind::count));

void draw_late_aims(Script& script) {
    Stream stream(script.seed, static_cast<std::uint64_t>(Purpose::script), 2);
    if (!stream.chance(40'000)) return;
    script.climate.semi_sync = true;
    if (stream.chance(500'000)) script.faults.resize(stream.below(script.faults.size() + 1));
    for (const Kind kind : late_aims) script.faults.push_back(draw(script.climate, kind, stream));
}

void draw_later_aims(Script& script) {
    Stream stream(script.seed, static_cast<std::uint64_t>(Purpose::script), 3);
    if (!stream.chance(12'000)) return;
    for (const Kind kind : later_aims) script.faults.push_back(draw(script.climate, kind, stream));
}

// Some worlds have what chance alone seldom brings together. Drawn from a stream of its own: all
// that is not aimed stays what it was.
void draw_aims(Script& script) {
    Stream stream(script.seed, static_cast<std::uint64_t>(Purpose::script), 1);
    Climate& climate = script.climate;
    if (stream.chance(40'000)) {
        climate.observes = true;
        Fault act = draw(climate, Kind::asks_act, stream);
        act.at /= 2;
        script.faults.push_back(act);
    }
    if (stream.chance(15'000)) {
        // Somebody would have another lead than the one that leads already.
        climate.first_writable = true;
        Fault adopts = draw(climate, Kind::asks_adopt, stream);
        adopts.at = stream.between(0, 3 * climate.heartbeat.count());
        script.faults.push_back(adopts);
    }
    if (stream.chance(15'000)) {
        // Two have data of their own when the arbiter is new, and nobody leads.
        climate.first_writable = false;
        for (std::size_t who : {0U, 1U}) {
            Fault wrote = draw(climate, Kind::written_by_hand, stream);
            wrote.at = 0;
            wrote.lasts = Duration::zero();
            wrote.who = who;
            script.faults.push_back(wrote);
        }
    }
    if (!stream.chance(300'000)) return;
    // Where much goes wrong one shot is seldom a hit.
    if (stream.chance(500'000)) script.faults.resize(stream.below(script.faults.size() + 1));
    std::int64_t total = 0;
    for (const Weight& each : aims) total += each.weight;
    for (std::int64_t left = stream.between(1, 4); left > 0; --left) {
        std::int64_t at = stream.between(0, total - 1);
        const Weight* which = aims;
        for (; at >= which->weight; ++which) at -= which->weight;
        Fault fault = draw(climate, which->kind, stream);
        if (which->kind == Kind::winner_is_struck) {
            if (stream.chance(400'000)) fault.at = 0;
            fault.lasts += 2 * climate.lease;
            if (fault.how % 8 >= 6 && climate.block == Duration::zero())
                climate.block = 4 * climate.lease;
        } else if (which->kind == Kind::holder_dies) {
            climate.confirm_dead = true;
        } else if (which->kind == Kind::ledger_forgets || which->kind == Kind::claims_too_much) {
            fault.at = fault.at * 3 / 4;
        } else {
            climate.semi_sync = true;
            climate.ackers = std::max(climate.ackers, 2U);
            const bool alone = which->kind == Kind::stranger_acknowledges ||
                               which->kind == Kind::hand_leads ||
                               which->kind == Kind::memory_is_lost;
            if (alone) climate.ackers = 1;
        }
        script.faults.push_back(fault);
    }
}

}  // namespace

std::string_view name_of(Fault::Kind kind) {
    return described[static_cast<std::size_t>(kind)].name;
}

std::string sentence(const Fault& fault) {
    std::string text =
        fmt::format("at {}.{:03} s {}", fault.at / second, fault.at / millisecond % 1000,
                    described[static_cast<std::size_t>(fault.kind)].text);
    if (fault.kind == Kind::secondary_cut) text += fmt::format(": secondary {}", fault.how % 2);
    if (names_a_server(fault.kind)) text += ": " + name_of(fault.who);
    if (fault.kind == Kind::cut) text += " and " + name_of(fault.other);
    if (fault.kind == Kind::cut_one_way) text += " to " + name_of(fault.other);
    if (fault.lasts > Duration::zero())
        text += fmt::format(", for {}.{:03} s", fault.lasts.count() / second,
                            fault.lasts.count() / millisecond % 1000);
    return text;
}

dnsd::ArbiterRules Climate::rules() const {
    dnsd::ArbiterRules rules;
    rules.group = "wiki";
    rules.heartbeat = heartbeat;
    rules.lease = lease;
    rules.down_after = down_after;
    rules.max_lag = seconds(30);
    rules.choose = choose;
    rules.rho = static_cast<double>(rho) / 1e6;
    rules.loss = loss;
    rules.semi_sync = semi_sync;
    rules.ackers = ackers;
    rules.confirm_dead = confirm_dead;
    rules.mode = observes ? dnsd::Mode::observe : dnsd::Mode::act;
    rules.block = block;
    rules.failovers_an_hour = failovers_an_hour;
    return rules;
}

Duration Climate::expiry() const {
    return rules().expiry(lease);
}

std::string_view text_of(Omission omission) {
    static constexpr std::string_view texts[] = {
#define SIM_NAME(name, text) text,
        SIM_OMISSIONS(SIM_NAME)
#undef SIM_NAME
    };
    return texts[static_cast<std::size_t>(omission)];
}

Script script_of(std::uint64_t seed, Mix mix) {
    Stream stream(seed, static_cast<std::uint64_t>(Purpose::script), 0);
    Script script;
    script.seed = seed;
    draw_setting(script.climate, stream);
    if (mix == Mix::heavy) {
        script.climate.agents = agents_max;
        script.climate.configured = std::max(script.climate.configured, agents_max - 1);
        script.climate.guard = true;
    }
    draw_weather(script.climate, stream);
    // Each world has some kinds of faults and not others, or the frequent would hide the rare.
    std::vector<Weight> kinds;
    std::int64_t total = 0;
    for (const Weight& each : weights) {
        const bool here = stream.chance(450'000) || mix == Mix::heavy;
        if (!here || (needs_guard(each.kind) && !script.climate.guard)) continue;
        kinds.push_back(each);
        total += each.weight;
    }
    const std::int64_t faults = kinds.empty() ? 0 : stream.between(1, 24);
    for (std::int64_t i = 0; i < faults; ++i) {
        std::int64_t at = stream.between(0, total - 1);
        const Weight* which = kinds.data();
        for (; at >= which->weight; ++which) at -= which->weight;
        // A lost ledger costs a minute in which nobody leads: fewer of them see as much.
        const bool loses =
            which->kind == Kind::ledger_restored || which->kind == Kind::ledger_damaged;
        if (loses && stream.chance(600'000)) continue;
        script.faults.push_back(draw(script.climate, which->kind, stream));
    }
    draw_aims(script);
    draw_late_aims(script);
    draw_later_aims(script);
    std::stable_sort(script.faults.begin(), script.faults.end(),
                     [](const Fault& a, const Fault& b) { return a.at < b.at; });
    return script;
}

}  // namespace sim
