#include "dnsd/ctl/client.h"

#include "tests/ctl/fake_daemon.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace dnsd;
using namespace dnsd::test;
using namespace std::chrono_literals;
using Json = nlohmann::ordered_json;

namespace {

bool has(const std::string& text, std::string_view words) {
    CAPTURE(text);
    const bool found = text.find(words) != std::string::npos;
    CHECK(found);
    return found;
}

}  // namespace

TEST_CASE("a question is one line and so is its answer, in however many pieces") {
    const Folder folder;
    std::string asked;
    const FakeDaemon daemon(folder / "s", [&](int connection) {
        asked = FakeDaemon::question(connection);
        for (const char c : std::string("{\"ok\":true,\"n\":[1,2]}\nrest"))
            FakeDaemon::say(connection, std::string(1, c));
        FakeDaemon::wait_for_end(connection);
    });
    const auto answer = ask(folder / "s", {{"command", "status"}}, 5s);
    REQUIRE(answer);
    CHECK((*answer)["n"][1] == 2);
    CHECK(asked == R"({"command":"status"})");
}

TEST_CASE("no socket, nobody behind it, or a path that is none: no arbiter, and what to do") {
    const Folder folder;
    auto answer = ask(folder / "none", Json::object(), 1s);
    REQUIRE_FALSE(answer);
    CHECK(has(answer.error().error, folder / "none"));
    CHECK(has(answer.error().hint, "is arbiter-dnsd running?"));
    CHECK_FALSE(answer.error().sent);

    ::close(FakeDaemon::listen_at(folder / "dead"));
    answer = ask(folder / "dead", Json::object(), 1s);
    REQUIRE_FALSE(answer);
    CHECK(has(answer.error().hint, "nobody listens"));

    answer = ask(folder / std::string(200, 'x'), Json::object(), 1s);
    REQUIRE_FALSE(answer);
    CHECK(has(answer.error().error, "too long"));
}

TEST_CASE("a daemon that stands still is left after the deadline, and may be going on") {
    const Folder folder;
    const FakeDaemon daemon(folder / "s",
                            [](int connection) { FakeDaemon::wait_for_end(connection); });
    const auto answer = ask(folder / "s", {{"command", "reload"}}, 100ms);
    REQUIRE_FALSE(answer);
    CHECK(answer.error().sent);
    CHECK(has(answer.error().error, "did not answer"));
    CHECK(has(answer.error().hint, "going on still"));
}

TEST_CASE("a daemon that speaks a letter at a time for ever is left after the deadline") {
    const Folder folder;
    const FakeDaemon daemon(folder / "s", [](int connection) {
        const std::string one = "x";
        for (int i = 0; i < 200 && ::send(connection, one.data(), 1, MSG_NOSIGNAL) == 1; ++i)
            ::poll(nullptr, 0, 10);
    });
    const auto answer = ask(folder / "s", Json::object(), 100ms);
    REQUIRE_FALSE(answer);
    CHECK(has(answer.error().error, "did not answer"));
}

TEST_CASE("an answer that is cut, no JSON, no object or endless is refused") {
    const Folder folder;
    const auto refused = [&](const std::string& name, const std::string& said,
                             std::string_view words) {
        const FakeDaemon daemon(folder / name, [&](int connection) {
            FakeDaemon::question(connection);
            FakeDaemon::say(connection, said);
        });
        const auto answer = ask(folder / name, Json::object(), 5s);
        REQUIRE_FALSE(answer);
        CHECK(has(answer.error().error, words));
    };
    refused("a", "", "hung up");
    refused("b", "{\"ok\":true", "hung up");
    refused("c", "{\"ok\":tru}\n", "no answer of an arbiter");
    refused("d", "[1]\n", "no answer of an arbiter");
    refused("e", "\n", "no answer of an arbiter");
    refused("f", std::string(answer_size_max + 100000, ' '), "too long");
    refused("g", std::string(answer_size_max / 8, '['), "hung up");
    refused("h", std::string(answer_size_max / 8, '[') + '\n', "no answer of an arbiter");
}
