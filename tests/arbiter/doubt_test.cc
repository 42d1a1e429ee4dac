// Words that are refused as the arbiter can not know what they would break: who may be written to
// still, and who is not surely dead.
#include "operators.h"

using namespace dnsd;
using namespace dnsd::testing;

namespace {

heartbeat::Heartbeat found_writable(std::uint64_t received = 100) {
    heartbeat::Heartbeat beat = replica(received);
    beat.read_only = false;
    return beat;
}

heartbeat::Heartbeat without_database() {
    heartbeat::Heartbeat beat = unwell("database: no answer");
    beat.health.database = false;
    beat.role = heartbeat::Role::unknown;
    beat.received.reset();
    beat.applied.reset();
    return beat;
}

ArbiterRules confirming() {
    ArbiterRules group = rules();
    group.confirm_dead = true;
    return group;
}

// Of a new ledger: wiki2 is writable, and falls silent; wiki3 was never heard.
Desk writer_fell_silent() {
    Desk desk;
    desk.hear("wiki1", replica(200));
    desk.hear("wiki2", found_writable());
    desk.pass(4s);
    desk.hear("wiki1", replica(200));
    return desk;
}

constexpr const char* may_write =
    "wiki2 was writable when its database was last heard of, and there was no lease yet: it may be "
    "written to still. Make it read-only and have its agent report that, adopt it itself, or start "
    "the arbiter anew when that server is gone for good";

}  // namespace

TEST_CASE("nobody is adopted before the first lease while a silent one may be written to") {
    Desk desk = writer_fell_silent();
    for (const bool allow_loss : {false, true}) {
        const Answer answer = ask(desk, AdoptCommand{id("wiki1"), allow_loss});
        CHECK(answer.kind == Answer::Kind::refused);
        CHECK(answer.text == may_write);
        CHECK_FALSE(answer.changed);
    }
    desk.pass(1h);
    desk.hear("wiki1", replica(200));
    CHECK(ask(desk, AdoptCommand{id("wiki1")}).text == may_write);
    CHECK_FALSE(desk.acked("wiki1", promised(Epoch{1}, 200)));
    SUBCASE("one look that sees no database makes nobody read-only") {
        desk.hear("wiki2", without_database());
        CHECK(ask(desk, AdoptCommand{id("wiki1")}).text == may_write);
    }
    SUBCASE("one that is down for R comes back read-only, or says that it is not") {
        for (int i = 0; i < 4; ++i) {
            desk.hear("wiki2", without_database());
            desk.pass(1s);
        }
        desk.hear("wiki1", replica(200));
        CHECK(ask(desk, AdoptCommand{id("wiki1")}).kind == Answer::Kind::going_on);
        desk.hear("wiki2", found_writable());
        CHECK_FALSE(desk.acked("wiki1", promised(Epoch{1}, 200)));
    }
    SUBCASE("read-only it stands in nobody's way") {
        desk.hear("wiki2", replica());
        CHECK(ask(desk, AdoptCommand{id("wiki1")}).kind == Answer::Kind::going_on);
        CHECK(desk.acked("wiki1", promised(Epoch{1}, 200)) == Epoch{1});
    }
    SUBCASE("it may be adopted itself") {
        desk.hear("wiki2", found_writable(300));
        CHECK(ask(desk, AdoptCommand{id("wiki2")}).kind == Answer::Kind::going_on);
        CHECK(desk.acked("wiki2", found_writable(300)) == Epoch{1});
    }
    SUBCASE("an arbiter that starts anew knows nothing of it, as people do who say so") {
        Desk anew(rules(), desk.ledger);
        anew.hear("wiki1", replica(200));
        CHECK(ask(anew, AdoptCommand{id("wiki1")}).kind == Answer::Kind::going_on);
    }
}

TEST_CASE("who is found writable after an adoption was asked for keeps it from being granted") {
    Desk desk;
    desk.hear("wiki1", replica(200));
    REQUIRE(ask(desk, AdoptCommand{id("wiki1")}).kind == Answer::Kind::going_on);
    desk.hear("wiki2", found_writable());
    desk.pass(4s);  // silent
    CHECK_FALSE(desk.acked("wiki1", promised(Epoch{1}, 200)));
}

TEST_CASE("what one had whose database is down is not lost by an adoption unsaid") {
    Desk desk = master_lost();
    desk.hear("wiki2", replica(100));
    desk.hear("wiki3", replica(300));
    desk.hear("wiki3", without_database());
    const Answer answer = ask(desk, AdoptCommand{id("wiki2")});
    CHECK(answer.kind == Answer::Kind::refused);
    CHECK(answer.text.starts_with("wiki3 has received more, up to 0-1-300"));
    CHECK(ask(desk, AdoptCommand{id("wiki2"), true}).kind == Answer::Kind::going_on);
}

TEST_CASE("whoever held a lease has a deadline: its silence keeps nobody from being adopted") {
    Desk desk = master_lost();
    desk.hear("wiki2", replica());
    CHECK(ask(desk, AdoptCommand{id("wiki2")}).kind == Answer::Kind::going_on);
    CHECK(desk.acked("wiki2", promised(Epoch{6})) == Epoch{6});
}

TEST_CASE("a name that two machines speak under is not dead, though nothing is heard of it") {
    Desk desk = ready(confirming());
    desk.step(ClonesSeen{{id("wiki1")}});
    for (int i = 0; i < 4; ++i) {
        desk.pass(1s);
        CHECK_FALSE(desk.acked("wiki1", master(Epoch{5})));
    }
    const Answer answer = ask(desk, ConfirmDeadCommand{id("wiki1")});
    CHECK(answer.kind == Answer::Kind::refused);
    CHECK(answer.text ==
          "two machines speak under the name of wiki1, and neither is believed: nobody knows that "
          "it is dead; stop the one that is not wiki1, and ask again when it has been silent under "
          "one name for 3.0 s, or wait: its lease is not renewed, and ends in 2.5 s");
    CHECK(desk.ledger->lease_may_live);
    // What came meanwhile was not heard.
    desk.step(ClonesSeen{});
    CHECK(ask(desk, ConfirmDeadCommand{id("wiki1")}).kind == Answer::Kind::refused);
    SUBCASE("heard again it is not dead either") {
        desk.hear("wiki1", master(Epoch{5}));
        CHECK(ask(desk, ConfirmDeadCommand{id("wiki1")}).text.starts_with("wiki1 was heard"));
    }
    SUBCASE("silent for R it may be") {
        desk.pass(2s);
        CHECK(ask(desk, ConfirmDeadCommand{id("wiki1")}).kind == Answer::Kind::refused);
    }
}

TEST_CASE("a lease without an end: a name of two machines is dead when one is left and silent") {
    Desk desk(confirming());
    desk.hear("wiki2", replica());
    desk.hear("wiki3", replica());
    REQUIRE(desk.acked("wiki1", found_writable()) == Epoch{1});
    desk.step(ClonesSeen{{id("wiki1")}});
    desk.pass(20s);
    CHECK(ask(desk, ConfirmDeadCommand{id("wiki1")}).kind == Answer::Kind::refused);
    desk.step(ClonesSeen{});
    desk.pass(2900ms);
    CHECK(ask(desk, ConfirmDeadCommand{id("wiki1")}).kind == Answer::Kind::refused);
    desk.pass(100ms);
    CHECK(ask(desk, ConfirmDeadCommand{id("wiki1")}).kind == Answer::Kind::done);
}

TEST_CASE("a lease without an end: a bad page is not a database that has been down") {
    Desk desk(confirming());
    desk.hear("wiki2", replica());
    desk.hear("wiki3", replica());
    REQUIRE(desk.acked("wiki1", found_writable()) == Epoch{1});
    heartbeat::Heartbeat page = found_writable();
    page.health.page = false;
    for (int i = 0; i < 5; ++i) {
        desk.hear("wiki1", page);
        desk.pass(1s);
    }
    desk.hear("wiki1", without_database());  // one look that saw nothing
    CHECK(ask(desk, ConfirmDeadCommand{id("wiki1")}).kind == Answer::Kind::refused);
}

TEST_CASE("one look that sees no database lets nobody drop who is written to before a lease") {
    Desk desk;
    desk.hear("wiki2", found_writable());
    desk.hear("wiki2", without_database());
    ArbiterRules next = rules();
    next.servers.erase(next.servers.begin() + 1);
    CHECK(desk.arbiter.objection(next).starts_with("wiki2 was writable when it was last heard"));
    for (int i = 0; i < 4; ++i) {
        desk.pass(1s);
        desk.hear("wiki2", without_database());
    }
    CHECK(desk.arbiter.objection(next).empty());
}
