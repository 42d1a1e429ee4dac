// A relay log that is thrown away takes with it what was received, and acknowledged, in a database
// that did not restart: its server says another start (docs/decisions/0015).

#include "tests/arbiter/post.h"

using namespace agent::test;
using namespace agent;

namespace {

heartbeat::GtidPosition at(const char* text) {
    return *heartbeat::GtidPosition::parse(text);
}

// A replica whose two threads run, and which has said so.
struct Replica : Post {
    static AgentRecord seen_before() {
        AgentRecord record;
        record.relay = {7, 0, {1, 2, 1}};
        return record;
    }
    explicit Replica(AgentRecord remembered = seen_before()) : Post(remembered) {
        database.relay = {1, 2, 1};
        begin();
    }
    Replica& threads(RelayLog log) {
        database.relay = log;
        database.io_running = database.io_connected = log.io != 0;
        database.sql_running = log.sql != 0;
        look();
        return *this;
    }
    bool says_another() const { return said().database_start != 7; }
};

}  // namespace

TEST_CASE(
    "a relay log that may have begun anew between two looks is another start of the database") {
    Replica post;
    REQUIRE(post.said().database_start == 7);
    SUBCASE("both threads are others: somebody said STOP SLAVE, and START SLAVE") {
        post.threads({3, 4, 2});
    }
    SUBCASE("both stopped and began one by one, and were looked at when one of them had") {
        post.threads({0, 4, 2});
    }
    SUBCASE("both stand, and what was received is not applied: the next start throws it away") {
        post.threads({0, 0, 1});
    }
    SUBCASE("both stand, and meanwhile they ran: of what they received then nobody knows") {
        post.threads({0, 0, 2, true});
    }
    CHECK(post.says_another());
    CHECK(post.noted(Kind::relay_lost));
    CHECK(post.disk.relay.generation == 1);
    const std::uint64_t said = post.said().database_start;
    post.beat();
    CHECK(post.said().database_start == said);
    CHECK(post.duty.stage() == Stage::follower);
}

TEST_CASE("as long as one thread runs on, or none was begun, the relay log is the same") {
    Replica post;
    post.threads({3, 2, 2});        // as Configure does
    post.threads({3, 4, 3});        // as who mends a stopped SQL thread does
    post.threads({0, 4, 3});        // as Prepare does
    post.threads({0, 0, 3, true});  // STOP SLAVE, with all applied
    post.threads({0, 0, 3, true});
    post.threads({5, 6, 4});  // and START SLAVE: there was nothing to throw away
    CHECK_FALSE(post.says_another());
    CHECK_FALSE(post.noted(Kind::relay_lost));
}

TEST_CASE("of two threads that stood more than one START SLAVE is one too many") {
    Replica post;
    post.threads({0, 0, 1, true});
    post.threads({5, 6, 3});
    CHECK(post.says_another());
}

TEST_CASE("who received nothing any more, and has applied all that, has lost nothing") {
    Replica post;
    post.database.received = at("0-1-105");
    post.threads({0, 2, 1}).look();
    SUBCASE("it follows another by now") {
        post.database.applied = post.database.received;
        post.threads({3, 4, 2});
        CHECK_FALSE(post.says_another());
    }
    SUBCASE("as a replica it is configured no more") {
        post.database.applied = post.database.received;
        post.database.replica_configured = false;
        post.threads({0, 0, 1});
        CHECK_FALSE(post.says_another());
    }
    SUBCASE("the threads stand, and say themselves that something was received since") {
        post.database.applied = post.database.received;
        post.threads({0, 0, 1});
        CHECK(post.says_another());
    }
    SUBCASE("but not when something is missing") {
        post.database.applied = post.database.received = at("0-1-104");
        post.threads({3, 4, 2});
        CHECK(post.says_another());
    }
    SUBCASE("nor when it was begun twice") {
        post.database.applied = post.database.received;
        post.threads({3, 4, 3});
        CHECK(post.says_another());
    }
}

TEST_CASE("where the relay log ends is not known of a look in which receiving was stopped") {
    Replica post;
    post.threads({0, 2, 1});  // its position was read before that, perhaps
    post.threads({3, 4, 2});
    CHECK(post.says_another());
}

TEST_CASE("another start of the database has a relay log of its own") {
    Replica post;
    post.threads({3, 4, 2});
    REQUIRE(post.says_another());
    post.database.start = 8;
    post.threads({1, 2, 1});
    CHECK(post.said().database_start == 8);
    CHECK(post.disk.relay == RelayKnown{8, 0, {1, 2, 1}});
}

TEST_CASE("an agent that was away compares with what it had seen before") {
    AgentRecord remembered;
    remembered.relay = {7, 3, {1, 2, 1}};
    SUBCASE("the same") {
        const Replica post(remembered);
        CHECK(post.said().database_start == start_said(7, 3));
    }
    SUBCASE("begun anew meanwhile") {
        remembered.relay.log = {8, 9, 0};
        const Replica post(remembered);
        CHECK(post.said().database_start == start_said(7, 4));
        CHECK(post.noted(Kind::relay_lost));
    }
    SUBCASE("the last number is followed by the first") {
        remembered.relay = {7, 0xffff, {8, 9, 0}};
        const Replica post(remembered);
        CHECK(post.said().database_start == start_said(7, 1));
    }
    SUBCASE("and one that remembers nothing says what it has hardly said before") {
        const Replica post(AgentRecord{});
        CHECK(post.said().database_start == start_said(7, 5));
    }
    SUBCASE("the database restarted, too") {
        remembered.relay.start = 6;
        const Replica post(remembered);
        CHECK(post.said().database_start == 7);
    }
}

TEST_CASE("no position of a new relay log is said, and nothing done, before it is durable") {
    Replica post;
    post.beat();
    REQUIRE(post.said().received);
    post.disk_fails = true;
    post.database.received = at("0-1-99");
    post.threads({3, 4, 2});
    post.pass(100ms);
    const auto sent = post.said().request;
    post.pass(2s);
    REQUIRE(post.said().request > sent);  // it goes on talking
    CHECK(post.said().database_start == 7);
    CHECK_FALSE(post.said().received);
    CHECK_FALSE(post.said().applied);
    post.prepare(Epoch{3});
    CHECK_FALSE(post.asked<Prepare>());
    post.disk_fails = false;
    post.pass(2s);
    CHECK(post.asked<Prepare>());
    CHECK(post.says_another());
    post.done(Verb::prepare, Epoch{3});
    post.threads({0, 4, 2});
    CHECK(post.said().promised == Epoch{3});
    CHECK(post.said().received == at("0-1-99"));
}

TEST_CASE("what was read as the relay log began anew is not said, and looked at again at once") {
    Replica post;
    post.database.received = at("0-1-110");
    post.database.applied = at("0-1-101");
    const auto looks = post.count<LookAtDatabase>(post.story);
    post.threads({3, 4, 2});
    CHECK(post.count<LookAtDatabase>(post.story) > looks);
    CHECK_FALSE(post.said().received);
    post.beat();
    CHECK(post.said().received == at("0-1-110"));
}

TEST_CASE("one whose relay log began anew since it asked for the lease gives it back") {
    Replica post;
    post.prepare(Epoch{3});
    post.done(Verb::prepare, Epoch{3});
    post.database.received = at("0-1-105");
    post.threads({0, 2, 1});
    post.beat();
    const auto asked = post.said().request;
    REQUIRE(post.said().wants == Wish::master);
    SUBCASE("before it was granted") {
        post.database.received = post.database.applied;
        post.threads({0, 0, 1});
        post.ack(Epoch{3}, asked);
        CHECK_FALSE(post.asked<Promote>());
    }
    SUBCASE("before it was promoted: the database is told what it was elected with") {
        post.ack(Epoch{3}, asked);
        REQUIRE(post.asked<Promote>());
        CHECK(post.find<Promote>()->relay == RelayLog{0, 2, 1});
        CHECK(post.find<Promote>()->start == 7);
        post.done(Verb::promote, Epoch{3}, false);
    }
    CHECK(post.noted(Kind::lease_lost));
    CHECK(post.asked<Demote>());
}

TEST_CASE("a promotion ends the relay log, and a master has none to lose") {
    Replica post;
    post.prepare(Epoch{3});
    post.done(Verb::prepare, Epoch{3});
    post.threads({0, 2, 1});
    post.ack(Epoch{3});
    post.now += 20ms;
    post.done(Verb::promote, Epoch{3});
    post.database.read_only = post.database.replica_configured = false;
    post.database.received = post.database.applied = at("0-1-200");
    post.threads({0, 0, 1});
    REQUIRE(post.duty.stage() == Stage::master);
    CHECK_FALSE(post.says_another());
    // Somebody tries START SLAVE there, which begins nothing.
    post.threads({0, 0, 3});
    CHECK_FALSE(post.says_another());
    CHECK(post.duty.stage() == Stage::master);
}

TEST_CASE("a promotion that failed half-way, and is tried again, is judged by a look first") {
    Replica post;
    post.prepare(Epoch{3});
    post.done(Verb::prepare, Epoch{3});
    post.threads({0, 2, 1});
    post.demotion = 500ms;
    post.ack(Epoch{3}, post.said().request, 4s);
    REQUIRE(post.count<Promote>(post.story) == 1);
    // Renewed until just before the time that it was given.
    for (int i = 0; i < 3; ++i) {
        post.pass(1s);
        post.ack(Epoch{3}, post.said().request, 4s);
    }
    post.pass(500ms);
    post.done(Verb::promote, Epoch{3}, false);
    CHECK(post.count<Promote>(post.story) == 1);
    post.database.replica_configured = false;
    post.threads({0, 0, 1});
    REQUIRE(post.count<Promote>(post.story) == 2);
    CHECK(post.find<Promote>()->relay == RelayLog{0, 0, 1});
    CHECK_FALSE(post.says_another());
}
