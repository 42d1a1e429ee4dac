#include "dnsd/io/ledger.h"

#include "dnsd/io/ledger_rows.h"
#include "tests/dnsd_state/ledger_support.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <csignal>

using namespace ledger_test;

TEST_CASE("what is remembered is there after a restart, whole") {
    const Folder folder;
    fill(folder.file);
    const auto ledger = opened(folder.file);
    CHECK(ledger.group("wiki") == full_record(17));
    CHECK(ledger.zone(wiki) == served(1742));
    CHECK(ledger.zone(*zones::Name::parse("WIKI.Example")) == served(1742));
    CHECK(ledger.group("other") == std::nullopt);
    CHECK_FALSE(ledger.zone(*zones::Name::parse("other.example")));
}

TEST_CASE("many zones are one transaction, and all of them or none is remembered") {
    const Folder folder;
    REQUIRE(Ledger::create(folder.file));
    std::vector<ZoneServed> zones;
    for (unsigned i = 0; i < 100; ++i)
        zones.push_back({*zones::Name::parse("z" + std::to_string(i) + ".example"), served(i)});
    zones.push_back({*zones::Name::parse("Z7.example"), served(700)});  // twice: the later counts
    {
        auto ledger = opened(folder.file);
        REQUIRE(ledger.remember(wiki, served(1)));
        const std::size_t before = commits_in(folder.file);
        REQUIRE(ledger.remember(zones));
        CHECK(commits_in(folder.file) == before + 1);
        Served large = served(3);
        large.live = std::string(Ledger::text_bytes_max + 1, 'x');
        CHECK_FALSE(ledger.remember({{wiki, served(2)}, {zones[0].zone, large}}));
        CHECK(ledger.zone(wiki) == served(1));
    }
    const auto ledger = opened(folder.file);
    CHECK(ledger.zone(wiki) == served(1));
    CHECK(ledger.zone(zones[0].zone) == served(0));
    CHECK(ledger.zone(zones[7].zone) == served(700));
    CHECK(ledger.zone(zones[99].zone) == served(99));
}

TEST_CASE("a new ledger knows nothing, is for its owner's eyes only, and an empty record is one") {
    const Folder folder;
    REQUIRE(Ledger::create(folder.file));
    struct stat status {};
    REQUIRE(::stat(folder.file.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
    auto ledger = opened(folder.file);
    CHECK(ledger.group("wiki") == std::nullopt);
    REQUIRE(remember(ledger, "wiki", Record{}));
    CHECK(ledger.group("wiki") == Record{});
}

TEST_CASE("what was remembered is on disk though the process is killed at once") {
    const Folder folder;
    REQUIRE(Ledger::create(folder.file));
    const pid_t child = ::fork();
    if (child == 0) {
        auto ledger = Ledger::open(folder.file);
        for (std::uint64_t epoch = 1; ledger && epoch <= 20; ++epoch)
            if (!remember(*ledger, "wiki", full_record(epoch))) ::_exit(1);
        ::kill(::getpid(), SIGKILL);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    CHECK(opened(folder.file).group("wiki") == full_record(20));
}

TEST_CASE("no ledger, and create() over one, are errors of their own that say what to do") {
    const Folder folder;
    const auto missing = Ledger::open(folder.file);
    REQUIRE_FALSE(missing);
    CHECK(missing.error().kind == Failure::missing);
    CHECK(missing.error().text ==
          "there is no ledger " + folder.file + "; arbiterctl init makes one");
    CHECK_FALSE(std::filesystem::exists(folder.file));
    fill(folder.file);
    const auto again = Ledger::create(folder.file);
    REQUIRE_FALSE(again);
    CHECK(again.error().kind == Failure::exists);
    CHECK(opened(folder.file).group("wiki") == full_record(17));
    const auto nowhere = Ledger::create(folder.path + "/no/such/ledger");
    REQUIRE_FALSE(nowhere);
    CHECK(nowhere.error().kind == Failure::io);
}

TEST_CASE("a second opener is refused and told who holds it; the lock goes with the holder") {
    const Folder folder;
    REQUIRE(Ledger::create(folder.file));
    {
        const auto first = opened(folder.file);
        const auto second = Ledger::open(folder.file);
        REQUIRE_FALSE(second);
        CHECK(second.error().kind == Failure::locked);
        CHECK(second.error().text == "the ledger " + folder.file +
                                         " is held by another arbiter-dnsd, process " +
                                         std::to_string(::getpid()));
    }
    CHECK(Ledger::open(folder.file));
}

TEST_CASE(
    "a cut, an empty and a foreign file are refused as damaged, never taken for a new ledger") {
    const Folder folder;
    fill(folder.file);
    const std::string whole = bytes_of(folder.file);
    REQUIRE(whole.size() > 12288);
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{100},
                                   std::size_t{4096}, std::size_t{8192}, std::size_t{12287}}) {
        CAPTURE(size);
        write_bytes(folder.file, whole.substr(0, size));
        const auto ledger = Ledger::open(folder.file);
        REQUIRE_FALSE(ledger);
        CHECK(ledger.error().kind == Failure::damaged);
        CHECK(ledger.error().text.starts_with("the ledger " + folder.file + " is damaged: "));
    }
    write_bytes(folder.file, std::string(20'000, 'x'));
    CHECK(Ledger::open(folder.file).error().kind == Failure::damaged);
}

TEST_CASE("a flipped bit is refused, costs one record, or is where nothing is kept") {
    const Folder folder;
    fill(folder.file);
    const std::string whole = bytes_of(folder.file);
    std::size_t refused = 0, lost = 0, harmless = 0;
    for (std::size_t at = 0; at < whole.size(); at += 97) {
        std::string broken = whole;
        broken[at] = static_cast<char>(broken[at] ^ (1 << (at % 8)));
        write_bytes(folder.file, broken);
        const auto ledger = Ledger::open(folder.file);
        if (!ledger) {
            ++refused;
            continue;
        }
        CAPTURE(at);
        const auto record = ledger->group("wiki");
        ++(record ? harmless : lost);
        if (record) CHECK(record == full_record(17));
        CHECK(ledger->zone(wiki) == served(1742));
    }
    CHECK(refused > 0);
    CHECK(lost > 0);
    CHECK(harmless > 0);  // most of a page is empty
}

TEST_CASE("a bit flipped in any byte of a record loses it, and takes nothing else with it") {
    const Folder folder;
    fill(folder.file);
    const std::string whole = bytes_of(folder.file);
    const std::size_t begin = whole.find("revision=117 ");
    REQUIRE(begin != std::string::npos);
    const std::size_t end = begin + record_text(full_record(17)).size();
    for (std::size_t at = begin; at < end; ++at) {
        CAPTURE(at);
        std::string broken = whole;
        broken[at] = static_cast<char>(broken[at] ^ 1);
        write_bytes(folder.file, broken);
        auto ledger = opened(folder.file);
        const auto record = ledger.group("wiki");
        REQUIRE_FALSE(record);
        CHECK(record.error() == "it was changed");
        CHECK(ledger.zone(wiki) == served(1742));
    }
}

TEST_CASE("a lost record stays lost over restarts and other writes, until another is stored") {
    const Folder folder;
    fill(folder.file);
    std::string column;
    SUBCASE("its text was hit") {
        column = "text = replace(text, 'epoch=17', 'epoch=16')";
    }
    SUBCASE("its checksum was hit") {
        column = "checksum = checksum + 1";
    }
    run_sql(folder.file, "UPDATE facts SET " + column + " WHERE kind = 'group'");
    {
        auto ledger = opened(folder.file);
        CHECK_FALSE(ledger.group("wiki"));
        REQUIRE(ledger.remember(wiki, served(1743)));
        REQUIRE(remember(ledger, "other", full_record(3)));
    }
    {
        auto ledger = opened(folder.file);
        CHECK_FALSE(ledger.group("wiki"));
        CHECK(ledger.zone(wiki) == served(1743));
        CHECK(ledger.group("other") == full_record(3));
        const auto guessed = ledger.store("wiki", 117, full_record(18));
        REQUIRE_FALSE(guessed);
        CHECK(guessed.error().kind == StoreError::Kind::conflict);
        REQUIRE(ledger.store("wiki", std::nullopt, full_record(18)));
        CHECK(ledger.group("wiki") == full_record(18));
    }
    CHECK(opened(folder.file).group("wiki") == full_record(18));
}

TEST_CASE("a damaged row of a zone, a lost row and a changed seal refuse the start, with advice") {
    const Folder folder;
    fill(folder.file);
    SUBCASE("a zone's text") {
        run_sql(folder.file,
                "UPDATE facts SET text = replace(text, '1742', '1741') "
                "WHERE kind = 'zone'");
    }
    SUBCASE("a group's row is gone") {
        run_sql(folder.file, "DELETE FROM facts WHERE kind = 'group'");
    }
    SUBCASE("the seal") {
        run_sql(folder.file, "UPDATE seal SET sum = sum + 1");
    }
    SUBCASE("a record and the seal") {
        run_sql(folder.file,
                "UPDATE facts SET text = 'x' WHERE kind = 'group'; "
                "UPDATE seal SET sum = sum + 1");
    }
    SUBCASE("a record of an older copy, whole in itself") {
        const Folder older;
        REQUIRE(Ledger::create(older.file));
        REQUIRE(opened(older.file).store("wiki", std::nullopt, full_record(16)));
        run_sql(folder.file,
                "ATTACH '" + older.file +
                    "' AS older; "
                    "UPDATE facts SET text = (SELECT text FROM older.facts), "
                    "checksum = (SELECT checksum FROM older.facts) WHERE kind = 'group'");
    }
    SUBCASE("a row of no kind") {
        run_sql(folder.file, "UPDATE facts SET kind = 'grup' WHERE kind = 'group'");
    }
    const auto ledger = Ledger::open(folder.file);
    REQUIRE_FALSE(ledger);
    CHECK(ledger.error().kind == Failure::damaged);
    CHECK(ledger.error().text.find("run arbiterctl init") != std::string::npos);
}

TEST_CASE("a record is stored only in the place of the one that was expected") {
    const Folder folder;
    REQUIRE(Ledger::create(folder.file));
    auto ledger = opened(folder.file);
    const RecordStore records = ledger.records();
    const auto conflicts = [&](std::optional<std::uint64_t> expected) {
        const auto stored = records.store("wiki", expected, full_record(2), {});
        return !stored && stored.error().kind == StoreError::Kind::conflict;
    };
    CHECK(records.load("wiki") == std::nullopt);
    CHECK(conflicts(0));
    REQUIRE(records.store("wiki", std::nullopt, full_record(1), {}));
    CHECK(conflicts(std::nullopt));
    CHECK(conflicts(100));
    CHECK(conflicts(102));
    CHECK(records.load("wiki") == full_record(1));
    REQUIRE(records.store("wiki", 101, full_record(2), {}));
    CHECK(records.load("wiki") == full_record(2));
    CHECK(ledger.store("wiki", 7, full_record(3)).error().text ==
          "the record of wiki has revision 102, expected was 7");
}

TEST_CASE("a full disk is an error and not an end; what was remembered before stays") {
    const Folder folder;
    fill(folder.file);
    // RLIMIT_FSIZE makes the write fail as a full disk does, for this child alone.
    const pid_t child = ::fork();
    if (child == 0) {
        ::signal(SIGXFSZ, SIG_IGN);
        auto ledger = Ledger::open(folder.file);
        if (!ledger) ::_exit(2);
        const rlimit limit{4096, 4096};
        if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(3);
        Served large = served(1743);
        large.live.assign(100'000, 'x');
        const auto failed = ledger->remember(wiki, large);
        if (failed) ::_exit(4);
        if (failed.error().find("can not be used") == std::string::npos) ::_exit(5);
        if (ledger->zone(wiki) != served(1742)) ::_exit(6);
        ::_exit(0);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
    auto ledger = opened(folder.file);
    CHECK(ledger.zone(wiki) == served(1742));
    REQUIRE(ledger.remember(wiki, served(1743)));
}

TEST_CASE("a row has a bound") {
    const Folder folder;
    REQUIRE(Ledger::create(folder.file));
    auto ledger = opened(folder.file);
    Served large = served(1);
    large.live.assign(Ledger::text_bytes_max, 'x');
    const auto refused = ledger.remember(wiki, large);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().find("more than the ledger takes") != std::string::npos);
    CHECK_FALSE(ledger.zone(wiki));
}

TEST_CASE("zones read back as they were written, and nothing else is a zone") {
    CHECK(read_served(row_text(served(0xffff'ffff))) == served(0xffff'ffff));
    CHECK(read_served(row_text(Served{})) == Served{});
    Served with_file = served(9);
    with_file.file_serial = 7;
    CHECK(read_served(row_text(with_file)) == with_file);
    CHECK(read_served("9\nsha256:0123\n")->file_serial == std::nullopt);  // format 1
    CHECK_FALSE(read_served("12\nonly"));
    CHECK_FALSE(read_served("x12\na\nb"));
    CHECK_FALSE(read_served("12 \na\nb"));
    CHECK_FALSE(read_served("12 x\na\nb"));
    CHECK_FALSE(read_served("12 3 4\na\nb"));
}
