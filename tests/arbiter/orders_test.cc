#include "dnsd/arbiter/orders.h"

#include "dnsd/arbiter/switchover.h"
#include "rules.h"

#include <doctest/doctest.h>

using namespace dnsd;
using namespace dnsd::testing;

namespace {

constexpr std::int64_t wall_clock = 1'795'343'000;

// The orders and the record that they are kept in; restarted() is what a new run makes of it.
struct Kept {
    Record record;
    Orders orders{Record{}, Wall{t0(), wall_clock}};
    std::vector<Note> story;

    Orders restarted(Duration later) const {
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(later).count();
        return {record, Wall{t0(), wall_clock + seconds}};
    }
};

}  // namespace

TEST_CASE("a pause has its end, in this run and over a restart") {
    Kept kept;
    kept.orders.pause(30min, t0(), wall_clock, kept.record);
    CHECK(kept.orders.paused(t0() + 30min - 1ns));
    CHECK_FALSE(kept.orders.paused(t0() + 30min));
    CHECK(kept.orders.ends() == t0() + 30min);
    CHECK(kept.orders.pause_why(t0() + 29min) == "paused for another 60 s");
    CHECK(kept.restarted(10min).pause_left(t0()) == InForce{20min});
    CHECK_FALSE(kept.restarted(31min).paused(t0()));
    CHECK(kept.restarted(-1h).pause_left(t0()) == InForce{30min});
}

TEST_CASE("a pause without an end stands until it is undone") {
    Kept kept;
    kept.orders.pause(std::nullopt, t0(), wall_clock, kept.record);
    CHECK(kept.orders.ends() == Instant::max());
    CHECK(kept.orders.pause_left(t0() + std::chrono::hours(10'000)) == InForce{});
    CHECK(kept.restarted(std::chrono::hours(10'000)).paused(t0()));
    kept.orders.resume(kept.record);
    CHECK_FALSE(kept.orders.paused(t0()));
    CHECK(kept.record == Record{});
}

TEST_CASE("what ends by itself leaves the record and is told once") {
    Kept kept;
    kept.orders.pause(10s, t0(), wall_clock, kept.record);
    kept.orders.drain(id("wiki2"), 20s, t0(), wall_clock, kept.record);
    kept.orders.drain(id("wiki1"), std::nullopt, t0(), wall_clock, kept.record);
    CHECK(kept.record.drains.front().id == id("wiki1"));  // in the order of names
    kept.orders.end(t0() + 15s, kept.record, kept.story);
    CHECK_FALSE(kept.record.pause);
    CHECK(kept.story.back().kind == Kind::resumed);
    CHECK(kept.orders.ends() == t0() + 20s);
    kept.orders.end(t0() + 20s, kept.record, kept.story);
    kept.orders.end(t0() + 21s, kept.record, kept.story);
    REQUIRE(kept.story.size() == 2);
    CHECK(kept.story.back().kind == Kind::undrained);
    CHECK(kept.story.back().server == id("wiki2"));
    CHECK(kept.orders.drained(t0() + 21s) == std::vector{id("wiki1")});
    CHECK(kept.orders.ends() == Instant::max());
}

TEST_CASE("a drain has its end too, and is given anew by a second word") {
    Kept kept;
    kept.orders.drain(id("wiki2"), 20s, t0(), wall_clock, kept.record);
    CHECK(kept.orders.drain_left(id("wiki2"), t0() + 5s) == InForce{15s});
    CHECK_FALSE(kept.orders.drain_left(id("wiki1"), t0()));
    kept.orders.drain(id("wiki2"), std::nullopt, t0() + 5s, wall_clock + 5, kept.record);
    CHECK(kept.orders.drain_left(id("wiki2"), t0() + 1h) == InForce{});
    CHECK(kept.record.drains.size() == 1);
    CHECK(kept.restarted(1h).drained(id("wiki2"), t0()));
    kept.orders.undrain(id("wiki2"), kept.record);
    CHECK_FALSE(kept.orders.drained(id("wiki2"), t0() + 5s));
    CHECK(kept.record == Record{});
}

TEST_CASE("a server that the configuration dropped is drained no more") {
    Kept kept;
    for (const char* name : {"wiki1", "wiki2"})
        kept.orders.drain(id(name), std::nullopt, t0(), wall_clock, kept.record);
    ArbiterRules group = rules();
    group.servers.erase(group.servers.begin());
    kept.orders.keep_only(group.servers, kept.record);
    CHECK(kept.orders.drained(t0()) == std::vector{id("wiki2")});
    CHECK(kept.record.drains.size() == 1);
}

TEST_CASE("the pause after a switchover of its own is no shorter for a restart") {
    // Seed 300125790 of tests/sim, as it was then: a third of a second.
    ArbiterRules group = rules();
    group.block = 12s;
    const Wall started{t0(), wall_clock};  // 0.829 s of that second had passed
    Pace pace(std::nullopt, started);
    const Until until = pace.began(group, t0() + 1701ms);
    const Wall restarted{t0() + 6363ms, wall_clock + 7};  // 0.829 s + 6.363 s
    CHECK_FALSE(Pace(until, restarted).allows(t0() + 1701ms + 11999ms));
    CHECK(Pace(until, restarted).allows(restarted.at + 12s));
}

TEST_CASE("the pause after a switchover of its own is not the doubled one of a shorter setting") {
    // Seed 600177094 of tests/sim, as it was then.
    ArbiterRules group = rules();
    group.block = 6s;
    Pace pace(std::nullopt, Wall{t0(), wall_clock});
    pace.began(group, t0());
    group.block = 17s;
    pace.began(group, t0() + 7s);
    CHECK_FALSE(pace.allows(t0() + 7s + 16s));
    CHECK(pace.allows(t0() + 7s + 17s));
}
