// Decisions in the ledger: as they were told, over restarts, and never more than their bound.
#include "tests/dnsd_state/ledger_support.h"

#include <fmt/format.h>

using namespace ledger_test;

namespace {

Decision decision(std::int64_t time_ms, const std::string& why) {
    Decision one{time_ms, "wiki", {Kind::writable, id("wiki2"), Epoch{17}, why}};
    one.note.from = id("wiki1");
    one.note.no_writer = 6900ms;
    one.note.by = "anna";
    one.note.planned = true;
    return one;
}

std::vector<std::string> told(const Ledger& ledger, std::size_t limit = 100,
                              std::uint64_t before = 0, std::int64_t since_ms = 0) {
    std::vector<std::string> out;
    for (const Decision& one : ledger.decisions("wiki", limit, before, since_ms))
        out.push_back(one.note.why);
    return out;
}
using Told = std::vector<std::string>;

}  // namespace

TEST_CASE("a decision is there after a restart with all its numbers, newest first") {
    const Folder folder;
    fill(folder.file);
    {
        auto ledger = opened(folder.file);
        REQUIRE(ledger.tell({decision(1000, "one"), decision(2000, "two\nlines; it's \"so\"")}));
        REQUIRE(ledger.store("wiki", 117, full_record(18), {decision(3000, "with its record")}));
    }
    const auto ledger = opened(folder.file);
    CHECK(told(ledger) == Told{"with its record", "two\nlines; it's \"so\"", "one"});
    const Decision last = ledger.decisions("wiki", 1).front();
    CHECK(last.time_ms == 3000);
    CHECK(last.group == "wiki");
    CHECK(last.number == 3);
    CHECK(last.note.kind == Kind::writable);
    CHECK(last.note.server == id("wiki2"));
    CHECK(last.note.epoch == Epoch{17});
    CHECK(last.note.from == id("wiki1"));
    CHECK(last.note.no_writer == 6900ms);
    CHECK(last.note.by == "anna");
    CHECK(last.note.planned);
    CHECK(ledger.decisions("other", 10).empty());
}

TEST_CASE("decisions can be asked for by number, by age and up to a limit") {
    const Folder folder;
    fill(folder.file);
    auto ledger = opened(folder.file);
    REQUIRE(ledger.tell({decision(1000, "1"), decision(2000, "2"), decision(3000, "3")}));
    CHECK(told(ledger, 2) == Told{"3", "2"});
    CHECK(told(ledger, 10, 3) == Told{"2", "1"});
    CHECK(told(ledger, 10, 0, 2000) == Told{"3", "2"});
}

TEST_CASE("of each group the newest 10,000 decisions stay") {
    const Folder folder;
    fill(folder.file);
    auto ledger = opened(folder.file);
    Decision other = decision(1, "of another");
    other.group = "other";
    REQUIRE(ledger.tell({other}));
    std::vector<Decision> many;
    for (std::uint64_t i = 1; i <= Ledger::decisions_max; ++i)
        many.push_back(decision(static_cast<std::int64_t>(i), std::to_string(i)));
    REQUIRE(ledger.tell(many));
    const std::size_t all = 2 * Ledger::decisions_max;
    CHECK(told(ledger, all).size() == Ledger::decisions_max);
    CHECK(told(ledger, all).back() == "1");
    REQUIRE(ledger.tell({decision(20'000, "one more")}));
    CHECK(told(ledger, all).size() == Ledger::decisions_max);
    CHECK(told(ledger, all).front() == "one more");
    CHECK(told(ledger, all).back() == "2");
    CHECK(ledger.decisions("other", 10).size() == 1);
}

TEST_CASE("a record and the story of it are one transaction, or neither is") {
    const Folder folder;
    fill(folder.file);
    auto ledger = opened(folder.file);
    REQUIRE(ledger.store("wiki", 117, full_record(18)));
    const std::size_t before = commits_in(folder.file);
    REQUIRE(ledger.store("wiki", 118, full_record(19), {decision(1, "told")}));
    CHECK(commits_in(folder.file) == before + 1);
    REQUIRE_FALSE(ledger.store("wiki", 118, full_record(20), {decision(2, "not told")}));
    CHECK(told(ledger) == Told{"told"});
}

TEST_CASE("a damaged decision is left out, and the others stay") {
    const Folder folder;
    fill(folder.file);
    {
        auto ledger = opened(folder.file);
        REQUIRE(ledger.tell({decision(1, "1"), decision(2, "2"), decision(3, "3")}));
    }
    SUBCASE("its text") {
        run_sql(folder.file,
                "UPDATE events SET text = replace(text, 'anna', 'emma') "
                "WHERE number = 2");
    }
    SUBCASE("its time") {
        run_sql(folder.file, "UPDATE events SET time_ms = 9 WHERE number = 2");
    }
    SUBCASE("it is another's") {
        run_sql(folder.file,
                "UPDATE events SET text = (SELECT text FROM events WHERE number = 1) "
                "WHERE number = 2");
    }
    auto ledger = opened(folder.file);
    CHECK(told(ledger) == Told{"3", "1"});
    REQUIRE(ledger.tell({decision(4, "4")}));
    CHECK(told(ledger) == Told{"4", "3", "1"});
}

TEST_CASE("every kind of note reads back, and a text of another release is no note") {
    for (int kind = 0; kind <= static_cast<int>(Kind::would); ++kind) {
        const Note note{static_cast<Kind>(kind), std::nullopt, Epoch{1}, ""};
        const auto read = read_note(note_text(note));
        REQUIRE(read);
        CHECK(read->kind == note.kind);
        CHECK_FALSE(columns_of(note).what == "unknown");
    }
    CHECK_FALSE(read_note("dreamt 1 - - - 0\n\nwhy"));
    CHECK_FALSE(read_note("granted x - - - 0\n\nwhy"));
    CHECK_FALSE(read_note("granted 1 - - - 0 1\n\nwhy"));
    CHECK_FALSE(read_note("granted 1 - - - 0\nwhy"));
    CHECK_FALSE(read_note(""));
    Note forged{Kind::granted, id("wiki1"), Epoch{1}, "why"};
    forged.by = "anna\nwhy not";
    CHECK(read_note(note_text(forged))->by == "anna why not");
    CHECK(read_note(note_text(forged))->why == "why");
}

TEST_CASE("a decision's columns are those of the table in UX") {
    Note note{Kind::writable, id("wiki2"), Epoch{17}, "wiki1 silent for 6.5 s"};
    CHECK(columns_of(note).what == "leads");
    note.from = id("wiki1");
    CHECK(columns_of(note).what == "failover");
    CHECK(columns_of(note).from == id("wiki1"));
    CHECK(columns_of(note).to == id("wiki2"));
    CHECK(columns_of(note).by == "arbiter");
    note.planned = true;
    note.by = "anna";
    CHECK(columns_of(note).what == "switchover");
    CHECK(columns_of(note).by == "anna");
    const Note out{Kind::left_pool, id("wiki4"), Epoch{17}, "page: HTTP 503, want 200"};
    CHECK(columns_of(out).what == "out of www");
    CHECK(columns_of(out).from == id("wiki4"));
    CHECK_FALSE(columns_of(out).to);
}
