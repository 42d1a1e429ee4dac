// How a secondary is told of a version, and told again.
#include "tests/publish/notifying.h"

#include <doctest/doctest.h>

#include <set>

using namespace dnsd;
using namespace dnsd::notifying;
using namespace std::chrono_literals;

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
