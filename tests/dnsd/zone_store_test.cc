// What a folder's files make of the zones that are served.
#include "tests/dnsd/zone_bench.h"

#include <algorithm>

using namespace dnsd;
using namespace test;

namespace {

const std::string www = "www A 192.0.2.80\n";

}  // namespace

TEST_CASE("a raised serial is a new version, said without a warning") {
    Bench bench;
    bench.folder.write("example.org.zone", zone_text(5));
    bench.load();
    bench.folder.write("example.org.zone", zone_text(6, www));
    const auto outcome = bench.load();
    CHECK(bench.serial() == 6);
    CHECK(bench.has_www());
    CHECK(outcome.lines.empty());
    REQUIRE(outcome.published.size() == 1);
    CHECK(outcome.published.front().serial == zones::Serial(6));
}

TEST_CASE(
    "content that changed under its old serial is served one above, with a warning, and keeps "
    "rising") {
    Bench bench;
    bench.folder.write("example.org.zone", zone_text(5));
    bench.load();
    bench.folder.write("example.org.zone", zone_text(5, www));
    auto outcome = bench.load();
    CHECK(bench.serial() == 6);
    CHECK(bench.has_www());
    REQUIRE(outcome.lines.size() == 1);
    CHECK(outcome.lines.front().urgency == Urgency::warning);
    CHECK(outcome.lines.front().text.find("served as 6") != std::string::npos);
    CHECK(outcome.lines.front().text.find("write serial 7 or higher") != std::string::npos);

    bench.folder.write("example.org.zone", zone_text(6));  // raised, but not far enough
    outcome = bench.load();
    CHECK(bench.serial() == 7);
    CHECK_FALSE(bench.has_www());
    CHECK(outcome.lines.size() == 1);

    bench.folder.write("example.org.zone", zone_text(8));
    outcome = bench.load();
    CHECK(bench.serial() == 8);
    CHECK(outcome.lines.empty());
}

TEST_CASE("a file whose serial went back is an error at its place, and changes nothing") {
    Bench bench;
    bench.folder.write("example.org.zone", zone_text(50));
    bench.load();
    SUBCASE("with other content: what is served stays, until it is mended") {
        const std::string path = bench.folder.write("example.org.zone", zone_text(7, www));
        for (int i = 0; i < 2; ++i) {  // the second reading finds the file as it was
            const auto outcome = bench.load();
            CHECK(bench.serial() == 50);
            CHECK_FALSE(bench.has_www());
            CHECK(outcome.published.empty());
            REQUIRE(outcome.lines.size() == 2);
            CHECK(outcome.lines[0].urgency == Urgency::error);
            CHECK(outcome.lines[0].text ==
                  path +
                      ":2:17: error: the serial went back, from 50 to 7; what was published as "
                      "50 is still served\n      hint: no secondary follows to a lower serial "
                      "(RFC 1982): write serial 51 or higher");
            CHECK(outcome.lines[1].text ==
                  "zone example.org: the file has errors; serial 50 is still served");
        }
        SUBCASE("by a serial that is high enough") {
            bench.folder.write("example.org.zone", zone_text(51, www));
            CHECK(bench.load().lines.empty());
            CHECK(bench.serial() == 51);
            CHECK(bench.has_www());
        }
        SUBCASE("by putting it back") {
            bench.folder.write("example.org.zone", zone_text(50));
            const auto outcome = bench.load();
            CHECK(outcome.lines.empty());
            CHECK(outcome.published.empty());
            CHECK(bench.load().lines.empty());
        }
    }
    SUBCASE("with the same content: nothing changes but that it is said") {
        bench.folder.write("example.org.zone", zone_text(7));
        auto outcome = bench.load();
        CHECK(bench.serial() == 50);
        CHECK(outcome.published.empty());
        REQUIRE(outcome.lines.size() == 1);
        CHECK(outcome.lines[0].urgency == Urgency::warning);
        // The lower serial was not taken: what follows it has to be above the higher one.
        bench.folder.write("example.org.zone", zone_text(8, www));
        outcome = bench.load();
        CHECK(bench.serial() == 50);
        CHECK(outcome.lines.size() == 2);
    }
}

TEST_CASE("a broken file leaves its zone as it was, and the others go on") {
    Bench bench;
    bench.folder.write("example.org.zone", zone_text(5, www));
    bench.folder.write("other.org.zone", zone_text(1));
    bench.load();
    bench.folder.write("example.org.zone", "this is not a zone\n");
    bench.folder.write("other.org.zone", zone_text(2));
    const auto outcome = bench.load();
    CHECK(bench.serial() == 5);
    CHECK(bench.has_www());
    CHECK(bench.store.serial(name("other.org")) == zones::Serial(2));
    CHECK(std::any_of(outcome.lines.begin(), outcome.lines.end(), [](const auto& line) {
        return line.urgency == Urgency::error &&
               line.text.find("serial 5 is still served") != std::string::npos;
    }));
}

TEST_CASE("where the rest of many mistakes is told is said only where there is such a place") {
    const Folder folder;
    const std::string path = folder.write("zone", zone_text(1, [] {
                                              std::string broken;
                                              for (int i = 0; i < 12; ++i) broken += "w A x\n";
                                              return broken;
                                          }()));
    const auto last = [&](ZoneStore store) {
        ZoneReader reader;
        const auto lines = store.take(reader.read({{name("example.org"), path, {}}}));
        REQUIRE(lines.size() == mistakes_told_max + 2);
        return lines[mistakes_told_max].text;
    };
    CHECK(last(ZoneStore(zones::Catalog(), nullptr)) == "zone example.org: 2 more like these");
    CHECK(last(ZoneStore(zones::Catalog(), nullptr, "ask them")) ==
          "zone example.org: 2 more like these; ask them");
}

TEST_CASE("files that come and go are zones that come and go") {
    Bench bench;
    bench.folder.write("example.org.zone", zone_text(5));
    bench.load();
    bench.folder.write("other.org.zone", zone_text(1));
    CHECK(bench.load().published.size() == 1);
    CHECK(bench.store.catalog()->size() == 2);
    std::filesystem::remove(bench.folder.path("example.org.zone"));
    const auto outcome = bench.load();
    CHECK(outcome.catalog_changed);
    CHECK(bench.store.catalog()->size() == 1);
    CHECK(bench.store.catalog()->zone(name("example.org")) == nullptr);
    SUBCASE("one that comes back does not fall behind its secondaries") {
        bench.folder.write("example.org.zone", zone_text(4, www));
        bench.load();
        CHECK(bench.serial() == 6);
    }
    SUBCASE("one that comes back unchanged has its old serial, and nothing is said of it") {
        bench.folder.write("example.org.zone", zone_text(5));
        const auto back = bench.load();
        CHECK(bench.serial() == 5);
        REQUIRE(back.published.size() == 1);
        CHECK_FALSE(back.published.front().before);
        CHECK(back.lines.empty());
    }
    SUBCASE("one that comes back with other records under its old serial is told so") {
        bench.folder.write("example.org.zone", zone_text(5, www));
        const auto back = bench.load();
        CHECK(bench.serial() == 6);
        REQUIRE(back.lines.size() == 1);
        CHECK(back.lines.front().text.find("has other records under serial 5") !=
              std::string::npos);
    }
}

TEST_CASE("how options are answered changes with the next publication, and no zone does") {
    Bench bench;
    bench.folder.write("example.org.zone", zone_text(5));
    bench.load();
    const auto before = bench.store.catalog();
    zones::EdnsRules rules;
    rules.cookies = *zones::CookieSecrets::parse("e5e973e5a6b2a43f48e7dc849e37bfcf");
    bench.store.answer_by(rules);
    CHECK(bench.store.catalog() == before);
    const auto outcome = bench.publish();
    CHECK(outcome.catalog_changed);
    CHECK_FALSE(outcome.zones_changed);
    CHECK(outcome.published.empty());
    CHECK(bench.store.catalog()->edns().cookies == rules.cookies);
    CHECK(before->edns().cookies.empty());
    CHECK(bench.store.catalog()->size() == 1);
    CHECK_FALSE(bench.publish().catalog_changed);
}
