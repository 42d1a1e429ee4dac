// The history is bounded: what takes turns with each heartbeat must not push out what was decided.

#include "operators.h"

#include "dnsd/arbiter/lately.h"

#include <doctest/doctest.h>

using namespace dnsd;
using namespace dnsd::testing;

namespace {

std::size_t told(const Desk& desk, Kind kind, const std::string& why) {
    return static_cast<std::size_t>(
        std::count_if(desk.story.begin(), desk.story.end(),
                      [&](const Note& note) { return note.kind == kind && note.why == why; }));
}

}  // namespace

TEST_CASE("two refusals that take turns are told once each, until something is decided") {
    Desk desk = master_lost(rules(4));
    const auto clash = [](const char* other) {
        return std::string("wiki2 and ") + other + " each have transactions that the other lacks";
    };
    bool third = false;  // whether wiki3 stands in the election
    const auto rounds = [&](int count) {
        for (int i = 0; i < count; ++i) {
            desk.pass(1s);
            third = !third;
            auto other = promised(Epoch{6});
            other.received = at(100, 3);
            other.wants = third ? heartbeat::Wish::master : heartbeat::Wish::nothing;
            desk.hear("wiki3", other);
            other = promised(Epoch{6});
            other.received = at(100, 4);
            desk.hear("wiki4", other);
            desk.hear("wiki2", promised(Epoch{6}));
        }
    };
    rounds(100);
    CHECK(told(desk, Kind::refused, clash("wiki3")) == 1);
    CHECK(told(desk, Kind::refused, clash("wiki4")) == 1);
    CHECK(desk.told(Kind::refused) == 2);
    CHECK(desk.arbiter.status(desk.now).counts.failover.refused == 2);
    // What is so now is shown all the same.
    CHECK(desk.arbiter.status(desk.now).alarms == std::vector{clash(third ? "wiki3" : "wiki4")});
    SUBCASE("or for an hour") {
        rounds(3700);
        CHECK(desk.told(Kind::refused) == 4);
    }
    SUBCASE("by an operator, too") {
        CHECK(ask(desk, PauseCommand{1h}).kind == Answer::Kind::done);
        CHECK(ask(desk, ResumeCommand{}).kind == Answer::Kind::done);
        rounds(100);
        CHECK(desk.told(Kind::refused) == 4);
    }
}

TEST_CASE("what the gate waits for is told once each when it takes turns") {
    Cluster cluster = Cluster::covered();
    cluster.lose_master({"wiki2", "wiki3"});
    cluster.servers["wiki3"].start = 8;
    bool known = false;
    for (int i = 0; i < 100; ++i) {
        cluster.desk.pass(1s);
        known = !known;
        auto beat = cluster.beat("wiki3");
        if (!known) beat.received.reset();
        cluster.say("wiki3", beat);
        cluster.hear("wiki2");
    }
    CHECK(cluster.desk.state() == LeaseState::window);
    CHECK(cluster.desk.told(Kind::gate_waits) == 2);
    CHECK(cluster.gate() == "wiki3, whose position is not known");
}

TEST_CASE("what would be done is told once each when it takes turns") {
    ArbiterRules group = rules();
    group.mode = Mode::observe;
    Desk desk(group);
    const std::string would =
        "wiki1's database is down: wiki2 would be granted: the only candidate";
    for (int i = 0; i < 100; ++i) {
        auto beat = replica();
        beat.read_only = false;
        desk.hear("wiki1", beat);
        beat.health.database = false;
        desk.hear("wiki1", beat);
        desk.hear("wiki2", replica());
        desk.pass(1s);
    }
    CHECK(told(desk, Kind::would, would) == 1);
    CHECK(desk.arbiter.status(desk.now).would == would);
}

TEST_CASE("no more than so many different reasons are told within an hour") {
    Lately lately;
    std::size_t told = 0;
    Instant now = t0();
    for (int i = 0; i < 100; ++i) told += lately.anew(Kind::refused, std::to_string(i), now);
    CHECK(told == Lately::most);
    CHECK(lately.anew(Kind::gate_waits, "0", now));  // each kind has room of its own
    now += Lately::again;
    CHECK(lately.anew(Kind::refused, "100", now));
}
