// What real MariaDB servers show of a relay log that was thrown away (docs/decisions/0015).

#include "tests/agent/node.h"

using namespace agent;
using namespace agent::test;
using std::chrono::seconds;

namespace {

// The master can send nothing again, and goes on when this ends.
struct Frozen {
    explicit Frozen(Node& node) : server(node.server) { server.freeze(); }
    ~Frozen() { server.thaw(); }
    MariaDbServer& server;
};

// A row that the replica has received and can not apply: its table is gone there.
void break_applying(Node& replica, Node& master) {
    Session root = replica.server.root();
    REQUIRE(root.run("SET SESSION sql_log_bin=0"));
    REQUIRE(root.run("DROP TABLE wiki.page"));
    master.server.run("INSERT INTO wiki.page (t) VALUES ('can not be applied')");
    REQUIRE(becomes([&] { return !replica.look().sql_running; }));
    REQUIRE(becomes([&] { return replica.look().received == master.look().applied; }));
}

}  // namespace

TEST_CASE("STOP SLAVE and START SLAVE throw away what was not applied, and the view shows it") {
    Couple couple;
    auto& [one, two] = couple;
    break_applying(two, one);
    const DatabaseView before = two.look();
    REQUIRE(before.received != before.applied);
    const Frozen frozen(one);
    Session root = *Session::open(two.server.rules(), {seconds(2), seconds(10)});
    REQUIRE(root.run("STOP SLAVE"));
    SUBCASE("of both threads") {
        REQUIRE(root.run("START SLAVE"));
    }
    SUBCASE("of the one that applies, alone") {
        REQUIRE(root.run("START SLAVE SQL_THREAD"));
    }
    SUBCASE("of the one that receives, alone") {
        REQUIRE(root.run("START SLAVE IO_THREAD"));
    }
    const DatabaseView after = two.look();
    CHECK(after.received == before.applied);
    CHECK(after.start == before.start);  // it is the same start of the database
    CHECK(may_be_lost(before.relay, after.relay, false));
    CHECK(after.relay.starts == before.relay.starts + 1);
}

TEST_CASE("a relay log that was begun anew and filled again shows by its threads alone") {
    Couple couple;
    auto& [one, two] = couple;
    const DatabaseView before = two.look();
    REQUIRE(before.relay.io != 0);
    REQUIRE(before.relay.sql != 0);
    two.server.run("STOP SLAVE");
    two.server.run("START SLAVE");
    REQUIRE(becomes([&] { return two.look().io_connected; }));
    const DatabaseView after = two.look();
    CHECK(after.received == before.received);
    CHECK(may_be_lost(before.relay, after.relay, false));
}

TEST_CASE("two threads that stand show whether all was applied that they had received") {
    Couple couple;
    auto& [one, two] = couple;
    SUBCASE("it was") {
        const DatabaseView before = two.look();
        two.server.run("STOP SLAVE");
        const DatabaseView after = two.look();
        CHECK(after.relay.drained);
        CHECK_FALSE(may_be_lost(before.relay, after.relay, false));
        two.server.run("START SLAVE");
        CHECK_FALSE(may_be_lost(after.relay, two.look().relay, false));
    }
    SUBCASE("it was not, and counts as lost before anybody begins them") {
        break_applying(two, one);
        const DatabaseView before = two.look();
        two.server.run("STOP SLAVE");
        const DatabaseView after = two.look();
        CHECK_FALSE(after.relay.drained);
        CHECK(after.received == after.applied);
        CHECK(may_be_lost(before.relay, after.relay, false));
    }
    SUBCASE("RESET SLAVE leaves nothing that could tell") {
        const DatabaseView before = two.look();
        two.server.run("STOP SLAVE");
        two.server.run("RESET SLAVE");
        const DatabaseView after = two.look();
        CHECK_FALSE(after.relay.drained);
        CHECK(may_be_lost(before.relay, after.relay, false));
    }
}

TEST_CASE("what the agent has its database do throws nothing away") {
    Couple couple(false);
    auto& [one, two] = couple;
    DatabaseView last = two.look();
    const auto kept = [&] {
        const DatabaseView now = two.look();
        const bool reached = last.relay.io == 0 && *now.applied >= *last.received;
        const bool lost = may_be_lost(last.relay, now.relay, reached);
        last = now;
        return !lost;
    };
    CHECK(two.configure(false, true).why == "");
    CHECK(kept());
    CHECK(two.configure(false, false).why == "");
    CHECK(kept());
    two.server.run("STOP SLAVE SQL_THREAD");
    CHECK(kept());
    // The thread has to be seen beside the other before that one is stopped.
    CHECK(two.prepare().why == "somebody had stopped applying: it begins again first");
    CHECK(kept());
    CHECK(two.prepare().why == "");
    CHECK(kept());
    CHECK_FALSE(last.io_running);
    CHECK(two.follow(one, true).why == "");
    CHECK(kept());
    CHECK(two.prepare().why == "");
    CHECK(kept());
    SUBCASE("as it follows another") {
        Node three(3);
        REQUIRE(three.follow(one, false).why == "");
        REQUIRE(three.reaches(one));
        REQUIRE(three.promote().why == "");
        CHECK(two.follow(three, true).why == "");
        CHECK(kept());
    }
    SUBCASE("as it is promoted, and follows again") {
        CHECK(two.promote().why == "");
        CHECK(kept());
        CHECK(two.demote().why == "");
        REQUIRE(one.demote().why == "");
        Node three(3);
        REQUIRE(three.follow(two, false).why == "");
        REQUIRE(three.reaches(two));
        REQUIRE(three.promote().why == "");
        CHECK(kept());
        CHECK(two.follow(three, true).why == "");
        CHECK(kept());
    }
}

TEST_CASE("nothing is promoted when the relay log began anew since it asked") {
    Couple couple;
    auto& [one, two] = couple;
    REQUIRE(two.prepare().why == "");
    const DatabaseView view = two.look();
    SUBCASE("it did") {
        two.server.run("STOP SLAVE");
        two.server.run("START SLAVE SQL_THREAD");
        const Outcome outcome = two.promote_as(view, seconds(5), false);
        CHECK(outcome.why == "the relay log began anew since it asked");
        CHECK(two.look().read_only);
    }
    SUBCASE("it did not") {
        const Outcome outcome = two.promote_as(view, seconds(5), false);
        CHECK(outcome.why == "");
    }
}
