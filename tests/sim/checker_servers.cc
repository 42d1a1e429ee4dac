// What the agents say and their databases do, and what is so after each event.

#include "tests/sim/checker.h"
#include "tests/sim/world.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace sim {

namespace {

std::string name(const World& world, std::size_t site) {
    return std::string(world.sites()[site].id.text());
}

void keep(std::vector<Point>& tips, Point commit, const Timeline& timeline) {
    for (Point& tip : tips) {
        if (!timeline.begins(tip, commit)) continue;
        tip = commit;
        return;
    }
    tips.push_back(commit);
}

}  // namespace

// ---- What an agent says, and is told
// ----------------------------------------------------------------

void Checker::says(const World& world, std::size_t agent, const heartbeat::Heartbeat& beat) {
    const Site& site = world.sites()[agent];
    Known& server = known(world, agent);
    const auto unwritten = [&](const char* what, Epoch epoch) {
        broken(fmt::format("disk: {} says that it {} {}, and that is not on its disk",
                           name(world, agent), what, epoch.value));
    };
    judge_said(world, agent, beat);
    server.losses.emplace(beat.database_start, server.losses_seen);
    if (beat.database_start >
            agent::start_said(site.disk.relay.start, site.disk.relay.generation) &&
        real_start(beat.database_start) == site.disk.relay.start)
        return broken("disk: " + name(world, agent) +
                      " says that its relay log was lost, and that is not on its disk");
    if (beat.promised > site.disk.promised) return unwritten("promised", beat.promised);
    if (beat.seen > site.disk.seen) return unwritten("has seen", beat.seen);
    if (beat.role == heartbeat::Role::fenced) {
        if (beat.held > site.disk.fenced) return unwritten("is fenced for", beat.held);
        if (site.database.writable() && server.leads && *server.leads <= beat.held &&
            !excused_writer(world, agent))
            return broken(fmt::format("I3: {} says that it is fenced for epoch {}, and is writable",
                                      name(world, agent), beat.held.value));
        server.fenced = std::max(server.fenced, beat.held);
    }
    if (beat.role == heartbeat::Role::master && beat.held <= site.disk.fenced)
        return broken(
            fmt::format("I4: {} says that it leads under epoch {}, for which it is fenced",
                        name(world, agent), beat.held.value));
    // A disk that was lost has lost the promise: that is not in the fault model.
    if (site.disk.promised < server.promised) {
        excuse(Excuse::record_lost);
        server.promised = site.disk.promised;
    }
    server.promised = std::max(server.promised, beat.promised);
    server.promised_once = std::max(server.promised_once, beat.promised);
    server.sent[beat.request % server.sent.size()] = {
        site.process.boot,   beat.request, site.clock.at(world.now()),
        beat.database_start, beat.held,    beat.role == heartbeat::Role::master};
}

// What gets past the session rises within a boot: a replay or a reordered copy changes nothing.
void Checker::heard(const World& world, std::size_t agent, const heartbeat::Heartbeat& beat) {
    unheard_.reset();
    Known& server = known(world, agent);
    const std::uint64_t boot = world.arbiter().heard[agent].boot;
    if (boot == server.heard_boot && beat.request <= server.heard_request)
        return broken(fmt::format("I8: request {} of {} is heard after {}", beat.request,
                                  name(world, agent), server.heard_request));
    server.heard_boot = boot;
    server.heard_request = beat.request;
    if (beat.mark > (server.mark_boot == world.arbiter().process.boot ? server.mark : 0))
        return broken(fmt::format("S: {} says mark {}, which this run of the arbiter never told it",
                                  name(world, agent), beat.mark));
    // Of two machines under one name the arbiter believes neither, and of a stranger nothing.
    if (world.arbiter().cloned == agent || !world.configured(agent)) return;
    if (world.now() < world.arbiter().ledger.fails_until)
        unheard_ = Unheard{known_, heard_of_, first_heard_, spent_, cover_from_};
    Known::Starts& starts = server.starts;
    if (beat.database_start != 0) starts.last = beat.database_start;
    if (starts.first == 0) starts.first = starts.last;
    heard_by_ = agent;
    heard_at_ = world.now();
    note_refusal(world, agent, beat);
    if (beat.role == heartbeat::Role::fenced)
        server.heard_fenced = std::max(server.heard_fenced, beat.held);
    note_said(world, agent, beat);
    note_spent(world, agent, beat);
    note_asks(world, agent, beat);
    note_waits(world, agent, beat);
    const Epoch promised{beat.promised.value > 0 ? beat.promised.value - 1 : 0};
    constexpr std::uint64_t leap = std::uint64_t{1} << 32;  // that nobody can have made
    const Epoch top = std::max({beat.seen, beat.held, promised});
    // One that only looks on keeps nothing: when it acts it asks again those that still know.
    if (top.value <= world.epoch().value + leap && !world.observing())
        heard_of_ = std::max(heard_of_, top);
    first_heard_ = std::min(first_heard_, world.now());
    Known::Health& health = server.health;
    server.health_before = health;
    health.unwell = !beat.health.page || !beat.health.web || !beat.health.database;
    // What waited while the arbiter was stopped is heard before silence is judged; and one that was
    // not heard yet is awaited from the start, or from the first that reports.
    const True last = std::max({health.good_at, world.arbiter().since, first_heard_});
    const bool silent = world.now() - last > 2 * world.rules().down_after.count() &&
                        world.arbiter().process.stopped_until <= last;
    health.fell = health.fell || health.unwell || silent;
    health.good = health.unwell ? 0 : (silent ? 0 : health.good) + 1;
    if (health.good == 1) health.good_since = world.now();
    if (!health.unwell) health.good_at = world.now();
    note_row(world, agent);
}

// It was not believed, and nothing of it was noted; but that somebody is fenced stays true, and
// what the ledger could not write it may have all the same.
void Checker::unheard() {
    auto before = std::exchange(unheard_, std::nullopt);
    if (!before) return;
    for (std::size_t i = 0; i < known_.size(); ++i)
        before->known[i].heard_fenced = known_[i].heard_fenced;
    known_ = std::move(before->known);
    heard_of_ = before->heard_of;
    first_heard_ = before->first_heard;
    spent_ = before->spent;
    cover_from_ = before->cover_from;
}

// What its agent knew of writes by hand is gone.
void Checker::loses_record(const World&, std::size_t agent) {
    for (Hand& hand : hands_)
        if (hand.site == agent) hand.watched = false;
}

// A server that is configured anew is one of which nothing is known.
void Checker::reconfigured(const World& world) {
    reconfigured_ = world.now();
    members_due_ = true;
    judge_rows_anew(world);
    // Who is silent for too long by another measure is found so at the next tick.
    pool_due_ = world.now() + 20 * millisecond;
    longest_ = std::max(longest_, world.rules().lease);
    for (auto& [token, asked] : commands_) asked.since = world.arbiter().clock.at(world.now());
    for (std::size_t site = 0; site < known_.size(); ++site) {
        if (world.configured(site)) continue;
        if (world.ledger() && world.ledger()->holder == world.sites()[site].id)
            spent_ = world.ledger()->epoch;
        forget_refusal(site);
        known_[site].health = {.fell = first_heard_ != never};
        known_[site].stand = {};
        known_[site].starts = {};
    }
}

// I4: no agent believes in a lease that ends later than one counted from the send, on its own
// clock.
void Checker::extends(const World& world, std::size_t agent, const agent::LeaseExtended& lease) {
    constexpr True us = millisecond / 1000;  // what rounding may cost
    const auto held = holders_.find(lease.epoch);
    const True deadline = world.sites()[agent].clock.when(lease.deadline);
    if (held == holders_.end() || held->second.holder != world.sites()[agent].id)
        return broken(fmt::format("I2: {} has a lease of epoch {}, which it was not granted",
                                  name(world, agent), lease.epoch.value));
    known(world, agent).limited = true;
    touched_ |= 1u << agent;
    holders_.at(lease.epoch).taken = true;
    if (deadline > held->second.may_live + us)
        broken(fmt::format("I4: {} takes its lease of epoch {} to be longer than it is by {} us",
                           name(world, agent), lease.epoch.value,
                           (deadline - held->second.may_live) / us));
}

void Checker::follows(const World& world, std::size_t site, Epoch epoch) {
    Known& server = known(world, site);
    if (epoch < world.sites()[site].disk.promised)
        return broken(fmt::format("I5: {} follows a master of epoch {}, and promised {}",
                                  name(world, site), epoch.value,
                                  world.sites()[site].disk.promised.value));
    server.follows = epoch;
}

// ---- Databases
// --------------------------------------------------------------------------------------

void Checker::becomes_writable(const World& world, std::size_t site, Epoch epoch) {
    Known& server = known(world, site);
    const Site& self = world.sites()[site];
    const auto granted = holders_.find(epoch);
    if (granted == holders_.end() || granted->second.holder != self.id)
        return broken(
            fmt::format("I2: {} becomes writable under epoch {}, which it was not granted",
                        name(world, site), epoch.value));
    if (granted->second.start != 0 && real_start(granted->second.start) != self.database.start)
        return broken(
            fmt::format("I4: {} becomes writable under epoch {}, and its database restarted since "
                        "it asked",
                        name(world, site), epoch.value));
    // A disk that was lost has lost the fence: that is not in the fault model.
    if (self.disk.fenced < epoch && epoch <= server.fenced) {
        excuse(Excuse::record_lost);
        server.fenced = self.disk.fenced;
    }
    if (epoch <= self.disk.fenced)
        return broken(fmt::format("I4: {} becomes writable under epoch {}, for which it is fenced",
                                  name(world, site), epoch.value));
    if (epoch > self.disk.seen)
        return broken(
            fmt::format("disk: {} becomes writable under epoch {}, which is not on its disk",
                        name(world, site), epoch.value));
    // One that wrote already goes on; all others begin after what the winner of the election had.
    judge_told(world, site, epoch);
    were_writable_.insert({self.id, epoch});
    server.announced = true;
    touched_ |= 1u << site;
    server.leads = epoch;
    server.start = self.database.start;
    server.by_hand = server.excused = false;
}

// I6: nothing that a replica kept for a client is missing; of a switchover, nothing at all.
void Checker::judge_told(const World& world, std::size_t site, Epoch epoch) {
    const Timeline& timeline = world.timeline();
    const Point has = world.sites()[site].database.logged;
    const auto lacks = [&](const Point& commit) { return !timeline.begins(commit, has); };
    const std::vector<Point>& forgiven = forgiven_[epoch];
    const bool by_hand = hand_asked_.contains(epoch) || wrought(world, has);
    for (const Point& missing : kept_) {
        if (!lacks(missing)) continue;
        const bool allowed = std::find(forgiven.begin(), forgiven.end(), missing) != forgiven.end();
        const bool gone = forgotten(world, missing);
        if (!allowed && !gone && !by_hand && !other_set_)
            return broken(
                fmt::format("I6: {} becomes writable under epoch {} at {}, without {}, "
                            "which was told to a client",
                            name(world, site), epoch.value, timeline.position(has).text(),
                            timeline.position(missing).text()));
        excuse(allowed   ? Excuse::loss_allowed
               : gone    ? Excuse::all_lost
               : by_hand ? Excuse::by_hand
                         : Excuse::ledger_lost);
    }
    const auto last = std::find_if(told_.begin(), told_.end(), lacks);
    if (last != told_.end() && planned_.contains(epoch))
        return broken(
            fmt::format("switchover: {} becomes writable under epoch {} without {}, which "
                        "was told to a client",
                        name(world, site), epoch.value, timeline.position(*last).text()));
    std::erase_if(kept_, lacks);
    std::erase_if(told_, lacks);
    told_lost_ = false;
    other_set_.reset();
}

// Has it anything that was written by hand where I6 does not hold?
bool Checker::wrought(const World& world, Point history) const {
    return std::any_of(hands_.begin(), hands_.end(), [&](const Hand& hand) {
        return !hand.watched && world.timeline().begins(hand.first, history);
    });
}

bool Checker::wrought(const World& world, std::size_t site) const {
    if (site >= world.sites().size()) return false;
    const Database& database = world.sites()[site].database;
    return wrought(world, database.logged) || wrought(world, database.received);
}

// The ledger was lost, and nobody has it any more: whoever restarted had, and of that the arbiter
// was not told. Nobody would find it who waited longer.
bool Checker::forgotten(const World& world, Point commit) const {
    return told_lost_ && restarts_known_ < 2 &&
           std::none_of(world.sites().begin(), world.sites().end(), [&](const Site& each) {
               return world.timeline().begins(commit, each.database.has());
           });
}

void Checker::tells_client(const World& world, std::size_t site, Point commit, bool kept) {
    const Known& server = known(world, site);
    if (server.by_hand) return;
    // After its lease, where nobody was left to fence it: nobody else has it, or who has did not
    // have to promise.
    const Epoch newest = holders_.empty() ? Epoch{} : holders_.rbegin()->first;
    const bool asked = gates_stood(server.leads.value_or(Epoch{}), newest);
    if ((!kept || !asked) && world.sites()[site].unguarded) return excuse(Excuse::unguarded);
    keep(told_, commit, world.timeline());
    if (!kept) return;
    keep(kept_, commit, world.timeline());
    if (const auto& disk = world.ledger()) judge_cover(world, *disk);
}

void Checker::receives(const World& world, std::size_t site, std::size_t upstream) {
    const Known& server = known(world, site);
    const Database& from = world.sites()[upstream].database;
    if (server.follows < server.promised)
        return broken(fmt::format("I5: {} replicates under epoch {}, and promised {}",
                                  name(world, site), server.follows.value, server.promised.value));
    if (from.writable() && from.write_epoch < server.promised && !known(world, upstream).by_hand)
        broken(fmt::format("I5: {} replicates from {}, writable under epoch {}, and promised {}",
                           name(world, site), name(world, upstream), from.write_epoch.value,
                           server.promised.value));
}

// Of one that is configured no more the arbiter keeps nothing.
void Checker::forget_refusal(std::size_t site) {
    if (auto& refused = known_[site].refused)
        *refused = {.by = refused->by, .start = refused->start};
}

void Checker::refuses(const World& world, std::size_t site, std::size_t upstream) {
    auto& refused = known(world, site).refused;
    const std::uint64_t start = world.sites()[upstream].database.start;
    // Of the same master once more, after that one restarted: what was proven stays so.
    if (refused && refused->by == upstream)
        refused->start = start;
    else
        refused.emplace(Known::Refused{.by = upstream, .start = start});
}

void Checker::passes_over(const World& world, std::size_t site) {
    // What a person wrote took the numbers of what its recovery had cut off.
    if (wrought(world, site)) return excuse(Excuse::by_hand);
    broken("I6: " + name(world, site) +
           " passes over events of its own, in silence, that its master has");
}

void Checker::diverges(const World& world, std::size_t site) {
    const auto& upstream = world.sites()[site].database.upstream;
    if (wrought(world, site) || (upstream && wrought(world, *upstream)))
        return excuse(Excuse::by_hand);
    broken("I6: " + name(world, site) + " has another transaction than its master under one GTID");
}

// ---- What is so
// -------------------------------------------------------------------------------------
void Checker::looks(const World& world) {
    look_at_writers(world);
    look_at_pool(world);
    look_at_switchover(world);
    look_at_commands(world);
    look_at_overruled(world);
    look_at_orders(world);
    // It had not failed, or that would have been told by now.
    if (!usurped_.empty() && world.arbiter().process.up) broken(usurped_);
}

// None is lost at the end: whoever leads then has every commit that was kept for a client.
void Checker::ends(const World& world) {
    if (!commands_.empty())
        return broken("answer: at the end an operator's command is not answered");
    judge_surplus(world);
    const auto writable = world.masters();
    if (writable.size() != 1) return;
    const Point has = world.sites()[writable.front()].database.logged;
    for (const Point& commit : kept_)
        if (!world.timeline().begins(commit, has))
            return broken(fmt::format(
                "I6: at the end {} leads without {}, which was told to a client",
                name(world, writable.front()), world.timeline().position(commit).text()));
}

}  // namespace sim
