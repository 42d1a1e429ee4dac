// What goes wrong when, as the script says.

#include "tests/sim/world.h"

#include <algorithm>

namespace sim {

using Kind = Fault::Kind;
using std::chrono::milliseconds;

namespace {

// Of the configuration: it has an end, and is then what it was.
bool is_a_setting(Kind kind) {
    return kind == Kind::lease_changes ||
           (kind >= Kind::semi_sync_changes && kind <= Kind::server_changes);
}

Landing landing(const Fault& fault) {
    const std::uint32_t how = fault.how % 4;
    return how < 2 ? Landing::lost : how == 2 ? Landing::kept : Landing::kept_and_the_writer_dies;
}

}  // namespace

void World::strike(const Fault& fault) {
    script_.faults.push_back(fault);
    begin(script_.faults.size() - 1);
}

void World::begin(std::size_t place) {
    const Fault fault = script_.faults[place];
    if (telling()) tell("FAULT " + sentence(fault));
    if (fault.kind <= Kind::clones_seen)
        strike_arbiter(fault);
    else if (fault.kind <= Kind::guard_stops)
        strike_agent(fault);
    else if (fault.kind <= Kind::made_writable)
        strike_database(fault);
    else if (fault.kind <= Kind::secondary_cut)
        strike_network(fault, false);
    else if (fault.kind <= Kind::asks_act)
        strike_operator(fault, false);
    else
        aim(fault);
    if (fault.lasts > Duration::zero()) after(fault.lasts, Event::Kind::fault_ends, 0, place);
}

void World::end(std::size_t place) {
    const Fault fault = script_.faults[place];
    Site* site = fault.who < sites_.size() ? &sites_[fault.who] : nullptr;
    switch (fault.kind) {
        case Kind::clones_seen:
            arbiter_.cloned.reset();
            if (arbiter_.process.up) arbiter_step(dnsd::ClonesSeen{{}});
            return;
        case Kind::guard_dies:
            site->guard.up = true;
            return guard_kills(fault.who, site->guard.arming);
        case Kind::cut:
        case Kind::cut_one_way:
        case Kind::cut_all:
        case Kind::slow:
        case Kind::page_unwell:
            return strike_network(fault, true);
        case Kind::asks_drain:
        case Kind::may_not_lead:
        case Kind::server_dropped:
            return strike_operator(fault, true);
        default:
            if (is_a_setting(fault.kind)) strike_operator(fault, true);
            return;
    }
}

void World::strike_arbiter(const Fault& fault) {
    Process& process = arbiter_.process;
    LedgerDisk& ledger = arbiter_.ledger;
    const True until = now_ + fault.lasts.count();
    switch (fault.kind) {
        case Kind::arbiter_crashes:
            return crash_arbiter(fault.lasts);
        case Kind::arbiter_crashes_at_ledger:
            arbiter_.crashes_at_ledger = fault.lasts;
            arbiter_.before_write = fault.how % 4 == 0;
            return;
        case Kind::arbiter_stops:
            process.stopped_until = std::max(process.stopped_until, until);
            return;
        case Kind::ledger_fails:
            ledger.fails_until = std::max(ledger.fails_until, until);
            ledger.lands = landing(fault);
            return;
        case Kind::ledger_restored:
            return put_ledger_back(fault);
        case Kind::ledger_damaged:
            if (!ledger.record) return;
            crash_arbiter(fault.lasts);
            ledger.damage(fault.how);
            checker_.ledger_restored(*this);
            return;
        default:  // clones_seen
            if (!process.up || !configured(fault.who)) return;
            arbiter_.cloned = fault.who;
            // It looks silent, while its lease may live; somebody takes that for its death.
            if (fault.how % 2 == 0 && rules_.confirm_dead)
                follow_up(Fault::Kind::asks_confirm_dead, fault.who,
                          std::min(fault.lasts / 2, rules_.lease * 9 / 10), Duration::zero(), 0, 1);
            return arbiter_step(dnsd::ClonesSeen{{sites_[fault.who].id}});
    }
}

// By a ledger that knows of no lease: who was written to before there were any, was never told of
// one, and is dropped or may not lead (docs/PROTOCOL.md, I1).
bool World::somebody_would_write_unknown() const {
    return std::any_of(sites_.begin(), sites_.end(), [&](const Site& site) {
        const auto at =
            std::find_if(rules_.servers.begin(), rules_.servers.end(),
                         [&](const dnsd::ServerRules& rules) { return rules.id == site.id; });
        const bool waited_for = at != rules_.servers.end() && at->may_lead;
        const Epoch told = std::max({site.disk.seen, site.disk.promised, site.disk.fenced});
        return !waited_for && told == Epoch{} && site.database.writable();
    });
}

void World::put_ledger_back(const Fault& fault) {
    auto& ledger = arbiter_.ledger;
    if (ledger.copies.empty()) return omits(Omission::ledger_kept);
    const bool chosen = fault.how == before_a_grant || fault.how == nobody_leads;
    if (chosen && !forgetful_copy(fault)) return omits(Omission::ledger_kept);
    const std::optional<dnsd::Record> copy =
        chosen ? forgetful_copy(fault) : ledger.copies[fault.how % ledger.copies.size()];
    if ((!copy || copy->epoch == Epoch{}) && somebody_would_write_unknown())
        return omits(Omission::unheard_writer_kept);
    crash_arbiter(fault.lasts);
    const std::optional<dnsd::Record> last = ledger.record;
    ledger.put(copy);
    ledger.copies.clear();
    checker_.ledger_restored(*this);
    if (last && ledger.record) checker_.copy_restored(*last, *ledger.record);
}

void World::strike_agent(const Fault& fault) {
    Site& site = sites_[fault.who];
    Process& process = site.process;
    const True until = now_ + fault.lasts.count();
    const auto stop = [&](True& stopped_until) { stopped_until = std::max(stopped_until, until); };
    switch (fault.kind) {
        case Kind::machine_crashes:
            // Power comes back for all of it; the agent is started a moment after the database.
            kill_database(fault.who, "with its machine", fault.lasts);
            site.verb.reset();
            return end_agent(fault.who, fault.lasts + milliseconds(200));
        case Kind::machine_suspends:
            stop(process.stopped_until);
            stop(site.database.stopped_until);
            return stop(site.guard.stopped_until);
        case Kind::agent_crashes:
            return end_agent(fault.who, fault.lasts);
        case Kind::agent_crashes_at_record:
            site.crashes_at_record = fault.lasts;
            site.before_record = fault.how % 4 == 0;
            return;
        case Kind::agent_stops:
            return stop(process.stopped_until);
        case Kind::agent_restarts:
            if (process.runs(now_)) agent_step(fault.who, agent::Stopping{});
            return;
        case Kind::record_fails:
            site.lands = landing(fault);
            return stop(site.record_fails_until);
        case Kind::record_lost:
            end_agent(fault.who, fault.lasts);
            site.disk = {};
            site.landed.reset();
            checker_.loses_record(*this, fault.who);
            return;
        case Kind::claims_too_much:
            return stop(site.lies_until);
        case Kind::guard_dies:
            site.guard.up = false;
            return;
        default:  // guard_stops
            return stop(site.guard.stopped_until);
    }
}

void World::strike_database(const Fault& fault) {
    Database& database = sites_[fault.who].database;
    const True until = now_ + fault.lasts.count();
    switch (fault.kind) {
        case Kind::database_crashes:
            return kill_database(fault.who, "by itself", fault.lasts);
        case Kind::database_restarts:
            return shut_down_database(fault.who, fault.lasts);
        case Kind::database_stops:
            database.stopped_until = std::max(database.stopped_until, until);
            return;
        case Kind::replication_lags:
            database.lags_until = std::max(database.lags_until, until);
            return;
        case Kind::replication_breaks:
            return stop_by_hand(fault);
        case Kind::made_read_only:
            if (database.answers(now_) && database.waiters.empty()) fence_database(fault.who);
            return;
        case Kind::written_by_hand: {
            // By one whom read_only does not keep out, at rest: of one that receives its agent
            // could not tell what is new.
            if (!database.answers(now_) || database.writable()) return;
            if (database.io_running) return omits(Omission::hand_held_back);
            const Point before = database.logged;
            const bool applied = database.received == before;
            database.logged = timeline_.written(before, static_cast<std::uint32_t>(fault.who + 1),
                                                Epoch{}, 100, true);
            if (applied) database.received = database.logged;
            return checker_.writes(*this, fault.who, before, database.logged);
        }
        case Kind::made_to_acknowledge:
            // As a replica, which begins to do so when its I/O thread begins anew.
            if (!database.answers(now_) || !database.io_running || !database.sql_running) return;
            database.acknowledges_next = database.by_hand = true;
            database.io_running = false;
            database.disconnect();
            database.start_replication();
            return connect(fault.who);
        default:  // made_writable: by whom nothing of ours protects, but the agent that sees it
            if (!configured(fault.who)) return omits(Omission::hand_held_back);
            if (!database.answers(now_) || database.writable()) return;
            database.read_only = false;
            // What is written then shows as errant. (That two transactions may come to have one
            // GTID without anybody noticing is people's own doing.)
            database.raised = true;
            omits(Omission::hand_raised);
            sites_[fault.who].unguarded = true;
            return;
    }
}

// STOP SLAVE IO_THREAD, or STOP SLAVE; and some say START SLAVE at once. With both stopped the
// relay log is thrown away at the next start.
void World::stop_by_hand(const Fault& fault) {
    Database& database = sites_[fault.who].database;
    if (!database.answers(now_)) return;
    const bool ran = database.io_running;
    if (fault.how % 3 != 0) database.sql_running = false;
    database.io_running = false;
    database.disconnect();
    // One that stands after its promise is left alone: to receive again is what it promised not to.
    if (fault.how % 3 == 2 && !ran) omits(Omission::promise_left_alone);
    if (fault.how % 3 != 2 || !ran) return;
    if (telling() && database.received != database.logged)
        tell(name(fault.who) + " throws away what it had received, and begins to replicate anew");
    database.start_replication();
    connect(fault.who);
    start_applying(fault.who);
}

void World::strike_network(const Fault& fault, bool mend) {
    const auto change = [&](std::size_t from, std::size_t to) {
        mend ? network_.mend(from, to) : network_.cut(from, to);
    };
    switch (fault.kind) {
        case Kind::cut:
            change(fault.who, fault.other);
            return change(fault.other, fault.who);
        case Kind::cut_one_way:
            return change(fault.who, fault.other);
        case Kind::cut_all:
            for (std::size_t i = 0; i < Network::ends; ++i) {
                if (i == fault.who) continue;
                change(fault.who, i);
                change(i, fault.who);
            }
            return;
        case Kind::slow:
            return network_.slow(
                fault.who,
                mend ? Duration::zero() : std::min(3 * script_.climate.expiry(), fault.lasts / 2));
        case Kind::page_unwell:
            sites_[fault.who].page = mend;
            return;
        default:  // secondary_cut
            return secondaries_.cut(fault.how % Secondaries::count, now_ + fault.lasts.count());
    }
}

// What is stopped goes on when it was to; every way is open again, and the configuration is what it
// was.
void World::calm() {
    tell("all faults end");
    for (std::size_t i = 0; i < script_.faults.size(); ++i) {
        Fault& fault = script_.faults[i];
        if (fault.at + fault.lasts.count() <= now_) continue;
        const bool undone = fault.kind == Kind::cut || fault.kind == Kind::cut_one_way ||
                            fault.kind == Kind::cut_all || fault.kind == Kind::slow ||
                            fault.kind == Kind::page_unwell || fault.kind == Kind::clones_seen ||
                            fault.kind == Kind::may_not_lead || is_a_setting(fault.kind) ||
                            fault.kind == Kind::server_dropped;
        if (!undone || fault.at > now_) continue;
        end(i);
        fault.kind = Kind::asks_resume;  // its end finds nothing left to undo
    }
    arbiter_.crashes_at_ledger.reset();
    for (Site& site : sites_) site.crashes_at_record.reset();
    after(script_.climate.lease, Event::Kind::repair, 0);
}

}  // namespace sim
