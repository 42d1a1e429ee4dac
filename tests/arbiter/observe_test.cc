#include "rules.h"

#include <algorithm>

#include <doctest/doctest.h>

using namespace dnsd;
using namespace dnsd::testing;

namespace {

ArbiterRules observing() {
    ArbiterRules group = rules();
    group.mode = Mode::observe;
    return group;
}

heartbeat::Heartbeat writable() {
    heartbeat::Heartbeat beat = replica();
    beat.read_only = false;
    return beat;
}

Answer::Kind mode(Desk& desk, Mode to) {
    desk.step(OperatorAsked{1, ModeCommand{to}, "anna", "", false, 0});
    for (const Effect& effect : desk.last)
        if (const auto* answer = std::get_if<Answer>(&effect)) return answer->kind;
    return Answer::Kind::going_on;
}

}  // namespace

TEST_CASE("an arbiter that observes gives no lease and no order, and publishes every server") {
    Desk desk(observing());
    for (int i = 0; i < 30; ++i) {
        for (const char* name : {"wiki1", "wiki2"}) {
            const auto deny =
                desk.denied(name, name == std::string("wiki1") ? writable() : replica());
            CHECK(deny.reason == heartbeat::DenyReason::observing);
            CHECK(deny.order == heartbeat::Order(heartbeat::NoOrder{}));
        }
        desk.pass(1s);
    }
    CHECK(desk.pool() == "wiki1 wiki2 wiki3");  // though wiki3 was never heard
    REQUIRE(desk.arbiter.standing().master);
    CHECK(desk.arbiter.standing().master->id == id("wiki1"));
    CHECK(desk.arbiter.record().epoch == Epoch{});
    CHECK(desk.told(Kind::left_pool) == 0);
    CHECK(desk.story.back().kind == Kind::would);
    CHECK(desk.story.back().why == "wiki3 leaves www: never heard");
}

TEST_CASE("one that begins to act rises above what it heard while it looked on") {
    // Seed 6075 of tests/sim, as it was then: an older copy of the ledger, and who knew was silent.
    Desk desk(observing());
    auto later = replica();
    later.seen = Epoch{3};
    desk.hear("wiki3", later);
    desk.hear("wiki1", replica());
    SUBCASE("by a command") {
        CHECK(mode(desk, Mode::act) == Answer::Kind::done);
    }
    SUBCASE("by its configuration") {
        desk.step(RulesChanged{rules()});
        desk.pass(1ms);
    }
    REQUIRE(desk.ledger);
    CHECK(desk.ledger->epoch == Epoch{3});
}

TEST_CASE("a later revision is risen above, though what was written since is higher") {
    Record record;
    record.revision = 10;
    Desk desk(observing(), record);
    heartbeat::Heartbeat later = replica();
    later.revision = 12;
    desk.hear("wiki1", later);
    for (int i = 0; i < 3; ++i) {
        desk.step(OperatorAsked{1, DrainCommand{id("wiki2"), std::nullopt}, "anna", "", false, 0});
        desk.step(OperatorAsked{2, UndrainCommand{id("wiki2")}, "anna", "", false, 0});
    }
    later.revision = desk.ledger->revision;  // as it was told
    REQUIRE(later.revision > 12);
    desk.hear("wiki1", later);
    CHECK(mode(desk, Mode::act) == Answer::Kind::done);
    CHECK(desk.ledger->semi_sync_unknown);
}

TEST_CASE("what would be done is told once and shown") {
    Desk desk(observing());
    desk.hear("wiki1", writable());
    desk.hear("wiki2", replica());
    for (int i = 0; i < 10; ++i) {
        desk.pass(1s);
        desk.hear("wiki2", replica());
    }
    CHECK(desk.arbiter.status(desk.now).would ==
          "wiki1 is silent: wiki2 would be granted: the only candidate");
    CHECK(desk.arbiter.standing().master->id == id("wiki1"));  // the last stands
}

TEST_CASE("mode act ends observing, and there is no way back once a lease was given") {
    Desk desk(observing());
    for (const char* name : {"wiki1", "wiki2", "wiki3"}) desk.hear(name, replica());
    CHECK(mode(desk, Mode::act) == Answer::Kind::done);
    CHECK(desk.ledger->mode == Mode::act);
    CHECK(mode(desk, Mode::observe) == Answer::Kind::done);
    CHECK(mode(desk, Mode::act) == Answer::Kind::done);
    CHECK(desk.acked("wiki1", writable()) == Epoch{1});
    CHECK(mode(desk, Mode::observe) == Answer::Kind::refused);
    CHECK(desk.arbiter.status(desk.now).mode == Mode::act);
}

TEST_CASE("an arbiter that observes does not wake for a stable set that it does not write") {
    Desk desk(observing());
    for (int i = 0; i < 30; ++i) {
        for (const char* name : {"wiki1", "wiki2", "wiki3"}) desk.hear(name, replica());
        desk.pass(1s);
    }
    CHECK(desk.arbiter.wakes_at() > desk.now);
}

TEST_CASE("an arbiter that observes opens no election when a pause is over") {
    Desk desk(observing());
    for (const char* name : {"wiki1", "wiki2", "wiki3"}) desk.hear(name, replica());
    desk.step(OperatorAsked{1, PauseCommand{}, "anna", "", false, 0});
    SUBCASE("with candidates") {}
    SUBCASE("with nobody who may lead") {
        auto wrote = replica();
        wrote.errant = heartbeat::Errant::wrote;
        for (const char* name : {"wiki1", "wiki2", "wiki3"}) desk.hear(name, wrote);
    }
    desk.step(OperatorAsked{2, ResumeCommand{}, "anna", "", false, 0});
    CHECK(desk.state() == LeaseState::free);
    CHECK(desk.told(Kind::window_opened) == 0);
    CHECK(desk.told(Kind::refused) == 0);
    CHECK(desk.arbiter.status(desk.now).alarms.empty());
    CHECK_FALSE(desk.ledger->closed);
}

TEST_CASE(
    "a drain is kept by an arbiter that observes, and its answer says that www has it still") {
    Desk desk(observing());
    for (const char* name : {"wiki1", "wiki2", "wiki3"}) desk.hear(name, replica());
    desk.step(OperatorAsked{1, DrainCommand{id("wiki2"), 30min}, "anna", "", false, 0});
    CHECK(desk.pool() == "wiki1 wiki2 wiki3");
    const auto answer = std::find_if(desk.last.begin(), desk.last.end(), [](const Effect& effect) {
        return std::holds_alternative<Answer>(effect);
    });
    REQUIRE(answer != desk.last.end());
    CHECK(std::get<Answer>(*answer).text ==
          "wiki2 is drained for 30 m; it stays in www, as the arbiter only observes");
}

TEST_CASE("an arbiter that observes gives clones no order either") {
    Desk desk(observing());
    desk.step(ClonesSeen{{id("wiki1")}});
    const auto deny = desk.denied("wiki1", replica());
    CHECK(deny.reason == heartbeat::DenyReason::observing);
    CHECK(deny.order == heartbeat::Order(heartbeat::NoOrder{}));
}

// Seed 55000928 of tests/sim, as it was then.
TEST_CASE("who waits for an election is answered when the arbiter begins to observe") {
    // The end of the wait was due again and again, and nobody looked at it.
    Desk desk(rules());
    desk.hear("wiki1", replica());
    desk.step(OperatorAsked{7, AdoptCommand{id("wiki1"), false}, "anna", "", false, 0});
    REQUIRE(mode(desk, Mode::observe) == Answer::Kind::refused);  // the first answer is the other's
    const auto& answer = std::get<Answer>(
        *std::find_if(desk.last.begin(), desk.last.end(),
                      [](const Effect& effect) { return std::holds_alternative<Answer>(effect); }));
    CHECK(answer.token == 7);
    CHECK(answer.text == "the arbiter observes");
    CHECK(desk.arbiter.wakes_at() > desk.now);
    desk.pass(10min);
    CHECK(desk.arbiter.wakes_at() > desk.now);
}
