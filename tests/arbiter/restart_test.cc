// An arbiter that comes back with its ledger: what it keeps, and what it waits for.
#include "rules.h"

#include <doctest/doctest.h>

using namespace dnsd;
using namespace dnsd::testing;
using heartbeat::DenyReason;
using heartbeat::WaitOrder;

// Seed 114946 of tests/sim, as it was then.
TEST_CASE("after a restart the recorded holder is renewed at once, all others wait for E") {
    Desk desk(rules(), led_by_wiki1());
    CHECK(desk.state() == LeaseState::quarantine);
    CHECK(desk.arbiter.standing().master->id == id("wiki1"));
    const auto deny = desk.denied("wiki2", replica());
    CHECK(deny.reason == DenyReason::quarantine);
    CHECK(std::holds_alternative<WaitOrder>(deny.order));
    SUBCASE("it renews") {
        CHECK(desk.acked("wiki1", master(Epoch{5})) == Epoch{5});
        CHECK(desk.state() == LeaseState::held);
    }
    SUBCASE("nobody new is promoted, not even the holder") {
        CHECK_FALSE(desk.acked("wiki1", replica()));
    }
    SUBCASE("it reports fenced: whoever is not heard may lead by a state that was lost") {
        desk.hear("wiki1", fenced(Epoch{5}));
        CHECK(desk.state() == LeaseState::quarantine);
        desk.hear("wiki3", replica());
        desk.hear("wiki1", fenced(Epoch{5}));
        CHECK(desk.state() == LeaseState::window);
    }
    SUBCASE("nobody renews") {
        desk.pass(6s);
        desk.hear("wiki2", replica());
        CHECK(desk.state() == LeaseState::quarantine);
        desk.pass(506ms);
        CHECK(desk.state() == LeaseState::window);
    }
}

TEST_CASE("a later state that is heard of while the ledger fails is risen above when it works") {
    // Seed 86100958 of tests/sim, as it was then: epoch 2 was given to two. When the ledger worked
    // again the server had been told a revision that was higher than what it had said.
    Record record = led_by_wiki1();
    record.revision = 10;
    Desk desk(rules(), record);
    for (int i = 0; i < 3; ++i) {  // this run writes, too
        desk.step(OperatorAsked{1, DrainCommand{id("wiki2"), std::nullopt}, "anna", "", false, 0});
        desk.step(OperatorAsked{2, UndrainCommand{id("wiki2")}, "anna", "", false, 0});
    }
    REQUIRE(desk.ledger->revision > 12);
    desk.ledger_fails = true;
    desk.step(OperatorAsked{3, DrainCommand{id("wiki2"), std::nullopt}, "anna", "", false, 0});
    heartbeat::Heartbeat later = replica();
    later.revision = 12;
    desk.hear("wiki3", later);
    later.revision = desk.ledger->revision;  // as it was told
    desk.hear("wiki3", later);
    CHECK_FALSE(desk.ledger->semi_sync_unknown);
    desk.ledger_fails = false;
    desk.pass(4s);
    desk.hear("wiki3", later);
    CHECK(desk.ledger->semi_sync_unknown);
    CHECK(desk.ledger->closed);
}

TEST_CASE("the holder of an older copy is not promoted while the ledger can not be written") {
    // Seed 5003771 of tests/sim, as it was then: wiki1, read-only, without its record, became
    // writable under epoch 1 while wiki3 led under epoch 3.
    Record record = led_by_wiki1();
    record.epoch = Epoch{1};
    record.lease_may_live = true;
    heartbeat::Heartbeat asks = replica();
    asks.role = heartbeat::Role::fenced;
    SUBCASE("one that was found writable, and is read-only") {
        record.lease_longest = Record::unbounded;
        Desk desk(rules(), record);
        desk.ledger_fails = true;
        desk.step(OperatorAsked{1, DrainCommand{id("wiki2"), std::nullopt}, "anna", "", false, 0});
        CHECK_FALSE(desk.acked("wiki1", asks));
        asks.read_only = false;
        asks.role = heartbeat::Role::unknown;
        CHECK(desk.acked("wiki1", asks) == Epoch{1});
    }
    SUBCASE("one that would be renewed, as a later epoch waits to be written") {
        Desk desk(rules(), record);
        desk.ledger_fails = true;
        desk.step(OperatorAsked{1, DrainCommand{id("wiki2"), std::nullopt}, "anna", "", false, 0});
        CHECK(desk.acked("wiki1", master(Epoch{1})) == Epoch{1});
        desk.hear("wiki3", master(Epoch{3}));
        CHECK_FALSE(desk.acked("wiki1", master(Epoch{1})));
        desk.ledger_fails = false;
        desk.pass(4s);
        desk.hear("wiki3", master(Epoch{3}));
        CHECK(desk.ledger->epoch == Epoch{3});
    }
}

TEST_CASE("what one knew that was dropped before the ledger could be written is not forgotten") {
    // Seed 300309939 of tests/sim, as it was then: epoch 3 was given to two.
    Record record = led_by_wiki1();
    Desk desk(rules(), record);
    desk.ledger_fails = true;
    desk.step(OperatorAsked{1, DrainCommand{id("wiki2"), std::nullopt}, "anna", "", false, 0});
    heartbeat::Heartbeat later = fenced(Epoch{6});
    later.seen = Epoch{6};
    desk.hear("wiki3", later);
    desk.step(RulesChanged{rules(2)});
    desk.pass(4s);
    desk.ledger_fails = false;
    desk.pass(4s);
    desk.hear("wiki2", replica());
    CHECK(desk.ledger->epoch == Epoch{6});
    CHECK(desk.ledger->closed);
    CHECK_FALSE(desk.ledger->holder);
}

TEST_CASE("a closed epoch is not renewed after a restart, and its lease is waited out") {
    Record record = led_by_wiki1();
    record.closed = true;
    Desk desk(rules(), record);
    CHECK(desk.denied("wiki1", master(Epoch{5})).reason == DenyReason::closed_epoch);
    CHECK(desk.state() == LeaseState::quarantine);
}

TEST_CASE(
    "that no lease lives is believed when all were heard after a start, or a lease has passed") {
    // It may be an older copy: wiki3 may hold epoch 6 by now, and nobody who was heard know of it.
    Record record = led_by_wiki1();
    record.closed = true;
    record.lease_may_live = false;
    Desk desk(rules(), record);
    CHECK(prepare_of(desk.denied("wiki2", replica())) == Epoch{});
    CHECK(prepare_of(desk.denied("wiki1", replica())) == Epoch{});
    CHECK(desk.arbiter.status(desk.now).waiting_for ==
          "wiki3 to report after the arbiter's start, or another 6.5 s");
    SUBCASE("all were heard") {
        CHECK(prepare_of(desk.denied("wiki3", replica())) == Epoch{6});
    }
    SUBCASE("the one that was not can hold no lease any more") {
        desk.pass(6s);
        CHECK(prepare_of(desk.denied("wiki2", replica())) == Epoch{});
        desk.pass(506ms);  // E
        CHECK(prepare_of(desk.denied("wiki2", replica())) == Epoch{6});
    }
    SUBCASE("the last one knows of it") {
        desk.hear("wiki3", master(Epoch{6}));
        CHECK(desk.state() == LeaseState::quarantine);
        desk.pass(6506ms);
        CHECK(prepare_of(desk.denied("wiki2", replica())) == Epoch{});
    }
}

TEST_CASE("the quarantine is as long as the longest lease that was told") {
    Record record = led_by_wiki1();
    record.lease_longest = 60s;
    Desk desk(rules(), record);
    desk.pass(60s);
    desk.hear("wiki2", replica());
    CHECK(desk.state() == LeaseState::quarantine);
}

TEST_CASE("a holder that the configuration dropped keeps its claim until E") {
    ArbiterRules fewer = rules();
    fewer.servers.erase(fewer.servers.begin());
    Desk desk(fewer, led_by_wiki1());
    desk.hear("wiki1", master(Epoch{5}));
    CHECK_FALSE(has<SendReply>(desk.last));
    desk.pass(6s);
    desk.hear("wiki2", replica());
    CHECK(desk.state() == LeaseState::quarantine);
    desk.pass(506ms);
    CHECK(desk.state() == LeaseState::window);
}

TEST_CASE("the master record outlives its server's place in the configuration, and a restart") {
    Desk desk(rules(3), led_by_wiki1());
    const std::optional<Member> master = desk.arbiter.standing().master;
    REQUIRE(master);
    ArbiterRules others = rules(3);
    others.servers.erase(others.servers.begin());
    desk.pass(1s);
    desk.step(RulesChanged{others});
    CHECK(desk.arbiter.standing().master->addresses == master->addresses);
    Desk restarted(others, desk.ledger);
    REQUIRE(restarted.arbiter.standing().master);
    CHECK(restarted.arbiter.standing().master->id == id("wiki1"));
    CHECK(restarted.arbiter.standing().master->addresses == master->addresses);
    CHECK(restarted.arbiter.standing().epoch == Epoch{5});
}
