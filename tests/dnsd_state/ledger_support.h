#pragma once
// What the tests of the ledger share: a folder of their own, rows to keep, and files byte by byte.

#include "dnsd/io/ledger.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include <doctest/doctest.h>
#include <sqlite3.h>

namespace ledger_test {

using namespace dnsd;
using namespace std::chrono_literals;
using Failure = LedgerError::Kind;

// A folder of its own that goes with the test.
struct Folder {
    Folder() {
        std::string pattern = "/tmp/arbiter-ledger-XXXXXX";
        path = ::mkdtemp(pattern.data());
        file = path + "/ledger.sqlite";
    }
    ~Folder() { std::filesystem::remove_all(path); }
    std::string path;
    std::string file;
};

inline ServerId id(std::string_view text) {
    return *ServerId::parse(text);
}
inline const zones::Name wiki = *zones::Name::parse("wiki.example");

inline Record full_record(std::uint64_t epoch) {
    Record out;
    out.revision = epoch + 100;
    out.epoch = {epoch};
    out.holder = id("wiki2");
    out.holder_start = 1'700'000'000;
    out.semi_sync = {{id("wiki1"), 5, false}, {id("wiki3"), 0, true}};
    out.covered = true;
    out.drains = {{id("wiki3"), {1800, 1'763'000'000}}};
    out.pace = Until{120, 1'763'000'050};
    out.damping.penalties = {{id("wiki1"), 0.1, 1'763'000'000}};
    out.closed = true;
    out.lease_may_live = true;
    out.lease_longest = 6s;
    out.stable_set = {id("wiki1"), id("wiki2")};
    out.master_published = id("wiki2");
    out.master_epoch = {epoch - 1};
    return out;
}

inline Served served(std::uint32_t serial) {
    return {serial, "sha256:0123",
            "www.wiki.example 5 192.0.2.11\nmaster.wiki.example 5 192.0.2.11\n"};
}

inline Ledger opened(const std::string& file) {
    auto ledger = Ledger::open(file);
    if (!ledger) FAIL(ledger.error().text);
    return std::move(*ledger);
}

// In the place of whatever is there.
inline bool remember(Ledger& ledger, const std::string& group, const Record& record) {
    const auto there = ledger.group(group);
    const auto expected =
        there && *there ? std::optional((*there)->revision) : std::optional<std::uint64_t>();
    return ledger.store(group, expected, record).has_value();
}

// A ledger with a group and a zone, closed again.
inline void fill(const std::string& file) {
    REQUIRE(Ledger::create(file));
    auto ledger = opened(file);
    REQUIRE(remember(ledger, "wiki", full_record(17)));
    REQUIRE(ledger.remember(wiki, served(1742)));
}

inline std::string bytes_of(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

// Transactions in the write-ahead log, by SQLite's file format, §4.1 and §4.2: a frame that ends
// one holds the database's size.
inline std::size_t commits_in(const std::string& file) {
    const std::string wal = bytes_of(file + "-wal");
    const auto number = [&](std::size_t at) {
        std::uint32_t out = 0;
        for (std::size_t i = 0; i < 4; ++i) out = out << 8 | static_cast<std::uint8_t>(wal[at + i]);
        return out;
    };
    REQUIRE(wal.size() >= 32);
    const std::size_t frame = 24 + number(8);
    std::size_t commits = 0;
    for (std::size_t at = 32; at + frame <= wal.size(); at += frame) commits += number(at + 4) != 0;
    return commits;
}

inline void run_sql(const std::string& file, const std::string& sql) {
    sqlite3* db = nullptr;
    REQUIRE(sqlite3_open(file.c_str(), &db) == SQLITE_OK);
    char* error = nullptr;
    sqlite3_exec(db, sql.c_str(), nullptr, nullptr, &error);
    const std::string said = error ? error : "";
    sqlite3_free(error);
    sqlite3_close(db);
    REQUIRE(said.empty());
}

inline void write_bytes(const std::string& file, const std::string& bytes) {
    std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
}

}  // namespace ledger_test
