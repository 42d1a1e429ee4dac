// Zone text by people who mean no good: nothing of it costs more than its size allows.
#include "tests/zones/support.h"
#include "zones/generate.h"
#include "zones/rdata_text.h"

#include <doctest/doctest.h>

#include <functional>

using namespace zones;
using namespace zones::testing;

namespace {

const std::string front = "$TTL 300\n@ SOA ns.x. host.x. 1 3600 600 86400 60\n@ NS ns.x.\n";

std::string repeated(std::string_view text, std::size_t times) {
    std::string result;
    for (std::size_t i = 0; i < times; ++i) result += text;
    return result;
}

std::string first_error(const std::string& text) {
    const Loaded loaded = load("example", front + text);
    for (const Mistake& mistake : loaded.mistakes)
        if (mistake.severity == Mistake::error) return mistake.what;
    return "";
}

}  // namespace

TEST_CASE("long lines and long data are read or refused, and end (fuzz_zone_text)") {
    constexpr std::size_t n = 8'000;
    const std::vector<std::string> lines = {
        "x TXT " + repeated("a ", n),
        "x TXT " + repeated("\"a\" ", n),
        "x TXT " + repeated("a", n),
        "x TXT " + repeated("(", n) + " a " + repeated(")", n),
        "x TXT (" + repeated("\n", n) + " a )",
        "x TXT " + repeated("\"", n),
        "x TXT " + repeated("\\", n),
        "x TXT \"" + repeated("\\\n", n) + "\"",
        repeated("(", n),
        repeated(")", n),
        repeated("\r", n),
        repeated("a", n) + " A 192.0.2.1",
        repeated("a.", n) + " A 192.0.2.1",
        "x CNAME " + repeated("a.", n),
        "x A " + repeated("1", n),
        "x MX 1 " + repeated("\\000", n),
        "x SOA " + repeated("a ", n),
        "x APL " + repeated("1:192.0.2.0/24 ", n),
        "x NSEC a. " + repeated("TYPE65000 A ", n),
        "x WKS 192.0.2.1 6 " + repeated("smtp 1 ", n),
        "x HIP 2 20 AQAB " + repeated("a. ", n),
        "x SVCB 1 . " + repeated("key65000=a ", n),
        "x SVCB 1 . mandatory=" + repeated("port,", n),
        "x SVCB 1 . alpn=" + repeated("h2,", n),
        "x SVCB 1 . ipv4hint=" + repeated("192.0.2.1,", n),
        "x DNSKEY 256 3 8 " + repeated("AQAB ", n),
        "x TLSA 1 1 1 " + repeated("ab ", n),
        "x TYPE65280 \\# 30000 " + repeated("ab ", n),
        "x LOC " + repeated("1 ", n),
        "x NAPTR 1 1 \"" + repeated("a", n) + "\" \"\" \"\" .",
        "x CAA 0 issue \"" + repeated("a", n) + "\"",
        "x NSAP 0x" + repeated("47.", n),
        "x NULL " + repeated("\\# ", n),
        "x NSEC3PARAM 1 0 1 " + repeated("aa", n),
        "$INCLUDE " + repeated("a", n),
        "$ORIGIN " + repeated("a.", n),
        "$TTL " + repeated("1w", n),
        "$GENERATE 1-3 " + repeated("$", n) + " A 192.0.2.1",
        "$GENERATE 1-3 a" + repeated("${0,127,n}", n / 10) + " A 192.0.2.1",
        "$GENERATE 1-3 a TXT \"" + repeated("$ ", n) + "\"",
    };
    for (const std::string& line : lines) {
        CAPTURE(line.substr(0, 40));
        const Loaded loaded = load("example", front + line + "\n");
        if (loaded.zone == nullptr) {
            CHECK_FALSE(loaded.mistakes.empty());
            continue;
        }
        const Loaded again = load("example", zone_text(*loaded.zone));
        REQUIRE(again.zone != nullptr);
        CHECK(zone_text(*again.zone) == zone_text(*loaded.zone));
    }
}

TEST_CASE("data of every sort with odd words in their midst never trouble ldns (fuzz_zone_text)") {
    const std::vector<std::string> words = {"\\#",
                                            "\\# 0",
                                            "\\# 4",
                                            "00",
                                            "\"\"",
                                            "\"",
                                            "\\",
                                            "\\000",
                                            "\\999",
                                            "@",
                                            ".",
                                            "..",
                                            "*",
                                            "-1",
                                            "4294967296",
                                            "1e9",
                                            "0x",
                                            "A",
                                            "TYPE0",
                                            "TYPE65536",
                                            "IN",
                                            "1:",
                                            "!1:1.1.1.1",
                                            "::1",
                                            "1.1.1.1",
                                            "=",
                                            "key1=",
                                            "20300101000000",
                                            "99999999999999999999",
                                            "AQAB",
                                            "AQ==",
                                            "=",
                                            ";",
                                            "(",
                                            ")",
                                            "\xff",
                                            "N",
                                            "1m"};
    Random random(11);
    RdataReader reader;
    reader.set_origin(name("example"));
    for (unsigned type = 1; type < 300; ++type)
        for (int round = 0; round < 60; ++round) {
            std::vector<std::string_view> data;
            for (std::size_t count = 1 + random.below(8); count > 0; --count)
                data.push_back(words[random.below(words.size())]);
            const auto read = reader.read(static_cast<Type>(type), data);
            if (!read) continue;
            CHECK(well_formed(static_cast<Type>(type), *read));
            rdata_text(static_cast<Type>(type), Rdata(*read).bytes());
        }
}

TEST_CASE("what is generated is bounded for the whole zone") {
    const std::string most = std::to_string(generated_max);
    CHECK(first_error("$GENERATE 1-" + most + " a$ A 192.0.2\n").starts_with("wrong A data"));
    CHECK(first_error("$GENERATE 0-" + most + " a$ A 192.0.2.1\n") ==
          "the range gives more than 1000000 records");
    CHECK(first_error("$GENERATE 1-10 a$ TXT x\n$GENERATE 1-" + most + " b$ TXT x\n") ==
          "more than 1000000 records are generated in this zone");
    CHECK(first_error("$GENERATE 1-2 a$ MX 1 m$\n") == "the data of a $GENERATE are one word");
    CHECK(first_error("$GENERATE 1-2/0 a$ A 192.0.2.1\n") ==
          "the step must be from 1 to 2147483647");
}

TEST_CASE("includes that multiply are bounded in number") {
    std::map<std::string, std::string> files;
    for (int i = 0; i < 15; ++i) {
        const std::string next = "$INCLUDE f" + std::to_string(i + 1) + "\n";
        files["f" + std::to_string(i)] = next + next + next;
    }
    files["f15"] = "x TXT x\n";
    const Loaded loaded = load("example", front + "$INCLUDE f0\n", files);
    CHECK(loaded.zone == nullptr);
    CHECK(loaded.files.size() == include_files_max);
    CHECK(loaded.mistakes.front().what == "more than 1000 files");
}

TEST_CASE("$GENERATE counts as BIND does") {
    const auto line = [](std::string_view text, std::uint64_t number) {
        return generate(text, number).value();
    };
    CHECK(line("a${-5}", 1) == "a-4");
    CHECK(line("a${-5,4}", 1) == "a-004");
    CHECK(line("a${-5,4,x}", 1) == "afffffffc");
    CHECK(line("a${-5,4,o}", 1) == "a37777777774");
    CHECK(line("${0,3,n}", 250) == "a.f");
    CHECK(line("${0,4,n}8.b.d", 250) == "a.f.8.b.d");
    CHECK(line("${0,5,N}", 250) == "A.F.0");
    CHECK(line("${+1,2,d}", 250) == "251");
    CHECK(line("a\\${0}$$", 1) == "a${0}$");
    CHECK_FALSE(generate("a${0,}", 1));
    CHECK_FALSE(generate("a${}", 1));
    CHECK_FALSE(generate("a${0,128}", 1));
    CHECK_FALSE(generate("a${2147483648}", 1));
    CHECK(generate_data("\"a \\\"b $\\\"\"") == "a \"b $\"");
    CHECK(generate_data("a$") == "a$");
    CHECK(lines(zone("example", "$GENERATE 1-2 a MX \"$ m$.x.\"\n")->rrsets(name("a.example"))) ==
          Lines{"a.example 300 MX 1 m1.x.", "a.example 300 MX 2 m2.x."});
}
