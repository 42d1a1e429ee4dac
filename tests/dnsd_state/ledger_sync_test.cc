// A disk that loses a sync and tells of it once (docs/LAB.md's faults: "fsync fails once").
#include "tests/dnsd_state/ledger_support.h"

#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

using namespace ledger_test;

namespace {
int syncs_to_fail = 0;
int syncs = 0;

int sync_or_fail(int fd, long number) {
    ++syncs;
    if (syncs_to_fail > 0) {
        --syncs_to_fail;
        errno = EIO;
        return -1;
    }
    return static_cast<int>(::syscall(number, fd));
}
}  // namespace

// In the place of the C library's, for SQLite too.
extern "C" int fsync(int fd) {
    return sync_or_fail(fd, SYS_fsync);
}
extern "C" int fdatasync(int fd) {
    return sync_or_fail(fd, SYS_fdatasync);
}

namespace {
std::uint64_t file_number(const std::string& file) {
    struct stat about {};
    REQUIRE(::stat(file.c_str(), &about) == 0);
    return about.st_ino;
}
}  // namespace

TEST_CASE(
    "a record is synced before it is said to be stored, and a decision alone waits for none") {
    const Folder folder;
    fill(folder.file);
    auto ledger = opened(folder.file);
    syncs = 0;
    REQUIRE(ledger.store("wiki", 117, full_record(18)));
    CHECK(syncs > 0);
    syncs = 0;
    REQUIRE(ledger.tell({{1, "wiki", {Kind::refused, std::nullopt, Epoch{1}, "why"}}}));
    CHECK(syncs == 0);
    REQUIRE(ledger.store("wiki", 118, full_record(19)));
    CHECK(syncs > 0);
}

TEST_CASE("(fsync fails once) the record is not stored, and the next one goes to a new file") {
    const Folder folder;
    fill(folder.file);
    {
        auto ledger = opened(folder.file);
        REQUIRE(ledger.tell({{1, "wiki", {Kind::refused, std::nullopt, Epoch{1}, "why"}}}));
        REQUIRE(ledger.store("wiki", 117, full_record(18)));
        const std::uint64_t before = file_number(folder.file);
        syncs_to_fail = 1;
        const auto failed = ledger.store("wiki", 118, full_record(19));
        REQUIRE(syncs_to_fail == 0);
        REQUIRE_FALSE(failed);
        CHECK(failed.error().kind == StoreError::Kind::failed);
        CHECK(ledger.group("wiki") == full_record(18));
        REQUIRE(ledger.store("wiki", 118, full_record(20)));
        CHECK(file_number(folder.file) != before);
        CHECK(ledger.group("wiki") == full_record(20));
        REQUIRE(ledger.remember(wiki, served(1743)));
    }
    CHECK_FALSE(std::filesystem::exists(folder.file + ".new"));
    CHECK_FALSE(std::filesystem::exists(folder.file + ".before"));
    const auto ledger = opened(folder.file);
    CHECK(ledger.group("wiki") == full_record(20));
    CHECK(ledger.zone(wiki) == served(1743));
    CHECK(ledger.decisions("wiki", 10).size() == 1);
}

TEST_CASE("a disk that syncs nothing any more stores nothing, and what it had is there") {
    const Folder folder;
    fill(folder.file);
    {
        auto ledger = opened(folder.file);
        syncs_to_fail = 1'000'000;
        for (int i = 0; i < 3; ++i) CHECK_FALSE(ledger.store("wiki", 117, full_record(18)));
        CHECK_FALSE(ledger.remember(wiki, served(1743)));
        CHECK(ledger.group("wiki") == full_record(17));
        syncs_to_fail = 0;
    }
    const auto ledger = opened(folder.file);
    CHECK(ledger.zone(wiki) == served(1742));
}

TEST_CASE("a ledger whose replacing was cut short is found whole, and never taken for missing") {
    const Folder folder;
    fill(folder.file);
    std::filesystem::rename(folder.file, folder.file + ".new");
    write_bytes(folder.file + "-wal", "the log of the file before");
    CHECK(Ledger::create(folder.file).error().kind == Failure::exists);
    CHECK(opened(folder.file).group("wiki") == full_record(17));
    CHECK_FALSE(std::filesystem::exists(folder.file + ".new"));
}
