#include "dnsd/publish/notifier.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

namespace {

using namespace dnsd;
using namespace std::chrono_literals;
using heartbeat::Address;
using heartbeat::Duration;
using heartbeat::Instant;
using zones::Name;
using zones::Serial;
using Notify = SecondaryStatus::Notify;

const Instant t0{1000s};
const Name wiki = *Name::parse("wiki.example");
const Name other = *Name::parse("other.example");

Address address(std::string_view text) {
    return *Address::parse(text);
}
const Notifier::Target ns1{address("198.51.100.1"), 53, wiki};
const Notifier::Target ns2{address("203.0.113.9"), 53, wiki};

template <typename T>
std::vector<T> only(const std::vector<Notifier::Effect>& effects) {
    std::vector<T> out;
    for (const auto& effect : effects)
        if (const T* one = std::get_if<T>(&effect)) out.push_back(*one);
    return out;
}
using Sent = Notifier::SendNotify;
using Asked = Notifier::AskSerial;
using Note = Notifier::Note;

Notifier::AnswerHeard answer_to(const Sent& sent, std::uint8_t rcode = 0) {
    return {sent.target.address, sent.target.port, sent.id, sent.target.zone, rcode};
}
Notifier::SerialHeard serial_of(const Asked& asked, std::uint32_t serial) {
    return {asked.target.address, asked.target.port, asked.id, asked.target.zone, Serial(serial)};
}

// The secondary answers the question that follows a transfer; the effects of its answer.
constexpr Duration fetch_time = 250ms;
std::vector<Notifier::Effect> proves(Notifier& notifier, const Notifier::Target& target,
                                     std::uint32_t serial, Instant at) {
    static_cast<void>(
        notifier.step(Notifier::SecondaryAsked{target.address, target.zone}, at - fetch_time));
    for (const Asked& asked : only<Asked>(notifier.step(Notifier::ClockTicked{}, at)))
        if (asked.target == target) return notifier.step(serial_of(asked, serial), at);
    FAIL("it was not asked");
    return {};
}

// Steps the clock from wake to wake until `end`; what was sent, with when.
template <typename T>
std::vector<std::pair<Duration, T>> run(Notifier& notifier, Instant from, Instant end) {
    std::vector<std::pair<Duration, T>> out;
    while (notifier.wakes_at() <= end) {
        const Instant now = notifier.wakes_at();
        for (const T& sent : only<T>(notifier.step(Notifier::ClockTicked{}, now)))
            out.emplace_back(now - from, sent);
    }
    return out;
}

}  // namespace

TEST_CASE("a new version is told to every secondary of its zone at once, and to no other") {
    Notifier notifier({ns1, ns2, {ns1.address, 53, other}}, 1);
    CHECK(notifier.wakes_at() == Instant::max());
    const auto sent = only<Sent>(notifier.step(Notifier::VersionPublished{wiki, Serial(7)}, t0));
    REQUIRE(sent.size() == 2);
    CHECK(sent[0].target == ns1);
    CHECK(sent[1].target == ns2);
    CHECK(sent[0].serial == Serial(7));
    CHECK(sent[0].id != sent[1].id);
}

TEST_CASE("without an answer it asks again at growing intervals, then slowly but for ever") {
    Notifier notifier({ns1}, 1);
    static_cast<void>(notifier.step(Notifier::VersionPublished{wiki, Serial(7)}, t0));
    const auto sent = run<Sent>(notifier, t0, t0 + 2h);
    const std::vector<Duration> expected{100ms,   500ms,   1500ms,   3500ms,   7500ms,  15500ms,
                                         31500ms, 63500ms, 123500ms, 183500ms, 243500ms};
    REQUIRE(sent.size() > expected.size() + 3);
    for (std::size_t i = 0; i < expected.size(); ++i) CHECK(sent[i].first == expected[i]);
    for (std::size_t i = expected.size(); i < sent.size(); ++i)
        CHECK(sent[i].first - sent[i - 1].first == Notifier::slow);
    CHECK(notifier.status(t0 + 2h)[0].unanswered == sent.size() + 1);
    CHECK(notifier.status(t0 + 2h)[0].notify == Notify::unanswered);
}

TEST_CASE(
    "an answer ends the asking only when address, port, zone and id are those of the question") {
    Notifier notifier({ns1, ns2}, 1);
    const auto sent = only<Sent>(notifier.step(Notifier::VersionPublished{wiki, Serial(7)}, t0));
    Notifier::AnswerHeard answer = answer_to(sent[0]);
    bool fits = false;
    SUBCASE("as asked") {
        fits = true;
    }
    SUBCASE("zone in another case") {
        answer.zone = *Name::parse("WIKI.example");
        fits = true;
    }
    SUBCASE("another address") {
        answer.address = address("192.0.2.66");
    }
    SUBCASE("another secondary's address") {
        answer.address = ns2.address;
    }
    SUBCASE("another port") {
        answer.port = 5353;
    }
    SUBCASE("another zone") {
        answer.zone = other;
    }
    SUBCASE("another id") {
        ++answer.id;
    }
    static_cast<void>(notifier.step(answer, t0 + 1ms));
    const auto status = notifier.status(t0 + 1ms);
    CHECK(status[0].notify == (fits ? Notify::acknowledged : Notify::unanswered));
    CHECK(status[1].notify == Notify::unanswered);
}

TEST_CASE("an answer that comes after a resend still counts") {
    Notifier notifier({ns1}, 1);
    const auto sent = only<Sent>(notifier.step(Notifier::VersionPublished{wiki, Serial(7)}, t0));
    const auto again = only<Sent>(notifier.step(Notifier::ClockTicked{}, t0 + 100ms));
    REQUIRE(again.size() == 1);
    static_cast<void>(notifier.step(answer_to(sent[0]), t0 + 101ms));
    CHECK(notifier.status(t0 + 101ms)[0].notify == Notify::acknowledged);
    CHECK(run<Sent>(notifier, t0, t0 + 1h).empty());
}

TEST_CASE("a newer serial replaces the outstanding one, and the old answer no longer counts") {
    Notifier notifier({ns1}, 1);
    const auto first = only<Sent>(notifier.step(Notifier::VersionPublished{wiki, Serial(7)}, t0));
    const auto second =
        only<Sent>(notifier.step(Notifier::VersionPublished{wiki, Serial(8)}, t0 + 1ms));
    REQUIRE(second.size() == 1);
    CHECK(second[0].serial == Serial(8));
    CHECK(second[0].id != first[0].id);
    static_cast<void>(notifier.step(answer_to(first[0]), t0 + 2ms));
    CHECK(notifier.status(t0 + 2ms)[0].notify == Notify::unanswered);
    for (const auto& [when, sent] : run<Sent>(notifier, t0, t0 + 10s))
        CHECK(sent.serial == Serial(8));
    static_cast<void>(notifier.step(answer_to(second[0]), t0 + 10s));
    CHECK(notifier.status(t0 + 10s)[0].notify == Notify::acknowledged);
}

TEST_CASE("the same version twice is told once") {
    Notifier notifier({ns1}, 1);
    static_cast<void>(notifier.step(Notifier::VersionPublished{wiki, Serial(7)}, t0));
    CHECK(notifier.step(Notifier::VersionPublished{wiki, Serial(7)}, t0).empty());
}

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
    asked = only<Asked>(notifier.step(Notifier::ClockTicked{}, notifier.wakes_at()));
    REQUIRE(asked.size() == 1);
    static_cast<void>(notifier.step(serial_of(asked[0], 7), t0 + 2s));
    status = notifier.status(t0 + 2s)[0];
    CHECK(status.behind == 0);
    CHECK_FALSE(status.behind_for);
    CHECK(notifier.wakes_at() == Instant::max());
}

TEST_CASE("a transfer proves nothing: NOTIFY goes on until the secondary says what it has") {
    Notifier notifier({ns1, ns2}, 1);
    static_cast<void>(notifier.step(Notifier::VersionPublished{wiki, Serial(7)}, t0));
    static_cast<void>(notifier.step(Notifier::SecondaryAsked{ns1.address, wiki}, t0 + 1ms));
    CHECK_FALSE(notifier.status(t0 + 1ms)[0].serial);
    CHECK_FALSE(notifier.status(t0 + 1ms)[0].behind);
    CHECK(only<Sent>(notifier.step(Notifier::ClockTicked{}, t0 + 100ms)).size() == 2);
    const auto asked = only<Asked>(notifier.step(Notifier::ClockTicked{}, t0 + 251ms));
    REQUIRE(asked.size() == 1);
    CHECK(asked[0].target == ns1);
    static_cast<void>(notifier.step(serial_of(asked[0], 7), t0 + 252ms));
    CHECK(notifier.status(t0 + 252ms)[0].behind == 0);
    for (const auto& [when, sent] : run<Sent>(notifier, t0, t0 + 1h)) CHECK(sent.target == ns2);
}

TEST_CASE("a transfer from a secondary's address that has nothing yet to be told asks nothing") {
    Notifier notifier({ns1}, 1);
    static_cast<void>(notifier.step(Notifier::SecondaryAsked{ns1.address, wiki}, t0));
    CHECK(notifier.wakes_at() == Instant::max());
}

TEST_CASE("transfers in a flood do not make a flood of questions") {
    Notifier notifier({ns1}, 1);
    static_cast<void>(notifier.step(Notifier::VersionPublished{wiki, Serial(7)}, t0));
    std::size_t asked = 0;
    for (Duration at = 0ms; at < 1s; at += 1ms)
        asked +=
            only<Asked>(notifier.step(Notifier::SecondaryAsked{ns1.address, wiki}, t0 + at)).size();
    CHECK(asked == 3);
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

TEST_CASE("a refusal is said once and asked about slowly, and its end is said too") {
    Notifier notifier({ns1}, 1);
    const auto sent = only<Sent>(notifier.step(Notifier::VersionPublished{wiki, Serial(7)}, t0));
    auto notes = only<Note>(notifier.step(answer_to(sent[0], 5), t0 + 1ms));
    REQUIRE(notes.size() == 1);
    CHECK(notes[0].text == "refuses NOTIFY with rcode 5");
    CHECK(notifier.status(t0)[0].notify == Notify::refused);
    CHECK(only<Note>(notifier.step(answer_to(sent[0], 5), t0 + 2ms)).empty());
    const auto again = run<Sent>(notifier, t0, t0 + 61s);
    REQUIRE(again.size() == 1);
    CHECK(again[0].first >= 60s);
    notes = only<Note>(proves(notifier, ns1, 7, t0 + 62s));
    REQUIRE(notes.size() == 1);
    CHECK(notes[0].text == "has serial 7 and is no longer behind");
}

TEST_CASE("a silent secondary is one line in the journal, not one a try") {
    Notifier notifier({ns1}, 1);
    static_cast<void>(notifier.step(Notifier::VersionPublished{wiki, Serial(7)}, t0));
    const auto notes = run<Note>(notifier, t0, t0 + 1h);
    REQUIRE(notes.size() == 1);
    CHECK(notes[0].second.text == "has left 4 NOTIFYs of serial 7 without an answer");
}

TEST_CASE("a serial ahead of ours is said: the secondary will take nothing from us (RFC 1982)") {
    Notifier notifier({ns1}, 1);
    static_cast<void>(notifier.step(Notifier::VersionPublished{wiki, Serial(7)}, t0));
    const auto notes = only<Note>(proves(notifier, ns1, 9, t0 + 1s));
    REQUIRE(notes.size() == 1);
    CHECK(notes[0].text == "has serial 9, which is ahead of ours, 7");
    CHECK(notifier.status(t0)[0].behind == 0);
}

TEST_CASE("a step sends at most a burst, the newest first, and everybody gets his turn") {
    std::vector<Notifier::Target> targets;
    for (unsigned i = 0; i < 1000; ++i)
        targets.push_back({Address::v4({10, 0, static_cast<std::uint8_t>(i / 256),
                                        static_cast<std::uint8_t>(i % 256)}),
                           53, wiki});
    Notifier notifier(targets, 1);
    const auto first = only<Sent>(notifier.step(Notifier::VersionPublished{wiki, Serial(7)}, t0));
    CHECK(first.size() == Notifier::burst_max);
    CHECK(notifier.wakes_at() == t0 + Notifier::pace);
    CHECK(notifier.step(Notifier::ClockTicked{}, t0 + 1ms).empty());
    std::set<std::string> told;
    for (const Sent& sent : first) told.insert(sent.target.address.text());
    std::size_t steps = 0;
    while (told.size() < targets.size()) {
        const auto sent = only<Sent>(notifier.step(Notifier::ClockTicked{}, notifier.wakes_at()));
        REQUIRE(sent.size() <= Notifier::burst_max);
        for (const Sent& one : sent) told.insert(one.target.address.text());
        REQUIRE(++steps < 20);
    }
    CHECK(steps == 15);  // nobody was told twice before all were told once
}

TEST_CASE("a reload keeps what is known of those that stay and tells those that are new") {
    Notifier notifier({ns1}, 1);
    const auto sent = only<Sent>(notifier.step(Notifier::VersionPublished{wiki, Serial(7)}, t0));
    static_cast<void>(proves(notifier, ns1, 7, t0 + 500ms));
    const auto fresh = only<Sent>(notifier.step(Notifier::TargetsChanged{{ns1, ns2}}, t0 + 1s));
    REQUIRE(fresh.size() == 1);
    CHECK(fresh[0].target == ns2);
    CHECK(fresh[0].serial == Serial(7));
    CHECK(notifier.status(t0 + 1s)[0].behind == 0);
    static_cast<void>(notifier.step(Notifier::TargetsChanged{{ns2}}, t0 + 2s));
    REQUIRE(notifier.status(t0 + 2s).size() == 1);
    CHECK(notifier.status(t0 + 2s)[0].address == ns2.address);
}

TEST_CASE("a copy of the machine goes its own way") {
    Notifier one({ns1}, 1);
    Notifier two = one;
    static_cast<void>(one.step(Notifier::VersionPublished{wiki, Serial(7)}, t0));
    CHECK(two.wakes_at() == Instant::max());
    CHECK(one.wakes_at() != Instant::max());
}
