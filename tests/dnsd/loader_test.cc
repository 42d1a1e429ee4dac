// Readings for which there is no memory, and no thread.
#include "dnsd/io/loader.h"

#include "heartbeat/io/asio.h"
#include "tests/dnsd/support.h"

#include <pthread.h>

#include <new>
#include <optional>
#include <stdexcept>

using namespace dnsd;
using namespace test;
using Outcome = ZoneRead::Outcome;

namespace {

// A loop of its own; every reading is waited for.
struct Bench {
    explicit Bench(Loader::Sources sources, ZoneReader reader = ZoneReader())
        : loader(
              loop, {}, std::move(sources), std::move(reader), [this] { return served; },
              [this](Loader::Result result) { last = std::move(result); }) {}

    Loader::Result load() {
        last.reset();
        loader.load();
        loop.restart();
        const auto until = std::chrono::steady_clock::now() + 20s;
        while (!last && std::chrono::steady_clock::now() < until) {
            loop.run_for(10ms);
            loop.restart();
        }
        REQUIRE(last);
        CHECK_FALSE(loader.busy());
        return std::move(*last);
    }

    boost::asio::io_context loop;
    std::shared_ptr<const zones::Catalog> served;
    std::optional<Loader::Result> last;
    Loader loader;
};

}  // namespace

TEST_CASE("a zone for which memory runs out fails alone, and its old version is still known") {
    const Folder folder;
    const ZoneSource large{name("large.org"), folder.write("large.org.zone", zone_text(1)), {}};
    const ZoneSource small{name("small.org"), folder.write("small.org.zone", zone_text(1)), {}};
    bool scarce = false;
    ZoneReader reader([&](const zones::Loaded& loaded) -> std::vector<zones::Mistake> {
        if (scarce && loaded.zone->origin() == name("large.org")) throw std::bad_alloc();
        return {};
    });
    const std::string first = reader.read({large, small})[0].content;
    scarce = true;
    folder.write("large.org.zone", zone_text(2, "www A 192.0.2.80\n"));
    folder.write("small.org.zone", zone_text(2));
    auto read = reader.read({large, small});
    REQUIRE(read.size() == 2);
    CHECK(read[0].outcome == Outcome::failed);
    REQUIRE(read[0].mistakes.size() == 1);
    CHECK(read[0].mistakes[0].text().starts_with(large.path +
                                                 ": error: not enough memory to read it"));
    CHECK(read[1].outcome == Outcome::loaded);
    scarce = false;
    SUBCASE("once there is memory it is read") {
        read = reader.read({large, small});
        CHECK(read[0].outcome == Outcome::loaded);
        CHECK(read[0].content != first);
        CHECK(read[1].outcome == Outcome::unchanged);
    }
    SUBCASE("put back as it was, it has not changed") {
        folder.write("large.org.zone", zone_text(1));
        CHECK(reader.read({large, small})[0].outcome == Outcome::unchanged);
    }
}

TEST_CASE("a reading that is broken off is begun anew by the next, and loses no change") {
    const Folder folder;
    const std::vector<ZoneSource> sources{
        {name("a.org"), folder.write("a.org.zone", zone_text(1)), {}},
        {name("b.org"), folder.write("b.org.zone", zone_text(1)), {}}};
    bool broken = false;
    ZoneReader reader([&](const zones::Loaded& loaded) -> std::vector<zones::Mistake> {
        if (broken && loaded.zone->origin() == name("b.org")) throw std::runtime_error("no");
        return {};
    });
    reader.read(sources);
    folder.write("a.org.zone", zone_text(2));
    folder.write("b.org.zone", zone_text(2));
    broken = true;
    CHECK_THROWS_AS(reader.read(sources), std::runtime_error);
    broken = false;
    for (const ZoneRead& read : reader.read(sources)) CHECK(read.outcome == Outcome::loaded);
}

TEST_CASE("a reading for which memory runs out is told, and the next one goes on") {
    const Folder folder;
    folder.write("example.org.zone", zone_text(1));
    int asked = 0;
    Bench bench([&]() -> tl::expected<ZoneSources, std::string> {
        if (++asked == 1) throw std::bad_alloc();
        if (asked == 2) throw std::runtime_error("the moon");
        return zones_in(folder.path());
    });
    Loader::Result result = bench.load();
    REQUIRE_FALSE(result.sources);
    CHECK(result.sources.error() == "not enough memory to read the zones");
    result = bench.load();
    REQUIRE_FALSE(result.sources);
    CHECK(result.sources.error() == "the zones cannot be read: the moon");
    result = bench.load();
    REQUIRE(result.sources);
    REQUIRE(result.read.size() == 1);
    CHECK(result.read[0].outcome == Outcome::loaded);
}

TEST_CASE("a thread that cannot be started is told, and the next reading is tried") {
    const Folder folder;
    folder.write("example.org.zone", zone_text(1));
    Bench bench([&] { return zones_in(folder.path()); });
    pthread_attr_t before, vast;
    REQUIRE(::pthread_getattr_default_np(&before) == 0);
    REQUIRE(::pthread_attr_init(&vast) == 0);
    // More than there are addresses.
    REQUIRE(::pthread_attr_setstacksize(&vast, std::size_t{1} << 50) == 0);
    REQUIRE(::pthread_setattr_default_np(&vast) == 0);
    Loader::Result result = bench.load();
    REQUIRE(::pthread_setattr_default_np(&before) == 0);
    ::pthread_attr_destroy(&before);
    ::pthread_attr_destroy(&vast);
    REQUIRE_FALSE(result.sources);
    CHECK(result.sources.error().starts_with("no thread to read the zones can be started: "));
    result = bench.load();
    REQUIRE(result.sources);
    CHECK(result.read.size() == 1);
}

TEST_CASE("what is read is compared with what is served, in the reader's thread") {
    const Folder folder;
    folder.write("example.org.zone", zone_text(1));
    folder.write("other.org.zone", zone_text(1));
    Bench bench([&] { return zones_in(folder.path()); });
    bench.served = std::make_shared<const zones::Catalog>(
        catalog(zone("example.org", zone_text(1, "www A 192.0.2.80\n"))));
    for (const ZoneRead& read : bench.load().read) {
        const bool is_served = read.source.origin == name("example.org");
        CHECK((read.difference != nullptr) == is_served);
        if (!is_served) continue;
        CHECK(read.difference->names() == 1);
        CHECK(
            read.difference->is_of(*bench.served->zone(read.source.origin)->newest(), *read.zone));
    }
    folder.write("example.org.zone", zone_text(2));
    SUBCASE("with nothing, where nothing is served") {
        bench.served = nullptr;
        CHECK_FALSE(bench.load().read[0].difference);
    }
    SUBCASE("a result that got lost is told anew") {
        CHECK(bench.load().read[0].outcome == Outcome::loaded);
        bench.loader.forget();
        for (const ZoneRead& read : bench.load().read) CHECK(read.outcome == Outcome::loaded);
    }
}
