// What may befall either side: the secondaries have the whole zone again soon after, by differences
// where those suffice.

#include "tests/interop/follow/fleet.h"

#include <algorithm>
#include <cstdio>
#include <random>

#include <signal.h>

#include <doctest/doctest.h>

namespace {

using namespace follow;

constexpr int port = 21810;

// All have the newest version, whole, and took this long.
void must_follow(Fleet& fleet, const char* after, Milliseconds at_most = 30s) {
    const auto times = fleet.follow_times(at_most);
    REQUIRE_MESSAGE(times, after << ":\n" << fleet.logs());
    std::printf("%-54s BIND %5.0f, NSD %5.0f, Knot %5.0f ms\n", after, (*times)[0], (*times)[1],
                (*times)[2]);
    CHECK_MESSAGE(fleet.differences() == "", after);
}

std::vector<std::size_t> log_sizes(Fleet& fleet) {
    std::vector<std::size_t> sizes;
    for (const Secondary& one : fleet.secondaries()) sizes.push_back(one.log().size());
    return sizes;
}

// What each has taken since then came as differences, and something came. A killed NSD has nothing
// that differences could begin with: it writes its zones once an hour.
void must_be_incremental(Fleet& fleet, const std::vector<std::size_t>& since,
                         bool was_killed = false) {
    for (const Secondary& one : fleet.secondaries()) {
        if (was_killed && one.place().kind == ServerKind::nsd) continue;
        const std::size_t from = since[static_cast<std::size_t>(&one - fleet.secondaries().data())];
        const Transfers had = transfers_of(one, from);
        INFO(one.name() << ":\n" << one.log().substr(from));
        CHECK(had.whole == 0);
        CHECK(had.incremental > 0);
    }
}

void secondaries_in_trouble(Fleet::Trust trust) {
    const Scratch scratch("trouble");
    Fleet fleet(scratch.path(), port, trust);
    fleet.start();

    auto before = log_sizes(fleet);
    for (Secondary& one : fleet.secondaries()) one.signal(SIGSTOP);
    for (int change = 0; change < 20; ++change) fleet.publish();
    pause_for(300ms);
    for (Secondary& one : fleet.secondaries()) one.signal(SIGCONT);
    must_follow(fleet, "stopped for twenty changes, resumed:");
    must_be_incremental(fleet, before);

    for (Secondary& one : fleet.secondaries()) one.kill();
    for (int change = 0; change < 20; ++change) fleet.publish();
    before = log_sizes(fleet);
    for (Secondary& one : fleet.secondaries()) one.start();
    must_follow(fleet, "killed for twenty changes, started again:");
    fleet.publish();
    must_follow(fleet, "… and the next change:");
    must_be_incremental(fleet, before, true);

    for (Secondary& one : fleet.secondaries()) {
        one.kill();
        one.wipe();
    }
    fleet.publish();
    for (Secondary& one : fleet.secondaries()) one.start();
    must_follow(fleet, "killed, data wiped, started again:");
    fleet.publish();
    must_follow(fleet, "… and the next change:");
}

// A version is in the ledger before anybody hears of it, so the arbiter may die at any moment of a
// change: once it is back, nobody stays behind, and no serial that anybody saw is another
// version's. The file never has a new serial, and yet another content when the arbiter is back: one
// that did not know which serial it gave out would give it to that.
void arbiter_killed_while_it_publishes(Fleet::Trust trust) {
    const Scratch scratch("killed");
    Fleet fleet(scratch.path(), port, trust);
    fleet.start();
    std::mt19937 random(20'251'122);
    for (int round = 0; round < 8; ++round) {
        CAPTURE(round);
        const std::uint32_t before = *fleet.arbiter().serial();
        fleet.edit_without_serial(true);
        std::uint32_t seen = before;
        // By turns at any moment, and the moment that the first has seen the new version.
        if (round % 2 == 0)
            pause_for(std::chrono::microseconds(random() % 12'000));
        else
            REQUIRE(until(
                5s, [&] { return (seen = fleet.arbiter().serial().value_or(0)) > before; }, 0ms));
        fleet.arbiter().kill();
        for (const Secondary& one : fleet.secondaries())
            seen = std::max(seen, one.serial().value_or(0));
        fleet.edit_without_serial(false);
        fleet.arbiter().start();
        const auto back = fleet.arbiter().serial();
        REQUIRE(back);
        CHECK(*back > seen);
        must_follow(fleet, "the arbiter killed in the midst of a change:");
    }
}

void arbiter_restarted(Fleet::Trust trust) {
    const Scratch scratch("restart");
    Fleet fleet(scratch.path(), port, trust);
    fleet.start();
    for (int change = 0; change < 10; ++change) fleet.publish();
    must_follow(fleet, "ten changes:");
    for (Secondary& one : fleet.secondaries()) one.signal(SIGSTOP);
    for (int change = 0; change < 10; ++change) fleet.publish();
    fleet.arbiter().stop();
    const auto before = log_sizes(fleet);
    fleet.arbiter().start();
    for (Secondary& one : fleet.secondaries()) one.signal(SIGCONT);
    must_follow(fleet, "ten changes missed, the arbiter restarted meanwhile:");
    must_be_incremental(fleet, before);
    fleet.publish();
    must_follow(fleet, "… and the next change:");
    must_be_incremental(fleet, before);
}

}  // namespace

TEST_CASE("BIND, NSD and Knot that were stopped, killed or wiped have the whole zone again") {
    SUBCASE("by address") {
        secondaries_in_trouble(Fleet::Trust::by_address);
    }
    SUBCASE("with TSIG") {
        secondaries_in_trouble(Fleet::Trust::by_key);
    }
}

TEST_CASE("an arbiter killed at any moment of a change leaves no secondary behind") {
    SUBCASE("by address") {
        arbiter_killed_while_it_publishes(Fleet::Trust::by_address);
    }
    SUBCASE("with TSIG") {
        arbiter_killed_while_it_publishes(Fleet::Trust::by_key);
    }
}

TEST_CASE("after a restart of the arbiter the secondaries still get differences") {
    SUBCASE("by address") {
        arbiter_restarted(Fleet::Trust::by_address);
    }
    SUBCASE("with TSIG") {
        arbiter_restarted(Fleet::Trust::by_key);
    }
}
