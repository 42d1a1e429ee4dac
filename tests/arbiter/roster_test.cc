#include "rules.h"

#include <doctest/doctest.h>

using namespace dnsd;
using namespace dnsd::testing;

namespace {

// All that are named report, every second, for so long.
void report(Desk& desk, std::vector<const char*> names, Duration time) {
    for (Duration passed{0}; passed < time; passed += 1s) {
        for (const char* name : names) desk.hear(name, replica());
        desk.pass(1s);
    }
}

Record stable(std::vector<ServerId> ids) {
    Record record;
    record.stable_set = std::move(ids);
    return record;
}

}  // namespace

TEST_CASE("before the first heartbeat the pool is every configured server") {
    Desk desk;
    desk.pass(1h);
    CHECK(desk.pool() == "wiki1 wiki2 wiki3");
    CHECK(!desk.ledger);  // and nothing of that is remembered as stable
}

TEST_CASE("after the first heartbeat those that stay silent for R leave the pool") {
    Desk desk;
    desk.pass(1h);
    report(desk, {"wiki1"}, 3s);
    desk.hear("wiki1", replica());
    CHECK(desk.pool() == "wiki1");
    CHECK_FALSE(desk.arbiter.standing().fail_open);  // nobody vanished: they never were
}

TEST_CASE("after a restart the pool is the last stable set") {
    Desk desk(rules(), stable({id("wiki1"), id("wiki2")}));
    CHECK(desk.pool() == "wiki1 wiki2");
}

TEST_CASE("a server silent for R leaves the pool at that very moment") {
    Desk desk(rules(4));
    report(desk, {"wiki1", "wiki2", "wiki3", "wiki4"}, 10s);
    desk.hear("wiki4", replica());
    const Instant last = desk.now;
    const auto rest = {"wiki1", "wiki2", "wiki3"};
    report(desk, rest, 2s);
    for (const char* name : rest) desk.hear(name, replica());
    desk.pass(last + 3s - 1ns - desk.now);
    CHECK(desk.pool() == "wiki1 wiki2 wiki3 wiki4");
    CHECK(desk.arbiter.wakes_at() == last + 3s);
    desk.pass(1ns);
    CHECK(desk.pool() == "wiki1 wiki2 wiki3");
}

TEST_CASE("silence is judged by ticks alone, so that what waited in the socket is heard first") {
    Desk desk(rules(2));
    report(desk, {"wiki1", "wiki2"}, 10s);
    desk.now += 1min;  // the arbiter was stopped
    desk.hear("wiki1", replica());
    desk.hear("wiki2", replica());
    desk.step(ClockTicked{});
    CHECK(desk.pool() == "wiki1 wiki2");
    CHECK(desk.told(Kind::server_down) == 0);
}

TEST_CASE("a server is back after up_after good heartbeats in a row") {
    ArbiterRules group = rules(4);
    group.up_after = 3;
    Desk desk(group);
    const std::vector<const char*> rest{"wiki1", "wiki2", "wiki3"};
    report(desk, {"wiki1", "wiki2", "wiki3", "wiki4"}, 10s);
    report(desk, rest, 5s);
    REQUIRE(desk.pool() == "wiki1 wiki2 wiki3");
    desk.hear("wiki4", replica());
    desk.hear("wiki4", replica());
    desk.hear("wiki4", unwell());  // breaks the row
    desk.hear("wiki4", replica());
    desk.hear("wiki4", replica());
    CHECK(desk.pool() == "wiki1 wiki2 wiki3");
    desk.hear("wiki4", replica());
    CHECK(desk.pool() == "wiki1 wiki2 wiki3 wiki4");
}

TEST_CASE("a server that says it is unwell is out at once, and told with its reason") {
    Desk desk;
    report(desk, {"wiki1", "wiki2", "wiki3"}, 3s);
    desk.hear("wiki2", unwell());
    CHECK(desk.pool() == "wiki1 wiki3");
    REQUIRE(desk.told(Kind::left_pool) == 1);
    CHECK(desk.story.back().why == "page: HTTP 503");
    desk.hear("wiki2", unwell());
    CHECK(desk.told(Kind::server_unwell) == 1);  // said once
}

TEST_CASE("when nobody reports, the stable set stands, and it is flagged") {
    Desk desk(rules(2), stable({id("wiki1")}));
    report(desk, {"wiki1"}, 2s);
    desk.pass(10s);
    CHECK(desk.pool() == "wiki1");
    CHECK(desk.arbiter.standing().fail_open);
    report(desk, {"wiki1"}, 2s);
    CHECK_FALSE(desk.arbiter.standing().fail_open);
    CHECK(desk.told(Kind::fail_open) == 1);
    CHECK(desk.told(Kind::fail_open_ended) == 1);
}

TEST_CASE(
    "half of the stable set vanishing within one R fails open; one after the other does not") {
    Desk desk(rules(4));
    report(desk, {"wiki1", "wiki2", "wiki3", "wiki4"}, 10s);
    REQUIRE(desk.ledger->stable_set.size() == 4);
    SUBCASE("together") {
        report(desk, {"wiki1", "wiki2"}, 4s);
        CHECK(desk.pool() == "wiki1 wiki2 wiki3 wiki4");
        CHECK(desk.arbiter.standing().fail_open);
        SUBCASE("one that says it is unwell stays out all the same") {
            desk.hear("wiki2", unwell());
            CHECK(desk.pool() == "wiki1 wiki3 wiki4");
        }
        SUBCASE("it ends when so many report again") {
            report(desk, {"wiki1", "wiki2", "wiki3"}, 2s);
            CHECK_FALSE(desk.arbiter.standing().fail_open);
            CHECK(desk.pool() == "wiki1 wiki2 wiki3");
        }
        SUBCASE("it does not end by itself") {
            report(desk, {"wiki1", "wiki2"}, 60s);
            CHECK(desk.arbiter.standing().fail_open);
            CHECK(desk.ledger->stable_set.size() == 4);
        }
    }
    SUBCASE("one after the other") {
        report(desk, {"wiki1", "wiki2", "wiki3"}, 8s);
        report(desk, {"wiki1", "wiki2"}, 4s);
        CHECK(desk.pool() == "wiki1 wiki2");
        CHECK_FALSE(desk.arbiter.standing().fail_open);
    }
}

TEST_CASE("when all are unwell the stable set stands") {
    Desk desk(rules(2));
    report(desk, {"wiki1", "wiki2"}, 8s);
    desk.hear("wiki1", unwell());
    CHECK(desk.pool() == "wiki2");
    desk.hear("wiki2", unwell());
    CHECK(desk.pool() == "wiki1 wiki2");
    CHECK(desk.arbiter.standing().fail_open);
    desk.hear("wiki1", replica());
    desk.hear("wiki1", replica());
    CHECK(desk.pool() == "wiki1");
    CHECK_FALSE(desk.arbiter.standing().fail_open);
}

TEST_CASE("the stable set is what stood unchanged for 2R, and it is durable") {
    Desk desk(rules(3));
    report(desk, {"wiki1", "wiki2"}, 8s);  // wiki3 leaves after 3 s
    CHECK(desk.pool() == "wiki1 wiki2");
    CHECK((!desk.ledger || desk.ledger->stable_set.empty()));
    report(desk, {"wiki1", "wiki2"}, 2s);
    REQUIRE(desk.ledger);
    CHECK(desk.ledger->stable_set == std::vector{id("wiki1"), id("wiki2")});
}

TEST_CASE("an outcome is announced once, and only when it changes") {
    Desk desk(rules(2));
    const auto announced = [&] {
        return std::any_of(desk.last.begin(), desk.last.end(), [](const Effect& effect) {
            return std::holds_alternative<Announce>(effect);
        });
    };
    CHECK(announced());  // the first step says where things stand
    desk.hear("wiki1", replica());
    CHECK_FALSE(announced());
    desk.hear("wiki1", unwell());
    CHECK(announced());
}
