// Real MariaDB servers when the agent stops writing, or must not begin it: demotions, leases, ends.

#include "agent/io/mariadb.h"
#include "heartbeat/io/clock.h"
#include "tests/agent/node.h"

#include <atomic>
#include <optional>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

using namespace agent;
using namespace agent::test;
using heartbeat::boot_now;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

// Clients that write as fast as they can, each insert its own transaction, and come back when
// killed.
class Writers {
public:
    Writers(const Node& node, int count) {
        for (int i = 0; i < count; ++i) {
            threads_.emplace_back([this, &node] {
                while (!over_) {
                    try {
                        Session session = node.server.application();
                        while (!over_ && session.run("INSERT INTO wiki.page (t) VALUES ('w')")) {
                            last_ok_ = boot_now().time_since_epoch().count();
                            ++acknowledged_;
                        }
                    } catch (const std::exception&) {
                    }
                    std::this_thread::sleep_for(milliseconds(1));
                }
            });
        }
    }
    ~Writers() { end(); }
    void end() {
        over_ = true;
        for (std::thread& thread : threads_) thread.join();
        threads_.clear();
    }
    long acknowledged() const { return acknowledged_; }
    Instant last_ok() const { return Instant(Duration(last_ok_.load())); }

private:
    std::atomic<bool> over_{false};
    std::atomic<long> acknowledged_{0};
    std::atomic<std::int64_t> last_ok_{0};
    std::vector<std::thread> threads_;
};

}  // namespace

TEST_CASE("a demotion under writers and an open long update is quick, and nobody writes after it") {
    Node one(1);
    CHECK(one.promote().why == "");
    make_table(one);
    one.server.run("INSERT INTO wiki.page (t) SELECT 'x' FROM wiki.seq_1_to_100");
    std::optional<Writers> writers(std::in_place, one, 4);
    // A statement of two minutes, and a transaction that is open and idle.
    std::atomic<bool> long_failed{false};
    std::thread long_update([&] {
        Session session = one.server.application();
        long_failed = !session.run("UPDATE wiki.page SET t='y' WHERE id <= 100 AND SLEEP(1.2)=0");
    });
    Session idle = one.server.application();
    REQUIRE(idle.run("BEGIN"));
    REQUIRE(idle.run("INSERT INTO wiki.page (t) VALUES ('idle')"));
    std::this_thread::sleep_for(milliseconds(300));
    REQUIRE(writers->acknowledged() > 0);

    const Outcome demoted = one.demote();
    const Instant done = boot_now();
    CHECK(demoted.why == "");
    CHECK(demoted.took < seconds(2));
    MESSAGE("demoted in " << demoted.took.count() / 1000000 << " ms");
    const std::string after = rows(one);
    std::this_thread::sleep_for(milliseconds(300));
    CHECK(rows(one) == after);
    CHECK(writers->last_ok() <= done);
    CHECK_FALSE(idle.run("COMMIT"));
    long_update.join();
    CHECK(long_failed);
    writers->end();
    // One row by make_table, a hundred more, and every acknowledged one: no less and no more.
    CHECK(std::stol(rows(one)) >= 101 + writers->acknowledged());
    Session reader = one.server.application();
    CHECK(reader.ask("SELECT COUNT(*) FROM wiki.page"));
    CHECK_FALSE(reader.run("INSERT INTO wiki.page (t) VALUES ('late')"));
}

TEST_CASE("a demotion gets rid of a commit that waits for a semi-sync replica") {
    Node one(1);
    CHECK(one.promote().why == "");
    make_table(one);
    one.server.run("SET GLOBAL rpl_semi_sync_master_timeout=3600000");
    one.server.run("SET GLOBAL rpl_semi_sync_master_enabled=1");
    std::atomic<bool> acknowledged{false};
    std::thread waiter([&] {
        Session session = one.server.application();
        if (session.run("INSERT INTO wiki.page (t) VALUES ('waits')")) acknowledged = true;
    });
    std::this_thread::sleep_for(milliseconds(300));
    CHECK(one.look().semi_sync);
    const Outcome demoted = one.demote();
    CHECK(demoted.why == "");
    CHECK(demoted.took < seconds(3));
    waiter.join();
    // Switching semi-sync off would have told the client "committed".
    CHECK_FALSE(acknowledged);
}

TEST_CASE("nothing becomes writable when the lease has ended") {
    Node one(1);
    CHECK_FALSE(one.promote(milliseconds(0)).ok);
    CHECK(one.look().read_only);

    SUBCASE("not even when a server that was stopped goes on later") {
        one.server.freeze();
        const Outcome stopped = one.promote(milliseconds(700));
        CHECK_FALSE(stopped.ok);
        CHECK(stopped.took < milliseconds(1500));
        one.server.thaw();
        for (int i = 0; i < 40; ++i) {
            CHECK(one.server.value("SELECT @@global.read_only") == "1");
            std::this_thread::sleep_for(milliseconds(25));
        }
    }
    SUBCASE("and not before all that was received is applied") {
        Node two(2);
        CHECK(two.promote().why == "");
        make_table(two);
        CHECK(one.follow(two).why == "");
        REQUIRE(one.reaches(two));
        Session lock = hold_back(one, two);
        const DatabaseView behind = one.look();
        REQUIRE(behind.received);
        CHECK(*behind.received > *behind.applied);
        CHECK(one.promote(milliseconds(900)).why.find("in time") != std::string::npos);
        CHECK(one.look().read_only);
        REQUIRE(lock.run("UNLOCK TABLES"));
        CHECK(one.promote().why == "");
        CHECK(rows(one) == "2");
    }
}

TEST_CASE("a statement that lay in the socket of a stopped server does nothing after the lease") {
    Node one(1);
    Session session = *Session::open(one.server.rules(), {seconds(1), seconds(10)});
    const std::atomic<bool> overtaken{false};
    const Instant give_up = boot_now() + milliseconds(400);
    // The server stops when the agent has looked at its clock for the last time before read_only=0.
    int looks = 0;
    std::thread later;
    const mariadb::Leave leave{[&] {
                                   if (++looks == 4) {
                                       later = freeze_for(one, milliseconds(800));
                                       return boot_now();
                                   }
                                   return looks < 4 ? boot_now() : give_up - milliseconds(1);
                               },
                               give_up, overtaken};
    const auto promoted = mariadb::promote(session, one.server.rules(),
                                           Node::promotion({}, milliseconds(400), false), leave);
    REQUIRE(later.joinable());
    later.join();
    REQUIRE_FALSE(promoted);
    CHECK(promoted.error().find("the lease ended before it was writable") != std::string::npos);
    CHECK(one.server.value("SELECT @@global.read_only") == "1");
}

TEST_CASE("the end of the agent waits ten seconds at most for a verb at a server that hangs") {
    Couple couple;
    auto& [one, two] = couple;
    // A promotion that is on its way, and waits for what it can not apply.
    const Session lock = hold_back(two, one);
    two.database->promote(Node::promotion(two.look(), seconds(50), false),
                          [](bool, const std::string&) {});
    std::this_thread::sleep_for(milliseconds(500));
    two.server.freeze();
    const Instant begun = boot_now();
    two.database.reset();
    const Duration took = boot_now() - begun;
    MESSAGE("ended in " << took.count() / 1000000 << " ms");
    CHECK(took < seconds(12));
    two.server.thaw();
}

TEST_CASE("a demotion overtakes a promotion that is still applying") {
    Couple couple;
    auto& [two, one] = couple;
    const Session lock = hold_back(one, two);

    std::optional<std::string> promoted;
    one.database->promote(Node::promotion(one.look(), seconds(20), false),
                          [&](bool ok, const std::string& why) { promoted = ok ? "ok" : why; });
    std::this_thread::sleep_for(milliseconds(300));
    const Outcome demoted = one.demote();
    CHECK(demoted.why == "");
    CHECK(demoted.took < seconds(2));
    one.run_until([&] { return promoted.has_value(); });
    CHECK(promoted->find("overtaken") != std::string::npos);
    CHECK(one.look().read_only);
}
