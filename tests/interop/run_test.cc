// `./run` as a person uses it: it ends by itself with 0 and leaves no process and no file behind.

#include "tests/lab/process.h"

#include <filesystem>

#include <signal.h>

#include <doctest/doctest.h>

namespace {

using namespace lab;

struct Run {
    Scratch scratch{"run-test"};
    std::string temporary = scratch / "tmp";
    std::string log = scratch / "log";

    Run() { std::filesystem::create_directories(temporary); }
    Command command(const std::vector<std::string>& more) const {
        Command result{
            {std::string(ARBITER_BIN_DIR) + "/arbiter-lab", "--programs", ARBITER_BIN_DIR,
             "--zone-file", std::string(ARBITER_SOURCE_DIR) + "/zones/wikipedia.org.zone",
             "--socket", scratch / "sock"},
            {"TMPDIR=" + temporary},
            log};
        result.argv.insert(result.argv.end(), more.begin(), more.end());
        return result;
    }
    bool says(const std::string& text) const {
        return read_file(log).find(text) != std::string::npos;
    }
    bool left_nothing() const {
        const std::string mark = temporary;  // stands in the command line of all that it started
        for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
            const std::string pid = entry.path().filename();
            if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
            const std::string line = read_file(entry.path().string() + "/cmdline");
            if (line.find(mark) != std::string::npos) return false;
        }
        return std::filesystem::is_empty(temporary) && !std::filesystem::exists(scratch / "sock");
    }
    Outcome tell(const std::string& verb, const std::string& server) const {
        const Command whole = command({verb, server});
        return lab::run(whole.argv, {}, 60s, whole.environment);
    }
};

}  // namespace

TEST_CASE("./run --for shows the system, obeys a second terminal, ends with 0 and leaves nothing") {
    const Run it;
    Process lab(it.command({"--for", "25s"}));
    REQUIRE_MESSAGE(until(90s, [&] { return it.says("./run kill") || !lab.running(); }),
                    read_file(it.log));
    const std::string said = read_file(it.log);
    const std::size_t at = said.find("./run kill ") + 11;
    const std::string master = said.substr(at, said.find(' ', at) - at);
    CHECK(it.says("page http://127.0.0.1:9453/"));
    CHECK(it.tell("kill", "wiki9").status == 1);
    const Outcome killed = it.tell("kill", master);
    CHECK_MESSAGE(killed.status == 0, killed.out);
    CHECK(it.tell("kill", master).status == 1);  // it is dead already
    CHECK(until(15s, [&] { return it.says("epoch=2"); }));
    CHECK(it.tell("start", master).status == 0);
    REQUIRE(lab.wait(60s));
    CHECK_MESSAGE(lab.status() == 0, read_file(it.log));
    CHECK(it.left_nothing());
}

TEST_CASE("Ctrl-C ends ./run and leaves nothing") {
    const Run it;
    Process lab(it.command({}));
    SUBCASE("while it starts") {
        CHECK(until(30s, [&] { return it.says("making three wikis"); }));
    }
    SUBCASE("while it runs") {
        CHECK(until(90s, [&] { return it.says("./run kill"); }));
    }
    lab.signal(SIGINT);
    REQUIRE(lab.wait(60s));
    CHECK(lab.status() == 130);
    CHECK(it.left_nothing());
}
