// What one look at a MariaDB server tells.

#include "agent/io/mariadb.h"
#include "agent/io/mariadb_rows.h"

#include <algorithm>
#include <chrono>
#include <limits>

#include <fmt/format.h>

namespace agent::mariadb {

namespace {

using heartbeat::GtidPosition;

constexpr int out_of_order = 1950;  // ER_GTID_STRICT_OUT_OF_ORDER

// Read after the positions, so that none of a new relay log passes for one of the old.
tl::expected<void, SqlError> add_threads(Session& session, RelayLog& relay) {
    const auto rows = session.ask(
        "SELECT ID, COMMAND FROM information_schema.PROCESSLIST WHERE COMMAND IN ('Slave_IO', "
        "'Slave_SQL')");
    if (!rows) return tl::unexpected(rows.error());
    const auto only = [&](const char* command) -> std::uint64_t {
        std::uint64_t id = 0;
        for (const Row& row : *rows) {
            if (text_of(row, "COMMAND") != command) continue;
            if (id != 0) return 0;  // of which connection each is does not show
            id = number_of(text_of(row, "ID"));
        }
        return id;
    };
    relay.io = only("Slave_IO");
    relay.sql = only("Slave_SQL");
    return {};
}

void add_counters(Seen& seen, const std::vector<Row>& rows, bool acknowledges) {
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
        if (name == "com_start_slave" || name == "com_start_all_slaves")
            seen.view.relay.starts += number_of(value);
        // Both are of the moment when the statement began, by one clock of whole seconds: their
        // difference is the server's own start time, exactly and always the same.
        if (name == "uptime") seen.started = number_of(text_of(row, "now")) - number_of(value);
    }
    // An I/O thread that begins anew acknowledges as it is set to then, whoever starts it.
    seen.view.semi_sync = seen.view.read_only ? as_replica || acknowledges : as_master;
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

}  // namespace

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
        if (says_refused(number, text_of(status, text))) view.refused = true;
        // What comes is out of order in a domain: the own binary log has what no master sent.
        if (number == out_of_order) view.wrote = true;
    }
    const std::string lag = text_of(status, "Seconds_Behind_Master");
    if (!lag.empty()) view.lag = std::chrono::seconds(number_of(lag));
    // A relay log between two stopped threads is thrown away by the next START SLAVE: what was
    // received and not applied does not count any more.
    const bool kept = view.sql_running || view.io_running;
    const std::string said = text_of(status, "Gtid_IO_Pos");
    const auto received = GtidPosition::parse(said);
    if (!received || !view.applied) return;
    const GtidPosition all = view.applied->merged(*received);
    if (kept) view.received = all;
    // RESET SLAVE and CHANGE MASTER leave no position: what there was nobody knows.
    view.relay.drained = !kept && !said.empty() && all == *view.applied;
}

bool says_refused(int code, const std::string& text) {
    // 1236 has many meanings; "purged" is not ours. The second: what its server id wrote before and
    // after is there.
    return code == 1236 &&
           (text.find("not in the master's binlog") != std::string::npos ||
            text.find("The binlog on the master is missing the GTID") != std::string::npos);
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
        "strict, @@global.log_slave_updates AS log_slave_updates, "
        "@@global.rpl_semi_sync_slave_enabled AS acknowledges");
    if (!settings) return tl::unexpected(settings.error());
    view.why = what_is_wrong(settings->at(0));
    const auto have = positions(session);
    if (!have) return tl::unexpected(have.error());
    view.flavour = heartbeat::GtidFlavour::mariadb;
    view.applied = view.received = have->applied();
    const auto status = replica_status(session);
    if (!status) return tl::unexpected(status.error());
    if (*status) add_replica(view, **status);
    if (auto done = add_threads(session, view.relay); !done) return tl::unexpected(done.error());
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
        "'Rpl_semi_sync_master_clients', 'Com_start_slave', 'Com_start_all_slaves')");
    if (!counters) return tl::unexpected(counters.error());
    add_counters(seen, *counters, text_of(settings->at(0), "acknowledges") == "1");
    view.reachable = true;
    return seen;
}

}  // namespace agent::mariadb
