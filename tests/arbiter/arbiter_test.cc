#include "rules.h"

#include <doctest/doctest.h>

using namespace dnsd;
using namespace dnsd::testing;
using heartbeat::DenyReason;
using heartbeat::FollowOrder;
using heartbeat::PrepareOrder;
using heartbeat::WaitOrder;

namespace {

template <typename T>
bool has(const std::vector<Effect>& effects) {
    return std::any_of(effects.begin(), effects.end(),
                       [](const Effect& effect) { return std::holds_alternative<T>(effect); });
}

Epoch prepare_of(const heartbeat::Deny& deny) {
    const auto* order = std::get_if<PrepareOrder>(&deny.order);
    return order ? order->epoch : Epoch{};
}

// wiki1 leads in epoch 5 and falls silent; its lease has just ended.
Desk master_lost(ArbiterRules group = rules()) {
    Desk desk = led(std::move(group));
    for (int i = 0; i < 6; ++i) {
        desk.pass(1s);
        desk.hear("wiki2", replica());
        desk.hear("wiki3", replica());
    }
    desk.pass(506ms);  // E = 6 s * 1.001 + 0.5 s
    return desk;
}

}  // namespace

// ---- Renewal and expiry
// ----------------------------------------------------------------------------

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

// ---- The holder's own word
// -------------------------------------------------------------------------

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

// ---- Election
// --------------------------------------------------------------------------------------

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
    const auto deny = desk.denied("wiki2", promised(Epoch{6}));
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
    Desk desk = master_lost();
    desk.hear("wiki2", promised(Epoch{6}));
    desk.hear("wiki3", promised(Epoch{6}));
    desk.pass(300ms);
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
    Desk desk = master_lost();
    desk.hear("wiki2", promised(Epoch{6}));
    desk.hear("wiki3", promised(Epoch{6}));
    desk.pass(300ms);
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
        why = "lag 31.0 s, max_lag is 30.0 s";
    }
    SUBCASE("it has what its master lacks") {
        beat.errant = true;
        why = "has transactions that its master lacks";
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

TEST_CASE("master is published with the first heartbeat that says so under the held epoch") {
    Desk desk = master_lost();
    desk.hear("wiki2", promised(Epoch{6}));
    desk.hear("wiki3", promised(Epoch{6}));
    desk.pass(300ms);
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
    Desk desk = master_lost();
    desk.hear("wiki2", promised(Epoch{6}));
    desk.hear("wiki3", promised(Epoch{6}));
    desk.pass(300ms);
    desk.hear("wiki2", promised(Epoch{6}));
    for (int i = 0; i < 11; ++i) {
        desk.pass(1s);
        CHECK(desk.acked("wiki2", promised(Epoch{6})) == Epoch{6});
    }
    desk.pass(1s);  // max(2L, 10 s)
    CHECK_FALSE(desk.acked("wiki2", promised(Epoch{6})));
    CHECK(desk.told(Kind::grant_lapsed) == 1);
}

// ---- Start
// -----------------------------------------------------------------------------------------

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
    SUBCASE("nobody renews") {
        desk.pass(6s);
        desk.hear("wiki2", promised(Epoch{6}));
        CHECK(desk.state() == LeaseState::quarantine);
        desk.pass(506ms);
        CHECK(desk.state() == LeaseState::window);
    }
}

TEST_CASE("a closed epoch is not renewed after a restart, and its lease is waited out") {
    Record record = led_by_wiki1();
    record.closed = true;
    Desk desk(rules(), record);
    CHECK(desk.denied("wiki1", master(Epoch{5})).reason == DenyReason::closed_epoch);
    CHECK(desk.state() == LeaseState::quarantine);
}

TEST_CASE("a lease that had surely ended needs no quarantine") {
    Record record = led_by_wiki1();
    record.closed = true;
    record.lease_may_live = false;
    Desk desk(rules(), record);
    CHECK(desk.state() == LeaseState::free);
    CHECK(prepare_of(desk.denied("wiki2", replica())) == Epoch{6});
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
    desk.hear("wiki2", promised(Epoch{6}));
    CHECK(desk.state() == LeaseState::quarantine);
    desk.pass(506ms);
    CHECK(desk.state() == LeaseState::window);
}

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
    SUBCASE("it takes it: from then on it ends like any other") {
        desk.hear("wiki2", master(Epoch{1}));
        CHECK(desk.ledger->lease_longest == 6s);
        desk.pass(6s);
        desk.hear("wiki1", replica());
        desk.pass(506ms);
        CHECK(desk.state() == LeaseState::window);
    }
    SUBCASE("it comes back read-only: it is not writable outside of a lease any more") {
        desk.hear("wiki2", replica(500));
        CHECK(desk.ledger->lease_longest == 6s);
    }
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

TEST_CASE("a group without databases never elects, and has a pool all the same") {
    Desk desk(rules(2));
    heartbeat::Heartbeat page_only;
    page_only.health = {true, true, true, true, false};
    page_only.may_not_lead = true;
    for (int i = 0; i < 20; ++i) {
        desk.hear("wiki1", page_only);
        desk.hear("wiki2", page_only);
        desk.pass(1s);
    }
    CHECK(desk.state() == LeaseState::free);
    CHECK(desk.pool() == "wiki1 wiki2");
    CHECK_FALSE(desk.arbiter.standing().master);
}

TEST_CASE(
    "a server that knows a higher epoch than the ledger makes it rise, after the longest lease") {
    Desk desk = led();
    auto beat = replica();
    beat.seen = Epoch{9};
    CHECK_FALSE(desk.acked("wiki2", beat));
    CHECK(desk.ledger->epoch == Epoch{9});
    CHECK(desk.ledger->closed);
    CHECK(desk.state() == LeaseState::quarantine);
    CHECK_FALSE(desk.acked("wiki1", master(Epoch{5})));
    desk.pass(65s);  // 60 s * 1.001 + 5 s, from the start
    desk.hear("wiki1", fenced(Epoch{5}));
    desk.hear("wiki2", beat);
    CHECK(desk.state() == LeaseState::quarantine);
    desk.pass(60ms);
    desk.hear("wiki3", replica());
    CHECK(desk.state() == LeaseState::window);
    CHECK(prepare_of(desk.denied("wiki3", replica())) == Epoch{10});
}

TEST_CASE("an epoch that nobody can have reached does not move the ledger") {
    for (const std::uint64_t epoch :
         {std::uint64_t{UINT64_MAX}, std::uint64_t{1} << 62, 6 + Arbiter::epoch_jump_max}) {
        CAPTURE(epoch);
        Desk desk = led();
        auto beat = replica();
        beat.seen = Epoch{epoch};
        beat.promised = Epoch{epoch};
        desk.hear("wiki2", beat);
        CHECK(desk.arbiter.record().epoch == Epoch{5});
        CHECK(desk.told(Kind::refused) == 1);
        CHECK(desk.state() == LeaseState::held);
        // Nor may it lead: its own record would refuse every epoch that it is granted.
        const GroupStatus status = desk.arbiter.status(desk.now);
        CHECK(status.servers.at(1).why == "claims an impossible epoch");
    }
    Desk desk = led();
    auto beat = replica();
    beat.seen = Epoch{5 + Arbiter::epoch_jump_max};
    desk.hear("wiki2", beat);
    CHECK(desk.arbiter.record().epoch == beat.seen);
}

TEST_CASE(
    "after a damaged record: the longest quarantine, then above all epochs that are reported") {
    Arbiter arbiter = Arbiter::after_damage(rules(2), t0());
    const auto first = arbiter.step(ClockTicked{}, t0());
    REQUIRE(std::holds_alternative<Remember>(first.front()));
    Desk desk(rules(2), std::get<Remember>(first.front()).record);
    auto beat = replica();
    beat.seen = Epoch{17};
    desk.hear("wiki1", beat);
    desk.pass(65060ms);
    desk.hear("wiki1", beat);
    CHECK(desk.state() == LeaseState::free);  // wiki2 has not reported
    desk.hear("wiki2", beat);
    CHECK(prepare_of(desk.denied("wiki2", beat)) == Epoch{18});
}

TEST_CASE("replies carry the serial under which the zone now stands") {
    Desk desk = led();
    desk.step(Published{1742});
    CHECK(desk.denied("wiki2", replica()).serial == 1742);
    CHECK(std::get<heartbeat::Ack>(desk.hear("wiki1", master(Epoch{5}))).serial == 1742);
}

TEST_CASE("a heartbeat of a server that is not configured is not answered") {
    Desk desk = led();
    desk.hear("stranger", replica());
    CHECK_FALSE(has<SendReply>(desk.last));
}
