#include "operators.h"

#include <doctest/doctest.h>

using namespace dnsd;
using namespace dnsd::testing;

TEST_CASE("a switchover: yield, final position, catch up, grant, done") {
    Desk desk = yielding();
    // No further ACK of the epoch, however often it asks.
    CHECK_FALSE(desk.acked("wiki1", master(Epoch{5})));
    desk.hear("wiki1", fenced_at(120));
    // The candidate goes on receiving, the others prepare.
    CHECK(desk.denied("wiki2", follower(110)).order == heartbeat::Order(heartbeat::WaitOrder{}));
    CHECK(desk.denied("wiki3", follower(110)).order ==
          heartbeat::Order(heartbeat::PrepareOrder{Epoch{6}}));
    CHECK_FALSE(desk.acked("wiki3", promised(Epoch{6}, 130)));  // nobody else is granted
    CHECK(desk.denied("wiki2", follower(120)).order ==
          heartbeat::Order(heartbeat::PrepareOrder{Epoch{6}}));
    REQUIRE(desk.acked("wiki2", promised(Epoch{6}, 120)) == Epoch{6});
    CHECK(durable(desk));
    desk.now += 200ms;
    desk.hear("wiki2", master(Epoch{6}, 120));
    const auto found = answers(desk);
    REQUIRE(found.size() == 1);
    CHECK(found[0].kind == Answer::Kind::done);
    CHECK(found[0].text == "wiki2 leads under epoch 6");
    CHECK(found[0].no_writer == 200ms);
    CHECK(desk.arbiter.status(desk.now).counts.switchover.done == 1);
    CHECK(desk.ledger->damping == Damping{});  // planned: nothing is damped
    const auto writable = std::find_if(desk.story.rbegin(), desk.story.rend(),
                                       [](const Note& n) { return n.kind == Kind::writable; });
    CHECK(writable->planned);
    CHECK(writable->by == "anna");
    CHECK(writable->from == id("wiki1"));
}

TEST_CASE("a switchover that takes too long gives the lease back under a new epoch") {
    Desk desk = yielding();
    desk.hear("wiki1", fenced_at(120));
    for (int i = 0; i < 6; ++i) {
        CHECK_FALSE(desk.acked("wiki1", fenced_at(120)));
        CHECK_FALSE(desk.acked("wiki2", follower(110)));
        CHECK_FALSE(desk.acked("wiki3", promised(Epoch{6}, 110)));
        desk.pass(1s);
    }
    CHECK(desk.told(Kind::switchover_failed) == 1);
    REQUIRE(answers(desk).size() == 1);
    CHECK(answers(desk)[0].kind == Answer::Kind::refused);
    CHECK(desk.acked("wiki1", promised(Epoch{6}, 120)) == Epoch{6});
    CHECK(desk.ledger->damping == Damping{});  // the last holder again: no failover
}

TEST_CASE("a holder that yields without a word loses the lease only when it has run out") {
    Desk desk = yielding();
    desk.pass(6s);
    CHECK(desk.told(Kind::switchover_failed) == 1);
    CHECK_FALSE(desk.acked("wiki1", master(Epoch{5})));
    CHECK_FALSE(desk.acked("wiki2", promised(Epoch{6})));
}

TEST_CASE("a holder whose database restarted makes the switchover an election") {
    Desk desk = yielding();
    heartbeat::Heartbeat killed = fenced_at(90);
    killed.database_start = 8;
    desk.hear("wiki1", killed);
    CHECK(desk.told(Kind::switchover_failed) == 1);
}

TEST_CASE("a candidate that does not come close enough: refused, and nothing was changed") {
    Desk desk = ready();
    heartbeat::Heartbeat late = follower();
    late.lag = 12s;
    desk.hear("wiki2", late);
    CHECK(ask(desk, SwitchoverCommand{id("wiki2")}).kind == Answer::Kind::going_on);
    for (int i = 0; i < 4; ++i) {
        desk.pass(1s);
        desk.hear("wiki2", late);
        CHECK(desk.acked("wiki1", master(Epoch{5})) == Epoch{5});
        desk.hear("wiki3", follower());
    }
    desk.pass(1s);
    REQUIRE(answers(desk).size() == 1);
    CHECK(answers(desk)[0].kind == Answer::Kind::refused);
    CHECK_FALSE(answers(desk)[0].changed);
    CHECK(answers(desk)[0].text ==
          "the switchover to wiki2 failed: wiki2 is not close enough: lag 12 s, a switchover "
          "needs 1.5 s or less; wiki1 leads on");
    CHECK(desk.acked("wiki1", master(Epoch{5})) == Epoch{5});
}

TEST_CASE("a dry run tells candidates and steps, and changes nothing") {
    Desk desk = ready();
    heartbeat::Heartbeat ill = unwell();
    desk.hear("wiki3", ill);
    const Answer answer = ask(desk, SwitchoverCommand{}, true);
    CHECK(answer.kind == Answer::Kind::done);
    CHECK_FALSE(answer.changed);
    REQUIRE(answer.candidates.size() == 2);
    CHECK(answer.candidates[0] ==
          Answer::Judged{id("wiki2"), true, "received all of wiki1's commits"});
    CHECK(answer.candidates[1] == Answer::Judged{id("wiki3"), false, "page: HTTP 503"});
    CHECK(answer.stops_writer);
    CHECK(answer.steps == std::vector<std::string>{"wiki1 stops writing", "wiki2 applies the rest",
                                                   "epoch 6", "serial 1"});
    CHECK_FALSE(desk.arbiter.status(desk.now).switchover);
    CHECK(desk.acked("wiki1", master(Epoch{5})) == Epoch{5});
    CHECK(ask(desk, PauseCommand{10s}, true).text ==
          "nothing was changed; would be: automatic failovers are paused for 10 s");
    CHECK_FALSE(desk.arbiter.record().pause);
}

TEST_CASE("a switchover that can not be is refused with its reason") {
    Desk desk = ready();
    const auto why = [&](Command command) {
        const Answer answer = ask(desk, std::move(command));
        CHECK(answer.kind == Answer::Kind::refused);
        CHECK_FALSE(answer.changed);
        return answer.text;
    };
    CHECK(why(SwitchoverCommand{id("wiki1")}) == "wiki1 leads already");
    CHECK(why(SwitchoverCommand{id("wiki9")}) == "there is no server wiki9 in this group");
    desk.hear("wiki2", unwell());
    CHECK(why(SwitchoverCommand{id("wiki2")}) == "wiki2 may not lead: page: HTTP 503");
    desk.hear("wiki3", unwell());
    CHECK(why(SwitchoverCommand{}) ==
          "no server may take over from wiki1; wiki2: page: HTTP 503; wiki3: page: HTTP 503");
    CHECK(desk.arbiter.status(desk.now).counts.switchover.refused == 4);
}

TEST_CASE("a command is refused while the ledger can not be written") {
    Desk desk = ready();
    desk.ledger_fails = true;
    desk.step(asked(PauseCommand{10s}));
    CHECK(answers(desk).empty());  // the shell answers: the machine never heard of it
    CHECK_FALSE(desk.arbiter.record().pause);
    CHECK(ask(desk, PauseCommand{10s}).kind == Answer::Kind::refused);
}

TEST_CASE("a drained holder is relieved, and the command is done when another leads") {
    Desk desk = ready();
    const Answer begun = ask(desk, DrainCommand{id("wiki1"), 10min});
    CHECK(durable(desk));
    CHECK(begun.kind == Answer::Kind::going_on);
    CHECK(begun.changed);
    CHECK(desk.pool() == "wiki2 wiki3");
    desk.hear("wiki2", follower());
    desk.hear("wiki1", master(Epoch{5}));
    desk.hear("wiki1", fenced_at(100));
    REQUIRE(desk.acked("wiki2", promised(Epoch{6})) == Epoch{6});
    desk.hear("wiki2", master(Epoch{6}));
    REQUIRE(answers(desk).size() == 1);
    CHECK(answers(desk)[0].kind == Answer::Kind::done);
    SUBCASE("it is never elected until it is drained no more") {
        CHECK_FALSE(desk.arbiter.status(desk.now).servers[0].may_lead);
        CHECK(ask(desk, UndrainCommand{id("wiki1")}).changed);
        CHECK_FALSE(desk.arbiter.record().drains.size());
        CHECK_FALSE(ask(desk, UndrainCommand{id("wiki1")}).changed);
    }
}

TEST_CASE("a pause stops grants, not renewals, and ends by time") {
    Desk desk = ready();
    CHECK(ask(desk, PauseCommand{60s}).kind == Answer::Kind::done);
    CHECK(durable(desk));
    CHECK(desk.acked("wiki1", master(Epoch{5})) == Epoch{5});
    desk.hear("wiki1", fenced_at(100));
    for (int i = 0; i < 59; ++i) {
        desk.pass(1s);
        const auto deny = desk.denied("wiki2", promised(Epoch{6}));
        CHECK(deny.reason == heartbeat::DenyReason::paused);
    }
    desk.pass(2s);
    CHECK(desk.told(Kind::resumed) == 1);
    CHECK_FALSE(desk.ledger->pause);
    CHECK(desk.acked("wiki2", promised(Epoch{6})) == Epoch{6});
}

TEST_CASE("after an automatic failover the next waits for B, or for an operator") {
    Desk desk = ready();
    desk.hear("wiki1", fenced_at(100));
    desk.hear("wiki2", promised(Epoch{6}));
    desk.pass(7s);
    REQUIRE(desk.acked("wiki2", promised(Epoch{6})) == Epoch{6});
    CHECK(desk.ledger->damping.failovers.size() == 1);
    CHECK(desk.told(Kind::damped) == 1);
    desk.hear("wiki2", master(Epoch{6}));
    desk.hear("wiki2", fenced(Epoch{6}));
    desk.hear("wiki3", promised(Epoch{7}));
    desk.pass(7s);
    CHECK(desk.denied("wiki3", promised(Epoch{7})).order ==
          heartbeat::Order(heartbeat::PrepareOrder{Epoch{7}}));
    CHECK(desk.denied("wiki3", promised(Epoch{7})).reason == heartbeat::DenyReason::damped);
    SUBCASE("the last holder may lead again") {
        desk.hear("wiki2", promised(Epoch{7}));
        CHECK(desk.acked("wiki2", promised(Epoch{7})) == Epoch{7});
    }
    SUBCASE("B passes") {
        desk.pass(60s);
        CHECK(desk.acked("wiki3", promised(Epoch{7})) == Epoch{7});
    }
    SUBCASE("an operator's switchover is an election now") {
        CHECK(ask(desk, SwitchoverCommand{id("wiki3")}).kind == Answer::Kind::going_on);
        CHECK(desk.acked("wiki3", promised(Epoch{7})) == Epoch{7});
        CHECK(desk.ledger->damping.failovers.empty());
    }
    SUBCASE("resume lifts it") {
        CHECK(ask(desk, ResumeCommand{}).changed);
        CHECK(desk.acked("wiki3", promised(Epoch{7})) == Epoch{7});
    }
}

TEST_CASE("a state that is later than the ledger's ends a switchover") {
    // Seed 5004212 of tests/sim, as it was then: nobody was the holder, and the candidate was
    // judged as the holder's replica.
    Desk desk = ready();
    REQUIRE(ask(desk, SwitchoverCommand{id("wiki2")}).kind == Answer::Kind::going_on);
    heartbeat::Heartbeat later = replica(100);
    later.revision = desk.ledger->revision + 5;
    desk.hear("wiki3", later);
    CHECK(desk.told(Kind::switchover_failed) == 1);
    desk.pass(10s);
    CHECK_FALSE(desk.arbiter.status(desk.now).switchover);
}

TEST_CASE("confirm-dead is for a silent holder alone, and off unless configured") {
    ArbiterRules group = rules();
    Desk off = ready(group);
    CHECK(ask(off, ConfirmDeadCommand{id("wiki1")}).kind == Answer::Kind::refused);
    group.confirm_dead = true;
    Desk desk = ready(group);
    CHECK(ask(desk, ConfirmDeadCommand{id("wiki1")}).kind == Answer::Kind::refused);
    CHECK(ask(desk, ConfirmDeadCommand{id("wiki2")}).kind == Answer::Kind::refused);
    CHECK(desk.arbiter.status(desk.now).holder == id("wiki1"));
    desk.pass(3s);
    CHECK(ask(desk, ConfirmDeadCommand{id("wiki1")}).kind == Answer::Kind::done);
    CHECK(durable(desk));
    CHECK_FALSE(desk.arbiter.status(desk.now).holder);
    CHECK(desk.ledger->closed);
}

// Seeds 58013286 and 58025152 of tests/sim, as they were then.
TEST_CASE("confirm-dead after a start waits for all others: the ledger may be an older copy") {
    ArbiterRules group = rules();
    group.confirm_dead = true;
    Desk desk(group, ready(group).ledger);
    desk.pass(4s);
    REQUIRE(desk.state() == LeaseState::quarantine);
    desk.hear("wiki3", replica());
    const Answer answer = ask(desk, ConfirmDeadCommand{id("wiki1")});
    CHECK(answer.kind == Answer::Kind::refused);
    CHECK(answer.text.find("wiki2 has not reported") != std::string::npos);
    CHECK(desk.state() == LeaseState::quarantine);
    desk.hear("wiki2", replica());
    CHECK(ask(desk, ConfirmDeadCommand{id("wiki1")}).kind == Answer::Kind::done);
}

TEST_CASE("adopt ends a first election that waits for a report, and never beside a live lease") {
    Desk live = ready();
    CHECK(ask(live, AdoptCommand{id("wiki2")}).kind == Answer::Kind::refused);
    Desk desk;
    desk.hear("wiki1", replica(100));
    desk.hear("wiki2", replica(90));
    desk.pass(1s);
    CHECK(ask(desk, AdoptCommand{id("wiki2")}).text ==
          "wiki1 has received more, up to 0-1-100; adopt that one, or allow the loss");
    CHECK(ask(desk, AdoptCommand{id("wiki1")}).kind == Answer::Kind::going_on);
    CHECK(desk.acked("wiki1", promised(Epoch{1})) == Epoch{1});
    desk.hear("wiki1", master(Epoch{1}));
    REQUIRE(answers(desk).size() == 1);
    CHECK(answers(desk)[0].kind == Answer::Kind::done);
    CHECK(desk.told(Kind::adopted) == 1);
}

TEST_CASE("one that has what its master lacks may be adopted, but not before it asks") {
    Desk desk;
    heartbeat::Heartbeat errant = replica(100);
    errant.errant = heartbeat::Errant::wrote;
    errant.wants = heartbeat::Wish::nothing;
    desk.hear("wiki1", errant);
    desk.hear("wiki2", replica(90));
    desk.pass(1s);
    CHECK(ask(desk, AdoptCommand{id("wiki1")}).kind == Answer::Kind::refused);
    CHECK(ask(desk, AdoptCommand{id("wiki1"), true}).kind == Answer::Kind::going_on);
    errant.promised = Epoch{1};
    CHECK_FALSE(desk.acked("wiki1", errant));  // it would not take it
    errant.wants = heartbeat::Wish::master;
    CHECK(desk.acked("wiki1", errant) == Epoch{1});
}

TEST_CASE("an adoption opens the window, also when nobody may lead by the rules") {
    // Seed 3482 of tests/sim, as it was then: all were errant, and the one whom the operator named
    // was never told to promise.
    Cluster cluster = Cluster::covered();
    for (auto& [name, server] : cluster.servers)
        if (name != "wiki1") server.errant = heartbeat::Errant::wrote;
    cluster.lose_master({"wiki2", "wiki3"});
    cluster.rounds(3, {"wiki2", "wiki3"});
    REQUIRE(cluster.desk.state() == LeaseState::free);
    REQUIRE(ask(cluster.desk, AdoptCommand{id("wiki2"), true}).kind == Answer::Kind::going_on);
    CHECK(cluster.elect({"wiki2", "wiki3"}) == "wiki2");
    // Its position is not to be trusted: others may have what it lacks.
    CHECK(cluster.desk.told(Kind::lost_accepted) == 1);
}

TEST_CASE("two machines under one name are not heard, and told once an appearance") {
    Desk desk = ready();
    desk.step(ClonesSeen{{id("wiki1")}});
    desk.step(ClonesSeen{{id("wiki1")}});
    CHECK(desk.told(Kind::alarm) == 1);
    CHECK_FALSE(desk.acked("wiki1", master(Epoch{5})));
    CHECK(desk.arbiter.status(desk.now).clones == std::vector{id("wiki1")});
    CHECK(desk.arbiter.status(desk.now).holder == id("wiki1"));  // nor is its "fenced" believed
    desk.hear("wiki1", fenced_at(100));
    CHECK(desk.arbiter.status(desk.now).holder == id("wiki1"));
    desk.step(ClonesSeen{});
    CHECK(desk.acked("wiki1", master(Epoch{5})) == Epoch{5});
    desk.step(ClonesSeen{{id("wiki1")}});
    CHECK(desk.told(Kind::alarm) == 2);
}

TEST_CASE("a holder that is dropped keeps its claim until E, and its name stays published") {
    Desk desk = ready();
    ArbiterRules next = rules();
    next.servers.erase(next.servers.begin());
    desk.step(RulesChanged{next});
    CHECK(desk.arbiter.status(desk.now).holder == id("wiki1"));
    CHECK_FALSE(desk.acked("wiki2", promised(Epoch{6})));
    REQUIRE(desk.arbiter.standing().master);
    CHECK(desk.arbiter.standing().master->id == id("wiki1"));
    desk.pass(rules().expiry(6s));
    CHECK_FALSE(desk.arbiter.status(desk.now).holder);
}

// Seed 91007622 of the simulation.
TEST_CASE("a master that moved and is dropped stays where it was last, though the ledger fails") {
    Desk desk = ready();
    ArbiterRules next = rules();
    const std::vector moved{Address::v4({198, 51, 100, 1})};
    next.servers[0].addresses = moved;
    desk.ledger_fails = true;
    desk.step(RulesChanged{next});
    desk.pass(1s);
    REQUIRE(desk.arbiter.standing().master);
    CHECK(desk.arbiter.standing().master->addresses == moved);
    REQUIRE(desk.ledger->master_addresses != moved);
    next.servers.erase(next.servers.begin());
    desk.step(RulesChanged{next});
    REQUIRE(desk.arbiter.standing().master);
    CHECK(desk.arbiter.standing().master->addresses == moved);
    // What it had is kept as soon as there is room for it.
    desk.ledger_fails = false;
    desk.pass(rules().lease);
    CHECK(desk.ledger->master_addresses == moved);
    CHECK(desk.arbiter.standing().master->addresses == moved);
}

TEST_CASE("a lease that a reload makes longer is on disk before it is told") {
    Desk desk = ready();
    ArbiterRules next = rules();
    next.lease = 12s;
    desk.step(RulesChanged{next});
    desk.hear("wiki1", master(Epoch{5}));
    REQUIRE(durable(desk));
    CHECK(desk.ledger->lease_longest == 12s);
    next.lease = 6s;
    desk.step(RulesChanged{next});
    desk.hear("wiki1", master(Epoch{5}));
    CHECK(desk.ledger->lease_longest == 12s);  // what was told is not taken back
}
