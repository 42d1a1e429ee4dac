// Settings that are read anew: what is taken, what is told of it, and what is refused.
#include "operators.h"

using namespace dnsd;
using namespace dnsd::testing;

namespace {

ArbiterRules without_wiki1() {
    ArbiterRules next = rules();
    next.servers.erase(next.servers.begin());
    return next;
}

heartbeat::Heartbeat found_writable() {
    heartbeat::Heartbeat beat = replica(100);
    beat.read_only = false;
    return beat;
}

std::string last_why(const Desk& desk, Kind kind) {
    std::string why;
    for (const Note& note : desk.story)
        if (note.kind == kind) why = note.why;
    return why;
}

}  // namespace

TEST_CASE("who is written to before there was a lease can not be dropped: it would write on") {
    Desk desk;
    desk.hear("wiki1", found_writable());
    desk.hear("wiki2", replica());
    const std::string why =
        "wiki1 was writable when it was last heard, and there was no lease yet: it would write on "
        "beside the one that is elected. Make its database read-only before it is dropped, or "
        "start the arbiter anew when that server is gone for good";
    CHECK(desk.arbiter.objection(without_wiki1()) == why);
    desk.step(RulesChanged{without_wiki1()});
    CHECK(desk.told(Kind::rules_changed) == 0);
    CHECK(last_why(desk, Kind::refused) == "other rules: " + why);
    CHECK(desk.arbiter.rules().servers.size() == 3);
    ArbiterRules passive = rules();
    passive.servers[0].may_lead = false;
    CHECK(desk.arbiter.objection(passive).starts_with("wiki1 was writable when it was last heard"));
    desk.hear("wiki3", replica());
    desk.pass(4s);
    CHECK_FALSE(desk.acked("wiki2", promised(Epoch{1})));
    SUBCASE("read-only it can") {
        desk.hear("wiki1", replica());
        CHECK(desk.arbiter.objection(without_wiki1()).empty());
        desk.step(RulesChanged{without_wiki1()});
        CHECK(desk.told(Kind::rules_changed) == 1);
    }
    SUBCASE("nor while it has not taken its lease") {
        REQUIRE(desk.acked("wiki1", found_writable()) == Epoch{1});
        CHECK(desk.arbiter.objection(without_wiki1()) ==
              "wiki1 was found writable and has not taken its lease; make its database read-only "
              "before it is dropped, or confirm that it is dead");
        desk.hear("wiki1", master(Epoch{1}));
        CHECK(desk.arbiter.objection(without_wiki1()).empty());
    }
}

TEST_CASE("the history names each setting that a reload changes") {
    ArbiterRules before = Cluster::with_semi_sync();
    Desk desk = led(before);
    ArbiterRules after = before;
    after.loss = Loss::allow;
    after.semi_sync = false;
    after.ackers = 1;
    after.choose = Choose::first_request;
    after.confirm_dead = true;
    after.block = 0s;
    after.block_max = 2h;
    after.failovers_an_hour = 5;
    after.penalty_half_life = 20min;
    after.up_after = 4;
    after.rho = 2e-3;
    after.demotion_said = 1s;
    after.guard_said = 400ms;
    after.window_said = 200ms;
    after.mode = Mode::observe;
    after.heartbeat = 900ms;
    after.lease = 9s;
    after.down_after = 4s;
    after.max_lag = 20s;
    after.servers[1].weight = 3;
    after.servers[1].priority = 2;
    after.servers[1].may_lead = false;
    after.servers[1].addresses.clear();
    after.servers.pop_back();
    after.servers.push_back({id("wiki4"), {}, 1, true, 0});
    desk.step(RulesChanged{after});
    CHECK(last_why(desk, Kind::rules_changed) ==
          "other addresses of wiki2, weight of wiki2 1 -> 3, may_lead of wiki2 true -> false, "
          "priority of wiki2 0 -> 2, + wiki4, - wiki3, heartbeat 1.0 s -> 0.90 s, lease 6.0 s -> "
          "9.0 s, demotion default -> 1.0 s, guard default -> 0.40 s, window default -> 0.20 s, "
          "clock_drift 1000 -> 2000, down_after 3.0 s -> 4.0 s, up_after 2 -> 4, max_lag 30 s -> "
          "20 s, choose most-advanced -> first-request, loss none -> allow, semi_sync true -> "
          "false, ackers 2 -> 1, mode act -> observe, allow_confirm_dead false -> true, damping "
          "60 s -> 0.00 s, damping_max 1 h -> 2 h, failovers_per_hour 3 -> 5, penalty_half_life "
          "10 m -> 20 m");
}

TEST_CASE("the pause between the arbiter's own switchovers outlives its restart") {
    const auto unwell_master = [] {
        heartbeat::Heartbeat beat = master(Epoch{5});
        beat.health.page = false;
        return beat;
    };
    const auto rounds = [&](Desk& desk, int count) {
        for (int i = 0; i < count && desk.told(Kind::switchover_begun) == 0; ++i) {
            desk.pass(1s);
            desk.hear("wiki2", follower());
            desk.hear("wiki3", follower());
            desk.hear("wiki1", unwell_master());
        }
        return desk.told(Kind::switchover_begun);
    };
    Desk first = ready();
    REQUIRE(rounds(first, 10) == 1);
    REQUIRE(first.ledger->pace);
    CHECK(first.ledger->pace->length_seconds == 60);
    Record kept = led_by_wiki1();
    kept.pace = first.ledger->pace;
    Desk second(rules(), kept);
    CHECK(rounds(second, 58) == 0);
    CHECK(rounds(second, 4) == 1);
    CHECK(second.ledger->pace->length_seconds == 120);
}

TEST_CASE("a ledger that failed is tried again by the lease that was read anew") {
    // Seed 8000198958 of tests/sim.
    ArbiterRules longer = rules();
    longer.lease = 60s;
    Desk desk = ready(longer);
    desk.hear("wiki1", master(Epoch{5}));
    desk.ledger_fails = true;
    desk.step(asked(DrainCommand{id("wiki3"), std::nullopt}));
    desk.ledger_fails = false;
    desk.step(RulesChanged{rules()});  // of 6 s
    desk.pass(3s);
    desk.hear("wiki1", master(Epoch{5}));
    CHECK(ask(desk, DrainCommand{id("wiki3"), std::nullopt}).text.find("is drained") !=
          std::string::npos);
}

TEST_CASE("a drained server that is dropped and is back while the ledger fails is drained still") {
    // Seed 83007049 of tests/sim, as it was then: what ended its drain was taken back, and the next
    // two heartbeats brought it into `www`.
    Desk desk = ready();
    desk.hear("wiki1", master(Epoch{5}));
    REQUIRE(ask(desk, DrainCommand{id("wiki3"), std::nullopt}).text.find("drained") !=
            std::string::npos);
    desk.ledger_fails = true;
    ArbiterRules without = rules();
    without.servers.pop_back();
    desk.step(RulesChanged{without});
    desk.step(RulesChanged{rules()});
    desk.hear("wiki3", follower());
    desk.hear("wiki3", follower());
    const GroupStatus status = desk.arbiter.status(desk.now);
    const auto wiki3 = std::find_if(status.servers.begin(), status.servers.end(),
                                    [](const ServerStatus& one) { return one.id == id("wiki3"); });
    REQUIRE(wiki3 != status.servers.end());
    CHECK_FALSE(wiki3->in_pool);
}
