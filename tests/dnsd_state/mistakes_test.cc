#include "dnsd/config/mistakes.h"
#include "dnsd/config/fields.h"

#include "dnsd/config/endpoint.h"

#include <doctest/doctest.h>

#include <array>

using namespace dnsd;
using namespace std::chrono_literals;

TEST_CASE("did-you-mean finds near words and is silent about far ones") {
    constexpr std::array<std::string_view, 5> words{"ttl", "down_after", "up_after", "status",
                                                    "name"};
    CHECK(did_you_mean("tll", words) == "ttl");
    CHECK(did_you_mean("tlt", words) == "ttl");  // neighbours swapped
    CHECK(did_you_mean("downafter", words) == "down_after");
    CHECK(did_you_mean("upafter", words) == "up_after");
    CHECK(did_you_mean("sttaus", words) == "status");
    CHECK(did_you_mean("colour", words).empty());
    CHECK(did_you_mean("", words).empty());
    CHECK(did_you_mean(std::string(10'000, 't'), words).empty());
}

TEST_CASE("mistakes stand in the order of the files and their lines") {
    const auto at = [](std::string file, unsigned line, unsigned column) {
        Mistake out;
        out.file = std::move(file);
        out.line = line;
        out.column = column;
        out.what = "x";
        return out;
    };
    std::vector<Mistake> mistakes{at("b", 9, 1), at("a", 1, 1), at("b", 2, 5), at("b", 2, 1)};
    sort_mistakes(mistakes);
    CHECK(report(mistakes) ==
          "b:2:1: error: x\nb:2:5: error: x\nb:9:1: error: x\na:1:1: error: x\n"
          "4 errors.\n");
}

TEST_CASE("warnings are counted beside errors") {
    std::vector<Mistake> mistakes(2);
    mistakes[0].file = mistakes[1].file = "f";
    mistakes[1].is_error = false;
    CHECK(report(mistakes) == "f:1:1: error: \nf:1:1: warning: \n1 error, 1 warning.\n");
    CHECK(report({}) == "");
}

TEST_CASE("a line of the file can not move the terminal's cursor") {
    Mistake mistake;
    mistake.file = "f";
    mistake.what = "x";
    mistake.column = 3;
    mistake.source_line = "a\x1b[31m\tb";
    CHECK(report(std::span(&mistake, 1)).find('\x1b') == std::string::npos);
    CHECK(report(std::span(&mistake, 1)).find("    1 | a [31m b\n      |   ^\n") !=
          std::string::npos);
}

TEST_CASE("a mistake of a zone file keeps its place and severity") {
    zones::Mistake of_zone;
    of_zone.file = "z";
    of_zone.line = 8;
    of_zone.column = 2;
    of_zone.severity = zones::Mistake::warning;
    of_zone.what = "w";
    of_zone.hint = "h";
    const Mistake mistake = from_zone_file(of_zone);
    CHECK(report(std::span(&mistake, 1)) == "z:8:2: warning: w\n      hint: h\n1 warning.\n");
}

TEST_CASE("durations: a whole number and a unit") {
    CHECK(parse_duration("250ms") == Duration(250ms));
    CHECK(parse_duration("6s") == Duration(6s));
    CHECK(parse_duration("30m") == Duration(30min));
    CHECK(parse_duration("1h") == Duration(1h));
    CHECK(parse_duration("2d") == Duration(48h));
    CHECK(parse_duration("0s") == Duration(0s));
    for (const auto* text : {"", "6", "s", "-6s", "6 s", "1.5s", "6S", "6sec", "+6s",
                             "99999999999999999999s", "999999999999999999d", "6s "}) {
        CAPTURE(text);
        CHECK_FALSE(parse_duration(text));
    }
    for (const auto* text : {"250ms", "6s", "30m", "90m", "1h", "2d", "0s", "1500ms"}) {
        CAPTURE(text);
        CHECK(duration_text(*parse_duration(text)) == text);
    }
}

TEST_CASE("endpoints: address, port, brackets") {
    const auto text = [](std::string_view in) {
        const auto endpoint = Endpoint::parse(in, 53);
        return endpoint ? endpoint->text() : std::string("none");
    };
    CHECK(text("192.0.2.1") == "192.0.2.1:53");
    CHECK(text("192.0.2.1:5300") == "192.0.2.1:5300");
    CHECK(text("2001:db8::1") == "[2001:db8::1]:53");
    CHECK(text("[2001:db8::1]") == "[2001:db8::1]:53");
    CHECK(text("[2001:db8::1]:5300") == "[2001:db8::1]:5300");
    CHECK(text("::") == "[::]:53");
    for (const auto* wrong :
         {"", ":53", "192.0.2.1:", "192.0.2.1:0", "192.0.2.1:65536", "192.0.2.1:53x",
          "[192.0.2.1]:53", "[2001:db8::1", "[2001:db8::1]53", "[]:53", "ns0", "192.0.2"}) {
        CAPTURE(wrong);
        CHECK(text(wrong) == "none");
    }
}
