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
        return {[this](const Record&, const std::vector<Note>& story) {
                    lines.push_back(disk_works ? "remembered" : "disk refused");
                    for (const Note& note : story) lines.back() += " with " + note.why;
                    return disk_works ? Kept::durable : Kept::failed;
                },
                [this](const SendReply&) { lines.push_back("replied"); },
                [this](const Standing&) { lines.push_back("announced"); },
                [this](const Note& note) { lines.push_back("noted " + note.why); },
                [this](const Answer& answer) { lines.push_back("answered " + answer.text); }};
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
    Scripted machine{
        {Remember{}, reply(), Announce{}, note("done"), Answer{1, Answer::Kind::done, "yes"}}, {}};
    Diary diary;
    walk(machine, ClockTicked{}, Instant{}, diary.hands());
    CHECK(diary.lines ==
          Lines{"remembered with done", "replied", "announced", "noted done", "answered yes"});
    CHECK(machine.steps == 1);
}

TEST_CASE("a record is remembered with what is noted after it, up to the next record") {
    Scripted machine{{note("a"), Remember{}, note("b"), reply(), note("c"), Remember{}}, {}};
    Diary diary;
    walk(machine, ClockTicked{}, Instant{}, diary.hands());
    CHECK(diary.lines == Lines{"noted a", "remembered with b with c", "noted b", "replied",
                               "noted c", "remembered"});
}

TEST_CASE("what the disk refused is neither said nor kept in mind") {
    Scripted machine{{note("before"), Remember{}, reply(), Announce{}}, {note("no state")}};
    Diary diary;
    diary.disk_works = false;
    CHECK_FALSE(walk(machine, ClockTicked{}, Instant{}, diary.hands()));
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
