#include "dnsd/io/zone_store.h"

#include "tests/dnsd/support.h"

#include <algorithm>

using namespace dnsd;
using namespace test;

namespace {

// A folder, a reader and a store: what a daemon does between SIGHUPs.
struct Bench {
    explicit Bench(Ledger* ledger = nullptr) : store(zones::Catalog(), ledger) {}

    ZoneStore::Outcome load() {
        auto lines = store.take(reader.read(zones_in(folder.path()).value().sources));
        ZoneStore::Outcome outcome = publish();
        outcome.lines.insert(outcome.lines.begin(), lines.begin(), lines.end());
        return outcome;
    }
    // A second after the one before: nothing is held back.
    ZoneStore::Outcome publish() {
        now.now += 1s;
        ++now.unix_seconds;
        return store.publish(now);
    }
    std::uint32_t serial() const { return store.serial(name("example.org")).value().value(); }
    bool has_www() const {
        const auto served = store.catalog()->zone(name("example.org"))->newest();
        return served->rrset(name("www.example.org"), zones::Type::a).has_value();
    }

    Folder folder;
    ZoneReader reader;
    ZoneStore store;
    ZoneStore::Moment now{heartbeat::Instant(1h), 1'795'348'800};
};

const std::string www = "www A 192.0.2.80\n";

Standing standing(const std::vector<std::uint8_t>& last_bytes) {
    Standing standing;
    standing.group = "wiki";
    for (const std::uint8_t byte : last_bytes)
        standing.pool.push_back({*ServerId::parse(fmt::format("wiki{}", byte)),
                                 {heartbeat::Address::v4({192, 0, 2, byte})},
                                 1});
    return standing;
}

EditionRules rules() {
    return {name("www.example.org"), name("master.example.org"), zones::Ttl{5}, zones::Ttl{5}};
}

std::size_t pool_size(const ZoneStore& store) {
    const auto rrset =
        store.served(name("example.org"))->rrset(name("www.example.org"), zones::Type::a);
    return rrset ? rrset->rdatas.size() : 0;
}

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

TEST_CASE("in a zone that live names took ahead, the file's serial is compared with its own last") {
    Bench bench;
    bench.store.add_group(name("example.org"), "wiki", rules());
    bench.folder.write("example.org.zone", zone_text(5));
    bench.store.stand(standing({1, 2, 3}));
    bench.load();
    for (std::uint8_t i = 0; i < 5; ++i) {
        bench.store.stand(standing({1, static_cast<std::uint8_t>(10 + i)}));
        bench.publish();
    }
    REQUIRE(bench.serial() == 10);
    SUBCASE("raised: taken without a word") {
        bench.folder.write("example.org.zone", zone_text(6, "mail A 192.0.2.25\n"));
        CHECK(bench.load().lines.empty());
        CHECK(bench.serial() == 11);
        bench.folder.write("example.org.zone", zone_text(5, "mail A 192.0.2.26\n"));
        CHECK(bench.load().lines.size() == 2);
        CHECK(bench.serial() == 11);
    }
    SUBCASE("lowered: refused, and the live names go on") {
        bench.folder.write("example.org.zone", zone_text(4, "mail A 192.0.2.25\n"));
        const auto outcome = bench.load();
        REQUIRE(outcome.lines.size() == 2);
        CHECK(outcome.lines[0].text.find("from 5 to 4; what was published as 10") !=
              std::string::npos);
        CHECK(outcome.lines[0].text.find("write serial 11 or higher") != std::string::npos);
        bench.store.stand(standing({7}));
        bench.publish();
        CHECK(bench.serial() == 11);
        CHECK(pool_size(bench.store) == 1);
        CHECK_FALSE(bench.store.served(name("example.org"))
                        ->rrset(name("mail.example.org"), zones::Type::a));
    }
    SUBCASE("a comment is no news") {
        bench.folder.write("example.org.zone", zone_text(5, "; a comment\n"));
        const auto outcome = bench.load();
        CHECK(outcome.lines.empty());
        CHECK(outcome.published.empty());
    }
}

TEST_CASE("serials that are chosen here are in the zone's style; the file's own are taken") {
    Bench bench;
    bench.store.add_group(name("example.org"), "wiki", rules());
    bench.folder.write("example.org.zone", zone_text(5));
    bench.store.stand(standing({1, 2, 3}));
    SUBCASE("date") {
        bench.store.number({{name("example.org"), SerialStyle::date}});
        bench.load();
        CHECK(bench.serial() == 5);
        bench.store.stand(standing({1, 2}));
        bench.publish();
        CHECK(bench.serial() == 2026112200);
        bench.store.stand(standing({1}));
        bench.publish();
        CHECK(bench.serial() == 2026112201);
        bench.folder.write("example.org.zone", zone_text(6, "mail A 192.0.2.25\n"));
        CHECK(bench.load().lines.empty());
        CHECK(bench.serial() == 2026112202);
        bench.folder.write("example.org.zone", zone_text(2027000000, "mail A 192.0.2.26\n"));
        bench.load();
        CHECK(bench.serial() == 2027000000);
    }
    SUBCASE("unix time") {
        bench.store.number({{name("example.org"), SerialStyle::unixtime}});
        bench.load();
        bench.store.stand(standing({1, 2}));
        bench.publish();
        CHECK(bench.serial() == bench.now.unix_seconds);
    }
}

TEST_CASE(
    "a server flapping 100 times a second: the serials are bounded, and the last word stands (zone "
    "change storm)") {
    Bench bench;
    bench.store.add_group(name("example.org"), "wiki", rules());
    bench.folder.write("example.org.zone", zone_text(5));
    bench.store.stand(standing({1, 2}));
    bench.load();
    std::size_t versions = 0;
    ZoneStore::Moment& now = bench.now;
    const auto until = [&](heartbeat::Instant when) {
        for (; bench.store.wakes_at() <= when;) {
            now.now = bench.store.wakes_at();
            versions += bench.store.publish(now).published.size();
        }
        now.now = when;
    };
    for (int i = 0; i < 1000; ++i) {
        until(now.now + 10ms);
        bench.store.stand(i % 2 == 0 ? standing({1}) : standing({1, 2}));
        versions += bench.store.publish(now).published.size();
    }
    CHECK(versions <= Pacer::burst + 10s / Pacer::every);
    CHECK(versions >= Pacer::burst);
    SUBCASE("what was held back comes by itself") {
        bench.store.stand(standing({1, 2, 3}));
        if (bench.store.publish(now).published.empty()) {
            REQUIRE(bench.store.wakes_at() <= now.now + Pacer::every);
            until(now.now + Pacer::every);
        }
        CHECK(pool_size(bench.store) == 3);
        CHECK(bench.store.wakes_at() == heartbeat::Instant::max());
    }
    SUBCASE("another master goes out at once, with all that was held back") {
        Standing elected = standing({1, 2, 3});
        elected.master = elected.pool.front();
        bench.store.stand(standing({2}));
        bench.store.publish(now);
        bench.store.stand(elected);
        CHECK(bench.store.publish(now).published.size() == 1);
        CHECK(pool_size(bench.store) == 3);
        CHECK(bench.store.served(name("example.org"))
                  ->rrset(name("master.example.org"), zones::Type::a));
        CHECK(bench.store.wakes_at() == heartbeat::Instant::max());
    }
    SUBCASE("a file that the operator reloads is not held back") {
        bench.store.stand(standing({1, 2, 3}));
        bench.folder.write("example.org.zone", zone_text(6, "mail A 192.0.2.25\n"));
        bench.store.take(bench.reader.read(zones_in(bench.folder.path()).value().sources));
        CHECK(bench.store.publish(now).published.size() == 1);
        CHECK(pool_size(bench.store) == 3);
    }
}

TEST_CASE("both names of one decision are in one version, and in one delta") {
    Bench bench;
    bench.store.add_group(name("example.org"), "wiki", rules());
    bench.folder.write("example.org.zone", zone_text(5));
    bench.store.stand(standing({1, 2}));
    bench.load();
    Standing elected = standing({2, 3});
    elected.master = elected.pool.front();
    bench.store.stand(elected);
    CHECK(bench.publish().published.size() == 1);
    CHECK(bench.serial() == 6);
    CHECK(bench.store.catalog()->zone(name("example.org"))->size() == 1);
    CHECK(pool_size(bench.store) == 2);
    CHECK(
        bench.store.served(name("example.org"))->rrset(name("master.example.org"), zones::Type::a));
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

TEST_CASE("a group's standing becomes records under a rising serial") {
    Bench bench;
    bench.store.add_group(name("example.org"), "wiki", rules());
    bench.folder.write("example.org.zone", zone_text(5));
    bench.store.stand(standing({1, 2, 3}));
    bench.load();
    CHECK(bench.serial() == 5);  // nothing was published before
    CHECK(pool_size(bench.store) == 3);

    bench.store.stand(standing({1, 3}));
    auto outcome = bench.publish();
    CHECK(bench.serial() == 6);
    CHECK(pool_size(bench.store) == 2);
    CHECK(outcome.published.size() == 1);

    bench.store.stand(standing({1, 3}));
    outcome = bench.publish();
    CHECK(outcome.published.empty());

    SUBCASE("and stays when the file is read anew, whose serial may lag behind ours") {
        bench.folder.write("example.org.zone", zone_text(6, "mail A 192.0.2.25\n"));
        outcome = bench.load();
        CHECK(bench.serial() == 7);
        CHECK(pool_size(bench.store) == 2);
        CHECK(outcome.lines.empty());
    }
}

TEST_CASE("over a restart the serial rises if and only if the content differs") {
    const Folder state;
    REQUIRE(Ledger::create(state.path("ledger")));
    const Folder files;
    const auto start = [&](unsigned serial, const std::string& more,
                           const std::vector<std::uint8_t>& pool) {
        auto ledger = Ledger::open(state.path("ledger"));
        REQUIRE(ledger);
        ZoneReader reader;
        ZoneStore store(zones::Catalog(), &*ledger);
        store.add_group(name("example.org"), "wiki", rules());
        const std::string path = files.write("zone", zone_text(serial, more));
        store.take(reader.read({{name("example.org"), path, {}}}));
        store.stand(standing(pool));
        store.publish({});
        store.stand(standing({1}));
        store.publish({});  // each run ends with one live change
        return std::pair(store.serial(name("example.org"))->value(), pool_size(store));
    };
    // First run: 5 as in the file, 6 by the live change.
    CHECK(start(5, "", {1, 2}) == std::pair(6U, std::size_t{1}));
    // Same content, same outcome: still 6.
    CHECK(start(5, "", {1}) == std::pair(6U, std::size_t{1}));
    // Another outcome at the start: 7; and the live change: 8.
    CHECK(start(5, "", {1, 2}) == std::pair(8U, std::size_t{1}));
    // Another file under an old serial: 9.
    CHECK(start(5, "mail A 192.0.2.25\n", {1}) == std::pair(9U, std::size_t{1}));
    // A raised one stands as it is.
    CHECK(start(100, "mail A 192.0.2.26\n", {1}) == std::pair(100U, std::size_t{1}));
}
