// The daemon around the arbiter's machine: its ledger, its replies, what it publishes, its crashes.

#include "heartbeat/sim_points.h"
#include "tests/sim/datagram_text.h"
#include "tests/sim/world.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace sim {

using std::chrono::milliseconds;

void World::start_arbiter() {
    Process& process = arbiter_.process;
    process = {.up = true, .boot = process.boot + 1};
    arbiter_.since = now_;
    arbiter_.cloned.reset();
    std::fill(arbiter_.heard.begin(), arbiter_.heard.end(), ArbiterSite::Heard{});
    if (telling()) tell("the arbiter starts, boot " + std::to_string(process.boot));
    load_ledger();
    secondaries_.daemon_starts(process.boot);
    checker_.arbiter_started(*this);
    // What stood in the zone is served again from the start.
    if (published_) secondaries_.publish(serial(), *published_, now_, arbiter_.clock);
    arbiter_.told_serial = serial();
    arbiter_step(dnsd::Published{serial()});
    if (arbiter_.process.up) arbiter_step(dnsd::ClockTicked{});
}

// What it would have said of a loss that the rules allow died with it; the grant stands.
void World::unsaid(const dnsd::Record& granted) {
    if (rules_.loss == dnsd::Loss::allow)
        checker_.notes(*this, {dnsd::Kind::lost_accepted, granted.holder, granted.epoch, {}});
}

// What can not be read is never guessed at (docs/PROTOCOL.md, "Start").
void World::load_ledger() {
    arbiter_.reloads = false;  // it has just read the configuration
    LedgerDisk& disk = arbiter_.ledger;
    if (const auto landed = disk.landed) {
        tell("the ledger is the one that could not be written");
        SIM_SOMETIMES(failed_ledger_was_on_disk);
        if (landed->holder && landed->epoch > epoch()) unsaid(*landed);
        disk.write(*landed);
    }
    const Instant local = arbiter_.clock.at(now_);
    if (!disk.text) {
        arbiter_.machine.emplace(rules_, std::nullopt, local, unix_seconds());
        return;
    }
    const auto read = dnsd::read_record(*disk.text);
    if (read.has_value() != disk.record.has_value() || (read && *read != *disk.record))
        checker_.broken("the ledger gives back another record than was written");
    if (!read) SIM_SOMETIMES(the_ledger_was_damaged);
    if (read)
        arbiter_.machine.emplace(rules_, *read, local, unix_seconds());
    else
        arbiter_.machine.emplace(dnsd::Arbiter::after_damage(rules_, local, unix_seconds()));
}

void World::arbiter_wakes(const Event& event) {
    Process& process = arbiter_.process;
    if (!process.up || process.boot != event.a || put_off(process, event, false)) return;
    if (arbiter_.told_serial != serial()) {
        arbiter_.told_serial = serial();
        arbiter_step(dnsd::Published{serial()});
    }
    if (process.up && process.boot == event.a) arbiter_step(dnsd::ClockTicked{});
}

void World::crash_arbiter(Duration off) {
    if (!arbiter_.process.up) return;
    tell("the arbiter crashes");
    arbiter_.process.up = false;
    arbiter_.machine.reset();
    secondaries_.daemon_ends();
    after(off, Event::Kind::arbiter_starts, 0);
}

// What it published it is told by itself, as soon as it has done what it is at.
void World::set_arbiter_alarm() {
    const Instant wakes = arbiter_.machine->wakes_at();
    True when = wakes == Instant::max() ? never : std::max(now_, arbiter_.clock.when(wakes));
    if (arbiter_.told_serial != serial()) when = now_;
    events_.set_alarm(when, Event::Kind::arbiter_wakes, 0, arbiter_.process.boot);
}

// False: it failed, or the arbiter died over it.
bool World::write_ledger(const dnsd::Record& record) {
    LedgerDisk& disk = arbiter_.ledger;
    if (now_ < disk.fails_until) {
        if (disk.lands == Landing::lost) return false;
        checker_.remembered(*this, disk.record.value_or(dnsd::Record{}), record);
        disk.landed = record;
        if (disk.lands == Landing::kept_and_the_writer_dies)
            follow_up(Fault::Kind::arbiter_crashes, 0, script_.climate.heartbeat / 2,
                      milliseconds(200));
        disk.lands = Landing::kept;
        return false;
    }
    const auto off = std::exchange(arbiter_.crashes_at_ledger, std::nullopt);
    const bool grants = record.holder && record.epoch > epoch();
    if (!off || !arbiter_.before_write) {
        checker_.remembered(*this, disk.record.value_or(dnsd::Record{}), record);
        disk.write(record);
    }
    if (off && grants && arbiter_.before_write) SIM_SOMETIMES(arbiter_died_before_the_ledger);
    if (off && grants && !arbiter_.before_write) SIM_SOMETIMES(arbiter_died_before_the_ack);
    if (off && !arbiter_.before_write && grants) unsaid(record);
    if (off) crash_arbiter(*off);
    return !off;
}

void World::arbiter_step(const dnsd::Event& event) {
    if (!reload()) return;
    // Only what may fail has to be taken back.
    std::unique_ptr<const dnsd::Arbiter> before;
    if (now_ < arbiter_.ledger.fails_until)
        before = std::make_unique<const dnsd::Arbiter>(*arbiter_.machine);
    const std::uint64_t boot = arbiter_.process.boot;
    for (dnsd::Effect& effect : arbiter_.machine->step(event, arbiter_.clock.at(now_))) {
        if (const auto* remember = std::get_if<dnsd::Remember>(&effect)) {
            if (write_ledger(remember->record)) continue;
            if (!arbiter_.process.up) return;
            arbiter_.machine = *before;
            tell("the ledger fails");
            if (std::holds_alternative<dnsd::HeartbeatHeard>(event)) checker_.unheard();
            arbiter_step(dnsd::LedgerFailed{});
            // Who reloads is told that the rules stay, and does it again.
            if (std::holds_alternative<dnsd::RulesChanged>(event))
                arbiter_.reloads = arbiter_.process.up && arbiter_.process.boot == boot;
            return;
        }
        std::visit(
            [this](const auto& e) {
                if constexpr (!std::is_same_v<std::decay_t<decltype(e)>, dnsd::Remember>)
                    perform(e);
            },
            effect);
        if (!arbiter_.process.up || arbiter_.process.boot != boot) return;
    }
    set_arbiter_alarm();
}

void World::perform(const dnsd::SendReply& effect) {
    const std::size_t agent = place_of(effect.to);
    const auto* ack = std::get_if<heartbeat::Ack>(&effect.reply);
    if (ack)
        checker_.acknowledges(*this, agent, *ack);
    else
        checker_.denies(*this, agent, std::get<heartbeat::Deny>(effect.reply));
    if (telling()) tell("the arbiter to " + name(agent) + ": " + spoken(effect.reply));
    if (ack && ack->epoch > arbiter_.granted) {
        arbiter_.granted = ack->epoch;
        strike_winner(agent);
    }
    if (!ack && std::holds_alternative<heartbeat::YieldOrder>(
                    std::get<heartbeat::Deny>(effect.reply).order))
        strike_yielder(agent);
    const auto fate = network_.send(the_arbiter, agent, now_, troubled());
    if (fate.copies == 0) return;
    const std::size_t parcel = parcels_.put(
        {agent, arbiter_.heard[agent].boot, arbiter_.process.boot, 0, effect.reply}, fate.copies);
    for (std::size_t i = 0; i < fate.copies; ++i)
        events_.add(fate.at[i], Event::Kind::heard_by_agent, agent, parcel);
}

// The serial is on disk before the version is served. What is published twice is one version.
void World::perform(const dnsd::Announce& effect) {
    checker_.announces(*this, effect.standing);
    if (published_ == effect.standing) return;
    const auto wall = static_cast<std::uint32_t>(unix_seconds());
    const std::uint32_t next = std::max(serial() + 1, wall);
    arbiter_.ledger.serial = next;
    published_ = effect.standing;
    secondaries_.publish(next, effect.standing, now_, arbiter_.clock);
    if (telling())
        tell("published: master " +
             (published_->master ? std::string(published_->master->id.text()) : "nobody") +
             ", www of " + std::to_string(published_->pool.size()) +
             (published_->fail_open ? ", failing open" : ""));
}

void World::perform(const dnsd::Note& effect) {
    checker_.notes(*this, effect);
    if (effect.kind == dnsd::Kind::lost_accepted) loss_accepted_ = true;
    if (effect.kind == dnsd::Kind::adopted && !troubled()) ++adoptions_;
    if (telling()) tell("arbiter: " + dnsd::sentence(effect));
}

void World::perform(const dnsd::Answer& effect) {
    checker_.answers(*this, effect);
    if (telling()) tell("answer: " + effect.text);
    answers_.push_back(effect);
}

// The session's part (docs/PROTOCOL.md, "Bytes"): boots and counters, so that nothing is heard
// twice.
void World::heard_by_arbiter(const Event& event) {
    Process& process = arbiter_.process;
    if (process.up && put_off(process, event, true)) return;
    Parcel parcel = parcels_.take(event.a);
    if (!process.up) return;
    const std::size_t agent = parcel.agent;
    ArbiterSite::Heard& heard = arbiter_.heard[agent];
    if (parcel.agent_boot < heard.boot ||
        (parcel.agent_boot == heard.boot && parcel.counter <= heard.counter)) {
        SIM_SOMETIMES(an_old_heartbeat_was_not_heard);
        return;
    }
    if (parcel.arbiter_boot != process.boot) {
        const auto fate = network_.send(the_arbiter, agent, now_, troubled());
        for (std::size_t i = 0; i < fate.copies; ++i)
            events_.add(fate.at[i], Event::Kind::challenged, agent, parcel.agent_boot,
                        process.boot);
        return;
    }
    if (!reload()) return;
    heard = {parcel.agent_boot, parcel.counter, now_};
    ++heartbeats_;
    auto& beat = std::get<heartbeat::Heartbeat>(parcel.message);
    checker_.heard(*this, agent, beat);
    arbiter_step(dnsd::HeartbeatHeard{sites_[agent].id, std::move(beat)});
}

}  // namespace sim
