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

TEST_CASE("one that said it is unwell and then fell silent stays out of a pool that fails open") {
    Desk desk(rules(4));
    report(desk, {"wiki1", "wiki2", "wiki3", "wiki4"}, 10s);
    desk.hear("wiki4", unwell());
    desk.pass(10s);  // all are silent now
    CHECK(desk.arbiter.standing().fail_open);
    CHECK(desk.pool() == "wiki1 wiki2 wiki3");
}

namespace {

// The roster alone: what the machine would be told to do with drains and settings.
struct Pool {
    ArbiterRules group;
    Roster roster;
    Instant now = t0();
    std::vector<Note> story;

    explicit Pool(ArbiterRules g = rules(), std::vector<ServerId> stable = {})
        : group(std::move(g)), roster(group, stable, t0()) {}

    void hear(const char* name, const heartbeat::Heartbeat& beat = replica()) {
        roster.heard(id(name), beat, now, story);
    }
    void pass(Duration time) {
        const Instant end = now + time;
        for (; roster.silence_at() <= end; roster.tick(now, story)) now = roster.silence_at();
        now = end;
        roster.tick(now, story);
        if (roster.unsettled(now)) roster.settle();
    }
    void report(std::vector<const char*> names, Duration time) {
        for (const Instant end = now + time; now < end; pass(1s))
            for (const char* name : names) hear(name);
    }
    void drain(std::vector<ServerId> servers) { roster.drain(servers, now, story); }
    std::string names() const {
        std::string text;
        for (const Member& member : roster.pool())
            text += (text.empty() ? "" : " ") + std::string(member.id.text());
        return text;
    }
    std::string out_why(const char* name) const {
        return roster.out_why(*roster.find(id(name)), now);
    }
    std::size_t told(Kind kind) const {
        return static_cast<std::size_t>(std::count_if(
            story.begin(), story.end(), [&](const Note& note) { return note.kind == kind; }));
    }
};

const std::vector<const char*> all_three{"wiki1", "wiki2", "wiki3"};

}  // namespace

TEST_CASE("a drained server leaves the pool at once and comes back when it is drained no more") {
    Pool pool;
    pool.report(all_three, 10s);
    pool.drain({id("wiki2")});
    CHECK(pool.names() == "wiki1 wiki3");
    CHECK(pool.out_why("wiki2") == "drained");
    pool.report(all_three, 20s);
    CHECK(pool.names() == "wiki1 wiki3");
    pool.drain({});
    CHECK(pool.names() == "wiki1 wiki2 wiki3");  // it was good all the time
}

TEST_CASE("one that its own agent drains is out of the pool just so") {
    Pool pool;
    pool.report(all_three, 10s);
    heartbeat::Heartbeat beat = replica();
    beat.drain = true;
    pool.hear("wiki2", beat);
    CHECK(pool.names() == "wiki1 wiki3");
    CHECK(pool.out_why("wiki2") == "draining");
}

TEST_CASE("drained servers stay in the pool when nobody else is left for it") {
    Pool pool;
    pool.report(all_three, 10s);
    SUBCASE("all are drained") {
        pool.drain({id("wiki1"), id("wiki2"), id("wiki3")});
        CHECK(pool.names() == "wiki1 wiki2 wiki3");
        CHECK_FALSE(pool.roster.fail_open());
        SUBCASE("and go when another stands again") {
            pool.drain({id("wiki1"), id("wiki2")});
            CHECK(pool.names() == "wiki3");
        }
    }
    SUBCASE("the last that was not drained is unwell") {
        pool.drain({id("wiki1"), id("wiki2")});
        CHECK(pool.names() == "wiki3");
        pool.hear("wiki3", unwell());
        CHECK(pool.names() == "wiki1 wiki2");
        pool.report({"wiki1", "wiki2", "wiki3"}, 3s);
        CHECK(pool.names() == "wiki3");
    }
    SUBCASE("a drained one that is unwell does not come back before one that is well") {
        pool.drain({id("wiki1"), id("wiki2")});
        pool.hear("wiki1", unwell());
        pool.hear("wiki3", unwell());
        CHECK(pool.names() == "wiki2");
    }
}

TEST_CASE("what is drained and falls silent does not make the pool fail open") {
    Pool pool(rules(4));
    const std::vector<const char*> all{"wiki1", "wiki2", "wiki3", "wiki4"};
    pool.report(all, 10s);
    pool.drain({id("wiki3"), id("wiki4")});
    pool.report({"wiki1", "wiki2"}, 4s);
    CHECK_FALSE(pool.roster.fail_open());
    CHECK(pool.names() == "wiki1 wiki2");
}

TEST_CASE("to drain what vanished ends a pool that fails open") {
    Pool pool(rules(4));
    pool.report({"wiki1", "wiki2", "wiki3", "wiki4"}, 10s);
    pool.report({"wiki1", "wiki2"}, 4s);
    REQUIRE(pool.roster.fail_open());
    pool.drain({id("wiki3"), id("wiki4")});
    CHECK_FALSE(pool.roster.fail_open());
    CHECK(pool.names() == "wiki1 wiki2");
}

TEST_CASE("what vanished at once while one of it was drained opens the pool with the drain's end") {
    // Seed 87040003 of tests/sim, as it was then: another had fallen silent meanwhile, and only who
    // was silent about when that one was counted.
    Pool pool(rules(4));
    pool.report({"wiki1", "wiki2", "wiki3", "wiki4"}, 10s);
    pool.drain({id("wiki3")});
    pool.report({"wiki1", "wiki2"}, 4s);
    pool.report({"wiki1"}, 4s);  // longer than R after the others
    REQUIRE_FALSE(pool.roster.fail_open());
    pool.drain({});
    CHECK(pool.roster.fail_open());
}

TEST_CASE("a server that comes and goes must be good for longer each time, up to a bound") {
    Pool pool;
    pool.report(all_three, 10s);
    const auto rejoins_after = [&] {
        pool.hear("wiki3", unwell());
        REQUIRE(pool.names() == "wiki1 wiki2");
        const Instant since = pool.now;
        while (pool.names() == "wiki1 wiki2" && pool.now < since + 10min)
            pool.report(all_three, 1s);
        return pool.now - since;
    };
    // up_after is 2: two heartbeats' time, doubled with each flap. The last heartbeat of a wait
    // comes within the second that the loop then lets pass.
    for (const Duration expected : {2s, 5s, 9s, 17s, 33s, 33s}) CHECK(rejoins_after() == expected);
    SUBCASE("it says so") {
        pool.hear("wiki3", unwell());
        pool.report(all_three, 3s);
        CHECK(pool.out_why("wiki3") ==
              "was in and out 4 times: in again after 32 s without a fault");
    }
    SUBCASE("one that stood for long begins anew") {
        pool.report(all_three, 31s);
        CHECK(rejoins_after() == 2s);
    }
}

TEST_CASE("a server that flutters for an hour changes the pool a bounded number of times") {
    Pool pool;
    pool.report(all_three, 10s);
    std::size_t good = 0;
    for (int second = 0; second < 3600; ++second) {
        // As nasty as can be: unwell as soon as it stands.
        const bool stands = pool.names() == "wiki1 wiki2 wiki3";
        pool.hear("wiki3", stands ? unwell() : replica());
        good += stands ? 0 : 1;
        pool.hear("wiki1");
        pool.hear("wiki2");
        pool.pass(1s);
    }
    CHECK(pool.told(Kind::left_pool) <= 3600 / 32 + Roster::flaps_max + 1);
    CHECK(good > 3000);
}

TEST_CASE("settings that are read anew keep what is known of the servers that stay") {
    Pool pool;
    pool.report(all_three, 10s);
    ArbiterRules next = rules(4);
    next.servers[1].weight = 3;
    next.servers[1].addresses = {*Address::parse("2001:db8::2"), *Address::parse("192.0.2.12")};
    SUBCASE("a new one is in after its good heartbeats, and addresses are sorted") {
        pool.roster.change(next, pool.now, pool.story);
        CHECK(pool.names() == "wiki1 wiki2 wiki3");
        CHECK(pool.roster.pool()[1] ==
              Member{
                  id("wiki2"), {*Address::parse("192.0.2.12"), *Address::parse("2001:db8::2")}, 3});
        CHECK(pool.out_why("wiki4") == "not heard yet");
        pool.report({"wiki1", "wiki2", "wiki3", "wiki4"}, 2s);
        CHECK(pool.names() == "wiki1 wiki2 wiki3 wiki4");
    }
    SUBCASE("a new one that is never heard counts as silent after R, and the pool stays as it is") {
        pool.roster.change(next, pool.now, pool.story);
        pool.report(all_three, 5s);
        CHECK(pool.out_why("wiki4") == "never heard");
        CHECK_FALSE(pool.roster.fail_open());
    }
    SUBCASE("one that is dropped leaves, and is told") {
        next.servers.erase(next.servers.begin());
        pool.roster.change(next, pool.now, pool.story);
        CHECK(pool.names() == "wiki2 wiki3");
        CHECK(pool.roster.find(id("wiki1")) == nullptr);
        REQUIRE(pool.told(Kind::left_pool) == 1);
        CHECK(pool.story.back().why == "no longer configured");
    }
    SUBCASE("when all that stood are dropped the pool is every configured server") {
        next.servers.erase(next.servers.begin(), next.servers.begin() + 3);
        pool.roster.change(next, pool.now, pool.story);
        CHECK(pool.names() == "wiki4");
        CHECK(pool.roster.fail_open());
    }
    SUBCASE("a shorter R counts from the last heartbeat") {
        next.down_after = 2s;
        pool.hear("wiki1");
        pool.roster.change(next, pool.now, pool.story);
        CHECK(pool.roster.silence_at() <= pool.now + 2s);
        pool.report({"wiki2", "wiki3"}, 2s);
        CHECK(pool.names() == "wiki2 wiki3");
    }
}

TEST_CASE("before anybody reported new settings make the pool every configured server") {
    Pool pool;
    pool.roster.change(rules(4), pool.now, pool.story);
    CHECK(pool.names() == "wiki1 wiki2 wiki3 wiki4");
}

TEST_CASE("why a server is out of the pool is never what keeps it from leading") {
    ArbiterRules group = rules();
    group.servers[1].may_lead = false;
    Desk desk(group);
    report(desk, {"wiki1", "wiki2", "wiki3"}, 3s);
    desk.hear("wiki2", unwell());
    const GroupStatus status = desk.arbiter.status(desk.now);
    CHECK(status.servers[1].why == "page: HTTP 503");
    CHECK(status.servers[1].may_not_lead == "may not lead (configured)");
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
