// Zones of the real world, where they are present.
#include "tests/lab/real_zones.h"
#include "tests/zones/support.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

using namespace zones;
using namespace zones::testing;

TEST_CASE("real zones load without an error, and their own text gives them back") {
    const auto folder = lab::real_zones_folder(ARBITER_SOURCE_DIR);
    if (!folder) {
        MESSAGE("nothing was tested: there are no real zones (ARBITER_REAL_ZONES)");
        return;
    }
    std::size_t count = 0;
    std::set<std::filesystem::path> seen;  // many zones share a file
    for (const auto& [origin, file] : lab::real_zones_in(*folder)) {
        if (!seen.insert(std::filesystem::canonical(file)).second && ++count % 8 != 0) continue;
        CAPTURE(origin);
        std::stringstream text;
        text << std::ifstream(file).rdbuf();
        const Loaded loaded = load(origin, text.str());
        for (const Mistake& mistake : loaded.mistakes)
            CHECK_MESSAGE(mistake.severity == Mistake::warning, mistake.text());
        REQUIRE(loaded.zone != nullptr);
        const std::string ours = zone_text(*loaded.zone);
        const Loaded again = load(origin, ours);
        REQUIRE(again.zone != nullptr);
        CHECK(zone_text(*again.zone) == ours);
        ++count;
    }
    CHECK(count > 0);
}
