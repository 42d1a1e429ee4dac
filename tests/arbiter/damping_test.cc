#include "dnsd/arbiter/damping.h"

#include "rules.h"

#include <doctest/doctest.h>

using namespace dnsd;
using namespace dnsd::testing;
using Verdict = Damper::Verdict;

namespace {

constexpr std::int64_t wall_clock = 1'795'343'000;

Wall wall(std::int64_t unix_seconds = wall_clock) {
    return Wall{t0(), unix_seconds};
}

struct Group {
    ArbiterRules rules = testing::rules();
    Damper damper{Damping{}, wall()};
    Instant now = t0();

    Duration fails_over(const char* loser) { return damper.failed_over(id(loser), rules, now); }
    Verdict judge() const { return damper.judge(rules, now); }
};

}  // namespace

TEST_CASE("a term ends by the boot clock, and one without a length never") {
    const Term pause(30min, t0());
    CHECK(pause.left(t0()) == 30min);
    CHECK_FALSE(pause.over(t0() + 30min - 1ns));
    CHECK(pause.over(t0() + 30min));
    CHECK(pause.left(t0() + 31min) == 0s);
    const Term drain(std::nullopt, t0());
    CHECK_FALSE(drain.over(t0() + std::chrono::hours(100'000)));
    CHECK_FALSE(drain.left(t0()));
    CHECK(drain.spoken_left(t0()) == "until undone");
    CHECK(pause.spoken_left(t0() + 29min) == "for another 60 s");
}

TEST_CASE("over a restart a term goes on with what the wall clock leaves of it") {
    const Until until = Term::recorded(90s, wall_clock);
    const auto left = [&](std::int64_t restarted) {
        return Term(until, wall(restarted)).left(t0());
    };
    CHECK(left(wall_clock + 30) == 60s);
    CHECK(left(wall_clock + 90) == 0s);
    CHECK(left(wall_clock + 1'000'000) == 0s);
    SUBCASE("a wall clock that was set back does not make it longer") {
        CHECK(left(wall_clock - 1'000'000) == 90s);
        CHECK(left(0) == 90s);
    }
    SUBCASE("a record that says nonsense ends, and overflows nothing") {
        const auto most = std::numeric_limits<std::int64_t>::max();
        CHECK(Term(Until{most, most}, wall()).left(t0()) == Term::length_max);
        CHECK(Term(Until{-5, most}, wall()).left(t0()) == 0s);
        CHECK(Term(Until{5, -most}, wall()).left(t0()) == 0s);
    }
    SUBCASE("one without an end stays without") {
        CHECK_FALSE(Term(Term::recorded(std::nullopt, wall_clock), wall()).left(t0()));
    }
    SUBCASE("a part of a second is kept whole") {
        CHECK(Term::recorded(1500ms, wall_clock) == Until{2, wall_clock + 2});
    }
}

TEST_CASE("after an automatic failover there is none for B") {
    Group group;
    CHECK(group.judge() == Verdict::free);
    CHECK(group.fails_over("wiki1") == 60s);
    CHECK(group.judge() == Verdict::blocked);
    CHECK(group.damper.why(group.rules, group.now) ==
          "blocked for another 60 s after the last automatic failover");
    group.now += 60s - 1ns;
    CHECK(group.judge() == Verdict::blocked);
    group.now += 1ns;
    CHECK(group.judge() == Verdict::free);
    CHECK(group.damper.why(group.rules, group.now).empty());
}

TEST_CASE("a block is never a part of a second too short") {
    Group group;
    group.now += 400ms;
    group.fails_over("wiki1");
    group.now += 60s - 1ns;
    CHECK(group.judge() == Verdict::blocked);
    group.now += 1s;
    CHECK(group.judge() == Verdict::free);
}

TEST_CASE("the block doubles with each failover within an hour of the last, up to its bound") {
    Group group;
    group.rules.failovers_an_hour = 0;
    group.rules.block_max = 5min;
    for (const Duration expected : {60s, 120s, 240s, 300s, 300s}) {
        CHECK(group.fails_over("wiki1") == expected);
        group.now += expected;
    }
    group.now += 1h;
    CHECK(group.fails_over("wiki1") == 60s);
    SUBCASE("a bound below B does not shorten it") {
        group.rules.block_max = 1s;
        group.now += 60s;
        CHECK(group.fails_over("wiki1") == 60s);
    }
}

TEST_CASE("no more than so many automatic failovers in an hour") {
    Group group;
    group.rules.block = 0s;
    group.fails_over("wiki1");
    group.now += 10min;
    group.fails_over("wiki2");
    group.fails_over("wiki1");
    CHECK(group.judge() == Verdict::spent);
    CHECK(group.damper.why(group.rules, group.now) ==
          "3 automatic failovers within an hour, 3 are allowed");
    SUBCASE("the hour passes, and nobody called for one more") {
        group.now += 50min;
        CHECK(group.judge() == Verdict::free);
    }
    SUBCASE("one more was called for: only the operator's word elects, however long it takes") {
        group.damper.make_manual();
        group.now += std::chrono::hours(100);
        CHECK(group.judge() == Verdict::manual);
        group.damper.lift();
        CHECK(group.judge() == Verdict::free);
    }
    SUBCASE("an operator's word begins the hour anew") {
        group.damper.lift();
        CHECK(group.judge() == Verdict::free);
        CHECK(group.damper.failovers_last_hour(group.now) == 0);
    }
}

TEST_CASE("0 switches each part of the damping off") {
    Group group;
    group.rules.block = 0s;
    group.rules.failovers_an_hour = 0;
    group.rules.penalty_half_life = 0s;
    for (int i = 0; i < 100; ++i) CHECK(group.fails_over("wiki1") == 0s);
    CHECK(group.judge() == Verdict::free);
    CHECK(group.damper.penalty(id("wiki1"), group.rules, group.now) == 0);
    CHECK(group.damper.recorded().penalties.empty());
    SUBCASE("also while a block is in force") {
        group.rules.block = 60s;
        group.fails_over("wiki1");
        CHECK(group.judge() == Verdict::blocked);
        group.rules.block = 0s;
        CHECK(group.judge() == Verdict::free);
    }
}

TEST_CASE("what damps survives a restart, by what the wall clock leaves") {
    Group group;
    group.rules.failovers_an_hour = 2;
    group.fails_over("wiki1");
    group.now += 10s;
    const Damping recorded = group.damper.recorded();
    const auto restarted = [&](std::int64_t unix_seconds) {
        return Damper(recorded, wall(unix_seconds));
    };
    CHECK(restarted(wall_clock + 20).block_left(t0()) == 40s);
    CHECK(restarted(wall_clock + 20).failovers_last_hour(t0()) == 1);
    CHECK_FALSE(restarted(wall_clock + 61).block_left(t0()));
    CHECK(restarted(wall_clock + 3'601).failovers_last_hour(t0()) == 0);
    SUBCASE("a wall clock that was set back blocks no longer than B, and counts as of now") {
        const Damper damper = restarted(0);
        CHECK(damper.block_left(t0()) == 60s);
        CHECK(damper.failovers_last_hour(t0() + 59min) == 1);
        CHECK(damper.failovers_last_hour(t0() + 1h) == 0);
        CHECK(damper.points(id("wiki1"), group.rules, t0()) == 1);
        CHECK(damper.points(id("wiki1"), group.rules, t0() + 20min) == 0);
    }
    SUBCASE("manual stays") {
        group.damper.make_manual();
        CHECK(Damper(group.damper.recorded(), wall(wall_clock + 1'000'000))
                  .judge(group.rules, t0()) == Verdict::manual);
    }
}

TEST_CASE("a penalty halves with every half-life, and counts to the nearest point") {
    Group group;
    group.rules.penalty_half_life = 10min;
    group.damper.penalize(id("wiki2"), group.rules, group.now);
    group.damper.penalize(id("wiki2"), group.rules, group.now);
    const auto points = [&](Duration later) {
        return group.damper.points(id("wiki2"), group.rules, group.now + later);
    };
    CHECK(points(0s) == 2);
    CHECK(group.damper.penalty(id("wiki2"), group.rules, group.now + 10min) == 1.0);
    CHECK(group.damper.penalty(id("wiki2"), group.rules, group.now + 15min) == 0.75);
    CHECK(points(20min) == 1);
    CHECK(points(21min) == 0);
    CHECK(group.damper.points(id("wiki1"), group.rules, group.now) == 0);
    SUBCASE("what has worn off is forgotten") {
        group.now += 2h;
        group.damper.penalize(id("wiki1"), group.rules, group.now);
        REQUIRE(group.damper.recorded().penalties.size() == 1);
        CHECK(group.damper.recorded().penalties[0].id == id("wiki1"));
    }
    SUBCASE("they are kept in the order of names, and dropped with their server") {
        group.damper.penalize(id("wiki1"), group.rules, group.now);
        CHECK(group.damper.recorded().penalties[0].id == id("wiki1"));
        group.rules.servers.erase(group.rules.servers.begin());
        group.damper.keep_only(group.rules.servers);
        REQUIRE(group.damper.recorded().penalties.size() == 1);
        CHECK(group.damper.recorded().penalties[0].id == id("wiki2"));
    }
}

TEST_CASE("no more failovers are remembered than their bound") {
    Group group;
    for (std::size_t i = 0; i < 2 * Damping::failovers_max; ++i) group.fails_over("wiki1");
    CHECK(group.damper.recorded().failovers.size() == Damping::failovers_max);
}
