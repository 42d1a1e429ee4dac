// --json is on every command: whatever comes of it is one object of format 1, and nothing else is
// said anywhere.
#include "dnsd/ctl/daemon.h"
#include "tests/ctl/documents.h"
#include "tests/ctl/fake_daemon.h"

#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <nlohmann/json.hpp>

using namespace dnsd;
using namespace dnsd::test;
using Json = nlohmann::ordered_json;
using Words = std::vector<std::string>;

namespace {

// The commands that act, each as it is asked for.
const std::map<std::string, Words> acts{
    {"switchover", {"switchover", "--to", "wiki1"}},
    {"drain", {"drain", "wiki4", "--for", "30m"}},
    {"undrain", {"undrain", "wiki4"}},
    {"pause", {"pause", "--until-undone"}},
    {"resume", {"resume"}},
    {"confirm-dead", {"confirm-dead", "wiki2"}},
    {"adopt", {"adopt", "--master", "wiki1"}},
    {"mode", {"mode", "observe"}},
};
// Those that only ask.
const std::map<std::string, Words> questions{
    {"status", {"status"}},
    {"explain", {"explain", "wiki4"}},
    {"reload", {"reload"}},
    {"history", {"history"}},
};
// Those that no daemon is asked for.
const std::set<std::string> alone{"check", "init", "keys"};

std::map<std::string, Words> all_that_ask() {
    auto all = acts;
    all.insert(questions.begin(), questions.end());
    return all;
}

Ran ctl(const Words& words, const std::string& program = ARBITER_BIN_DIR "/arbiterctl") {
    auto ran = run_program(program, words, Output::kept);
    REQUIRE(ran);
    return *ran;
}

// All that was said, which is one document.
Json document(Words words, int exit_code) {
    words.emplace_back("--json");
    const Ran ran = ctl(words);
    CAPTURE(ran.output);
    CHECK(ran.exit_code == exit_code);
    const Json said = Json::parse(ran.output, nullptr, false);
    REQUIRE(said.is_object());
    CHECK(said.begin().key() == "format");
    CHECK(said["format"] == 1);
    return said;
}

Json answered(Words words, const std::string& lines, int exit_code) {
    const Folder folder;
    const FakeDaemon daemon(folder / "a", FakeDaemon::answers(lines));
    words.insert(words.begin(), {"--socket", folder / "a"});
    return document(std::move(words), exit_code);
}

void check_complaint(const Json& said) {
    CHECK(said["ok"] == false);
    REQUIRE(said.contains("error"));
    CHECK(said["error"].get<std::string>() != "");
}

// The names below "Subcommands:".
std::set<std::string> commands_in(const std::string& help) {
    std::set<std::string> names;
    std::istringstream lines(help);
    bool there = false;
    for (std::string line; std::getline(lines, line);) {
        if (there && line.size() > 2 && line[2] != ' ')
            names.insert(line.substr(2, line.find(' ', 2) - 2));
        there = there || line == "Subcommands:";
    }
    return names;
}

}  // namespace

TEST_CASE("there is no command whose JSON is not looked at here") {
    std::set<std::string> here = alone;
    for (const auto& [name, words] : all_that_ask()) here.insert(name);
    CHECK(commands_in(ctl({"--help"}).output) == here);
    CHECK(commands_in(ctl({"keys", "--help"}).output) ==
          std::set<std::string>{"new", "show", "tsig"});
}

TEST_CASE("an act ends with the arbiter's last answer, and its steps are not told before") {
    const Json last{{"ok", true}, {"going_on", false}, {"text", "done"}, {"changed", true}};
    for (const auto& [name, words] : acts) {
        CAPTURE(name);
        Json expected{{"format", 1}};
        expected.update(last);
        CHECK(answered(words, "{\"ok\":true,\"going_on\":true,\"text\":\"a step\"}\n" + last.dump(),
                       0) == expected);
    }
}

TEST_CASE("a dry run has its candidates, steps and pauses") {
    const Json said = answered(
        {"switchover", "--dry-run"},
        R"({"ok":true,"going_on":false,"text":"would be","changed":false,"candidates":[{"name":"a",)"
        R"("may_lead":true,"why":""}],"steps":["a stops writing"],"last_pauses_seconds":[0.2]})",
        0);
    CHECK(said["candidates"][0]["name"] == "a");
    CHECK(said["steps"] == Json{"a stops writing"});
    CHECK(said["last_pauses_seconds"] == Json{0.2});
}

TEST_CASE("a question is answered by the arbiter's document") {
    const std::string status = Json{{"ok", true}, {"status", Json::parse(busy_document())}}.dump();
    CHECK(answered({"status"}, status, 0) == Json::parse(busy_document()));
    const Json one = answered({"explain", "wiki4"}, status, 0);
    CHECK(one["servers"][0]["server"]["name"] == "wiki4");
    CHECK(one["text"].get<std::string>().starts_with("OUT of www"));
    CHECK(answered({"explain"}, status, 0)["text"].get<std::string>().starts_with("wiki: "));
    CHECK(answered({"reload"}, R"({"ok":true,"changes":["+ x"]})", 0) ==
          Json{{"format", 1}, {"ok", true}, {"changes", {"+ x"}}});
    CHECK(answered({"history"}, R"({"ok":true,"format":1,"groups":[],"history":[]})", 0) ==
          Json{{"format", 1}, {"groups", Json::array()}, {"history", Json::array()}});
}

TEST_CASE("a refusal of the arbiter has its words") {
    for (const auto& [name, words] : all_that_ask()) {
        CAPTURE(name);
        const Json said = answered(words, R"({"ok":false,"error":"not now"})", 1);
        check_complaint(said);
        CHECK(said["error"] == "not now");
    }
}

TEST_CASE("without an arbiter the document names the socket, and says what to do") {
    const Folder folder;
    for (auto [name, words] : all_that_ask()) {
        CAPTURE(name);
        words.insert(words.end(), {"--socket", folder / "none"});
        const Json said = document(words, 3);
        check_complaint(said);
        CHECK(said["error"].get<std::string>().find(folder / "none") != std::string::npos);
        CHECK(said.contains("hint"));
    }
}

TEST_CASE("words that are not understood are told as a document, too") {
    for (const auto& [name, words] : all_that_ask()) {
        CAPTURE(name);
        Words more = words;
        more.emplace_back("--jsno");
        check_complaint(document(more, 2));
    }
    for (const Words& words : {Words{},
                               {"statsu"},
                               {"keys"},
                               {"keys", "nwe"},
                               {"keys", "new"},
                               {"undrain"},
                               {"pause"},
                               {"pause", "--for", "soon"},
                               {"history", "--since", "soon"},
                               {"history", "--limit", "0"},
                               {"history", "--limit", "many"},
                               {"resume", "--wait", "soon"},
                               {"keys", "new", "No_Name"}})
        check_complaint(document(words, 2));
    // Where the last word is one that lacks its value, --json stands before it.
    for (const Words& words : {Words{"--json", "pause", "--for"},
                               {"history", "--json", "--limit"},
                               {"--json", "--socket"}}) {
        const Ran ran = ctl(words);
        CHECK(ran.exit_code == 2);
        CAPTURE(ran.output);
        const Json said = Json::parse(ran.output, nullptr, false);
        REQUIRE(said.is_object());
        check_complaint(said);
    }
}

TEST_CASE("keys that are made, shown or refused are documents") {
    const Folder folder;
    const Json made = document({"keys", "new", "wiki1", "--dir", folder / ""}, 0);
    CHECK(made["name"] == "wiki1");
    const std::string line = made["public"];
    const Json secret = document({"keys", "show", folder / "wiki1.key"}, 0);
    CHECK(secret["name"] == "wiki1");
    CHECK(secret["secret"] == true);
    CHECK(secret["public"] == Json{line});
    CHECK(document({"keys", "show", folder / "wiki1.pub"}, 0)["secret"] == false);
    check_complaint(document({"keys", "new", "wiki1", "--dir", folder / ""}, 1));
    check_complaint(document({"keys", "show", folder / "none.pub"}, 1));

    const std::string file = folder / "tsig.key";
    const Json tsig = document({"keys", "tsig", "ns2.example", "--out", file}, 0);
    CHECK(tsig["name"] == "ns2.example");
    CHECK(tsig["file"] == file);
    CHECK(document({"keys", "tsig", "ns2.example", "--show", "--key-file", file}, 0)["key"] ==
          tsig["key"]);
    check_complaint(document({"keys", "tsig", "ns2.example", "--out", file}, 1));
    check_complaint(document({"keys", "tsig", "ns2.example", "--algorithm", "hmac-md4"}, 2));
}

TEST_CASE("check and init report in the document what the daemon would print") {
    const Folder folder;
    std::filesystem::copy_file(ARBITER_BIN_DIR "/arbiterctl", folder / "arbiterctl");
    for (const int code : {0, 1, 78}) {
        std::ofstream(folder / "arbiter-dnsd")
            << "#!/bin/sh\necho said\necho more >&2\nexit " << code << "\n";
        ::chmod((folder / "arbiter-dnsd").c_str(), 0755);
        for (const Words& words :
             {Words{"check", "x.toml", "--json"}, Words{"init", "--config", "x.toml", "--json"}}) {
            CAPTURE(words.front());
            const Ran ran = ctl(words, folder / "arbiterctl");
            const int refused = words.front() == "init" && code == 1 ? 1 : 2;
            CHECK(ran.exit_code == (code == 0 ? 0 : refused));
            CHECK(Json::parse(ran.output, nullptr, false) == Json{{"format", 1},
                                                                  {"ok", code == 0},
                                                                  {"file", "x.toml"},
                                                                  {"report", "said\nmore\n"}});
        }
    }
    std::filesystem::remove(folder / "arbiter-dnsd");
    const Ran ran = ctl({"check", "x.toml", "--json"}, folder / "arbiterctl");
    CHECK(ran.exit_code == 1);
    check_complaint(Json::parse(ran.output));
}
