// A lease while it is held: renewals, its end, and what its holder says of itself.
#include "rules.h"

#include <doctest/doctest.h>

using namespace dnsd;
using namespace dnsd::testing;
using heartbeat::DenyReason;
using heartbeat::FollowOrder;

TEST_CASE("a second server is denied while the first holds the lease, and told whom to follow") {
    Desk desk = led();
    const auto deny = desk.denied("wiki2", replica());
    CHECK(deny.reason == DenyReason::other_holds);
    CHECK(std::holds_alternative<FollowOrder>(deny.order));
    CHECK(deny.master == id("wiki1"));
    CHECK(deny.master_addresses == std::vector{Address::v4({192, 0, 2, 11})});
    CHECK(deny.epoch == Epoch{5});
    CHECK(deny.retry_after == 0s);
}

TEST_CASE("a renewal writes nothing") {
    Desk desk = led();
    desk.pass(1s);
    CHECK(desk.acked("wiki1", master(Epoch{5})) == Epoch{5});
    CHECK_FALSE(has<Remember>(desk.last));
}

TEST_CASE("nothing is granted before E has passed since the last ACK to the holder") {
    Desk desk = master_lost();
    desk.now -= 1ns;  // not yet
    Desk late = led();
    late.pass(6506ms - 1ns);
    CHECK(late.state() == LeaseState::expiring);
    late.hear("wiki2", replica());
    CHECK(prepare_of(late.denied("wiki2", replica())) == Epoch{});
    late.pass(1ns);
    CHECK(late.state() == LeaseState::window);
}

TEST_CASE("E counts from the last ACK, not from the last heartbeat") {
    Desk desk = led();
    desk.pass(5s);
    auto silent = master(Epoch{5});
    silent.wants = heartbeat::Wish::nothing;
    desk.denied("wiki1", silent);
    desk.pass(1506ms);
    CHECK(desk.state() != LeaseState::expiring);
    CHECK(desk.state() != LeaseState::held);
}

TEST_CASE(
    "a holder that is heard while its lease runs out is renewed, also late, until it has ended") {
    Desk desk = led();
    desk.pass(5s);
    CHECK(desk.state() == LeaseState::expiring);
    CHECK(desk.acked("wiki1", master(Epoch{5})) == Epoch{5});
    CHECK(desk.state() == LeaseState::held);
    // Its heartbeat waited in the socket of an arbiter that was stopped: no tick has judged yet.
    desk.now += 1min;
    CHECK(desk.acked("wiki1", master(Epoch{5})) == Epoch{5});
    desk.step(ClockTicked{});
    CHECK(desk.state() == LeaseState::held);
}

TEST_CASE("when the lease runs out, and in the window, agents are told to ask again soon") {
    Desk desk = led();
    desk.pass(5s);
    const auto expiring = desk.denied("wiki2", replica());
    CHECK(expiring.reason == DenyReason::expiring);
    CHECK(expiring.retry_after == 100ms);
    Desk open = master_lost();
    CHECK(open.denied("wiki2", replica()).retry_after == 100ms);
}

TEST_CASE("who asks just before something is due is told to come when it is") {
    Desk runs_out = led();
    runs_out.pass(6500ms);
    CHECK(runs_out.denied("wiki2", replica()).retry_after == 6ms);
    Desk desk = master_lost();
    const Instant opened = desk.now;
    desk.now = opened + 250ms;
    CHECK(desk.denied("wiki2", replica()).retry_after == 50ms);
    desk.now = opened + 299'500us;
    CHECK(desk.denied("wiki2", replica()).retry_after == 1ms);
    desk.now = opened + 300ms;  // the window waits for promises
    CHECK(desk.denied("wiki2", replica()).retry_after == 100ms);
}

TEST_CASE("an unwell holder with a healthy database is renewed") {
    Desk desk = led();
    auto beat = master(Epoch{5});
    beat.health.page = false;
    CHECK(desk.acked("wiki1", beat) == Epoch{5});
    beat.health.database = false;
    CHECK_FALSE(desk.acked("wiki1", beat));
}

TEST_CASE("a longer lease is durable before the ACK that tells it") {
    ArbiterRules longer = rules();
    longer.lease = 12s;
    Desk desk(longer, led_by_wiki1());
    SUBCASE("the ledger works") {
        const auto reply = desk.hear("wiki1", master(Epoch{5}));
        CHECK(std::get<heartbeat::Ack>(reply).lease == 12s);
        CHECK(std::holds_alternative<Remember>(desk.last.front()));
        CHECK(desk.ledger->lease_longest == 12s);
    }
    SUBCASE("it does not: the old one is told") {
        desk.ledger_fails = true;
        desk.hear("wiki1", master(Epoch{5}));
        const auto reply = desk.hear("wiki1", master(Epoch{5}));
        CHECK(std::get<heartbeat::Ack>(reply).lease == 6s);
    }
}

TEST_CASE("a holder that reports fenced for its epoch frees the lease at once") {
    Desk desk = led();
    desk.pass(1s);
    desk.hear("wiki1", fenced(Epoch{5}));
    CHECK(desk.state() == LeaseState::window);
    CHECK(desk.ledger->closed);
    CHECK_FALSE(desk.ledger->lease_may_live);
    CHECK_FALSE(desk.acked("wiki1", master(Epoch{5})));  // never again under this epoch
}

TEST_CASE("fenced for an older epoch frees nothing, nor does the word of another server") {
    Desk desk = led();
    desk.hear("wiki2", fenced(Epoch{5}));
    CHECK(desk.state() == LeaseState::held);
    desk.hear("wiki1", fenced(Epoch{4}));
    CHECK(desk.state() == LeaseState::expiring);  // it is no longer master, but did not say fenced
}

TEST_CASE(
    "a holder that was writable and says that it is not is never renewed, and its lease runs out") {
    Desk desk = led();
    desk.pass(1s);
    CHECK_FALSE(desk.acked("wiki1", replica()));
    CHECK_FALSE(desk.acked("wiki1", master(Epoch{5})));
    CHECK(desk.state() == LeaseState::expiring);
    desk.hear("wiki2", replica());
    desk.pass(5506ms);
    CHECK(desk.ledger->closed);
}

TEST_CASE("a master whose database restarted is not renewed under the same epoch") {
    Desk desk = led();
    auto beat = master(Epoch{5});
    beat.database_start = 8;
    CHECK_FALSE(desk.acked("wiki1", beat));
    CHECK_FALSE(desk.acked("wiki1", master(Epoch{5})));
}

TEST_CASE("a server that claims to be master under an epoch that is not its own raises one alarm") {
    Desk desk = led();
    desk.denied("wiki2", master(Epoch{4}));
    desk.denied("wiki2", master(Epoch{4}));
    CHECK(desk.told(Kind::refused) == 1);
    CHECK(desk.story.back().why ==
          "wiki2 claims to be master under epoch 4; the ledger has epoch 5 of wiki1");
}

TEST_CASE("where clocks may differ by more than an agent knows the lease is told shorter") {
    ArbiterRules group = rules();
    group.rho = 1e-2;
    const auto told = [](Desk& desk) {
        return std::get<heartbeat::Ack>(desk.hear("wiki1", master(Epoch{5})));
    };
    // What an agent makes of it ends by L(1 - rho), and not much before.
    const auto fits = [&](const heartbeat::Ack& ack) {
        const Duration by_the_agent = ack.lease - ack.lease / 1000;
        CHECK(by_the_agent <= 5940ms);
        CHECK(by_the_agent > 5938ms);
        CHECK(ack.lease % 1ms == 0ms);
        CHECK(ack.demotion == 1500ms);
    };
    SUBCASE("from the start") {
        Desk desk = led(group);
        fits(told(desk));
        CHECK(desk.ledger->lease_longest == 6s);
        // E is counted from the lease itself, by the drift of the settings.
        desk.pass(6559ms);
        CHECK(desk.state() == LeaseState::expiring);
        desk.pass(2ms);
        CHECK(desk.state() != LeaseState::expiring);
    }
    SUBCASE("over a reload, and back") {
        Desk desk = led();
        CHECK(told(desk).lease == 6s);
        desk.step(RulesChanged{group});
        fits(told(desk));
        CHECK(desk.ledger->lease_longest == 6s);
        desk.pass(6559ms);
        CHECK(desk.state() == LeaseState::expiring);
        Desk back = led(group);
        group.rho = 1e-3;
        back.step(RulesChanged{group});
        CHECK(told(back).lease == 6s);
    }
    SUBCASE("over a restart") {
        Desk before = led(group);
        SUBCASE("with the same settings") {
            fits(told(before));
        }
        SUBCASE("that allows for more") {
            before = led();
            CHECK(told(before).lease == 6s);
        }
        Desk desk(group, before.ledger);
        desk.pass(6559ms);
        CHECK(desk.state() == LeaseState::quarantine);
        desk.pass(2ms);
        CHECK(desk.state() != LeaseState::quarantine);
    }
    SUBCASE("of a new grant") {
        Desk desk = master_lost(group);
        desk.pass(100ms);
        for (const char* name : {"wiki2", "wiki3"}) desk.hear(name, promised(Epoch{6}));
        desk.pass(300ms);
        const auto reply = desk.hear("wiki2", promised(Epoch{6}));
        REQUIRE(std::holds_alternative<heartbeat::Ack>(reply));
        fits(std::get<heartbeat::Ack>(reply));
        CHECK(desk.ledger->lease_longest == 6s);
    }
    SUBCASE("less than an agent knows changes nothing") {
        group.rho = 2e-4;
        Desk desk = led(group);
        CHECK(told(desk).lease == 6s);
    }
}
