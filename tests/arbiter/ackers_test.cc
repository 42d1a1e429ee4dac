#include "cluster.h"

#include <doctest/doctest.h>

using namespace dnsd;
using namespace dnsd::testing;

TEST_CASE("replicas of the writable holder join the semi-sync set, on disk before it is told") {
    Cluster cluster;
    cluster.hear("wiki2");
    cluster.hear("wiki3");
    CHECK(cluster.set().empty());
    const auto& reply = cluster.hear("wiki1");
    REQUIRE(std::holds_alternative<Remember>(cluster.desk.last.front()));
    CHECK(std::get<heartbeat::Ack>(reply).semi_sync_set == std::vector{id("wiki2"), id("wiki3")});
    CHECK(cluster.set() == "wiki2 wiki3");
    CHECK(cluster.desk.ledger->semi_sync == cluster.record().semi_sync);
    cluster.hear("wiki2");
    CHECK(cluster.servers["wiki2"].set == std::vector{id("wiki2"), id("wiki3")});
}

TEST_CASE(
    "when the ledger can not take a member, nobody is told of it, and the holder is renewed") {
    Cluster cluster;
    cluster.hear("wiki1");
    cluster.hear("wiki2");
    cluster.desk.ledger_fails = true;
    cluster.hear("wiki1");
    const auto& reply = cluster.hear("wiki1");
    REQUIRE(std::holds_alternative<heartbeat::Ack>(reply));
    CHECK(std::get<heartbeat::Ack>(reply).semi_sync_set.empty());
    CHECK(cluster.set().empty());
}

TEST_CASE("no more members than ackers are wanted, and no server that may not lead") {
    ArbiterRules group = Cluster::with_semi_sync(5);
    group.servers[1].may_lead = false;
    Cluster cluster(group);
    for (const char* name : {"wiki2", "wiki3", "wiki4", "wiki5", "wiki1"}) cluster.hear(name);
    CHECK(cluster.set() == "wiki3 wiki4");
}

TEST_CASE(
    "the set covers what the master has when a member has a position read after commits wait") {
    Cluster cluster(Cluster::with_semi_sync(2));
    cluster.hear("wiki2");
    cluster.hear("wiki1");  // wiki2 joins
    cluster.hear("wiki2");
    REQUIRE(cluster.set() == "wiki2");
    cluster.servers["wiki1"].received = 200;  // acknowledged before commits waited
    cluster.hear("wiki1");                    // semi-sync is on; the position may be from before
    CHECK_FALSE(cluster.record().covered);
    SUBCASE("a position under an older mark counts for nothing") {
        auto stale = cluster.beat("wiki1");
        stale.mark -= 2;
        cluster.say("wiki1", stale);
        cluster.servers["wiki2"].received = 200;
        cluster.hear("wiki2");
        cluster.say("wiki1", stale);
        CHECK_FALSE(cluster.record().covered);
    }
    SUBCASE("one under a newer mark does, when a member has it") {
        cluster.hear("wiki1");
        CHECK_FALSE(cluster.record().covered);  // wiki2 has only 100
        cluster.servers["wiki2"].received = 200;
        cluster.hear("wiki2");
        cluster.hear("wiki1");
        CHECK(cluster.record().covered);
        CHECK(cluster.desk.ledger->covered);
    }
}

TEST_CASE("a master whose commits no longer wait is not covered") {
    Cluster cluster = Cluster::covered();
    REQUIRE(cluster.record().covered);
    cluster.servers["wiki1"].semi_sync = false;
    cluster.hear("wiki1");
    CHECK_FALSE(cluster.record().covered);
    CHECK(cluster.desk.told(Kind::alarm) == 1);
}

TEST_CASE("members that fall silent together with the master stay members") {
    Cluster cluster = Cluster::covered();
    cluster.desk.pass(1min);
    CHECK(cluster.set() == "wiki2 wiki3");
    CHECK(cluster.record().covered);
}

TEST_CASE(
    "a silent acker is barred, and removed when the others have all it can have acknowledged") {
    Cluster cluster = Cluster::covered();
    cluster.rounds(3, {"wiki1", "wiki2"});
    CHECK(cluster.set() == "wiki2 wiki3(leaving)");
    const Record& record = cluster.record();
    REQUIRE(record.barred == std::vector{id("wiki3")});
    CHECK(cluster.servers["wiki1"].set == std::vector{id("wiki2")});
    CHECK(cluster.servers["wiki1"].shut == std::vector{id("wiki3")});
    SUBCASE("not while the master has not barred it") {
        for (int i = 0; i < 5; ++i) {
            cluster.servers["wiki1"].barred = 0;
            cluster.rounds(1, {"wiki1", "wiki2"});
        }
        CHECK(cluster.set() == "wiki2 wiki3(leaving)");
    }
    SUBCASE("not while the other lacks what the master had after that") {
        cluster.servers["wiki1"].received = 300;
        cluster.rounds(5, {"wiki1", "wiki2"});
        CHECK(cluster.set() == "wiki2 wiki3(leaving)");
        cluster.servers["wiki2"].received = 300;
        cluster.rounds(2, {"wiki1", "wiki2"});
        CHECK(cluster.set() == "wiki2");
    }
    SUBCASE("it stays barred until it says that it is off, also over a restart of the arbiter") {
        cluster.rounds(3, {"wiki1", "wiki2"});
        CHECK(cluster.set() == "wiki2");
        CHECK(record.covered);
        Cluster restarted(Cluster::with_semi_sync(), *cluster.desk.ledger);
        restarted.servers = cluster.servers;
        for (auto& [name, server] : restarted.servers) server.mark = server.barred = 0;
        restarted.hear("wiki1");
        CHECK(restarted.servers["wiki1"].shut == std::vector{id("wiki3")});
        REQUIRE(restarted.servers["wiki3"].semi_sync);
        restarted.servers["wiki3"].replicates = false;  // the master lets it in no more
        restarted.rounds(1, {"wiki3", "wiki1"});        // it is told now, and obeys
        CHECK(restarted.record().barred.size() == 1);
        restarted.rounds(1, {"wiki3", "wiki1"});
        CHECK(restarted.record().barred.empty());
        CHECK(restarted.servers["wiki1"].shut.empty());
    }
    SUBCASE("it is back before it was let go, with all that it had") {
        cluster.hear("wiki3");
        cluster.hear("wiki1");
        CHECK(cluster.set() == "wiki2 wiki3");
        CHECK(record.barred.empty());
    }
}

TEST_CASE("one that says that it acknowledges nothing needs no barring") {
    Cluster cluster = Cluster::covered(Cluster::with_semi_sync(4));
    REQUIRE(cluster.set() == "wiki2 wiki3");
    auto leaving = cluster.beat("wiki3");
    leaving.drain = true;
    cluster.say("wiki3", leaving);
    cluster.hear("wiki1");  // wiki4 takes its place; wiki3 leaves when another acknowledges
    CHECK(cluster.set() == "wiki2 wiki3(leaving) wiki4");
    CHECK(cluster.record().barred.empty());
    for (int i = 0; i < 3; ++i) {
        auto off = cluster.beat("wiki3");
        off.drain = true;
        cluster.say("wiki3", off);
        cluster.rounds(1, {"wiki1", "wiki2", "wiki4"});
    }
    CHECK(cluster.set() == "wiki2 wiki4");
    CHECK(cluster.record().barred.empty());
}

TEST_CASE("the last acker that goes takes the cover with it, before commits cease to wait") {
    Cluster cluster = Cluster::covered(Cluster::with_semi_sync(2));
    REQUIRE(cluster.record().covered);
    cluster.rounds(2, {"wiki1"});
    CHECK(cluster.servers["wiki1"].semi_sync);
    cluster.rounds(1, {"wiki1"});
    CHECK_FALSE(cluster.desk.ledger->covered);
    CHECK(cluster.servers["wiki1"].set.empty());
    cluster.rounds(3, {"wiki1"});
    CHECK(cluster.set() == "wiki2(leaving)");  // what it acknowledged last may not be on disk yet
    cluster.rounds(4, {"wiki1"});
    CHECK(cluster.set().empty());
    CHECK(cluster.record().barred == std::vector{id("wiki2")});
}

// Seed 4015856 of tests/sim, as it was then.
TEST_CASE("the last acker is let go when the master has had time to flush, off or not") {
    Cluster cluster = Cluster::covered(Cluster::with_semi_sync(2));
    const auto drained = [&] {
        auto off = cluster.beat("wiki2");
        off.drain = true;
        cluster.say("wiki2", off);
        cluster.rounds(1, {"wiki1"});
    };
    drained();
    REQUIRE(cluster.set() == "wiki2(leaving)");
    drained();
    drained();
    CHECK_FALSE(cluster.servers["wiki2"].semi_sync);
    CHECK(cluster.set() == "wiki2(leaving)");
    for (int i = 0; i < 4; ++i) drained();
    CHECK(cluster.set().empty());
    CHECK(cluster.record().barred.empty());
}

TEST_CASE(
    "a master that nobody could succeed is an alarm, but not in the first seconds of its epoch") {
    const auto alarms = [](const Cluster& cluster) {
        return cluster.desk.arbiter.status(cluster.desk.now).alarms;
    };
    Cluster cluster;
    cluster.rounds(12, {"wiki1"});
    CHECK(alarms(cluster).empty());
    cluster.rounds(2, {"wiki1"});
    REQUIRE(alarms(cluster).size() == 1);
    CHECK(
        alarms(cluster).front() ==
        "no automatic failover if wiki1 dies: no replica that acknowledges its commits has caught "
        "up with it");
    cluster.rounds(5, cluster.all());
    CHECK(alarms(cluster).empty());

    SUBCASE("nobody else may lead") {
        ArbiterRules alone = Cluster::with_semi_sync();
        alone.servers[1].may_lead = alone.servers[2].may_lead = false;
        Cluster single(alone);
        single.rounds(15, {"wiki1"});
        CHECK(alarms(single).empty());
    }
    SUBCASE("a loss is allowed") {
        ArbiterRules lossy = Cluster::with_semi_sync();
        lossy.loss = Loss::allow;
        Cluster goes_on(lossy);
        goes_on.rounds(15, {"wiki1"});
        CHECK(alarms(goes_on).empty());
    }
}

TEST_CASE("an acker whose database restarted is whole again when it has what the master had then") {
    Cluster cluster = Cluster::covered();
    cluster.servers["wiki2"].start = 8;
    cluster.servers["wiki1"].received = 300;
    cluster.rounds(1, {"wiki2", "wiki1"});
    cluster.rounds(3, {"wiki2", "wiki1", "wiki3"});
    CHECK(cluster.record().semi_sync[0].start == 7);
    cluster.servers["wiki2"].received = 300;
    cluster.rounds(1, {"wiki2", "wiki1"});
    CHECK(cluster.record().semi_sync[0].start == 8);
    CHECK(cluster.desk.ledger->semi_sync[0].start == 8);
}

// Seed 113670 of tests/sim, as it was then.
TEST_CASE("somebody outside the set that acknowledges for as long as R is an alarm, told once") {
    Cluster cluster = Cluster::covered(Cluster::with_semi_sync(4));
    REQUIRE(cluster.set() == "wiki2 wiki3");
    for (int i = 0; i < 6; ++i) {
        auto stranger = cluster.beat("wiki4");
        stranger.semi_sync = true;
        cluster.say("wiki4", stranger);
        cluster.rounds(1, {"wiki1", "wiki2", "wiki3"});
    }
    CHECK(cluster.desk.told(Kind::alarm) == 1);
    CHECK(cluster.desk.story.back().why ==
          "wiki4 acknowledges commits and is not in the semi-sync set: no automatic failover");
    // It may be the only one that has a commit, over a restart of the arbiter too.
    CHECK_FALSE(cluster.desk.ledger->covered);
    cluster.rounds(6, cluster.all());  // over for R, then a line that a member passes
    CHECK(cluster.desk.ledger->covered);
}

// Seed 213236 of tests/sim, as it was then.
TEST_CASE("an outsider's alarm is over when for R nobody outside acknowledged") {
    Cluster cluster = Cluster::covered(Cluster::with_semi_sync(4));
    const auto with_a_stranger = [&](int rounds) {
        for (int i = 0; i < rounds; ++i) {
            auto stranger = cluster.beat("wiki4");
            stranger.semi_sync = true;
            cluster.say("wiki4", stranger);
            cluster.rounds(1, {"wiki1", "wiki2", "wiki3"});
        }
    };
    with_a_stranger(6);
    REQUIRE(cluster.desk.told(Kind::alarm) == 1);
    cluster.rounds(1, cluster.all());
    with_a_stranger(6);
    CHECK(cluster.desk.told(Kind::alarm) == 1);  // it is still that one
    CHECK_FALSE(cluster.desk.ledger->covered);
    cluster.rounds(6, cluster.all());
    with_a_stranger(6);
    CHECK(cluster.desk.told(Kind::alarm) == 2);
}

TEST_CASE("without semi-sync there is no set, and what was of it is forgotten") {
    Cluster cluster = Cluster::covered();
    Cluster without(rules(), *cluster.desk.ledger);
    without.rounds(1, {"wiki1", "wiki2"});
    CHECK(without.servers["wiki1"].set.empty());
    without.rounds(4, without.all());  // they say that they acknowledge nothing
    CHECK(without.set().empty());
    CHECK_FALSE(without.record().covered);
    CHECK(without.servers["wiki1"].set.empty());
}

TEST_CASE("every reply bears a mark of its own, and the revision that is on disk") {
    Cluster cluster = Cluster::covered();
    const std::uint64_t revision = cluster.desk.ledger->revision;
    const auto first = std::get<heartbeat::Ack>(cluster.hear("wiki1"));
    const auto second = std::get<heartbeat::Deny>(cluster.hear("wiki2"));
    CHECK(second.mark == first.mark + 1);
    CHECK(first.revision == revision);
    cluster.rounds(3, {"wiki1", "wiki2"});  // wiki3 leaves: a Remember
    CHECK(cluster.desk.ledger->revision > revision);
    CHECK(std::get<heartbeat::Ack>(*cluster.servers["wiki1"].reply).revision ==
          cluster.desk.ledger->revision);
}

TEST_CASE("a higher revision than the ledger's shows an older copy, as a higher epoch does") {
    Cluster cluster;
    cluster.servers["wiki2"].revision = 3;  // of a ledger whose record says 0
    cluster.hear("wiki1");
    cluster.hear("wiki2");
    CHECK(cluster.desk.ledger->closed);
    CHECK(cluster.desk.ledger->semi_sync_unknown);
    CHECK(cluster.desk.ledger->revision > 3);
    CHECK(cluster.desk.ledger->epoch == Epoch{5});
    CHECK(cluster.desk.state() == LeaseState::quarantine);
    REQUIRE(cluster.desk.told(Kind::refused) == 1);
    CHECK_FALSE(cluster.granted("wiki1"));
    cluster.desk.pass(64s);  // E of the longest lease, from the start: 60 s * 1.001 + 5 s
    for (const char* name : {"wiki2", "wiki3"}) cluster.hear(name);
    CHECK(cluster.desk.state() == LeaseState::quarantine);
    cluster.desk.pass(2s);
    CHECK(cluster.desk.state() != LeaseState::quarantine);
}

TEST_CASE("what a server heard of in this run is no older copy, also when it says no mark") {
    Cluster cluster = Cluster::covered();
    REQUIRE(cluster.servers["wiki2"].revision > 0);
    auto down = cluster.beat("wiki2");
    down.mark = 0;
    down.health.database = false;
    cluster.say("wiki2", down);
    CHECK_FALSE(cluster.record().closed);
    CHECK(cluster.desk.told(Kind::refused) == 0);
}

TEST_CASE("a revision that nobody can have reached moves nothing") {
    Cluster cluster;
    cluster.hear("wiki1");
    cluster.servers["wiki2"].revision = UINT64_MAX;
    cluster.hear("wiki2");
    CHECK_FALSE(cluster.record().closed);
    CHECK(cluster.desk.told(Kind::refused) == 1);
}

TEST_CASE(
    "the bound of the barred: a fifth that falls silent stays in the set until there is room") {
    ArbiterRules group = Cluster::with_semi_sync(7);
    group.ackers = 6;
    Cluster cluster = Cluster::covered(group);
    REQUIRE(cluster.record().semi_sync.size() == 6);
    cluster.rounds(9, {"wiki1", "wiki7"});
    CHECK(cluster.record().barred.size() == heartbeat::barred_max);
    CHECK(cluster.set() == "wiki6(leaving) wiki7");
    cluster.servers["wiki2"].replicates = false;
    cluster.rounds(6, {"wiki1", "wiki2", "wiki7"});
    CHECK(cluster.record().barred.size() == heartbeat::barred_max);
    CHECK(cluster.set() == "wiki7");
}

TEST_CASE("one that the configuration drops is barred where it was, and stays so") {
    Cluster cluster = Cluster::covered(Cluster::with_semi_sync(4));
    REQUIRE(cluster.set() == "wiki2 wiki3");
    const std::vector<Address> where = cluster.desk.group.servers[2].addresses;
    ArbiterRules others = Cluster::with_semi_sync(4);
    others.servers.erase(others.servers.begin() + 2);
    const auto told = [&](Cluster& by) {
        const auto& ack = std::get<heartbeat::Ack>(by.hear("wiki1"));
        return ack.barred;
    };
    const std::vector<heartbeat::Barred> wiki3_there{{id("wiki3"), where}};
    const std::vector<std::string> rest{"wiki1", "wiki2", "wiki4"};
    SUBCASE("while the arbiter is down") {
        Cluster restarted(others, *cluster.desk.ledger);
        restarted.servers = cluster.servers;
        for (auto& [name, server] : restarted.servers) server.mark = server.barred = 0;
        restarted.rounds(5, rest);
        CHECK(told(restarted) == wiki3_there);
        restarted.rounds(5, rest);
        CHECK(restarted.set() == "wiki2 wiki4");
        CHECK(told(restarted) == wiki3_there);
    }
    SUBCASE("and by the next epoch, too") {
        cluster.desk.step(RulesChanged{others});
        cluster.rounds(3, rest);
        REQUIRE(told(cluster) == wiki3_there);
        cluster.servers["wiki3"].semi_sync = false;  // no client of the master any more
        cluster.rounds(5, rest);
        CHECK(cluster.set() == "wiki2 wiki4");
        REQUIRE(told(cluster) == wiki3_there);
        cluster.lose_master({"wiki2", "wiki4"});
        REQUIRE_FALSE(cluster.elect({"wiki2", "wiki4"}).empty());
        const auto& ack = std::get<heartbeat::Ack>(cluster.hear(cluster.leader));
        CHECK(ack.barred == wiki3_there);
    }
}

TEST_CASE("a leaver that is barred nowhere, as its address is not known, stays in the set") {
    Cluster cluster = Cluster::covered(Cluster::with_semi_sync(4));
    Record unknown = *cluster.desk.ledger;
    unknown.places.clear();
    ArbiterRules others = Cluster::with_semi_sync(4);
    others.servers.erase(others.servers.begin() + 2);
    Cluster restarted(others, unknown);
    restarted.servers = cluster.servers;
    for (auto& [name, server] : restarted.servers) server.mark = server.barred = 0;
    restarted.rounds(12, {"wiki1", "wiki2", "wiki4"});
    CHECK(restarted.set() == "wiki2 wiki3(leaving) wiki4");
    CHECK(restarted.record().barred.empty());
}

TEST_CASE("the bound of the semi-sync set: no ninth member joins") {
    ArbiterRules group = Cluster::with_semi_sync(12);
    group.ackers = 20;
    std::sort(group.servers.begin(), group.servers.end(),
              [](const auto& a, const auto& b) { return a.id < b.id; });
    Cluster cluster = Cluster::covered(group);
    CHECK(cluster.record().semi_sync.size() == heartbeat::semi_sync_set_max);
}

TEST_CASE("semi-sync that is switched off is told to nobody before the record covers no more") {
    Cluster cluster = Cluster::covered();
    REQUIRE(cluster.set() == "wiki2 wiki3");
    REQUIRE(cluster.record().covered);
    ArbiterRules off = Cluster::with_semi_sync(3);
    off.semi_sync = false;
    cluster.desk.step(RulesChanged{off});
    // Whoever ceased to acknowledge now would leave commits to those outside.
    CHECK(std::get<heartbeat::Deny>(cluster.hear("wiki2")).semi_sync_set ==
          std::vector{id("wiki2"), id("wiki3")});
    REQUIRE(cluster.record().covered);
    CHECK(std::get<heartbeat::Ack>(cluster.hear("wiki1")).semi_sync_set.empty());
    CHECK_FALSE(cluster.desk.ledger->covered);
    CHECK(std::get<heartbeat::Deny>(cluster.hear("wiki2")).semi_sync_set.empty());
    // wiki3 has not heard of it, and would acknowledge what is to wait again.
    cluster.hear("wiki2");
    cluster.hear("wiki1");
    CHECK(cluster.set() == "wiki3(leaving)");
    cluster.hear("wiki3");
    cluster.hear("wiki3");
    cluster.hear("wiki1");
    CHECK(cluster.desk.ledger->semi_sync.empty());
}
