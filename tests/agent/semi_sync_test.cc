// Who waits for whom, and who is let in, on real MariaDB servers.

#include "agent/io/mariadb.h"
#include "tests/agent/node.h"

#include <atomic>
#include <future>
#include <thread>

#include <doctest/doctest.h>

using namespace agent;
using namespace agent::test;
using heartbeat::boot_now;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

heartbeat::Barred barred(heartbeat::Address from) {
    return {*ServerId::parse("wiki2"), {from}};
}

// On loopback every replica connects from the same address.
heartbeat::Address loopback() {
    return heartbeat::Address::v4({127, 0, 0, 1});
}

std::string accounts(const Node& node) {
    return node.server.value(
        "SELECT GROUP_CONCAT(CONCAT(User, '@', Host) ORDER BY User, Host) FROM mysql.global_priv "
        "WHERE User LIKE '%repl'");
}

bool writes(const Node& node) {
    return node.server.root().run("INSERT INTO wiki.page (t) VALUES ('w')").has_value();
}

// A write that is on its way, and waits.
std::future<bool> begin_write(const Node& node) {
    return std::async(std::launch::async, [&node] { return writes(node); });
}

bool waits(std::future<bool>& write) {
    return write.wait_for(milliseconds(400)) == std::future_status::timeout;
}

}  // namespace

TEST_CASE("a promoted server's commits wait for a replica from the first on, or for nobody") {
    Node one(1);
    SUBCASE("they wait, and as soon as one acknowledges they are through") {
        REQUIRE(one.promote(seconds(5), true).why == "");
        CHECK(one.look().semi_sync);
        CHECK(one.server.value("SELECT @@rpl_semi_sync_master_wait_point") == "AFTER_SYNC");
        auto made = std::async(std::launch::async, [&] { make_table(one); });
        CHECK(made.wait_for(milliseconds(400)) == std::future_status::timeout);
        Node two(2);
        CHECK(two.follow(one, true).why == "");
        CHECK(two.look().semi_sync);
        made.get();
        CHECK(becomes([&] { return one.look().semi_sync_clients == 1; }));
        CHECK(writes(one));
    }
    SUBCASE("they do not, whatever was set before") {
        one.server.run("SET GLOBAL rpl_semi_sync_master_enabled=1");
        REQUIRE(one.promote(seconds(5), false).why == "");
        CHECK_FALSE(one.look().semi_sync);
        make_table(one);
    }
}

TEST_CASE("a replica begins and ends to acknowledge, and its relay log stays") {
    Couple couple(false);
    auto& [one, two] = couple;
    CHECK_FALSE(two.look().semi_sync);
    // What is received and not yet applied would be lost by a restart of both threads.
    Session lock = hold_back(two, one);
    const auto want = two.look().received;
    one.server.freeze();  // nobody can send it again
    CHECK(two.configure(false, true).why == "");
    CHECK(two.look().semi_sync);
    CHECK(two.look().received == want);
    one.server.thaw();
    CHECK(becomes([&] { return two.look().io_connected; }));
    CHECK(two.server.value("SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE "
                           "VARIABLE_NAME='Rpl_semi_sync_slave_status'") == "ON");
    CHECK(two.configure(false, false).why == "");
    CHECK_FALSE(two.look().semi_sync);
    CHECK(two.look().received == want);
    REQUIRE(lock.run("UNLOCK TABLES"));
    CHECK(becomes([&] { return two.look().applied == want; }));
}

TEST_CASE("who follows another master has applied first what came from the last") {
    Node one(1);
    Node two(2);
    Node three(3);
    REQUIRE(one.promote().why == "");
    make_table(one);
    REQUIRE(two.follow(one, true).why == "");
    REQUIRE(three.follow(one, false).why == "");
    REQUIRE(two.reaches(one));
    REQUIRE(three.reaches(one));
    REQUIRE(three.prepare().why == "");  // so that nobody but two has what comes now
    Session lock = hold_back(two, one);
    const auto want = two.look().received;
    SUBCASE("when it can not in time, it stays where it is, with all that it had") {
        const Outcome outcome = two.follow(three, true);
        CHECK_FALSE(outcome.ok);
        CHECK(outcome.why.find("what was received would be lost") != std::string::npos);
        CHECK(outcome.took < seconds(4));
        CHECK(two.look().received == want);
        CHECK(two.look().upstream == one.server.address());
        REQUIRE(lock.run("UNLOCK TABLES"));
    }
    SUBCASE("when it can, it has it in its own binary log") {
        std::thread later([&] {
            std::this_thread::sleep_for(milliseconds(300));
            (void)lock.run("UNLOCK TABLES");
        });
        (void)two.follow(three, true);
        later.join();
        CHECK(two.look().upstream == three.server.address());
    }
    CHECK(becomes([&] { return two.look().applied == want; }));
    CHECK(comes_to_rows(two, "2"));
}

TEST_CASE("a START SLAVE that lay in the socket of a stopped server does nothing too late") {
    Couple couple(false);
    auto& [one, two] = couple;
    REQUIRE(two.prepare().why == "");  // it has promised
    Session session = *Session::open(two.server.rules(), {seconds(1), seconds(10)});
    const std::atomic<bool> overtaken{false};
    const Instant give_up = boot_now() + milliseconds(300);
    // It stops when the agent has looked at the time for the last time.
    std::thread later;
    const mariadb::Leave leave{[&] {
                                   later = freeze_for(two, milliseconds(800));
                                   return boot_now();
                               },
                               give_up, overtaken};
    const auto done = mariadb::run_in_time(session, leave, "START SLAVE IO_THREAD");
    later.join();
    REQUIRE_FALSE(done);
    CHECK(done.error().find("it came too late") != std::string::npos);
    CHECK_FALSE(two.look().io_running);
    SUBCASE("and one that comes in time is done") {
        const mariadb::Leave ample{boot_now, boot_now() + seconds(5), overtaken};
        REQUIRE(mariadb::run_in_time(session, ample, "START SLAVE IO_THREAD"));
        CHECK(two.look().io_running);
    }
}

TEST_CASE("a replica that can not apply is not made to begin anew, and keeps what it received") {
    Couple couple;
    auto& [one, two] = couple;
    Session root = two.server.root();
    REQUIRE(root.run("SET SESSION sql_log_bin=0"));
    REQUIRE(root.run("DROP TABLE wiki.page"));
    REQUIRE(writes(one));
    REQUIRE(becomes([&] { return !two.look().sql_running; }));
    const auto received = two.look().received;
    REQUIRE(received == one.look().applied);
    const Outcome off = two.configure(false, false);
    CHECK_FALSE(off.ok);
    CHECK(off.why.find("would be lost") != std::string::npos);
    CHECK(two.look().received == received);
}

TEST_CASE("a master's commits begin and cease to wait, and a replica of it waits for nobody") {
    Node one(1);
    Node two(2);
    REQUIRE(one.promote().why == "");
    make_table(one);
    REQUIRE(one.configure(true, true).why == "");
    auto write = begin_write(one);
    CHECK(waits(write));
    // The set is empty now: who waited is told "committed", and is.
    REQUIRE(one.configure(true, false).why == "");
    CHECK(write.get());
    CHECK(one.configure(true, true).why == "");
    SUBCASE("one that became a replica applies without waiting") {
        REQUIRE(one.demote().why == "");
        REQUIRE(two.promote().why == "");
        // An empty new master lacks what the old one has; it is cloned.
        REQUIRE(one.demote().why == "");
        CHECK(one.configure(true, false).why.find("read-only") != std::string::npos);
        (void)one.follow(two, false);
        CHECK(one.server.value("SELECT @@rpl_semi_sync_master_enabled") == "0");
    }
}

TEST_CASE("a barred replica loses its connection and gets none, until it is barred no more") {
    Couple couple;
    auto& [one, two] = couple;
    REQUIRE(one.configure(true, true).why == "");
    REQUIRE(writes(one));
    const std::string position = one.server.value("SELECT @@global.gtid_binlog_pos");

    CHECK(one.configure(true, true, {barred(loopback())}).why == "");
    CHECK(one.look().semi_sync_clients == 0);
    CHECK(accounts(one) == "repl@%,repl@127.0.0.1");
    CHECK(one.server.value("SELECT @@global.gtid_binlog_pos") ==
          position);                          // nothing is replicated
    std::this_thread::sleep_for(seconds(2));  // it tries again each second
    CHECK(one.look().semi_sync_clients == 0);
    auto write = begin_write(one);
    CHECK(waits(write));
    CHECK(one.configure(true, true, {barred(loopback())}).why == "");  // again: no harm

    CHECK(one.configure(true, true).why == "");
    CHECK(accounts(one) == "repl@%");
    CHECK(write.get());  // it came back by itself
}

TEST_CASE("who is barred does not keep others out") {
    Couple couple;
    auto& [one, two] = couple;
    const auto connection = [&] {
        return one.server.value(
            "SELECT GROUP_CONCAT(ID) FROM information_schema.PROCESSLIST WHERE USER='repl'");
    };
    const std::string before = connection();
    REQUIRE(before != "NULL");
    CHECK(one.configure(true, true, {barred(heartbeat::Address::v4({127, 0, 5, 2}))}).why == "");
    CHECK(connection() == before);
    CHECK(writes(one));
}

TEST_CASE(
    "an account for just the barred address is put aside, and gets its name and rights back") {
    Node one(1);
    REQUIRE(one.promote().why == "");
    one.server.run(
        "CREATE USER 'repl'@'127.0.0.1' IDENTIFIED BY 'secret' WITH "
        "MAX_USER_CONNECTIONS 7");
    one.server.run("GRANT REPLICATION SLAVE ON *.* TO 'repl'@'127.0.0.1'");
    const auto priv = [&] {
        return one.server.value(
            "SELECT Priv FROM mysql.global_priv WHERE User='repl' AND "
            "Host='127.0.0.1'");
    };
    const std::string before = priv();
    Node two(2);
    REQUIRE(one.configure(true, false, {barred(loopback())}).why == "");
    CHECK(accounts(one) == "arbiter-aside-repl@127.0.0.1,repl@%,repl@127.0.0.1");
    CHECK(priv() != before);
    SUBCASE("when it is barred no more") {
        REQUIRE(one.configure(true, false).why == "");
    }
    SUBCASE("when the server is promoted again") {
        REQUIRE(one.demote().why == "");
        REQUIRE(one.promote().why == "");
    }
    SUBCASE("also when the agent died between two of its steps") {
        one.server.run("DROP USER 'repl'@'127.0.0.1'");
        REQUIRE(one.configure(true, false).why == "");
    }
    CHECK(accounts(one) == "repl@%,repl@127.0.0.1");
    CHECK(priv() == before);
}

TEST_CASE("where an account is for a host's name nobody can be barred for sure, and it says so") {
    Node one(1);
    Node two(2);
    REQUIRE(one.promote().why == "");
    one.server.run("CREATE USER 'repl'@'wiki2.example' IDENTIFIED BY 'secret'");
    const Outcome outcome = one.configure(true, true, {barred(loopback())});
    CHECK_FALSE(outcome.ok);
    CHECK(outcome.why.find("'repl'@'wiki2.example'") != std::string::npos);
    CHECK(one.look().semi_sync);  // which does not depend on it
}

TEST_CASE("nothing is promoted in a database that restarted since it asked") {
    Node one(1);
    const DatabaseView before = one.look();
    one.server.kill();
    one.server.start();
    const Outcome outcome = one.promote_as(before, seconds(5), false);
    CHECK(outcome.why == "the database restarted since it asked");
    CHECK(one.look().read_only);
    CHECK(one.promote().why == "");
}
