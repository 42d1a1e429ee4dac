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
