#pragma once
// A real MariaDB server with its agent's side, as the tests of the verbs use it.

#include "agent/io/database.h"
#include "heartbeat/io/asio.h"
#include "heartbeat/io/clock.h"
#include "tests/agent/mariadb_server.h"

#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

namespace agent::test {

inline const Template& made() {
    static const Template once;
    return once;
}

struct Outcome {
    bool ok = false;
    std::string why;
    Duration took{0};
};

template <typename Condition>
bool becomes(Condition condition, Duration within = std::chrono::seconds(8)) {
    return lab::until(std::chrono::duration_cast<lab::Milliseconds>(within), condition);
}

// One server with its agent's side.
struct Node {
    explicit Node(unsigned id, DatabaseLimits limits = {})
        : server(made(), id), database(std::in_place, loop, server.rules(), limits) {}

    template <typename Ask>
    Outcome verb(Ask ask) {
        std::optional<Outcome> outcome;
        const Instant begun = heartbeat::boot_now();
        ask([&](bool ok, const std::string& why) {
            outcome = Outcome{ok, why, heartbeat::boot_now() - begun};
        });
        run_until([&] { return outcome.has_value(); });
        INFO(outcome->why);
        return *outcome;
    }
    Outcome promote(Duration within = std::chrono::seconds(5), bool semi_sync = false) {
        if (const DatabaseView view = look(); view.reachable) seen = view;
        return promote_as(seen, within, semi_sync);
    }
    static Promote promotion(const DatabaseView& of, Duration within, bool semi_sync) {
        epoch = epoch.next();
        return {epoch, heartbeat::boot_now() + within, of.start, of.relay, semi_sync};
    }
    Outcome promote_as(const DatabaseView& of, Duration within, bool semi_sync) {
        const Promote asked = promotion(of, within, semi_sync);
        return verb([&](auto done) { database->promote(asked, done); });
    }
    Outcome follow(const Node& master, bool semi_sync = true) {
        const Follow asked{
            *ServerId::parse("master"), {master.server.address()}, Epoch{1}, semi_sync};
        return verb([&](auto done) { database->follow(asked, done); });
    }
    Outcome configure(bool leads, bool semi_sync, std::vector<heartbeat::Barred> barred = {}) {
        const Configure asked{Epoch{1}, 1, semi_sync, std::move(barred), leads};
        return verb([&](auto done) { database->configure(asked, done); });
    }
    Outcome prepare() {
        return verb([&](auto done) { database->prepare(done); });
    }
    Outcome demote() {
        return verb([&](auto done) { database->demote(done); });
    }
    DatabaseView look(Duration* took = nullptr) {
        std::optional<DatabaseView> view;
        const Instant begun = heartbeat::boot_now();
        database->look([&](const DatabaseView& found, Instant) { view = found; });
        run_until([&] { return view.has_value(); });
        if (took) *took = heartbeat::boot_now() - begun;
        return *view;
    }
    template <typename Until>
    void run_until(Until until) {
        const Instant end = heartbeat::boot_now() + std::chrono::seconds(30);
        while (!until() && heartbeat::boot_now() < end) {
            loop.restart();
            loop.run_one_for(std::chrono::milliseconds(20));
        }
        REQUIRE(until());
    }
    bool reaches(const Node& master, Duration within = std::chrono::seconds(10)) {
        const std::string want = master.server.value("SELECT @@global.gtid_binlog_pos");
        return becomes([&] { return server.value("SELECT @@global.gtid_binlog_pos") == want; },
                       within);
    }

    static inline Epoch epoch;  // of the last promotion; each has its own
    boost::asio::io_context loop;
    DatabaseView seen;  // the last that was reachable before a promotion
    MariaDbServer server;
    std::optional<Database> database;
};

inline void make_table(const Node& master) {
    master.server.run("CREATE DATABASE wiki");
    master.server.run("CREATE TABLE wiki.page (id INT PRIMARY KEY AUTO_INCREMENT, t VARCHAR(99))");
    master.server.run("INSERT INTO wiki.page (t) VALUES ('one')");
}

inline std::string rows(const Node& node) {
    return node.server.value("SELECT COUNT(*) FROM wiki.page");
}
// What a replica has in its binary log can be read a moment later.
inline bool comes_to_rows(const Node& node, const std::string& count) {
    return becomes([&] { return rows(node) == count; });
}

// A master with a table, and a replica that has all of it.
struct Couple {
    explicit Couple(bool semi_sync = true) {
        REQUIRE(master.promote().why == "");
        make_table(master);
        REQUIRE(replica.follow(master, semi_sync).why == "");
        REQUIRE(replica.reaches(master));
    }
    Node master{1};
    Node replica{2};
};

// One more row of the master, which the replica has received and can not apply until the session
// that is returned says UNLOCK TABLES.
inline Session hold_back(Node& replica, Node& master) {
    Session lock = replica.server.root();
    REQUIRE(lock.run("LOCK TABLES wiki.page WRITE"));
    master.server.run("INSERT INTO wiki.page (t) VALUES ('held back')");
    const auto written = master.look().applied;
    REQUIRE(becomes([&] { return replica.look().received == written; }));
    return lock;
}

// The server stops now and goes on later; the thread ends then.
inline std::thread freeze_for(Node& node, Duration time) {
    node.server.freeze();
    return std::thread([&node, time] {
        std::this_thread::sleep_for(time);
        node.server.thaw();
    });
}

}  // namespace agent::test
