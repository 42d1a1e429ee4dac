// Zones of the real world, where they are present: ARBITER_REAL_ZONES names a folder with one
// NAME.zone a zone.
#include "tests/zones/support.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

using namespace zones;
using namespace zones::testing;

TEST_CASE("real zones load without an error, and their own text gives them back") {
    const char* folder = std::getenv("ARBITER_REAL_ZONES");
    if (folder == nullptr) {
        MESSAGE("skipped: ARBITER_REAL_ZONES is not set");
        return;
    }
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() != ".zone") continue;
        const std::string origin = entry.path().stem();
        CAPTURE(origin);
        std::stringstream text;
        text << std::ifstream(entry.path()).rdbuf();
        const Loaded loaded = load(origin == "root" ? "." : origin, text.str());
        for (const Mistake& mistake : loaded.mistakes)
            CHECK_MESSAGE(mistake.severity == Mistake::warning, mistake.text());
        REQUIRE(loaded.zone != nullptr);
        const std::string ours = zone_text(*loaded.zone);
        const Loaded again = load(origin == "root" ? "." : origin, ours);
        REQUIRE(again.zone != nullptr);
        CHECK(zone_text(*again.zone) == ours);
        ++count;
    }
    CHECK(count > 0);
}
