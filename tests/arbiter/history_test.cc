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

TEST_CASE("a page that comes and goes is told three times, then every ten minutes with how often") {
    Desk desk = led();
    const auto flap = [&](int count) {
        for (int i = 0; i < count; ++i) {
            desk.hear("wiki2", i % 2 == 0 ? unwell() : replica());
            desk.hear("wiki1", master(Epoch{5}));
            desk.pass(1s);
        }
    };
    flap(60);
    CHECK(desk.told(Kind::server_unwell) == 3);
    CHECK(told(desk, Kind::server_unwell, "page: HTTP 503") == 3);
    flap(1200);
    CHECK(desk.told(Kind::server_unwell) == 5);
    const auto told_with = [&](const char* times) {
        return told(desk, Kind::server_unwell,
                    std::string("page: HTTP 503; unwell ") + times +
                        " times more since that was last told");
    };
    CHECK(told_with("297") == 1);
    CHECK(told_with("299") == 1);
    flap(60);
    // When it is well for good the line that says so has the rest.
    const std::size_t joined = desk.told(Kind::joined_pool);
    for (int i = 0; i < 60; ++i) {
        desk.hear("wiki2", replica());
        desk.hear("wiki1", master(Epoch{5}));
        desk.pass(1s);
    }
    REQUIRE(desk.told(Kind::joined_pool) == joined + 1);
    const auto back = std::find_if(desk.story.rbegin(), desk.story.rend(),
                                   [](const Note& note) { return note.kind == Kind::joined_pool; });
    CHECK(back->why.find("2 good heartbeats in a row; unwell ") == 0);
    // After a quiet time the first are told again at once.
    for (int i = 0; i < 1900; ++i) {
        desk.hear("wiki1", master(Epoch{5}));
        desk.hear("wiki2", replica());
        desk.pass(1s);
    }
    flap(6);
    CHECK(told(desk, Kind::server_unwell, "page: HTTP 503") == 6);
}

TEST_CASE("one that is silent and back again and again is told as seldom") {
    Desk desk = led();
    const std::size_t up = desk.told(Kind::server_up);
    for (int i = 0; i < 120; ++i) {
        if (i % 5 == 0) desk.hear("wiki2", replica());
        desk.hear("wiki1", master(Epoch{5}));
        desk.hear("wiki3", replica());
        desk.pass(1s);
    }
    CHECK(desk.told(Kind::server_down) == 3);
    CHECK(desk.told(Kind::server_up) == up + 3);
}
