#include "agent/io/mariadb.h"

#include "heartbeat/gtid.h"

#include <algorithm>
#include <charconv>
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

std::string text_of(const Row& row, const char* column) {
    const auto found = row.find(column);
    return found == row.end() ? std::string() : found->second.value_or("");
}

std::uint64_t number_of(const std::string& text) {
    std::uint64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

tl::unexpected<std::string> failed(const SqlError& error) {
    return tl::unexpected(error.text);
}

// The default connection's; empty when the server is not configured as a replica.
tl::expected<std::optional<Row>, SqlError> replica_status(Session& session) {
    auto rows = session.ask("SHOW SLAVE STATUS");
    if (!rows) return tl::unexpected(rows.error());
    if (rows->empty()) return std::nullopt;
    return rows->front();
}

struct Positions {
    GtidPosition binlog;
    GtidPosition slave;
    // With log_slave_updates the binary log has all that was applied; gtid_slave_pos alone knows
    // where a copy that came from a backup stands.
    GtidPosition applied() const { return binlog.merged(slave); }
};

tl::expected<Positions, SqlError> positions(Session& session) {
    auto rows = session.ask(
        "SELECT @@global.gtid_binlog_pos AS binlog_pos, @@global.gtid_slave_pos AS slave_pos");
    if (!rows) return tl::unexpected(rows.error());
    const auto binlog = GtidPosition::parse(text_of(rows->at(0), "binlog_pos"));
    const auto slave = GtidPosition::parse(text_of(rows->at(0), "slave_pos"));
    if (!binlog || !slave) return tl::unexpected(SqlError{-1, "a GTID position that is none"});
    return Positions{*binlog, *slave};
}

void add_replica(DatabaseView& view, const Row& status) {
    view.replica_configured = true;
    view.upstream = Address::parse(text_of(status, "Master_Host"));
    view.io_running = text_of(status, "Slave_IO_Running") != "No";
    view.io_connected = text_of(status, "Slave_IO_Running") == "Yes";
    view.sql_running = text_of(status, "Slave_SQL_Running") == "Yes";
    for (const auto& [code, text] : {std::pair{"Last_IO_Errno", "Last_IO_Error"},
                                     std::pair{"Last_SQL_Errno", "Last_SQL_Error"}}) {
        const auto number = static_cast<int>(number_of(text_of(status, code)));
        if (number == 0) continue;
        if (!view.replication_error.empty()) view.replication_error += "; ";
        view.replication_error += fmt::format("{}: {}", number, text_of(status, text));
        if (says_errant(number, text_of(status, text))) view.errant = true;
    }
    const std::string lag = text_of(status, "Seconds_Behind_Master");
    if (!lag.empty()) view.lag = std::chrono::seconds(number_of(lag));
    // A relay log between two stopped threads is thrown away by the next START SLAVE: what was
    // received and not applied does not count any more.
    const bool kept = view.sql_running || view.io_running;
    const auto received = GtidPosition::parse(text_of(status, "Gtid_IO_Pos"));
    if (kept && received && view.applied) view.received = view.applied->merged(*received);
}

void add_counters(Seen& seen, const std::vector<Row>& rows) {
    bool as_master = false;
    bool as_replica = false;
    for (const Row& row : rows) {
        std::string name = text_of(row, "VARIABLE_NAME");
        std::transform(name.begin(), name.end(), name.begin(),
                       [](unsigned char c) { return std::tolower(c); });
        const std::string value = text_of(row, "VARIABLE_VALUE");
        if (name == "rpl_semi_sync_master_status") as_master = value == "ON";
        if (name == "rpl_semi_sync_slave_status") as_replica = value == "ON";
        if (name == "rpl_semi_sync_master_clients") {
            seen.view.semi_sync_clients = static_cast<std::uint16_t>(std::min<std::uint64_t>(
                number_of(value), std::numeric_limits<std::uint16_t>::max()));
        }
        // Both are of the moment when the statement began, by one clock of whole seconds: their
        // difference is the server's own start time, exactly and always the same.
        if (name == "uptime") seen.started = number_of(text_of(row, "now")) - number_of(value);
    }
    seen.view.semi_sync = as_master || as_replica;
}

// What the rules of docs/PROTOCOL.md stand on ("Servers start fenced, and so that they rejoin").
std::string what_is_wrong(const Row& row) {
    if (text_of(row, "version").find("MariaDB") == std::string::npos) {
        return fmt::format("kind is mariadb, the server is {}", text_of(row, "version"));
    }
    if (text_of(row, "log_bin") != "1") return "log_bin is off";
    if (text_of(row, "log_slave_updates") != "1") return "log_slave_updates is off";
    if (text_of(row, "strict") != "1") return "gtid_strict_mode is off";
    return {};
}

tl::expected<std::string, SqlError> server_clock(Session& session) {
    auto now = session.value("SELECT SYSDATE(6)");
    if (!now) return tl::unexpected(now.error());
    return now->value_or("");
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

// The next write gets a number that is at least sequence_step above all that was ever seen here.
// MariaDB lifts its counter when gtid_slave_pos is set, and never lets it down again; the position
// itself is put back in the same statement. No event is written, so that nothing has to wait for a
// semi-sync replica while none can be there yet.
Result raise_sequence(Session& session) {
    const auto have = positions(session);
    if (!have) return failed(have.error());
    const auto id = session.value("SELECT @@global.server_id");
    if (!id) return failed(id.error());
    const auto server = static_cast<std::uint32_t>(number_of(id->value_or("0")));
    std::vector<heartbeat::Gtid> raised = have->applied().entries();
    // An empty server has nothing that another could lack.
    if (raised.empty()) return {};
    for (auto& gtid : raised) {
        gtid.server = server;
        gtid.sequence += sequence_step;
    }
    const auto above = GtidPosition::of(std::move(raised));
    if (!above) return tl::unexpected<std::string>("a GTID position that is none");
    const auto done = session.run(fmt::format(
        "BEGIN NOT ATOMIC SET GLOBAL gtid_slave_pos={}; SET GLOBAL gtid_slave_pos={}; END",
        quoted(above->text()), quoted(have->applied().text())));
    if (!done) return failed(done.error());
    return {};
}

// A statement can lie in the socket of a server that is stopped, and be performed when the lease is
// long over. So the server itself looks at the time again, by its own clock, which is only used to
// measure how long ago we asked for it.
Result become_writable(Session& session, const Leave& leave) {
    const auto clock = server_clock(session);
    if (!clock) return failed(clock.error());
    const auto left =
        std::chrono::duration_cast<std::chrono::microseconds>(leave.give_up - leave.now()).count();
    if (left <= 0 || leave.overtaken)
        return tl::unexpected<std::string>("the lease ends before it is writable");
    const auto done = session.run(
        fmt::format("BEGIN NOT ATOMIC IF SYSDATE(6) < {} + INTERVAL {} MICROSECOND THEN "
                    "SET GLOBAL read_only=0; ELSE SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT="
                    "'the lease ended before it was writable'; END IF; END",
                    quoted(*clock), left));
    if (!done) return failed(done.error());
    if (leave.ended()) {
        (void)session.run("SET GLOBAL read_only=1");
        return tl::unexpected<std::string>("the lease ended while it became writable");
    }
    return {};
}

bool follows_already(const Row& status, const DatabaseRules& rules, const Address& address) {
    return text_of(status, "Master_Host") == address.text() &&
           number_of(text_of(status, "Master_Port")) == rules.replication_port &&
           text_of(status, "Master_User") == rules.replication_user &&
           text_of(status, "Using_Gtid") == "Slave_Pos";
}

Result point_at(Session& session, const DatabaseRules& rules, const Address& address) {
    if (const auto done = session.run("STOP SLAVE"); !done) return failed(done.error());
    const auto have = positions(session);
    if (!have) return failed(have.error());
    // What was written here as master is in the binary log only; from there it goes on.
    if (have->applied() != have->slave) {
        const auto set = session.run(
            fmt::format("SET GLOBAL gtid_slave_pos={}", quoted(have->applied().text())));
        if (!set) return failed(set.error());
    }
    const auto changed = session.run(fmt::format(
        "CHANGE MASTER TO MASTER_HOST={}, MASTER_PORT={}, MASTER_USER={}, MASTER_PASSWORD={}, "
        "MASTER_USE_GTID=slave_pos, MASTER_CONNECT_RETRY=1, MASTER_HEARTBEAT_PERIOD=1",
        quoted(address.text()), rules.replication_port, quoted(rules.replication_user),
        quoted(rules.replication_password)));
    if (!changed) return failed(changed.error());
    return {};
}

// A replica passes over events of its own server id in silence, and a killed master whose recovery
// cut its last transactions off needs just those back. With semi-sync enabled (and
// gtid_strict_mode, which look() asks for) MariaDB takes them when they are newer than what it has
// (MDEV-21117, MDEV-27760).
Result start_replica(Session& session) {
    for (const char* statement : {"SET GLOBAL rpl_semi_sync_slave_enabled=1", "START SLAVE"})
        if (const auto done = session.run(statement); !done) return failed(done.error());
    return {};
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

bool says_errant(int code, const std::string& text) {
    // 1950: what came is out of order in a domain. 1236 has many meanings; "purged" is not ours.
    if (code == 1950) return true;
    return code == 1236 && text.find("not in the master's binlog") != std::string::npos;
}

tl::expected<Seen, SqlError> look(Session& session) {
    Seen seen;
    DatabaseView& view = seen.view;
    // Alone: beside an aggregate MariaDB answers 0 for a 1 (LAB.md, F1).
    const auto read_only = is_read_only(session);
    if (!read_only) return tl::unexpected(read_only.error());
    view.read_only = *read_only;
    auto settings = session.ask(
        "SELECT @@version AS version, @@global.log_bin AS log_bin, @@global.gtid_strict_mode AS "
        "strict, @@global.log_slave_updates AS log_slave_updates");
    if (!settings) return tl::unexpected(settings.error());
    view.why = what_is_wrong(settings->at(0));
    const auto have = positions(session);
    if (!have) return tl::unexpected(have.error());
    view.flavour = heartbeat::GtidFlavour::mariadb;
    view.applied = view.received = have->applied();
    const auto status = replica_status(session);
    if (!status) return tl::unexpected(status.error());
    if (*status) add_replica(view, **status);
    // Positions of a server that does not log as it must are not what it has: an empty one without
    // a binary log would pass for an empty server.
    if (!view.why.empty()) {
        view.received.reset();
        view.applied.reset();
    }
    auto counters = session.ask(
        "SELECT VARIABLE_NAME, VARIABLE_VALUE, UNIX_TIMESTAMP() AS now "
        "FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME IN ('Uptime', "
        "'Rpl_semi_sync_master_status', 'Rpl_semi_sync_slave_status', "
        "'Rpl_semi_sync_master_clients')");
    if (!counters) return tl::unexpected(counters.error());
    add_counters(seen, *counters);
    view.reachable = true;
    return seen;
}

Result prepare(Session& session) {
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

Result promote(Session& session, const Leave& leave) {
    if (leave.ended()) return tl::unexpected<std::string>("the lease ends before it is writable");
    const auto read_only = is_read_only(session);
    if (!read_only) return failed(read_only.error());
    const auto status = replica_status(session);
    if (!status) return failed(status.error());
    if (!*read_only && !*status) return {};
    // Without GTID nobody knows what was received, and RESET SLAVE ALL would throw it away.
    const std::string by = *status ? text_of(**status, "Using_Gtid") : "";
    if (*status && by != "Slave_Pos" && by != "Current_Pos")
        return tl::unexpected(fmt::format(
            "it does not replicate by GTID (Using_Gtid: {}), so that what it received is not "
            "known: STOP SLAVE; CHANGE MASTER TO MASTER_USE_GTID=slave_pos; START SLAVE",
            by));
    if (auto ready = prepare(session); !ready) return ready;
    if (auto drained = drain(session, leave); !drained) return drained;
    for (const char* statement : {"STOP SLAVE", "RESET SLAVE ALL"}) {
        if (leave.ended())
            return tl::unexpected<std::string>("the lease ends before it is writable");
        if (const auto done = session.run(statement); !done) return failed(done.error());
    }
    if (*read_only) {
        if (auto raised = raise_sequence(session); !raised) return raised;
    }
    return become_writable(session, leave);
}

Result follow(Session& session, const DatabaseRules& rules, const std::vector<Address>& addresses,
              const Leave& leave) {
    if (addresses.empty()) return tl::unexpected<std::string>("the master has no address");
    if (auto fenced = set_read_only(session); !fenced) return fenced;
    Result last;
    for (std::size_t i = 0; i < addresses.size(); ++i) {
        if (leave.ended()) break;
        const auto status = replica_status(session);
        if (!status) return failed(status.error());
        if (!*status || !follows_already(**status, rules, addresses[i])) {
            if (auto done = point_at(session, rules, addresses[i]); !done) return done;
        }
        if (leave.ended()) break;
        if (const auto done = start_replica(session); !done) return done;
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

}  // namespace agent::mariadb
