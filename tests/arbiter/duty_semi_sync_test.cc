// Who acknowledges, whose commits wait, and who is let in: as the newest obeyed reply says.

#include "tests/arbiter/post.h"

using namespace agent;
using namespace agent::test;

namespace {

const std::vector<ServerId> with_self{id("wiki1"), id("wiki3")};
const std::vector<ServerId> without{id("wiki3")};

heartbeat::Barred wiki3() {
    return {id("wiki3"), {address(13)}};
}

}  // namespace

TEST_CASE("a replica acknowledges when it finds itself in the set, and only then") {
    Post post;
    post.begin();
    post.set = without;
    post.follow(Epoch{3});
    REQUIRE(post.asked<Configure>());  // whatever it was set to before
    CHECK_FALSE(post.find<Configure>()->semi_sync);
    CHECK_FALSE(post.find<Configure>()->leads);
    CHECK_FALSE(post.said().semi_sync);
    post.beat();
    post.set = with_self;
    post.follow(Epoch{3});
    CHECK(post.find<Configure>()->semi_sync);
    CHECK(post.find<Configure>()->mark == post.mark);
    CHECK(post.said().semi_sync);
    post.beat();
    post.set = without;
    post.follow(Epoch{3});
    CHECK_FALSE(post.find<Configure>()->semi_sync);
    post.beat();
    const std::size_t asked = post.count<Configure>(post.story);
    post.follow(Epoch{3});
    post.beat();
    CHECK(post.count<Configure>(post.story) == asked);  // nothing to do
}

TEST_CASE("one that is told to follow is set with that") {
    Post post;
    post.database.upstream = address(13);
    post.set = with_self;
    post.begin().follow(Epoch{3});
    REQUIRE(post.asked<Follow>());
    CHECK(post.find<Follow>()->semi_sync);
    post.database.upstream = address(12);
    post.database.semi_sync = true;
    post.now += 10ms;
    post.done(Verb::follow, Epoch{3});
    post.look();
    CHECK_FALSE(post.asked<Configure>());
}

TEST_CASE("a new agent does not believe what the database is set to") {
    Post post({Epoch{3}, Epoch{}, Epoch{}});
    post.database.semi_sync = true;
    post.begin();
    CHECK_FALSE(post.asked<Configure>());  // nobody has told it anything yet
    post.set = with_self;
    post.follow(Epoch{3});
    REQUIRE(post.asked<Configure>());
    CHECK(post.find<Configure>()->semi_sync);
}

TEST_CASE("a database that restarted is set anew, and so is one that somebody set otherwise") {
    Post post;
    post.set = with_self;
    post.begin().follow(Epoch{3});
    post.pass(10s).look();
    const std::size_t asked = post.count<Configure>(post.story);
    REQUIRE(asked == 1);
    SUBCASE("it restarted, and says the same") {
        post.database.start = 8;
    }
    SUBCASE("somebody") {
        post.database.semi_sync = false;
    }
    post.look();
    CHECK(post.count<Configure>(post.story) == asked + 1);
    CHECK(post.find<Configure>()->semi_sync);
}

TEST_CASE("when the set changes while a verb runs, what counts is the set after it") {
    Post post;
    post.configures = false;
    post.set = with_self;
    post.begin().follow(Epoch{3});
    REQUIRE(post.find<Configure>()->semi_sync);
    post.pass(1s);
    post.set = without;
    post.follow(Epoch{3});
    CHECK(post.count<Configure>(post.story) == 1);  // one verb at a time
    post.database.semi_sync = true;
    post.done(Verb::configure, Epoch{3});
    CHECK(post.count<Configure>(post.story) == 1);  // nor before it was looked at
    post.pass(1ms).look();
    CHECK(post.count<Configure>(post.story) == 2);
    CHECK_FALSE(post.find<Configure>()->semi_sync);
}

TEST_CASE("a prepare waits for the setting that is under way, and a demotion does not") {
    Post post;
    post.configures = false;
    SUBCASE("prepare") {
        post.begin().follow(Epoch{3});
        REQUIRE(post.asked<Configure>());
        post.pass(1s).prepare(Epoch{4});
        CHECK_FALSE(post.asked<Prepare>());
        post.done(Verb::configure, Epoch{3});
        CHECK(post.asked<Prepare>());
    }
    SUBCASE("demote") {
        post.lead(Epoch{3});
        post.set = without;
        post.pass(1s).ack(Epoch{3});
        REQUIRE(post.asked<Configure>());
        post.pass(1s).deny(Epoch{3}, heartbeat::NoOrder{}, DenyReason::closed_epoch);
        CHECK(post.asked<Demote>());
        post.done(Verb::configure, Epoch{3});  // late: changes nothing
        CHECK(post.duty.stage() == Stage::demoting);
    }
}

TEST_CASE("a candidate is not set before it is told what comes next") {
    Post post;
    post.set = with_self;
    post.begin().prepare(Epoch{4});
    post.now += 10ms;
    post.done(Verb::prepare, Epoch{4});
    post.database.io_running = post.database.io_connected = false;
    post.look();
    CHECK_FALSE(post.asked<Configure>());
}

TEST_CASE("commits wait from the first on when the set has anybody, else they wait for nobody") {
    Post post;
    SUBCASE("somebody") {
        post.set = without;
    }
    SUBCASE("nobody") {}
    post.begin().ack(Epoch{3});
    REQUIRE(post.asked<Promote>());
    CHECK(post.find<Promote>()->semi_sync == !post.set.empty());
    CHECK(post.find<Promote>()->start == 7);
}

TEST_CASE("a master's commits begin and cease to wait with the set, and whom it bars is told") {
    Post post;
    post.set = without;
    post.database.semi_sync = true;
    post.lead(Epoch{3});
    post.pass(1s);
    CHECK(post.said().semi_sync);
    CHECK_FALSE(post.asked<Configure>());  // promotion has set it
    post.configures = false;
    post.set.clear();
    post.barred = {wiki3()};
    post.ack(Epoch{3});
    REQUIRE(post.asked<Configure>());
    CHECK(post.find<Configure>()->leads);
    CHECK_FALSE(post.find<Configure>()->semi_sync);
    CHECK(post.find<Configure>()->barred == post.barred);
    post.pass(1s);
    CHECK(post.said().barred == 0);  // not yet in force
    SUBCASE("in force") {
        const std::uint64_t before = post.said().request;
        post.database.semi_sync = false;
        post.done(Verb::configure, Epoch{3});
        post.look();
        CHECK(post.said().request > before);  // at once: the arbiter waits for it
        CHECK(post.said().barred == post.mark);
        post.pass(1s).ack(Epoch{3});
        post.beat();
        CHECK(post.said().barred == post.mark);  // the same list, in a newer reply
        SUBCASE("and then another boot of the arbiter asks for the same") {
            post.mark = 0;
            post.step(Introduced{}).tick();
            CHECK(post.said().barred == 0);
            post.ack(Epoch{3});
            post.beat();
            CHECK(post.said().barred == 1);
        }
        SUBCASE("another list is not in force by that") {
            const std::uint64_t last = post.mark;
            post.barred = {{id("wiki2"), {address(12)}}, wiki3()};
            post.ack(Epoch{3});
            post.pass(1s);
            CHECK(post.said().barred < last);
        }
        SUBCASE("and it is not when the lease is lost") {
            post.pass(1s).deny(Epoch{3}, heartbeat::NoOrder{}, DenyReason::closed_epoch);
            CHECK(post.said().barred == 0);
        }
    }
    SUBCASE("it fails, and is tried again") {
        post.done(Verb::configure, Epoch{3}, false);
        post.look();
        CHECK(post.said().barred == 0);
        const std::size_t asked = post.count<Configure>(post.story);
        post.ack(Epoch{3});
        post.pass(300ms).look();
        CHECK(post.count<Configure>(post.story) == asked + 1);
    }
    SUBCASE("another boot of the arbiter began while it ran: its mark means nothing there") {
        post.step(Introduced{});
        post.done(Verb::configure, Epoch{3});
        post.look();
        CHECK(post.said().barred == 0);
    }
}

TEST_CASE("whom the ACK bars is barred before the first write, and after a DENY too") {
    Post post;
    post.set = without;
    post.barred = {wiki3()};
    post.database.semi_sync = true;
    post.lead(Epoch{3});
    REQUIRE(post.asked<Promote>());
    CHECK(post.find<Promote>()->barred == post.barred);
    post.pass(1s).look();
    const std::uint64_t granted = post.mark;
    // While its database does not answer it asks for nothing, and is answered by a DENY.
    post.database.reachable = false;
    post.look();
    REQUIRE(post.said().wants == Wish::nothing);
    post.deny(Epoch{3}, heartbeat::NoOrder{}, DenyReason::not_fit);
    post.database.reachable = true;
    post.look().pass(1s).look();
    REQUIRE(post.duty.stage() == Duty::Stage::master);
    CHECK_FALSE(post.asked<Configure>());
    CHECK(post.said().barred <= granted);  // the DENY did not say whom
}

TEST_CASE("one that is told to wait begins to follow nobody") {
    Post post;
    post.begin();
    post.set = with_self;
    post.follow(Epoch{3});
    post.beat();
    const std::size_t follows = post.count<Follow>(post.story);
    post.set = without;
    post.deny(Epoch{3}, heartbeat::WaitOrder{});
    REQUIRE(post.asked<Configure>());
    CHECK_FALSE(post.find<Configure>()->semi_sync);
    CHECK_FALSE(post.find<Configure>()->receives);  // nor what it wrote itself, in silence
    post.database.io_running = post.database.io_connected = false;
    post.beat();
    post.deny(Epoch{3}, heartbeat::WaitOrder{});
    post.beat();
    CHECK(post.count<Follow>(post.story) == follows);
    post.follow(Epoch{3});
    CHECK(post.count<Follow>(post.story) == follows + 1);
}

// The arbiter orders nothing of one whose database was not seen.
TEST_CASE("to follow anew needs an order to follow: none is not one, nor does it undo a wait") {
    Post post;
    post.begin();
    heartbeat::Order order = heartbeat::NoOrder{};
    bool acknowledged = false;
    SUBCASE("after one to follow") {
        acknowledged = true;
        post.set = with_self;
        post.follow(Epoch{3});
        post.beat();
    }
    SUBCASE("after one to wait") {
        post.follow(Epoch{3});
        post.beat();
        order = heartbeat::WaitOrder{};
    }
    const std::size_t follows = post.count<Follow>(post.story);
    post.set = without;
    post.deny(Epoch{3}, order);
    post.database.io_running = post.database.io_connected = false;
    post.beat();
    post.deny(Epoch{3}, heartbeat::NoOrder{});
    post.beat();
    CHECK(post.count<Follow>(post.story) == follows);
    REQUIRE(post.asked<Configure>());
    CHECK(post.find<Configure>()->receives !=
          acknowledged);  // nor what it wrote itself, in silence
    post.follow(Epoch{3});
    CHECK(post.count<Follow>(post.story) == follows + 1);
}

TEST_CASE("an arbiter that only observes changes nothing, and a virgin stays one") {
    Post post;
    post.database.read_only = false;
    post.database.replica_configured = false;
    post.database.semi_sync = true;
    post.begin();
    for (int i = 0; i < 5; ++i) {
        post.deny(Epoch{2}, heartbeat::NoOrder{}, DenyReason::observing);
        post.pass(1s).look();
    }
    CHECK_FALSE(post.asked<Demote>());
    CHECK_FALSE(post.asked<Configure>());
    AgentRecord nothing_else;
    nothing_else.relay.start = post.database.start;
    CHECK(post.disk == nothing_else);
    CHECK(post.said().mark > 0);
}

TEST_CASE("a virgin's database is not set before it is told who leads") {
    Post post;
    post.database.semi_sync = true;
    post.begin();
    post.deny(Epoch{}, heartbeat::WaitOrder{}, DenyReason::awaiting_first);
    post.pass(1s).look();
    CHECK_FALSE(post.asked<Configure>());
}

TEST_CASE("D is the arbiter's, and a quarter of the lease when that makes no sense") {
    Post post;
    Duration d = 1500ms;
    SUBCASE("as told") {
        d = post.demotion = 2500ms;
    }
    SUBCASE("none") {}
    SUBCASE("as long as the lease") {
        post.demotion = 6s;
    }
    SUBCASE("below zero") {
        post.demotion = -1s;
    }
    post.lead(Epoch{3});
    post.pass(*post.duty.deadline() - d - 1ns - post.now);
    CHECK_FALSE(post.asked<Demote>());
    post.pass(1ns);
    CHECK(post.asked<Demote>());
}

TEST_CASE("a database that restarted after it asked gives the lease back, and never was writable") {
    Post post;
    post.begin();
    const std::uint64_t asked = post.said().request;
    post.database.start = 8;
    post.pass(10ms).look();
    post.ack(Epoch{3}, asked);
    CHECK_FALSE(post.asked<Promote>());
    REQUIRE(post.asked<Demote>());
    post.now += 10ms;
    post.done(Verb::demote, Epoch{});
    post.pass(10ms).look();
    CHECK(post.said().role == Role::fenced);
    CHECK(post.said().held == Epoch{3});
    CHECK(post.said().wants == Wish::release);
}
