// What [master] says of arbitration.
#include "dnsd/config/arbitration.h"

#include "dnsd/config/config.h"

#include <doctest/doctest.h>

namespace {

using namespace dnsd;
using namespace std::chrono_literals;

ConfigRead read(const std::string& master) {
    const std::string text = "zone = \"wiki.example\"\nzone_file = \"wiki.zone\"\n[master]\n" +
                             master + "\n[servers]\nwiki1 = \"192.0.2.11\"\n";
    return read_config(
        "dnsd.toml",
        [&](const std::string&) -> tl::expected<std::string, std::string> { return text; });
}

ArbiterRules rules(const std::string& master) {
    const ConfigRead out = read(master);
    CHECK(out.report() == "");
    REQUIRE(out.config);
    return out.config->groups[0].rules;
}

}  // namespace

TEST_CASE("what is not said of arbitration is as the arbiter has it by itself") {
    const ArbiterRules said = rules("");
    const ArbiterRules otherwise{};
    CHECK(said.loss == Loss::none);
    CHECK(said.semi_sync);
    CHECK(said.ackers == otherwise.ackers);
    CHECK(said.block == otherwise.block);
    CHECK(said.block_max == otherwise.block_max);
    CHECK(said.failovers_an_hour == otherwise.failovers_an_hour);
    CHECK(said.penalty_half_life == otherwise.penalty_half_life);
    CHECK_FALSE(said.demotion_said);
    CHECK_FALSE(said.guard_said);
    CHECK_FALSE(said.window_said);
    CHECK(said.rho == doctest::Approx(1e-3));
    CHECK_FALSE(said.confirm_dead);
    CHECK(said.mode == Mode::act);
}

TEST_CASE("everything that is said of arbitration is taken") {
    const ArbiterRules said = rules(
        "loss = \"allow\"\nackers = 3\ndamping = \"90s\"\ndamping_max = \"2h\"\n"
        "failovers_per_hour = 5\npenalty_half_life = \"20m\"\ndemotion = \"1s\"\n"
        "guard = \"700ms\"\nwindow = \"400ms\"\nclock_drift = 200\nallow_confirm_dead = true");
    CHECK(said.loss == Loss::allow);
    CHECK(said.ackers == 3);
    CHECK(said.block == 90s);
    CHECK(said.block_max == 2h);
    CHECK(said.failovers_an_hour == 5);
    CHECK(said.penalty_half_life == 20min);
    CHECK(said.demotion() == 1s);
    CHECK(said.guard() == 700ms);
    CHECK(said.window_said == Duration(400ms));
    CHECK(said.rho == doctest::Approx(2e-4));
    CHECK(said.confirm_dead);
}

TEST_CASE("the damping and its parts can be switched off one by one") {
    CHECK(rules("damping = \"0s\"").block == 0s);
    CHECK(rules("failovers_per_hour = 0").failovers_an_hour == 0);
    CHECK(rules("penalty_half_life = \"0s\"").penalty_half_life == 0s);
    CHECK(rules("damping = \"5h\"").block_max == 5h);  // no smaller than what it starts from
}

TEST_CASE("without semi-sync there is no gate, and nobody is told that there is") {
    const ArbiterRules said = rules("semi_sync = false");
    CHECK_FALSE(said.semi_sync);
    CHECK(said.loss == Loss::allow);
    CHECK(read("semi_sync = false\nloss = \"none\"").report() ==
          "dnsd.toml:5:8: error: loss \"none\" can not be kept without semi-sync\n"
          "      hint: only what a second server acknowledged survives the first: set semi_sync = "
          "true, or say loss = \"allow\"\n1 error.\n");
    CHECK(read("semi_sync = false\nackers = 2").report().find("which is switched off") !=
          std::string::npos);
}

TEST_CASE("a mistake of arbitration is shown at its place, with what to write instead") {
    const auto shows = [](const std::string& master, const std::string& what) {
        const std::string report = read(master).report();
        CAPTURE(report);
        CHECK(report.find(what) != std::string::npos);
        CHECK(report.find("dnsd.toml:4:") == 0);
    };
    shows("loss = \"some\"", "loss");
    shows("ackers = 0", "ackers");
    shows("ackers = 8", "between 1 and 4");  // as many as ever acknowledge
    shows("damping = \"25h\"", "damping");
    shows("failovers_per_hour = 32", "failovers_per_hour");
    shows("clock_drift = 50001", "clock_drift");
    shows("demotion = \"61s\"", "demotion");
    shows("alow_confirm_dead = true", "did you mean 'allow_confirm_dead'?");
    shows("damping_max = \"30s\"", "damping_max \"30s\" is below damping \"60s\"");
}

TEST_CASE("a group that can never elect is warned of, and taken") {
    const auto with = [](const std::string& servers) {
        return read_config(
            "dnsd.toml", [&](const std::string&) -> tl::expected<std::string, std::string> {
                return "zone = \"wiki.example\"\nzone_file = \"wiki.zone\"\n[servers]\n" + servers;
            });
    };
    const std::string never = "wiki1 = { address = \"192.0.2.11\", may_lead = false }\n";
    const ConfigRead none = with(never);
    CHECK(none.config);
    CHECK(none.report() ==
          "dnsd.toml:3:1: warning: no server of wiki.example may lead: nobody is ever elected\n"
          "      hint: may_lead = true, the default, for those whose database may be the master\n"
          "1 warning.\n");
    CHECK(with(never + "wiki2 = \"192.0.2.12\"\n").report().empty());
}

TEST_CASE("mode observe is for every group of the configuration") {
    const ConfigRead out =
        read_config("dnsd.toml", [](const std::string&) -> tl::expected<std::string, std::string> {
            return "mode = \"observe\"\nzone = \"wiki.example\"\nzone_file = \"wiki.zone\"\n"
                   "[servers]\nwiki1 = \"192.0.2.11\"\n";
        });
    REQUIRE(out.config);
    CHECK(out.config->groups[0].rules.mode == Mode::observe);
}

TEST_CASE(
    "a running group takes rules, weights and fewer servers, and neither moves nor adds one") {
    ArbiterRules running;
    running.servers = {{*ServerId::parse("wiki1"), {*Address::parse("192.0.2.11")}},
                       {*ServerId::parse("wiki2"), {*Address::parse("192.0.2.12")}}};
    ArbiterRules next = running;
    next.lease = 9s;
    next.servers = {{*ServerId::parse("wiki2"), {*Address::parse("192.0.2.99")}, 5, false},
                    {*ServerId::parse("wiki3"), {*Address::parse("192.0.2.13")}}};
    const ArbiterRules taken = with_live_rules(running, next);
    CHECK(taken.lease == 9s);
    REQUIRE(taken.servers.size() == 1);
    CHECK(taken.servers[0].id.text() == "wiki2");
    CHECK(taken.servers[0].addresses == running.servers[1].addresses);
    CHECK(taken.servers[0].weight == 5);
    CHECK_FALSE(taken.servers[0].may_lead);
    next.servers.erase(next.servers.begin());
    CHECK(with_live_rules(running, next).servers.empty());  // refused_rules() says so
}
