// The zero-loss gate after the last holder's database restarted: who may have what that lost.

#include "cluster.h"

#include <doctest/doctest.h>

using namespace dnsd;
using namespace dnsd::testing;

TEST_CASE("the last holder whose database restarted passes when nobody can have more") {
    Cluster cluster = Cluster::covered(Cluster::with_semi_sync(2));
    cluster.rounds(10, {"wiki1"});
    REQUIRE(cluster.record().barred == std::vector{id("wiki2")});
    auto fenced_again = cluster.beat("wiki1");
    fenced_again.role = heartbeat::Role::fenced;
    fenced_again.read_only = true;
    fenced_again.database_start = 8;
    for (int i = 0; i < 4; ++i) {
        cluster.say("wiki1", fenced_again);
        fenced_again.promised = cluster.servers["wiki1"].promised;
        cluster.desk.pass(1s);
    }
    CHECK(cluster.record().epoch == Epoch{6});
    CHECK(cluster.record().holder == id("wiki1"));
    CHECK(cluster.record().holder_start == 8);
}

TEST_CASE("the last holder that lost what it had when it was granted waits for a person") {
    // World 1204440 of tests/sim: an earlier epoch's commit, which the master of before had lost as
    // well, was told to a client.
    Cluster cluster = Cluster::covered(Cluster::with_semi_sync(2));
    cluster.rounds(10, {"wiki1"});
    auto fenced_again = cluster.beat("wiki1");
    fenced_again.role = heartbeat::Role::fenced;
    fenced_again.read_only = true;
    fenced_again.database_start = 8;
    fenced_again.received = fenced_again.applied = at(89);
    for (int i = 0; i < 5; ++i) {
        cluster.desk.pass(1s);
        CHECK_FALSE(std::holds_alternative<heartbeat::Ack>(cluster.say("wiki1", fenced_again)));
        fenced_again.promised = cluster.servers["wiki1"].promised;
    }
    CHECK(
        cluster.gate() ==
        "the database of wiki1 restarted: an operator, as it lost what it had when it was granted");
}

TEST_CASE("after a start one that is barred is heard first: the ledger may be an older copy") {
    // World 74055440 of tests/sim: it had been let in again since, and had the master's tail.
    Cluster before = Cluster::covered(Cluster::with_semi_sync(2));
    before.rounds(10, {"wiki1"});
    Cluster cluster(Cluster::with_semi_sync(2), *before.desk.ledger);
    REQUIRE(cluster.record().barred == std::vector{id("wiki2")});
    auto fenced_again = cluster.beat("wiki1");
    fenced_again.role = heartbeat::Role::fenced;
    fenced_again.read_only = true;
    fenced_again.database_start = 8;
    for (int i = 0; i < 9; ++i) {
        cluster.desk.pass(1s);
        CHECK_FALSE(std::holds_alternative<heartbeat::Ack>(cluster.say("wiki1", fenced_again)));
        fenced_again.promised = cluster.servers["wiki1"].promised;
    }
    CHECK(cluster.gate() == "the database of wiki1 restarted: wiki2 to report");
    SUBCASE("it has nothing more") {
        cluster.servers["wiki2"].promised = Epoch{6};
        cluster.hear("wiki2");
        cluster.desk.pass(1s);
        CHECK(std::holds_alternative<heartbeat::Ack>(cluster.say("wiki1", fenced_again)));
    }
    SUBCASE("it has the tail") {
        cluster.servers["wiki2"] = {.received = 110, .promised = Epoch{6}};
        cluster.hear("wiki2");
        cluster.desk.pass(1s);
        CHECK_FALSE(std::holds_alternative<heartbeat::Ack>(cluster.say("wiki1", fenced_again)));
    }
}

// Seed 29923920012963 of tests/sim, as it was then.
TEST_CASE("one that is barred and says that it has more had it before: it is asked") {
    // Seed 82053234 of tests/sim, as it was then: it had followed, acknowledging, until it was
    // dropped, and came back with what the holder's recovery had cut off.
    Cluster cluster = Cluster::covered(Cluster::with_semi_sync(2));
    cluster.rounds(10, {"wiki1"});
    REQUIRE(cluster.record().barred == std::vector{id("wiki2")});
    auto fenced_again = cluster.beat("wiki1");
    fenced_again.role = heartbeat::Role::fenced;
    fenced_again.read_only = true;
    fenced_again.database_start = 8;
    cluster.desk.pass(1s);
    cluster.say("wiki1", fenced_again);
    cluster.servers["wiki2"] = {.received = 110, .promised = Epoch{6}};
    cluster.hear("wiki2");
    for (int i = 0; i < 5; ++i) {
        fenced_again.promised = cluster.servers["wiki1"].promised;
        cluster.desk.pass(1s);
        cluster.hear("wiki2");
        CHECK_FALSE(std::holds_alternative<heartbeat::Ack>(cluster.say("wiki1", fenced_again)));
    }
    CHECK(cluster.gate() ==
          "the database of wiki1 restarted: wiki2, which has received what wiki1 lacks");
}

TEST_CASE("the last holder whose database restarted waits for one that may have what it lost") {
    Cluster cluster(Cluster::with_semi_sync(2));
    cluster.rounds(3, {"wiki1"});  // wiki2 was never heard: it may follow all the same
    auto fenced_again = cluster.beat("wiki1");
    fenced_again.role = heartbeat::Role::fenced;
    fenced_again.read_only = true;
    fenced_again.database_start = 8;
    for (int i = 0; i < 5; ++i) {
        cluster.desk.pass(1s);
        cluster.say("wiki1", fenced_again);
        fenced_again.promised = cluster.servers["wiki1"].promised;
    }
    CHECK(cluster.gate() == "the database of wiki1 restarted: wiki2 to report");
    SUBCASE("it has no more") {
        cluster.servers["wiki2"].promised = Epoch{6};
        cluster.hear("wiki2");
        cluster.desk.pass(1s);
        CHECK(std::holds_alternative<heartbeat::Ack>(cluster.say("wiki1", fenced_again)));
    }
    SUBCASE("it has more: an operator must choose") {
        cluster.servers["wiki2"] = {.received = 110, .promised = Epoch{6}};
        cluster.hear("wiki2");
        CHECK_FALSE(std::holds_alternative<heartbeat::Ack>(cluster.say("wiki1", fenced_again)));
        CHECK_FALSE(cluster.granted("wiki2"));
    }
}

TEST_CASE("who has all that a fenced holder had passes, though nobody acknowledged") {
    Cluster cluster(Cluster::with_semi_sync(2));
    cluster.rounds(3, {"wiki1"});
    auto word = cluster.beat("wiki1");
    word.role = heartbeat::Role::fenced;
    word.read_only = true;
    word.wants = heartbeat::Wish::release;
    SUBCASE("in the life of its database in which it wrote") {
        cluster.say("wiki1", word);
        cluster.rounds(3, {"wiki2"});
        CHECK(cluster.record().holder == id("wiki2"));
    }
    SUBCASE("not after a restart") {
        word.database_start = 8;
        cluster.say("wiki1", word);
        cluster.rounds(3, {"wiki2"});
        CHECK(cluster.record().holder == id("wiki1"));
    }
    SUBCASE("not with less") {
        word.received = word.applied = at(101);
        cluster.say("wiki1", word);
        cluster.rounds(3, {"wiki2"});
        CHECK(cluster.record().holder == id("wiki1"));
    }
}
