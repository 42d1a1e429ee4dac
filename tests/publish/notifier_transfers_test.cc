// What a secondary fetches: a transfer proves nothing, and holds a NOTIFY back for a while.
#include "tests/publish/notifying.h"

#include <doctest/doctest.h>

using namespace dnsd;
using namespace dnsd::notifying;
using namespace std::chrono_literals;

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
