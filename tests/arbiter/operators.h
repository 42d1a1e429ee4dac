#pragma once
// Operators who ask, and a group under wiki1 that is ready for it.

#include "cluster.h"

#include <doctest/doctest.h>

namespace dnsd::testing {

inline constexpr std::int64_t wall_clock = 1'795'343'000;

inline OperatorAsked asked(Command command, bool dry_run = false) {
    return {7, std::move(command), "anna", "kernel update", dry_run, wall_clock};
}

inline std::vector<Answer> answers(const Desk& desk) {
    std::vector<Answer> found;
    for (const Effect& effect : desk.last)
        if (const auto* answer = std::get_if<Answer>(&effect)) found.push_back(*answer);
    return found;
}

inline Answer ask(Desk& desk, Command command, bool dry_run = false) {
    desk.step(asked(std::move(command), dry_run));
    const auto found = answers(desk);
    REQUIRE(found.size() == 1);
    CHECK(found[0].token == 7);
    return found[0];
}

inline bool durable(const Desk& desk) {
    return std::holds_alternative<Remember>(desk.last.front());
}

// wiki1 leads; wiki2 and wiki3 follow it closely.
inline heartbeat::Heartbeat follower(std::uint64_t received = 100) {
    heartbeat::Heartbeat beat = replica(received);
    beat.upstream = id("wiki1");
    beat.lag = 0s;
    return beat;
}

inline Desk ready(ArbiterRules group = rules()) {
    Desk desk = led(std::move(group));
    desk.hear("wiki2", follower());
    desk.hear("wiki3", follower());
    desk.hear("wiki1", master(Epoch{5}));
    return desk;
}

inline heartbeat::Heartbeat fenced_at(std::uint64_t received) {
    return fenced(Epoch{5}, received);
}

// Until the holder was told to yield to wiki2.
inline Desk yielding() {
    Desk desk = ready();
    CHECK(ask(desk, SwitchoverCommand{id("wiki2")}).kind == Answer::Kind::going_on);
    desk.hear("wiki2", follower());
    const auto deny = desk.denied("wiki1", master(Epoch{5}));
    CHECK(deny.reason == heartbeat::DenyReason::switching);
    CHECK(deny.order == heartbeat::Order(heartbeat::YieldOrder{id("wiki2"), Epoch{6}}));
    return desk;
}

}  // namespace dnsd::testing
