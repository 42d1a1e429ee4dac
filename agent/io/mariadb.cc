#include "agent/io/mariadb.h"

#include "agent/duty/sequence.h"
#include "agent/io/mariadb_rows.h"
#include "heartbeat/gtid.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <thread>

#include <fmt/format.h>

namespace agent::mariadb {

namespace {

using heartbeat::GtidPosition;
using std::chrono::milliseconds;

constexpr milliseconds poll_every{20};
// How long one address of the master may take to answer before the next is tried.
constexpr Duration connect_patience = std::chrono::milliseconds(500);
// How long one try to follow another master waits for what came from the last: no order waits
// longer.
constexpr Duration apply_patience = std::chrono::seconds(2);

// START SLAVE SQL_THREAD, then STOP SLAVE IO_THREAD: with both threads stopped the next START would
// throw the relay log away (LAB.md, F2).
Result stop_receiving(Session& session) {
    const auto status = replica_status(session);
    if (!status) return failed(status.error());
    if (!*status) return {};
    if (text_of(**status, "Slave_SQL_Running") != "Yes") {
        const auto done = session.run("START SLAVE SQL_THREAD");
        if (!done) return failed(done.error());
    }
    if (text_of(**status, "Slave_IO_Running") != "No") {
        const auto done = session.run("STOP SLAVE IO_THREAD");
        if (!done) return failed(done.error());
    }
    return {};
}

bool by_gtid(const Row& status) {
    const std::string by = text_of(status, "Using_Gtid");
    return by == "Slave_Pos" || by == "Current_Pos";
}

// Waits for all that was received to be applied.
Result drain(Session& session, const Leave& leave) {
    const auto status = replica_status(session);
    if (!status) return failed(status.error());
    if (!*status) return {};
    const auto received = GtidPosition::parse(text_of(**status, "Gtid_IO_Pos"));
    if (!received) return tl::unexpected<std::string>("a GTID position that is none");
    const std::string target = quoted(received->text());
    while (true) {
        const auto have = positions(session);
        if (!have) return failed(have.error());
        // By the position and not by the wait alone: what is in the own binary log was never
        // replicated, and MASTER_GTID_WAIT would wait for it for ever.
        if (have->applied().merged(*received) == have->applied()) return {};
        const auto now = replica_status(session);
        if (!now) return failed(now.error());
        if (*now && text_of(**now, "Slave_SQL_Running") != "Yes") {
            return tl::unexpected(fmt::format("replication stopped before all was applied: {}: {}",
                                              text_of(**now, "Last_SQL_Errno"),
                                              text_of(**now, "Last_SQL_Error")));
        }
        if (leave.ended())
            return tl::unexpected<std::string>(
                "not all that was received could be applied in time");
        const auto waited = session.value(fmt::format("SELECT MASTER_GTID_WAIT({}, 0.1)", target));
        if (!waited) return failed(waited.error());
    }
}

// The next write gets a number of the epoch's own (agent/duty/sequence.h), above all that was ever
// seen here; also in the domain that an empty server is going to write in. MariaDB lifts its
// counter when gtid_slave_pos is set, and never lets it down again; the position itself is put back
// in the same statement. No event is written, so that nothing has to wait for a semi-sync replica
// while none can be there yet.
Result raise_sequence(Session& session, Epoch epoch) {
    const auto have = positions(session);
    if (!have) return failed(have.error());
    const auto ids =
        session.ask("SELECT @@global.server_id AS server, @@global.gtid_domain_id AS domain");
    if (!ids) return failed(ids.error());
    const auto server = static_cast<std::uint32_t>(number_of(text_of(ids->at(0), "server")));
    const auto domain = static_cast<std::uint32_t>(number_of(text_of(ids->at(0), "domain")));
    std::vector<heartbeat::Gtid> raised = have->applied().entries();
    const bool wrote = std::any_of(raised.begin(), raised.end(), [&](const heartbeat::Gtid& gtid) {
        return gtid.domain == domain;
    });
    if (!wrote) raised.push_back({domain, server, 0});
    for (auto& gtid : raised) {
        gtid.server = server;
        gtid.sequence = raised_sequence(epoch, gtid.sequence);
    }
    const auto above = GtidPosition::of(std::move(raised));
    if (!above) return tl::unexpected<std::string>("a GTID position that is none");
    const auto done = session.run(fmt::format(
        "BEGIN NOT ATOMIC SET GLOBAL gtid_slave_pos={}; SET GLOBAL gtid_slave_pos={}; END",
        quoted(above->text()), quoted(have->applied().text())));
    if (!done) return failed(done.error());
    return {};
}

bool follows_already(const Row& status, const DatabaseRules& rules, const Address& address) {
    return text_of(status, "Master_Host") == address.text() &&
           number_of(text_of(status, "Master_Port")) == rules.replication_port &&
           text_of(status, "Master_User") == rules.replication_user &&
           text_of(status, "Using_Gtid") == "Slave_Pos";
}

// CHANGE MASTER throws the relay log away, and with it what this server has received, says that it
// has, and may have acknowledged: all of it is applied first. One that can not apply it stays where
// it is, and says why.
Result apply_received(Session& session, const Row& status, const Leave& leave) {
    const bool kept = text_of(status, "Slave_IO_Running") != "No" ||
                      text_of(status, "Slave_SQL_Running") == "Yes";
    if (!kept || !by_gtid(status)) return {};  // nobody counts it, and it can not be kept
    if (auto ready = stop_receiving(session); !ready) return ready;
    const Leave soon{leave.now, std::min(leave.give_up, leave.now() + apply_patience),
                     leave.overtaken};
    if (auto drained = drain(session, soon); !drained)
        return tl::unexpected("what was received would be lost: " + drained.error());
    return {};
}

Result point_at(Session& session, const DatabaseRules& rules, const Address& address,
                const Leave& leave) {
    if (auto done = run_in_time(session, leave, "STOP SLAVE"); !done) return done;
    const auto have = positions(session);
    if (!have) return failed(have.error());
    // What was written here as master is in the binary log only; from there it goes on.
    if (have->applied() != have->slave) {
        const auto set = session.run(
            fmt::format("SET GLOBAL gtid_slave_pos={}", quoted(have->applied().text())));
        if (!set) return failed(set.error());
    }
    return run_in_time(
        session, leave,
        fmt::format("CHANGE MASTER TO MASTER_HOST={}, MASTER_PORT={}, MASTER_USER={}, "
                    "MASTER_PASSWORD={}, MASTER_USE_GTID=slave_pos, MASTER_CONNECT_RETRY=1, "
                    "MASTER_HEARTBEAT_PERIOD=1",
                    quoted(address.text()), rules.replication_port, quoted(rules.replication_user),
                    quoted(rules.replication_password)));
}

// A replica passes over events of its own server id in silence, and a killed master whose recovery
// cut its last transactions off needs just those back. With semi-sync enabled (and
// gtid_strict_mode, which look() asks for) MariaDB takes them when they are newer than what it has
// (MDEV-21117, MDEV-27760). So the arbiter has such a server in S before it is told to follow
// (docs/decisions/0001).
Result start_replica(Session& session, bool acknowledges, const Leave& leave) {
    const auto before = replica_status(session);
    if (!before) return failed(before.error());
    const bool receives = *before && text_of(**before, "Slave_IO_Running") != "No";
    if (auto done = set_acknowledging(session, acknowledges); !done) return done;
    if (auto done = run_in_time(session, leave, "START SLAVE"); !done) return done;
    // One that begins now takes the setting by itself.
    return receives ? restart_receiving(session, acknowledges, true, leave) : Result{};
}

// Both threads run and are connected, or the database's own words why not.
Result wait_running(Session& session, Instant until, const Leave& leave) {
    while (true) {
        const auto status = replica_status(session);
        if (!status) return failed(status.error());
        if (!*status) return tl::unexpected<std::string>("the replica's configuration is gone");
        DatabaseView view;
        add_replica(view, **status);
        if (view.io_connected && view.sql_running) return {};
        // A thread that is "No" does not come back by itself; one that is "Connecting" may.
        const bool given_up =
            !view.replication_error.empty() && (!view.io_running || !view.sql_running);
        if (given_up || leave.ended() || leave.now() >= until) {
            return tl::unexpected(view.replication_error.empty()
                                      ? "replication does not run, without an error"
                                      : view.replication_error);
        }
        std::this_thread::sleep_for(poll_every);
    }
}

}  // namespace

Result prepare(Session& session) {
    const auto status = replica_status(session);
    if (!status) return failed(status.error());
    if (!*status) return {};
    const bool by_hand = text_of(**status, "Slave_SQL_Running") != "Yes" &&
                         number_of(text_of(**status, "Last_SQL_Errno")) == 0;
    if (!by_hand || text_of(**status, "Slave_IO_Running") == "No") return stop_receiving(session);
    // A look has to find it beside the other thread: of two that never ran at one time nobody could
    // tell that their relay log is the same.
    const auto done = session.run("START SLAVE SQL_THREAD");
    if (!done) return failed(done.error());
    return tl::unexpected<std::string>("somebody had stopped applying: it begins again first");
}

Result promote(Session& session, const DatabaseRules& rules, const Promote& asked,
               const Leave& leave) {
    if (leave.ended()) return tl::unexpected<std::string>("the lease ends before it is writable");
    const auto read_only = is_read_only(session);
    if (!read_only) return failed(read_only.error());
    const auto status = replica_status(session);
    if (!status) return failed(status.error());
    if (!*read_only && !*status)
        return configure_master(session, rules, asked.semi_sync, asked.barred, leave);
    // Without GTID nobody knows what was received, and RESET SLAVE ALL would throw it away.
    if (*status && !by_gtid(**status))
        return tl::unexpected(fmt::format(
            "it does not replicate by GTID (Using_Gtid: {}), so that what it received is not "
            "known: STOP SLAVE; CHANGE MASTER TO MASTER_USE_GTID=slave_pos; START SLAVE",
            text_of(**status, "Using_Gtid")));
    if (auto ready = stop_receiving(session); !ready) return ready;
    if (auto drained = drain(session, leave); !drained) return drained;
    for (const char* statement : {"STOP SLAVE", "RESET SLAVE ALL"}) {
        if (leave.ended())
            return tl::unexpected<std::string>("the lease ends before it is writable");
        if (const auto done = session.run(statement); !done) return failed(done.error());
    }
    if (*read_only) {
        if (auto raised = raise_sequence(session, asked.epoch); !raised) return raised;
    }
    if (auto opened = bar(session, rules, asked.barred, leave); !opened) return opened;
    if (auto set = set_acknowledging(session, false); !set) return set;
    if (auto set = set_waiting(session, asked.semi_sync); !set) return set;
    return become_writable(session, leave);
}

Result follow(Session& session, const DatabaseRules& rules, const std::vector<Address>& addresses,
              bool semi_sync, const Leave& leave) {
    if (addresses.empty()) return tl::unexpected<std::string>("the master has no address");
    if (auto fenced = set_read_only(session); !fenced) return fenced;
    // What is applied would wait for an acknowledgement, too. Nobody else waits: it is read-only.
    if (auto set = set_waiting(session, false); !set) return set;
    Result last;
    for (std::size_t i = 0; i < addresses.size(); ++i) {
        if (leave.ended()) break;
        const auto status = replica_status(session);
        if (!status) return failed(status.error());
        if (!*status || !follows_already(**status, rules, addresses[i])) {
            if (*status)
                if (auto done = apply_received(session, **status, leave); !done) return done;
            if (auto done = point_at(session, rules, addresses[i], leave); !done) return done;
        }
        if (leave.ended()) break;
        if (const auto done = start_replica(session, semi_sync, leave); !done) return done;
        // Not long: the thread goes on trying by itself, and an election must not wait for this
        // verb.
        last =
            wait_running(session, std::min(leave.give_up, leave.now() + connect_patience), leave);
        if (last) return {};
    }
    if (!last) return last;
    return tl::unexpected<std::string>("overtaken");
}

Result set_read_only(Session& session) {
    const auto done = session.run("SET GLOBAL read_only=1");
    if (!done) return failed(done.error());
    return {};
}

tl::expected<bool, SqlError> is_read_only(Session& session) {
    const auto value = session.value("SELECT @@global.read_only");
    if (!value) return tl::unexpected(value.error());
    return *value != "0";
}

tl::expected<std::size_t, SqlError> kill_clients(Session& session, const std::string& own_user,
                                                 std::uint64_t last) {
    const auto rows = session.ask(fmt::format(
        "SELECT ID FROM information_schema.PROCESSLIST WHERE ID <= {} AND USER NOT IN ({}, "
        "'system user', 'event_scheduler') AND COMMAND NOT IN ('Binlog Dump', 'Register Slave', "
        "'Daemon', 'Killed', 'Slave_IO', 'Slave_SQL', 'Slave_worker')",
        last, quoted(own_user)));
    if (!rows) return tl::unexpected(rows.error());
    for (const Row& row : *rows) {
        const auto done = session.run("KILL HARD CONNECTION " + text_of(row, "ID"));
        // 1094: it has gone by itself.
        if (!done && done.error().code != 1094) return tl::unexpected(done.error());
    }
    return rows->size();
}

tl::expected<std::uint64_t, SqlError> last_connection(Session& session) {
    const auto value = session.value("SELECT MAX(ID) FROM information_schema.PROCESSLIST");
    if (!value) return tl::unexpected(value.error());
    return number_of(value->value_or("0"));
}

// The clock sequence of the UUIDs that it makes, drawn at its start by the time in nanoseconds and
// the process's number.
tl::expected<std::uint64_t, SqlError> start_mark(Session& session) {
    const auto value = session.value("SELECT CONV(SUBSTRING(UUID(), 20, 4), 16, 10)");
    if (!value) return tl::unexpected(value.error());
    return number_of(value->value_or("0")) & 0xffff;
}

}  // namespace agent::mariadb
