#include "rules.h"

#include <doctest/doctest.h>

using namespace dnsd;
using namespace dnsd::testing;

namespace {

Candidate candidate(const char* name, std::uint64_t received, std::uint64_t applied,
                    std::size_t turn = 0) {
    return {id(name), at(received), at(applied), 0, 0, turn};
}

std::string winner(Choose choose, const std::vector<Candidate>& candidates) {
    const Outcome outcome = elect(choose, candidates);
    if (const auto* won = std::get_if<Winner>(&outcome)) return std::string(won->id.text());
    return std::holds_alternative<Incomparable>(outcome) ? "incomparable" : "nobody";
}

}  // namespace

TEST_CASE("both policies put the most received first") {
    for (const Choose choose : {Choose::most_advanced, Choose::first_request}) {
        CHECK(winner(choose, {}) == "nobody");
        CHECK(winner(choose, {candidate("a", 1, 1)}) == "a");
        CHECK(winner(choose, {candidate("a", 10, 10, 0), candidate("b", 11, 5, 1)}) == "b");
        CHECK(winner(choose, {candidate("b", 11, 5, 1), candidate("a", 10, 10, 0)}) == "b");
    }
}

TEST_CASE("most-advanced: then the most applied, then priority, then the name") {
    const auto choose = Choose::most_advanced;
    CHECK(winner(choose, {candidate("a", 10, 8), candidate("b", 10, 9)}) == "b");
    auto preferred = candidate("b", 10, 9);
    preferred.priority_asked = 5;
    CHECK(winner(choose, {candidate("a", 10, 9), preferred}) == "b");
    auto configured = candidate("c", 10, 9);
    configured.priority = 1;  // the arbiter's word comes before the server's own
    CHECK(winner(choose, {preferred, configured}) == "c");
    CHECK(winner(choose, {candidate("b", 10, 9), candidate("a", 10, 9)}) == "a");
}

TEST_CASE("first-request: among those that received most, the first to ask") {
    const auto choose = Choose::first_request;
    CHECK(winner(choose, {candidate("a", 10, 9, 1), candidate("b", 10, 5, 0)}) == "b");
    CHECK(winner(choose, {candidate("a", 9, 9, 0), candidate("b", 10, 5, 2),
                          candidate("c", 10, 5, 1)}) == "c");
}

TEST_CASE("two of which each has what the other lacks are not chosen between") {
    auto other = candidate("b", 10, 10);
    other.received = at(10, 2);  // one sequence number, given out by two servers
    for (const Choose choose : {Choose::most_advanced, Choose::first_request}) {
        CHECK(winner(choose, {candidate("a", 10, 10), other}) == "incomparable");
        // One that has more than both settles it.
        CHECK(winner(choose, {candidate("a", 10, 10), other, candidate("c", 11, 11)}) == "c");
    }
}
