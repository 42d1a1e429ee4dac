// A group that nobody has led yet, or of which a server is found writable.
#include "operators.h"
#include "rules.h"

#include <doctest/doctest.h>

using namespace dnsd;
using namespace dnsd::testing;
using heartbeat::DenyReason;

TEST_CASE("the first election waits until all that may lead have reported") {
    Desk desk;
    CHECK(desk.denied("wiki1", replica()).reason == DenyReason::awaiting_first);
    auto down = replica();
    down.health.database = false;  // nothing is known of its data
    down.applied.reset();
    desk.hear("wiki2", down);
    desk.hear("wiki3", replica());
    desk.pass(1s);
    CHECK(desk.state() == LeaseState::free);
    CHECK(desk.arbiter.status(desk.now).waiting_for == "the first report of wiki2");
    desk.hear("wiki2", replica());
    CHECK(desk.state() == LeaseState::window);
    CHECK(prepare_of(desk.denied("wiki2", replica())) == Epoch{1});
}

TEST_CASE(
    "the first election also waits for a server that is configured while its window is open") {
    Desk desk(rules(2));
    desk.hear("wiki1", replica());
    desk.hear("wiki2", replica());
    REQUIRE(desk.state() == LeaseState::window);
    desk.step(RulesChanged{rules(3)});
    desk.hear("wiki1", promised(Epoch{1}));
    desk.hear("wiki2", promised(Epoch{1}));
    desk.pass(1s);
    CHECK_FALSE(desk.acked("wiki1", promised(Epoch{1})));
    auto writable = replica(500);
    writable.role = heartbeat::Role::unknown;
    writable.read_only = false;
    CHECK(desk.acked("wiki3", writable) == Epoch{1});
}

TEST_CASE(
    "who lacks what another reported is not elected first, though that one may not lead now") {
    // Found by simulation: of two that could not be compared one was unfit for a moment.
    Desk desk(rules(2));
    desk.hear("wiki1", replica(100));
    desk.hear("wiki2", replica(200));
    REQUIRE(desk.state() == LeaseState::window);
    auto unwell = promised(Epoch{1}, 200);
    unwell.health.page = false;
    desk.hear("wiki2", unwell);
    desk.pass(1s);
    desk.hear("wiki2", unwell);
    CHECK_FALSE(desk.acked("wiki1", promised(Epoch{1}, 100)));
    CHECK(desk.told(Kind::refused) == 1);
    desk.hear("wiki2", promised(Epoch{1}, 200));
    CHECK(desk.acked("wiki2", promised(Epoch{1}, 200)) == Epoch{1});
}

TEST_CASE("a server that may not lead is not waited for by the first election") {
    ArbiterRules group = rules(2);
    group.servers[1].may_lead = false;
    Desk desk(group);
    desk.hear("wiki1", replica());
    CHECK(desk.state() == LeaseState::window);
}

TEST_CASE("the one that is found writable with data gets the first lease, without a window") {
    Desk desk;
    auto writable = replica(500);
    writable.role = heartbeat::Role::unknown;
    writable.read_only = false;
    desk.hear("wiki1", replica(900));
    desk.hear("wiki2", writable);
    CHECK_FALSE(desk.acked("wiki2", writable));  // wiki3 may have the wiki
    CHECK_FALSE(desk.acked("wiki3", replica(0)));
    CHECK(desk.acked("wiki2", writable) == Epoch{1});
    SUBCASE("no time ends its lease before it says that it took it: it knows no deadline") {
        for (int i = 0; i < 100; ++i) {
            desk.pass(1s);
            desk.hear("wiki1", replica(900));
            desk.hear("wiki3", replica(900));
        }
        CHECK(desk.state() == LeaseState::expiring);
        Desk restarted(rules(), desk.ledger);
        restarted.pass(1h);
        CHECK(restarted.state() == LeaseState::quarantine);
        CHECK(restarted.acked("wiki2", writable) == Epoch{1});
    }
    SUBCASE("however many ACKs are lost, it gets the next: nothing else gives its lease an end") {
        for (int i = 0; i < 30; ++i) {
            desk.pass(1s);
            CHECK(desk.acked("wiki2", writable) == Epoch{1});
        }
        // On its way to be master: for that it has the time of one that was just granted.
        writable.held = Epoch{1};
        CHECK(desk.acked("wiki2", writable) == Epoch{1});
        CHECK(desk.ledger->lease_longest == 6s);
        desk.pass(1s);
        CHECK(desk.acked("wiki2", writable) == Epoch{1});
    }
    SUBCASE("when its lease has ended by a person's word, what others know counts again") {
        // Seed 101259 of tests/sim, as it was then: an older copy of the ledger gave epoch 2 twice.
        ArbiterRules group = rules();
        group.confirm_dead = true;
        Desk restarted(group, desk.ledger);
        restarted.pass(3s);
        restarted.hear("wiki1", replica(900));
        restarted.hear("wiki3", replica(900));
        restarted.step(OperatorAsked{1, ConfirmDeadCommand{id("wiki2")}, "root", "", false, 0});
        auto later = replica(900);
        later.seen = Epoch{2};
        restarted.hear("wiki1", later);
        CHECK(restarted.ledger->epoch == Epoch{2});
    }
    SUBCASE("when it has ended by its own word, what others knew meanwhile counts") {
        // Seed 4032837 of tests/sim, as it was then: who knew of epoch 2 had just fallen silent.
        Desk restarted(rules(), desk.ledger);
        auto later = replica(900);
        later.seen = Epoch{2};
        restarted.hear("wiki1", later);
        restarted.hear("wiki3", replica(900));
        CHECK(restarted.ledger->epoch == Epoch{1});
        restarted.hear("wiki2", fenced(Epoch{1}));
        CHECK(restarted.ledger->epoch == Epoch{2});
    }
    SUBCASE("it takes it: from then on it ends like any other") {
        desk.hear("wiki2", master(Epoch{1}));
        CHECK(desk.ledger->lease_longest == 6s);
        desk.pass(6s);
        desk.hear("wiki1", replica());
        desk.pass(506ms);
        CHECK(desk.state() == LeaseState::window);
    }
    SUBCASE("it takes it after a reload: the longest that it was told counts") {
        // Seed 1020624 of tests/sim, as it was then.
        ArbiterRules shorter = rules();
        shorter.lease = 3s;
        desk.step(RulesChanged{shorter});
        desk.hear("wiki2", master(Epoch{1}));
        CHECK(desk.ledger->lease_longest == 6s);
    }
    SUBCASE("it comes back read-only: it is not writable outside of a lease any more") {
        desk.hear("wiki2", replica(500));
        CHECK(desk.ledger->lease_longest == 6s);
    }
}

// Seed 2000180945 of tests/sim: all waited for it, and nobody was told.
TEST_CASE("one that is found writable and may not lead: an alarm that says what would help") {
    Desk desk(rules(2));
    auto writable = replica(500);
    writable.read_only = false;
    desk.hear("wiki2", replica(500));
    const std::string by_hand =
        "may not lead: somebody wrote to it by hand: it has transactions that no master gave it; "
        "it can be adopted when the loss is allowed";
    std::size_t alarms = 1;
    SUBCASE("somebody wrote to it by hand") {
        writable.errant = heartbeat::Errant::wrote;
        CHECK_FALSE(desk.acked("wiki1", writable));
        CHECK(desk.story.back().why == "wiki1 is found writable, and " + by_hand +
                                           "; another may lead when it is read-only");
        // Who does as it says is granted, and no alarm comes after it.
        CHECK(ask(desk, AdoptCommand{id("wiki1")}).text == "wiki1 " + by_hand);
        CHECK(ask(desk, AdoptCommand{id("wiki1"), true}).kind == Answer::Kind::going_on);
        CHECK(desk.acked("wiki1", writable) == Epoch{1});
        CHECK(desk.told(Kind::refused) == 1);
        alarms = 0;
    }
    SUBCASE("its agent says so") {
        writable.may_not_lead = true;
        CHECK_FALSE(desk.acked("wiki1", writable));
        CHECK(
            desk.story.back().why ==
            "wiki1 is found writable, and may not lead (its agent says so); another may lead when "
            "it is read-only");
        // Once.
        CHECK_FALSE(desk.acked("wiki1", writable));
        CHECK(desk.told(Kind::refused) == 1);
    }
    SUBCASE("what is over when its page is well again is no alarm") {
        writable.health.page = false;
        CHECK_FALSE(desk.acked("wiki1", writable));
        CHECK(desk.told(Kind::refused) == 0);
        alarms = 0;
    }
    CHECK(desk.arbiter.status(desk.now).alarms.size() == alarms);
}

TEST_CASE("one that was found writable and falls silent: all wait, and an alarm says for whom") {
    Desk desk(rules(2));
    auto writable = replica(500);
    writable.read_only = false;
    CHECK_FALSE(desk.acked("wiki1", writable));
    const auto replica_asks = [&] {
        desk.pass(1s);
        CHECK(desk.denied("wiki2", replica(500)).reason == DenyReason::awaiting_first);
    };
    for (int i = 0; i < 2; ++i) replica_asks();
    CHECK(desk.told(Kind::refused) == 0);
    for (int i = 0; i < 2; ++i) replica_asks();
    const std::string alarm =
        "wiki1 was found writable and is silent, and may be written to still; start it, or, when "
        "it is gone for good, restart the arbiter and adopt another";
    CHECK(desk.told(Kind::refused) == 1);
    CHECK(desk.arbiter.status(desk.now).alarms == std::vector{alarm});
    CHECK(desk.arbiter.status(desk.now).waiting_for == alarm);
    SUBCASE("it comes back and leads") {
        CHECK(desk.acked("wiki1", writable) == Epoch{1});
    }
    SUBCASE("it comes back unwell: it is silent no more") {
        writable.health.page = false;
        CHECK_FALSE(desk.acked("wiki1", writable));
    }
    SUBCASE("it comes back read-only: there is an election") {
        desk.hear("wiki1", replica(500));
        CHECK(desk.state() == LeaseState::window);
    }
    CHECK(desk.arbiter.status(desk.now).alarms.empty());
}

TEST_CASE("two that are found writable: no grant, and an alarm that names them") {
    Desk desk(rules(2));
    auto writable = replica(500);
    writable.read_only = false;
    desk.hear("wiki1", writable);
    CHECK_FALSE(desk.acked("wiki2", writable));
    CHECK_FALSE(desk.acked("wiki1", writable));
    CHECK(desk.told(Kind::refused) == 1);
    CHECK(desk.story.back().why ==
          "found writable: wiki1, wiki2; one of them must be made read-only");
    // The operator does.
    CHECK_FALSE(desk.acked("wiki2", replica(500)));
    CHECK(desk.acked("wiki1", writable) == Epoch{1});
}
