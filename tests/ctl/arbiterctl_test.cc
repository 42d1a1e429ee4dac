// The program itself, as a shell sees it.

#include "dnsd/ctl/daemon.h"
#include "tests/ctl/documents.h"
#include "tests/ctl/fake_daemon.h"

#include <fstream>

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <nlohmann/json.hpp>

using namespace dnsd;
using namespace dnsd::test;
using Json = nlohmann::ordered_json;

namespace {

Ran ctl(const std::vector<std::string>& arguments) {
    auto ran = run_program(std::string(ARBITER_BIN_DIR) + "/arbiterctl", arguments, Output::kept);
    REQUIRE(ran);
    return *ran;
}

bool says(const Ran& ran, std::string_view words) {
    CAPTURE(ran.output);
    const bool found = ran.output.find(words) != std::string::npos;
    CHECK(found);
    return found;
}

std::string one_line(const std::string& document) {
    return Json{{"ok", true}, {"status", Json::parse(document)}}.dump();
}

// A stand-in for arbiter-dnsd beside a copy of the tool: says how it was called.
struct Installed {
    Folder folder;
    explicit Installed(int exit_code) {
        std::filesystem::copy_file(std::string(ARBITER_BIN_DIR) + "/arbiterctl",
                                   folder / "arbiterctl");
        std::ofstream(folder / "arbiter-dnsd")
            << "#!/bin/sh\necho \"called: $*\" >&2\nexit " << exit_code << "\n";
        ::chmod((folder / "arbiter-dnsd").c_str(), 0755);
    }
    Ran ctl(const std::vector<std::string>& arguments) const {
        auto ran = run_program(folder / "arbiterctl", arguments, Output::kept);
        REQUIRE(ran);
        return *ran;
    }
};

}  // namespace

TEST_CASE("a word that is not known ends with 2 and says what was meant") {
    const auto refused = [](const std::vector<std::string>& arguments, std::string_view words) {
        const Ran ran = ctl(arguments);
        CHECK(ran.exit_code == 2);
        says(ran, words);
    };
    refused({}, "a command is required");
    refused({"statsu"}, "did you mean 'status'?");
    refused({"zzzzzzz"}, "no command 'zzzzzzz'");
    refused({"status", "--jsno"}, "did you mean '--json'?");
    refused({"status", "now"}, "'status' takes no 'now'");
    refused({"keys"}, "a command is required");
    refused({"keys", "nwe", "x"}, "did you mean 'new'?");
    refused({"keys", "new"}, "arbiterctl keys new --help");
    refused({"keys", "new", "a", "b"}, "'new' takes no 'b'");
    refused({"keys", "new", "No_Name"}, "1 to 32 of a-z");
    refused({"undrain"}, "SERVER is required");
    refused({"--socket"}, "--socket");
}

TEST_CASE("help and version are answers") {
    CHECK(ctl({"--help"}).exit_code == 0);
    CHECK(ctl({"keys", "new", "--help"}).exit_code == 0);
    const Ran version = ctl({"--version"});
    CHECK(version.exit_code == 0);
    says(version, ARBITER_VERSION);
}

TEST_CASE("without a daemon every question ends with 3 and names the socket") {
    const Folder folder;
    for (const char* command : {"status", "reload"}) {
        const Ran ran = ctl({command, "--socket", folder / "none"});
        CHECK(ran.exit_code == 3);
        says(ran, folder / "none");
    }
    CHECK(ctl({"status", "--watch", "--socket", folder / "none"}).exit_code == 3);
    const Ran ran = ctl({"--json", "explain", "wiki1", "--socket", folder / "none"});
    CHECK(ran.exit_code == 3);
    const Json document = Json::parse(ran.output, nullptr, false);
    REQUIRE(document.is_object());
    CHECK(document["format"] == 1);
    CHECK(document["ok"] == false);
}

TEST_CASE("nothing is said to be going on of a question that a stopped daemon leaves") {
    const Folder folder;
    const FakeDaemon daemon(folder / "a",
                            [](int connection) { FakeDaemon::wait_for_end(connection); });
    const Ran ran = ctl({"status", "--socket", folder / "a"});
    CHECK(ran.exit_code == 3);
    says(ran, "it is stopped or overloaded: systemctl status arbiter-dnsd");
}

TEST_CASE("the status comes as a table or as one document") {
    const Folder folder;
    {
        const FakeDaemon daemon(folder / "a", FakeDaemon::answers(one_line(busy_document())));
        const Ran ran = ctl({"status", "--socket", folder / "a"});
        CHECK(ran.exit_code == 0);
        says(ran, "wiki4   192.0.2.14               OUT");
        CHECK(ran.output.find('\x1b') == std::string::npos);  // no terminal, no colour
    }
    const FakeDaemon daemon(folder / "b", FakeDaemon::answers(one_line(busy_document())));
    const Ran ran = ctl({"status", "--json", "--socket", folder / "b"});
    CHECK(ran.exit_code == 0);
    CHECK(Json::parse(ran.output, nullptr, false) == Json::parse(busy_document()));
}

TEST_CASE("a watch into a pipe gives one line, and ends with 3 when the daemon goes") {
    const Folder folder;
    const FakeDaemon daemon(folder / "a", FakeDaemon::answers(one_line(busy_document())));
    const Ran ran = ctl({"status", "--watch", "--socket", folder / "a"});
    CHECK(ran.exit_code == 3);
    CHECK(Json::parse(ran.output.substr(0, ran.output.find('\n')), nullptr, false) ==
          Json::parse(busy_document()));
}

TEST_CASE("a refusal of the daemon ends with 1, with its words and its hint") {
    const Folder folder;
    const FakeDaemon daemon(
        folder / "a", FakeDaemon::answers(R"({"ok":false,"error":"3 errors","hint":"look"})"));
    const Ran ran = ctl({"reload", "--socket", folder / "a"});
    CHECK(ran.exit_code == 1);
    says(ran, "arbiterctl: 3 errors\n  hint: look\n");
}

TEST_CASE("a reload prints what changed") {
    const Folder folder;
    const FakeDaemon daemon(
        folder / "a", FakeDaemon::answers(R"({"ok":true,"changes":["+ server wiki5","~ x"]})"));
    const Ran ran = ctl({"reload", "--socket", folder / "a"});
    CHECK(ran.exit_code == 0);
    CHECK(ran.output == "+ server wiki5\n~ x\n");
}

TEST_CASE("a reload is answered when it has ended: what it took, what waits, what is wrong") {
    const auto reloaded = [](const std::string& answer) {
        const Folder folder;
        const FakeDaemon daemon(folder / "a", FakeDaemon::answers(answer));
        return ctl({"reload", "--socket", folder / "a"});
    };
    const Ran taken = reloaded(
        R"({"ok":true,"message":"reload: 1 zone read anew","changes":["~ www.up_after 2 -> 3"],)"
        R"("waits_for_restart":["+ server wiki5"],"warnings":[],"mistakes":[],"refused":[]})");
    CHECK(taken.exit_code == 0);
    CHECK(taken.output ==
          "~ www.up_after 2 -> 3\n+ server wiki5 (waits for a restart)\n"
          "reload: 1 zone read anew\n");
    // A mistake in a file ends as it does with "check"; each of them is shown.
    const Ran wrong = reloaded(
        R"({"ok":false,"error":"reload: the configuration has errors; nothing was taken",)"
        R"("changes":[],"mistakes":["a.toml:1:1: error: x\na.toml:2:1: error: y\n2 errors.\n"]})");
    CHECK(wrong.exit_code == 2);
    says(wrong, "a.toml:1:1: error: x\na.toml:2:1: error: y\n2 errors.\n");
    says(wrong, "arbiterctl: reload: the configuration has errors; nothing was taken\n");
    // What is no mistake of a file, and what could be taken beside it.
    const Ran refused = reloaded(
        R"({"ok":false,"error":"reload: 0 zones read anew","changes":["~ x"],"mistakes":[],)"
        R"("refused":["group w: its settings stay as they are: the ledger can not be written"]})");
    CHECK(refused.exit_code == 1);
    says(refused, "group w: its settings stay as they are: the ledger can not be written\n");
    says(refused, "~ x\n");
}

TEST_CASE("a server that is not there ends with 2 and says who was meant") {
    const Folder folder;
    {
        const FakeDaemon daemon(folder / "a", FakeDaemon::answers(one_line(busy_document())));
        const Ran ran = ctl({"explain", "wikki4", "--socket", folder / "a"});
        CHECK(ran.exit_code == 2);
        says(ran, "did you mean 'wiki4'?");
    }
    {
        const FakeDaemon daemon(folder / "b", FakeDaemon::answers(one_line(busy_document())));
        const Ran ran = ctl({"explain", "unlike", "--socket", folder / "b"});
        CHECK(ran.exit_code == 2);
        says(ran, "servers: wiki1, wiki2, wiki4, wiki5");
    }
    const FakeDaemon daemon(folder / "c", FakeDaemon::answers(one_line(busy_document())));
    const Ran ran = ctl({"explain", "wiki4", "--json", "--socket", folder / "c"});
    CHECK(ran.exit_code == 0);
    CHECK(Json::parse(ran.output)["servers"][0]["server"]["name"] == "wiki4");
}

TEST_CASE("keys are made once, and shown from either file") {
    const Folder folder;
    const std::string dir = folder / "";
    Ran ran = ctl({"keys", "new", "wiki1", "--dir", dir, "--json"});
    CHECK(ran.exit_code == 0);
    const Json made = Json::parse(ran.output);
    const std::string line = made["public"];
    CHECK(line.starts_with("arb-public-1:wiki1:"));
    for (const char* file : {"wiki1.key", "wiki1.pub"}) {
        ran = ctl({"keys", "show", folder / file});
        CHECK(ran.exit_code == 0);
        CHECK(ran.output == line + "\n");
    }
    ran = ctl({"keys", "new", "wiki1", "--dir", dir});
    CHECK(ran.exit_code == 1);
    says(ran, "not overwritten");
    CHECK(ctl({"keys", "show", folder / "wiki1.key"}).output == line + "\n");
    ::chmod((folder / "wiki1.key").c_str(), 0644);
    ran = ctl({"keys", "show", folder / "wiki1.key"});
    CHECK(ran.exit_code == 1);
    says(ran, "chmod 600");
    CHECK(ctl({"keys", "show", folder / "none.pub"}).exit_code == 1);
}

TEST_CASE("a key that can not be written whole leaves nothing behind") {
    const Folder folder;
    std::ofstream(folder / "wiki1.key") << "in the way";
    const Ran ran = ctl({"keys", "new", "wiki1", "--dir", folder / ""});
    CHECK(ran.exit_code == 1);
    CHECK_FALSE(std::filesystem::exists(folder / "wiki1.pub"));
}

TEST_CASE("check and init are done by the daemon beside the tool") {
    const Installed good(0);
    CHECK(good.ctl({"check", "x.toml"}).output == "called: --config x.toml --check\n");
    CHECK(good.ctl({"check"}).output == "called: --config /etc/arbiter/dnsd.toml --check\n");
    CHECK(good.ctl({"init", "--config", "x.toml"}).output == "called: --config x.toml --init\n");
    CHECK(good.ctl({"check"}).exit_code == 0);
    const Installed wrong(1);
    CHECK(wrong.ctl({"check"}).exit_code == 2);
    CHECK(wrong.ctl({"init"}).exit_code == 1);
    const Installed sysexits(78);
    CHECK(sysexits.ctl({"check"}).exit_code == 2);
    CHECK(sysexits.ctl({"init"}).exit_code == 2);
    const Json document = Json::parse(wrong.ctl({"check", "x.toml", "--json"}).output);
    CHECK(document["ok"] == false);
    CHECK(document["report"] == "called: --config x.toml --check\n");
}
