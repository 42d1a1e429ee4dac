// What a secondary says that it serves: when it is asked, and how far behind or ahead it is.
#include "tests/publish/notifying.h"

#include <doctest/doctest.h>

using namespace dnsd;
using namespace dnsd::notifying;
using namespace std::chrono_literals;

TEST_CASE("after an acknowledgement the secondary is asked what it serves until it is the newest") {
    Notifier notifier({ns1}, 1);
    const auto sent = only<Sent>(notifier.step(Notifier::VersionPublished{wiki, Serial(7)}, t0));
    static_cast<void>(notifier.step(answer_to(sent[0]), t0 + 1ms));
    CHECK(notifier.wakes_at() == t0 + 251ms);
    auto asked = only<Asked>(notifier.step(Notifier::ClockTicked{}, t0 + 251ms));
    REQUIRE(asked.size() == 1);
    static_cast<void>(notifier.step(serial_of(asked[0], 6), t0 + 252ms));
    auto status = notifier.status(t0 + 1s)[0];
    CHECK(status.serial == Serial(6));
    CHECK(status.behind == 1);
    CHECK(status.behind_for == Duration(1s));
    CHECK(status.notify == Notify::acknowledged);
    asked.clear();
    while (asked.empty() && notifier.wakes_at() < t0 + 2s)
        asked = only<Asked>(notifier.step(Notifier::ClockTicked{}, notifier.wakes_at()));
    REQUIRE(asked.size() == 1);
    static_cast<void>(notifier.step(serial_of(asked[0], 7), t0 + 2s));
    status = notifier.status(t0 + 2s)[0];
    CHECK(status.behind == 0);
    CHECK_FALSE(status.behind_for);
    CHECK(notifier.wakes_at() == Instant::max());
}

TEST_CASE(
    "who acknowledged and is still behind is told again, at growing intervals, until it is not") {
    Notifier notifier({ns1}, 1);
    const auto first = only<Sent>(notifier.step(Notifier::VersionPublished{wiki, Serial(8)}, t0));
    REQUIRE(first.size() == 1);
    static_cast<void>(notifier.step(answer_to(first[0]), t0 + 1ms));
    // Its transfer failed after the acknowledgement, and it does not come again by itself.
    const Instant asked_at = t0 + 1ms + fetch_time;
    const auto asked = only<Asked>(notifier.step(Notifier::ClockTicked{}, asked_at));
    REQUIRE(asked.size() == 1);
    const auto effects = notifier.step(serial_of(asked[0], 7), asked_at);
    REQUIRE(only<Sent>(effects).size() == 1);
    CHECK(only<Sent>(effects)[0].serial == Serial(8));
    const auto again = run<Sent>(notifier, asked_at, asked_at + 60s);
    CHECK(again.size() >= 4);
    CHECK(again.size() <= 12);
    CHECK(notifier.status(asked_at + 60s)[0].notify == Notify::unanswered);

    const Instant end = asked_at + 61s;
    static_cast<void>(proves(notifier, ns1, 8, end));
    CHECK(run<Sent>(notifier, end, end + 3600s).empty());
}

TEST_CASE("who acknowledges and stays behind is one line in the journal, which says so") {
    Notifier notifier({ns1}, 1);
    const auto first = only<Sent>(notifier.step(Notifier::VersionPublished{wiki, Serial(8)}, t0));
    std::vector<Notifier::Effect> all = notifier.step(answer_to(first.at(0)), t0 + 1ms);
    while (notifier.wakes_at() < t0 + 120s) {
        const Instant now = notifier.wakes_at();
        for (const auto& effect : notifier.step(Notifier::ClockTicked{}, now)) {
            all.push_back(effect);
            if (const auto* sent = std::get_if<Sent>(&effect))
                for (const auto& more : notifier.step(answer_to(*sent), now)) all.push_back(more);
            if (const auto* asked = std::get_if<Asked>(&effect))
                for (const auto& more : notifier.step(serial_of(*asked, 7), now))
                    all.push_back(more);
        }
    }
    const auto notes = only<Note>(all);
    REQUIRE(notes.size() == 1);
    CHECK(notes[0].text == "acknowledges NOTIFY of serial 8, but still has serial 7");
}

TEST_CASE("of two secondaries that share an address each is asked and answers for itself") {
    Notifier::Target second = ns1;
    second.port = 5301;
    Notifier notifier({ns1, second}, 1);
    static_cast<void>(notifier.step(Notifier::VersionPublished{wiki, Serial(7)}, t0));
    static_cast<void>(proves(notifier, second, 7, t0 + 1s));
    CHECK_FALSE(notifier.status(t0 + 1s)[0].serial);
    CHECK(notifier.status(t0 + 1s)[1].serial == Serial(7));
}

TEST_CASE("behind is counted since the version that was missed first, over the end of the circle") {
    Notifier notifier({ns1}, 1);
    static_cast<void>(notifier.step(Notifier::VersionPublished{wiki, Serial(0xffff'ffff)}, t0));
    static_cast<void>(proves(notifier, ns1, 0xffff'ffff, t0 + 500ms));
    static_cast<void>(notifier.step(Notifier::VersionPublished{wiki, Serial(0)}, t0 + 1s));
    static_cast<void>(notifier.step(Notifier::VersionPublished{wiki, Serial(1)}, t0 + 2s));
    const auto status = notifier.status(t0 + 5s)[0];
    CHECK(status.behind == 2);
    CHECK(status.behind_for == Duration(4s));
}

TEST_CASE("a serial ahead of ours is said: the secondary will take nothing from us (RFC 1982)") {
    Notifier notifier({ns1}, 1);
    static_cast<void>(notifier.step(Notifier::VersionPublished{wiki, Serial(7)}, t0));
    const auto notes = only<Note>(proves(notifier, ns1, 9, t0 + 1s));
    REQUIRE(notes.size() == 1);
    CHECK(notes[0].text ==
          "has serial 9, which is ahead of ours, 7; if it is right, as after an older ledger was "
          "put back, write serial 10 or higher into the zone's file and reload; if not, remove its "
          "copy");
    auto status = notifier.status(t0 + 1s)[0];
    CHECK(status.ahead);
    CHECK(status.behind == 0);
    static_cast<void>(notifier.step(Notifier::VersionPublished{wiki, Serial(10)}, t0 + 2s));
    status = notifier.status(t0 + 2s)[0];
    CHECK_FALSE(status.ahead);
    CHECK(status.behind == 1);
    const auto end = only<Note>(proves(notifier, ns1, 10, t0 + 3s));
    REQUIRE(end.size() == 1);
    CHECK(end[0].text == "has serial 10 and is no longer ahead");
}

TEST_CASE("a secondary that is ahead is said to be, also when it refuses NOTIFY") {
    Notifier notifier({ns1}, 1);
    const auto sent = only<Sent>(notifier.step(Notifier::VersionPublished{wiki, Serial(7)}, t0));
    CHECK(only<Note>(notifier.step(answer_to(sent.at(0), 5), t0)).size() == 1);
    const auto says = [&](std::uint32_t serial, Instant now) {
        const auto asked = only<Asked>(notifier.step(Notifier::ClockTicked{}, now));
        return only<Note>(notifier.step(serial_of(asked.at(0), serial), now));
    };
    const auto notes = says(9, t0 + 1s);
    REQUIRE(notes.size() == 1);
    CHECK(notes[0].text.starts_with("has serial 9, which is ahead of ours"));
    CHECK(says(9, t0 + 10s).empty());
}

TEST_CASE("behind counts versions, also when serials are dates") {
    Notifier notifier({ns1}, 1);
    for (const std::uint32_t serial : {2026112200U, 2026112201U, 2026112300U})
        static_cast<void>(notifier.step(Notifier::VersionPublished{wiki, Serial(serial)}, t0));
    static_cast<void>(proves(notifier, ns1, 2026112200, t0 + 1s));
    CHECK(notifier.status(t0 + 1s)[0].behind == 2);
}

TEST_CASE("of the versions of a zone a bounded number is remembered") {
    Notifier notifier({ns1}, 1);
    static_cast<void>(notifier.step(Notifier::VersionPublished{wiki, Serial(1)}, t0));
    static_cast<void>(proves(notifier, ns1, 1, t0 + 1s));
    for (std::uint32_t i = 1; i < Notifier::recent_max; ++i)
        static_cast<void>(
            notifier.step(Notifier::VersionPublished{wiki, Serial(1 + 1000 * i)}, t0 + 2s));
    CHECK(notifier.status(t0 + 2s)[0].behind == Notifier::recent_max - 1);
    static_cast<void>(notifier.step(
        Notifier::VersionPublished{wiki, Serial(1 + 1000 * Notifier::recent_max)}, t0 + 2s));
    CHECK(notifier.status(t0 + 2s)[0].behind == 1000 * Notifier::recent_max);  // subtracted
}
