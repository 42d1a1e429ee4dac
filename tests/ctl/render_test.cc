#include "dnsd/ctl/render.h"

#include "dnsd/ctl/explain.h"

#include "tests/ctl/documents.h"

#include <random>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace dnsd;
using namespace dnsd::test;
using Json = nlohmann::ordered_json;

TEST_CASE("the table of a cluster with a failing page and a secondary that is behind") {
    const std::string expected =
        R"(wiki.example  serial 1742   ns0, up 41 d, mode act        22 Nov 2026 10:23:22 UTC
www      2 of 4 servers: wiki1 wiki2
master   wiki2, epoch 17, lease 5.1 s left

SERVER  ADDRESS                  WWW  ROLE     WEB  PAGE  DB  LAG   HEARD  SINCE  WHY
wiki1   192.0.2.11               in   replica  ok   ok    ok  0 s   0.4 s  1 d
wiki2   192.0.2.12 2001:db8::12  in   master   ok   ok    ok  -     0.1 s  12 d
wiki4   192.0.2.14               OUT  replica  ok   FAIL  ok  38 s  0.3 s  4 m    page: HTTP 503, want 200
wiki5   192.0.2.15               OUT  -        -    -     -   -     NEVER  -      never heard

SECONDARY  ADDRESS       SERIAL  BEHIND  NOTIFY        LAST TRANSFER
ns1        198.51.100.1  1742    -       acknowledged  IXFR 10:19:07, 0.04 s
ns2        203.0.113.9   1741    1, 4 m  2 unanswered  IXFR 10:14:50, 0.05 s

3 warnings: wiki4 is out of www; wiki5 is out of www; ns2 is behind.   arbiterctl explain wiki4
)";
    CHECK(render_status(Json::parse(busy_document()), Paint::plain) == expected);
}

TEST_CASE("the table of a daemon that has just started on two groups") {
    const std::string expected =
        R"(ns0, up 3 s, mode observe                                  2 Jan 2026 00:00:09 UTC
zone     a.example  serial 1
zone     b.example  serial 4294967295

group    a
www      0 of 0 servers
master   NONE, epoch 0, lease FREE, waiting for a first report of every server

SERVER  ADDRESS  WWW  ROLE  WEB  PAGE  DB  LAG  HEARD  SINCE  WHY

group    b
www      FAILS OPEN, 1 of 1 servers: x
master   y, epoch 4, lease EXPIRING

SERVER  ADDRESS    WWW  ROLE    WEB  PAGE  DB  LAG  HEARD   SINCE  WHY
x       192.0.2.1  in   FENCED  -    -     -   -    12.5 s  30 s   silent for 12.5 s

3 warnings: a has no master; www of b fails open; b has no writer.
)";
    CHECK(render_status(Json::parse(young_document()), Paint::plain) == expected);
}

TEST_CASE("a secondary that refuses its NOTIFY is trouble, one that was told nothing is not") {
    Json status = Json::parse(busy_document());
    status["secondaries"][0]["notify"] = "refused";
    status["secondaries"][1]["notify"] = "none";
    const std::string text = render_status(status, Paint::plain);
    CHECK(text.find("1742    -       REFUSED  IXFR") != std::string::npos);
    CHECK(text.find("1741    1, 4 m  none     IXFR") != std::string::npos);
}

TEST_CASE(
    "a third NOTIFY without an answer is trouble, and so is a transfer that did not end well") {
    Json status = Json::parse(busy_document());
    Json& ns2 = status["secondaries"][1];
    ns2["unanswered"] = 3;
    ns2["last_transfer"]["kind"] = "axfr";
    ns2["last_transfer"]["result"] = "timed_out";
    ns2["last_transfer"]["time"] = "2026-11-21T23:59:59Z";
    ns2["last_transfer"]["seconds"] = 75.2;
    const std::string text = render_status(status, Paint::plain);
    CHECK(text.find("3 UNANSWERED  AXFR TIMED_OUT 21 Nov 2026 23:59:59 UTC, 1 m\n") !=
          std::string::npos);
}

TEST_CASE("a secondary without a name, of one of many zones, that has not transferred yet") {
    Json status = Json::parse(busy_document());
    status["zones"].push_back({{"name", "other.example"}, {"serial", 7}});
    Json& ns2 = status["secondaries"][1];
    ns2["name"] = nullptr;
    ns2["last_transfer"] = nullptr;
    CHECK(
        render_status(status, Paint::plain).find("203.0.113.9  203.0.113.9   wiki.example  1741") !=
        std::string::npos);
    CHECK(render_status(status, Paint::plain).find("2 unanswered  -\n") != std::string::npos);
    ns2["transferring"] = true;
    ns2["name"] = "ns2.elsewhere.org";
    const std::string text = render_status(status, Paint::plain);
    CHECK(text.find("ns2.elsewhere.org  203.0.113.9   wiki.example  1741") != std::string::npos);
    CHECK(text.find("2 unanswered  under way\n") != std::string::npos);
}

TEST_CASE("colour only repeats what upper case says") {
    const Json status = Json::parse(busy_document());
    std::string coloured = render_status(status, Paint::colour);
    CHECK(coloured.find("\x1b[1;31mOUT\x1b[0m") != std::string::npos);
    for (const char* code : {"\x1b[1;31m", "\x1b[0m"})
        for (std::size_t at = 0; (at = coloured.find(code)) != std::string::npos;)
            coloured.erase(at, std::string_view(code).size());
    CHECK(coloured == render_status(status, Paint::plain));
}

TEST_CASE("an explanation says since when, why, and what is good and bad") {
    const Json status = Json::parse(busy_document());
    CHECK(render_explanation(status, "wiki4") ==
          "OUT of www since 10:19:07 (4 m 15 s): page: HTTP 503, want 200.\n"
          "Last heard 0.3 s ago; ok: database, web, replication, guard; FAIL: page.\n"
          "Role: replica, lag 38 s, at 0-1-42. May lead: no.\n");
    CHECK(render_explanation(status, "wiki2") ==
          "In www since 10 Nov 2026 09:30:02 UTC (12 d).\n"
          "Last heard 0.1 s ago; ok: database, web, page, replication, guard.\n"
          "Role: master, at 0-1-42, holds the lease of epoch 17. May lead: yes.\n");
    CHECK(render_explanation(status, "wiki5") ==
          "OUT of www: never heard.\n"
          "Never heard since the arbiter started.\n"
          "Role: unknown. May lead: no.\n");
    Json refused = status;
    refused["groups"][0]["servers"][0]["errant"] = "wiki2, the master of epoch 17, refused it";
    CHECK(render_explanation(refused, "wiki1")
              .ends_with("May lead: yes. Errant: wiki2, the master of epoch 17, refused it.\n"));
    refused["groups"][0]["servers"][0]["why"] = "wiki2, the master of epoch 17, refused it";
    CHECK(render_explanation(refused, "wiki1").ends_with("May lead: yes.\n"));  // said once
    CHECK(render_explanation(status, "wiki9").empty());
    CHECK(render_explanation(Json::parse(young_document()), "x")
              .starts_with("In group b:\nIn www since 1 Jan 2026 23:59:39 UTC (30 s), because www "
                           "fails open: silent"));
}

TEST_CASE("an explanation has all that keeps a server out, or from leading") {
    Json status = Json::parse(busy_document());
    Json& servers = status["groups"][0]["servers"];
    Json& wiki1 = servers[0];
    Json& wiki4 = servers[2];
    wiki4["out_why"] = "page: HTTP 503, want 200";
    wiki4["may_not_lead_why"] = "lag 38 s, max_lag is 30 s";
    wiki4["good_heartbeats"] = 0;
    wiki4["good_heartbeats_needed"] = 2;
    const auto has = [&](const char* server, const std::string& text) {
        const std::string said = render_explanation(status, server);
        CAPTURE(said);
        CHECK(said.find(text) != std::string::npos);
    };
    has("wiki4", "page: HTTP 503, want 200. Back in after 2 good heartbeats in a row; 0 so far.\n");
    has("wiki4", "May lead: no, lag 38 s, max_lag is 30 s.\n");
    wiki4["drained"] = Json{{"left_seconds", 1200}};
    wiki4["out_why"] = "drained";
    has("wiki4", ": drained. Drained for 20 m more; arbiterctl undrain wiki4 ends it.\n");
    wiki4["drained"] = Json{{"left_seconds", nullptr}};
    has("wiki4", "Drained until it is undone; arbiterctl undrain wiki4 ends it.\n");
    // One that stands in www is not out for what keeps it from leading.
    wiki1["may_lead"] = false;
    wiki1["why"] = wiki1["may_not_lead_why"] = "may not lead (configured)";
    has("wiki1", "In www since 21 Nov 2026 09:23:22 UTC (1 d 1 h).\n");
    has("wiki1", "May lead: no, may not lead (configured).\n");
    wiki1["alive"] = false;
    has("wiki1", "(1 d 1 h), though silent for 0.4 s.\n");
    wiki1["last_heard_seconds"] = nullptr;
    has("wiki1", "(1 d 1 h), though not heard yet.\nNever heard since");
    wiki1["cloned"] = wiki1["rejoining"] = true;
    wiki1["penalty"] = 0.5;
    has("wiki1", "Two machines speak under its name: give one a name and a key of its own.");
    has("wiki1", "It was master, and has not been seen to have caught up since.");
    has("wiki1", "ranks behind its equals: penalty 0.50.");
}

TEST_CASE("a group is explained in each state of its lease") {
    Json status = Json::parse(busy_document());
    Json& group = status["groups"][0];
    const auto first = [&](const char* state, double left) {
        group["state"] = state;
        group["lease_left_seconds"] = left;
        const std::string said = render_groups_explanation(status);
        return said.substr(0, said.find("Commits"));
    };
    CHECK(first("held", 5.1) == "wiki: wiki2 leads, epoch 17, lease 5.1 s left.\n");
    CHECK(first("expiring", 2) ==
          "wiki: the lease of wiki2 runs out, epoch 17, lease 2.0 s left.\n");
    CHECK(first("quarantine", 0) ==
          "wiki: the last lease that is known is that of wiki2, epoch 17.\nThe arbiter has just "
          "started: it grants nobody who might lead beside an older lease.\n");
    group["servers"][1]["role"] = "replica";
    CHECK(first("held", 5.1) ==
          "wiki: wiki2 leads, epoch 17, lease 5.1 s left.\n"
          "wiki2 has the lease and is not writable yet.\n");
    group["servers"][1]["alive"] = false;
    CHECK(first("held", 5.1)
              .ends_with("wiki2 is silent for 0.1 s, and leads until its lease ends.\n"));
    group["holder"] = nullptr;
    CHECK(first("window", 0) == "wiki: nobody leads, epoch 17.\nAn election is under way.\n");
    CHECK(first("free", 0) == "wiki: nobody leads, epoch 17.\n");
}

TEST_CASE("the warnings have the alarms and a reload that was not taken, and no drain") {
    Json status = Json::parse(busy_document());
    status["groups"][0]["servers"][3]["drained"] = Json{{"left_seconds", 90}};
    status["groups"][0]["alarms"] = {"no automatic failover if wiki2 dies: nobody has caught up"};
    status["reload"] = {{"ok", false}, {"why", "reload: the configuration has errors"}};
    const std::string text = render_status(status, Paint::plain);
    CHECK(text.find("4 warnings: no automatic failover if wiki2 dies: nobody has caught up; wiki4 "
                    "is out of www; ns2 is behind; the last reload: the configuration has errors. "
                    "  arbiterctl explain wiki4\n") != std::string::npos);
    CHECK(text.find("wiki5 is drained for 1 m 30 s more.\n") != std::string::npos);
}

TEST_CASE("the part of one server carries its group") {
    const Json part = server_part(Json::parse(busy_document()), "wiki4");
    REQUIRE(part.size() == 1);
    CHECK(part[0]["group"] == "wiki");
    CHECK(part[0]["epoch"] == 17);
    CHECK(part[0]["server"]["why"] == "page: HTTP 503, want 200");
    CHECK(server_part(Json::parse(busy_document()), "wiki9").empty());
}

TEST_CASE("what only ages is no change, everything else is") {
    const Json before = Json::parse(busy_document());
    Json after = before;
    after["time"] = "2026-11-22T10:23:23Z";
    after["uptime_seconds"] = 9;
    after["groups"][0]["lease_left_seconds"] = 4.1;
    after["groups"][0]["servers"][0]["last_heard_seconds"] = 0.9;
    after["groups"][0]["servers"][0]["gtid"] = "0-1-43";
    CHECK(without_ages(before) == without_ages(after));
    Json silent = after;
    silent["groups"][0]["waiting_for"] = "wiki2 to report, or another 4.5 s";
    Json later = silent;
    later["groups"][0]["waiting_for"] = "wiki2 to report, or another 3.5 s";
    CHECK(without_ages(silent) == without_ages(later));
    later["groups"][0]["waiting_for"] = "wiki3 to report, or another 3.5 s";
    CHECK(without_ages(silent) != without_ages(later));
    later = silent;
    later["groups"][0]["servers"][2]["why"] = "page: HTTP 500, want 200";
    CHECK(without_ages(silent) != without_ages(later));
    after["groups"][0]["servers"][0]["in_pool"] = false;
    CHECK(without_ages(before) != without_ages(after));
}

TEST_CASE("nothing that a server says of itself can steer a terminal") {
    Json status = Json::parse(busy_document());
    status["groups"][0]["servers"][2]["why"] = "\x1b]0;title\x07\x1b[2J\r\nw\xc3\xa4h";
    status["groups"][0]["servers"][2]["name"] = "\x1b[31mwiki4";
    for (const std::string& text :
         {render_status(status, Paint::plain), render_explanation(status, "?[31mwiki4")}) {
        CHECK_FALSE(text.empty());
        for (const char c : text) CHECK((c == '\n' || (c >= 0x20 && c <= 0x7e)));
    }
}

TEST_CASE("a document with keys missing or of another kind is shown, whatever it is") {
    CHECK(render_status(Json(), Paint::plain).starts_with("-, up -, mode -"));
    CHECK(render_status(Json::array({1, 2}), Paint::plain).starts_with("-, up -, mode -"));
    const std::vector<Json> odd{Json(),
                                Json(true),
                                Json("x"),
                                Json(-1),
                                Json(1e300),
                                Json::array({1}),
                                Json::object({{"a", 1}})};
    std::mt19937 random(3);
    for (int round = 0; round < 3000; ++round) {
        Json status = Json::parse(round % 2 == 0 ? busy_document() : young_document());
        const auto places = status.flatten();
        auto place = places.begin();
        std::advance(place, static_cast<std::ptrdiff_t>(random() % places.size()));
        auto pointer = Json::json_pointer(place.key());
        for (auto up = random() % 3; up > 0 && !pointer.parent_pointer().empty(); --up)
            pointer = pointer.parent_pointer();
        status[pointer] = odd[random() % odd.size()];
        CAPTURE(pointer.to_string());
        CHECK_FALSE(render_status(status, Paint::plain).empty());
        render_explanation(status, "wiki4");
        server_part(status, "x");
        without_ages(status);
    }
}

TEST_CASE("times are told in the largest unit that they fill") {
    CHECK(fine_age(0) == "0.0 s");
    CHECK(fine_age(12.34) == "12.3 s");
    CHECK(fine_age(99.96) == "1 m");
    CHECK(age(0.9) == "0 s");
    CHECK(age(59.9) == "59 s");
    CHECK(age(60) == "1 m");
    CHECK(age(3600) == "1 h");
    CHECK(age(86400 * 400.0) == "400 d");
    CHECK(age(-5) == "0 s");
    CHECK(age(1e300).ends_with(" d"));
    CHECK(long_age(255) == "4 m 15 s");
    CHECK(long_age(7200) == "2 h");
    CHECK(long_age(111600) == "1 d 7 h");
    CHECK(long_age(59) == "59 s");
}
