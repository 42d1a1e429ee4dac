// What was told, and what the other side makes of it: marks, revisions, promises, who is barred;
// and who, by what was heard, should lead.

#include "tests/sim/checker.h"

#include "heartbeat/sim_points.h"
#include "tests/sim/world.h"

#include <algorithm>

#include <fmt/format.h>

namespace sim {

namespace {

std::string name(const World& world, std::size_t site) {
    return std::string(world.sites()[site].id.text());
}

}  // namespace

// ---- What the arbiter tells
// ------------------------------------------------------------------------------------

void Checker::tells(const World& world, std::size_t agent, const Known::Told& told,
                    std::uint64_t revision) {
    Known& server = known(world, agent);
    const std::uint64_t boot = world.arbiter().process.boot;
    server.told[server.told_next++ % server.told.size()] = told;
    server.mark = mark_ = told.mark;
    server.mark_boot = boot;
    // Whoever heard of a later state of the ledger than this one shows that it is an older copy.
    if (server.said.boot != boot || server.said.revision <= revision || world.observing() ||
        world.arbiter().cloned == agent || ledger_fails(world))
        return;
    broken(fmt::format("disk: {} said that it knows revision {}, and the arbiter goes on at {}",
                       name(world, agent), server.said.revision, revision));
}

// What only the lost ledger knew of, nobody knows; and a later run of the arbiter is not heard
// through replies of an earlier one. If its holder did hear of it, a person must have said who
// leads while that one could not be asked; or nobody who knows of it has been heard since.
void Checker::forget_lost_grant(const World& world, const heartbeat::Ack& ack) {
    const std::uint64_t run = world.arbiter().process.boot;
    const auto forget = [&](Epoch epoch, const Held& held) {
        const std::size_t place = world.place_of(held.holder);
        if (place < known_.size() && known_[place].leads == epoch) {
            known_[place].forgotten = true;
            touched_ |= 1u << place;
        }
        planned_.erase(epoch);
    };
    const auto unheard = [&](const auto& grant) {
        if (grant.first <= ack.epoch || grant.first <= heard_of_ || grant.second.boot == run)
            return false;
        forget(grant.first, grant.second);
        return true;
    };
    if (ledger_lost_ && std::erase_if(holders_, unheard) > 0) excuse(Excuse::ledger_lost);
    const auto at = holders_.find(ack.epoch);
    if (at == holders_.end() || at->second.boot == run || !ledger_lost_) return;
    const bool same = world.place_of(at->second.holder) < world.sites().size() &&
                      world.ledger()->holder == at->second.holder && at->second.taken;
    const bool adopted = adoption_of(*world.ledger()->holder) != nullptr;
    if (heard_of_ >= ack.epoch && (same || (at->second.taken && !adopted))) return;
    excuse(Excuse::ledger_lost);
    forget(at->first, at->second);
    holders_.erase(at);
}

// What an earlier run of the arbiter granted is renewed first to one that has it.
void Checker::judge_renewal(const World& world, std::size_t agent, const heartbeat::Ack& ack) {
    Held& held = holders_.at(ack.epoch);
    const std::uint64_t boot = world.arbiter().process.boot;
    const auto unbounded = world.ledger()->lease_longest >= dnsd::Record::unbounded;
    if (held.boot != 0 && held.boot != boot && held.acked != boot && !unbounded && !ledger_lost_)
        for (const Known::Sent& sent : known(world, agent).sent)
            if (sent.request == ack.request && sent.boot == world.arbiter().heard[agent].boot &&
                !sent.leads && sent.held != ack.epoch)
                broken(
                    fmt::format("I3: {} is promoted in quarantine, under epoch {} of an earlier "
                                "run of the arbiter",
                                name(world, agent), ack.epoch.value));
    const Instant now = world.arbiter().clock.at(world.now());
    if (held.acked != boot || unbounded) held.granted = now;
    const Duration lapse = std::max<Duration>(2 * std::max(held.longest, world.rules().lease),
                                              std::chrono::seconds(10));
    // What came while it was stopped is heard before time is judged.
    const bool ran = world.now() > world.arbiter().process.stopped_until + second;
    if (!held.led && !unbounded && now > held.granted + lapse + std::chrono::milliseconds(50) &&
        ran && !ledger_fails(world))
        broken(fmt::format(
            "I3: {} is renewed {} ms after its grant of epoch {}, and never said "
            "that it is master",
            name(world, agent), (now - held.granted).count() / millisecond, ack.epoch.value));
    if (known(world, agent).said.leads == ack.epoch) led_ = ack.epoch;
    held.acked = boot;
    held.last_ack = now;
    // What it is by the settings: where clocks differ by much it is told shorter.
    const Duration lease = std::min(world.rules().lease, world.ledger()->lease_longest);
    held.longest = std::max({held.longest, ack.lease, lease});
    held.shortest =
        held.shortest == Duration::zero() ? ack.lease : std::min(held.shortest, ack.lease);
}

// Its own word ends its lease, or that it was writable and is not, or that its database is another.
void Checker::note_spent(const World& world, std::size_t agent, const heartbeat::Heartbeat& beat) {
    const auto& disk = world.ledger();
    if (!disk || disk->holder != world.sites()[agent].id) return;
    const bool leads = beat.role == heartbeat::Role::master && beat.held == disk->epoch;
    const bool fenced = beat.role == heartbeat::Role::fenced && beat.held == disk->epoch;
    const bool restarted = disk->holder_start != 0 && beat.database_start != 0 &&
                           beat.database_start != disk->holder_start;
    if (fenced || restarted || (!leads && led_ == disk->epoch)) spent_ = disk->epoch;
}

// A master is renewed, well or not, while its database is well and nothing has ended its lease.
void Checker::judge_not_renewed(const World& world, std::size_t agent) {
    const auto& disk = world.ledger();
    const Known& server = known(world, agent);
    if (!disk || disk->holder != world.sites()[agent].id || !disk->lease_may_live || disk->closed ||
        server.said.leads != disk->epoch || server.said.boot != world.arbiter().process.boot ||
        server.said.at != world.now() || spent_ == disk->epoch || yielded_ == disk->epoch ||
        world.arbiter().cloned == agent || !world.configured(agent) || world.observing())
        return;
    // Where an older copy was put back somebody may know a later state, which can not be written.
    if (excused(Excuse::ledger_lost) > 0 && ledger_fails(world)) return;
    broken(fmt::format("renewal: {} says that it is master under epoch {}{}, and is not renewed",
                       name(world, agent), disk->epoch.value,
                       server.health.unwell ? ", and unwell" : ""));
}

// ---- When S begins to cover
// ------------------------------------------------------------------------------------

void Checker::note_waits(const World& world, std::size_t agent, const heartbeat::Heartbeat& beat) {
    const auto& disk = world.ledger();
    const auto held = holders_.find(beat.held);
    if (held != holders_.end() && beat.role == heartbeat::Role::master) held->second.led = true;
    if (!disk || disk->holder != world.sites()[agent].id || disk->epoch != beat.held ||
        beat.role != heartbeat::Role::master)
        return;
    // One that could not look says nothing of it.
    if (!beat.health.database || beat.wants != heartbeat::Wish::master) return;
    if (!beat.semi_sync) return cover_from_.reset();
    const Database& database = world.sites()[agent].database;
    if (cover_from_ && cover_from_->epoch == beat.held && cover_from_->start == beat.database_start)
        return;
    // Heard late, of a database that is another by now: where that one stood nobody knows.
    const bool same = database.start == real_start(beat.database_start);
    cover_from_ = CoverFrom{beat.held, same ? database.logged : Point{}, beat.database_start};
}

// Its position is read once more when its commits are known to wait, and a member has that.
void Checker::judge_begin_of_cover(const World& world, const dnsd::Record& before,
                                   const dnsd::Record& next) {
    // As the winner is first heard writable another rule says whether S goes on to cover.
    if (before.master_epoch != next.master_epoch) return;
    if (before.covered || !next.covered || before.epoch != next.epoch || !next.holder ||
        next.semi_sync_unknown || !cover_from_ || cover_from_->epoch != next.epoch)
        return;
    const std::size_t place = world.place_of(*next.holder);
    if (place >= world.sites().size() ||
        world.sites()[place].database.start != real_start(cover_from_->start))
        return;
    const auto from = world.timeline().position(cover_from_->at);
    const bool had =
        std::any_of(next.semi_sync.begin(), next.semi_sync.end(), [&](const dnsd::Acker& acker) {
            const std::size_t member = world.place_of(acker.id);
            return member < world.sites().size() && known(world, member).said.had &&
                   *known(world, member).said.had >= from;
        });
    if (!had)
        broken(
            fmt::format("S: it covers {}'s commits, and no member said that it has {}, where "
                        "they had begun to wait",
                        name(world, place), from.text()));
}

void Checker::judge_outsiders(const World& world, std::size_t agent, const dnsd::Record& disk) {
    const Known::Said& said = known(world, agent).said;
    const Duration silence = world.rules().down_after * 9 / 10;
    const auto members_of = [&](const std::vector<dnsd::Acker>& ackers) {
        return static_cast<std::size_t>(
            std::count_if(ackers.begin(), ackers.end(), [&](const dnsd::Acker& acker) {
                const std::size_t place = world.place_of(acker.id);
                if (place >= world.sites().size()) return false;
                const Known::Said& its = known(world, place).said;
                return acker.leaving || its.semi_sync || world.now() - its.at > silence.count();
            }));
    };
    // The arbiter counts before it lets somebody go by the same heartbeat.
    const std::size_t members = std::max(members_of(disk.semi_sync), members_of(acked_set_));
    acked_set_ = disk.semi_sync;
    // Without semi-sync nobody waits for them.
    const bool waits = said.master && world.rules().semi_sync;
    if (!waits || said.clients <= members || ledger_fails(world))
        outsider_since_ = never;
    else
        outsider_since_ = std::min(outsider_since_, world.now());
    const Duration longer = world.rules().down_after + world.rules().heartbeat;
    outsider_ = outsider_since_ != never && world.now() - outsider_since_ > longer.count();
}

// ---- What an agent makes of it
// ------------------------------------------------------------------------------------

Checker::Known::Run& Checker::run_of(const World& world, std::size_t agent) {
    const Site& site = world.sites()[agent];
    Known::Run& run = known(world, agent).run;
    if (run.boot != site.process.boot) {
        run = {};
        run.boot = site.process.boot;
    }
    if (run.arbiter_boot != site.arbiter_boot) {
        run.arbiter_boot = site.arbiter_boot;
        run.handed = run.barred_at = 0;
    }
    return run;
}

void Checker::handed(const World& world, std::size_t agent, std::uint64_t mark) {
    const Site& site = world.sites()[agent];
    Known::Run& run = run_of(world, agent);
    for (Known::Told& told : known(world, agent).told) {
        if (told.mark != mark || told.boot != site.arbiter_boot || told.handed) continue;
        told.handed = site.clock.at(world.now());
        told.below = told.epoch < std::max(site.disk.seen, site.disk.promised);
        if (told.below || mark <= run.handed) continue;
        run.handed = mark;
        if (told.grants) run.barred = told.barred;
    }
}

void Checker::bars(const World& world, std::size_t agent,
                   const std::vector<heartbeat::Barred>& list) {
    std::uint8_t barred = 0;
    for (const heartbeat::Barred& each : list)
        barred = static_cast<std::uint8_t>(barred | 1U << world.place_of(each.id));
    if (barred != run_of(world, agent).barred)
        broken("S: " + name(world, agent) + " bars others than the newest ACK told it to");
}

void Checker::stops_receiving(const World& world, std::size_t agent) {
    run_of(world, agent).stopped = world.sites()[agent].clock.at(world.now());
}

// Unless it had used up its time, and may have had more by then.
void Checker::promotion_failed(const World& world, std::size_t agent, Epoch epoch,
                               Instant give_up) {
    const auto held = holders_.find(epoch);
    if (held == holders_.end()) return;
    const Instant now = world.sites()[agent].clock.at(world.now());
    if (now >= give_up - held->second.longest / 2) return;
    run_of(world, agent).patient_until = now + 2 * held->second.shortest;
}

void Checker::looked(const World& world, std::size_t agent, Instant begun, bool reachable) {
    if (reachable) {
        known(world, agent).losses_seen = world.sites()[agent].database.relay_losses;
        for (Hand& hand : hands_) hand.looked_at = hand.looked_at || hand.site == agent;
    }
    known(world, agent).look = begun;
}

void Checker::judge_said(const World& world, std::size_t agent, const heartbeat::Heartbeat& beat) {
    const Site& site = world.sites()[agent];
    const Database& database = site.database;
    const Known& server = known(world, agent);
    const auto told = [&](std::uint64_t mark) {
        return std::find_if(server.told.begin(), server.told.end(), [&](const Known::Told& each) {
            return mark != 0 && each.mark == mark && each.boot == site.arbiter_boot;
        });
    };
    if (const auto known = told(beat.mark); known != server.told.end())
        if (!known->handed || *known->handed > server.look)
            return broken(fmt::format("S: {} says mark {} of what it had read before it heard that",
                                      name(world, agent), beat.mark));
    if (const auto known = told(beat.mark); known != server.told.end() && known->below)
        return broken(
            fmt::format("I2: {} obeyed the reply of mark {}, of epoch {}, and knew of a "
                        "higher one",
                        name(world, agent), beat.mark, known->epoch.value));
    judge_run(world, agent, beat);
    const bool same = database.up && database.start == real_start(beat.database_start);
    if (const auto known = told(beat.barred); known != server.told.end())
        if (same && (known->barred & ~database.barred) != 0)
            return broken(
                fmt::format("S: {} says that all are barred that mark {} bars, and one is "
                            "let in",
                            name(world, agent), beat.barred));
    // After the stop nothing is received any more.
    const bool stopped = same && !database.io_running && database.sql_running && !server.writable;
    if (beat.promised > server.promised && beat.received && stopped &&
        !(*beat.received >= world.timeline().position(database.received)))
        broken(
            fmt::format("I5: {} promises epoch {} at {}, and had received more before it stopped",
                        name(world, agent), beat.promised.value, beat.received->text()));
}

// What it says beside what this run of it has done.
void Checker::judge_run(const World& world, std::size_t agent, const heartbeat::Heartbeat& beat) {
    const Known& server = known(world, agent);
    Known::Run& run = run_of(world, agent);
    if (beat.wants == heartbeat::Wish::master &&
        world.sites()[agent].clock.at(world.now()) < run.patient_until)
        return broken("election: " + name(world, agent) +
                      " asks for the lease again within 2 L after its promotion failed");
    if (beat.promised > server.promised && beat.received && run.stopped &&
        server.look < *run.stopped)
        return broken(
            fmt::format("I5: {} promises epoch {} with what it read before it stopped receiving",
                        name(world, agent), beat.promised.value));
    if (beat.barred == 0) return;
    if (beat.barred < run.barred_at)
        return broken(fmt::format("S: {} says that mark {} bars whom it bars, after mark {}",
                                  name(world, agent), beat.barred, run.barred_at));
    run.barred_at = beat.barred;
}

void Checker::note_said(const World& world, std::size_t agent, const heartbeat::Heartbeat& beat) {
    Known::Said& said = known(world, agent).said;
    const std::uint64_t boot = world.arbiter().process.boot;
    // What it says first it had not heard of this run.
    if (said.boot != boot && other_set_ && beat.revision > *other_set_) other_set_.reset();
    said.boot = boot;
    said.at = world.now();
    const heartbeat::Health& health = beat.health;
    said.errant = beat.errant == heartbeat::Errant::wrote;
    said.lag = beat.lag;
    said.fit = health.database && health.web && health.page &&
               beat.wants == heartbeat::Wish::master && beat.errant != heartbeat::Errant::wrote &&
               !beat.may_not_lead && (!beat.lag || *beat.lag <= world.rules().max_lag / 2);
    said.leaves = beat.drain || beat.may_not_lead;
    said.refused = beat.errant == heartbeat::Errant::refused;
    said.semi_sync = beat.semi_sync;
    said.master = beat.role == heartbeat::Role::master;
    said.writable = health.database && !beat.read_only;
    said.leads.reset();
    if (said.master && health.database && beat.wants == heartbeat::Wish::master)
        said.leads = beat.held;
    said.clients = beat.semi_sync_clients;
    // Nothing ends the lease of one that was found writable and has not taken it yet.
    const auto& disk = world.ledger();
    const bool unconfirmed = disk && disk->lease_longest >= dnsd::Record::unbounded;
    // … and what nobody can have reached moves nothing.
    const Epoch top = std::max(beat.seen, beat.promised);
    said.liar = top.value > world.epoch().value + (std::uint64_t{1} << 32);
    said.revision = unconfirmed || said.liar ? 0 : beat.revision;
    said.promised = beat.promised;
    said.received = beat.received;
    if (beat.received) said.had = beat.received;
    said.applied = beat.applied;
    said.priority = beat.priority;
}

}  // namespace sim
