// What an agent says of when it knew what, so that the arbiter can tell a position from before.

#include "tests/arbiter/post.h"

using namespace agent;
using namespace agent::test;

TEST_CASE("a mark is said of what was read after the reply was obeyed, and no sooner") {
    Post post;
    post.begin();
    const Instant before = post.now;
    post.now += 10ms;
    post.deny(Epoch{});
    REQUIRE(post.mark == 1);
    post.now += 10ms;
    post.step(DatabaseSeen{post.database, before});  // it was on its way
    post.pass(1s);
    CHECK(post.said().mark == 0);
    post.look();
    post.pass(1s);
    CHECK(post.said().mark == 1);
    post.deny(Epoch{});
    post.pass(1s);
    CHECK(post.said().mark == 1);
}

TEST_CASE("a slow look is marked with what was known when it began, however much came since") {
    Post post;
    post.begin();
    post.deny(Epoch{});
    const Instant begun = post.now + 1ms;
    for (std::size_t i = 0; i < Duty::marks_max + 10; ++i) {
        post.pass(1s);
        post.deny(Epoch{});
    }
    post.step(DatabaseSeen{post.database, begun});
    post.pass(1s);
    CHECK(post.said().mark == 1);
    post.look();
    post.pass(1s);
    CHECK(post.said().mark == post.mark);
}

TEST_CASE("of a database that could not be looked at nothing was read after anything") {
    Post post;
    post.database.semi_sync = true;
    post.begin();
    post.deny(Epoch{});
    post.beat();
    REQUIRE(post.said().mark == 1);
    post.deny(Epoch{});
    post.database.reachable = false;
    post.look();
    post.pass(1s);
    CHECK_FALSE(post.said().semi_sync);  // which is not to be taken for "switched off"
    CHECK(post.said().mark == 0);
    CHECK(post.said().database_start == 7);  // the last that is known
    CHECK_FALSE(post.said().received);
}

TEST_CASE("a reply that is not obeyed has no mark") {
    Post post({Epoch{5}, Epoch{}, Epoch{}});
    post.begin();
    post.deny(Epoch{4});
    post.beat();
    CHECK(post.said().mark == 0);
}

TEST_CASE("with another boot of the arbiter marks begin anew, and late replies of the last count") {
    Post post;
    post.begin();
    post.mark = 500;
    post.deny(Epoch{});
    post.beat();
    REQUIRE(post.said().mark == 501);
    const std::uint64_t asked = post.said().request;
    post.step(Introduced{}).tick();
    CHECK(post.said().request == asked + 1);  // at once: nobody has heard the last one
    CHECK(post.said().mark == 0);
    SUBCASE("for nothing") {
        post.ack(Epoch{1}, asked);
        CHECK(post.duty.epoch() == Epoch{});
        post.beat();
        CHECK(post.said().mark == 0);
    }
    SUBCASE("and the first of the new one is marked by its own") {
        post.mark = 2;
        post.deny(Epoch{});
        post.beat();
        CHECK(post.said().mark == 3);
    }
}

TEST_CASE("an arbiter that introduces itself all the time is not answered in a circle") {
    Post post;
    post.begin();
    for (int i = 0; i < 1000; ++i) {
        post.step(Introduced{}).tick();
        post.pass(1ms);
    }
    CHECK(post.said().request <= 50 + 8 + 4);
}

TEST_CASE("the highest revision is said, whoever told it and whether it was obeyed or not") {
    Post post({Epoch{5}, Epoch{}, Epoch{}});
    post.begin();
    post.revision = 40;
    post.deny(Epoch{4});
    post.beat();
    CHECK(post.said().revision == 40);
    post.step(Introduced{});
    post.revision = 39;  // an older copy of the ledger
    post.deny(Epoch{5});
    post.beat();
    CHECK(post.said().revision == 40);
}

TEST_CASE("a fenced server's position is final: read after the demotion had ended, or none") {
    Post post;
    post.lead(Epoch{3});
    post.pass(5s);
    REQUIRE(post.asked<Demote>());
    const Instant during = post.now;
    post.now += 50ms;
    post.database.read_only = true;
    post.done(Verb::demote, Epoch{});
    REQUIRE(post.said().role == Role::fenced);
    CHECK_FALSE(post.said().received);
    CHECK_FALSE(post.said().applied);
    post.step(DatabaseSeen{post.database, during}).tick();
    CHECK_FALSE(post.said().received);
    const std::uint64_t before = post.said().request;
    post.database.received = post.database.applied = *heartbeat::GtidPosition::parse("0-1-300");
    post.now += 1ms;
    post.look();
    CHECK(post.said().request == before + 1);  // at once
    CHECK(post.said().role == Role::fenced);
    CHECK(post.said().received->text() == "0-1-300");
}

TEST_CASE("a holder that is told to yield demotes itself at once and reports its final position") {
    Post post;
    post.lead(Epoch{3});
    post.pass(1s);
    post.deny(Epoch{3}, heartbeat::YieldOrder{id("wiki2"), Epoch{4}}, DenyReason::switching);
    REQUIRE(post.asked<Demote>());
    post.now += 10ms;
    post.database.read_only = true;
    post.done(Verb::demote, Epoch{});
    post.now += 10ms;
    post.look();
    CHECK(post.disk.fenced == Epoch{3});
    CHECK(post.said().role == Role::fenced);
    CHECK(post.said().held == Epoch{3});
    CHECK(post.said().received->text() == "0-1-100");
    CHECK(post.said().wants ==
          Wish::master);  // it competes like any other, if the switchover fails
}

TEST_CASE("a switchover's candidate goes on receiving until it is told to prepare") {
    Post post;
    post.begin().follow(Epoch{3});
    post.pass(1s);
    for (const heartbeat::Order& order :
         {heartbeat::Order(heartbeat::WaitOrder{}), heartbeat::Order(heartbeat::NoOrder{})}) {
        post.deny(Epoch{3}, order, DenyReason::switching);
        post.beat();
    }
    CHECK_FALSE(post.asked<Prepare>());
    CHECK(post.said().upstream == id("wiki2"));
    // What ends meanwhile is not begun anew without an order to follow: the switchover fails then.
    post.database.io_running = post.database.io_connected = false;
    post.look();
    CHECK_FALSE(post.asked<Follow>());
    post.follow(Epoch{3});
    CHECK(post.asked<Follow>());
}

TEST_CASE("a DENY that is to be asked again soon is answered with what a new look saw") {
    Post post;
    post.begin();
    Deny deny;
    deny.request = 1;
    deny.retry_after = 100ms;
    post.step(ReplyHeard{deny});
    CHECK(post.count<LookAtDatabase>(post.last) == 1);
}

TEST_CASE("a master of an epoch that has been followed by another is not gone back to") {
    Post post;
    post.begin().follow(Epoch{3});
    post.pass(1s);
    post.deny(Epoch{4}, heartbeat::WaitOrder{});  // granted, and not writable yet
    post.database.io_running = post.database.io_connected = false;
    for (int i = 0; i < 10; ++i) post.pass(1s).look();
    CHECK_FALSE(post.asked<Follow>());
}
