// A group's machine over a store in which another writes too.
#include "dnsd/io/stored_machine.h"

#include "tests/arbiter/rules.h"

#include <doctest/doctest.h>

using namespace dnsd;
using namespace dnsd::testing;

namespace {

// What another may write into.
struct Shelf {
    std::optional<Record> record;
    bool damaged = false;
    bool fails = false;
    std::size_t loads = 0;

    RecordStore store() {
        return {
            [this](const std::string&) -> RecordStore::Loaded {
                ++loads;
                if (damaged) return tl::unexpected(std::string("its seal is broken"));
                return record;
            },
            [this](const std::string&, std::optional<std::uint64_t> expected, const Record& next,
                   const std::vector<Decision>&) -> tl::expected<void, StoreError> {
                using Kind = StoreError::Kind;
                if (fails) return tl::unexpected(StoreError{Kind::failed, "the disk is full"});
                const auto there = record && !damaged ? std::optional(record->revision)
                                                      : std::optional<std::uint64_t>();
                if (there != expected)
                    return tl::unexpected(StoreError{Kind::conflict, "another revision is there"});
                record = next;
                damaged = false;
                return {};
            }};
    }
    // Another arbiter grants wiki3 the next epoch.
    void another_decides() {
        record->epoch = record->epoch.next();
        record->holder = id("wiki3");
        record->lease_may_live = true;
        record->closed = false;
        record->revision += 7;
    }
};

// The daemon around it.
struct Daemon {
    Shelf shelf;
    Instant now = t0();
    std::vector<SendReply> replies;
    std::vector<std::string> complaints;
    std::vector<std::string> notes;
    StoredMachine machine;

    Daemon()
        : shelf{led_by_wiki1()},
          machine(
              shelf.store(), rules(),
              {[](const std::vector<Note>&) { return std::vector<Decision>(); }, [](std::size_t) {},
               [this](const std::string& why) { complaints.push_back(why); }},
              now, 0) {
        step(ClockTicked{});
    }
    Stepped step(const Event& event) {
        return machine.step(event, now, 0,
                            {{},
                             [this](const SendReply& reply) { replies.push_back(reply); },
                             [](const Standing&) {},
                             [this](const Note& note) { notes.push_back(note.why); },
                             [](const Answer&) {}});
    }
    // Nullopt: nothing is said.
    std::optional<bool> acked(const char* from, heartbeat::Heartbeat beat) {
        replies.clear();
        step(HeartbeatHeard{id(from), std::move(beat)});
        if (replies.empty()) return std::nullopt;
        return std::holds_alternative<heartbeat::Ack>(replies.back().reply);
    }
    void pass(Duration time) {
        const Instant end = now + time;
        for (int ticks = 0; machine.wakes_at() <= end && ticks < 10'000; ++ticks) {
            now = std::max(now, machine.wakes_at());
            step(ClockTicked{});
        }
        now = end;
    }
    // A drain changes the record.
    Stepped drain() {
        return step(OperatorAsked{1, DrainCommand{id("wiki2"), {}}, "anna", "", false, 0});
    }
};

}  // namespace

TEST_CASE("when another writes the record, nobody is granted, renewed or answered here") {
    Daemon daemon;
    REQUIRE(daemon.acked("wiki1", master(Epoch{5})) == true);
    daemon.shelf.another_decides();
    const Record theirs = *daemon.shelf.record;
    CHECK(daemon.drain() == Stepped::another_decides);
    CHECK_FALSE(daemon.machine.decides());
    CHECK_FALSE(daemon.acked("wiki1", master(Epoch{5})));  // not a word
    CHECK(daemon.shelf.record == theirs);
    REQUIRE(daemon.complaints.size() == 1);
    CHECK(daemon.complaints[0] ==
          "group wiki: another decides beside this arbiter: another revision is there. Nobody is "
          "granted or renewed here; in 1 s it begins anew from what is stored, and then grants "
          "nobody for 60 s");
    // The machine of before does not say that the holder is still renewed.
    CHECK(std::find(daemon.notes.begin(), daemon.notes.end(),
                    "nobody new is granted, the holder is still renewed") == daemon.notes.end());
}

TEST_CASE(
    "it begins anew from what is stored, in the longest quarantine, and renews nobody in it") {
    Daemon daemon;
    daemon.step(Published{1743});
    daemon.shelf.another_decides();
    REQUIRE(daemon.drain() == Stepped::another_decides);
    daemon.pass(1s);
    REQUIRE(daemon.machine.decides());
    CHECK(daemon.machine.machine().record().epoch == Epoch{6});
    CHECK(daemon.machine.machine().record().holder == id("wiki3"));
    CHECK(daemon.shelf.record->closed);
    const Duration longest = rules().expiry(ArbiterRules::lease_max);
    for (Duration passed{0}; passed + 1s < longest; passed += 1s) {
        CHECK(daemon.acked("wiki3", master(Epoch{6})) == false);
        CHECK(daemon.acked("wiki1", promised(Epoch{7})) == false);
        CHECK(daemon.acked("wiki2", promised(Epoch{7})) == false);
        daemon.pass(1s);
    }
    const auto* deny = std::get_if<heartbeat::Deny>(&daemon.replies.back().reply);
    REQUIRE(deny);
    CHECK(deny->serial == 1743);  // it knows what is published
    bool granted = false;
    for (int i = 0; i < 5; ++i) {
        daemon.pass(1s);
        daemon.acked("wiki1", promised(Epoch{7}));
        granted = granted || daemon.acked("wiki2", promised(Epoch{7}, 110)) == true;
    }
    CHECK(granted);
    CHECK(daemon.shelf.record->epoch == Epoch{7});
    SUBCASE("and again, when the other goes on") {
        daemon.shelf.another_decides();
        CHECK(daemon.drain() == Stepped::another_decides);
        CHECK(daemon.complaints.size() == 2);
    }
}

TEST_CASE("a record that another made unreadable, or took away, is a record that is lost") {
    for (const bool gone : {false, true}) {
        CAPTURE(gone);
        Daemon daemon;
        daemon.shelf.another_decides();
        REQUIRE(daemon.drain() == Stepped::another_decides);
        daemon.shelf.damaged = !gone;
        if (gone) daemon.shelf.record.reset();
        daemon.pass(1s);
        REQUIRE(daemon.complaints.size() >= 2);
        CHECK(daemon.complaints[1].find("its record in the ledger is lost") != std::string::npos);
        CHECK(daemon.machine.machine().record().semi_sync_unknown);
        CHECK(daemon.acked("wiki1", master(Epoch{5})) == false);
    }
}

TEST_CASE("a store that fails is no conflict: the holder is still renewed") {
    Daemon daemon;
    REQUIRE(daemon.acked("wiki1", master(Epoch{5})) == true);
    daemon.shelf.fails = true;
    CHECK(daemon.drain() == Stepped::not_written);
    CHECK(daemon.machine.decides());
    CHECK(daemon.acked("wiki1", master(Epoch{5})) == true);
    CHECK(daemon.shelf.loads == 1);
}

TEST_CASE("rules that the machine can not go by are refused with the reason") {
    Daemon daemon;
    const Arbiter& machine = daemon.machine.machine();
    CHECK(refused_rules(rules(), machine).empty());
    ArbiterRules wrong = rules();
    wrong.lease = 2s;
    CHECK(refused_rules(wrong, machine) == wrong.check().front());
    ArbiterRules nobody = rules();
    nobody.servers.clear();
    CHECK(refused_rules(nobody, machine) ==
          "no server of those that run is left, and new ones wait for a restart");
    Desk desk;
    heartbeat::Heartbeat writable = replica();
    writable.read_only = false;
    desk.hear("wiki1", writable);
    ArbiterRules without = rules();
    without.servers.erase(without.servers.begin());
    CHECK(refused_rules(without, desk.arbiter) == desk.arbiter.objection(without));
    CHECK_FALSE(desk.arbiter.objection(without).empty());
}
