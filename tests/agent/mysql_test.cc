// The verbs of the agent against real MariaDB servers.

#include "agent/duty/sequence.h"
#include "agent/io/mariadb.h"
#include "heartbeat/io/clock.h"
#include "tests/agent/node.h"

#include <atomic>
#include <optional>
#include <thread>

#include <doctest/doctest.h>

using namespace agent;
using namespace agent::test;
using heartbeat::boot_now;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_CASE("three servers: promoted, followed, prepared, handed over and rejoined without a loss") {
    Node one(1);
    Node two(2);
    Node three(3);

    CHECK(one.promote().why == "");
    CHECK(one.server.value("SELECT @@global.read_only") == "0");
    make_table(one);
    CHECK(two.follow(one).why == "");
    CHECK(three.follow(one).why == "");
    REQUIRE(two.reaches(one));
    REQUIRE(three.reaches(one));
    CHECK(comes_to_rows(two, "1"));

    const DatabaseView replica = two.look();
    CHECK(replica.reachable);
    CHECK(replica.why.empty());
    CHECK(replica.read_only);
    CHECK(replica.replica_configured);
    CHECK(replica.upstream == one.server.address());
    CHECK(replica.io_running);
    CHECK(replica.io_connected);
    CHECK(replica.sql_running);
    CHECK_FALSE(replica.refused);
    CHECK_FALSE(replica.wrote);
    CHECK(replica.received == one.look().applied);
    CHECK(replica.lag == Duration(0));

    // A planned hand-over: the old master is fenced first.
    CHECK(one.demote().why == "");
    CHECK(one.look().read_only);
    CHECK(two.prepare().why == "");
    CHECK(three.prepare().why == "");
    const DatabaseView prepared = two.look();
    CHECK_FALSE(prepared.io_running);
    CHECK(prepared.sql_running);
    const auto before = *prepared.applied;
    CHECK(two.promote().why == "");
    CHECK_FALSE(two.look().replica_configured);
    two.server.run("INSERT INTO wiki.page (t) VALUES ('two')");
    const auto after = *two.look().applied;
    REQUIRE(after.entries().size() == 1);
    // docs/PROTOCOL.md, "Promotion": a lost tail must be seen as divergence.
    CHECK(after.entries()[0].sequence ==
          raised_sequence(Node::epoch, before.entries()[0].sequence) + 1);
    CHECK(after.entries()[0].sequence > before.entries()[0].sequence + sequence_step);

    CHECK(three.follow(two).why == "");
    CHECK(one.follow(two).why == "");
    REQUIRE(one.reaches(two));
    REQUIRE(three.reaches(two));
    CHECK(comes_to_rows(one, "2"));
    CHECK(comes_to_rows(three, "2"));

    // And back again: what was written as master and what was received since are one history.
    CHECK(two.demote().why == "");
    CHECK(one.promote().why == "");
    one.server.run("INSERT INTO wiki.page (t) VALUES ('three')");
    CHECK(two.follow(one).why == "");
    CHECK(three.follow(one).why == "");
    REQUIRE(two.reaches(one));
    CHECK(comes_to_rows(two, "3"));
    CHECK(comes_to_rows(three, "3"));

    // To follow whom it follows already changes nothing.
    CHECK(two.follow(one).why == "");
    CHECK(two.look().io_running);
}

// After a crash MariaDB cuts its own last transaction off; it must come back from the new master,
// though it carries the server's own id.
TEST_CASE("a killed master gets back from its successor what its recovery cut off") {
    Couple couple;
    auto& [one, two] = couple;
    for (int i = 0; i < 4; ++i) one.server.run("INSERT INTO wiki.page (t) VALUES ('of one')");
    REQUIRE(two.reaches(one));
    one.server.kill();  // at once: after a second InnoDB has its last commit on disk, too
    const auto whole = *two.look().applied;
    CHECK(two.prepare().why == "");
    CHECK(two.promote().why == "");
    two.server.run("INSERT INTO wiki.page (t) VALUES ('of two')");
    one.server.start();
    DatabaseView back;
    for (int i = 0; i < 100 && !back.reachable; ++i) {
        std::this_thread::sleep_for(milliseconds(50));
        back = one.look();
    }
    REQUIRE(back.reachable);
    WARN_MESSAGE(*back.applied < whole, "the machine was too slow: nothing was cut off");
    CHECK(one.follow(two).why == "");
    CHECK(one.reaches(two));
    CHECK(comes_to_rows(one, "6"));
    CHECK(comes_to_rows(two, "6"));
}

TEST_CASE("a replica goes on trying to reach a dead master, and can be prepared meanwhile") {
    Node one(1);
    Node two(2);
    REQUIRE(one.promote().why == "");
    REQUIRE(two.follow(one).why == "");
    one.server.kill();
    DatabaseView waits;
    for (int i = 0; i < 200 && (i == 0 || waits.io_connected); ++i) {
        std::this_thread::sleep_for(milliseconds(20));
        waits = two.look();
    }
    CHECK_FALSE(waits.io_connected);
    CHECK(waits.io_running);
    CHECK(two.follow(one).why != "");  // and does not wait long for what can not be
    CHECK(two.prepare().why == "");
    const DatabaseView prepared = two.look();
    CHECK_FALSE(prepared.io_running);
    CHECK(prepared.sql_running);
}

TEST_CASE("a look at a stopped or dead server comes back in time and says why") {
    Node one(1);
    const DatabaseView well = one.look();
    CHECK(well.reachable);
    CHECK(well.start != 0);
    CHECK(one.look().start == well.start);
    CHECK(well.flavour == heartbeat::GtidFlavour::mariadb);
    CHECK_FALSE(well.replica_configured);
    Duration took{};

    one.server.freeze();
    const DatabaseView frozen = one.look(&took);
    CHECK_FALSE(frozen.reachable);
    CHECK(frozen.why != "");
    CHECK(took < milliseconds(2000));
    // More looks than may wait behind it.
    for (int i = 0; i < 12; ++i) {
        CHECK_FALSE(one.look(&took).reachable);
        CHECK(took < milliseconds(2000));
    }
    one.server.thaw();
    DatabaseView back = one.look();
    for (int i = 0; i < 10 && !back.reachable; ++i) back = one.look();
    CHECK(back.reachable);
    CHECK(back.start == well.start);

    one.server.kill();
    const DatabaseView dead = one.look(&took);
    CHECK_FALSE(dead.reachable);
    CHECK(dead.why.find("200") != std::string::npos);
    CHECK(took < milliseconds(1000));
    CHECK_FALSE(one.demote().ok);
    one.server.start();
    const DatabaseView again = one.look();
    CHECK(again.reachable);
    CHECK(again.read_only);
    CHECK(again.start != well.start);
}

TEST_CASE("a server with commits that its master lacks is recognised as errant") {
    Couple couple;
    auto& [one, two] = couple;
    // Two masters for a moment: each has its own next transaction.
    CHECK(two.promote().why == "");
    two.server.run("INSERT INTO wiki.page (t) VALUES ('two')");
    one.server.run("INSERT INTO wiki.page (t) VALUES ('lost')");
    CHECK(one.demote().why == "");
    // It may be connected for a moment before the master refuses it: only looks tell for sure.
    (void)one.follow(two);
    DatabaseView seen = one.look();
    for (int i = 0; i < 200 && !seen.refused; ++i) {
        std::this_thread::sleep_for(milliseconds(20));
        seen = one.look();
    }
    CHECK(seen.refused);
    CHECK_FALSE(seen.wrote);
    CHECK(seen.replication_error.find("1236") != std::string::npos);
    CHECK_FALSE(seen.io_running);
}

TEST_CASE("a server that is not set up as it must be says so, and no positions") {
    Node one(1);
    CHECK(one.promote().why == "");
    make_table(one);
    REQUIRE(one.look().applied);
    one.server.run("SET GLOBAL gtid_strict_mode=0");
    const DatabaseView wrong = one.look();
    CHECK(wrong.reachable);
    CHECK(wrong.why == "gtid_strict_mode is off");
    CHECK_FALSE(wrong.applied);
    CHECK_FALSE(wrong.received);
    one.server.run("SET GLOBAL gtid_strict_mode=1");
    CHECK(one.look().applied);
}

TEST_CASE("a replica that was made by hand without GTID is not promoted") {
    Couple couple;
    auto& [one, two] = couple;
    two.server.run("STOP SLAVE");
    two.server.run("CHANGE MASTER TO MASTER_USE_GTID=no");
    two.server.run("START SLAVE");
    const Outcome promoted = two.promote();
    CHECK_FALSE(promoted.ok);
    CHECK(promoted.why.find("does not replicate by GTID (Using_Gtid: No)") != std::string::npos);
    const DatabaseView left = two.look();
    CHECK(left.read_only);
    CHECK(left.replica_configured);
}

TEST_CASE("what keeps a replica from following is told in the database's own words") {
    DatabaseLimits limits;
    limits.follow = seconds(2);
    Node one(1, limits);
    Node two(2);
    SUBCASE("nobody listens there") {
        two.server.kill();
        const Outcome followed = one.follow(two);
        CHECK_FALSE(followed.ok);
        CHECK(followed.why.find("2003") != std::string::npos);
        CHECK(followed.took < milliseconds(2500));
    }
    SUBCASE("the account is refused") {
        CHECK(two.promote().why == "");
        two.server.run("SET PASSWORD FOR 'repl'@'%' = PASSWORD('other')");
        const Outcome followed = one.follow(two);
        CHECK_FALSE(followed.ok);
        CHECK(followed.why.find("1045") != std::string::npos);
    }
}
