// Decisions between the machines and the ledger.
#include "dnsd/io/story.h"

#include "tests/dnsd_state/ledger_support.h"

using namespace ledger_test;

namespace {

Note note(const std::string& why) {
    return {Kind::refused, std::nullopt, Epoch{1}, why};
}

std::vector<std::string> told(const Story& story, std::size_t limit = 10) {
    std::vector<std::string> out;
    for (const Decision& one : story.read("", limit, 0, 0)) out.push_back(one.note.why);
    return out;
}
using Told = std::vector<std::string>;

}  // namespace

TEST_CASE("what was decided with a record goes with it, once, and what waited goes along") {
    const Folder folder;
    fill(folder.file);
    auto ledger = opened(folder.file);
    Story story(ledger, {"wiki"});
    story.tell("wiki", note("waits"), 1);
    CHECK(told(story) == Told{"waits"});
    const std::vector<Note> notes{note("with 1"), note("with 2")};
    REQUIRE(ledger.store("wiki", 117, full_record(18), story.with_record("wiki", notes, 2)));
    story.stored(notes.size());
    for (const Note& one : notes) story.tell("wiki", one, 2);
    CHECK_FALSE(story.waits());
    CHECK(told(story) == Told{"with 2", "with 1", "waits"});
    story.tell("wiki", note("later"), 3);
    CHECK(story.waits());
    REQUIRE(story.write());
    CHECK_FALSE(story.waits());
    CHECK(told(story) == Told{"later", "with 2", "with 1", "waits"});
    CHECK(story.newest().front().note.why == "later");
}

TEST_CASE("a new run knows the decisions of the one before, of all its groups by time") {
    const Folder folder;
    fill(folder.file);
    auto ledger = opened(folder.file);
    {
        Story story(ledger, {"wiki", "shop"});
        story.tell("wiki", note("1"), 1000);
        story.tell("shop", note("2"), 2000);
        story.tell("wiki", note("3"), 3000);
        REQUIRE(story.write());
    }
    const Story story(ledger, {"wiki", "shop"});
    CHECK(told(story) == Told{"3", "2", "1"});
    CHECK(story.newest().size() == 3);
    CHECK(story.read("shop", 10, 0, 0).size() == 1);
    CHECK(story.read("", 10, 0, 2000).size() == 2);
    CHECK(told(story, 2) == Told{"3", "2"});
}

TEST_CASE("while the ledger takes nothing a bounded number waits, the newest, and the rest count") {
    const Folder folder;
    fill(folder.file);
    auto ledger = opened(folder.file);
    Story story(ledger, {"wiki"});
    for (std::size_t i = 0; i < Story::waiting_max + 2; ++i)
        story.tell("wiki", note(std::to_string(i)), static_cast<std::int64_t>(i));
    CHECK(story.lost() == 2);
    CHECK(story.newest().size() == Story::newest_max);
    CHECK(story.with_record("wiki", {}, 0).size() == Story::waiting_max);
    CHECK(story.with_record("wiki", {}, 0).front().note.why == "2");
}
