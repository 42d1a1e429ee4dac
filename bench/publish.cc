// bench-publish: what the control thread spends on versions: a change of live names with a ledger
// and a full history, a start of ten thousand zones that have one, and a reload of a million names.

#include "dnsd/io/zone_store.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <time.h>

namespace {

using namespace dnsd;

double now_ms(clockid_t clock = CLOCK_MONOTONIC) {
    timespec now{};
    ::clock_gettime(clock, &now);
    return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

zones::Name name(const std::string& text) {
    return *zones::Name::parse(text);
}

std::string head(unsigned serial) {
    return fmt::format("$TTL 300\n@ SOA ns h {} 3600 600 86400 60\n@ NS ns\nns A 192.0.2.53\n",
                       serial);
}

Standing standing(unsigned byte) {
    Standing out;
    out.group = "wiki";
    out.pool.push_back({*ServerId::parse("wiki1"),
                        {heartbeat::Address::v4({192, 0, 2, static_cast<std::uint8_t>(byte)})},
                        1});
    return out;
}

struct Folder {
    explicit Folder(const char* base) {
        std::string pattern = std::string(base) + "/bench-publish-XXXXXX";
        if (::mkdtemp(pattern.data()) == nullptr) std::exit(1);
        path = pattern;
    }
    ~Folder() { std::filesystem::remove_all(path); }
    std::string write(const std::string& file, const std::string& text) const {
        std::ofstream(path + "/" + file) << text;
        return path + "/" + file;
    }
    std::string path;
};

struct Daemon {
    Daemon(const Folder& folder, const zones::Name& live)
        : ledger(Ledger::open(folder.path + "/ledger").value()), store(zones::Catalog(), &ledger) {
        store.add_group(live, "wiki",
                        {name("www." + live.text()), name("master." + live.text()), zones::Ttl{5},
                         zones::Ttl{5}});
        store.stand(standing(1));
    }
    void publish() {
        moment.now += std::chrono::seconds(1);
        store.publish(moment);
    }
    Ledger ledger;
    ZoneStore store;
    ZoneStore::Moment moment{heartbeat::Instant(std::chrono::hours(1)), 1'795'348'800};
};

void live_changes(const Folder& folder) {
    const zones::Name zone = name("live.example");
    const std::string file = folder.write("live.zone", head(1));
    ZoneReader reader;
    Daemon daemon(folder, zone);
    daemon.store.take(reader.read({{zone, file, {}}}));
    daemon.publish();
    unsigned change = 1;
    for (const int kept : {10, 1000, 2000}) {
        while (daemon.store.serial(zone)->value() < static_cast<unsigned>(kept)) {
            daemon.store.stand(standing(++change % 250));
            daemon.publish();
        }
        constexpr unsigned times = 500;
        const double wall = now_ms(), cpu = now_ms(CLOCK_THREAD_CPUTIME_ID);
        for (unsigned i = 0; i < times; ++i) {
            daemon.store.stand(standing(++change % 250));
            daemon.publish();
        }
        fmt::print("a live change, {:5} versions kept: {:6.1f} us CPU, {:7.1f} us in all\n",
                   daemon.store.catalog()->zone(zone)->size(),
                   (now_ms(CLOCK_THREAD_CPUTIME_ID) - cpu) * 1000 / times,
                   (now_ms() - wall) * 1000 / times);
    }
}

void start(const Folder& folder, int zone_count, int changes) {
    std::vector<ZoneSource> sources;
    const auto write = [&](unsigned serial) {
        sources.clear();
        for (int i = 0; i < zone_count; ++i) {
            const std::string origin = fmt::format("z{}.example", i);
            sources.push_back({name(origin),
                               folder.write(origin + ".zone",
                                            head(serial) + fmt::format("w A 192.0.2.{}\n", serial)),
                               {}});
        }
    };
    {
        ZoneReader reader;
        Daemon daemon(folder, name("z0.example"));
        for (int i = 0; i <= changes; ++i) {
            write(static_cast<unsigned>(i + 1));
            daemon.store.take(reader.read(sources));
            daemon.publish();
        }
    }
    for (int i = 0; i < 3; ++i) {
        ZoneReader reader;
        const double begin = now_ms();
        Daemon daemon(folder, name("z0.example"));
        const double opened = now_ms();
        auto read = reader.read(sources);
        const double parsed = now_ms();
        daemon.store.take(std::move(read));
        daemon.publish();
        fmt::print(
            "a start, {} zones with {} differences each: ledger {:.0f} ms, files {:.0f} ms, "
            "publication {:.0f} ms\n",
            zone_count, daemon.store.catalog()->zone(name("z1.example"))->size(), opened - begin,
            parsed - opened, now_ms() - parsed);
    }
}

void reload(const Folder& folder, int names) {
    const zones::Name zone = name("large.example");
    const auto text = [&](unsigned serial, int changed) {
        std::string out = head(serial);
        for (int i = 0; i < names; ++i)
            out += fmt::format("h{} A 10.{}.{}.{}\n", i, i < changed ? serial : 0, i / 250 % 250,
                               i % 250);
        return out;
    };
    ZoneReader reader;
    Daemon daemon(folder, zone);
    daemon.store.take(reader.read({{zone, folder.write("large.zone", text(1, 0)), {}}}));
    daemon.publish();
    daemon.store.stand(standing(2));
    daemon.publish();
    unsigned serial = 10;
    for (const int changed : {1, 1000, 100'000}) {
        auto read = reader.read({{zone, folder.write("large.zone", text(++serial, changed)), {}}});
        const double begin = now_ms();
        read[0].difference = zones::compare_bases(*daemon.store.served(zone), *read[0].zone);
        const double compared = now_ms();
        auto old = daemon.store.catalog();
        daemon.store.take(std::move(read));
        const double taken = now_ms();
        daemon.publish();
        const double published = now_ms();
        const auto last = daemon.store.catalog()->zone(zone)->last();
        old.reset();
        fmt::print(
            "a reload of {} names, {} changed: compared in {:.1f} ms (by the reader); taken "
            "in {:.3f} ms, published in {:.1f} ms, {} bytes of difference; the old one "
            "freed in {:.1f} ms\n",
            names, changed, compared - begin, taken - compared, published - taken,
            last ? last->bytes() : 0, now_ms() - published);
    }
}

}  // namespace

int main(int argc, char** argv) {
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    const char* base = argc > 1 ? argv[1] : "/tmp";
    const auto with_ledger = [&](auto run) {
        const Folder folder(base);
        if (!Ledger::create(folder.path + "/ledger")) std::exit(1);
        run(folder);
    };
    with_ledger([](const Folder& folder) { live_changes(folder); });
    with_ledger([](const Folder& folder) { start(folder, 10'000, 0); });
    with_ledger([](const Folder& folder) { start(folder, 10'000, 3); });
    with_ledger([](const Folder& folder) { reload(folder, 1'000'000); });
}
