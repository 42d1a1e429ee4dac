#pragma once
// The agent's machine, and a shell that does what it is told when the test says so.

#include "agent/duty/duty.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>
#include <vector>

namespace agent::test {

using namespace std::chrono_literals;
using heartbeat::Ack;
using heartbeat::Deny;
using heartbeat::DenyReason;
using heartbeat::Heartbeat;
using heartbeat::Role;
using heartbeat::Wish;
using Verb = VerbDone::Verb;
using Stage = Duty::Stage;

inline ServerId id(const char* text) {
    return *ServerId::parse(text);
}
inline Address address(std::uint8_t last) {
    return Address::v4({192, 0, 2, last});
}
inline Instant t0() {
    return Instant(1h);
}
inline DutyRules rules() {
    DutyRules rules{.self = id("wiki1"), .heartbeat = 1s};
    return rules;
}

struct Post {
    Duty duty;
    Instant now = t0();
    std::vector<Effect> last;   // of the last step
    std::vector<Effect> story;  // of all
    DatabaseView database;
    AgentRecord disk;
    bool disk_fails = false;
    bool configures = true;  // what is asked for in this is done at once
    std::optional<Configure> configure;
    // What the arbiter's replies say beside all else.
    std::uint64_t mark = 0;  // of the last reply
    std::uint64_t revision = 0;
    std::vector<ServerId> set;
    std::vector<heartbeat::Barred> barred;
    Duration demotion{0};

    explicit Post(AgentRecord remembered = {}, DutyRules r = rules())
        : duty(r, remembered, t0()), disk(remembered) {
        database.reachable = true;
        database.start = 7;
        database.flavour = heartbeat::GtidFlavour::mariadb;
        database.received = database.applied = *heartbeat::GtidPosition::parse("0-1-100");
        database.replica_configured = database.io_running = database.sql_running = true;
        database.io_connected = true;
        database.upstream = address(12);
    }
    Post& step(const Event& event) {
        const Duty before = duty;
        last = duty.step(event, now);
        for (const Effect& effect : last) {
            if (const auto* remember = std::get_if<Remember>(&effect)) {
                if (disk_fails) {
                    duty = before;
                    return step(RecordFailed{});
                }
                disk = remember->record;
            }
            if (const auto* asked = std::get_if<Configure>(&effect)) configure = *asked;
            story.push_back(effect);
        }
        return *this;
    }
    // What the machine asked for at once.
    Post& tick() {
        for (int ticks = 0; duty.wakes_at() <= now && ticks < 100; ++ticks) step(ClockTicked{});
        while (configures && configure) {
            const Configure asked = *std::exchange(configure, std::nullopt);
            database.semi_sync = asked.semi_sync;
            now += 1ns;
            done(Verb::configure, asked.epoch);
            look();
        }
        return *this;
    }
    Post& pass(Duration time) {
        const Instant end = now + time;
        for (int ticks = 0; duty.wakes_at() <= end && ticks < 10'000; ++ticks) {
            now = std::max(now, duty.wakes_at());
            step(ClockTicked{});
        }
        now = end;
        return *this;
    }
    Post& look() {
        step(DatabaseSeen{database, now});
        return tick();
    }
    Post& begin() {
        step(PageSeen{{true, true, ""}});
        return look();
    }
    Post& page(bool good) {
        step(PageSeen{{true, good, good ? "" : "HTTP 503, want 200"}});
        return tick();
    }
    template <typename T>
    std::size_t count(const std::vector<Effect>& effects) const {
        return static_cast<std::size_t>(
            std::count_if(effects.begin(), effects.end(),
                          [](const Effect& effect) { return std::holds_alternative<T>(effect); }));
    }
    template <typename T>
    const T* find() const {  // the latest
        for (auto effect = story.rbegin(); effect != story.rend(); ++effect)
            if (const auto* found = std::get_if<T>(&*effect)) return found;
        return nullptr;
    }
    template <typename T>
    bool asked() const {
        return find<T>() != nullptr;
    }
    const Heartbeat& said() const { return find<SendHeartbeat>()->beat; }
    bool noted(Kind kind) const {
        return std::any_of(story.begin(), story.end(), [&](const Effect& effect) {
            const auto* note = std::get_if<Note>(&effect);
            return note && note->kind == kind;
        });
    }
    Post& ack(Epoch epoch, std::uint64_t request, Duration lease = 6s) {
        Ack ack;
        ack.request = request;
        ack.epoch = epoch;
        ack.lease = lease;
        ack.demotion = demotion;
        ack.semi_sync_set = set;
        ack.barred = barred;
        ack.mark = ++mark;
        ack.revision = revision;
        step(ReplyHeard{ack});
        return tick();
    }
    Post& ack(Epoch epoch) { return ack(epoch, said().request); }
    Post& deny(Epoch epoch, heartbeat::Order order = heartbeat::NoOrder{},
               DenyReason reason = DenyReason::other_holds) {
        Deny deny;
        deny.request = said().request;
        deny.epoch = epoch;
        deny.reason = reason;
        deny.order = order;
        deny.semi_sync_set = set;
        deny.mark = ++mark;
        deny.revision = revision;
        if (std::holds_alternative<heartbeat::FollowOrder>(order)) {
            deny.master = id("wiki2");
            deny.master_addresses = {address(12)};
        }
        step(ReplyHeard{deny});
        return tick();
    }
    Post& done(Verb verb, Epoch epoch, bool ok = true) {
        step(VerbDone{verb, epoch, ok, ok ? "" : "broken"});
        return tick();
    }
    Post& follow(Epoch epoch) { return deny(epoch, heartbeat::FollowOrder{}); }
    // The next heartbeat of its own accord, and the looks that the shell takes meanwhile.
    Post& beat() {
        const std::uint64_t before = said().request;
        look();
        while (said().request == before) pass(10ms);
        return *this;
    }
    Post& prepare(Epoch epoch) {
        return deny(epoch.value > 0 ? Epoch{epoch.value - 1} : epoch,
                    heartbeat::PrepareOrder{epoch}, DenyReason::electing);
    }
    Post& lead(Epoch epoch) {
        begin();
        ack(epoch);
        now += 20ms;
        done(Verb::promote, epoch);
        database.read_only = database.replica_configured = false;
        database.io_running = database.sql_running = false;
        return look();
    }
};

}  // namespace agent::test
