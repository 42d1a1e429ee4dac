#include "dnsd/arbiter/switchover.h"

#include "rules.h"

#include <doctest/doctest.h>

using namespace dnsd;
using namespace dnsd::testing;
using Stage = Switchover::Stage;

namespace {

Switchover begun() {
    return {id("wiki1"), id("wiki2"), Epoch{5}, "kernel update", "anna", t0()};
}

Watched watched(heartbeat::Heartbeat beat) {
    Watched server{.rules = rules().servers[1]};
    server.heard = t0();
    server.last = std::move(beat);
    return server;
}

heartbeat::Heartbeat follower() {
    heartbeat::Heartbeat beat = replica();
    beat.upstream = id("wiki1");
    beat.lag = 0s;
    return beat;
}

}  // namespace

TEST_CASE("a switchover goes from readying to granted, and can be given back until then") {
    Switchover switchover = begun();
    CHECK(switchover.epoch() == Epoch{6});
    CHECK_FALSE(switchover.began_to_yield());
    switchover.yield(t0());
    CHECK(switchover.began_to_yield());
    CHECK(switchover.stage() == Stage::yielding);
    switchover.freed();
    CHECK(switchover.stage() == Stage::waiting);
    CHECK(switchover.can_be_given_back());
    switchover.granted();
    CHECK_FALSE(switchover.can_be_given_back());
    const SwitchoverStatus status = switchover.status(t0() + 2s);
    CHECK(status.running == 2s);
    CHECK(status.by == "anna");
    CHECK(status.epoch == Epoch{6});
}

TEST_CASE("a candidate has caught up when it has received the final position, and not before") {
    Switchover switchover = begun();
    switchover.yield(t0());
    switchover.freed();
    CHECK_FALSE(switchover.caught_up(replica(100)));  // the holder has not told it
    switchover.final_position(at(100));
    CHECK_FALSE(switchover.caught_up(replica(99)));
    CHECK(switchover.caught_up(replica(100)));
    CHECK(switchover.caught_up(replica(101)));
    heartbeat::Heartbeat unknown = replica();
    unknown.received.reset();
    CHECK_FALSE(switchover.caught_up(unknown));
    heartbeat::Heartbeat diverged = replica();
    diverged.received = at(100, 9);
    CHECK_FALSE(switchover.caught_up(diverged));
    SUBCASE("the first that the holder tells stands") {
        switchover.final_position(at(90));
        CHECK_FALSE(switchover.caught_up(replica(99)));
    }
}

TEST_CASE("each stage of a switchover has its patience") {
    ArbiterRules group = rules();
    Switchover switchover = begun();
    CHECK(switchover.fails_at(group) == t0() + 5s);  // five heartbeats
    switchover.yield(t0() + 1s);
    CHECK(switchover.fails_at(group) == t0() + 7s);  // a lease
    switchover.freed();
    CHECK(switchover.fails_at(group) == t0() + 7s);
    group.lease = 600ms;
    CHECK(switchover.fails_at(group) == t0() + 3s);  // but 2 s at least
    switchover.granted();
    CHECK(switchover.fails_at(group) == Instant::max());
}

TEST_CASE("a switchover says for what it waits") {
    Switchover switchover = begun();
    CHECK(switchover.waits_for() == "wiki2 is not close enough");
    switchover.yield(t0());
    CHECK(switchover.waits_for() == "wiki1 has not reported that it stopped");
    switchover.freed();
    CHECK(switchover.waits_for() == "wiki1 has not told its final position");
    switchover.final_position(at(7));
    CHECK(switchover.waits_for() == "wiki2 has not received all of wiki1's commits, up to 0-1-7");
    switchover.granted();
    CHECK(switchover.waits_for() == "wiki2 is not writable yet");
}

TEST_CASE("no more commands than the bound wait for one switchover") {
    Switchover switchover = begun();
    for (std::uint64_t token = 0; token < Switchover::tokens_max; ++token)
        CHECK(switchover.add_token(token));
    CHECK_FALSE(switchover.add_token(99));
    CHECK(switchover.tokens().size() == Switchover::tokens_max);
}

TEST_CASE("who may lead is ready when it follows the holder closely, and else it is said why not") {
    const ArbiterRules group = rules();
    heartbeat::Heartbeat beat = follower();
    const auto why = [&] { return unready(watched(beat), id("wiki1"), group); };
    CHECK(why().empty());
    SUBCASE("another upstream") {
        beat.upstream = id("wiki3");
        CHECK(why() == "does not replicate from wiki1, but from wiki3");
    }
    SUBCASE("no upstream") {
        beat.upstream.reset();
        CHECK(why() == "does not replicate from wiki1");
    }
    SUBCASE("a stopped thread") {
        beat.health.replication = false;
        beat.why = "replication: error 1062";
        CHECK(why() == "replication does not run: replication: error 1062");
    }
    SUBCASE("too much to apply") {
        beat.lag = 1500ms;
        CHECK(why().empty());  // a quarter of the lease
        beat.lag = 2s;
        CHECK(why() == "lag 2.0 s, a switchover needs 1.5 s or less");
    }
    SUBCASE("an unknown lag") {
        beat.lag.reset();
        CHECK(why() == "its lag is not known");
    }
    SUBCASE("nothing is known of it") {
        Watched silent{.rules = group.servers[1]};
        CHECK(unready(silent, id("wiki1"), group) == "not heard yet");
    }
}

TEST_CASE("of those that are ready: fewest points, then priority, then name") {
    CHECK_FALSE(preferred({}));
    CHECK(preferred({{id("b")}, {id("a")}}) == id("a"));
    CHECK(preferred({{id("a"), 0, 1}, {id("b"), 0, 2}}) == id("b"));
    CHECK(preferred({{id("a"), 0, 1, 0}, {id("b"), 0, 1, 5}}) == id("b"));
    CHECK(preferred({{id("a"), 1, 9}, {id("b"), 0, 0}}) == id("b"));
}

TEST_CASE("the arbiter's own switchovers come at a pace that slows down within an hour") {
    ArbiterRules group = rules();
    Pace pace(std::nullopt, {t0(), 0});
    Instant now = t0();
    CHECK(pace.allows(now));
    for (const Duration expected : {60s, 120s, 240s}) {
        pace.began(group, now);
        CHECK(pace.next() == now + expected);
        CHECK_FALSE(pace.allows(now + expected - 1ns));
        now += expected;
    }
    now += 2h;
    pace.began(group, now);
    CHECK(pace.next() == now + 60s);
    SUBCASE("up to the longest block") {
        group.block_max = 90s;
        pace.began(group, now + 60s);
        CHECK(pace.next() == now + 150s);
    }
    SUBCASE("without a block a grant's time lies between") {
        group.block = 0s;
        pace.began(group, now + 2h);
        CHECK(pace.next() == now + 2h + group.lapse());
    }
}
