#include "tests/sim/world.h"

#include <doctest/doctest.h>

using namespace sim;
using namespace std::chrono_literals;

namespace {

// Runs until all is settled; how long that took, or the bound.
Duration settle(World& world, Duration bound = 60s) {
    const True begun = world.now();
    while (world.violation().empty() && !world.unsettled().empty() &&
           Duration(world.now() - begun) < bound)
        world.run(10ms);
    return Duration(world.now() - begun);
}

}  // namespace

TEST_CASE("whatever goes wrong, no rule is broken, and after it one master is followed by all") {
    std::uint64_t grants = 0;
    std::uint64_t waiting = 0;
    for (std::uint64_t seed = 0; seed < 600; ++seed) {
        CAPTURE(seed);  // arbiter-sim --seed N --trace tells it event by event
        const Verdict verdict = live(seed, Climate::of(seed));
        REQUIRE(verdict.broken == "");
        grants += verdict.grants;
        waiting += verdict.awaits_operator;
    }
    CHECK(grants > 1200);  // else the climate was too kind to tell anything
    CHECK(waiting < 10);
}

TEST_CASE("one seed is one story") {
    const Verdict one = live(42, Climate::of(42));
    const Verdict again = live(42, Climate::of(42));
    CHECK(one.heartbeats == again.heartbeats);
    CHECK(one.grants == again.grants);
}

TEST_CASE("a new cluster of empty servers elects one, and the others follow it") {
    World world(1, {.agents = 3, .first_writable = false, .troubled = 0s});
    CHECK(settle(world) < 2s);
    CHECK(world.unsettled() == "");
    CHECK(world.epoch() == Epoch{1});
}

TEST_CASE("a running master is taken over as it is: it never stops being writable") {
    World world(2, {.agents = 3, .first_writable = true, .troubled = 0s});
    const auto before = world.masters();
    REQUIRE(before.size() == 1);
    while (world.unsettled() != "" && world.now() < Duration(10s).count()) {
        REQUIRE(world.step());
        REQUIRE(world.masters() == before);
    }
    CHECK(world.epoch() == Epoch{1});
}

TEST_CASE("a dead master is replaced within its lease and a second") {
    for (const bool fast : {true, false}) {
        CAPTURE(fast);
        Climate climate{.agents = 3, .troubled = 0s};
        if (!fast) {
            climate.heartbeat = 1s;
            climate.lease = 6s;
            climate.down_after = 3s;
        }
        Duration worst{0};
        for (std::uint64_t seed = 0; seed < 50; ++seed) {
            CAPTURE(seed);
            World world(seed, climate);
            settle(world);
            REQUIRE(world.unsettled() == "");
            world.run(std::chrono::milliseconds(10 * seed));
            const std::size_t old = world.masters().front();
            const True begun = world.now();
            world.crash_machine(old, 300s);
            while ((world.masters().empty() || !world.published().master ||
                    world.published().epoch != world.epoch() || world.masters().front() == old) &&
                   world.now() < begun + Duration(60s).count())
                REQUIRE(world.step());
            worst = std::max(worst, Duration(world.now() - begun));
        }
        MESSAGE("worst of 50: " << worst.count() / 1'000'000 << " ms");
        CHECK(worst < climate.lease + 1s);
    }
}

TEST_CASE("an arbiter that restarts costs no write") {
    World world(3, {.agents = 3, .troubled = 0s});
    settle(world);
    const auto master = world.masters();
    const Epoch epoch = world.epoch();
    world.crash_arbiter(100ms);
    for (const True end = world.now() + Duration(10s).count(); world.now() < end;) {
        REQUIRE(world.step());
        REQUIRE(world.masters() == master);
    }
    CHECK(world.epoch() == epoch);
    CHECK(world.unsettled() == "");
}

TEST_CASE("looks at its database that see nothing now and then cost a master nothing") {
    World world(5, {.agents = 3, .blind_looks = 0.2, .troubled = 60s});
    world.run(2s);
    const auto master = world.masters();
    const Epoch epoch = world.epoch();
    REQUIRE(master.size() == 1);
    for (const True end = world.now() + Duration(50s).count(); world.now() < end;) {
        REQUIRE(world.step());
        REQUIRE(world.masters() == master);
    }
    CHECK(world.epoch() == epoch);
}

TEST_CASE(
    "a master that hears no acknowledgement steps down, and another leads though it is heard") {
    World world(4, {.agents = 3, .troubled = 0s});
    settle(world);
    const std::size_t old = world.masters().front();
    world.cut(old, false, true, 30s);
    const True begun = world.now();
    while ((world.masters().empty() || world.masters().front() == old) &&
           world.now() < begun + Duration(20s).count())
        REQUIRE(world.step());
    REQUIRE(world.masters().size() == 1);
    CHECK(world.masters().front() != old);
    CHECK(Duration(world.now() - begun) < 2s);
    world.run(29s);
    CHECK(settle(world) < 5s);
    CHECK(world.unsettled() == "");
}
