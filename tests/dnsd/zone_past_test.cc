// A zone's history over restarts: a daemon that ends and one that begins, on the same ledger.
#include "dnsd/io/zone_store.h"

#include "dnsd/io/zone_past.h"
#include "tests/dnsd/standing.h"
#include "tests/dnsd/support.h"

#include <sys/resource.h>
#include <sys/wait.h>

#include <csignal>

using namespace dnsd;
using namespace test;

namespace {

const zones::Name example = name("example.org");

// One run of the daemon; it ends as if it was killed.
struct Run {
    explicit Run(const Folder& state, zones::HistoryLimits limits = {})
        : ledger(Ledger::open(state.path("ledger")).value()),
          store(zones::Catalog(), &ledger, "", limits) {
        store.add_group(
            example, "wiki",
            {name("www.example.org"), name("master.example.org"), zones::Ttl{5}, zones::Ttl{5}});
    }
    ZoneStore::Outcome start(const std::string& file, const std::vector<std::uint8_t>& pool) {
        store.stand(standing(pool));
        return reload(file);
    }
    ZoneStore::Outcome reload(const std::string& file) {
        auto lines = store.take(reader.read({{example, file, {}}}));
        auto outcome = publish();
        outcome.lines.insert(outcome.lines.begin(), lines.begin(), lines.end());
        return outcome;
    }
    ZoneStore::Outcome publish() {
        now.now += 1s;
        return store.publish(now);
    }
    ZoneStore::Outcome stand(const std::vector<std::uint8_t>& pool) {
        store.stand(standing(pool));
        return publish();
    }
    // From which serial to which each step leads.
    std::vector<std::pair<std::uint32_t, std::uint32_t>> chain() const {
        std::vector<std::pair<std::uint32_t, std::uint32_t>> out;
        for (const auto& delta : store.catalog()->zone(example)->deltas())
            out.emplace_back(delta->from().value(), delta->to().value());
        return out;
    }
    std::uint32_t serial() const { return store.serial(example)->value(); }

    Ledger ledger;
    ZoneReader reader;
    ZoneStore store;
    ZoneStore::Moment now{heartbeat::Instant(1h), 1'795'348'800};
};
using Chain = std::vector<std::pair<std::uint32_t, std::uint32_t>>;

struct Bench {
    Bench() { REQUIRE(Ledger::create(state.path("ledger"))); }
    std::string file(unsigned serial, const std::string& more = "") const {
        return files.write("zone", zone_text(serial, more));
    }
    // Serials 5 to 8.
    void first_run() const {
        Run run(state);
        run.start(file(5), {1});
        for (const std::uint8_t byte : {2, 3, 4}) run.stand({byte});
        CHECK(run.chain() == Chain{{5, 6}, {6, 7}, {7, 8}});
    }
    Folder state, files;
};

}  // namespace

TEST_CASE("after a restart the differences are there, and the chain goes on") {
    const Bench bench;
    bench.first_run();
    Run run(bench.state);
    SUBCASE("the same outcome: the same version, and secondaries are told of it once more") {
        const auto outcome = run.start(bench.file(5), {4});
        CHECK(outcome.lines.empty());
        REQUIRE(outcome.published.size() == 1);
        CHECK(outcome.published[0].serial == zones::Serial(8));
        CHECK(outcome.zones_changed);
        CHECK(run.chain() == Chain{{5, 6}, {6, 7}, {7, 8}});
        run.stand({5});
        CHECK(run.chain() == Chain{{5, 6}, {6, 7}, {7, 8}, {8, 9}});
        CHECK(run.ledger.deltas_kept(example) == 4);
    }
    SUBCASE("another outcome: one version more, made of the one before") {
        const auto outcome = run.start(bench.file(5), {9});
        CHECK(outcome.lines.empty());
        CHECK(run.serial() == 9);
        CHECK(run.chain() == Chain{{5, 6}, {6, 7}, {7, 8}, {8, 9}});
        CHECK(run.ledger.deltas_kept(example) == 4);
        // It tells what changed, and nothing else: a name's address, and the SOA.
        const auto last = run.store.catalog()->zone(example)->last();
        std::size_t groups = 0, at = 0;
        while (last->next(zones::Delta::Half::deleted, at)) ++groups;
        CHECK(groups == 2);
    }
    SUBCASE("a raised serial and nothing else: as well") {
        run.start(bench.file(20), {4});
        CHECK(run.serial() == 20);
        CHECK(run.chain() == Chain{{5, 6}, {6, 7}, {7, 8}, {8, 20}});
    }
    SUBCASE("another file: nobody knows what was in the old one, and the chain ends") {
        run.start(bench.file(6, "mail A 192.0.2.25\n"), {4});
        CHECK(run.serial() == 9);
        CHECK(run.chain().empty());
        CHECK(run.ledger.deltas_kept(example) == 0);
        run.stand({5});
        CHECK(run.chain() == Chain{{9, 10}});
    }
}

TEST_CASE("under lower limits than before the newest differences are kept") {
    const Bench bench;
    bench.first_run();
    Run run(bench.state, {2, std::size_t{1} << 20});
    run.start(bench.file(5), {4});
    CHECK(run.chain() == Chain{{6, 7}, {7, 8}});
    CHECK(run.ledger.deltas_kept(example) == 2);
}

TEST_CASE("a reload while it runs continues the chain") {
    const Bench bench;
    bench.first_run();
    Run run(bench.state);
    run.start(bench.file(5), {4});
    run.reload(bench.file(6, "mail A 192.0.2.25\n"));
    CHECK(run.serial() == 9);
    CHECK(run.chain() == Chain{{5, 6}, {6, 7}, {7, 8}, {8, 9}});
    CHECK(run.ledger.deltas_kept(example) == 4);
}

TEST_CASE("a killed daemon had told the ledger first: the next one publishes that very version") {
    const Bench bench;
    bench.first_run();
    {
        // What a kill between the ledger and the query threads leaves: serial 9 is on disk, and
        // nobody has heard of it.
        Run run(bench.state);
        run.start(bench.file(5), {4});
        const auto before = run.store.catalog();
        run.stand({5});
        CHECK(before->zone(example)->newest()->serial() == zones::Serial(8));
        CHECK(run.ledger.zone(example)->serial == 9);
    }
    Run run(bench.state);
    const auto outcome = run.start(bench.file(5), {5});
    REQUIRE(outcome.published.size() == 1);  // NOTIFY follows from this
    CHECK(outcome.published[0].serial == zones::Serial(9));
    CHECK(run.chain().back() == std::pair(8U, 9U));
}

TEST_CASE("damaged differences are forgotten with one warning, and the serial stands") {
    const Bench bench;
    bench.first_run();
    {
        auto ledger = Ledger::open(bench.state.path("ledger")).value();
        const std::vector<std::byte> nonsense(50, std::byte{7});
        const Served served = *ledger.zone(example);
        Served next = served;
        next.serial = 9;
        REQUIRE(ledger.remember({{example, next, 4, ZoneServed::Step{8, 9, nonsense}}}));
    }
    {
        Run run(bench.state);
        const auto outcome = run.start(bench.file(5), {4});
        CHECK(run.serial() == 9);
        REQUIRE(outcome.lines.size() == 1);
        CHECK(outcome.lines[0].urgency == Urgency::warning);
        CHECK(outcome.lines[0].text.find("that from 8 cannot be unpacked") != std::string::npos);
        CHECK(run.chain().empty());
        CHECK(run.ledger.deltas_kept(example) == 0);
    }
    Run run(bench.state);
    CHECK(run.start(bench.file(5), {4}).lines.empty());
}

TEST_CASE("on a full disk nothing is published, and later all of it under one serial (disk full)") {
    const Bench bench;
    bench.first_run();
    // RLIMIT_FSIZE makes the write fail as a full disk does, for this child alone.
    const pid_t child = ::fork();
    if (child == 0) {
        ::signal(SIGXFSZ, SIG_IGN);
        Run run(bench.state);
        run.start(bench.file(5), {4});
        const auto before = run.store.catalog();
        const auto limit_files = [](rlim_t bytes) {
            const rlimit limit{bytes, RLIM_INFINITY};
            if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(2);
        };
        limit_files(1);
        for (const std::uint8_t byte : {5, 6}) {
            const auto outcome = run.stand({byte});
            if (!outcome.ledger_failed || !outcome.published.empty()) ::_exit(3);
            if (run.store.catalog() != before || run.serial() != 8) ::_exit(4);
            if (run.ledger.deltas_kept(example) != 3) ::_exit(5);
        }
        limit_files(RLIM_INFINITY);
        const auto outcome = run.publish();
        if (outcome.ledger_failed || outcome.published.size() != 1) ::_exit(6);
        if (run.chain() != Chain{{5, 6}, {6, 7}, {7, 8}, {8, 9}}) ::_exit(7);
        ::_exit(run.ledger.deltas_kept(example) == 4 ? 0 : 8);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
    Run run(bench.state);
    run.start(bench.file(5), {6});
    CHECK(run.chain() == Chain{{5, 6}, {6, 7}, {7, 8}, {8, 9}});
}

TEST_CASE("a version that was held back and then met a full disk is not owed at once (disk full)") {
    const Bench bench;
    const pid_t child = ::fork();
    if (child == 0) {
        ::signal(SIGXFSZ, SIG_IGN);
        Run run(bench.state);
        run.start(bench.file(5), {1});
        const heartbeat::Instant now = run.now.now;
        for (int i = 0; i <= Pacer::burst; ++i) {
            run.store.stand(standing({static_cast<std::uint8_t>(i + 2)}));
            run.store.publish(run.now);
        }
        const heartbeat::Instant due = run.store.wakes_at();
        if (due <= now || due == heartbeat::Instant::max()) ::_exit(2);
        const rlimit full{1, RLIM_INFINITY};
        if (::setrlimit(RLIMIT_FSIZE, &full) != 0) ::_exit(3);
        run.now.now = due;
        if (!run.store.publish(run.now).ledger_failed) ::_exit(4);
        if (run.store.wakes_at() <= due) ::_exit(5);
        const rlimit none{RLIM_INFINITY, RLIM_INFINITY};
        if (::setrlimit(RLIMIT_FSIZE, &none) != 0) ::_exit(6);
        ::_exit(run.publish().published.size() == 1 ? 0 : 7);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE(
    "while the ledger can not be written that is said once, and so is when it can (disk full)") {
    const Bench bench;
    const pid_t child = ::fork();
    if (child == 0) {
        ::signal(SIGXFSZ, SIG_IGN);
        Run run(bench.state);
        run.start(bench.file(5), {1});
        const auto limit_files = [](rlim_t bytes) {
            const rlimit limit{bytes, RLIM_INFINITY};
            if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(2);
        };
        const auto reloaded = [&](const std::string& more) {
            const std::string file = bench.file(5, more);
            limit_files(1);
            return run.reload(file);
        };
        // The serial was not raised: a line of advice, and one of the ledger.
        if (reloaded("mail A 192.0.2.25\n").lines.size() != 2) ::_exit(3);
        heartbeat::Duration longest{0};
        for (int i = 0; i < 100; ++i) {
            const auto outcome = run.publish();
            if (!outcome.ledger_failed || !outcome.lines.empty()) ::_exit(4);
            if (outcome.again_in <= 0s) ::_exit(5);
            longest = std::max(longest, outcome.again_in);
        }
        if (longest != ZoneStore::retry_last) ::_exit(6);
        // Another file is news.
        limit_files(RLIM_INFINITY);
        if (reloaded("mail A 192.0.2.26\n").lines.size() != 2) ::_exit(7);
        limit_files(RLIM_INFINITY);
        const auto outcome = run.publish();
        if (outcome.published.size() != 1 || outcome.lines.size() != 1) ::_exit(8);
        if (outcome.lines[0].urgency != Urgency::info) ::_exit(9);
        if (outcome.again_in != 0s) ::_exit(10);
        ::_exit(run.stand({7}).lines.empty() ? 0 : 11);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("at a start a serial that went back is an error, but the zone stays on the net") {
    const Bench bench;
    bench.first_run();
    Run run(bench.state);
    const std::string path = bench.file(3, "mail A 192.0.2.25\n");
    const auto outcome = run.start(path, {4});
    CHECK(run.serial() == 9);
    REQUIRE(outcome.lines.size() == 1);
    CHECK(outcome.lines[0].urgency == Urgency::error);
    CHECK(outcome.lines[0].text ==
          path +
              ":2:17: error: the serial went back, from 5 to 3; the records are served as 9, as "
              "there is nothing else to serve\n      hint: no secondary follows to a lower "
              "serial (RFC 1982): write serial 10 or higher");
}

TEST_CASE("a ledger that was put back: what is published rises from there") {
    const Bench bench;
    bench.first_run();
    std::filesystem::copy_file(bench.state.path("ledger"), bench.state.path("saved"));
    {
        Run run(bench.state);
        run.start(bench.file(5), {4});
        for (const std::uint8_t byte : {5, 6}) run.stand({byte});
        CHECK(run.serial() == 10);
    }
    std::filesystem::rename(bench.state.path("saved"), bench.state.path("ledger"));
    Run run(bench.state);
    run.start(bench.file(5), {6});
    CHECK(run.serial() == 9);
    CHECK(run.chain() == Chain{{5, 6}, {6, 7}, {7, 8}, {8, 9}});
}

TEST_CASE("a change too large for the ledger is in the history of this run alone") {
    const Bench bench;
    const auto hosts = [](int net, int changed) {
        std::string text;
        for (int i = 0; i < 60'000; ++i)
            text +=
                fmt::format("host{} A 10.{}.{}.{}\n", i, i < changed ? net : 0, i / 256, i % 256);
        return text;
    };
    const std::string many = hosts(1, 25'000);
    {
        Run run(bench.state);
        run.start(bench.file(5, hosts(0, 0)), {1});
        run.stand({2});
        run.reload(bench.file(7, many));
        CHECK(run.serial() == 7);
        REQUIRE(run.store.catalog()->zone(example)->last());
        CHECK(run.store.catalog()->zone(example)->last()->bytes() > Ledger::delta_bytes_max);
        CHECK(run.chain() == Chain{{5, 6}, {6, 7}});
        CHECK(run.ledger.deltas_kept(example) == 0);
        run.stand({3});
        CHECK(run.chain() == Chain{{5, 6}, {6, 7}, {7, 8}});
        CHECK(run.ledger.deltas_kept(example) == 1);
    }
    Run run(bench.state);
    CHECK(run.start(bench.file(7, many), {3}).lines.empty());
    CHECK(run.chain() == Chain{{7, 8}});
}

TEST_CASE("what a zone was served as is made again of its file and of the ledger's words") {
    const auto file = zone("example.org", zone_text(5));
    const Served served{8, "",
                        "www.example.org. 5 192.0.2.1 192.0.2.2 2001:db8::1\n"
                        "master.example.org. 3 192.0.2.2\n"};
    const auto made = as_served(*file, served);
    REQUIRE(made);
    CHECK(made->serial() == zones::Serial(8));
    CHECK(made->rrset(name("www.example.org"), zones::Type::a)->rdatas.size() == 2);
    CHECK(made->rrset(name("www.example.org"), zones::Type::aaaa)->ttl == zones::Ttl{5});
    CHECK(made->rrset(name("master.example.org"), zones::Type::a)->ttl == zones::Ttl{3});
    for (const char* wrong :
         {"www.example.org.", "www.example.org. 5 192.0.2", "www.example.org. x",
          "www.example.net. 5 192.0.2.1", "ns1.example.org. 5 192.0.2.1"}) {
        CAPTURE(wrong);
        CHECK_FALSE(as_served(*file, {8, "", wrong}));
    }
}
