// Zones in which groups have their names: what their standings make of what the files say.
#include "tests/dnsd/standing.h"
#include "tests/dnsd/zone_bench.h"

using namespace dnsd;
using namespace test;

namespace {

EditionRules rules() {
    return {name("www.example.org"), name("master.example.org"), zones::Ttl{5}, zones::Ttl{5}};
}

std::size_t pool_size(const ZoneStore& store) {
    const auto rrset =
        store.served(name("example.org"))->rrset(name("www.example.org"), zones::Type::a);
    return rrset ? rrset->rdatas.size() : 0;
}

}  // namespace

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
