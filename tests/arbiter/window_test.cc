// From the end of a lease to the next master: who is waited for, who is granted, what is published.
#include "rules.h"

#include <doctest/doctest.h>

using namespace dnsd;
using namespace dnsd::testing;
using heartbeat::DenyReason;
using heartbeat::FollowOrder;
using heartbeat::WaitOrder;

namespace {

// wiki1 is lost, the two others have promised epoch 6, and the window's time is over.
Desk all_promised() {
    Desk desk = master_lost();
    desk.hear("wiki2", promised(Epoch{6}));
    desk.hear("wiki3", promised(Epoch{6}));
    desk.pass(300ms);
    return desk;
}

}  // namespace

TEST_CASE(
    "the window opens when the lease has ended, and closed is durable before prepare leaves") {
    Desk desk = master_lost();
    CHECK(desk.ledger->closed);
    const auto deny = desk.denied("wiki2", replica());
    CHECK(deny.reason == DenyReason::electing);
    CHECK(prepare_of(deny) == Epoch{6});
}

TEST_CASE("an arbiter that could not write closed tells nobody to prepare") {
    Desk desk = led();
    desk.pass(5s);
    desk.hear("wiki2", replica());
    desk.ledger_fails = true;
    desk.pass(2s);
    CHECK(desk.told(Kind::ledger_failed) > 0);
    const auto deny = desk.denied("wiki2", replica());
    CHECK(prepare_of(deny) == Epoch{});
    CHECK_FALSE(desk.ledger->closed);
    // wiki1 was not closed: it may come back.
    CHECK(desk.acked("wiki1", master(Epoch{5})) == Epoch{5});
}

TEST_CASE("the window stays open for W, though all have promised, with both policies") {
    for (const Choose choose : {Choose::most_advanced, Choose::first_request}) {
        ArbiterRules group = rules();
        group.choose = choose;
        Desk desk = master_lost(group);
        CHECK_FALSE(desk.acked("wiki2", promised(Epoch{6})));
        CHECK_FALSE(desk.acked("wiki3", promised(Epoch{6})));
        desk.pass(299ms);
        CHECK_FALSE(desk.acked("wiki2", promised(Epoch{6})));
        desk.pass(1ms);
        CHECK(desk.acked("wiki2", promised(Epoch{6})) == Epoch{6});
    }
}

TEST_CASE("epoch and holder are durable before the ACK that tells them") {
    Desk desk = all_promised();
    desk.hear("wiki2", promised(Epoch{6}));
    REQUIRE(desk.last.size() >= 2);
    REQUIRE(std::holds_alternative<Remember>(desk.last[0]));
    REQUIRE(std::holds_alternative<SendReply>(desk.last[1]));
    CHECK(desk.ledger->epoch == Epoch{6});
    CHECK(desk.ledger->holder == id("wiki2"));
    CHECK(desk.ledger->lease_may_live);
    CHECK_FALSE(desk.ledger->closed);
    CHECK(desk.ledger->lease_longest == 6s);
}

TEST_CASE("when the ledger fails, nobody is granted, and the next try is after a while") {
    Desk desk = all_promised();
    desk.ledger_fails = true;
    CHECK_FALSE(desk.acked("wiki2", promised(Epoch{6})));
    CHECK(desk.denied("wiki2", promised(Epoch{6})).reason == DenyReason::no_state);
    desk.ledger_fails = false;
    desk.pass(3s);
    CHECK(desk.acked("wiki3", promised(Epoch{6})) == Epoch{6});
}

TEST_CASE("a slower candidate that received more is waited for, but no longer than a lease") {
    Desk desk = master_lost();
    desk.hear("wiki2", promised(Epoch{6}, 100));
    desk.pass(1s);
    desk.hear("wiki3", replica(200));  // there, but it has not promised yet
    CHECK_FALSE(desk.acked("wiki2", promised(Epoch{6}, 100)));
    SUBCASE("it promises") {
        desk.hear("wiki3", promised(Epoch{6}, 200));
        CHECK_FALSE(desk.acked("wiki2", promised(Epoch{6}, 100)));
        CHECK(desk.acked("wiki3", promised(Epoch{6}, 200)) == Epoch{6});
    }
    SUBCASE("it never does") {
        for (int i = 0; i < 5; ++i) {
            desk.pass(1s);
            desk.hear("wiki3", replica(200));
        }
        CHECK(desk.acked("wiki2", promised(Epoch{6}, 100)) == Epoch{6});
    }
}

TEST_CASE("a server that gave its lease back and left is not waited for") {
    Desk desk = led();
    auto goodbye = fenced(Epoch{5});
    goodbye.wants = heartbeat::Wish::release;
    desk.hear("wiki1", goodbye);
    desk.hear("wiki2", promised(Epoch{6}));
    desk.hear("wiki3", promised(Epoch{6}));
    REQUIRE(desk.state() == LeaseState::window);
    desk.pass(300ms);
    SUBCASE("it stays away") {
        CHECK(desk.acked("wiki2", promised(Epoch{6})) == Epoch{6});
    }
    SUBCASE("it is back") {
        desk.hear("wiki1", fenced(Epoch{5}));
        CHECK_FALSE(desk.acked("wiki2", promised(Epoch{6})));
    }
}

TEST_CASE("first-request: the first that asked in the window wins among equals") {
    ArbiterRules group = rules();
    group.choose = Choose::first_request;
    Desk desk = master_lost(group);
    desk.hear("wiki3", promised(Epoch{6}));
    desk.hear("wiki2", promised(Epoch{6}));
    desk.pass(300ms);
    CHECK_FALSE(desk.acked("wiki2", promised(Epoch{6})));
    CHECK(desk.acked("wiki3", promised(Epoch{6})) == Epoch{6});
}

TEST_CASE("candidates of which each lacks what the other has: no grant, one alarm") {
    Desk desk = master_lost();
    auto other = promised(Epoch{6});
    other.received = at(100, 3);
    desk.hear("wiki2", promised(Epoch{6}));
    desk.hear("wiki3", other);
    desk.pass(300ms);
    CHECK_FALSE(desk.acked("wiki2", promised(Epoch{6})));
    CHECK_FALSE(desk.acked("wiki3", other));
    CHECK(desk.told(Kind::refused) == 1);
}

TEST_CASE("who is not fit is not elected, and the status says why") {
    ArbiterRules group = rules();
    auto beat = promised(Epoch{6});
    std::string why;
    SUBCASE("the configuration forbids it") {
        group.servers[1].may_lead = false;
        why = "may not lead (configured)";
    }
    SUBCASE("its agent forbids it") {
        beat.may_not_lead = true;
        why = "may not lead (its agent says so)";
    }
    SUBCASE("unwell") {
        beat.health.web = false;
        beat.why = "page: no answer";
        why = "page: no answer";
    }
    SUBCASE("too far behind") {
        beat.lag = 31s;
        why = "lag 31 s, max_lag is 30 s";
    }
    SUBCASE("somebody wrote to it") {
        beat.errant = heartbeat::Errant::wrote;
        why = "somebody wrote to it by hand: it has transactions that no master gave it";
    }
    SUBCASE("its position does not fit into a datagram") {
        beat.received.reset();
        why = "its position is not known";
    }
    SUBCASE("it does not ask") {
        beat.wants = heartbeat::Wish::nothing;
        why = "does not ask";
    }
    SUBCASE("it is on its way out") {
        beat.drain = true;
        why = "draining";
    }
    Desk desk = master_lost(group);
    desk.hear("wiki2", beat);
    desk.hear("wiki3", promised(Epoch{6}, 1));
    desk.pass(300ms);
    CHECK_FALSE(desk.acked("wiki2", beat));
    CHECK(desk.arbiter.status(desk.now).servers[1].why == why);
    CHECK_FALSE(desk.arbiter.status(desk.now).servers[1].may_lead);
    CHECK(desk.acked("wiki3", promised(Epoch{6}, 1)) == Epoch{6});
}

TEST_CASE("when every server that may lead is errant, a person is asked whose data counts") {
    Desk desk = master_lost();
    const auto alarms = [&] { return desk.arbiter.status(desk.now).alarms; };
    auto beat = promised(Epoch{6}, 200);
    beat.errant = heartbeat::Errant::wrote;
    desk.hear("wiki2", beat);
    desk.hear("wiki3", beat);
    CHECK(alarms().empty());  // wiki1 may come back
    auto back = fenced(Epoch{5}, 300);
    back.errant = heartbeat::Errant::wrote;
    desk.hear("wiki1", back);
    desk.hear("wiki2", beat);
    const std::string wrote =
        ": somebody wrote to it by hand: it has transactions that no master gave it";
    REQUIRE(alarms() == std::vector<std::string>{
                            "every server that may lead is errant, and one must be adopted: wiki1" +
                            wrote + "; wiki2" + wrote + "; wiki3" + wrote});
    CHECK(desk.told(Kind::refused) == 1);
}

TEST_CASE("the old master that comes back in the window competes like any other") {
    Desk desk = master_lost();
    auto back = fenced(Epoch{5}, 300);
    CHECK(prepare_of(desk.denied("wiki1", back)) == Epoch{6});
    back.promised = Epoch{6};
    desk.hear("wiki1", back);
    desk.hear("wiki2", promised(Epoch{6}, 200));
    desk.hear("wiki3", promised(Epoch{6}, 200));
    desk.pass(300ms);
    CHECK_FALSE(desk.acked("wiki2", promised(Epoch{6}, 200)));
    CHECK(desk.acked("wiki1", back) == Epoch{6});
}

TEST_CASE("until the one that was granted is writable the others ask soon whom to follow") {
    Desk desk = all_promised();
    REQUIRE(desk.acked("wiki2", promised(Epoch{6})) == Epoch{6});
    const auto waits = desk.denied("wiki3", promised(Epoch{6}));
    CHECK(std::holds_alternative<WaitOrder>(waits.order));
    CHECK(waits.retry_after == 100ms);
    CHECK(desk.acked("wiki2", master(Epoch{6})) == Epoch{6});
    const auto follows = desk.denied("wiki3", promised(Epoch{6}));
    CHECK(std::holds_alternative<FollowOrder>(follows.order));
    CHECK(follows.retry_after == 0s);
}

TEST_CASE("master is published with the first heartbeat that says so under the held epoch") {
    Desk desk = all_promised();
    desk.hear("wiki2", promised(Epoch{6}));
    CHECK(desk.arbiter.standing().master->id == id("wiki1"));  // the last value stands
    // Not writable yet: nobody is told to follow it.
    CHECK(std::holds_alternative<WaitOrder>(desk.denied("wiki3", promised(Epoch{6})).order));
    desk.hear("wiki2", master(Epoch{6}));
    REQUIRE(desk.arbiter.standing().master);
    CHECK(desk.arbiter.standing().master->id == id("wiki2"));
    CHECK(desk.arbiter.standing().epoch == Epoch{6});
    CHECK(std::holds_alternative<Remember>(desk.last[0]));  // durable first
    CHECK(has<Announce>(desk.last));
    CHECK(std::holds_alternative<FollowOrder>(desk.denied("wiki3", promised(Epoch{6})).order));
}

TEST_CASE("a grant under which nobody becomes writable lapses") {
    Desk desk = all_promised();
    desk.hear("wiki2", promised(Epoch{6}));
    for (int i = 0; i < 11; ++i) {
        desk.pass(1s);
        CHECK(desk.acked("wiki2", promised(Epoch{6})) == Epoch{6});
    }
    desk.pass(1s);  // max(2L, 10 s)
    CHECK_FALSE(desk.acked("wiki2", promised(Epoch{6})));
    CHECK(desk.told(Kind::grant_lapsed) == 1);
}
