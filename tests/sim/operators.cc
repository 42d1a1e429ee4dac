// Operators: what they ask for and change while all goes wrong, and what only they can mend after
// it.

#include "dnsd/arbiter/operator.h"
#include "heartbeat/sim_points.h"
#include "tests/sim/world.h"

#include <algorithm>
#include <utility>

namespace sim {

using Kind = Fault::Kind;
using std::chrono::seconds;

// What a dry run says is what the command then comes to.
void World::ask(const dnsd::Command& command) {
    const std::optional<dnsd::Answer> dry = ask_once(command, true);
    const std::optional<dnsd::Answer> real = ask_once(command, false);
    if (!dry || !real) return;
    const bool refused = real->kind == dnsd::Answer::Kind::refused;
    const std::string would = refused ? real->text : "nothing was changed; would be: " + real->text;
    if (dry->changed || dry->text != would || (dry->kind == dnsd::Answer::Kind::refused) != refused)
        checker_.broken("a dry run answers \"" + dry->text + "\", and the command \"" + real->text +
                        "\"");
}

// The first answer; nullopt: nobody is there, or the ledger failed.
std::optional<dnsd::Answer> World::ask_once(const dnsd::Command& command, bool dry_run) {
    if (!arbiter_.process.runs(now_)) {  // arbiterctl says that nobody answers
        if (!dry_run) omits(Omission::nobody_to_ask);
        return std::nullopt;
    }
    dnsd::OperatorAsked asked{++token_, command, "root", "", dry_run, unix_seconds()};
    checker_.asked(*this, asked);
    const std::size_t before = answers_.size();
    const std::uint64_t run = arbiter_.process.boot;
    arbiter_step(asked);
    const auto its =
        std::find_if(answers_.begin() + static_cast<std::ptrdiff_t>(before), answers_.end(),
                     [&](const dnsd::Answer& answer) { return answer.token == asked.token; });
    if (its != answers_.end()) return *its;
    // The machine never heard of it; so the daemon answers (dnsd/io/groups.cc).
    if (arbiter_.process.up && arbiter_.process.boot == run && now_ < arbiter_.ledger.fails_until)
        perform(dnsd::refusal(asked.token, "the ledger can not be written; nothing was changed"));
    return std::nullopt;
}

// Not only those are taken for dead that are: one that the arbiter heard to be well must be
// refused, and one under whose name two machines speak.
void World::confirm_dead(std::size_t site) {
    // One that was dropped is let in again by this: it must not run at all.
    const Database& database = sites_[site].database;
    const bool off = configured(site) ? !database.writable() : !database.up;
    const bool dead = !sites_[site].process.up && off;
    if (!dead) {
        if (!arbiter_.process.runs(now_)) return;
        const auto status = arbiter_.machine->status(arbiter_.clock.at(now_));
        const bool well = std::any_of(
            status.servers.begin(), status.servers.end(), [&](const dnsd::ServerStatus& one) {
                return one.id == sites_[site].id && one.alive && one.last->health.database &&
                       one.role != heartbeat::Role::fenced;
            });
        if (!well && arbiter_.cloned != site) return omits(Omission::death_not_claimed);
    }
    const dnsd::ConfirmDeadCommand command{sites_[site].id};
    if (dead) return ask(command);
    const auto answer = ask_once(command, false);
    if (answer && answer->kind != dnsd::Answer::Kind::refused)
        checker_.broken("I3: " + name(site) + " lives, and is taken for dead");
}

void World::change_rules() {
    std::sort(rules_.servers.begin(), rules_.servers.end(),
              [](const auto& a, const auto& b) { return a.id < b.id; });
    // One that is stopped takes the signal when it goes on, before anything else.
    arbiter_.reloads = arbiter_.process.up;
    if (arbiter_.process.runs(now_)) reload();
}

// False: the arbiter died over it.
bool World::reload() {
    if (!std::exchange(arbiter_.reloads, false)) return true;
    if (const std::string why = arbiter_.machine->objection(rules_); !why.empty()) {
        // People are told, and put the configuration back.
        SIM_SOMETIMES(reload_was_refused);
        if (telling()) tell("the reload is refused: " + why);
        rules_ = arbiter_.machine->rules();
        return true;
    }
    // Of a server that was dropped nothing is known any more.
    if (arbiter_.cloned && !configured(*arbiter_.cloned)) arbiter_.cloned.reset();
    checker_.reconfigured(*this);
    const std::uint64_t run = arbiter_.process.boot;
    arbiter_step(dnsd::RulesChanged{rules_});
    return arbiter_.process.up && arbiter_.process.boot == run;
}

// It is written to though there never was a lease, and the arbiter does not know that: no arbiter
// can tell people not to drop it.
bool World::nobody_knows_that_it_writes(std::size_t site) const {
    if (epoch() != Epoch{} || !sites_[site].database.writable()) return false;
    if (!arbiter_.process.runs(now_)) return true;
    const auto status = arbiter_.machine->status(arbiter_.clock.at(now_));
    return std::none_of(status.servers.begin(), status.servers.end(),
                        [&](const dnsd::ServerStatus& one) {
                            return one.id == sites_[site].id && one.last &&
                                   one.last->health.database && !one.last->read_only;
                        });
}

void World::strike_operator(const Fault& fault, bool undo) {
    const ServerId id = sites_[fault.who].id;
    const std::optional<Duration> length =
        fault.how % 4 == 0 ? std::nullopt : std::optional(fault.lasts);
    switch (fault.kind) {
        case Kind::asks_switchover: {
            dnsd::SwitchoverCommand command;
            if (fault.how % 2 == 0) command.to = id;
            return ask(command);
        }
        case Kind::asks_drain:
            if (undo) return ask(dnsd::UndrainCommand{id});
            return ask(dnsd::DrainCommand{id, length});
        case Kind::asks_pause:
            return ask(dnsd::PauseCommand{length});
        case Kind::asks_resume:
            return ask(dnsd::ResumeCommand{});
        case Kind::asks_confirm_dead: {
            const auto& record = arbiter_.ledger.record;
            const bool of_holder = fault.how % 2 == 0 && record && record->holder;
            return confirm_dead(of_holder ? place_of(*record->holder) : fault.who);
        }
        case Kind::asks_adopt:
            return adopt(fault.who, fault.how % 2 == 0);
        case Kind::asks_observe:
            return ask(dnsd::ModeCommand{dnsd::Mode::observe});
        case Kind::asks_act:
            return ask(dnsd::ModeCommand{dnsd::Mode::act});
        case Kind::wall_clock_steps:
            // Forward or back, by up to two hours; mostly by less than what ends by it lasts.
            crash_arbiter(fault.lasts / 8);
            arbiter_.highest_wall = std::max(arbiter_.highest_wall, unix_seconds());
            arbiter_.wall_offset += static_cast<std::int64_t>(fault.how / 4 % 7200) /
                                    (fault.how % 4 < 2 ? 60 : 1) * (fault.how % 2 == 0 ? 1 : -1);
            return;
        case Kind::may_not_lead:
        case Kind::server_dropped:
        case Kind::server_added:
        case Kind::server_changes:
            return change_server(fault, undo);
        default:
            return change_setting(fault, undo);
    }
}

void World::change_server(const Fault& fault, bool undo) {
    const Site& site = sites_[fault.who];
    const auto rules_of = std::find_if(rules_.servers.begin(), rules_.servers.end(),
                                       [&](const auto& server) { return server.id == site.id; });
    const bool here = rules_of != rules_.servers.end();
    switch (fault.kind) {
        case Kind::may_not_lead:
            if (!here) return;
            if (!undo && nobody_knows_that_it_writes(fault.who))
                return omits(Omission::unheard_writer_kept);
            rules_of->may_lead = undo;
            break;
        case Kind::server_dropped:
            if (here == undo || (!undo && rules_.servers.size() <= 2))
                return omits(Omission::membership_kept);
            if (!undo && nobody_knows_that_it_writes(fault.who))
                return omits(Omission::unheard_writer_kept);
            if (undo)
                rules_.servers.push_back({site.id, {site.address}, 1, true, 0});
            else
                rules_.servers.erase(rules_of);
            break;
        case Kind::server_changes: {
            if (!here) return;
            rules_of->weight = undo ? 1 : 1 + fault.how % 3;
            rules_of->priority = undo ? 0 : fault.how / 4 % 3;
            rules_of->addresses = {site.address};
            // A second way to it, for clients; databases go by the first.
            const auto last = static_cast<std::uint8_t>(fault.who + 1);
            if (!undo && fault.how / 16 % 2 == 0)
                rules_of->addresses.push_back(Address::v4({198, 51, 100, last}));
            change_rules();
            // One that has just moved may be dropped before it is back.
            if (!undo && fault.how / 64 % 4 == 0)
                follow_up(Kind::server_dropped, fault.who, fault.lasts / 2, fault.lasts);
            return;
        }
        default:  // server_added
            if (here || undo) return;
            rules_.servers.push_back({site.id, {site.address}, 1, true, 0});
            break;
    }
    change_rules();
}

// One that breaks a rule of the settings is refused before there is a machine.
void World::change_setting(const Fault& fault, bool undo) {
    const Climate& climate = script_.climate;
    dnsd::ArbiterRules next = rules_;
    switch (fault.kind) {
        case Kind::lease_changes: {
            constexpr int quarters[] = {6, 8, 3, 2};
            next.lease = undo ? climate.lease : climate.lease * quarters[fault.how % 4] / 4;
            break;
        }
        case Kind::semi_sync_changes:
            next.semi_sync = undo == climate.semi_sync;
            break;
        case Kind::ackers_change:
            next.ackers = undo ? climate.ackers : 1 + fault.how % 3;
            break;
        case Kind::loss_changes:
            next.loss =
                (climate.loss == dnsd::Loss::none) == undo ? dnsd::Loss::none : dnsd::Loss::allow;
            break;
        case Kind::choose_changes:
            next.choose = (climate.choose == dnsd::Choose::most_advanced) == undo
                              ? dnsd::Choose::most_advanced
                              : dnsd::Choose::first_request;
            break;
        case Kind::heartbeat_changes:
            next.heartbeat = undo ? climate.heartbeat : climate.heartbeat * (1 + fault.how % 3) / 2;
            break;
        case Kind::patience_changes:
            next.down_after =
                undo ? climate.down_after : climate.down_after * (1 + fault.how % 4) / 2;
            break;
        default:  // damping_changes
            next.block = undo ? climate.block : climate.lease * (fault.how % 4);
            next.failovers_an_hour = undo ? climate.failovers_an_hour : fault.how / 4 % 4;
            next.penalty_half_life = undo || fault.how / 16 % 2 == 0
                                         ? dnsd::ArbiterRules{}.penalty_half_life
                                         : Duration(seconds(1 + fault.how / 32 % 16));
            break;
    }
    if (!next.check().empty()) return omits(Omission::setting_refused);
    shortest_lease_ = std::min(shortest_lease_, next.lease);
    rules_ = std::move(next);
    change_rules();
}

// Whether it has most the arbiter is to say, and whether one that it hears writes; before there
// were leases also one that it has heard. People do look whether another does.
void World::adopt(std::size_t site, bool blindly) {
    // Half of the people have not looked what it has: one that has less is refused.
    if (!blindly && (!configured(site) || !sites_[site].database.answers(now_)))
        return omits(Omission::not_adopted_unanswered);
    for (std::size_t i = 0; i < sites_.size(); ++i) {
        const bool stands =
            published_ && std::any_of(published_->pool.begin(), published_->pool.end(),
                                      [&](const auto& each) { return each.id == sites_[i].id; });
        const bool heard = stands && arbiter_.heard[i].boot != 0 &&
                           now_ - arbiter_.heard[i].at < rules_.down_after.count();
        const bool known = epoch() == Epoch{} ? !nobody_knows_that_it_writes(i) : heard;
        if (i != site && sites_[i].database.writable() && !known)
            return omits(Omission::not_adopted_beside_a_writer);
    }
    ask(dnsd::AdoptCommand{sites_[site].id, false});
}

// ---- After the faults
// -----------------------------------------------------------------------------------

// People see to it that what was paused goes on, clone servers that have what the master has not,
// and say who leads when the arbiter must not guess. Again after a lease, until all is well.
void World::repair() {
    if (unsettled().empty()) return;
    after(std::max<Duration>(script_.climate.lease, seconds(4)), Event::Kind::repair, 0);
    const auto& record = arbiter_.ledger.record;
    if (!arbiter_.process.runs(now_)) return;
    if (observing()) ask(dnsd::ModeCommand{dnsd::Mode::act});
    ask(dnsd::ResumeCommand{});
    for (const Site& site : sites_) ask(dnsd::UndrainCommand{site.id});
    const auto writable = masters();
    if (writable.size() == 1 && record && record->holder == sites_[writable.front()].id) {
        const auto status = arbiter_.machine->status(arbiter_.clock.at(now_));
        // As `arbiterctl status` shows it.
        const auto said_errant = [&](const ServerId& id) {
            return std::any_of(status.servers.begin(), status.servers.end(), [&](const auto& one) {
                return one.id == id && one.last && one.last->errant != heartbeat::Errant::no;
            });
        };
        for (std::size_t i = 0; i < sites_.size(); ++i) {
            const Database& database = sites_[i].database;
            const bool lost =
                !timeline_.begins(database.has(), sites_[writable.front()].database.logged);
            if (i != writable.front() && database.answers(now_) &&
                (database.refused || database.wrote || lost || said_errant(sites_[i].id)))
                clone_database(i, writable.front());
        }
        return;
    }
    const std::string settles = should_settle();
    settles_since_ = settles.empty() ? never : std::min(settles_since_, now_);
    // It had time to.
    if (!settles.empty() &&
        now_ - settles_since_ > (4 * script_.climate.lease + seconds(20)).count()) {
        return checker_.broken("does not settle by itself: " + settles);
    }
    if (const std::size_t best = most_advanced(); writable.empty() && best < sites_.size())
        checker_.waits(*this, best);
    // For a while the cluster is left to itself.
    waited_ += only_people_can_help() ? 3 : 1;
    if (waited_ < 6 || !settles.empty()) return;
    // Nobody led yet, and several are found writable: people leave it one, and none that somebody
    // wrote to by hand.
    if (!record || !record->holder) {
        const bool none =
            writable.size() == 1 && sites_[writable.front()].disk.errant && only_people_can_help();
        const std::size_t stays = none ? 0 : 1;
        for (std::size_t i = stays; i < writable.size(); ++i) fence_database(writable[i]);
    }
    if (!writable.empty()) return;
    name_a_master();
}

// All are there, and the arbiter says that it waits: nothing more comes by itself.
bool World::only_people_can_help() const {
    for (std::size_t i = 0; i < sites_.size(); ++i)
        if (configured(i) && !all_of_it_runs(i)) return false;
    return !arbiter_.machine->status(arbiter_.clock.at(now_)).alarms.empty();
}

// Nothing is broken any more, no lease may live, and by what is truly so somebody has all that was
// acknowledged, or the arbiter asks nobody for help: then it must come to an end without people.
std::string World::should_settle() const {
    const auto& record = arbiter_.ledger.record;
    if (!masters().empty() || !record || record->epoch == Epoch{} || now_ < quiet_at()) return {};
    const auto status = arbiter_.machine->status(arbiter_.clock.at(now_));
    if (status.state != dnsd::LeaseState::free && status.state != dnsd::LeaseState::window)
        return {};
    for (std::size_t i = 0; i < sites_.size(); ++i)
        if (configured(i) && !all_of_it_runs(i)) return {};
    if (status.alarms.empty())
        return "nobody leads, and nobody is asked for help: it waits for " + status.waiting_for;
    if (!rules_.semi_sync || !record->covered || record->semi_sync_unknown) return {};
    std::vector<Point> kept;
    for (const dnsd::Acker& acker : record->semi_sync) {
        const std::size_t place = place_of(acker.id);
        if (!configured(place) || start_said(place) != acker.start) return {};
        kept.push_back(sites_[place].database.has());
    }
    const auto may_lead = [&](std::size_t i) {
        const Site& site = sites_[i];
        return configured(i) && site.may_lead && site.page && !site.disk.errant &&
               !site.database.refused &&
               timeline_.begins(site.database.logged, site.database.has());
    };
    // Each of two has by the numbers what the other lacks: people say who is right.
    for (std::size_t i = 0; i < sites_.size(); ++i)
        for (std::size_t other = 0; other < i; ++other)
            if (may_lead(i) && may_lead(other) &&
                (timeline_.position(sites_[other].database.has()) <=>
                 timeline_.position(sites_[i].database.has())) == std::partial_ordering::unordered)
                return {};
    for (std::size_t i = 0; i < sites_.size(); ++i) {
        const Point has = sites_[i].database.has();
        const bool has_all = std::all_of(kept.begin(), kept.end(), [&](const Point& point) {
            return timeline_.begins(point, has);
        });
        if (has_all && may_lead(i)) return name(i) + " has all that S has, and nobody is granted";
    }
    return {};
}

// The best that there is, of those that answer.
std::size_t World::most_advanced() const {
    std::size_t best = sites_.size();
    for (std::size_t i = 0; i < sites_.size(); ++i) {
        const Database& database = sites_[i].database;
        if (!configured(i) || !database.answers(now_)) continue;
        // What can not apply its own relay log is promoted by nobody.
        if (!timeline_.begins(database.logged, database.has())) continue;
        if (best == sites_.size() ||
            sites_[i].database.has().length > sites_[best].database.has().length)
            best = i;
    }
    return best;
}

// What none of the servers that answer has is given up.
void World::name_a_master() {
    const std::size_t best = most_advanced();
    if (best == sites_.size()) return;
    checker_.needs_a_word(*this, best);
    loss_accepted_ = true;
    ask(dnsd::AdoptCommand{sites_[best].id, true});
}

// Its data are thrown away and copied anew, with the agent stopped, whose record says what the old
// ones had until the master takes it (docs/OPERATIONS.md, "A replica with transactions of its
// own").
void World::clone_database(std::size_t site, std::size_t from) {
    if (telling()) tell(name(site) + " is cloned from " + name(from));
    ++clonings_;
    Database& database = sites_[site].database;
    database.shut_down();
    database.logged = database.committed = database.durable = sites_[from].database.committed;
    database.forget_relay_log();
    database.upstream.reset();
    database.refused = database.wrote = false;
    end_agent(site, seconds(2));
    after(seconds(1), Event::Kind::database_starts, site, database.start);
}

}  // namespace sim
