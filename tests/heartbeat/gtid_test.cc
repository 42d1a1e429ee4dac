#include "heartbeat/gtid.h"

#include <doctest/doctest.h>

using namespace heartbeat;

namespace {
GtidPosition position(const char* text) {
    return GtidPosition::parse(text).value();
}
}  // namespace

TEST_CASE("positions are compared domain by domain") {
    CHECK((position("0-1-42") <=> position("0-1-42")) == std::partial_ordering::equivalent);
    CHECK((position("0-1-42") <=> position("0-2-43")) == std::partial_ordering::less);
    CHECK((position("0-1-42,1-1-1") <=> position("0-1-42")) == std::partial_ordering::greater);
    CHECK((position("") <=> position("0-1-1")) == std::partial_ordering::less);
}

TEST_CASE("positions that each have something the other lacks have no order") {
    CHECK((position("0-1-42,1-1-1") <=> position("0-1-41,1-1-2")) ==
          std::partial_ordering::unordered);
    CHECK((position("0-1-42") <=> position("1-1-42")) == std::partial_ordering::unordered);
}

TEST_CASE("one number given out by two servers is divergence") {
    CHECK((position("0-1-42") <=> position("0-2-42")) == std::partial_ordering::unordered);
}

TEST_CASE("a position is read as the database prints it, or not at all") {
    CHECK(position(" 1-7-9,\n0-1-42 ").text() == "0-1-42,1-7-9");
    CHECK(position("").empty());
    for (const char* text : {"0-1", "0-1-", "0-1-2-3", "0-1-2,", ",0-1-2", "0-1-2,0-1-3", "a-1-2",
                             "4294967296-1-2", "0-1--2", "0-1-18446744073709551616"}) {
        CAPTURE(text);
        CHECK_FALSE(GtidPosition::parse(text));
    }
}

TEST_CASE("merged positions have what either has") {
    CHECK(position("0-1-42,2-1-1").merged(position("0-2-43,1-1-5")).text() == "0-2-43,1-1-5,2-1-1");
}
