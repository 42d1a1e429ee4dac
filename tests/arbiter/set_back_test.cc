// An acker that has less than it said before, in one start of its database.

#include "cluster.h"

#include <doctest/doctest.h>

using namespace dnsd;
using namespace dnsd::testing;

TEST_CASE("an acker that says less than before in one start is whole again when it caught up") {
    Cluster cluster = Cluster::covered();
    cluster.servers["wiki2"].received = 150;
    cluster.hear("wiki2");
    cluster.servers["wiki1"].received = 300;
    cluster.hear("wiki1");
    cluster.servers["wiki2"].received = 120;
    cluster.hear("wiki2");
    REQUIRE(cluster.record().semi_sync.front().id == id("wiki2"));
    CHECK(cluster.desk.ledger->semi_sync.front().start == 0);
    CHECK(cluster.desk.told(Kind::alarm) == 1);
    cluster.servers["wiki2"].received = 300;  // where the master was before that was heard
    cluster.hear("wiki2");
    CHECK(cluster.record().semi_sync.front().start == 0);
    cluster.hear("wiki1");
    cluster.hear("wiki1");
    CHECK(cluster.desk.ledger->semi_sync.front().start == 7);
    SUBCASE("and so it is each time") {
        cluster.servers["wiki2"].received = 299;
        cluster.hear("wiki2");
        cluster.servers["wiki2"].received = 300;
        cluster.hear("wiki2");
        CHECK(cluster.desk.ledger->semi_sync.front().start == 0);
    }
    SUBCASE("one that says nothing of its position says nothing less") {
        auto blind = cluster.beat("wiki2");
        blind.received.reset();
        cluster.say("wiki2", blind);
        CHECK(cluster.desk.ledger->semi_sync.front().start == 7);
        cluster.servers["wiki2"].received = 299;
        cluster.hear("wiki2");
        CHECK(cluster.desk.ledger->semi_sync.front().start == 0);
    }
}

TEST_CASE("a member that was set back as the master died is waited for") {
    Cluster cluster = Cluster::covered();
    cluster.servers["wiki2"].received = 150;  // it alone has that, and acknowledged it
    cluster.hear("wiki2");
    cluster.lose_master({"wiki2", "wiki3"});
    cluster.servers["wiki2"].received = 100;
    CHECK(cluster.elect({"wiki2", "wiki3"}) == "");
    CHECK(cluster.gate().find("lost its relay log") != std::string::npos);
}
