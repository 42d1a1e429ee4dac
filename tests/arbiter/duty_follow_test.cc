#include "tests/arbiter/post.h"

using namespace agent;
using namespace agent::test;

TEST_CASE("on DENY a replica that follows another is put right, and asks the DNS") {
    Post post;
    post.database.upstream = address(13);
    post.begin().follow(Epoch{3});
    CHECK(post.asked<AskMasterRecord>());
    REQUIRE(post.asked<Follow>());
    CHECK(post.find<Follow>()->addresses == std::vector{address(12)});
    CHECK(post.find<Follow>()->epoch == Epoch{3});
    CHECK(post.disk.seen == Epoch{3});
    post.database.upstream = address(12);
    post.now += 50ms;
    post.done(Verb::follow, Epoch{3});
    post.look();
    CHECK(post.noted(Kind::following));
    CHECK(post.said().role == Role::replica);
    CHECK(post.said().upstream == id("wiki2"));
    SUBCASE("and later somebody points it elsewhere: it is mended") {
        post.database.upstream = address(14);
        post.pass(1s).look();
        CHECK(post.noted(Kind::mended));
        CHECK(post.count<Follow>(post.story) == 2);
    }
}

TEST_CASE(
    "a replica that is as it should be is left alone, and the DNS is asked at most once in H") {
    Post post;
    post.begin();
    for (int i = 0; i < 10; ++i) {
        post.follow(Epoch{3});
        post.pass(1s).look();
    }
    CHECK_FALSE(post.asked<Follow>());
    CHECK(post.count<AskMasterRecord>(post.story) == 10);
    post.follow(Epoch{3});
    post.pass(10ms).page(false);
    post.follow(Epoch{3});
    CHECK(post.count<AskMasterRecord>(post.story) == 11);
}

TEST_CASE(
    "replication that waits for a dead master is left to it, and a prepare comes through at once") {
    Post post;
    post.begin().follow(Epoch{3});
    post.database.io_connected = false;  // "Connecting": the thread is there, the master is not
    for (int i = 0; i < 20; ++i) post.pass(1s).look();
    CHECK_FALSE(post.asked<Follow>());
    CHECK_FALSE(post.said().health.replication);
    post.prepare(Epoch{4});
    CHECK(post.asked<Prepare>());
    post.now += 10ms;
    post.done(Verb::prepare, Epoch{4});
    post.pass(1ms).look();
    CHECK(post.said().promised == Epoch{});  // it may still connect: that is no promise
    CHECK(post.count<Prepare>(post.story) == 2);
    post.now += 10ms;
    post.done(Verb::prepare, Epoch{4});
    post.database.io_running = false;
    post.pass(100ms).look();
    CHECK(post.said().promised == Epoch{4});
}

TEST_CASE("a follow that fails is tried again, with longer and longer pauses") {
    Post post;
    post.database.replica_configured = post.database.io_running = false;
    post.database.io_connected = false;
    post.begin().follow(Epoch{3});
    std::vector<Instant> tries;
    for (int i = 0; i < 400; ++i) {
        if (post.count<Follow>(post.story) > tries.size()) {
            tries.push_back(post.now);
            post.done(Verb::follow, Epoch{3}, false);
        }
        post.pass(1s).look();
    }
    REQUIRE(tries.size() >= 7);
    CHECK(tries[1] - tries[0] >= 4s);
    CHECK(tries[2] - tries[1] >= 8s);
    CHECK(tries[6] - tries[5] >= 60s);
    CHECK(tries[6] - tries[5] <= 62s);
}

TEST_CASE("prepare: stop receiving, promise on disk, look, and then say it with the positions") {
    Post post;
    post.begin().prepare(Epoch{4});
    REQUIRE(post.asked<Prepare>());
    CHECK(post.find<Prepare>()->epoch == Epoch{4});
    post.now += 10ms;
    post.step(VerbDone{Verb::prepare, Epoch{4}, true, ""});
    CHECK(post.disk.promised == Epoch{});
    post.tick();
    CHECK(post.disk.promised == Epoch{4});
    CHECK(post.asked<LookAtDatabase>());
    post.pass(1s);
    CHECK(post.said().promised == Epoch{});  // what it has is not known yet
    post.database.io_running = false;
    post.database.received = *heartbeat::GtidPosition::parse("0-1-200");
    post.look();
    CHECK(post.said().promised == Epoch{4});
    CHECK(post.said().received->text() == "0-1-200");
    CHECK(post.said().seen == Epoch{3});  // a prepare is not an epoch that was granted
    CHECK(post.duty.stage() == Stage::candidate);
}

TEST_CASE("nobody below the promise is followed, and one that receives again is stopped again") {
    Post post;
    post.begin().prepare(Epoch{4});
    post.now += 10ms;
    post.done(Verb::prepare, Epoch{4});
    post.database.io_running = false;
    post.look();
    post.pass(1s);
    post.follow(Epoch{3});
    CHECK_FALSE(post.asked<Follow>());
    post.database.io_running = true;  // somebody said START SLAVE
    post.pass(100ms).look();
    CHECK(post.count<Prepare>(post.story) == 2);
    post.pass(1s).follow(Epoch{4});
    CHECK_FALSE(post.asked<Follow>());  // one verb at a time
    post.database.upstream = address(13);
    post.done(Verb::prepare, Epoch{4});
    post.pass(1ms).look();
    CHECK(post.asked<Follow>());
}

TEST_CASE("the arbiter's word wins over the DNS, and a difference that stays is told once") {
    Post post;
    post.begin().follow(Epoch{3});
    post.step(MasterRecordSeen{{address(13)}});
    CHECK_FALSE(post.noted(Kind::mismatch));  // the record may be a moment behind
    for (int i = 0; i < 3; ++i) post.step(MasterRecordSeen{{address(13)}});
    CHECK(std::count_if(post.story.begin(), post.story.end(), [](const Effect& effect) {
              const auto* note = std::get_if<Note>(&effect);
              return note && note->kind == Kind::mismatch;
          }) == 1);
    CHECK_FALSE(post.asked<Follow>());
}

// Seeds 621, 3067, 101157 and 103609 of tests/sim, as they were then.
TEST_CASE("a server that was told it has what its master lacks is errant until a master takes it") {
    Post post;
    post.begin().follow(Epoch{3});
    post.database.refused = true;
    post.database.replication_error = "1236: not in the master's binlog";
    post.database.io_running = post.database.io_connected = false;
    post.pass(1s).look();
    REQUIRE(post.said().errant == heartbeat::Errant::refused);
    // The master dies, and the error with the connection: it knows no better now.
    post.database.refused = false;
    post.database.replication_error = "2003: no connection";
    post.database.io_running = true;
    post.pass(1s).look();
    CHECK(post.said().errant == heartbeat::Errant::refused);
    post.database.replication_error.clear();
    post.pass(1s).look();
    CHECK(post.said().errant == heartbeat::Errant::refused);
    // Nor does a restart of the database, which forgets all errors.
    post.database.start = 8;
    post.database.io_running = post.database.sql_running = false;
    post.pass(1s).look();
    CHECK(post.said().errant == heartbeat::Errant::refused);
    // It asks all the same: only an operator's word gives it anything.
    CHECK(post.said().wants == Wish::master);
    SUBCASE("a master takes it again") {
        post.database.io_running = post.database.io_connected = post.database.sql_running = true;
        post.pass(1s).look();
        CHECK(post.said().errant == heartbeat::Errant::no);
        CHECK(post.said().wants == Wish::master);
    }
    SUBCASE("somebody puts other data in their place") {
        post.database.start = 9;
        post.database.received = post.database.applied = *heartbeat::GtidPosition::parse("0-2-200");
        post.pass(1s).look();
        CHECK(post.said().errant == heartbeat::Errant::no);
    }
    SUBCASE("somebody writes to it after a restart, which is no other data") {
        post.database.received = post.database.applied = *heartbeat::GtidPosition::parse("0-2-200");
        post.pass(1s).look();
        CHECK(post.said().errant == heartbeat::Errant::wrote);
    }
    SUBCASE("it is made to lead by an operator's word, and what it has is what there is") {
        post.done(Verb::follow, Epoch{3}, false).pass(1s).look();
        post.ack(Epoch{4}).tick();
        REQUIRE(post.asked<Promote>());
        post.done(Verb::promote, Epoch{4});
        post.database.read_only = false;
        post.database.replica_configured = false;
        post.look();
        CHECK(post.said().role == Role::master);
        CHECK(post.said().errant == heartbeat::Errant::no);
    }
    SUBCASE("connected, and what it is sent can not be applied") {
        post.database.io_running = post.database.io_connected = post.database.sql_running = true;
        post.database.replication_error = "1950: out of order";
        post.database.wrote = true;
        post.pass(1s).look();
        CHECK(post.said().errant == heartbeat::Errant::wrote);
    }
}

TEST_CASE("who was found errant while it is connected is taken by another connection alone") {
    // Seed 79030326 of tests/sim, as it was then: the connection of before went on, and the next
    // look took that for the word of a master.
    Post post;
    post.begin().follow(Epoch{3});
    post.database.io_running = post.database.io_connected = post.database.sql_running = true;
    post.database.relay.io = 40;
    post.database.wrote = true;
    post.pass(1s).look();
    REQUIRE(post.said().errant == heartbeat::Errant::wrote);
    post.database.wrote = false;
    post.pass(1s).look();
    CHECK(post.said().errant == heartbeat::Errant::wrote);
    post.database.relay.io = 41;
    post.pass(1s).look();
    CHECK(post.said().errant == heartbeat::Errant::no);
}

TEST_CASE("by whom it was refused is known of what began under that master, and over a restart") {
    Post post;
    post.begin().follow(Epoch{3});
    post.database.refused = true;
    post.database.io_running = post.database.io_connected = false;
    post.now += 1ms;
    post.look();
    CHECK(post.said().errant == heartbeat::Errant::refused);
    CHECK(post.said().refused_under == Epoch{3});
    REQUIRE(post.asked<Follow>());
    post.now += 1ms;
    post.done(Verb::follow, Epoch{3}, false).look();
    // Another leads now, and what the last one said still stands in the database.
    post.pass(1s).follow(Epoch{4});
    post.now += 1ms;
    post.look();
    CHECK(post.said().refused_under == Epoch{3});
    SUBCASE("it refuses it too") {
        post.now += 1s;
        post.done(Verb::follow, Epoch{4}, false).look();
        CHECK(post.said().refused_under == Epoch{4});
    }
    SUBCASE("it could not be asked: it is somewhere else") {
        post.database.upstream = address(13);
        post.now += 1s;
        post.done(Verb::follow, Epoch{4}, false).look();
        CHECK(post.said().refused_under == Epoch{3});
    }
    SUBCASE("another run of the agent says the same") {
        Post again(post.disk);
        again.database = post.database;
        again.begin();
        CHECK(again.said().errant == heartbeat::Errant::refused);
        CHECK(again.said().refused_under == Epoch{3});
    }
    SUBCASE("what was written by hand is worse, and no refusal hides it") {
        post.database.refused = false;
        post.database.wrote = true;
        post.now += 1ms;
        post.look();
        CHECK(post.said().errant == heartbeat::Errant::wrote);
        post.database.wrote = false;
        post.database.refused = true;
        post.now += 1ms;
        post.look();
        CHECK(post.said().errant == heartbeat::Errant::wrote);
        CHECK(post.said().refused_under == Epoch{});
    }
}

TEST_CASE("a prepare that fails is tried again later, but one for a higher epoch at once") {
    Post post;
    post.begin().prepare(Epoch{4});
    for (int i = 0; i < 5; ++i) {
        post.done(Verb::prepare, Epoch{4}, false);
        post.pass(10s);
    }
    post.done(Verb::prepare, Epoch{4}, false);
    const std::size_t before = post.count<Prepare>(post.story);
    post.pass(1s).prepare(Epoch{4});
    CHECK(post.count<Prepare>(post.story) == before);
    post.pass(1s).prepare(Epoch{5});
    CHECK(post.count<Prepare>(post.story) == before + 1);
    CHECK(post.find<Prepare>()->epoch == Epoch{5});
}
