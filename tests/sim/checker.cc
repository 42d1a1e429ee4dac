// What the arbiter does, says and writes.

#include "tests/sim/checker.h"

#include "tests/sim/world.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace sim {

namespace {

// There is a ledger, and nobody can read it.
bool damaged(const World& world) {
    const LedgerDisk& disk = world.arbiter().ledger;
    return disk.text && !disk.record;
}

bool contains(const std::vector<ServerId>& list, const ServerId& id) {
    return std::find(list.begin(), list.end(), id) != list.end();
}

const dnsd::Acker* acker_in(const dnsd::Record& record, const ServerId& id) {
    const auto at = std::find_if(record.semi_sync.begin(), record.semi_sync.end(),
                                 [&](const dnsd::Acker& acker) { return acker.id == id; });
    return at == record.semi_sync.end() ? nullptr : &*at;
}

}  // namespace

std::string seconds_of(True time) {
    return fmt::format("{}.{:03} s", time / second, time / millisecond % 1000);
}

std::string_view text_of(Excuse excuse) {
    static constexpr std::string_view texts[] = {
#define SIM_NAME(name, text) text,
        SIM_EXCUSES(SIM_NAME)
#undef SIM_NAME
    };
    return texts[static_cast<std::size_t>(excuse)];
}

void Checker::broken(std::string what) {
    if (violation_.empty()) violation_ = std::move(what);
}

// ---- What is remembered
// -----------------------------------------------------------------------------

void Checker::arbiter_started(const World& world) {
    // What it had begun to wait for ends by the wall clock, over a restart.
    if (std::exchange(wall_offset_, world.arbiter().wall_offset) != world.arbiter().wall_offset)
        paced_until_ = 0;
    commands_.clear();  // nobody is there to answer them
    members_due_ = true;
    longest_ = world.rules().lease;
    switching_.reset();
    yielded_.reset();
    usurped_.clear();
    led_.reset();
    spent_.reset();
    heard_of_ = {};
    mark_ = 0;
    first_heard_ = window_since_ = never;
    outsider_since_ = never;
    acked_set_.clear();
    cover_from_.reset();
    for (Known& server : known_) {
        server.health = {};
        server.starts = {};
        server.stand = {};
        server.row = {};
    }
    died_at_ = seen_up_;
    unsure_members_.clear();
    for (std::size_t i = 0; i < world.sites().size(); ++i) {
        if (world.configured(i)) continue;
        unsure_members_.insert(world.sites()[i].id);
        forget_refusal(i);
    }
    down_after_ = world.rules().down_after;
}

void Checker::ledger_restored(const World&) {
    ledger_lost_ = standing_lost_ = told_lost_ = true;
    for (Known& server : known_)
        if (server.refused) server.refused->proofs = 0;
    paced_until_ = 0;
    excuse(Excuse::ledger_lost);
}

void Checker::copy_restored(const dnsd::Record& last, const dnsd::Record& copy) {
    const bool same = last.semi_sync == copy.semi_sync && last.covered == copy.covered;
    if (!same) other_set_ = copy.revision;
}

void Checker::remembered(const World& world, const dnsd::Record& before, const dnsd::Record& next) {
    if (next.epoch < before.epoch)
        return broken(fmt::format("I2: the ledger's epoch went back from {} to {}",
                                  before.epoch.value, next.epoch.value));
    if (next.epoch.value > before.epoch.value + (std::uint64_t{1} << 32))
        return broken(fmt::format("I2: the ledger's epoch goes from {} to {}, which nobody reached",
                                  before.epoch.value, next.epoch.value));
    if (next.epoch == before.epoch && before.holder && next.holder &&
        next.holder != before.holder && next.epoch > Epoch{})
        return broken(
            fmt::format("I2: the ledger gives epoch {} another holder", next.epoch.value));
    if (next.revision <= before.revision && next.revision > 0 && !damaged(world))
        return broken(fmt::format("disk: the ledger's revision went from {} to {}", before.revision,
                                  next.revision));
    if (next.epoch == before.epoch && before.closed && !next.closed)
        return broken(fmt::format("disk: epoch {} was closed, and is open", next.epoch.value));
    if (next.epoch == before.epoch)
        for (const dnsd::Acker& was : before.semi_sync)
            // Who leads leaves S when it is first heard to be writable (docs/decisions/0012, 4).
            // Where no commit is to wait any more there is no S.
            if (!was.leaving && was.id != next.holder && !next.semi_sync_unknown &&
                world.rules().semi_sync && !acker_in(next, was.id))
                return broken(
                    fmt::format("S: {} is out of the semi-sync set, and was never told to leave it",
                                text(was.id)));
    // It confirms its lease: so long it has that, for who judges when it must be master.
    if (before.lease_longest >= dnsd::Record::unbounded && next.epoch == before.epoch)
        if (const auto held = holders_.find(next.epoch); held != holders_.end())
            held->second.granted = world.arbiter().clock.at(world.now());
    if (next.epoch > before.epoch && next.holder && next.lease_may_live) {
        judge_grant(world, before, next);
        for (auto& [token, asked] : commands_) {
            asked.granted = true;
            if (asked.planned) asked.since = world.arbiter().clock.at(world.now());
        }
    }
    // The arbiter may die before it answers; the lease has ended by this.
    if (before.lease_may_live && !next.lease_may_live)
        for (const auto& [token, asked] : commands_)
            if (asked.dead && asked.dead == before.holder && holders_.contains(before.epoch))
                holders_.at(before.epoch).confirmed_dead = true;
    judge_set(world, before, next);
    judge_stable_set(world, before, next);
    judge_cover(world, next);
    judge_begin_of_cover(world, before, next);
    judge_block(world, before, next);
    judge_next_block(world, before, next);
}

// The gate's ground: whoever asks all of S finds every commit that a client was told of. A member
// whose database has restarted is no answer, and the gate waits for it.
// Its database is another since it was whole, or has thrown away what it had received: it says so
// with its next look.
bool Checker::lost_relay_log(const World& world, const dnsd::Acker& acker) {
    const std::size_t place = world.place_of(acker.id);
    const Database& database = world.sites()[place].database;
    if (database.start != real_start(acker.start)) return true;
    if (database.has() != database.received) return true;
    const auto& losses = known(world, place).losses;
    const auto at = losses.find(acker.start);
    return at != losses.end() && at->second != database.relay_losses;
}

void Checker::judge_cover(const World& world, const dnsd::Record& record) {
    if (!record.covered || record.semi_sync_unknown || ledger_lost_) return;
    for (const Point& commit : kept_) {
        bool found = false;
        for (const dnsd::Acker& acker : record.semi_sync) {
            const std::size_t place = world.place_of(acker.id);
            if (place >= world.sites().size()) continue;
            found = found || lost_relay_log(world, acker) ||
                    world.timeline().begins(commit, world.sites()[place].database.has());
        }
        if (found) continue;
        // Its numbers pass every line, and what it had received it can not apply.
        const auto by_hand = [&](const ServerId& id) { return wrought(world, world.place_of(id)); };
        if ((record.holder && by_hand(*record.holder)) ||
            std::any_of(record.semi_sync.begin(), record.semi_sync.end(),
                        [&](const dnsd::Acker& acker) { return by_hand(acker.id); }))
            return excuse(Excuse::by_hand);
        return broken(
            fmt::format("S: {} was told to a client, and nobody in the semi-sync set of "
                        "epoch {} has it",
                        world.timeline().position(commit).text(), record.epoch.value));
    }
}

// ---- What it says
// ---------------------------------------------------------------------------------

namespace {

// So long it makes an agent writable, by its own clock: one takes off a thousandth, and by how much
// more the clocks may differ it is told shorter.
Duration lasts(const World& world, const heartbeat::Ack& ack) {
    const std::int64_t said = world.rules().lease.count();
    const Duration by_the_rules(said - said / million * world.script().climate.rho);
    return std::min(Duration(ack.lease.count() - ack.lease.count() / 1000), by_the_rules);
}

}  // namespace

void Checker::acknowledges(const World& world, std::size_t agent, const heartbeat::Ack& ack) {
    const ServerId& to = world.sites()[agent].id;
    const auto& disk = world.ledger();
    const std::string lease = fmt::format("the lease of epoch {} to {}", ack.epoch.value, text(to));
    std::uint8_t barred_by_it = 0;
    for (const heartbeat::Barred& barred : ack.barred)
        barred_by_it = static_cast<std::uint8_t>(barred_by_it | 1U << world.place_of(barred.id));
    tells(world, agent,
          {world.arbiter().process.boot, ack.mark, std::nullopt, barred_by_it, ack.epoch, true},
          ack.revision);
    if (world.observing()) return broken("observe: " + lease + " is told");
    if (!disk || disk->epoch != ack.epoch || disk->holder != to || !disk->lease_may_live)
        return broken("disk: " + lease + " is told, and is not in the ledger");
    if (disk->closed) return broken("disk: " + lease + " is renewed, and the epoch is closed");
    if (world.arbiter().cloned == agent)
        return broken("clones: " + lease + " is told, and two machines speak under that name");
    if (disk->lease_longest < ack.lease)
        return broken("disk: " + lease + " is told longer than the ledger knows");
    if (ack.revision > disk->revision)
        return broken("disk: a revision is told that is not in the ledger");
    if (ack.serial > world.serial())
        return broken("disk: a serial is told that is not in the ledger");
    for (const ServerId& acker : ack.semi_sync_set)
        if (!acker_in(*disk, acker))
            return broken(
                fmt::format("disk: {} is told to be in the semi-sync set, and is not in "
                            "the ledger's",
                            text(acker)));
    for (const heartbeat::Barred& barred : ack.barred)
        if (!contains(disk->barred, barred.id) && !acker_in(*disk, barred.id))
            return broken("disk: who is told to be barred is not in the ledger");
    if (yielded_ == ack.epoch)
        return broken("switchover: " + lease + " is renewed, and its holder was told to yield");
    forget_lost_grant(world, ack);
    const auto at = holders_.find(ack.epoch);
    bool gateless = false;
    if (at != holders_.end() && at->second.holder != to)
        return broken(fmt::format("I2: {} and {} hold epoch {}", text(at->second.holder), text(to),
                                  ack.epoch.value));
    if (at == holders_.end()) {
        if (!holders_.empty() && holders_.rbegin()->first > ack.epoch)
            return broken(fmt::format("I2: {} is new, and epoch {} was granted before it", lease,
                                      holders_.rbegin()->first.value));
        judge_lease_end(world, agent, ack.epoch);
        restarts_known_ = static_cast<unsigned>(std::count_if(
            known_.begin(), known_.end(),
            [](const Known& server) { return server.starts.last != server.starts.first; }));
        judge_expiry(world, agent, ack.epoch);
        judge_new_holder(world, agent, ack.epoch);
        const bool planned = switches_to(to);
        if (planned) planned_.insert(ack.epoch);
        if (switching_ && !planned)
            usurped_ = fmt::format("switchover: epoch {} is granted to {}, and {} is to have it",
                                   ack.epoch.value, text(to), text(switching_->to));
        const dnsd::ArbiterRules& rules = world.rules();
        gateless = !planned && (!rules.semi_sync || rules.loss == dnsd::Loss::allow);
        switching_.reset();
        ledger_lost_ = false;  // all that it knows is in the record again
    }
    // The latest time at which it may be writable by this: counted from the send of what it
    // answers.
    const auto [place, created] =
        holders_.emplace(ack.epoch, Held{.holder = to, .gateless = gateless});
    Held& held = place->second;
    const Site& site = world.sites()[agent];
    const Known& server = known(world, agent);
    for (const Known::Sent& sent : server.sent) {
        if (sent.request != ack.request || sent.boot != world.arbiter().heard[agent].boot) continue;
        held.may_live = std::max(held.may_live, site.clock.when(sent.at + lasts(world, ack)));
        if (!created) continue;
        held.start = sent.start;
        held.boot = world.arbiter().process.boot;
    }
    judge_renewal(world, agent, ack);
    judge_members(world, agent, ack);
    judge_outsiders(world, agent, *disk);
}

void Checker::denies(const World& world, std::size_t agent, const heartbeat::Deny& deny) {
    static const dnsd::Record nothing;
    const dnsd::Record& disk = world.ledger() ? *world.ledger() : nothing;
    const std::string to = text(world.sites()[agent].id);
    const auto* prepare = std::get_if<heartbeat::PrepareOrder>(&deny.order);
    const Epoch told = prepare ? std::max(prepare->epoch, deny.epoch) : deny.epoch;
    tells(world, agent, {world.arbiter().process.boot, deny.mark, std::nullopt, 0, told},
          deny.revision);
    if (world.observing() && !std::holds_alternative<heartbeat::NoOrder>(deny.order))
        return broken("observe: " + to + " is given an order");
    if (deny.revision > disk.revision)
        return broken("disk: a revision is told that is not in the ledger");
    if (deny.serial > world.serial())
        return broken("disk: a serial is told that is not in the ledger");
    // Where no commit waits, one that was master follows as a member would: nobody is an acker.
    for (const ServerId& acker : deny.semi_sync_set)
        if (world.rules().semi_sync && !acker_in(disk, acker))
            return broken(
                fmt::format("disk: {} is told to be in the semi-sync set, and is not in "
                            "the ledger's",
                            text(acker)));
    if (prepare) {
        if (prepare->epoch <= disk.epoch)
            return broken(fmt::format("I2: {} is to prepare for epoch {}, which is not new", to,
                                      prepare->epoch.value));
        if (disk.holder && !disk.closed)
            return broken(
                fmt::format("disk: {} is to prepare for epoch {}, and {} is not closed in "
                            "the ledger",
                            to, prepare->epoch.value, disk.epoch.value));
    }
    if (switching_ && deny.reason == heartbeat::DenyReason::switching && disk.lease_may_live &&
        disk.holder == world.sites()[agent].id)
        judge_yield(world, agent);
    judge_not_renewed(world, agent);
    judge_retry(world, agent, deny);
    if (std::holds_alternative<heartbeat::FollowOrder>(deny.order) && deny.master != disk.holder)
        return broken(fmt::format("disk: {} is to follow who is not the ledger's holder", to));
    if (std::holds_alternative<heartbeat::FollowOrder>(deny.order) && disk.holder &&
        !was_writable(*disk.holder, disk.epoch) && !ledger_lost_)
        return broken(fmt::format("S: {} is to follow {}, which was never writable under epoch {}",
                                  to, text(*disk.holder), disk.epoch.value));
}

}  // namespace sim
