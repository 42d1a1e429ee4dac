// The commands that act: what they ask, how they end, and the forms of docs/UX.md.
#include "dnsd/ctl/act.h"

#include "dnsd/ctl/daemon.h"
#include "dnsd/ctl/explain.h"
#include "tests/ctl/fake_daemon.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace dnsd;
using namespace dnsd::test;
using Json = nlohmann::ordered_json;

namespace {

struct Answered {
    Ran ran;
    Json question;
};

// The tool before a daemon that answers with these lines.
Answered ctl(std::vector<std::string> arguments, const std::string& lines, bool hold = false) {
    const Folder folder;
    std::string question;
    Answered out;
    {
        const FakeDaemon daemon(folder / "socket", [&](int connection) {
            question = FakeDaemon::question(connection);
            FakeDaemon::say(connection, lines);
            if (hold) FakeDaemon::wait_for_end(connection);
        });
        arguments.insert(arguments.begin(), {"--socket", folder / "socket"});
        auto ran =
            run_program(std::string(ARBITER_BIN_DIR) + "/arbiterctl", arguments, Output::kept);
        REQUIRE(ran);
        out.ran = *ran;
    }
    out.question = Json::parse(question, nullptr, false);
    return out;
}

// Before it reaches any daemon.
Ran ctl(std::vector<std::string> arguments) {
    auto ran = run_program(std::string(ARBITER_BIN_DIR) + "/arbiterctl", arguments, Output::kept);
    REQUIRE(ran);
    return *ran;
}

const std::string done = R"({"ok":true,"going_on":false,"text":"wiki4 is drained","changed":true})"
                         "\n";

}  // namespace

TEST_CASE("history is the table of UX.md") {
    const Json answer = Json::parse(R"({"history":[
      {"time":"2026-11-22T10:19:07Z","group":"w","epoch":17,"what":"out of www","from":"wiki4",
       "to":null,"no_writer_seconds":null,"by":"arbiter","why":"page: HTTP 503, want 200"},
      {"time":"2026-11-21T03:12:40Z","group":"w","epoch":17,"what":"failover","from":"wiki1",
       "to":"wiki2","no_writer_seconds":6.9,"by":"arbiter","why":"wiki1 silent for 6.5 s"},
      {"time":"2026-11-18T09:30:02Z","group":"w","epoch":16,"what":"switchover","from":"wiki3",
       "to":"wiki1","no_writer_seconds":0.22,"by":"anna","why":"kernel update"}]})");
    CHECK(render_history(answer) ==
          "TIME (UTC)       EPOCH  WHAT        FROM   TO     NO WRITER  BY       WHY\n"
          "22 Nov 10:19:07  17     out of www  wiki4  -      -          arbiter  page: HTTP 503, "
          "want 200\n"
          "21 Nov 03:12:40  17     failover    wiki1  wiki2  6.9 s      arbiter  wiki1 silent for "
          "6.5 s\n"
          "18 Nov 09:30:02  16     switchover  wiki3  wiki1  0.22 s     anna     kernel update\n");
    CHECK(render_history(Json::parse(R"({"history":[{"time":5},{}]})")).find("-") !=
          std::string::npos);
}

TEST_CASE("candidates and steps of a dry run are those of UX.md") {
    const Json answer = Json::parse(R"({"candidates":[
      {"name":"wiki1","may_lead":true,"why":"received all of wiki2's commits"},
      {"name":"wiki5","may_lead":false,"why":"lag 38 s, max_lag is 30 s"}],
      "steps":["wiki2 stops writing","wiki1 applies the rest","epoch 18"]})");
    CHECK(render_candidates(answer) ==
          "CANDIDATE  MAY LEAD  WHY\n"
          "wiki1      yes       received all of wiki2's commits\n"
          "wiki5      no        lag 38 s, max_lag is 30 s\n");
    CHECK(render_steps(answer) ==
          "Would: 1 wiki2 stops writing  2 wiki1 applies the rest  3 epoch 18\n");
    CHECK(render_candidates(Json::object()).empty());
    CHECK(render_steps(Json::object()).empty());
}

TEST_CASE("a dry run of a switchover ends with how long writes would pause, as in UX.md") {
    const auto said = [](const std::string& pauses) {
        return ctl({"switchover", "--to", "wiki1", "--dry-run"},
                   R"({"ok":true,"going_on":false,"text":"nothing was changed; would be: a",)"
                   R"("changed":false,"candidates":[],"steps":["wiki2 stops writing",)"
                   R"("wiki1 applies the rest","epoch 18","serial 1743, 2 secondaries told"],)"
                   R"("last_pauses_seconds":)" +
                       pauses + "}\n")
            .ran.output;
    };
    const std::string steps =
        "Would: 1 wiki2 stops writing  2 wiki1 applies the rest  3 epoch 18  4 serial 1743, 2 "
        "secondaries told\n";
    CHECK(said("[0.21,0.22,0.19]") == steps +
                                          "Writes would pause about 0.2 s (last three: 0.21, 0.22, "
                                          "0.19). Nothing was changed.\n");
    CHECK(said("[1.26,0.94]") ==
          steps + "Writes would pause about 1.1 s (last two: 1.26, 0.94). Nothing was changed.\n");
    CHECK(said("[0.04]") ==
          steps + "Writes would pause about 0.04 s (last time: 0.04). Nothing was changed.\n");
    CHECK(said("[]") == steps +
                            "How long writes would pause the history does not know yet. Nothing "
                            "was changed.\n");
    // Nobody writes now: nothing pauses.
    CHECK(said("null") == steps + "nothing was changed; would be: a\n");
}

TEST_CASE("a command asks with all that was said, and ends with 0 when it is done") {
    const Answered drain = ctl({"drain", "wiki4", "--for", "30m", "--reason", "disk"}, done);
    CHECK(drain.ran.exit_code == 0);
    CHECK(drain.ran.output == "wiki4 is drained\n");
    CHECK(drain.question == Json{{"command", "drain"},
                                 {"server", "wiki4"},
                                 {"reason", "disk"},
                                 {"for_seconds", 1800.0}});
    CHECK(ctl({"adopt", "--master", "wiki1", "--allow-loss", "--group", "w"}, done).question ==
          Json{{"command", "adopt"}, {"server", "wiki1"}, {"group", "w"}, {"allow_loss", true}});
    CHECK(ctl({"mode", "observe", "--dry-run"}, done).question ==
          Json{{"command", "mode"}, {"mode", "observe"}, {"dry_run", true}});
    CHECK(ctl({"pause", "--until-undone"}, done).question ==
          Json{{"command", "pause"}, {"until_undone", true}});
}

TEST_CASE("what goes on is shown until it ends") {
    const Answered out =
        ctl({"switchover", "--to", "wiki1"},
            "{\"ok\":true,\"going_on\":true,\"text\":\"wiki2 stops writing\"}\n" + done);
    CHECK(out.ran.exit_code == 0);
    CHECK(out.ran.output == "wiki2 stops writing\nwiki4 is drained\n");
}

TEST_CASE("a refusal ends with 1 and its reason, a name that is misspelt with 2") {
    const auto ends = [](const std::string& error, int exit_code) {
        const Answered out =
            ctl({"undrain", "wiki4"},
                Json{{"ok", false}, {"error", error}, {"changed", false}}.dump() + "\n");
        CHECK(out.ran.exit_code == exit_code);
        CHECK(out.ran.output.find(error) != std::string::npos);
    };
    ends("wiki4 is not drained", 1);
    ends("no server 'wiki4'; did you mean 'wiki1'?", 2);
    ends("which group is meant? Say it with --group; groups: a, b", 2);
    // Whatever else the daemon finds wrong with the question, as it says itself.
    const std::string usage = R"({"ok":false,"usage":true,"changed":false,"error":)";
    CHECK(ctl({"mode", "sleep"}, usage + R"("the mode is 'act' or 'observe'"})"
                                         "\n")
              .ran.exit_code == 2);
    CHECK(ctl({"history"}, usage + R"("the question is wrong"})"
                                   "\n")
              .ran.exit_code == 2);
}

TEST_CASE("when the tool stops waiting it says that the act is still going on, and never failed") {
    const std::string step = "{\"ok\":true,\"going_on\":true,\"text\":\"wiki2 stops writing\"}\n";
    const Answered out = ctl({"switchover", "--wait", "300ms"}, step, true);
    CHECK(out.ran.exit_code == 1);
    CHECK(out.ran.output.find("switchover: still going on") != std::string::npos);
    CHECK(out.ran.output.find("fail") == std::string::npos);
    const Answered json = ctl({"--json", "switchover", "--wait", "300ms"}, step, true);
    CHECK(Json::parse(json.ran.output)["going_on"] == true);
}

TEST_CASE("a drain or a pause without an end, or with two, is refused before anybody is asked") {
    for (const std::vector<std::string>& arguments : {std::vector<std::string>{"pause"},
                                                      {"drain", "wiki1"},
                                                      {"pause", "--for", "5m", "--until-undone"}}) {
        const Ran ran = ctl(arguments);
        CHECK(ran.exit_code == 2);
        CHECK(ran.output.find("--for 30m, or --until-undone, and not both") != std::string::npos);
    }
    CHECK(ctl({"pause", "--for", "soon"}).exit_code == 2);
    for (const char* length : {"500ms", "367d"}) {
        const Ran ran = ctl({"drain", "wiki1", "--for", length});
        CHECK(ran.exit_code == 2);
        CHECK(ran.output.find("--for \"" + std::string(length) + "\" is not between 1s and 366d") !=
              std::string::npos);
    }
    CHECK(ctl({"resume", "--reason", std::string(201, 'x')})
              .output.find("--reason has 201 bytes, more than 200") != std::string::npos);
    CHECK(ctl({"history", "--since", "soon"}).exit_code == 2);
    CHECK(ctl({"history", "--limit", "10001"}).exit_code == 2);
    CHECK(ctl({"swichover"}).output.find("did you mean 'switchover'?") != std::string::npos);
    CHECK(ctl({"switchover", "wiki1"}).output.find("did you mean '--to wiki1'?") !=
          std::string::npos);
    CHECK(ctl({"resume", "--socket", "/nowhere/socket"}).exit_code == 3);
}

TEST_CASE("history asks for what was said, and prints the daemon's document as JSON") {
    const Answered out = ctl({"history", "--limit", "5", "--group", "w", "--json"},
                             R"({"ok":true,"format":1,"groups":["w"],"history":[]})"
                             "\n");
    CHECK(out.ran.exit_code == 0);
    CHECK(out.question == Json{{"command", "history"}, {"limit", 5}, {"group", "w"}});
    CHECK(Json::parse(out.ran.output) ==
          Json{{"format", 1}, {"groups", {"w"}}, {"history", Json::array()}});
}

TEST_CASE("a group is explained: who leads, what keeps it from electing, who acknowledges") {
    const Json status = Json::parse(R"({"groups":[{"name":"w","holder":"wiki2","epoch":17,
      "lease_left_seconds":5.1,"waiting_for":"","gate_waits":"","paused":{"left_seconds":1200},
      "block_left_seconds":null,"manual":false,"mode":"act","switchover":null,
      "semi_sync":{"members":[{"name":"wiki1","whole":true,"leaving":false},
                              {"name":"wiki3","whole":true,"leaving":true}],
                   "covered":true,"unknown":false},"alarms":["wiki4 is cloned"]},
     {"name":"x","holder":null,"epoch":3,"lease_left_seconds":0,"waiting_for":"a server to ask",
      "gate_waits":"wiki9, silent for 4 s","manual":true,"block_left_seconds":42,
      "mode":"observe","would":"grant wiki8",
      "semi_sync":{"members":[],"covered":false,"unknown":true}}],
     "history":[{"time":"2026-11-22T10:19:07Z","group":"w","epoch":17,"what":"out of www",
                 "server":"wiki4","from":"wiki4","by":"arbiter","why":"page"}]})");
    CHECK(
        render_groups_explanation(status) ==
        "w: wiki2 leads, epoch 17, lease 5.1 s left.\n"
        "Paused for 20 m more: nobody is elected without your word.\n"
        "Commits are acknowledged by wiki1, wiki3 (leaving); each acknowledged commit is with one "
        "of them.\nALARM: wiki4 is cloned.\n\n"
        "x: nobody leads, epoch 3.\nWaits for: a server to ask.\n"
        "The zero-loss gate waits: wiki9, silent for 4 s.\n"
        "The damping blocks automatic failovers for 42 s more.\n"
        "Too many failovers in an hour: only your word elects, until arbiterctl resume.\n"
        "Mode observe: nothing is moved; would: grant wiki8.\n"
        "Commits are acknowledged by nobody; who did before is not known, so all with data must "
        "report.\n");
    CHECK(render_last_events(status, "wiki4").find("out of www") != std::string::npos);
    CHECK(render_last_events(status, "wiki1").empty());
    CHECK(render_groups_explanation(Json::object()).empty());
    CHECK(render_last_events(Json::object(), "").empty());
}
