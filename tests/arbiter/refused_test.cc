// A master refuses a replica that has what it lacks. That speaks against the replica only when the
// master has lost nothing (docs/PROTOCOL.md, "Refused").

#include "cluster.h"

#include <doctest/doctest.h>

using namespace dnsd;
using namespace dnsd::testing;
using heartbeat::Errant;

namespace {

void refuse(Cluster::Server& server, Epoch under) {
    server.errant = Errant::refused;
    server.refused_under = under;
    server.replicates = server.semi_sync = false;
}

std::string errant(const Cluster& cluster, const char* name) {
    for (const ServerStatus& one : cluster.desk.arbiter.status(cluster.desk.now).servers)
        if (one.id == id(name)) return one.errant;
    return "?";
}

heartbeat::Heartbeat fenced_again(Cluster& cluster) {
    heartbeat::Heartbeat beat = cluster.beat("wiki1");
    beat.role = heartbeat::Role::fenced;
    beat.read_only = true;
    beat.database_start = 8;
    beat.received = beat.applied = at(95);  // its recovery cut off what it had not yet on disk
    return beat;
}

const std::string unproven =
    "wiki1, the master of epoch 5, refused it: it has what that one lacks, who may have lost it by "
    "a restart";
const std::string proven =
    "wiki1, the master of epoch 5, refused it: it has transactions that its master lacks";

}  // namespace

TEST_CASE("whom a master refuses that lost its tail by a restart has it all, and leads") {
    Cluster cluster = Cluster::covered();
    cluster.say("wiki1", fenced_again(cluster));
    for (const char* name : {"wiki2", "wiki3"}) refuse(cluster.servers[name], Epoch{5});
    heartbeat::Heartbeat old = fenced_again(cluster);
    for (int i = 0; i < 3; ++i) {
        old.mark = cluster.servers["wiki1"].mark;
        cluster.say("wiki1", old);
        cluster.hear("wiki2");
        cluster.hear("wiki3");
        cluster.desk.pass(100ms);
    }
    CHECK(errant(cluster, "wiki2") == unproven);
    CHECK(cluster.elect({"wiki2", "wiki3"}) == "wiki2");
}

TEST_CASE("whom a master refuses that has lost nothing leads by an operator's word only") {
    Cluster cluster = Cluster::covered(Cluster::with_semi_sync(4));
    REQUIRE(cluster.set() == "wiki2 wiki3");
    cluster.servers["wiki4"].received = 500;
    refuse(cluster.servers["wiki4"], Epoch{5});
    cluster.hear("wiki4");
    CHECK(errant(cluster, "wiki4") == unproven);
    SUBCASE("it was heard later, and its database had never restarted") {
        cluster.rounds(2, cluster.all());
        CHECK(errant(cluster, "wiki4") == proven);
        cluster.lose_master({"wiki2", "wiki3", "wiki4"});
        CHECK(cluster.elect({"wiki2", "wiki3", "wiki4"}) == "wiki2");
        // The next may take it: what the last one said stands until then.
        CHECK(errant(cluster, "wiki4") ==
              "the master of epoch 5 refused it: it has transactions that its master lacks");
    }
    SUBCASE("a restart of the arbiter does not forget it") {
        cluster.rounds(2, cluster.all());
        REQUIRE(cluster.record().refused == std::vector{Refused{id("wiki4"), Epoch{5}}});
        Desk again(cluster.desk.group, cluster.desk.ledger);
        again.hear("wiki4", cluster.beat("wiki4"));
        CHECK(again.arbiter.status(again.now).servers[3].errant == proven);
    }
    SUBCASE("what it says was looked at before that proves nothing") {
        heartbeat::Heartbeat before = cluster.beat("wiki1");
        cluster.say("wiki1", before);
        cluster.say("wiki1", before);
        CHECK(errant(cluster, "wiki4") == unproven);
    }
    SUBCASE("nor does a database that restarted since it was granted") {
        cluster.say("wiki1", fenced_again(cluster));
        heartbeat::Heartbeat later = fenced_again(cluster);
        cluster.say("wiki1", later);
        CHECK(errant(cluster, "wiki4") == unproven);
    }
    SUBCASE("nor a refusal by another, of an epoch before") {
        cluster.servers["wiki4"].refused_under = Epoch{4};
        cluster.rounds(2, cluster.all());
        CHECK(errant(cluster, "wiki4") ==
              "the master of epoch 4 refused it: it has what that one lacks, who may have lost it "
              "by a restart");
    }
    SUBCASE("that somebody wrote to it, too, which its agent did not live to keep, ends nothing") {
        // Seed 900574618 of tests/sim: the master was gone when it said "refused" again, and nobody
        // was left to prove that.
        cluster.rounds(2, cluster.all());
        cluster.servers["wiki4"].errant = Errant::wrote;
        cluster.hear("wiki4");
        refuse(cluster.servers["wiki4"], Epoch{5});
        cluster.hear("wiki4");
        CHECK(errant(cluster, "wiki4") == proven);
    }
    SUBCASE("it is taken again") {
        cluster.rounds(2, cluster.all());
        cluster.servers["wiki4"].errant = Errant::no;
        cluster.rounds(1, cluster.all());
        CHECK(errant(cluster, "wiki4").empty());
    }
}

TEST_CASE("a member that was refused for what it has more is not asked: it acknowledged nothing") {
    // World 2993 of tests/sim: the master fell silent before it could leave the set, and nobody
    // passed the gate any more.
    Cluster cluster = Cluster::succeeded();  // wiki2, after wiki1
    cluster.hear("wiki2");
    Cluster::Server& old = cluster.servers["wiki1"];
    old.received = 500;
    refuse(old, Epoch{6});
    cluster.rounds(3, {"wiki2", "wiki1", "wiki3"});
    REQUIRE(cluster.set() == "wiki1 wiki3");
    REQUIRE(cluster.record().refused == std::vector{Refused{id("wiki1"), Epoch{6}}});
    SUBCASE("it has received nothing since it was to be one") {
        cluster.lose_master({"wiki1", "wiki3"});
        cluster.rounds(60, {"wiki1", "wiki3"});  // failovers were blocked
        CHECK(cluster.record().holder == id("wiki3"));
    }
    SUBCASE("it was let in before") {
        old.received = 510;
        cluster.lose_master({"wiki1", "wiki3"});
        cluster.rounds(60, {"wiki1", "wiki3"});
        CHECK(cluster.record().holder == id("wiki2"));
    }
}

TEST_CASE("one that is refused holds up no commits, whatever that proves") {
    Cluster cluster = Cluster::covered(Cluster::with_semi_sync(3));
    for (const char* name : {"wiki2", "wiki3"}) cluster.servers[name].replicates = false;
    cluster.rounds(20, cluster.all());
    refuse(cluster.servers["wiki3"], Epoch{5});
    cluster.servers["wiki3"].replicates = true;  // for a moment, until it hears of it
    cluster.rounds(1, cluster.all());
    CHECK(cluster.set().find("wiki3") == std::string::npos);
}

TEST_CASE("whom a restarted holder refuses is asked, though it was barred: it has what was lost") {
    Cluster cluster = Cluster::covered(Cluster::with_semi_sync(2));
    cluster.rounds(10, {"wiki1"});
    REQUIRE(cluster.record().barred == std::vector{id("wiki2")});
    Cluster::Server& other = cluster.servers["wiki2"];
    heartbeat::Heartbeat old = fenced_again(cluster);
    cluster.say("wiki1", old);
    cluster.hear("wiki2");
    refuse(other, Epoch{5});
    other.received = 100;
    old.promised = Epoch{6};
    for (int i = 0; i < 5; ++i) {
        cluster.desk.pass(1s);
        cluster.hear("wiki2");
        CHECK_FALSE(std::holds_alternative<heartbeat::Ack>(cluster.say("wiki1", old)));
    }
    CHECK(cluster.gate() ==
          "the database of wiki1 restarted: wiki2, which has received what wiki1 lacks");
}
