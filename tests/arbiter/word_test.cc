// What a word of an operator must not do: answer for another, end a lease that may live, be lost.
#include "operators.h"

using namespace dnsd;
using namespace dnsd::testing;

namespace {

// wiki2 has just been granted epoch 6 by a switchover that token 7 asked for, and is on its way.
Desk granted_to_wiki2(bool confirm_dead = true) {
    ArbiterRules group = rules();
    group.confirm_dead = confirm_dead;
    Desk desk = ready(group);
    CHECK(ask(desk, SwitchoverCommand{id("wiki2")}).kind == Answer::Kind::going_on);
    desk.hear("wiki2", follower());
    desk.hear("wiki1", master(Epoch{5}));
    desk.hear("wiki1", fenced_at(100));
    REQUIRE(desk.acked("wiki2", promised(Epoch{6})) == Epoch{6});
    return desk;
}

heartbeat::Heartbeat found_writable() {
    heartbeat::Heartbeat beat = replica(100);
    beat.read_only = false;
    return beat;
}

heartbeat::Heartbeat without_database() {
    heartbeat::Heartbeat beat = unwell("database: no answer");
    beat.health.database = false;
    beat.role = heartbeat::Role::unknown;
    beat.read_only = true;
    beat.received.reset();
    beat.applied.reset();
    return beat;
}

}  // namespace

TEST_CASE("a dry run answers itself alone, whoever else waits for what it would end") {
    Desk desk = granted_to_wiki2();
    desk.pass(4s);  // silent
    OperatorAsked dry = asked(ConfirmDeadCommand{id("wiki2")}, true);
    dry.token = 8;
    desk.step(dry);
    REQUIRE(answers(desk).size() == 1);
    CHECK(answers(desk)[0].token == 8);
    CHECK(answers(desk)[0].kind == Answer::Kind::done);
    CHECK(answers(desk)[0].text ==
          "nothing was changed; would be: the lease of wiki2 under epoch 6 has ended");
    CHECK(desk.arbiter.status(desk.now).holder == id("wiki2"));
    // The switchover succeeds a moment later, and it is then that it is answered.
    desk.hear("wiki2", master(Epoch{6}));
    REQUIRE(answers(desk).size() == 1);
    CHECK(answers(desk)[0].token == 7);
    CHECK(answers(desk)[0].kind == Answer::Kind::done);
}

TEST_CASE("whoever is heard is not dead: an ACK that makes it writable may be on its way") {
    Desk desk = granted_to_wiki2();
    desk.pass(500ms);
    const Answer answer = ask(desk, ConfirmDeadCommand{id("wiki2")});
    CHECK(answer.kind == Answer::Kind::refused);
    CHECK(answer.text ==
          "wiki2 was heard 0.50 s ago: it is not dead; its lease ends in 6.0 s if it "
          "is not renewed, and a switchover moves it");
    CHECK(desk.ledger->lease_may_live);
    SUBCASE("nor when its database seems to be down: a look may have seen nothing") {
        desk.hear("wiki2", without_database());
        CHECK(ask(desk, ConfirmDeadCommand{id("wiki2")}).kind == Answer::Kind::refused);
    }
    SUBCASE("silent for R it may be") {
        desk.pass(3s);
        desk.step(asked(ConfirmDeadCommand{id("wiki2")}));
        // The switchover that waited for it has failed by that.
        REQUIRE(answers(desk).size() == 2);
        CHECK(answers(desk)[0].kind == Answer::Kind::refused);
        CHECK(answers(desk)[1].kind == Answer::Kind::done);
        CHECK_FALSE(desk.ledger->lease_may_live);
    }
}

TEST_CASE("whoever says that it is fenced is taken for dead after a start when all were heard") {
    ArbiterRules group = rules();
    group.confirm_dead = true;
    Desk desk(group, led_by_wiki1());
    desk.hear("wiki1", fenced_at(100));
    REQUIRE(desk.arbiter.status(desk.now).holder == id("wiki1"));  // not all have been heard
    CHECK(ask(desk, ConfirmDeadCommand{id("wiki1")}).kind == Answer::Kind::refused);
    desk.hear("wiki2", replica());
    desk.hear("wiki3", replica());
    CHECK(ask(desk, ConfirmDeadCommand{id("wiki1")}).kind == Answer::Kind::done);
}

TEST_CASE("a lease without an end is ended by a word when its database has been down for R") {
    ArbiterRules group = rules();
    group.confirm_dead = true;
    Desk desk(group);
    desk.hear("wiki2", replica());
    desk.hear("wiki3", replica());
    REQUIRE(desk.acked("wiki1", found_writable()) == Epoch{1});
    REQUIRE(desk.ledger->lease_longest >= Record::unbounded);
    const Answer answer = ask(desk, ConfirmDeadCommand{id("wiki1")});
    CHECK(answer.text ==
          "wiki1 was heard 0.00 s ago: it is not dead; stop its agent and its "
          "database, and ask again when it has been silent for 3.0 s");
    desk.hear("wiki1", without_database());
    CHECK(ask(desk, ConfirmDeadCommand{id("wiki1")}).kind == Answer::Kind::refused);
    for (int i = 0; i < 3; ++i) {
        desk.pass(1s);
        desk.hear("wiki1", without_database());
    }
    CHECK(ask(desk, ConfirmDeadCommand{id("wiki1")}).kind == Answer::Kind::done);
}

TEST_CASE("loss = allow: who is named leads, though nobody passes the gate") {
    ArbiterRules group = Cluster::with_semi_sync();
    group.loss = Loss::allow;
    Desk desk(group, led_by_wiki1());  // S is empty, and covers nothing
    desk.hear("wiki1", master(Epoch{5}));
    desk.pass(7s);
    desk.hear("wiki2", replica());
    desk.hear("wiki3", replica());
    CHECK(ask(desk, SwitchoverCommand{id("wiki3")}).kind == Answer::Kind::going_on);
    desk.hear("wiki2", promised(Epoch{6}));
    desk.hear("wiki3", promised(Epoch{6}));
    desk.pass(300ms);
    CHECK_FALSE(desk.acked("wiki2", promised(Epoch{6})));
    SUBCASE("as it lacks nothing that another candidate has") {
        CHECK(desk.acked("wiki3", promised(Epoch{6})) == Epoch{6});
        CHECK(desk.told(Kind::lost_accepted) == 1);
        CHECK(desk.arbiter.losses_accepted() == 1);
    }
    SUBCASE("but not when it lacks what another candidate has; and then the others do not wait") {
        // Seed 72031480 of tests/sim, as it was then.
        desk.hear("wiki2", promised(Epoch{6}, 110));
        const auto answer = answers(desk);
        REQUIRE(answer.size() == 1);
        CHECK(answer[0].kind == Answer::Kind::refused);
        CHECK(answer[0].text == "wiki2 has what wiki3 lacks; name that one, or nobody");
        CHECK_FALSE(desk.acked("wiki3", promised(Epoch{6})));
        CHECK(desk.acked("wiki2", promised(Epoch{6}, 110)) == Epoch{6});
    }
}

TEST_CASE("loss = allow, and failovers are blocked: the last holder leads if it lacks nothing") {
    ArbiterRules group = Cluster::with_semi_sync();
    group.loss = Loss::allow;
    Record record = led_by_wiki1();
    record.damping.failovers = {0};
    record.damping.block = Until{60, 60};
    Desk desk(group, record);
    desk.hear("wiki1", master(Epoch{5}));
    desk.pass(7s);
    const auto restarted = [](std::uint64_t received) {
        heartbeat::Heartbeat beat = promised(Epoch{6}, received);
        beat.database_start = 9;
        return beat;
    };
    const auto both = [&](std::uint64_t of_the_holder, std::uint64_t of_wiki2) {
        desk.hear("wiki3", promised(Epoch{6}));
        desk.hear("wiki1", restarted(of_the_holder));
        desk.hear("wiki2", promised(Epoch{6}, of_wiki2));
        desk.pass(400ms);
        CHECK_FALSE(desk.acked("wiki2", promised(Epoch{6}, of_wiki2)));
        return desk.acked("wiki1", restarted(of_the_holder));
    };
    // wiki2 would be chosen by what it has applied, or received.
    SUBCASE("it has all") {
        CHECK(both(110, 110) == Epoch{6});
    }
    SUBCASE("another has more") {
        CHECK_FALSE(both(100, 110));
    }
}

// Seed 29923609029468 of tests/sim, as it was then.
TEST_CASE("a word waits no longer than it takes from the lease's end, also when that comes early") {
    Record record = led_by_wiki1();
    record.lease_longest = 60s;  // what a damaged record is taken for
    Desk desk(rules(), record);
    CHECK(ask(desk, SwitchoverCommand{id("wiki3")}).kind == Answer::Kind::going_on);
    desk.hear("wiki2", replica());
    desk.hear("wiki3", replica());
    desk.hear("wiki1", fenced_at(100));
    REQUIRE(desk.told(Kind::freed) == 1);
    // wiki3 is not well: it is not granted, and nobody else is meanwhile.
    const auto hear_all = [&] {
        desk.hear("wiki3", unwell());
        return desk.acked("wiki2", promised(Epoch{6}));
    };
    hear_all();
    for (int i = 0; i < 11; ++i) {
        desk.pass(2s);
        REQUIRE_FALSE(hear_all());
    }
    desk.pass(2s);  // 12 s for a grant, and two leases
    REQUIRE(answers(desk).size() == 1);
    CHECK(answers(desk)[0].kind == Answer::Kind::refused);
    CHECK(hear_all() == Epoch{6});
}
