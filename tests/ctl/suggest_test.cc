#include "dnsd/ctl/suggest.h"

#include <doctest/doctest.h>

using namespace dnsd;

TEST_CASE("the distance counts letters that are added, lost, changed or swapped") {
    CHECK(edit_distance("", "") == 0);
    CHECK(edit_distance("status", "status") == 0);
    CHECK(edit_distance("", "abc") == 3);
    CHECK(edit_distance("statu", "status") == 1);
    CHECK(edit_distance("staXus", "status") == 1);
    CHECK(edit_distance("sttaus", "status") == 1);
    CHECK(edit_distance("kitten", "sitting") == 3);
}

TEST_CASE("a slip gets the word that was meant") {
    const std::vector<std::string> commands{"status", "explain", "reload", "check", "init", "keys"};
    CHECK(suggest("statsu", commands) == "status");
    CHECK(suggest("relaod", commands) == "reload");
    CHECK(suggest("key", commands) == "keys");
    CHECK(suggest("expl", commands) == "explain");
    const std::vector<std::string> servers{"wiki1", "wiki2", "wiki3"};
    CHECK(suggest("wikki3", servers) == "wiki3");
}

TEST_CASE("a word that is far from all gets none") {
    const std::vector<std::string> commands{"status", "explain", "reload", "check", "init", "keys"};
    CHECK(suggest("promote", commands) == std::nullopt);
    CHECK(suggest("x", commands) == std::nullopt);
    CHECK(suggest("", commands) == std::nullopt);
    CHECK(suggest("b", {"a"}) == std::nullopt);
    CHECK(suggest(std::string(100000, 's'), commands) == std::nullopt);
    CHECK(suggest("status", {}) == std::nullopt);
}
