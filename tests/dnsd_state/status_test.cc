#include "dnsd/io/page.h"
#include "dnsd/io/status_json.h"
#include "tests/dnsd_state/samples.h"

#include <set>
#include <sstream>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace dnsd;
using namespace std::chrono_literals;
using Json = nlohmann::ordered_json;
using Level = Verdict::Level;

TEST_CASE("the status in JSON has every key that is promised, in one line") {
    const std::string text = status_json(samples::status());
    CHECK(text.find('\n') == std::string::npos);
    const Json json = Json::parse(text);
    CHECK(json["format"] == 1);
    CHECK(json["host"] == "ns0");
    CHECK(json["mode"] == "act");
    CHECK(json["uptime_seconds"] == 3542400);
    CHECK(json["time"] == "2026-11-22T10:23:22Z");
    CHECK(json["state"] == "ok");
    const Json& group = json["groups"][0];
    CHECK(group["name"] == "wiki.example");
    CHECK(group["epoch"] == 17);
    CHECK(group["holder"] == "wiki2");
    CHECK(group["master"] == "wiki2");
    CHECK(group["state"] == "held");
    CHECK(group["lease_left_seconds"] == 5.1);
    CHECK(group["fail_open"] == false);
    CHECK(group["waiting_for"] == "");
    CHECK(
        group["servers"][0].dump() ==
        R"({"name":"wiki1","addresses":["192.0.2.11"],"alive":true,"in_pool":true,"may_lead":true,)"
        R"("role":"replica","why":"","last_heard_seconds":0.4,"since_seconds":null,"gtid":"0-1-42",)"
        R"("lag_seconds":0.0,"weight":1,"health":{"database":true,"web":true,"page":true,)"
        R"("replication":true,"guard":false},"out_why":"","may_not_lead_why":"",)"
        R"("good_heartbeats":0,"good_heartbeats_needed":0,"drained":null,"cloned":false,)"
        R"("penalty":0.0,"rejoining":false,"errant":""})");
    CHECK(group["mode"] == "act");
    CHECK(group["paused"].is_null());
    CHECK(group["switchover"].is_null());
    CHECK(json["zones"].dump() == R"([{"name":"wiki.example","serial":1742}])");
    CHECK(
        json["secondaries"].dump() ==
        R"([{"address":"198.51.100.1","port":53,"zone":"wiki.example","serial":1742,"behind":0,)"
        R"("behind_seconds":null,"ahead":false,"notify":"acknowledged","unanswered":0,"unanswered_seconds":null,)"
        R"("name":"ns1.wiki.example","configured":true,"key":null,"asked_serial":1741,)"
        R"("asked_seconds":255.0,"transferring":false,"last_transfer":{"kind":"ixfr",)"
        R"("result":"done","serial":1742,"time":"2026-11-22T10:19:07Z","seconds":0.04,)"
        R"("bytes":412}}])");
}

namespace {

// A group of which an operator and the damping began all that there is.
Status with_all_in_force() {
    Status status = samples::status();
    GroupStatus& group = status.groups[0];
    group.mode = Mode::observe;
    group.paused = InForce{20min};
    group.block_left = 42s;
    group.manual = true;
    group.semi_sync = {{*ServerId::parse("wiki1"), true, false}};
    group.covered = true;
    group.gate_waits = "wiki3, silent for 4 s";
    group.alarms = {"wiki4 is cloned"};
    group.counts.failover.done = 2;
    group.servers[0].drained = InForce{};
    group.switchover = SwitchoverStatus{*ServerId::parse("wiki2"),
                                        *ServerId::parse("wiki1"),
                                        {18},
                                        SwitchoverStatus::Stage::waiting,
                                        1500ms,
                                        "asked by anna",
                                        "anna"};
    return status;
}

}  // namespace

TEST_CASE("what operators and the damping began, and who acknowledges, stands in the JSON") {
    Status status = with_all_in_force();
    GroupStatus& group = status.groups[0];
    const Json json = Json::parse(status_json(status))["groups"][0];
    CHECK(json["mode"] == "observe");
    CHECK(json["paused"].dump() == R"({"left_seconds":1200.0})");
    CHECK(json["block_left_seconds"] == 42);
    CHECK(json["manual"] == true);
    CHECK(json["semi_sync"].dump() ==
          R"({"members":[{"name":"wiki1","whole":true,"leaving":false}],"covered":true,)"
          R"("unknown":false})");
    CHECK(json["gate_waits"] == "wiki3, silent for 4 s");
    CHECK(json["servers"][0]["drained"].dump() == R"({"left_seconds":null})");
    CHECK(json["switchover"]["stage"] == "waiting");
    CHECK(json["switchover"]["by"] == "anna");
    CHECK(json["failovers"]["failover"]["done"] == 2);
    const std::string metrics = metrics_text(status);
    for (const std::string_view line :
         {"arbiter_paused{group=\"wiki.example\"} 1", "arbiter_manual{group=\"wiki.example\"} 1",
          "arbiter_failovers_blocked_seconds{group=\"wiki.example\"} 42",
          "arbiter_semi_sync_members{group=\"wiki.example\"} 1",
          "arbiter_gate_waits{group=\"wiki.example\"} 1",
          "arbiter_group_mode{group=\"wiki.example\",mode=\"observe\"} 1",
          "arbiter_failovers_total{group=\"wiki.example\",kind=\"failover\",result=\"done\"} 2",
          "arbiter_failovers_total{group=\"wiki.example\",kind=\"switchover\",result=\"failed\"} "
          "0"}) {
        CAPTURE(line);
        CHECK(metrics.find(std::string(line) + "\n") != std::string::npos);
    }
    const Verdict verdict = judge(status);
    CHECK(verdict.level == Verdict::Level::warning);
    group.servers[0].in_pool = false;  // as a drain has it
    CHECK(judge(status).reasons == verdict.reasons);
}

TEST_CASE("what is not known is null") {
    Status status = samples::status();
    status.groups[0].holder = status.groups[0].master = std::nullopt;
    status.groups[0].servers[0].last = std::nullopt;
    status.groups[0].servers[0].last_heard = std::nullopt;
    status.secondaries[0].serial = std::nullopt;
    status.secondaries[0].behind = std::nullopt;
    status.secondaries[0].last_transfer = std::nullopt;
    status.secondaries[0].name = "";
    const Json json = Json::parse(status_json(status));
    CHECK(json["groups"][0]["master"].is_null());
    CHECK(json["groups"][0]["servers"][0]["gtid"].is_null());
    CHECK(json["groups"][0]["servers"][0]["health"].is_null());
    CHECK(json["groups"][0]["servers"][0]["last_heard_seconds"].is_null());
    CHECK(json["secondaries"][0]["serial"].is_null());
    CHECK(json["secondaries"][0]["behind"].is_null());
    CHECK(json["secondaries"][0]["last_transfer"].is_null());
    CHECK(json["secondaries"][0]["name"].is_null());
}

TEST_CASE("bytes that are no text make no broken JSON, page or metrics") {
    Status status = samples::status();
    status.groups[0].servers[0].why = "\xff<script>\"\n\\";
    status.groups[0].servers[0].in_pool = false;
    status.groups[0].name = "a\"b\\c\nd";
    CHECK(Json::accept(status_json(status)));
    const std::string page = page_html(status);
    CHECK(page.find("<script>") == std::string::npos);
    CHECK(page.find("&lt;script&gt;&quot;") != std::string::npos);
    CHECK(metrics_text(status).find("arbiter_fail_open{group=\"a\\\"b\\\\c\\nd\"} 0\n") !=
          std::string::npos);
}

TEST_CASE("times are RFC 3339 in UTC, also after 2038 and 2106") {
    CHECK(rfc3339(0) == "1970-01-01T00:00:00Z");
    CHECK(rfc3339(1795342747999) == "2026-11-22T10:19:07Z");
    CHECK(rfc3339(2147483648000) == "2038-01-19T03:14:08Z");
    CHECK(rfc3339(4294967296000) == "2106-02-07T06:28:16Z");
}

TEST_CASE("a reload that was not taken whole is a warning until the next one, with its sum") {
    Status status = samples::status();
    const auto reload = [&] { return Json::parse(status_json(status))["reload"]; };
    CHECK(reload()["ok"] == true);
    CHECK(reload()["why"] == "");
    status.reload_ok = false;
    status.reload_why = "reload: the configuration has errors; nothing was taken";
    CHECK(judge(status).level == Level::warning);
    CHECK(judge(status).reasons ==
          std::vector<std::string>{"the last reload: the configuration has errors; nothing "
                                   "was taken"});
    CHECK(reload()["ok"] == false);
    CHECK(reload()["why"] == status.reload_why);
}

TEST_CASE("the verdict names the worst first") {
    Status status = samples::status();
    CHECK(judge(status).level == Level::ok);
    status.groups[0].servers[0].in_pool = false;
    status.groups[0].servers[0].why = "page: HTTP 503, want 200";
    CHECK(judge(status).level == Level::warning);
    CHECK(judge(status).reasons ==
          std::vector<std::string>{"wiki1 is out of the pool: page: HTTP 503, want 200"});
    SUBCASE("no lease") {
        status.groups[0].holder = std::nullopt;
        status.groups[0].waiting_for = "wiki2 to report";
        CHECK(judge(status).reasons[0] == "wiki.example has no writer: wiki2 to report");
    }
    SUBCASE("a holder that is not master yet") {
        status.groups[0].servers[1].role = heartbeat::Role::replica;
        CHECK(judge(status).reasons[0] == "wiki.example has no writer");
    }
    SUBCASE("failing open") {
        status.groups[0].fail_open = true;
    }
    SUBCASE("not ready") {
        status.ready = false;
    }
    SUBCASE("every secondary behind") {
        status.secondaries[0].behind = 1;
        status.secondaries[0].behind_for = 3s;
        CHECK(judge(status).reasons[0] == "every secondary of wiki.example is behind");
    }
    CHECK(judge(status).level == Level::critical);
}

TEST_CASE("a secondary that only fetches is no warning, one of two behind is") {
    Status status = samples::status();
    status.secondaries.push_back(status.secondaries[0]);
    status.secondaries[1].behind = 1;
    status.secondaries[1].behind_for = 100ms;
    CHECK(judge(status).level == Level::ok);
    status.secondaries[1].behind_for = 240s;
    CHECK(judge(status).level == Level::warning);
    status.secondaries[1] = status.secondaries[0];
    status.secondaries[1].ahead = true;
    CHECK(judge(status).level == Level::warning);
    CHECK(judge(status).reasons == std::vector<std::string>{"ns1 is ahead of us in wiki.example"});
    CHECK(Json::parse(status_json(status))["secondaries"][1]["ahead"] == true);
    status.secondaries[1] = status.secondaries[0];
    status.secondaries[1].notify = SecondaryStatus::Notify::unanswered;
    status.secondaries[1].unanswered = 3;
    CHECK(judge(status).level == Level::warning);
}

TEST_CASE(
    "metrics: every sample has its family, every family stands once, counters are there at 0") {
    const std::string text = metrics_text(samples::status());
    std::set<std::string> families;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        CAPTURE(line);
        if (line.starts_with("# HELP ")) continue;
        if (line.starts_with("# TYPE ")) {
            const std::string rest = line.substr(7);
            CHECK(families.insert(rest.substr(0, rest.find(' '))).second);
            continue;
        }
        CHECK(families.contains(line.substr(0, line.find_first_of("{ "))));
    }
    for (const auto* line :
         {"arbiter_build_info{version=\"0.1.0\"} 1",
          "arbiter_lease_epoch{group=\"wiki.example\"} 17",
          "arbiter_zone_serial{zone=\"wiki.example\"} 1742",
          "arbiter_dns_requests_total{transport=\"tcp\"} 0", "arbiter_decisions_lost_total 2",
          "arbiter_notify_datagrams_total{result=\"sent\"} 3",
          "arbiter_server_master{group=\"wiki.example\",server=\"wiki2\"} 1",
          "arbiter_server_check_ok{group=\"wiki.example\",server=\"wiki1\",check=\"guard\"} 0",
          "arbiter_secondary_behind_seconds{zone=\"wiki.example\",secondary=\"198.51.100.1:53\"} 0",
          "arbiter_mode{mode=\"act\"} 1", "arbiter_mode{mode=\"observe\"} 0"}) {
        CAPTURE(line);
        CHECK(text.find(std::string("\n") + line) != std::string::npos);
    }
}

TEST_CASE("the page is whole without script, small, and asks nobody outside") {
    Status status = samples::status();
    status.groups[0].servers[0].in_pool = false;
    const std::string page = page_html(status);
    for (const auto* part :
         {"WARNING", "wiki1", "192.0.2.11", "OUT", "MASTER", "epoch 17, held by wiki2, 5.1 s left",
          "198.51.100.1", "1742", "wiki4 leaves www", "<title>", ">ns1<", "ixfr, 4 m ago"}) {
        CAPTURE(part);
        CHECK(page.find(part) != std::string::npos);
    }
    for (const std::string_view part : {std::string_view(page), page_css, page_js})
        CHECK(part.find("://") == std::string_view::npos);
    CHECK(page.find("style=") == std::string::npos);  // default-src 'self' would refuse it
    CHECK(page.size() + page_css.size() + page_js.size() + page_icon.size() < 100'000);
}

TEST_CASE("the page shows what is in force and under way, and who acknowledges") {
    Status status = with_all_in_force();
    const std::string page = page_html(status);
    for (const auto* part :
         {"SWITCHOVER from wiki2 to wiki1, epoch 18: waiting for 1.5 s; asked by anna",
          "PAUSED for 20 m more", "BLOCKED by the damping for 42 s more", "MANUAL after",
          "The zero-loss gate WAITS: wiki3, silent for 4 s", "mode observe: nothing is moved",
          "wiki1 is drained until undone", "<h3>commits acknowledged by</h3><b>wiki1</b>",
          "<p>each acknowledged commit is with one of them</p>"}) {
        CAPTURE(part);
        CHECK(page.find(part) != std::string::npos);
    }
    status.groups[0].covered = false;
    status.groups[0].semi_sync[0].whole = false;
    const std::string uncovered = page_html(status);
    CHECK(uncovered.find("<b>wiki1 (not caught up yet)</b><p class=\"bad\">not yet is each") !=
          std::string::npos);
    // Nothing in force: no card for it.
    CHECK(page_html(samples::status()).find("in force") == std::string::npos);
}

TEST_CASE("ten thousand zones make no page of ten thousand lines") {
    Status status = samples::status();
    for (int i = 0; i < 10'000; ++i) status.zones.push_back({"z" + std::to_string(i), 1});
    const std::string page = page_html(status);
    CHECK(page.size() < 60'000);
    CHECK(page.find("and 9801 more") != std::string::npos);
}
