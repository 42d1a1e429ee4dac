#pragma once
// Rules, servers and heartbeats that the tests of the arbiter start from.

#include "dnsd/arbiter/arbiter.h"

#include <algorithm>
#include <chrono>

namespace dnsd::testing {

using namespace std::chrono_literals;

inline ServerId id(const char* text) {
    return *ServerId::parse(text);
}
inline Instant t0() {
    return Instant(std::chrono::hours(1));
}

inline ArbiterRules rules(std::size_t servers = 3) {
    ArbiterRules rules;
    rules.group = "wiki";
    rules.heartbeat = 1s;
    rules.lease = 6s;
    rules.down_after = 3s;
    rules.max_lag = 30s;
    rules.semi_sync = false;  // what the gate asks for has tests of its own
    for (std::size_t i = 1; i <= servers; ++i) {
        const auto last = static_cast<std::uint8_t>(10 + i);
        rules.servers.push_back({*ServerId::parse("wiki" + std::to_string(i)),
                                 {Address::v4({192, 0, 2, last})},
                                 1,
                                 true,
                                 0});
    }
    return rules;
}

inline heartbeat::GtidPosition at(std::uint64_t sequence, std::uint32_t server = 1) {
    return *heartbeat::GtidPosition::of({{0, server, sequence}});
}

// A well replica that wants to lead.
inline heartbeat::Heartbeat replica(std::uint64_t received = 100) {
    heartbeat::Heartbeat beat;
    beat.health = {true, true, true, true, false};
    beat.role = heartbeat::Role::replica;
    beat.wants = heartbeat::Wish::master;
    beat.flavour = heartbeat::GtidFlavour::mariadb;
    beat.received = beat.applied = at(received);
    beat.database_start = 7;
    return beat;
}

inline heartbeat::Heartbeat master(Epoch held, std::uint64_t received = 100) {
    heartbeat::Heartbeat beat = replica(received);
    beat.role = heartbeat::Role::master;
    beat.held = beat.seen = held;
    beat.read_only = false;
    return beat;
}

inline heartbeat::Heartbeat promised(Epoch epoch, std::uint64_t received = 100) {
    heartbeat::Heartbeat beat = replica(received);
    beat.promised = epoch;
    return beat;
}

inline heartbeat::Heartbeat fenced(Epoch epoch, std::uint64_t received = 100) {
    heartbeat::Heartbeat beat = replica(received);
    beat.role = heartbeat::Role::fenced;
    beat.held = beat.seen = epoch;
    return beat;
}

inline heartbeat::Heartbeat unwell(std::string why = "page: HTTP 503") {
    heartbeat::Heartbeat beat = replica();
    beat.health.page = false;
    beat.wants = heartbeat::Wish::nothing;
    beat.why = std::move(why);
    return beat;
}

// The machine and a clock that only goes on by hand. The ledger takes what it is told, unless it
// fails.
struct Desk {
    ArbiterRules group;
    Arbiter arbiter;
    Instant now = t0();
    std::vector<Effect> last;
    std::vector<Note> story;
    std::optional<Record> ledger;
    bool ledger_fails = false;
    std::uint64_t request = 0;

    explicit Desk(ArbiterRules g = rules(), std::optional<Record> remembered = std::nullopt)
        : group(std::move(g)), arbiter(group, remembered, t0(), 0), ledger(std::move(remembered)) {
        step(ClockTicked{});
    }

    const std::vector<Effect>& step(const Event& event) {
        const Arbiter before = arbiter;
        last = arbiter.step(event, now);
        for (const Effect& effect : last) {
            if (const auto* remember = std::get_if<Remember>(&effect)) {
                if (ledger_fails) {
                    arbiter = before;
                    return step(LedgerFailed{});
                }
                ledger = remember->record;
            }
            if (const auto* note = std::get_if<Note>(&effect)) story.push_back(*note);
        }
        return last;
    }
    // Time goes on, with a tick whenever the machine wants one.
    void pass(Duration time) {
        const Instant end = now + time;
        for (int ticks = 0; arbiter.wakes_at() <= end && ticks < 10'000; ++ticks) {
            now = std::max(now, arbiter.wakes_at());
            step(ClockTicked{});
        }
        now = end;
    }
    heartbeat::Reply hear(const char* from, heartbeat::Heartbeat beat) {
        beat.request = ++request;
        step(HeartbeatHeard{id(from), std::move(beat)});
        for (const Effect& effect : last)
            if (const auto* sent = std::get_if<SendReply>(&effect)) return sent->reply;
        return heartbeat::Deny{};
    }
    std::optional<Epoch> acked(const char* from, heartbeat::Heartbeat beat) {
        const auto reply = hear(from, std::move(beat));
        if (const auto* ack = std::get_if<heartbeat::Ack>(&reply)) return ack->epoch;
        return std::nullopt;
    }
    heartbeat::Deny denied(const char* from, heartbeat::Heartbeat beat) {
        const auto reply = hear(from, std::move(beat));
        if (const auto* deny = std::get_if<heartbeat::Deny>(&reply)) return *deny;
        heartbeat::Deny none;
        none.reason = heartbeat::DenyReason{0};
        return none;
    }
    LeaseState state() const { return arbiter.status(now).state; }
    std::size_t told(Kind kind) const {
        std::size_t count = 0;
        for (const Note& note : story) count += note.kind == kind;
        return count;
    }
    std::string pool() const {
        std::string text;
        for (const Member& member : arbiter.standing().pool)
            text += (text.empty() ? "" : " ") + std::string(member.id.text());
        return text;
    }
};

// A ledger under which wiki1 leads in epoch 5, and its arbiter just after a restart.
inline Record led_by_wiki1() {
    Record record;
    record.epoch = Epoch{5};
    record.holder = id("wiki1");
    record.holder_start = 7;
    record.holder_had = at(90);
    record.lease_may_live = true;
    record.lease_longest = 6s;
    record.stable_set = {id("wiki1"), id("wiki2"), id("wiki3")};
    record.master_published = id("wiki1");
    record.master_epoch = Epoch{5};
    return record;
}

// ... and after wiki1 renewed.
inline Desk led(ArbiterRules group = rules()) {
    Desk desk(std::move(group), led_by_wiki1());
    desk.hear("wiki1", master(Epoch{5}));
    desk.hear("wiki2", replica());
    desk.hear("wiki3", replica());
    return desk;
}

// wiki1 leads in epoch 5 and falls silent; its lease has just ended.
inline Desk master_lost(ArbiterRules group = rules()) {
    Desk desk = led(std::move(group));
    for (int i = 0; i < 6; ++i) {
        desk.pass(1s);
        desk.hear("wiki2", replica());
        desk.hear("wiki3", replica());
    }
    desk.pass(506ms);  // E = 6 s * 1.001 + 0.5 s
    return desk;
}

template <typename T>
bool has(const std::vector<Effect>& effects) {
    return std::any_of(effects.begin(), effects.end(),
                       [](const Effect& effect) { return std::holds_alternative<T>(effect); });
}

// Of which epoch it is to promise; 0 where it is not asked to.
inline Epoch prepare_of(const heartbeat::Deny& deny) {
    const auto* order = std::get_if<heartbeat::PrepareOrder>(&deny.order);
    return order ? order->epoch : Epoch{};
}

}  // namespace dnsd::testing
