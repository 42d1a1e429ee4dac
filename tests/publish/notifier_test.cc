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

// Acknowledged the first NOTIFY of serial 8, and is told again as it still has 7.
Sent told_again(Notifier& notifier) {
    const auto first = only<Sent>(notifier.step(Notifier::VersionPublished{wiki, Serial(8)}, t0));
    static_cast<void>(notifier.step(answer_to(first.at(0)), t0 + 1ms));
    const Instant asked_at = t0 + 1ms + fetch_time;
    const auto asked = only<Asked>(notifier.step(Notifier::ClockTicked{}, asked_at));
    return only<Sent>(notifier.step(serial_of(asked.at(0), 7), asked_at)).at(0);
}

TEST_CASE("what is said of a secondary is what it did with the last NOTIFY, not with the first") {
    Notifier notifier({ns1}, 1);
    const Sent again = told_again(notifier);
    const Instant now = t0 + 2ms + fetch_time;
    SUBCASE("it refuses") {
        const auto notes = only<Note>(notifier.step(answer_to(again, 5), now));
        REQUIRE(notes.size() == 1);
        CHECK(notes[0].text == "refuses NOTIFY with rcode 5");
        CHECK(notifier.status(now)[0].notify == Notify::refused);
    }
    SUBCASE("it is silent") {
        const auto sent = run<Sent>(notifier, now, now + 10s);
        CHECK(sent.size() > 2);
        const auto status = notifier.status(now + 10s)[0];
        CHECK(status.notify == Notify::unanswered);
        CHECK(status.unanswered == sent.size() + 1);  // all but the first
        CHECK(status.unanswered_for == now + 10s - (t0 + 1ms + fetch_time));
    }
    SUBCASE("it acknowledges: then it is asked what it has before it is told again") {
        static_cast<void>(notifier.step(answer_to(again), now));
        CHECK(notifier.counts().at({ns1.address, 53}).acknowledged == 2);
        CHECK(run<Sent>(notifier, now, now + 1h).empty());
        CHECK(notifier.status(now)[0].notify == Notify::acknowledged);
        CHECK(notifier.step(answer_to(again, 5), now).empty());  // the same try, once more
        CHECK(notifier.status(now)[0].notify == Notify::acknowledged);
    }
}

TEST_CASE("only a refusal that a person has to mend slows NOTIFY down") {
    Notifier notifier({ns1}, 1);
    const auto sent = only<Sent>(notifier.step(Notifier::VersionPublished{wiki, Serial(7)}, t0));
    bool slow = false;
    std::uint8_t rcode = 0;
    SUBCASE("REFUSED") {
        rcode = 5;
        slow = true;
    }
    SUBCASE("NOTAUTH") {
        rcode = 9;
        slow = true;
    }
    SUBCASE("SERVFAIL") {
        rcode = 2;
    }
    SUBCASE("FORMERR") {
        rcode = 1;
    }
    SUBCASE("NOTIMP") {
        rcode = 4;
    }
    const auto notes = only<Note>(notifier.step(answer_to(sent.at(0), rcode), t0 + 1ms));
    REQUIRE(notes.size() == 1);
    CHECK(notes[0].text ==
          (slow ? "refuses" : "answers") + (" NOTIFY with rcode " + std::to_string(rcode)));
    CHECK(notifier.status(t0 + 1ms)[0].notify == Notify::refused);
    const auto again = run<Sent>(notifier, t0, t0 + 60s);
    CHECK(again.size() == (slow ? 0 : 7));
}

TEST_CASE("another key: who was not current is told at once, and a false answer is said again") {
    Notifier::Target keyed = ns1;
    keyed.key = *Name::parse("old.key");
    Notifier notifier({keyed}, 1);
    const Notifier::FalseAnswerHeard wrong{ns1.address, 53, wiki, "is not signed"};
    auto sent = only<Sent>(notifier.step(Notifier::VersionPublished{wiki, Serial(7)}, t0));
    CHECK(only<Note>(notifier.step(wrong, t0)).size() == 1);
    Instant now = t0 + 1h;
    static_cast<void>(run<Sent>(notifier, t0, now));
    REQUIRE(notifier.wakes_at() > now + 1s);  // it is told every five minutes by now
    keyed.key = *Name::parse("new.key");
    sent = only<Sent>(notifier.step(Notifier::TargetsChanged{{keyed}}, now));
    REQUIRE(sent.size() == 1);
    CHECK(sent[0].target.key == keyed.key);
    CHECK(only<Note>(notifier.step(wrong, now)).size() == 1);
    CHECK(only<Note>(notifier.step(wrong, now)).empty());
    SUBCASE("an answer that is well signed ends it: the next false one is news") {
        Notifier::AnswerHeard right = answer_to(sent[0]);
        right.signer = keyed.key;
        static_cast<void>(notifier.step(right, now));
        CHECK(only<Note>(notifier.step(wrong, now)).size() == 1);
    }
    SUBCASE("who is current is not told") {
        static_cast<void>(notifier.step(Notifier::SecondaryAsked{ns1.address, wiki}, now));
        const auto asked =
            only<Asked>(notifier.step(Notifier::ClockTicked{}, now + fetch_time)).at(0);
        Notifier::SerialHeard serial = serial_of(asked, 7);
        serial.signer = keyed.key;
        static_cast<void>(notifier.step(serial, now + fetch_time));
        CHECK(only<Note>(notifier.step(wrong, now + fetch_time)).size() == 1);
        keyed.key.reset();
        CHECK(notifier.step(Notifier::TargetsChanged{{keyed}}, now + 1s).empty());
    }
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

TransferSeen seen(TransferResult result, std::uint32_t serial,
                  TransferKind kind = TransferKind::ixfr) {
    TransferSeen one;
    one.kind = kind;
    one.result = result;
    one.serial = Serial(serial);
    one.took = 40ms;
    one.bytes = 1234;
    return one;
}

TEST_CASE(
    "a burst of versions is told a secondary that transfers as the newest, when it has ended") {
    Notifier notifier({ns1, ns2}, 1);
    static_cast<void>(notifier.step(Notifier::VersionPublished{wiki, Serial(7)}, t0));
    CHECK(notifier.step(Notifier::TransferBegun{ns1.address, wiki, {}, 1}, t0 + 1ms).empty());
    CHECK(notifier.status(t0 + 1ms)[0].transferring);
    for (unsigned i = 8; i < 20; ++i)  // the other one is told every one of them at once
        for (const Sent& sent :
             only<Sent>(notifier.step(Notifier::VersionPublished{wiki, Serial(i)}, t0 + i * 1ms)))
            CHECK(sent.target == ns2);
    const auto sent = only<Sent>(notifier.step(
        Notifier::TransferEnded{ns1.address, wiki, {}, 1, seen(TransferResult::done, 7)},
        t0 + 20ms));
    REQUIRE(sent.size() == 1);
    CHECK(sent[0].target == ns1);
    CHECK(sent[0].serial == Serial(19));
    CHECK_FALSE(notifier.status(t0 + 20ms)[0].transferring);
}

TEST_CASE("a version that comes after the transfer has ended is not held back") {
    Notifier notifier({ns1}, 1);
    static_cast<void>(notifier.step(Notifier::VersionPublished{wiki, Serial(7)}, t0));
    static_cast<void>(notifier.step(Notifier::TransferBegun{ns1.address, wiki, {}, 1}, t0 + 1ms));
    static_cast<void>(notifier.step(
        Notifier::TransferEnded{ns1.address, wiki, {}, 1, seen(TransferResult::done, 7)},
        t0 + 2ms));
    CHECK(only<Sent>(notifier.step(Notifier::VersionPublished{wiki, Serial(8)}, t0 + 3ms)).size() ==
          1);
}

TEST_CASE("a transfer that does not end delays a NOTIFY by a second, whatever is published") {
    Notifier notifier({ns1}, 1);
    static_cast<void>(notifier.step(Notifier::VersionPublished{wiki, Serial(1)}, t0));
    static_cast<void>(notifier.step(Notifier::TransferBegun{ns1.address, wiki, {}, 1}, t0));
    std::vector<std::pair<Duration, std::uint32_t>> told;
    for (unsigned i = 1; i <= 300; ++i)  // three seconds, a version each 10 ms
        for (const Sent& sent : only<Sent>(
                 notifier.step(Notifier::VersionPublished{wiki, Serial(1 + i)}, t0 + i * 10ms)))
            told.emplace_back(i * 10ms, sent.serial.value());
    REQUIRE(told.size() == 2);
    CHECK(told[0].first == 10ms + Notifier::hold_max);
    CHECK(told[1].first - told[0].first <= Notifier::hold_max + 10ms);
    CHECK(told[0].second >= 101);
}

TEST_CASE("a held version that the transfer has brought itself is asked for before it is told") {
    Notifier notifier({ns1}, 1);
    static_cast<void>(notifier.step(Notifier::VersionPublished{wiki, Serial(7)}, t0));
    static_cast<void>(notifier.step(Notifier::TransferBegun{ns1.address, wiki, {}, 1}, t0));
    static_cast<void>(notifier.step(Notifier::VersionPublished{wiki, Serial(8)}, t0 + 1ms));
    static_cast<void>(notifier.step(Notifier::TransferBegun{ns1.address, wiki, {}, 2}, t0 + 2ms));
    CHECK(
        notifier
            .step(
                Notifier::TransferEnded{ns1.address, wiki, {}, 1, seen(TransferResult::aborted, 7)},
                t0 + 3ms)
            .empty());
    CHECK(
        notifier
            .step(Notifier::TransferEnded{ns1.address, wiki, {}, 2, seen(TransferResult::done, 8)},
                  t0 + 4ms)
            .empty());
    const auto asked = only<Asked>(notifier.step(Notifier::ClockTicked{}, notifier.wakes_at()));
    REQUIRE(asked.size() == 1);
    SUBCASE("it has it") {
        static_cast<void>(notifier.step(serial_of(asked[0], 8), t0 + 300ms));
        CHECK(run<Sent>(notifier, t0, t0 + 1h).empty());
    }
    SUBCASE("it does not say so") {
        const auto sent = run<Sent>(notifier, t0, t0 + 600ms);
        REQUIRE(!sent.empty());
        CHECK(sent[0].second.serial == Serial(8));
    }
}

TEST_CASE(
    "a transfer holds back the NOTIFY of the one secondary whose key it has, and no other's") {
    Notifier::Target second = ns1;
    second.port = 5301;
    second.key = *Name::parse("ns1.key");
    std::vector<Notifier::Target> targets{ns1, second};
    std::optional<Name> key;
    std::size_t told = 1;
    SUBCASE("signed") {
        key = second.key;
    }
    SUBCASE("unsigned") {}
    SUBCASE("unsigned, from the address of a secondary that signs") {
        targets = {second};  // a person with dig, or a neighbour behind the same NAT
    }
    SUBCASE("signed by another key") {
        targets = {second};
        key = *Name::parse("backup.key");
    }
    SUBCASE("unsigned, from an address that two share who do not sign") {
        second.key.reset();
        targets = {ns1, second};
        told = 2;
    }
    Notifier notifier(targets, 1);
    static_cast<void>(notifier.step(Notifier::VersionPublished{wiki, Serial(7)}, t0));
    static_cast<void>(notifier.step(Notifier::TransferBegun{ns1.address, wiki, key, 1}, t0));
    CHECK(only<Sent>(notifier.step(Notifier::VersionPublished{wiki, Serial(8)}, t0 + 1ms)).size() ==
          told);
}

TEST_CASE("a transfer whose end was never heard holds back nothing after a while") {
    Notifier notifier({ns1}, 1);
    static_cast<void>(notifier.step(Notifier::VersionPublished{wiki, Serial(7)}, t0));
    static_cast<void>(notifier.step(Notifier::TransferBegun{ns1.address, wiki, {}, 1}, t0));
    const auto told_at_once = [&](std::uint32_t serial, Instant now) {
        return !only<Sent>(notifier.step(Notifier::VersionPublished{wiki, Serial(serial)}, now))
                    .empty();
    };
    CHECK_FALSE(told_at_once(8, t0 + Notifier::transfer_age_max - 1ms));
    static_cast<void>(run<Sent>(notifier, t0, t0 + 2 * Notifier::transfer_age_max));
    CHECK(told_at_once(9, t0 + 2 * Notifier::transfer_age_max));
    CHECK_FALSE(notifier.status(t0 + 2 * Notifier::transfer_age_max)[0].transferring);
}

TEST_CASE("a transfer ends for whom it began, though its key is another's since a reload") {
    Notifier::Target keyed = ns1, second = ns1;
    keyed.key = second.key = *Name::parse("ns.key");
    second.port = 5301;
    Notifier notifier({keyed}, 1);
    static_cast<void>(notifier.step(Notifier::VersionPublished{wiki, Serial(7)}, t0));
    static_cast<void>(notifier.step(Notifier::TransferBegun{ns1.address, wiki, keyed.key, 1}, t0));
    REQUIRE(notifier.status(t0)[0].transferring);
    static_cast<void>(notifier.step(Notifier::TargetsChanged{{ns1, second}}, t0));
    static_cast<void>(notifier.step(
        Notifier::TransferEnded{ns1.address, wiki, keyed.key, 1, seen(TransferResult::done, 7)},
        t0 + 1ms));
    CHECK_FALSE(notifier.status(t0 + 1ms)[0].transferring);
}

TEST_CASE("transfers under way are remembered up to a bound, and ends without a begin are borne") {
    Notifier notifier({ns1}, 1);
    for (std::uint64_t i = 0; i < 10 * Notifier::transfers_max; ++i)
        static_cast<void>(notifier.step(Notifier::TransferBegun{ns1.address, wiki, {}, i}, t0));
    for (std::uint64_t i = 0; i < 20 * Notifier::transfers_max; ++i)
        static_cast<void>(notifier.step(
            Notifier::TransferEnded{ns1.address, wiki, {}, i, seen(TransferResult::done, 7)}, t0));
    CHECK_FALSE(notifier.status(t0)[0].transferring);
    CHECK(only<Sent>(notifier.step(Notifier::VersionPublished{wiki, Serial(8)}, t0)).size() == 1);
}

TEST_CASE("what a secondary asked with and was sent is told, and counted by kind and result") {
    Notifier notifier({ns1}, 1);
    static_cast<void>(notifier.step(Notifier::VersionPublished{wiki, Serial(7)}, t0));
    static_cast<void>(notifier.step(Notifier::SecondaryAsked{ns1.address, wiki, Serial(5)}, t0));
    static_cast<void>(notifier.step(
        Notifier::TransferEnded{ns1.address, wiki, {}, 1, seen(TransferResult::done, 7)}, t0 + 1s));
    static_cast<void>(notifier.step(
        Notifier::TransferEnded{ns1.address, wiki, {}, 2, seen(TransferResult::current, 7)},
        t0 + 2s));
    static_cast<void>(notifier.step(
        Notifier::TransferEnded{
            ns2.address, wiki, {}, 3, seen(TransferResult::timed_out, 7, TransferKind::axfr)},
        t0 + 2s));
    const auto status = notifier.status(t0 + 3s)[0];
    CHECK(status.asked == Serial(5));
    CHECK(status.asked_ago == Duration(3s));
    CHECK_FALSE(status.serial);  // that it asked proves nothing
    REQUIRE(status.last_transfer);
    CHECK(status.last_transfer->result == TransferResult::done);
    CHECK(status.last_transfer->bytes == 1234);
    CHECK(status.last_transfer_ago == Duration(2s));
    const auto count = [](const TransferCounts& of, TransferKind kind, TransferResult result) {
        return of.of[static_cast<std::size_t>(kind)][static_cast<std::size_t>(result)];
    };
    const auto& counts = notifier.counts().at({ns1.address, 53});
    CHECK(counts.sent >= 1);
    CHECK(count(counts.transfers, TransferKind::ixfr, TransferResult::done) == 1);
    CHECK(count(counts.transfers, TransferKind::ixfr, TransferResult::current) == 1);
    CHECK(count(notifier.other_transfers(), TransferKind::axfr, TransferResult::timed_out) == 1);
}

TEST_CASE("an answer that is not well signed is counted and said once, and changes nothing") {
    Notifier notifier({ns1}, 1);
    static_cast<void>(notifier.step(Notifier::VersionPublished{wiki, Serial(7)}, t0));
    const Notifier::FalseAnswerHeard wrong{ns1.address, 53, wiki, "is not signed"};
    const auto notes = only<Note>(notifier.step(wrong, t0 + 1ms));
    REQUIRE(notes.size() == 1);
    CHECK(notes[0].text == "its answer is not signed, and does not count");
    for (int i = 0; i < 1000; ++i) CHECK(only<Note>(notifier.step(wrong, t0 + 2ms)).empty());
    CHECK(notifier.counts().at({ns1.address, 53}).unverified == 1001);
    CHECK(notifier.status(t0 + 2ms)[0].notify == Notify::unanswered);
    CHECK(notifier.counts().size() == 1);
    static_cast<void>(notifier.step(Notifier::FalseAnswerHeard{ns2.address, 53, wiki, ""}, t0));
    CHECK(notifier.counts().size() == 1);  // strangers have no counter
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

// A hundred changes of single zones among `zones`; each step used to look at all entries.
std::chrono::nanoseconds changes_among(unsigned zones) {
    std::vector<Notifier::Target> targets;
    for (unsigned i = 0; i < zones; ++i)
        for (const auto& one : {ns1, ns2})
            targets.push_back(
                {one.address, 53, *Name::parse("z" + std::to_string(i) + ".example")});
    Notifier notifier(targets, 1);
    std::size_t sent = 0;
    const auto begin = std::chrono::steady_clock::now();
    for (unsigned i = 0; i < 1000; ++i) {
        const Instant now = t0 + i * 20ms;
        const auto& zone = targets[2 * (i % zones)].zone;
        for (const Sent& one :
             only<Sent>(notifier.step(Notifier::VersionPublished{zone, Serial(7 + i)}, now))) {
            sent += one.target.zone == zone;
            static_cast<void>(notifier.step(answer_to(one), now));
        }
    }
    CHECK(sent == 2000);
    return std::chrono::steady_clock::now() - begin;
}

TEST_CASE("a change of one zone among ten thousand looks at its own secondaries alone") {
    const auto few = changes_among(100);
    CHECK(changes_among(10'000) < 10 * few + 100ms);
}

TEST_CASE("whom the notifier speaks to is a target, whatever it hears (never_sends_query_out)") {
    Notifier notifier({ns1}, 1);
    std::vector<Notifier::Effect> all;
    const auto take = [&](std::vector<Notifier::Effect> effects) {
        for (auto& effect : effects) all.push_back(std::move(effect));
    };
    take(notifier.step(Notifier::VersionPublished{wiki, Serial(7)}, t0));
    for (const auto& from : {ns1.address, ns2.address})
        for (const Name& zone : {wiki, other, Name()}) {
            take(notifier.step(Notifier::SecondaryAsked{from, zone, Serial(3)}, t0));
            take(notifier.step(Notifier::TransferBegun{from, zone, {}, 1}, t0));
            take(notifier.step(Notifier::VersionPublished{zone, Serial(8)}, t0));
            take(notifier.step(
                Notifier::TransferEnded{from, zone, {}, 1, seen(TransferResult::done, 8)}, t0));
            take(notifier.step(Notifier::SerialHeard{from, 53, 1, zone, Serial(9)}, t0));
            take(notifier.step(Notifier::AnswerHeard{from, 53, 1, zone, 0}, t0));
            take(notifier.step(Notifier::FalseAnswerHeard{from, 53, zone, "is false"}, t0));
        }
    while (notifier.wakes_at() < t0 + 1h)
        take(notifier.step(Notifier::ClockTicked{}, notifier.wakes_at()));
    CHECK(all.size() > 10);
    for (const Sent& sent : only<Sent>(all)) CHECK(sent.target == ns1);
    for (const Asked& asked : only<Asked>(all)) CHECK(asked.target == ns1);
}

TEST_CASE("a flood of answers that nobody asked for makes no effect (notify_in_flood)") {
    Notifier notifier({ns1}, 1);
    const auto sent = only<Sent>(notifier.step(Notifier::VersionPublished{wiki, Serial(7)}, t0));
    REQUIRE(sent.size() == 1);
    for (std::uint32_t i = 0; i < 65'536; ++i) {
        if (i == sent[0].id) continue;
        const Notifier::AnswerHeard forged{ns1.address, 53, static_cast<std::uint16_t>(i), wiki, 5};
        REQUIRE(notifier.step(forged, t0 + 1ms).empty());
    }
    CHECK(notifier.status(t0 + 1ms)[0].notify == Notify::unanswered);
    CHECK(notifier.wakes_at() == t0 + 100ms);
}

TEST_CASE("a copy of the machine goes its own way") {
    Notifier one({ns1}, 1);
    Notifier two = one;
    static_cast<void>(one.step(Notifier::VersionPublished{wiki, Serial(7)}, t0));
    CHECK(two.wakes_at() == Instant::max());
    CHECK(one.wakes_at() != Instant::max());
}
