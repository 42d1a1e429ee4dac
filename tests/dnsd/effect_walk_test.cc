#include "dnsd/io/effect_walk.h"

#include <doctest/doctest.h>

using namespace dnsd;

namespace {

// Remembers its steps, and wants what the test says.
struct Scripted {
    std::vector<Effect> wants;
    std::vector<Effect> wants_after_failure;
    int steps = 0;
    int failures_heard = 0;

    std::vector<Effect> step(const Event& event, Instant) {
        ++steps;
        if (!std::holds_alternative<LedgerFailed>(event)) return wants;
        ++failures_heard;
        return wants_after_failure;
    }
};

// Writes down what it was asked to do.
struct Diary {
    std::vector<std::string> lines;
    bool disk_works = true;
    Hands hands() {
        return {[this](const Record&) {
                    lines.push_back(disk_works ? "remembered" : "disk refused");
                    return disk_works;
                },
                [this](const SendReply&) { lines.push_back("replied"); },
                [this](const Standing&) { lines.push_back("announced"); },
                [this](const Note& note) { lines.push_back("noted " + note.why); }};
    }
};

SendReply reply() {
    return {*ServerId::parse("wiki1"), heartbeat::Ack{}};
}
Note note(const std::string& why) {
    return {Kind::granted, std::nullopt, Epoch{1}, why};
}
using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("effects are carried out in the machine's order") {
    Scripted machine{{Remember{}, reply(), Announce{}, note("done")}, {}};
    Diary diary;
    walk(machine, ClockTicked{}, Instant{}, diary.hands());
    CHECK(diary.lines == Lines{"remembered", "replied", "announced", "noted done"});
    CHECK(machine.steps == 1);
}

TEST_CASE("what the disk refused is neither said nor kept in mind") {
    Scripted machine{{note("before"), Remember{}, reply(), Announce{}}, {note("no state")}};
    Diary diary;
    diary.disk_works = false;
    walk(machine, ClockTicked{}, Instant{}, diary.hands());
    CHECK(diary.lines == Lines{"noted before", "disk refused", "noted no state"});
    CHECK(machine.steps == 1);  // the machine of before, which only heard of the failure
    CHECK(machine.failures_heard == 1);
}

TEST_CASE("a disk that refuses even the record of its failure ends the walk") {
    Scripted machine{{Remember{}, reply()}, {Remember{}, reply()}};
    Diary diary;
    diary.disk_works = false;
    walk(machine, ClockTicked{}, Instant{}, diary.hands());
    CHECK(diary.lines == Lines{"disk refused", "disk refused"});
    CHECK(machine.steps == 0);
}
