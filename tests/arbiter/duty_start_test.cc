#include "tests/arbiter/post.h"

using namespace agent;
using namespace agent::test;

TEST_CASE("a writable database without a lease is demoted") {
    Post post({Epoch{3}, Epoch{}, Epoch{}});
    post.database.read_only = false;
    post.begin();
    REQUIRE(post.asked<Demote>());
    CHECK(post.find<Demote>()->why == "writable without a lease");
    post.database.read_only = true;
    post.now += 10ms;
    post.done(Verb::demote, Epoch{});
    post.look();
    CHECK(post.said().role == Role::fenced);
    CHECK(post.said().held == Epoch{3});
}

TEST_CASE("one that somebody wrote to by hand is errant: its position says more than it has") {
    // Seeds 723 and 3482 of tests/sim, as they were then: a sequence number far above that of
    // commits which it had lost, and it led without them.
    Post post({Epoch{3}, Epoch{}, Epoch{3}});
    post.database.replica_configured = post.database.io_running = post.database.sql_running = false;
    post.database.io_connected = false;
    post.begin().prepare(Epoch{4});
    post.now += 10ms;
    post.done(Verb::prepare, Epoch{4}).look();
    REQUIRE(post.said().promised == Epoch{4});
    post.database.read_only = false;
    post.pass(100ms).look();
    REQUIRE(post.asked<Demote>());
    CHECK(post.said().errant == heartbeat::Errant::no);
    post.database.read_only = true;
    SUBCASE("nothing was written") {
        post.now += 10ms;
        post.done(Verb::demote, Epoch{}).look();
        CHECK(post.said().errant == heartbeat::Errant::no);
    }
    SUBCASE("something was") {
        post.database.received = post.database.applied =
            *heartbeat::GtidPosition::parse("0-1-1000107");
        post.now += 10ms;
        post.done(Verb::demote, Epoch{}).look();
        CHECK(post.said().errant == heartbeat::Errant::wrote);
        CHECK(post.said().wants == Wish::master);  // an operator's word makes it lead
        post.pass(1s);
        REQUIRE(post.disk.errant);
        Post again(post.disk);  // another run of the agent knows it too
        again.database = post.database;
        CHECK(again.begin().said().errant == heartbeat::Errant::wrote);
        SUBCASE("and more, just before the database is restarted: those are no other data") {
            // Seeds 8000094455 and 8000316454 of tests/sim.
            again.database.start += 1;
            again.database.received = again.database.applied =
                *heartbeat::GtidPosition::parse("0-1-1000207");
            again.pass(1s).look();
            CHECK(again.disk.errant);
            CHECK(again.said().received->text() == "0-1-1000207");
            CHECK(again.said().errant == heartbeat::Errant::wrote);
        }
        SUBCASE("and then it was given the data of another") {
            again.database.start += 1;
            again.database.received = again.database.applied =
                *heartbeat::GtidPosition::parse("0-2-1000207");
            again.pass(1s).look();
            CHECK(again.said().errant == heartbeat::Errant::no);
        }
    }
}

TEST_CASE("who is written to by hand while it is promoted is errant, unless it comes to lead") {
    // Seed 81239055 of tests/sim, as it was then: it held a lease and never was writable, and its
    // high number passed the next gate for it.
    Post post({Epoch{3}, Epoch{}, Epoch{3}});
    post.database.replica_configured = post.database.io_running = post.database.sql_running = false;
    post.database.io_connected = false;
    post.begin().prepare(Epoch{4});
    post.now += 10ms;
    post.done(Verb::prepare, Epoch{4}).look();
    post.ack(Epoch{4});
    REQUIRE(post.asked<agent::Promote>());
    post.now += 10ms;
    post.look();
    CHECK(post.said().errant == heartbeat::Errant::no);
    SUBCASE("by hand") {
        post.database.received = post.database.applied =
            *heartbeat::GtidPosition::parse("0-1-1000107");
        post.now += 10ms;
        post.look().beat();
        CHECK(post.said().errant == heartbeat::Errant::wrote);
    }
    SUBCASE("by its clients") {
        post.database.read_only = false;
        post.database.received = post.database.applied =
            *heartbeat::GtidPosition::parse("0-1-1000107");
        post.now += 10ms;
        post.done(Verb::promote, Epoch{4}).look();
        CHECK(post.said().role == Role::master);
        CHECK(post.said().errant == heartbeat::Errant::no);
    }
}

TEST_CASE("one that was fenced and is found writable is errant: nobody saw what it had before") {
    // Seed 203989 of tests/sim, as it was then: its agent was dead when somebody wrote to it.
    Post post({Epoch{3}, Epoch{}, Epoch{3}});
    post.database.replica_configured = post.database.io_running = post.database.sql_running = false;
    post.database.io_connected = false;
    post.database.read_only = false;
    post.begin();
    REQUIRE(post.asked<Demote>());
    CHECK(post.said().errant == heartbeat::Errant::wrote);
}

TEST_CASE("a follower that somebody opens is errant: what it is sent hides what was written") {
    // Seed 79052907 of tests/sim, as it was then: it went on receiving, and its position said
    // nothing of what a person had added to it.
    Post post({Epoch{3}, Epoch{}, Epoch{}});
    post.begin().follow(Epoch{3});
    post.database.io_running = post.database.io_connected = post.database.sql_running = true;
    post.pass(1s).look();
    REQUIRE(post.said().errant == heartbeat::Errant::no);
    SUBCASE("in the same start") {
        post.database.read_only = false;
        post.pass(1s).look();
        CHECK(post.said().errant == heartbeat::Errant::wrote);
    }
    SUBCASE("by the defaults of its configuration, with which it starts") {
        post.database.start += 1;
        post.database.read_only = false;
        post.pass(1s).look();
        CHECK(post.said().errant == heartbeat::Errant::no);
    }
}

TEST_CASE("what is received, also up to the stop, is no writing by hand") {
    Post post({Epoch{3}, Epoch{}, Epoch{}});
    post.begin().follow(Epoch{3});
    post.database.received = post.database.applied = *heartbeat::GtidPosition::parse("0-1-110");
    post.pass(1s).look();
    post.database.received = *heartbeat::GtidPosition::parse("0-1-120");
    post.database.io_running = post.database.io_connected = false;
    post.pass(1s).look();
    post.database.applied = post.database.received;  // what was received is applied later
    post.pass(1s).look();
    CHECK(post.said().errant == heartbeat::Errant::no);
    CHECK_FALSE(post.disk.errant);
}

TEST_CASE("an agent that was never told anything leaves a writable database until it is told") {
    Post post;
    post.database.read_only = false;
    post.database.replica_configured = false;
    post.begin();
    CHECK(post.said().role == Role::unknown);
    CHECK(post.said().wants == Wish::master);
    CHECK_FALSE(post.said().read_only);
    post.deny(Epoch{}, heartbeat::WaitOrder{}, DenyReason::awaiting_first);
    CHECK_FALSE(post.asked<Demote>());
    SUBCASE("it is given the lease") {
        post.pass(1s).ack(Epoch{1});
        CHECK(post.asked<Promote>());
    }
    SUBCASE("another leads") {
        post.pass(1s).follow(Epoch{1});
        CHECK(post.asked<Demote>());
        CHECK_FALSE(post.asked<Follow>());
    }
    SUBCASE("a window is open") {
        post.pass(1s).prepare(Epoch{1});
        CHECK(post.asked<Demote>());
        CHECK_FALSE(post.asked<Prepare>());
    }
}

TEST_CASE(
    "a restarted agent is fenced for every epoch that it knew, and says so until another leads") {
    Post post({Epoch{3}, Epoch{2}, Epoch{}});
    post.begin();
    post.pass(30ms);
    CHECK(post.disk.fenced == Epoch{3});
    CHECK(post.said().role == Role::fenced);
    CHECK(post.said().held == Epoch{3});
    post.follow(Epoch{4});
    post.pass(30ms);
    CHECK(post.said().role == Role::replica);
    CHECK(post.said().held == Epoch{});
}

TEST_CASE("an agent whose disk fails asks for nothing, and says nothing that is not on it") {
    Post post;
    post.begin();
    post.disk_fails = true;
    post.ack(Epoch{3});
    CHECK_FALSE(post.asked<Promote>());
    post.pass(30ms);
    CHECK(post.said().wants == Wish::nothing);
    CHECK(post.said().seen == Epoch{});
    SUBCASE("it is tried again") {
        post.disk_fails = false;
        post.pass(1s);
        CHECK(post.disk.seen == Epoch{3});
        CHECK(post.asked<Promote>());
    }
    SUBCASE("what was done is not forgotten meanwhile") {
        post.pass(5s);  // the lease is over
        REQUIRE(post.asked<Demote>());
        post.done(Verb::demote, Epoch{});
        post.pass(3s);
        CHECK(post.said().role == Role::unknown);
        post.disk_fails = false;
        post.pass(2s);
        CHECK(post.disk.fenced == Epoch{3});
        CHECK(post.said().role == Role::fenced);
    }
}

TEST_CASE("a master that is told to stop demotes itself, gives the lease back and leaves") {
    Post post;
    post.lead(Epoch{3});
    post.step(Stopping{});
    CHECK(post.asked<Demote>());
    CHECK_FALSE(post.noted(Kind::left));
    post.done(Verb::demote, Epoch{});
    CHECK(post.disk.fenced == Epoch{3});
    CHECK(post.said().wants == Wish::release);
    CHECK(post.said().role == Role::fenced);
    CHECK(post.said().held == Epoch{3});
    CHECK(post.noted(Kind::left));
    CHECK(post.duty.wakes_at() == Instant::max());
}

TEST_CASE("an agent that can not demote its database tries beyond its deadline, and then says so") {
    Post post;
    post.lead(Epoch{3});
    post.step(Stopping{});
    const Instant deadline = *post.duty.deadline();
    const auto go_on = [&](Instant until) {
        while (post.now < until && !post.noted(Kind::left) && !post.noted(Kind::left_undone)) {
            post.done(Verb::demote, Epoch{}, false);
            post.pass(500ms);
        }
    };
    go_on(deadline + Duty::stop_bound - 2500ms);
    CHECK(post.duty.stage() == Stage::demoting);
    CHECK(post.asked<LeaseEnded>());
    SUBCASE("it succeeds at last") {
        post.pass(1s);  // the longest pause between two tries
        post.done(Verb::demote, Epoch{});
        CHECK(post.noted(Kind::left));
        CHECK(post.said().wants == Wish::release);
        CHECK_FALSE(post.duty.left_undone());
    }
    SUBCASE("it never does") {
        go_on(deadline + Duty::stop_bound + 500ms);
        CHECK(post.noted(Kind::left_undone));
        CHECK_FALSE(post.noted(Kind::left));
        CHECK(post.duty.left_undone());
        CHECK(post.said().wants != Wish::release);
        CHECK(post.disk.fenced == Epoch{});
    }
}

TEST_CASE("an agent that stops and whose record can not be written says that, and leaves") {
    Post post;
    post.begin().follow(Epoch{3});
    post.disk_fails = true;
    post.pass(1s).follow(Epoch{4});
    post.step(Stopping{}).pass(Duty::stop_bound);
    REQUIRE(post.noted(Kind::left_undone));
    CHECK(post.find<Note>()->why == "its record could not be written");
}

TEST_CASE("while a demotion hangs an agent that stops sleeps") {
    Post post;
    post.lead(Epoch{3});
    post.step(Stopping{});
    for (int i = 0; i < 10; ++i) {
        post.pass(700ms);  // heartbeats and their repetitions would be due
        CHECK(post.duty.wakes_at() > post.now);
    }
}

TEST_CASE("a replica that is told to stop leaves at once") {
    Post post;
    post.begin().follow(Epoch{3});
    post.step(Stopping{}).tick();
    CHECK(post.noted(Kind::left));
    CHECK_FALSE(post.asked<Demote>());
}

TEST_CASE("a server without a database never leads, and is well by its page alone") {
    DutyRules page_only = rules();
    page_only.has_database = false;
    Post post({}, page_only);
    post.page(true);
    REQUIRE(post.asked<SendHeartbeat>());
    CHECK(post.said().health.database);
    CHECK(post.said().may_not_lead);
    CHECK(post.said().wants == Wish::nothing);
    CHECK(post.said().flavour == heartbeat::GtidFlavour::none);
    post.follow(Epoch{3});
    post.prepare(Epoch{4});
    CHECK_FALSE(post.asked<Follow>());
    CHECK_FALSE(post.asked<Prepare>());
}

TEST_CASE("a server that may not lead promises and follows like the others, and asks for nothing") {
    DutyRules shy = rules();
    shy.may_lead = false;
    Post post({}, shy);
    post.begin();
    CHECK(post.said().may_not_lead);
    CHECK(post.said().wants == Wish::nothing);
    post.prepare(Epoch{4});
    CHECK(post.asked<Prepare>());
}

TEST_CASE("an agent's note becomes one line for the journal") {
    CHECK(log_line(id("wiki1"), {Kind::lease_lost, Epoch{3}, "no acknowledgement"}) ==
          "event=lease_lost server=wiki1 epoch=3 why=\"no acknowledgement\"");
}
