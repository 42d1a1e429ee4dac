// At most four are barred: what an operator is told when there is no room, and how room is made.

#include "operators.h"

#include <doctest/doctest.h>

using namespace dnsd;
using namespace dnsd::testing;

namespace {

// wiki1 leads seven; wiki2 to wiki6 fell silent, of whom four are barred and have left the set.
Cluster crowded() {
    ArbiterRules group = Cluster::with_semi_sync(7);
    group.ackers = 6;
    group.confirm_dead = true;
    Cluster cluster = Cluster::covered(group);
    cluster.rounds(9, {"wiki1", "wiki7"});
    REQUIRE(cluster.record().barred.size() == heartbeat::barred_max);
    REQUIRE(cluster.set() == "wiki6(leaving) wiki7");
    return cluster;
}

void drop(Cluster& cluster, const char* name) {
    auto& servers = cluster.desk.group.servers;
    std::erase_if(servers, [&](const ServerRules& server) { return server.id == id(name); });
    cluster.desk.step(RulesChanged{cluster.desk.group});
    cluster.rounds(1, {"wiki1", "wiki7"});
}

// What the status says of it.
std::string crowd(const Cluster& cluster) {
    for (const std::string& alarm : cluster.desk.arbiter.status(cluster.desk.now).alarms)
        if (alarm.find("can not be barred") != std::string::npos) return alarm;
    return {};
}

}  // namespace

TEST_CASE("when four are barred already an alarm says who can not be, and what to do") {
    Cluster cluster = crowded();
    const std::string why =
        "wiki6 can not be barred and stays in the semi-sync set, as 4 are barred already: wiki2, "
        "wiki3, wiki4, wiki5; start them, or drop who is gone for good from the configuration and "
        "then say confirm-dead";
    CHECK(crowd(cluster) == why);
    cluster.rounds(30, {"wiki1", "wiki7"});
    CHECK(std::count_if(cluster.desk.story.begin(), cluster.desk.story.end(), [&](const Note& one) {
              return one.kind == Kind::alarm && one.why == why;
          }) == 1);
    SUBCASE("until one of them is back") {
        cluster.servers["wiki2"].replicates = false;
        cluster.rounds(6, {"wiki1", "wiki2", "wiki7"});
        CHECK(crowd(cluster).empty());
    }
    SUBCASE("until nobody is to acknowledge") {
        cluster.desk.group.semi_sync = false;
        cluster.desk.step(RulesChanged{cluster.desk.group});
        cluster.rounds(2, {"wiki1", "wiki7"});
        CHECK(crowd(cluster).empty());
    }
}

TEST_CASE("confirm-dead ends the bar of one that is configured no more") {
    Cluster cluster = crowded();
    Desk& desk = cluster.desk;
    // It may come back, and its own word is waited for.
    CHECK(ask(desk, ConfirmDeadCommand{id("wiki3")}).kind == Answer::Kind::refused);
    drop(cluster, "wiki3");
    const Answer dry = ask(desk, ConfirmDeadCommand{id("wiki3")}, true);
    CHECK(dry.text == "nothing was changed; would be: wiki3 is barred no more");
    REQUIRE(cluster.record().barred.size() == heartbeat::barred_max);
    const Answer answer = ask(desk, ConfirmDeadCommand{id("wiki3")});
    CHECK(answer.kind == Answer::Kind::done);
    CHECK(answer.text == "wiki3 is barred no more");
    CHECK(durable(desk));
    CHECK(desk.ledger->barred == std::vector{id("wiki2"), id("wiki4"), id("wiki5")});
    CHECK(desk.story.back().kind == Kind::confirmed_dead);
    CHECK(desk.story.back().server == id("wiki3"));
    CHECK(desk.story.back().by == "anna");
    CHECK(desk.state() == LeaseState::held);
    // Now there is room for the one that waited.
    cluster.rounds(6, {"wiki1", "wiki7"});
    CHECK(cluster.set() == "wiki7");
    CHECK(crowd(cluster).empty());
    // Once more: nobody of that name is barred.
    const Answer again = ask(desk, ConfirmDeadCommand{id("wiki3")});
    CHECK(again.kind == Answer::Kind::refused);
    CHECK(again.text.find("there is no server wiki3 in this group") == 0);
}

TEST_CASE("only a bar is ended by that, where it is allowed, and not of a member of the set") {
    Cluster cluster = crowded();
    SUBCASE("not where the configuration forbids it") {
        cluster.desk.group.confirm_dead = false;
        drop(cluster, "wiki3");
        const Answer answer = ask(cluster.desk, ConfirmDeadCommand{id("wiki3")});
        CHECK(answer.kind == Answer::Kind::refused);
        CHECK(answer.text.find("confirm-dead is off") == 0);
    }
    SUBCASE("no other command knows it") {
        drop(cluster, "wiki3");
        const Answer answer = ask(cluster.desk, DrainCommand{id("wiki3"), 1h});
        CHECK(answer.kind == Answer::Kind::refused);
    }
    SUBCASE("not of one that leaves the set still") {
        Cluster leaving = Cluster::covered(cluster.desk.group);
        leaving.servers["wiki1"].barred = 0;
        for (int i = 0; i < 5; ++i) {  // the master never says that it bars anybody
            leaving.desk.pass(1s);
            auto beat = leaving.beat("wiki1");
            beat.barred = 0;
            leaving.say("wiki1", beat);
            leaving.hear("wiki7");
        }
        drop(leaving, "wiki2");
        REQUIRE(is_barred(leaving.record(), id("wiki2")));
        REQUIRE(acker_of(leaving.record(), id("wiki2")));
        const Answer answer = ask(leaving.desk, ConfirmDeadCommand{id("wiki2")});
        CHECK(answer.kind == Answer::Kind::refused);
        CHECK(answer.text.find("wiki2 is in the semi-sync set still") == 0);
        CHECK(is_barred(leaving.record(), id("wiki2")));
    }
    CHECK(is_barred(cluster.record(), id("wiki3")));
}
