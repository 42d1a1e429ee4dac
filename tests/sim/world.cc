#include "tests/sim/world.h"

#include <algorithm>
#include <cmath>
#include <ostream>
#include <type_traits>

namespace sim {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Verb = agent::VerbDone::Verb;

namespace {

constexpr True ms = 1'000'000;

std::string name(const ServerId& id) {
    return std::string(id.text());
}

}  // namespace

Climate Climate::of(std::uint64_t seed) {
    Random random(seed ^ 0xc11a7e);
    Climate climate;
    climate.agents = static_cast<std::size_t>(random.between(2, 5));
    if (random.chance(0.2)) {
        climate.heartbeat = seconds(1);
        climate.lease = seconds(6);
        climate.down_after = seconds(3);
        climate.troubled = seconds(40);
    }
    climate.choose = random.chance(0.3) ? dnsd::Choose::first_request : dnsd::Choose::most_advanced;
    climate.rho = random.chance(0.5) ? 1e-3 : 2e-2;
    climate.guard = random.chance(0.6);
    climate.first_writable = random.chance(0.7);
    const double scale = climate.heartbeat > milliseconds(500) ? 0.15 : 1.0;
    const auto rate = [&](double most) {
        return random.chance(0.5) ? 0.0 : most * scale * random.fraction();
    };
    climate.loss = random.chance(0.5) ? 0.0 : 0.4 * random.fraction();
    climate.duplication = random.chance(0.5) ? 0.0 : 0.2;
    climate.straggling = random.chance(0.5) ? 0.0 : 0.05;
    climate.disk_errors = random.chance(0.6) ? 0.0 : 0.3 * random.fraction();
    climate.failing_verbs = random.chance(0.6) ? 0.0 : 0.4 * random.fraction();
    climate.arbiter_crashes = rate(0.8);
    climate.arbiter_freezes = rate(0.5);
    climate.machine_crashes = rate(1.0);
    climate.agent_crashes = rate(0.7);
    climate.agent_freezes = rate(0.7);
    climate.database_crashes = rate(1.0);
    climate.partitions = rate(1.5);
    climate.page_faults = rate(1.0);
    climate.blind_looks = random.chance(0.5) ? 0.0 : 0.1 * random.fraction();
    return climate;
}

Duration settling_bound(const Climate& climate) {
    return 20 * climate.lease + seconds(120);
}

Instant World::Clock::at(True time) const {
    const double passed = static_cast<double>(time - born);
    return Instant(
        Duration(offset + (time - born) + static_cast<std::int64_t>(std::floor(passed * drift))));
}

True World::Clock::when(Instant local) const {
    const double shown = static_cast<double>(local.time_since_epoch().count() - offset);
    if (shown > 1e17) return INT64_MAX;
    True time = born + static_cast<True>(shown / (1.0 + drift));
    while (at(time) < local) ++time;
    return time;
}

World::World(std::uint64_t seed, const Climate& climate, std::ostream* trace)
    : random_(seed), climate_(climate), trace_(trace), troubled_until_(climate.troubled.count()) {
    rules_.group = "wiki";
    rules_.heartbeat = climate.heartbeat;
    rules_.lease = climate.lease;
    rules_.down_after = climate.down_after;
    rules_.max_lag = seconds(30);
    rules_.choose = climate.choose;
    rules_.rho = climate.rho;
    for (std::size_t i = 0; i < climate.agents; ++i) {
        const ServerId id = *ServerId::parse("wiki" + std::to_string(i + 1));
        const auto last = static_cast<std::uint8_t>(i + 1);
        const Address address = Address::v4({192, 0, 2, last});
        rules_.servers.push_back({id, {address}, 1, true, 0});
        sites_.push_back(Site{id, address, {}, {}, {}, {}, true, false, 0, 0, 0, {}, 0, 0, 0});
    }
    if (climate.first_writable) {
        Site& leads = sites_[any_agent()];
        leads.database.read_only = false;
        leads.database.received.write(1, Epoch{}, 10);
        leads.database.applied = leads.database.received;
    }
    heard_.resize(climate.agents);
    accepted_.resize(climate.agents, -1);
    if (const auto broken = rules_.check(); !broken.empty()) break_rule(broken.front());
    start_arbiter();
    for (std::size_t i = 0; i < sites_.size(); ++i)
        after(milliseconds(random_.between(0, 500)), [this, i] { start_agent(i); });
    after(milliseconds(20), [this] { replicate(); });
    after(milliseconds(10), [this] { fault(); });
    at(troubled_until_, [this] { heal(); });
}

// ---- Time
// ------------------------------------------------------------------------------------------

void World::at(True time, std::function<void()> what) {
    events_.push_back({std::max(time, now_), order_++, std::move(what)});
    std::push_heap(events_.begin(), events_.end());
}

template <typename What>
void World::in(Process& process, True time, What what) {
    at(time, [this, &process, boot = process.boot, what = std::move(what)] {
        if (!process.up || process.boot != boot) return;
        if (now_ < process.frozen_until) return in(process, process.frozen_until, what);
        what();
    });
}

bool World::step() {
    if (events_.empty() || !violation_.empty()) return false;
    std::pop_heap(events_.begin(), events_.end());
    const Event event = std::move(events_.back());
    events_.pop_back();
    now_ = event.at;
    event.what();
    check();
    return violation_.empty();
}

bool World::run(Duration time) {
    const True end = now_ + time.count();
    while (!events_.empty() && events_.front().at <= end)
        if (!step()) return false;
    now_ = end;
    return violation_.empty();
}

void World::tell(const std::string& line) {
    if (trace_) *trace_ << now_ / ms << '.' << now_ / 1000 % 1000 << ' ' << line << '\n';
}

void World::break_rule(std::string what) {
    if (!violation_.empty()) return;
    violation_ = std::move(what);
    tell("BROKEN " + violation_);
}

std::vector<std::size_t> World::masters() const {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < sites_.size(); ++i)
        if (sites_[i].database.writable()) found.push_back(i);
    return found;
}

void World::check() {
    std::size_t writable = 0;
    for (const Site& site : sites_) {
        if (!site.database.writable()) continue;
        ++writable;
        // Found writable before any lease: the first election leaves it so.
        if (site.database.write_epoch == Epoch{}) continue;
        // A frozen agent, or one without a guard's memory, is the guard's matter.
        if (!site.guard || now_ > *site.guard)
            break_rule("I4: " + name(site.id) + " is writable after its deadline");
    }
    if (writable > 1) break_rule("I1: two databases are writable");
    if (!arbiter_process_.up || now_ < arbiter_process_.frozen_until + ms) return;
    if (published_.pool.empty()) return break_rule("I9: the pool is empty");
    if (published_.fail_open) return;
    // A tick comes a moment after what it judges; a restarted arbiter gives everybody R.
    const True patience = climate_.down_after.count() + climate_.down_after.count() / 20 + ms;
    if (now_ - arbiter_since_ < patience) return;
    for (const dnsd::Member& member : published_.pool) {
        const True last = accepted_[index_of(member.id)];
        if (std::any_of(accepted_.begin(), accepted_.end(), [](True t) { return t >= 0; }) &&
            now_ - std::max(last, arbiter_since_) > patience && ledger_ &&
            !ledger_->stable_set.empty())
            break_rule("I9: " + name(member.id) + " is silent and in the pool");
    }
}

// ---- The arbiter
// -----------------------------------------------------------------------------------

void World::start_arbiter() {
    Process& process = arbiter_process_;
    process.up = true;
    ++process.boot;
    process.frozen_until = 0;
    process.clock = {now_, random_.between(0, 1'000'000 * ms),
                     climate_.rho * (2 * random_.fraction() - 1)};
    arbiter_since_ = now_;
    std::fill(accepted_.begin(), accepted_.end(), -1);
    std::fill(heard_.begin(), heard_.end(), Heard{});
    tell("arbiter starts, boot " + std::to_string(process.boot));
    arbiter_.emplace(rules_, ledger_, process.clock.at(now_));
    arbiter_step(dnsd::ClockTicked{});
}

void World::crash_arbiter(Duration off) {
    if (!arbiter_process_.up) return;
    tell("arbiter crashes");
    arbiter_process_.up = false;
    arbiter_.reset();
    after(off, [this] { start_arbiter(); });
}

void World::arbiter_sleep() {
    Process& process = arbiter_process_;
    const Instant wakes = arbiter_->wakes_at();
    const std::uint64_t wake = ++process.wake;
    if (wakes == Instant::max()) return;
    in(process, process.clock.when(wakes), [this, wake] {
        if (arbiter_process_.wake == wake) arbiter_step(dnsd::ClockTicked{});
    });
}

void World::arbiter_step(const dnsd::Event& event) {
    const Instant local = arbiter_process_.clock.at(now_);
    const bool disk_fails = troubled() && random_.chance(climate_.disk_errors);
    std::optional<dnsd::Arbiter> before;
    if (disk_fails) before = arbiter_;
    for (const dnsd::Effect& effect : arbiter_->step(event, local)) {
        if (const auto* remember = std::get_if<dnsd::Remember>(&effect)) {
            if (disk_fails) {
                arbiter_ = std::move(before);
                tell("arbiter: the ledger fails");
                return arbiter_step(dnsd::LedgerFailed{});
            }
            if (ledger_ && remember->record.epoch < ledger_->epoch)
                break_rule("I2: the ledger's epoch went back");
            ledger_ = remember->record;
            // Between the disk and the wire.
            if (troubled() && climate_.arbiter_crashes > 0 && random_.chance(0.1))
                return crash_arbiter(milliseconds(random_.between(5, 2000)));
        } else if (const auto* sent = std::get_if<dnsd::SendReply>(&effect)) {
            reply(*sent);
        } else if (const auto* news = std::get_if<dnsd::Announce>(&effect)) {
            announce(*news);
        } else {
            tell("arbiter: " + dnsd::log_line("wiki", std::get<dnsd::Note>(effect)));
        }
    }
    arbiter_sleep();
}

void World::announce(const dnsd::Announce& effect) {
    if (effect.standing.master) {
        const auto& master = *effect.standing.master;
        if (!were_writable_.contains({master.id, effect.standing.epoch}))
            break_rule("I7: " + name(master.id) + " is published and was never writable");
        if (effect.standing.epoch < published_.epoch) break_rule("I7: the master went back");
    } else if (published_.master) {
        break_rule("I7: the master record went away");
    }
    published_ = effect.standing;
}

void World::reply(const dnsd::SendReply& effect) {
    const std::size_t agent = index_of(effect.to);
    if (const auto* ack = std::get_if<heartbeat::Ack>(&effect.reply)) {
        const auto [at, fresh] = holders_.emplace(ack->epoch, effect.to);
        if (at->second != effect.to) break_rule("I2: two holders of one epoch");
        if (fresh && holders_.rbegin()->first != ack->epoch)
            break_rule("I2: a granted epoch is not the highest");
        if (!ledger_ || ledger_->epoch != ack->epoch || ledger_->holder != effect.to)
            break_rule("a lease was spoken of that is not in the ledger");
    }
    if (trace_) {
        const auto* deny = std::get_if<heartbeat::Deny>(&effect.reply);
        tell("arbiter -> " + name(effect.to) +
             (deny ? " deny reason " + std::to_string(static_cast<int>(deny->reason)) + " order " +
                         std::to_string(deny->order.index())
                   : " ack"));
    }
    travel([this, agent, to_boot = heard_[agent].boot, message = effect.reply] {
        Site& site = sites_[agent];
        if (now_ < site.deaf_until || !site.process.up || site.process.boot != to_boot) return;
        in(site.process, now_,
           [this, agent, message] { agent_step(agent, agent::ReplyHeard{message}); });
    });
}

// The session's part (docs/PROTOCOL.md, "Bytes"): boots and counters, so that nothing is heard
// twice.
void World::arrive(std::size_t agent, std::uint64_t boot, std::uint64_t counter,
                   std::uint64_t to_boot, const heartbeat::Heartbeat& beat) {
    if (now_ < sites_[agent].mute_until || !arbiter_process_.up) return;
    in(arbiter_process_, now_, [this, agent, boot, counter, to_boot, beat] {
        if (to_boot != arbiter_process_.boot)
            return travel([this, agent, boot, challenge = arbiter_process_.boot] {
                Site& site = sites_[agent];
                if (now_ < site.deaf_until || site.process.boot != boot) return;
                site.arbiter_boot = std::max(site.arbiter_boot, challenge);
            });
        Heard& heard = heard_[agent];
        if (boot < heard.boot || (boot == heard.boot && counter <= heard.counter)) return;
        heard = {boot, counter};
        accepted_[agent] = now_;
        ++heartbeats_;
        arbiter_step(dnsd::HeartbeatHeard{sites_[agent].id, beat});
    });
}

void World::travel(std::function<void()> what) {
    if (troubled() && random_.chance(climate_.loss)) return;
    const auto delay = [this] {
        if (troubled() && random_.chance(climate_.straggling))
            return random_.between(1, 10'000) * ms;
        return random_.between(100'000, 4 * ms);
    };
    if (troubled() && random_.chance(climate_.duplication)) at(now_ + delay(), what);
    at(now_ + delay(), std::move(what));
}

// ---- The agents
// ------------------------------------------------------------------------------------

void World::start_agent(std::size_t agent) {
    Site& site = sites_[agent];
    if (site.process.up) return;
    site.process.up = true;
    ++site.process.boot;
    site.process.frozen_until = 0;
    // One machine's clock runs on over restarts of the agent.
    if (site.process.boot == 1)
        site.process.clock = {now_, random_.between(0, 1'000'000 * ms),
                              climate_.rho * (2 * random_.fraction() - 1)};
    site.counter = 0;
    site.arbiter_boot = 0;
    agent::DutyRules rules{.self = site.id, .heartbeat = climate_.heartbeat, .rho = climate_.rho};
    tell(name(site.id) + " starts, boot " + std::to_string(site.process.boot));
    site.duty.emplace(rules, site.disk, site.process.clock.at(now_));
    agent_step(agent, agent::ClockTicked{});
    look_often(agent, site.process.boot);
}

void World::agent_sleep(std::size_t agent) {
    Process& process = sites_[agent].process;
    const Instant wakes = sites_[agent].duty->wakes_at();
    const std::uint64_t wake = ++process.wake;
    if (wakes == Instant::max()) return;
    in(process, process.clock.when(wakes), [this, agent, wake] {
        if (sites_[agent].process.wake == wake) agent_step(agent, agent::ClockTicked{});
    });
}

void World::agent_step(std::size_t agent, const agent::Event& event) {
    Site& site = sites_[agent];
    const Instant local = site.process.clock.at(now_);
    const bool disk_fails = troubled() && random_.chance(climate_.disk_errors);
    std::optional<agent::Duty> before;
    if (disk_fails) before = site.duty;
    for (const agent::Effect& effect : site.duty->step(event, local)) {
        if (const auto* remember = std::get_if<agent::Remember>(&effect)) {
            if (disk_fails) {
                site.duty = std::move(before);
                tell(name(site.id) + ": its record fails");
                return agent_step(agent, agent::RecordFailed{});
            }
            site.disk = remember->record;
        } else {
            std::visit(
                [&](const auto& e) {
                    if constexpr (!std::is_same_v<std::decay_t<decltype(e)>, agent::Remember>)
                        perform(agent, e);
                },
                effect);
        }
    }
    agent_sleep(agent);
}

void World::perform(std::size_t agent, const agent::SendHeartbeat& effect) {
    Site& site = sites_[agent];
    const heartbeat::Heartbeat& beat = effect.beat;
    if (beat.promised > site.disk.promised || beat.seen > site.disk.seen)
        break_rule(name(site.id) + " said what is not on its disk");
    if (beat.role == heartbeat::Role::fenced && beat.held > site.disk.fenced)
        break_rule(name(site.id) + " said fenced before it was on its disk");
    if (beat.role == heartbeat::Role::fenced && site.database.writable())
        break_rule(name(site.id) + " said fenced and is writable");
    if (trace_)
        tell(name(site.id) + " says #" + std::to_string(beat.request) + " role " +
             std::to_string(static_cast<int>(beat.role)) + " held " +
             std::to_string(beat.held.value) + " wants " +
             std::to_string(static_cast<int>(beat.wants)) + " promised " +
             std::to_string(beat.promised.value) + " read_only " + std::to_string(beat.read_only) +
             (beat.received ? " received " + beat.received->text() : "") + " " + beat.why);
    travel([this, agent, boot = site.process.boot, counter = ++site.counter,
            to_boot = site.arbiter_boot, beat] { arrive(agent, boot, counter, to_boot, beat); });
}

// A verb works on the database for a while; what it does, it does at its end, unless it was
// overtaken.
void World::verb(std::size_t agent, Duration time, agent::VerbDone done,
                 std::function<std::string()> what) {
    Site& site = sites_[agent];
    in(site.process, now_ + time.count(),
       [this, agent, id = ++site.verb, asked = done, what = std::move(what)]() {
           agent::VerbDone ended = asked;
           Site& here = sites_[agent];
           if (here.verb != id) return;
           if (!here.database.up)
               ended.why = "the database is down";
           else if (ended.verb != Verb::demote && troubled() &&
                    random_.chance(climate_.failing_verbs))
               ended.why = "failed";
           else
               ended.why = what();
           ended.ok = ended.why.empty();
           agent_step(agent, ended);
       });
}

void World::perform(std::size_t agent, const agent::Promote& effect) {
    tell(name(sites_[agent].id) + " promotes itself under " + std::to_string(effect.epoch.value));
    const bool slow = troubled() && random_.chance(0.05);
    const Duration time = slow ? 2 * climate_.lease : milliseconds(random_.between(2, 50));
    verb(agent, time, {Verb::promote, effect.epoch, false, {}}, [this, agent, effect] {
        Site& site = sites_[agent];
        Database& database = site.database;
        if (site.process.clock.at(now_) >= effect.give_up) return "out of time";
        if (effect.epoch <= site.disk.fenced || effect.epoch > site.disk.seen)
            break_rule(name(site.id) + " becomes writable under an epoch that it may not use");
        database.applied = database.received;
        database.upstream.reset();
        database.io_running = database.sql_running = false;
        database.read_only = false;
        database.write_epoch = effect.epoch;
        were_writable_.insert({site.id, effect.epoch});
        tell(name(site.id) + " is writable under " + std::to_string(effect.epoch.value));
        return "";
    });
}

void World::perform(std::size_t agent, const agent::Demote& effect) {
    tell(name(sites_[agent].id) + " demotes itself: " + effect.why);
    const Duration budget = climate_.lease / 4;
    // Without a guard the soft demotion keeps to its budget; with one it may hang or fail.
    const std::int64_t most =
        climate_.guard && troubled() ? 3 * budget.count() / 2 : 9 * budget.count() / 10;
    const Duration time(random_.between(ms, most));
    const bool fails = climate_.guard && troubled() && random_.chance(climate_.failing_verbs);
    verb(agent, time, {Verb::demote, {}, false, {}}, [this, agent, fails] {
        if (fails) return "failed";
        sites_[agent].database.read_only = true;
        tell(name(sites_[agent].id) + " is read-only");
        return "";
    });
}

void World::perform(std::size_t agent, const agent::Follow& effect) {
    tell(name(sites_[agent].id) + " follows " + name(effect.master));
    if (effect.epoch < sites_[agent].disk.promised) break_rule("I5: follows below its promise");
    const Duration time = milliseconds(random_.between(5, 90));
    verb(agent, time, {Verb::follow, effect.epoch, false, {}}, [this, agent, effect] {
        Database& database = sites_[agent].database;
        const std::size_t upstream = index_of(effect.master);
        database.read_only = true;
        database.upstream = upstream;
        // A tail that the master lacks is cut, which stands for a server that is cloned anew.
        database.received.cut_to_common(sites_[upstream].database.received);
        database.applied.cut_to_common(sites_[upstream].database.received);
        database.io_running = database.sql_running = true;
        database.diverged = false;
        return "";
    });
}

void World::perform(std::size_t agent, const agent::Prepare& effect) {
    const Duration time = milliseconds(random_.between(1, 30));
    verb(agent, time, {Verb::prepare, effect.epoch, false, {}}, [this, agent] {
        sites_[agent].database.io_running = false;
        return "";
    });
}

void World::perform(std::size_t agent, const agent::LookAtDatabase&) {
    look(agent);
}

void World::perform(std::size_t agent, const agent::AskMasterRecord&) {
    Site& site = sites_[agent];
    in(site.process, now_ + random_.between(1, 50) * ms, [this, agent] {
        agent::MasterRecordSeen seen;
        if (published_.master) seen.addresses = published_.master->addresses;
        agent_step(agent, seen);
    });
}

void World::perform(std::size_t agent, const agent::LeaseExtended& effect) {
    sites_[agent].guard = sites_[agent].process.clock.when(effect.deadline);
    arm_guard(agent);
}

void World::perform(std::size_t agent, const agent::LeaseEnded&) {
    (void)agent;
}

void World::perform(std::size_t agent, const agent::Note& effect) {
    tell(agent::log_line(sites_[agent].id, effect));
}

// The guard outlives the agent, and hears of nothing but deadlines.
void World::arm_guard(std::size_t agent) {
    if (!climate_.guard) return;
    at(*sites_[agent].guard, [this, agent] {
        if (now_ >= *sites_[agent].guard && sites_[agent].database.writable())
            kill_database(agent, "its guard kills it");
    });
}

void World::look(std::size_t agent) {
    Site& site = sites_[agent];
    const Instant begun = site.process.clock.at(now_);
    in(site.process, now_ + random_.between(ms / 10, 5 * ms), [this, agent, begun] {
        Site& here = sites_[agent];
        const Database& database = here.database;
        agent::DatabaseView view;
        here.blind = !here.blind && troubled() && random_.chance(climate_.blind_looks);
        view.reachable = database.up && !here.blind;
        if (!view.reachable) {
            view.why = database.up ? "no answer" : "connection refused";
            return in(here.process, now_, [this, agent, view, begun] {
                agent_step(agent, agent::DatabaseSeen{view, begun});
            });
        }
        view.read_only = database.read_only;
        view.start = database.start;
        view.flavour = heartbeat::GtidFlavour::mariadb;
        view.received = database.received.position();
        view.applied = database.applied.position();
        view.replica_configured = database.upstream.has_value();
        if (database.upstream) view.upstream = sites_[*database.upstream].address;
        view.io_running = view.io_connected = database.io_running;
        view.sql_running = database.sql_running;
        // What was read travels for a while too.
        in(sites_[agent].process, now_ + random_.between(ms / 10, 5 * ms),
           [this, agent, view, begun] {
               agent_step(agent, agent::DatabaseSeen{view, begun});
           });
    });
}

void World::look_often(std::size_t agent, std::uint64_t boot) {
    Site& site = sites_[agent];
    if (!site.process.up || site.process.boot != boot) return;
    if (now_ >= site.process.frozen_until) {
        look(agent);
        agent_step(agent, agent::PageSeen{{true, site.page, site.page ? "" : "HTTP 503"}});
    }
    after(climate_.heartbeat / 2, [this, agent, boot] { look_often(agent, boot); });
}

// ---- Databases
// -------------------------------------------------------------------------------------

void World::write_everywhere() {
    for (std::size_t i = 0; i < sites_.size(); ++i) {
        Database& database = sites_[i].database;
        if (!database.writable()) continue;
        database.received.write(static_cast<std::uint32_t>(i + 1), database.write_epoch, 3);
        database.applied = database.received;
    }
}

void World::replicate() {
    write_everywhere();
    for (Site& site : sites_) {
        Database& database = site.database;
        if (!database.up || !database.upstream) continue;
        const Site& from = sites_[*database.upstream];
        const bool reaches =
            from.database.up && now_ >= from.cut_off_until && now_ >= site.cut_off_until;
        if (database.io_running && reaches && random_.chance(0.8)) {
            if (from.database.writable() && from.database.write_epoch < site.disk.promised)
                break_rule("I5: " + name(site.id) + " replicates from below its promise");
            if (database.received.begins(from.database.received)) {
                database.received = from.database.received;
            } else {
                database.io_running = false;  // 1236: it has what the master has not
                database.diverged = true;
            }
        }
        if (database.sql_running && random_.chance(0.8)) database.applied = database.received;
    }
    after(milliseconds(20), [this] { replicate(); });
}

void World::kill_database(std::size_t agent, const char* why) {
    Site& site = sites_[agent];
    if (!site.database.up) return;
    tell(name(site.id) + "'s database dies: " + why);
    site.database.crash();
    after(milliseconds(random_.between(50, 1500)), [this, agent] {
        if (sites_[agent].database.up) return;
        sites_[agent].database.restart();
        tell(name(sites_[agent].id) + "'s database starts");
    });
}

// ---- Faults
// ----------------------------------------------------------------------------------------

void World::crash_machine(std::size_t agent, Duration off) {
    Site& site = sites_[agent];
    tell(name(site.id) + " crashes");
    site.process.up = false;
    site.duty.reset();
    kill_database(agent, "with its machine");
    after(off, [this, agent] { start_agent(agent); });
}

void World::cut(std::size_t agent, bool to_arbiter, bool from_arbiter, Duration time) {
    Site& site = sites_[agent];
    tell(name(site.id) + " is cut off" + (to_arbiter ? ", mute" : "") +
         (from_arbiter ? ", deaf" : ""));
    if (to_arbiter) site.mute_until = now_ + time.count();
    if (from_arbiter) site.deaf_until = now_ + time.count();
}

void World::freeze(Process& process, Duration time) {
    process.frozen_until = std::max(process.frozen_until, now_ + time.count());
}

void World::fault() {
    if (!troubled()) return;
    const double share = 0.01;  // of a second
    const auto happens = [&](double rate) { return random_.chance(rate * share); };
    const Duration lease = climate_.lease;
    const auto some = [&](double most) {
        return Duration(random_.between(
            ms, static_cast<std::int64_t>(most * static_cast<double>(lease.count()))));
    };
    if (happens(climate_.arbiter_crashes)) crash_arbiter(some(4));
    if (happens(climate_.arbiter_freezes)) freeze(arbiter_process_, some(3));
    if (happens(climate_.machine_crashes)) crash_machine(any_agent(), some(5));
    if (climate_.guard && happens(climate_.agent_crashes)) {
        const std::size_t agent = any_agent();
        tell(name(sites_[agent].id) + "'s agent crashes");
        sites_[agent].process.up = false;
        sites_[agent].duty.reset();
        after(some(3), [this, agent] { start_agent(agent); });
    }
    if (climate_.guard && happens(climate_.agent_freezes)) {
        Site& site = sites_[any_agent()];
        tell(name(site.id) + "'s agent freezes");
        freeze(site.process, some(3));
    }
    if (happens(climate_.database_crashes)) kill_database(any_agent(), "by itself");
    if (happens(climate_.partitions)) {
        const std::size_t agent = any_agent();
        const auto way = random_.between(0, 2);
        cut(agent, way != 1, way != 2, some(5));
        if (random_.chance(0.5)) sites_[agent].cut_off_until = now_ + some(5).count();
    }
    if (happens(climate_.page_faults)) {
        Site& site = sites_[any_agent()];
        site.page = !site.page;
    }
    after(milliseconds(10), [this] { fault(); });
}

// What is frozen thaws when it was to.
void World::heal() {
    tell("all faults end");
    for (Site& site : sites_) {
        site.page = true;
        site.deaf_until = site.mute_until = site.cut_off_until = now_;
    }
}

// ---- What is so
// ------------------------------------------------------------------------------------

std::size_t World::any_agent() {
    return static_cast<std::size_t>(
        random_.between(0, static_cast<std::int64_t>(sites_.size()) - 1));
}

std::size_t World::index_of(const ServerId& id) const {
    for (std::size_t i = 0; i < sites_.size(); ++i)
        if (sites_[i].id == id) return i;
    return sites_.size();
}

Epoch World::epoch() const {
    return ledger_ ? ledger_->epoch : Epoch{};
}

std::string World::unsettled() const {
    const auto writable = masters();
    if (writable.size() != 1) return std::to_string(writable.size()) + " masters";
    if (!arbiter_process_.up) return "the arbiter is down";
    const Site& master = sites_[writable.front()];
    if (!published_.master || published_.master->id != master.id) return "another is published";
    if (!ledger_ || ledger_->holder != master.id) return "the ledger has another holder";
    if (published_.epoch != ledger_->epoch) return "published under another epoch";
    if (published_.fail_open) return "www fails open";
    if (published_.pool.size() != sites_.size()) return "not all are in www";
    for (const Site& site : sites_) {
        if (&site == &master) continue;
        const Database& database = site.database;
        if (database.upstream != writable.front()) return name(site.id) + " follows another";
        if (!database.io_running || !database.sql_running) return name(site.id) + " has stopped";
        if (!database.applied.begins(master.database.applied)) return name(site.id) + " diverged";
    }
    return {};
}

bool World::awaits_operator() const {
    if (!arbiter_ || !arbiter_process_.up) return false;
    const std::string waits = arbiter_->status(arbiter_process_.clock.at(now_)).waiting_for;
    if (waits.find("each have transactions") == std::string::npos) return false;
    const auto apart = [](const Site& a, const Site& b) {
        return !a.database.received.begins(b.database.received) &&
               !b.database.received.begins(a.database.received);
    };
    return std::any_of(sites_.begin(), sites_.end(), [&](const Site& a) {
        return std::any_of(sites_.begin(), sites_.end(),
                           [&](const Site& b) { return apart(a, b); });
    });
}

Verdict live(std::uint64_t seed, const Climate& climate, std::ostream* trace) {
    World world(seed, climate, trace);
    world.run(climate.troubled);
    const Duration bound = settling_bound(climate);
    for (auto waited = Duration::zero(); world.violation().empty() && !world.unsettled().empty() &&
                                         !world.awaits_operator() && waited < bound;
         waited += climate.heartbeat)
        world.run(climate.heartbeat);
    // What has settled stays so.
    if (world.violation().empty()) world.run(4 * climate.lease);
    Verdict verdict{world.violation(), world.awaits_operator(), world.grants(), world.heartbeats()};
    const std::string lacks = world.unsettled();
    if (verdict.broken.empty() && !verdict.awaits_operator && !lacks.empty())
        verdict.broken = "does not settle: " + lacks;
    return verdict;
}

}  // namespace sim
