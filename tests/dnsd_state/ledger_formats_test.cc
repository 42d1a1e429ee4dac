// Ledgers as earlier releases wrote them.
#include "dnsd/io/ledger_rows.h"
#include "tests/dnsd_state/ledger_support.h"

#include <fmt/format.h>

using namespace ledger_test;

namespace {

const std::string old_record =
    "epoch=17 holder=wiki2 closed=1 may_live=1 longest_ns=6000000000 semi_sync=- "
    "stable=wiki1,wiki2 master=wiki1 master_epoch=16";

Record as_taken_over() {
    Record out;
    out.epoch = {17};
    out.holder = id("wiki2");
    out.closed = true;
    out.lease_may_live = true;
    out.lease_longest = 6s;
    out.semi_sync_unknown = true;
    out.stable_set = {id("wiki1"), id("wiki2")};
    out.master_published = id("wiki1");
    out.master_epoch = {16};
    return out;
}

// Two rows, as that release made them.
void make_old(const std::string& file, int format, const std::string& record) {
    std::uint64_t sum = 0;
    std::string rows;
    const auto add = [&](const char* kind, const std::string& name, const std::string& text) {
        const std::uint64_t one = row_checksum(kind, name, text);
        sum += one;
        rows += fmt::format("INSERT INTO facts VALUES ('{}', '{}', '{}', {});", kind, name, text,
                            static_cast<std::int64_t>(one));
    };
    add("group", "wiki", record);
    add("zone", wiki.text(), "1742\nsha256:0123\n" + served(0).live);
    run_sql(file,
            fmt::format(
                "PRAGMA journal_mode=WAL; PRAGMA application_id=1095909972; "
                "PRAGMA user_version={}; "
                "CREATE TABLE seal (id INTEGER PRIMARY KEY CHECK (id = 1), rows INTEGER NOT NULL, "
                "sum INTEGER NOT NULL) STRICT;"
                "CREATE TABLE facts (kind TEXT NOT NULL, name TEXT NOT NULL, text TEXT NOT NULL, "
                "checksum INTEGER NOT NULL, PRIMARY KEY (kind, name)) STRICT, WITHOUT ROWID;"
                "{}{} INSERT INTO seal VALUES (1, 2, {});",
                format,
                format < 2 ? ""
                           : "CREATE TABLE deltas (id INTEGER PRIMARY KEY, zone TEXT NOT NULL, "
                             "first INTEGER NOT NULL, last INTEGER NOT NULL, checksum INTEGER NOT "
                             "NULL, packed BLOB NOT NULL) STRICT;",
                rows, static_cast<std::int64_t>(sum)));
}

std::string format_of(const std::string& file) {
    // SQLite's file format, §1.3: the user version stands at byte 60.
    return std::to_string(static_cast<int>(bytes_of(file)[63]));
}

}  // namespace

TEST_CASE("a ledger of an earlier format is taken over whole, once, and works from then on") {
    const Folder folder;
    for (const int format : {1, 2}) {
        CAPTURE(format);
        std::filesystem::remove(folder.file);
        make_old(folder.file, format, old_record);
        REQUIRE(format_of(folder.file) == std::to_string(format));
        {
            auto ledger = opened(folder.file);
            CHECK(ledger.mended().empty());
            CHECK(ledger.group("wiki") == as_taken_over());
            CHECK(ledger.zone(wiki) == served(1742));
            CHECK_FALSE(ledger.zone(wiki)->file_serial);
            REQUIRE(ledger.store("other", std::nullopt, full_record(1)));
            const std::byte delta[]{std::byte{1}};
            REQUIRE(
                ledger.remember({{wiki, served(1743), 1, ZoneServed::Step{1742, 1743, delta}}}));
        }
        CHECK(format_of(folder.file) == "3");
        auto ledger = opened(folder.file);
        CHECK(ledger.mended().empty());
        CHECK(ledger.group("wiki") == as_taken_over());
        CHECK(ledger.group("other") == full_record(1));
        CHECK(ledger.deltas_kept(wiki) == 1);
        REQUIRE(ledger.store("wiki", 0, full_record(18)));
        CHECK(ledger.group("wiki") == full_record(18));
    }
}

TEST_CASE("a damaged record of an earlier format is lost, and stays so") {
    const Folder folder;
    make_old(folder.file, 2, old_record);
    run_sql(folder.file, "UPDATE facts SET text = replace(text, '17', '16') WHERE kind = 'group'");
    for (int start = 0; start < 2; ++start) {
        auto ledger = opened(folder.file);
        CHECK_FALSE(ledger.group("wiki"));
        CHECK(ledger.zone(wiki) == served(1742));
    }
}

TEST_CASE("a record of an earlier format that never granted knows that nobody acknowledged") {
    const auto read = read_old_record(
        "epoch=0 holder=- closed=0 may_live=0 longest_ns=0 semi_sync=- stable=- master=- "
        "master_epoch=0");
    CHECK(read == Record{});
}

TEST_CASE("what is no record of an earlier format is not read as one") {
    CHECK(read_old_record(old_record) == as_taken_over());
    for (const std::string& bad :
         {std::string(), old_record + " more=1", old_record.substr(0, old_record.size() - 2) + "x",
          "x" + old_record, old_record.substr(0, old_record.find(" holder")),
          std::string("epoch=18446744073709551616"), record_text(as_taken_over())}) {
        CAPTURE(bad);
        CHECK_FALSE(read_old_record(bad));
    }
}
