// What of the semi-sync set outlives a grant to the one that led before: whoever has not promised
// follows it on, and may acknowledge what it writes under the new epoch.

#include "cluster.h"

#include <doctest/doctest.h>

using namespace dnsd;
using namespace dnsd::testing;

namespace {

// wiki1 led, was fenced and is granted again; wiki3 is silent meanwhile.
void lead_again(Cluster& cluster) {
    auto fenced = cluster.beat("wiki1");
    fenced.role = heartbeat::Role::fenced;
    fenced.read_only = true;
    bool granted = false;
    for (int i = 0; i < 8 && !granted; ++i) {
        cluster.desk.pass(1s);
        cluster.hear("wiki2");
        granted = std::holds_alternative<heartbeat::Ack>(cluster.say("wiki1", fenced));
        fenced.promised = cluster.servers["wiki1"].promised;
    }
    REQUIRE(granted);
    cluster.epoch = cluster.record().epoch;
}

// So that wiki3 leaves S.
Cluster led_again() {
    Cluster cluster = Cluster::covered();
    REQUIRE(cluster.set() == "wiki2 wiki3");
    lead_again(cluster);
    REQUIRE(cluster.set() == "wiki2 wiki3(leaving)");
    return cluster;
}

// wiki3, which follows nobody since it promised, is heard before that.
std::string set_when_it_writes(Cluster& cluster) {
    auto said = cluster.beat("wiki3");
    said.upstream.reset();
    said.health.replication = false;
    cluster.say("wiki3", said);
    cluster.hear("wiki1");
    REQUIRE(cluster.record().master_epoch == cluster.epoch);
    return cluster.set();
}

}  // namespace

TEST_CASE("one that leaves, has promised and has nothing of its own is out of the set") {
    Cluster cluster = led_again();
    cluster.servers["wiki3"].promised = cluster.epoch;
    CHECK(set_when_it_writes(cluster) == "wiki2");
}

TEST_CASE("one that followed the old master on until it promised stays in the set") {
    // Seed 5000142265 of tests/sim.
    Cluster cluster = led_again();
    cluster.servers["wiki3"].promised = cluster.epoch;
    cluster.servers["wiki3"].received = 101;
    CHECK(set_when_it_writes(cluster) == "wiki2 wiki3(leaving)");
}

TEST_CASE("one that restarted before it promised stays: what it acknowledged it may have lost") {
    // Found by tests/model/semisync.pml with -DAGAIN.
    Cluster cluster = led_again();
    cluster.servers["wiki3"].promised = cluster.epoch;
    cluster.servers["wiki3"].start = 8;
    CHECK(set_when_it_writes(cluster) == "wiki2 wiki3(leaving)");
}

TEST_CASE(
    "one that acknowledges outside the set is not forgotten when the old master leads again") {
    ArbiterRules one_acker = Cluster::with_semi_sync();
    one_acker.ackers = 1;
    Cluster cluster = Cluster::covered(one_acker);
    REQUIRE(cluster.set() == "wiki2");
    for (int i = 0; i < 5; ++i) {
        cluster.servers["wiki3"].semi_sync = true;
        cluster.rounds(1, {"wiki1", "wiki2"});
        auto outsider = cluster.beat("wiki3");
        outsider.semi_sync = true;
        cluster.say("wiki3", outsider);
    }
    const std::string alarm = cluster.desk.arbiter.status(cluster.desk.now).alarms.at(0);
    REQUIRE(alarm == "wiki3 acknowledges commits and is not in the semi-sync set");
    // The agent of wiki3 stands still: it does not promise, and goes on.
    lead_again(cluster);
    cluster.hear("wiki2");
    cluster.hear("wiki1");
    REQUIRE(cluster.record().master_epoch == cluster.epoch);
    CHECK_FALSE(cluster.record().covered);
    CHECK(cluster.desk.arbiter.status(cluster.desk.now).alarms.at(0) == alarm);
}

TEST_CASE("one that has not promised stays in the set") {
    Cluster cluster = led_again();
    CHECK(set_when_it_writes(cluster) == "wiki2 wiki3(leaving)");
}
