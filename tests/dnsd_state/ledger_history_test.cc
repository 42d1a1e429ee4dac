// What the ledger keeps of the versions before the newest, and what it does when that is damaged.
#include "dnsd/io/ledger_rows.h"
#include "tests/dnsd_state/ledger_support.h"

#include <sys/resource.h>
#include <sys/wait.h>

#include <csignal>

using namespace ledger_test;

namespace {

std::vector<std::byte> packed(std::uint32_t from, std::size_t size = 40) {
    std::vector<std::byte> bytes(size, std::byte{0x5a});
    bytes[0] = static_cast<std::byte>(from);
    return bytes;
}

// The version `to` of a zone, that came to be of the one before; `kept` deltas are left.
void step(Ledger& ledger, const zones::Name& zone, std::uint32_t to, std::size_t kept,
          std::size_t size = 40) {
    const auto bytes = packed(to - 1, size);
    REQUIRE(ledger.remember({{zone, served(to), kept, ZoneServed::Step{to - 1, to, bytes}}}));
}

std::vector<std::uint32_t> serials(const Ledger& ledger, const zones::Name& zone) {
    std::vector<std::uint32_t> out;
    const auto deltas = ledger.deltas(zone);
    REQUIRE(deltas);
    for (const KeptDelta& delta : *deltas) {
        CHECK(delta.to == delta.from + 1);
        CHECK(delta.packed == packed(delta.from, delta.packed.size()));
        out.push_back(delta.to);
    }
    return out;
}
using Serials = std::vector<std::uint32_t>;

// Five versions of a zone, with all that led to the last.
void fill_history(const std::string& file) {
    fill(file);
    auto ledger = opened(file);
    REQUIRE(ledger.remember(wiki, served(10)));
    for (std::uint32_t to = 11; to <= 15; ++to) step(ledger, wiki, to, to - 10);
}

const zones::Name other = *zones::Name::parse("other.example");

}  // namespace

TEST_CASE("deltas are there after a restart, zone by zone, the newest ones as many as were kept") {
    const Folder folder;
    fill(folder.file);
    {
        auto ledger = opened(folder.file);
        REQUIRE(ledger.remember(wiki, served(10)));
        CHECK(ledger.deltas_kept(wiki) == 0);
        for (std::uint32_t to = 11; to <= 20; ++to) {
            step(ledger, wiki, to, std::min<std::size_t>(to - 10, 4));
            step(ledger, other, to, to - 10);
        }
        CHECK(serials(ledger, wiki) == Serials{17, 18, 19, 20});
    }
    auto ledger = opened(folder.file);
    CHECK(ledger.mended().empty());
    CHECK(serials(ledger, wiki) == Serials{17, 18, 19, 20});
    CHECK(serials(ledger, *zones::Name::parse("WIKI.example")) == Serials{17, 18, 19, 20});
    CHECK(ledger.deltas_kept(other) == 10);
    step(ledger, wiki, 21, 4);
    CHECK(serials(ledger, wiki) == Serials{18, 19, 20, 21});
    SUBCASE("a version without a delta ends the history") {
        REQUIRE(ledger.remember(wiki, served(30)));
        CHECK(serials(ledger, wiki).empty());
        CHECK(ledger.deltas_kept(other) == 10);
        step(ledger, wiki, 31, 1);
        CHECK(serials(ledger, wiki) == Serials{31});
    }
    SUBCASE("a version may go with fewer than there were") {
        step(ledger, wiki, 22, 2);
        CHECK(serials(ledger, wiki) == Serials{21, 22});
    }
}

TEST_CASE("a version and its delta are one transaction") {
    const Folder folder;
    fill_history(folder.file);
    auto ledger = opened(folder.file);
    step(ledger, wiki, 16, 6);
    const std::size_t before = commits_in(folder.file);
    step(ledger, wiki, 17, 3);
    CHECK(commits_in(folder.file) == before + 1);
}

TEST_CASE("a delta has a bound, and nothing is remembered of a version whose delta is above it") {
    const Folder folder;
    fill_history(folder.file);
    auto ledger = opened(folder.file);
    step(ledger, wiki, 16, 1, Ledger::delta_bytes_max);
    const auto large = packed(16, Ledger::delta_bytes_max + 1);
    CHECK_FALSE(ledger.remember({{wiki, served(17), 1, ZoneServed::Step{16, 17, large}}}));
    CHECK(ledger.zone(wiki) == served(16));
    CHECK(serials(ledger, wiki) == Serials{16});
}

TEST_CASE("on a full disk neither the version nor its delta is kept, and the next try is whole") {
    const Folder folder;
    fill_history(folder.file);
    // RLIMIT_FSIZE makes the write fail as a full disk does, for this child alone.
    const pid_t child = ::fork();
    if (child == 0) {
        ::signal(SIGXFSZ, SIG_IGN);
        auto ledger = Ledger::open(folder.file);
        if (!ledger) ::_exit(2);
        const rlimit limit{4096, RLIM_INFINITY};
        if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(3);
        const auto bytes = packed(15, 100'000);
        const std::vector<ZoneServed> next{{wiki, served(16), 3, ZoneServed::Step{15, 16, bytes}}};
        if (ledger->remember(next)) ::_exit(4);
        if (ledger->zone(wiki) != served(15) || ledger->deltas_kept(wiki) != 5) ::_exit(5);
        if (ledger->deltas(wiki)->back().to != 15) ::_exit(6);
        const rlimit none{RLIM_INFINITY, RLIM_INFINITY};
        if (::setrlimit(RLIMIT_FSIZE, &none) != 0) ::_exit(7);
        if (!ledger->remember(next)) ::_exit(8);
        if (ledger->deltas_kept(wiki) != 3 || ledger->deltas(wiki)->back().to != 16) ::_exit(9);
        ::_exit(0);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
    const auto ledger = opened(folder.file);
    CHECK(ledger.zone(wiki) == served(16));
    CHECK(ledger.deltas_kept(wiki) == 3);
}

TEST_CASE("a write that fails before it comes to the deltas forgets none that are on disk") {
    const Folder folder;
    fill_history(folder.file);
    // Stands for whatever fails as early as that: BEGIN, the rows, their seal.
    run_sql(folder.file,
            "CREATE TRIGGER full BEFORE INSERT ON facts WHEN NEW.name = 'other.example' "
            "BEGIN SELECT RAISE(ABORT, 'no space'); END");
    auto ledger = opened(folder.file);
    Serials kept{11, 12, 13, 14, 15};
    SUBCASE("the first write after a start") {}
    SUBCASE("one after a write that was good") {
        step(ledger, wiki, 16, 6);
        kept.push_back(16);
    }
    const std::uint32_t last = kept.back();
    const auto bytes = packed(last);
    const ZoneServed next{wiki, served(last + 1), kept.size() + 1,
                          ZoneServed::Step{last, last + 1, bytes}};
    REQUIRE_FALSE(ledger.remember({next, {other, served(1), 0, std::nullopt}}));
    CHECK(ledger.deltas_kept(wiki) == kept.size());
    CHECK(serials(ledger, wiki) == kept);
    REQUIRE(ledger.remember({next}));
    kept.push_back(last + 1);
    CHECK(serials(ledger, wiki) == kept);
}

TEST_CASE("a ledger of a format to come is refused, and is not damaged") {
    const Folder folder;
    fill(folder.file);
    run_sql(folder.file, "PRAGMA user_version=4");
    const auto ledger = Ledger::open(folder.file);
    REQUIRE_FALSE(ledger);
    CHECK(ledger.error().kind == Failure::io);
    CHECK(ledger.error().text.ends_with("has format 4, this version reads 3"));
}

TEST_CASE("a zone's damaged history is told and of no use; serials and other zones stand") {
    const Folder folder;
    fill_history(folder.file);
    {
        auto ledger = opened(folder.file);
        step(ledger, other, 7, 1);
    }
    SUBCASE("a byte was changed") {
        run_sql(folder.file, "UPDATE deltas SET packed = zeroblob(40) WHERE last = 13");
    }
    SUBCASE("a serial was changed") {
        run_sql(folder.file, "UPDATE deltas SET last = 99 WHERE last = 13");
    }
    SUBCASE("one is missing in the middle") {
        run_sql(folder.file, "DELETE FROM deltas WHERE last = 13");
    }
    SUBCASE("the last one is missing") {
        run_sql(folder.file, "DELETE FROM deltas WHERE last = 15");
    }
    SUBCASE("they are in another order") {
        run_sql(folder.file, "UPDATE deltas SET id = 1000 WHERE last = 12");
    }
    SUBCASE("one is another zone's") {
        run_sql(folder.file,
                "UPDATE deltas SET packed = (SELECT packed FROM deltas WHERE zone <> "
                "'wiki.example') WHERE last = 15");
    }
    SUBCASE("one stands twice") {
        run_sql(folder.file,
                "INSERT INTO deltas SELECT 1000, zone, first, last, checksum, packed FROM deltas "
                "WHERE last = 15");
    }
    auto ledger = opened(folder.file);
    CHECK(ledger.zone(wiki) == served(15));
    CHECK(ledger.group("wiki") == full_record(17));
    CHECK_FALSE(ledger.deltas(wiki));
    CHECK(serials(ledger, other) == Serials{7});
    // Forgotten with the next version.
    const auto bytes = packed(15);
    REQUIRE(ledger.remember({{wiki, served(16), 1, ZoneServed::Step{15, 16, bytes}}}));
    CHECK(serials(ledger, wiki) == Serials{16});
}

TEST_CASE("rows of a zone that nobody knows are no harm") {
    const Folder folder;
    fill_history(folder.file);
    run_sql(folder.file, "UPDATE deltas SET zone = 'gone.example'");
    const auto ledger = opened(folder.file);
    CHECK(serials(ledger, wiki).empty());
    CHECK(serials(ledger, *zones::Name::parse("gone.example")).empty());
}

TEST_CASE("whatever byte of the file is hit, a ledger that opens knows its serials, or says no") {
    const Folder folder;
    fill(folder.file);
    {
        auto ledger = opened(folder.file);
        REQUIRE(ledger.remember(wiki, served(10)));
        // Several pages, overflowing ones among them.
        for (std::uint32_t to = 11; to <= 30; ++to) step(ledger, wiki, to, to - 10, 100 * (to - 9));
    }
    const std::string whole = bytes_of(folder.file);
    REQUIRE(whole.size() > 8 * 4096);
    std::size_t refused = 0, anew = 0, without = 0, unharmed = 0;
    // In each page: its type, how many cells it has, where the first is, and what it keeps.
    std::vector<std::size_t> places;
    for (std::size_t page = 0; page < whole.size(); page += 4096)
        for (const std::size_t in : {0, 4, 8, 991, 2503, 4091}) places.push_back(page + in);
    for (const std::size_t at : places) {
        CAPTURE(at);
        std::string broken = whole;
        broken[at] = static_cast<char>(broken[at] ^ (1 << (at % 8)));
        write_bytes(folder.file, broken);
        auto ledger = Ledger::open(folder.file);
        if (!ledger) {
            ++refused;
            continue;
        }
        if (const auto record = ledger->group("wiki")) CHECK(record == full_record(17));
        CHECK(ledger->zone(wiki) == served(30));
        if (!ledger->mended().empty()) {
            ++anew;
            CHECK(ledger->deltas_kept(wiki) == 0);
            CHECK(ledger->remember(wiki, served(31)));
        } else if (const auto deltas = ledger->deltas(wiki); !deltas) {
            ++without;
        } else {
            ++unharmed;
            CHECK(deltas->size() == 20);
            CHECK(serials(*ledger, wiki).back() == 30);
        }
    }
    CHECK(refused > 0);
    CHECK(anew > 0);
    CHECK(without > 0);
    CHECK(unharmed > 0);
}

TEST_CASE("a ledger that was written anew is one, for its owner's eyes only") {
    const Folder folder;
    fill_history(folder.file);
    // The page type of a table's leaf: 13. Zero is none.
    std::string broken = bytes_of(folder.file);
    bool found = false;
    for (std::size_t page = 1; page * 4096 < broken.size(); ++page)
        if (broken.substr(page * 4096, 4096).find(std::string(30, 0x5a)) != std::string::npos) {
            broken[page * 4096] = 0;
            found = true;
        }
    REQUIRE(found);
    write_bytes(folder.file, broken);
    {
        auto ledger = opened(folder.file);
        CHECK(ledger.mended().find("it was written anew without them") != std::string::npos);
        CHECK(ledger.zone(wiki) == served(15));
        step(ledger, wiki, 16, 1);
    }
    CHECK((std::filesystem::status(folder.file).permissions() & std::filesystem::perms::all) ==
          (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
    CHECK_FALSE(std::filesystem::exists(folder.file + ".new"));
    const auto ledger = opened(folder.file);
    CHECK(ledger.mended().empty());
    CHECK(ledger.group("wiki") == full_record(17));
    CHECK(serials(ledger, wiki) == Serials{16});
}
