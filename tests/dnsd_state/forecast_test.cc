#include "dnsd/io/forecast.h"

#include "dnsd/io/decision_json.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace dnsd;
using namespace std::chrono_literals;

namespace {

Decision led(std::optional<Duration> no_writer, bool planned = true) {
    Note note{Kind::writable, ServerId::parse("wiki1"), Epoch{17}, ""};
    note.no_writer = no_writer;
    note.planned = planned;
    return {0, "w", note};
}

}  // namespace

TEST_CASE("the last three planned switchovers tell how long writes pause, and failovers do not") {
    Decision other = led(1s);
    other.note.kind = Kind::granted;
    CHECK(last_pauses({led(210ms), led(6900ms, false), other, led(std::nullopt), led(220ms),
                       led(190ms), led(5s)}) == std::vector<Duration>{210ms, 220ms, 190ms});
    CHECK(last_pauses({}).empty());
}

TEST_CASE("the last step of a switchover says how many secondaries are told") {
    Answer answer;
    answer.steps = {"epoch 18", "serial 1743"};
    Answer one = answer;
    tell_secondaries(answer, 2);
    CHECK(answer.steps == std::vector<std::string>{"epoch 18", "serial 1743, 2 secondaries told"});
    tell_secondaries(one, 1);
    CHECK(one.steps.back() == "serial 1743, 1 secondary told");
    Answer none;
    tell_secondaries(none, 2);
    CHECK(none.steps.empty());
}

TEST_CASE("an answer has the last pauses where a writer would be stopped, and null elsewhere") {
    Answer answer;
    CHECK(answer_json(answer, {210ms})["last_pauses_seconds"].is_null());
    answer.stops_writer = true;
    CHECK(answer_json(answer, {210ms, 220ms})["last_pauses_seconds"].dump() == "[0.21,0.22]");
    CHECK(answer_json(answer)["last_pauses_seconds"].dump() == "[]");
}
