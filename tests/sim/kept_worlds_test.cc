// Worlds that once broke a rule, kept as they were when they were shrunk (tests/sim/worlds).

#include "tests/sim/script_text.h"
#include "tests/sim/story.h"
#include "tests/sim/world.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

using namespace sim;

namespace {

const std::filesystem::path folder = ARBITER_SOURCE_DIR "/tests/sim/worlds";

std::vector<std::filesystem::path> kept() {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(folder))
        files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    return files;
}

std::string text_in(const std::filesystem::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("no world that once broke a rule breaks one again") {
    const auto files = kept();
    REQUIRE(files.size() >= 2);
    for (const auto& path : files) {
        CAPTURE(path);  // arbiter-sim --play PATH --story
        const std::string text = text_in(path);
        CHECK(text.starts_with("# "));  // what it broke, and why
        const auto script = script_in(text);
        REQUIRE_MESSAGE(script.has_value(), script.error());
        CHECK(live(*script).broken == "");
    }
}

// As they are drawn now: what they broke stands in the commits that name them.
TEST_CASE("no seed that once broke a rule breaks one again") {
    for (const std::uint64_t seed :
         {29924279011605UL, 900159714UL,   900266229UL,   900370175UL,   900574618UL,
          2000010470UL,     2000180945UL,  2000299174UL,  3000305749UL,  5000142265UL,
          7000027210UL,     7000310889UL,  8000094455UL,  8000198958UL,  8000316454UL,
          9000031524UL,     10000093737UL, 11000897409UL, 13000233206UL, 14000153928UL,
          15000814538UL,    16000624358UL}) {
        CAPTURE(seed);  // arbiter-sim --seed N --story
        CHECK(live(script_of(seed)).broken == "");
    }
}

TEST_CASE("one seed is one run on every build") {
    // Whoever changes what machines or worlds do renews it:
    //     build/release/bin/arbiter-sim --digest > tests/sim/digest.txt
    CHECK(digest() == text_in(ARBITER_SOURCE_DIR "/tests/sim/digest.txt"));
}

TEST_CASE("a script is the same after it was written down") {
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        CAPTURE(seed);
        const Script script = script_of(seed);
        const auto again = script_in(text_of(script));
        REQUIRE_MESSAGE(again.has_value(), again.error());
        REQUIRE(*again == script);
    }
}

TEST_CASE("a line that says nothing of a world is named") {
    CHECK(script_in("seed 1\n\nagent 3\n").error() == "3: 'agent 3' is no setting of a world");
    CHECK(script_in("lease 6\n").error() == "1: 'lease 6' is no setting of a world");
    CHECK(script_in("lease 99999999999s\n").error() ==
          "1: 'lease 99999999999s' is no setting of a world");
    CHECK(script_in("choose best\n").error() == "1: 'choose best' is no setting of a world");
    CHECK(script_in("fault rain at=1s\n").error() ==
          "1: there is no fault 'rain'; see arbiter-sim --list");
    CHECK(script_in("fault cut at=1s whom=2\n").error() == "1: 'whom=2' says nothing of a fault");
    CHECK(script_in("fault cut at=1s who\n").error() == "1: 'who' says nothing of a fault");
}

TEST_CASE("docs/SIMULATION.md has each rule that can be broken, and each moment") {
    const std::string page = text_in(ARBITER_SOURCE_DIR "/docs/SIMULATION.md");
#define SIM_NAME(name, text) \
    if (Rule::name != Rule::none) CHECK_MESSAGE(page.find("`" #name "`") != page.npos, #name);
    SIM_RULES(SIM_NAME)
#undef SIM_NAME
#define SIM_NAME(name, text) CHECK_MESSAGE(page.find("`" #name "`") != page.npos, #name);
    SIM_MOMENTS(SIM_NAME)
#undef SIM_NAME
}

TEST_CASE("docs/FAILOVER-TRACE.md tells what the machines do") {
    const auto script = script_in(text_in(folder / "failover.world"));
    REQUIRE(script.has_value());
    const auto indented = [&](Detail detail) {
        std::stringstream told;
        CHECK(tell_world(*script, detail, told) == "");
        std::string block;
        for (std::string line; std::getline(told, line);)
            block += (line.empty() ? "" : "    " + line) + '\n';
        return block;
    };
    const std::string page = text_in(ARBITER_SOURCE_DIR "/docs/FAILOVER-TRACE.md");
    const std::string story = indented(Detail::story);
    const bool whole = page.find(story) != std::string::npos;
    CHECK_MESSAGE(whole, "it should have:\n" << story);
    const std::string head = "datagram by datagram\n\n";
    const std::size_t from = page.find(head) + head.size();
    const std::string part = page.substr(from, page.find("\n##", from) - from);
    REQUIRE(part.size() > 1000);
    const std::string trace = indented(Detail::trace);
    const bool in_it = trace.find(part) != std::string::npos;
    CHECK_MESSAGE(in_it, "it should be of:\n" << trace);
}
