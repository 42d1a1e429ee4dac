// Epochs that servers know and the ledger does not.
#include "rules.h"

#include <doctest/doctest.h>

using namespace dnsd;
using namespace dnsd::testing;

namespace {

// Two servers, and a ledger that could not be read.
Desk after_damage() {
    Arbiter arbiter = Arbiter::after_damage(rules(2), t0(), 0);
    const auto first = arbiter.step(ClockTicked{}, t0());
    REQUIRE(std::holds_alternative<Remember>(first.front()));
    return Desk(rules(2), std::get<Remember>(first.front()).record);
}

}  // namespace

TEST_CASE(
    "a server that knows a higher epoch than the ledger makes it rise, after the longest lease") {
    Desk desk = led();
    auto beat = replica();
    beat.seen = Epoch{9};
    CHECK_FALSE(desk.acked("wiki2", beat));
    CHECK(desk.ledger->epoch == Epoch{9});
    CHECK(desk.ledger->closed);
    CHECK(desk.state() == LeaseState::quarantine);
    CHECK_FALSE(desk.acked("wiki1", master(Epoch{5})));
    desk.pass(65s);  // 60 s * 1.001 + 5 s, from the start
    desk.hear("wiki1", fenced(Epoch{5}));
    desk.hear("wiki2", beat);
    CHECK(desk.state() == LeaseState::quarantine);
    desk.pass(60ms);
    desk.hear("wiki3", replica());
    CHECK(desk.state() == LeaseState::window);
    CHECK(prepare_of(desk.denied("wiki3", replica())) == Epoch{10});
}

TEST_CASE("an epoch that nobody can have reached does not move the ledger") {
    for (const std::uint64_t epoch :
         {std::uint64_t{UINT64_MAX}, std::uint64_t{1} << 62, 6 + epoch_jump_max}) {
        CAPTURE(epoch);
        Desk desk = led();
        auto beat = replica();
        beat.seen = Epoch{epoch};
        beat.promised = Epoch{epoch};
        desk.hear("wiki2", beat);
        CHECK(desk.arbiter.record().epoch == Epoch{5});
        CHECK(desk.told(Kind::refused) == 1);
        CHECK(desk.state() == LeaseState::held);
        // Nor may it lead: its own record would refuse every epoch that it is granted.
        const GroupStatus status = desk.arbiter.status(desk.now);
        CHECK(status.servers.at(1).why == "claims an impossible epoch");
    }
    Desk desk = led();
    auto beat = replica();
    beat.seen = Epoch{5 + epoch_jump_max};
    desk.hear("wiki2", beat);
    CHECK(desk.arbiter.record().epoch == beat.seen);
}

TEST_CASE(
    "after a damaged record: the longest quarantine, then above all epochs that are reported") {
    Desk desk = after_damage();
    auto beat = replica();
    beat.seen = Epoch{17};
    desk.hear("wiki1", beat);
    desk.pass(65060ms);
    desk.hear("wiki1", beat);
    CHECK(desk.state() == LeaseState::free);  // wiki2 has not reported
    desk.hear("wiki2", beat);
    CHECK(prepare_of(desk.denied("wiki2", beat)) == Epoch{18});
}

TEST_CASE("after a damaged record no epoch is given that anybody promised to another") {
    // The lost state may have granted it, and the ACK of that may have been lost too.
    Desk desk = after_damage();
    auto beat = replica();
    beat.seen = Epoch{17};
    beat.promised = Epoch{18};
    desk.hear("wiki1", beat);
    desk.pass(65060ms);
    desk.hear("wiki1", beat);
    beat.promised = Epoch{};
    desk.hear("wiki2", beat);
    CHECK(prepare_of(desk.denied("wiki2", beat)) == Epoch{19});
}

TEST_CASE(
    "a later epoch that is heard while the ledger fails counts when it can be written again") {
    // Seeds 58005092 and 58029377 of tests/sim, as they were then: epoch 2 was given twice.
    Desk desk = led();
    auto later = replica();
    later.seen = Epoch{9};
    desk.ledger_fails = true;
    desk.hear("wiki2", later);
    desk.hear("wiki2", later);
    CHECK(desk.ledger->epoch == Epoch{5});
    desk.ledger_fails = false;
    desk.pass(rules().lease);
    desk.hear("wiki3", replica());
    CHECK(desk.ledger->epoch == Epoch{9});
    CHECK(desk.state() == LeaseState::quarantine);
}

TEST_CASE("who promised the next epoch of one that is not closed shows an older copy") {
    // World 1218443 of tests/sim: it would follow nobody under the old epoch ever again.
    Desk desk = led();
    auto later = replica();
    later.promised = Epoch{6};
    desk.hear("wiki2", later);
    CHECK(desk.ledger->epoch == Epoch{6});
    CHECK(desk.ledger->semi_sync_unknown);
    CHECK(desk.state() == LeaseState::quarantine);
}
