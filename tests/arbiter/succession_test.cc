// What of the semi-sync set outlives a grant to the one that led before: whoever has not promised
// follows it on, and may acknowledge what it writes under the new epoch.

#include "cluster.h"

#include <doctest/doctest.h>

using namespace dnsd;
using namespace dnsd::testing;

namespace {

// wiki1 led, was fenced and is granted again; wiki3 was silent meanwhile, and leaves S.
Cluster led_again() {
    Cluster cluster = Cluster::covered();
    REQUIRE(cluster.set() == "wiki2 wiki3");
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
    REQUIRE(cluster.set() == "wiki2 wiki3(leaving)");
    cluster.epoch = cluster.record().epoch;
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

TEST_CASE("one that has not promised stays in the set") {
    Cluster cluster = led_again();
    CHECK(set_when_it_writes(cluster) == "wiki2 wiki3(leaving)");
}
