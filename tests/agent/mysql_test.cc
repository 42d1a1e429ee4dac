// The verbs of the agent against real MariaDB servers.

#include "agent/io/database.h"
#include "agent/io/mariadb.h"
#include "heartbeat/io/asio.h"
#include "heartbeat/io/clock.h"
#include "tests/agent/mariadb_server.h"

#include <atomic>
#include <optional>
#include <thread>

#include <doctest/doctest.h>

using namespace agent;
using agent::test::MariaDbServer;
using agent::test::Template;
using heartbeat::boot_now;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr std::uint16_t port = 15530;

const Template& made() {
    static const Template once;
    return once;
}

struct Outcome {
    bool ok = false;
    std::string why;
    Duration took{0};
};

// One server with its agent's side.
struct Node {
    explicit Node(unsigned id, DatabaseLimits limits = {})
        : server(made(), id, port), database(std::in_place, loop, server.rules(), limits) {}

    template <typename Ask>
    Outcome verb(Ask ask) {
        std::optional<Outcome> outcome;
        const Instant begun = boot_now();
        ask([&](bool ok, const std::string& why) {
            outcome = Outcome{ok, why, boot_now() - begun};
        });
        run_until([&] { return outcome.has_value(); });
        INFO(outcome->why);
        return *outcome;
    }
    Outcome promote(Duration within = seconds(5)) {
        return verb([&](auto done) { database->promote(boot_now() + within, done); });
    }
    Outcome follow(const Node& master) {
        return verb([&](auto done) { database->follow({master.server.address()}, done); });
    }
    Outcome prepare() {
        return verb([&](auto done) { database->prepare(done); });
    }
    Outcome demote() {
        return verb([&](auto done) { database->demote(done); });
    }
    DatabaseView look(Duration* took = nullptr) {
        std::optional<DatabaseView> view;
        const Instant begun = boot_now();
        database->look([&](const DatabaseView& seen, Instant) { view = seen; });
        run_until([&] { return view.has_value(); });
        if (took) *took = boot_now() - begun;
        return *view;
    }
    template <typename Until>
    void run_until(Until until) {
        const Instant end = boot_now() + seconds(30);
        while (!until() && boot_now() < end) {
            loop.restart();
            loop.run_one_for(milliseconds(20));
        }
        REQUIRE(until());
    }
    bool reaches(const Node& master, Duration within = seconds(10)) {
        const std::string want = master.server.value("SELECT @@global.gtid_binlog_pos");
        for (const Instant end = boot_now() + within; boot_now() < end;) {
            if (server.value("SELECT @@global.gtid_binlog_pos") == want) return true;
            std::this_thread::sleep_for(milliseconds(20));
        }
        return false;
    }

    boost::asio::io_context loop;
    MariaDbServer server;
    std::optional<Database> database;
};

void make_table(const Node& master) {
    master.server.run("CREATE DATABASE wiki");
    master.server.run("CREATE TABLE wiki.page (id INT PRIMARY KEY AUTO_INCREMENT, t VARCHAR(99))");
    master.server.run("INSERT INTO wiki.page (t) VALUES ('one')");
}

std::string rows(const Node& node) {
    return node.server.value("SELECT COUNT(*) FROM wiki.page");
}

}  // namespace

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
    CHECK(rows(two) == "1");

    const DatabaseView replica = two.look();
    CHECK(replica.reachable);
    CHECK(replica.why.empty());
    CHECK(replica.read_only);
    CHECK(replica.replica_configured);
    CHECK(replica.upstream == one.server.address());
    CHECK(replica.io_running);
    CHECK(replica.io_connected);
    CHECK(replica.sql_running);
    CHECK_FALSE(replica.errant);
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
    CHECK(after.entries()[0].sequence > before.entries()[0].sequence + 1'000'000);

    CHECK(three.follow(two).why == "");
    CHECK(one.follow(two).why == "");
    REQUIRE(one.reaches(two));
    REQUIRE(three.reaches(two));
    CHECK(rows(one) == "2");
    CHECK(rows(three) == "2");

    // And back again: what was written as master and what was received since are one history.
    CHECK(two.demote().why == "");
    CHECK(one.promote().why == "");
    one.server.run("INSERT INTO wiki.page (t) VALUES ('three')");
    CHECK(two.follow(one).why == "");
    CHECK(three.follow(one).why == "");
    REQUIRE(two.reaches(one));
    CHECK(rows(two) == "3");
    CHECK(rows(three) == "3");

    // To follow whom it follows already changes nothing.
    CHECK(two.follow(one).why == "");
    CHECK(two.look().io_running);
}

// After a crash MariaDB cuts its own last transaction off; it must come back from the new master,
// though it carries the server's own id.
TEST_CASE("a killed master gets back from its successor what its recovery cut off") {
    Node one(1);
    Node two(2);
    REQUIRE(one.promote().why == "");
    make_table(one);
    REQUIRE(two.follow(one).why == "");
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
    CHECK(rows(one) == "6");
    CHECK(rows(two) == "6");
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
        // Received, and blocked from being applied.
        Session lock = one.server.root();
        REQUIRE(lock.run("LOCK TABLES wiki.page READ"));
        two.server.run("INSERT INTO wiki.page (t) VALUES ('two')");
        std::this_thread::sleep_for(milliseconds(500));
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
                                       one.server.freeze();
                                       later = std::thread([&] {
                                           std::this_thread::sleep_for(milliseconds(800));
                                           one.server.thaw();
                                       });
                                       return boot_now();
                                   }
                                   return looks < 4 ? boot_now() : give_up - milliseconds(1);
                               },
                               give_up, overtaken};
    const auto promoted = mariadb::promote(session, leave);
    REQUIRE(later.joinable());
    later.join();
    REQUIRE_FALSE(promoted);
    CHECK(promoted.error().find("the lease ended before it was writable") != std::string::npos);
    CHECK(one.server.value("SELECT @@global.read_only") == "1");
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
    Node one(1);
    Node two(2);
    CHECK(one.promote().why == "");
    make_table(one);
    CHECK(two.follow(one).why == "");
    REQUIRE(two.reaches(one));
    // Two masters for a moment: each has its own next transaction.
    CHECK(two.promote().why == "");
    two.server.run("INSERT INTO wiki.page (t) VALUES ('two')");
    one.server.run("INSERT INTO wiki.page (t) VALUES ('lost')");
    CHECK(one.demote().why == "");
    // It may be connected for a moment before the master refuses it: only looks tell for sure.
    (void)one.follow(two);
    DatabaseView seen = one.look();
    for (int i = 0; i < 200 && !seen.errant; ++i) {
        std::this_thread::sleep_for(milliseconds(20));
        seen = one.look();
    }
    CHECK(seen.errant);
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
    Node one(1);
    Node two(2);
    CHECK(one.promote().why == "");
    make_table(one);
    CHECK(two.follow(one).why == "");
    REQUIRE(two.reaches(one));
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

TEST_CASE("the end of the agent waits ten seconds at most for a verb at a server that hangs") {
    Node one(1);
    Node two(2);
    CHECK(one.promote().why == "");
    make_table(one);
    CHECK(two.follow(one).why == "");
    REQUIRE(two.reaches(one));
    // A promotion that is on its way, and waits for what it can not apply.
    Session lock = two.server.root();
    REQUIRE(lock.run("LOCK TABLES wiki.page READ"));
    one.server.run("INSERT INTO wiki.page (t) VALUES ('two')");
    std::this_thread::sleep_for(milliseconds(300));
    two.database->promote(boot_now() + seconds(50), [](bool, const std::string&) {});
    std::this_thread::sleep_for(milliseconds(500));
    two.server.freeze();
    const Instant begun = boot_now();
    two.database.reset();
    const Duration took = boot_now() - begun;
    MESSAGE("ended in " << took.count() / 1000000 << " ms");
    CHECK(took < seconds(12));
    two.server.thaw();
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

TEST_CASE("a demotion overtakes a promotion that is still applying") {
    Node one(1);
    Node two(2);
    CHECK(two.promote().why == "");
    make_table(two);
    CHECK(one.follow(two).why == "");
    REQUIRE(one.reaches(two));
    Session lock = one.server.root();
    REQUIRE(lock.run("LOCK TABLES wiki.page READ"));
    two.server.run("INSERT INTO wiki.page (t) VALUES ('two')");
    std::this_thread::sleep_for(milliseconds(300));

    std::optional<std::string> promoted;
    one.database->promote(boot_now() + seconds(20),
                          [&](bool ok, const std::string& why) { promoted = ok ? "ok" : why; });
    std::this_thread::sleep_for(milliseconds(300));
    const Outcome demoted = one.demote();
    CHECK(demoted.why == "");
    CHECK(demoted.took < seconds(2));
    one.run_until([&] { return promoted.has_value(); });
    CHECK(promoted->find("overtaken") != std::string::npos);
    CHECK(one.look().read_only);
}
