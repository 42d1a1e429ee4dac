// What operators may write to the control socket, and what they are told of what they may not.
#include "dnsd/io/operator_request.h"

#include <doctest/doctest.h>

using namespace dnsd;
using namespace std::chrono_literals;

namespace {

ServerId id(std::string_view text) {
    return *ServerId::parse(text);
}
const std::vector<Askable> one{{"wiki", {id("wiki1"), id("wiki2")}}};
const std::vector<Askable> two{{"wiki", {id("wiki1"), id("wiki2")}},
                               {"shop", {id("shop1"), id("wiki2")}}};

OperatorRequest read(const std::string& text, const std::vector<Askable>& askable = one) {
    const auto request = read_operator_request(text, askable);
    if (!request) FAIL(request.error());
    return *request;
}

std::string refused(const std::string& text, const std::vector<Askable>& askable = one) {
    const auto request = read_operator_request(text, askable);
    return request ? "was read" : request.error();
}

}  // namespace

TEST_CASE("each command is read with all that it may say") {
    const OperatorRequest switchover = read(
        R"({"command":"switchover","server":"wiki1","reason":"kernel update","dry_run":true})");
    CHECK(std::get<SwitchoverCommand>(switchover.command).to == id("wiki1"));
    CHECK(switchover.reason == "kernel update");
    CHECK(switchover.dry_run);
    CHECK_FALSE(std::get<SwitchoverCommand>(read(R"({"command":"switchover"})").command).to);
    const auto drain = std::get<DrainCommand>(
        read(R"({"command":"drain","server":"wiki2","for_seconds":1800})").command);
    CHECK(drain.server == id("wiki2"));
    CHECK(drain.length == Duration(30min));
    CHECK_FALSE(std::get<DrainCommand>(
                    read(R"({"command":"drain","server":"wiki2","until_undone":true})").command)
                    .length);
    CHECK(
        std::get<PauseCommand>(read(R"({"command":"pause","for_seconds":0.5e1})").command).length ==
        Duration(5s));
    CHECK(std::holds_alternative<ResumeCommand>(read(R"({"command":"resume"})").command));
    CHECK(std::get<UndrainCommand>(read(R"({"command":"undrain","server":"wiki1"})").command)
              .server == id("wiki1"));
    CHECK(std::holds_alternative<ConfirmDeadCommand>(
        read(R"({"command":"confirm-dead","server":"wiki1"})").command));
    CHECK(std::get<AdoptCommand>(
              read(R"({"command":"adopt","server":"wiki1","allow_loss":true})").command)
              .allow_loss);
    CHECK(std::get<ModeCommand>(read(R"({"command":"mode","mode":"act"})").command).mode ==
          Mode::act);
}

TEST_CASE("a server says which group is meant, where it stands in one alone") {
    CHECK(read(R"({"command":"switchover","server":"shop1"})", two).group == 1);
    CHECK(read(R"({"command":"switchover","server":"wiki2","group":"shop"})", two).group == 1);
    CHECK(refused(R"({"command":"switchover","server":"wiki2"})", two) ==
          "which group is meant? Say it with --group; groups: wiki, shop");
    CHECK(refused(R"({"command":"resume"})", two) ==
          "which group is meant? Say it with --group; groups: wiki, shop");
    CHECK(refused(R"({"command":"resume"})", {}) ==
          "no group is configured: this daemon serves zones alone");
}

TEST_CASE("what is wrong with a request is told, with what to write instead") {
    CHECK(refused(R"({"command":"undrain","server":"wiky1"})") ==
          "no server 'wiky1'; did you mean 'wiki1'?");
    CHECK(refused(R"({"command":"undrain","server":"x"})") ==
          "no server 'x'; servers: wiki1, wiki2");
    CHECK(refused(R"({"command":"resume","group":"wikl"})") ==
          "no group 'wikl'; did you mean 'wiki'?");
    CHECK(refused(R"({"command":"undrain"})") == "undrain needs the name of a server");
    const std::string end = " needs an end: --for 30m, or --until-undone, and not both";
    CHECK(refused(R"({"command":"pause"})") == "a pause" + end);
    CHECK(refused(R"({"command":"pause","for_seconds":5,"until_undone":true})") == "a pause" + end);
    CHECK(refused(R"({"command":"drain","server":"wiki1"})") == "a drain" + end);
    CHECK(refused(R"({"command":"pause","for_seconds":-1})").find("\"for_seconds\" is a number") ==
          0);
    CHECK(refused(R"({"command":"pause","for_seconds":"5"})").find("\"for_seconds\" is a") == 0);
    CHECK(refused(R"({"command":"mode","mode":"sleep"})") == "the mode is 'act' or 'observe'");
    CHECK(refused(R"({"command":"resume","force":true})") == "this command takes no \"force\"");
    CHECK(refused(R"({"command":"resume","dry_run":1})") == "\"dry_run\" is true or false");
    CHECK(refused(R"({"command":"resume","reason":"a\nb"})") ==
          "a reason has no control characters");
    CHECK(refused("{\"command\":\"resume\",\"reason\":\"" + std::string(201, 'x') + "\"}") ==
          "\"reason\" is a text of at most 200 bytes");
    CHECK(refused("[]") == "a request is one JSON object with a \"command\"");
    CHECK(refused("{\"command\":3}") == "a request is one JSON object with a \"command\"");
}

TEST_CASE("a question of the history has bounds") {
    const auto all = read_history_request(R"({"command":"history"})", one);
    REQUIRE(all);
    CHECK(all->group.empty());
    CHECK(all->limit == 100);
    const auto some = read_history_request(
        R"({"command":"history","group":"wiki","limit":1000,"before":7,"since_seconds":12})", one);
    REQUIRE(some);
    CHECK(some->limit == HistoryRequest::limit_max);
    CHECK(some->before == 7);
    CHECK(some->since_ms == 12'000);
    CHECK_FALSE(read_history_request(R"({"command":"history","limit":1001})", one));
    CHECK_FALSE(read_history_request(R"({"command":"history","limit":0})", one));
    CHECK_FALSE(read_history_request(R"({"command":"history","before":7})", one));
    CHECK_FALSE(read_history_request(R"({"command":"history","group":"shop"})", one));
}
