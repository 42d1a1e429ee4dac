// Every allocation of a reload and of a publication fails once: each is done whole or not at all. A
// program of its own, as it replaces operator new.
#include "dnsd/io/zone_store.h"

#include "dnsd/io/published.h"
#include "tests/dnsd/standing.h"
#include "tests/dnsd/tcp_support.h"
#include "tests/every_new.h"

#include <atomic>

namespace {

// 0: none fails. 1: the next one does, and the others after it do not.
long fails_in = 0;
// Every allocation of this thread fails.
thread_local bool no_memory = false;

}  // namespace

void* tests::allocate(std::size_t size) {
    if (no_memory) throw std::bad_alloc();
    if (fails_in > 0 && --fails_in == 0) throw std::bad_alloc();
    if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
    throw std::bad_alloc();
}

using namespace dnsd;
using namespace test;

namespace {

const zones::Name example = name("example.org");

Standing led(std::uint8_t byte) {
    Standing out = standing({byte});
    out.master = out.pool.front();
    return out;
}

struct Bench {
    Bench() : ledger(make()), store(zones::Catalog(), &ledger) {
        store.add_group(
            example, "wiki",
            {name("www.example.org"), name("master.example.org"), zones::Ttl{5}, zones::Ttl{5}});
        store.stand(led(1));
        store.take(reader.read({source("example.org", 5), source("gone.org", 1)}));
        store.publish(now);
    }
    Ledger make() const {
        REQUIRE(Ledger::create(folder.path("ledger")));
        return Ledger::open(folder.path("ledger")).value();
    }
    ZoneSource source(const std::string& zone, unsigned serial) const {
        return {name(zone), folder.write(zone + ".zone", zone_text(serial)), {}};
    }
    std::vector<std::uint32_t> serials() const {
        std::vector<std::uint32_t> out;
        for (const char* zone : {"example.org", "gone.org", "new.org"})
            out.push_back(store.serial(name(zone)).value_or(zones::Serial(0)).value());
        return out;
    }
    std::uint32_t remembered() const { return ledger.zone(example)->serial; }

    Folder folder;
    Ledger ledger;
    ZoneReader reader;
    ZoneStore store;
    ZoneStore::Moment now{heartbeat::Instant(1h), 1'795'348'800};
};
using Serials = std::vector<std::uint32_t>;

}  // namespace

TEST_CASE("a publication for which memory runs out anywhere is none, and the next one is whole") {
    bool went_through = false;
    for (long at = 1; !went_through; ++at) {
        CAPTURE(at);
        REQUIRE(at < 10'000);
        Bench bench;
        bench.store.stand(led(2));
        bench.store.take(
            bench.reader.read({bench.source("example.org", 5), bench.source("new.org", 7)}));
        const auto catalog = bench.store.catalog();
        bench.now.now += 1s;
        fails_in = at;
        try {
            bench.store.publish(bench.now);
            went_through = fails_in > 0;
            fails_in = 0;
            if (went_through) break;
            FAIL("an allocation failed, and nobody was told");
        } catch (const std::bad_alloc&) {
            fails_in = 0;
        }
        REQUIRE(bench.store.catalog() == catalog);
        REQUIRE(bench.serials() == Serials{5, 0, 0});  // one was taken out, but is in the catalog
        REQUIRE(bench.remembered() == 5);
        const auto outcome = bench.store.publish(bench.now);
        REQUIRE(bench.serials() == Serials{6, 0, 7});
        REQUIRE(outcome.published.size() == 2);
        REQUIRE(outcome.zones_changed);
        REQUIRE(bench.remembered() == 6);
        REQUIRE(bench.ledger.deltas_kept(example) == 1);
        REQUIRE(bench.store.catalog()->size() == 2);
    }
    CHECK(went_through);
}

TEST_CASE("a reading that memory does not suffice to take is not taken at all") {
    bool went_through = false;
    for (long at = 1; !went_through; ++at) {
        CAPTURE(at);
        REQUIRE(at < 10'000);
        Bench bench;
        const auto read = [&] {
            return bench.reader.read({bench.source("example.org", 6), bench.source("new.org", 7)});
        };
        auto all = read();
        fails_in = at;
        try {
            bench.store.take(std::move(all));
            went_through = fails_in > 0;
            fails_in = 0;
            if (went_through) break;
            FAIL("an allocation failed, and nobody was told");
        } catch (const std::bad_alloc&) {
            fails_in = 0;
        }
        REQUIRE_FALSE(bench.store.publish(bench.now).catalog_changed);
        REQUIRE(bench.serials() == Serials{5, 1, 0});
        bench.reader.forget();
        bench.store.take(read());
        bench.store.publish(bench.now);
        REQUIRE(bench.serials() == Serials{6, 0, 7});
    }
    CHECK(went_through);
}

TEST_CASE("a client that goes when there is no memory ends its transfer, and not the daemon") {
    std::atomic<std::uint64_t> begun{0}, ended{0};
    Running running({}, large_zone(20'000), std::nullopt, zones::udp_size_default,
                    [&](TransferNews news) {  // in the server's thread
                        no_memory = news.what == TransferNews::What::begun;
                        (no_memory ? begun : ended) = news.transfer;
                    });
    std::optional<TcpClient> client(std::in_place, running.endpoint, 4096);
    client->send(query(1, zones::Type::axfr, "example.org"));
    REQUIRE(eventually([&] { return begun != 0; }));
    client.reset();
    REQUIRE(eventually([&] { return ended != 0; }));
    CHECK(ended == begun);
    CHECK(answered(TcpClient(running.endpoint), 2));
}

TEST_CASE("what cannot be published for want of memory has not been published") {
    PublishedCell<int> cell(std::make_shared<const int>(1));
    auto next = std::make_shared<const int>(2);
    no_memory = true;
    bool thrown = false;
    try {
        cell.store(next);
    } catch (const std::bad_alloc&) {
        thrown = true;
    }
    no_memory = false;
    CHECK(thrown);
    CHECK(*cell.load() == 1);
    cell.store(next);
    CHECK(*cell.load() == 2);
}
