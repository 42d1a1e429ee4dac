// Words that name somebody are judged again when they are carried out; and what is answered when
// nothing can come of one any more.
#include "operators.h"

using namespace dnsd;
using namespace dnsd::testing;

namespace {

ArbiterRules without_lead(std::size_t server) {
    ArbiterRules next = rules();
    next.servers[server].may_lead = false;
    return next;
}

ArbiterRules without_wiki2() {
    ArbiterRules next = rules();
    next.servers.erase(next.servers.begin() + 1);
    return next;
}

// wiki1 is lost, and an operator has named wiki2: its next heartbeat would be granted.
Desk named(Command command) {
    const bool adoption = std::holds_alternative<AdoptCommand>(command);
    Desk desk = master_lost();
    desk.hear("wiki2", replica());
    CHECK(ask(desk, std::move(command)).kind == Answer::Kind::going_on);
    // An adoption waits for no window.
    if (!adoption) desk.hear("wiki2", promised(Epoch{6}));
    desk.hear("wiki3", promised(Epoch{6}));
    desk.now += 400ms;
    return desk;
}

// At once, without waiting for the word's end.
std::string refused_at_once(Desk& desk) {
    desk.pass(1ms);
    const auto found = answers(desk);
    REQUIRE(found.size() == 1);
    CHECK(found[0].kind == Answer::Kind::refused);
    return found[0].text;
}

void judged_again(const Command& command) {
    Desk desk = named(command);
    heartbeat::Heartbeat asks = promised(Epoch{6});
    std::string why;
    SUBCASE("the settings say that it may not lead") {
        desk.step(RulesChanged{without_lead(1)});
        why = "wiki2 may not lead (configured); may_lead = true lets it";
    }
    SUBCASE("the settings do not name it") {
        desk.step(RulesChanged{without_wiki2()});
        why = "wiki2 is configured no more";
    }
    SUBCASE("it is drained") {
        desk.step(asked(DrainCommand{id("wiki2"), std::nullopt}));
        why = "wiki2 is drained; undrain it first";
    }
    SUBCASE("its agent drains it") {
        asks.drain = true;
        why = "wiki2 is drained by its own agent; undrain it there";
    }
    SUBCASE("its agent says that it may not lead") {
        asks.may_not_lead = true;
        why = "wiki2 may not lead (its agent says so)";
    }
    SUBCASE("all is as it was") {
        CHECK(desk.acked("wiki2", asks) == Epoch{6});
        return;
    }
    // Before time is judged.
    CHECK_FALSE(desk.acked("wiki2", asks));
    CHECK_FALSE(desk.acked("wiki3", promised(Epoch{6})));  // the word names another
    CHECK(refused_at_once(desk) == why);
    desk.pass(400ms);
    CHECK_FALSE(desk.acked("wiki2", asks));
    CHECK(desk.acked("wiki3", promised(Epoch{6})) == Epoch{6});
}

}  // namespace

TEST_CASE("who is named for an election is judged again at the grant") {
    judged_again(SwitchoverCommand{id("wiki2")});
}

TEST_CASE("who is adopted is judged again at the grant") {
    judged_again(AdoptCommand{id("wiki2"), true});
}

TEST_CASE("a switchover ends at once when its candidate may lead no more, and says so") {
    Desk desk = yielding();
    desk.hear("wiki1", fenced_at(100));
    desk.step(RulesChanged{without_lead(1)});
    CHECK_FALSE(desk.acked("wiki2", promised(Epoch{6})));
    CHECK(refused_at_once(desk) ==
          "the switchover to wiki2 failed: wiki2 may not lead (configured); may_lead = true lets "
          "it; an election follows, and wiki1 may have the lease back");
    desk.hear("wiki2", promised(Epoch{6}));
    desk.hear("wiki3", promised(Epoch{6}));
    desk.pass(400ms);
    CHECK(desk.acked("wiki1", promised(Epoch{6})) == Epoch{6});
}

TEST_CASE("a switchover that waits for an unwell candidate says that, not what it has received") {
    Desk desk = yielding();
    desk.hear("wiki1", fenced_at(100));
    for (int i = 0; i < 6; ++i) {
        heartbeat::Heartbeat ill = unwell();
        ill.promised = Epoch{6};
        CHECK_FALSE(desk.acked("wiki2", ill));
        desk.pass(1s);
    }
    REQUIRE(answers(desk).size() == 1);
    CHECK(answers(desk)[0].text ==
          "the switchover to wiki2 failed: wiki2 may not lead: page: HTTP 503; an election "
          "follows, and wiki1 may have the lease back");
}

TEST_CASE("an election that names one who may not lead is refused when it is asked for") {
    Desk desk = master_lost();
    desk.hear("wiki2", replica());
    desk.hear("wiki3", replica());
    ask(desk, DrainCommand{id("wiki2"), std::nullopt});
    const Answer answer = ask(desk, SwitchoverCommand{id("wiki2")});
    CHECK(answer.kind == Answer::Kind::refused);
    CHECK(answer.text == "wiki2 is drained; undrain it first");
    desk.step(RulesChanged{without_lead(2)});
    CHECK(ask(desk, SwitchoverCommand{id("wiki3")}).text ==
          "wiki3 may not lead (configured); may_lead = true lets it");
}

TEST_CASE("a word that came to nothing says what was wrong with the one that it named") {
    // An adoption does not wait for the first reports of all.
    Desk desk;
    desk.hear("wiki1", replica());
    REQUIRE(ask(desk, AdoptCommand{id("wiki1")}).kind == Answer::Kind::going_on);
    const auto at_the_end = [&](const heartbeat::Heartbeat& beat) {
        for (int i = 0; i < 24; ++i) {  // 12 s for a grant, and two leases
            CHECK_FALSE(desk.acked("wiki1", beat));
            desk.pass(1s);
        }
        REQUIRE(answers(desk).size() == 1);
        CHECK(answers(desk)[0].kind == Answer::Kind::refused);
        return answers(desk)[0].text;
    };
    SUBCASE("it does not promise") {
        CHECK(at_the_end(replica()) == "nobody could be granted: wiki1 has not promised epoch 1");
    }
    SUBCASE("it is not well") {
        CHECK(at_the_end(unwell()) ==
              "nobody could be granted: wiki1 may not lead: page: HTTP 503");
    }
}

TEST_CASE("a drain whose switchover fails has changed something all the same") {
    Desk desk = ready();
    heartbeat::Heartbeat late = follower();
    late.lag = 12s;
    CHECK(ask(desk, DrainCommand{id("wiki1"), std::nullopt}).kind == Answer::Kind::going_on);
    for (int i = 0; i < 4; ++i) {
        desk.pass(1s);
        desk.hear("wiki2", late);
        desk.hear("wiki3", late);
        desk.hear("wiki1", master(Epoch{5}));
    }
    desk.pass(1s);
    REQUIRE(answers(desk).size() == 1);
    CHECK(answers(desk)[0].kind == Answer::Kind::refused);
    CHECK(answers(desk)[0].changed);
    CHECK(answers(desk)[0].text ==
          "the switchover to wiki2 failed: wiki2 is not close enough: lag 12 s, a switchover needs "
          "1.5 s or less; wiki1 leads on; wiki1 stays drained");
}

TEST_CASE("an election that is refused has changed something if it lifted the damping") {
    Record record = led_by_wiki1();
    record.damping.failovers = {0};
    record.damping.block = Until{3600, 3600};
    Desk desk(rules(), record);
    desk.hear("wiki1", master(Epoch{5}));
    desk.pass(7s);
    desk.hear("wiki2", replica());
    REQUIRE(ask(desk, SwitchoverCommand{id("wiki2")}).kind == Answer::Kind::going_on);
    desk.step(RulesChanged{without_lead(1)});
    refused_at_once(desk);
    CHECK(answers(desk)[0].changed);
}

TEST_CASE("confirm-dead of a holder that was to yield answers who waits for that, too") {
    ArbiterRules group = rules();
    group.confirm_dead = true;
    Desk desk = ready(group);
    REQUIRE(ask(desk, SwitchoverCommand{id("wiki2")}).kind == Answer::Kind::going_on);
    desk.pass(3s);
    OperatorAsked dead = asked(ConfirmDeadCommand{id("wiki1")});
    dead.token = 8;
    desk.step(dead);
    REQUIRE(answers(desk).size() == 2);
    CHECK(answers(desk)[0].token == 7);
    CHECK(answers(desk)[0].kind == Answer::Kind::refused);
    CHECK(answers(desk)[1].token == 8);
    CHECK(answers(desk)[1].kind == Answer::Kind::done);
}

TEST_CASE("a state that is later than the ledger's ends a word whose grant is under way") {
    Desk desk = named(SwitchoverCommand{id("wiki2")});
    REQUIRE(desk.acked("wiki2", promised(Epoch{6})) == Epoch{6});
    heartbeat::Heartbeat later = replica();
    later.revision = desk.ledger->revision + 5;
    desk.hear("wiki3", later);
    REQUIRE(answers(desk).size() == 1);
    CHECK(answers(desk)[0].text ==
          "wiki2 was granted epoch 6 and did not become writable: the ledger was behind");
    desk.pass(100s);
    CHECK(answers(desk).empty());
}

TEST_CASE("a pause that ends while the arbiter observes opens no window") {
    ArbiterRules group = rules();
    group.mode = Mode::observe;
    Desk desk(group);
    for (const char* name : {"wiki1", "wiki2", "wiki3"}) desk.hear(name, replica());
    ask(desk, PauseCommand{std::nullopt});
    CHECK(ask(desk, ResumeCommand{}).kind == Answer::Kind::done);
    CHECK(desk.state() == LeaseState::free);
    CHECK_FALSE(desk.arbiter.record().closed);
}

TEST_CASE("a switchover whose holder does not speak does not blame its candidate") {
    Desk desk = ready();
    REQUIRE(ask(desk, SwitchoverCommand{id("wiki2")}).kind == Answer::Kind::going_on);
    std::string because = "wiki1 was not heard to be writable, and could not be told to stop";
    SUBCASE("it is silent") {}
    SUBCASE("two machines speak under its name") {
        desk.step(ClonesSeen{{id("wiki1")}});
        because = "two machines speak under the name of wiki1, and neither can be told to stop";
    }
    for (int i = 0; i < 5; ++i) {
        desk.hear("wiki2", follower());
        desk.pass(1s);
    }
    REQUIRE(answers(desk).size() == 1);
    CHECK(answers(desk)[0].text == "the switchover to wiki2 failed: " + because +
                                       "; an election follows when its lease has surely ended");
}

TEST_CASE("a candidate that is ready when its holder has spoken for the last time is too late") {
    Desk desk = ready();
    heartbeat::Heartbeat late = follower();
    late.lag = 12s;
    desk.hear("wiki2", late);
    REQUIRE(ask(desk, SwitchoverCommand{id("wiki2")}).kind == Answer::Kind::going_on);
    for (int i = 0; i < 4; ++i) {
        desk.hear("wiki2", late);
        desk.pass(900ms);
        desk.hear("wiki1", master(Epoch{5}));
    }
    desk.pass(100ms);
    desk.hear("wiki2", follower());
    desk.pass(1300ms);
    REQUIRE(answers(desk).size() == 1);
    CHECK(answers(desk)[0].text ==
          "the switchover to wiki2 failed: wiki2 was close enough too late; wiki1 leads on");
}

TEST_CASE("undrained here, a server may be drained by its own agent still") {
    Desk desk = ready();
    heartbeat::Heartbeat drains = follower();
    drains.drain = true;
    ask(desk, DrainCommand{id("wiki2"), std::nullopt});
    desk.hear("wiki2", drains);
    const Answer answer = ask(desk, UndrainCommand{id("wiki2")});
    CHECK(answer.kind == Answer::Kind::done);
    CHECK(answer.text ==
          "wiki2 is drained no more by this arbiter, but by its own agent still; undrain it there");
}
