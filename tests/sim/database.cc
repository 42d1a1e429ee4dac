#include "tests/sim/database.h"

namespace sim {

void Database::disconnect() {
    connected = false;
    receiving = false;
    ++connection;
}

void Database::stop_replication() {
    io_running = sql_running = false;
    disconnect();
}

void Database::start_replication(bool io, bool sql) {
    ++slave_starts;
    if (!io_running && !sql_running) forget_relay_log();
    if (sql && !sql_running) {
        wrote = false;
        sql_running = true;
        sql_thread = ++threads;
    }
    if (io && !io_running) {
        acknowledges = acknowledges_next;
        refused = false;
        io_running = true;
        io_thread = ++threads;
    }
}

agent::RelayLog Database::relay_log() const {
    agent::RelayLog log;
    if (io_running) log.io = io_thread;
    if (sql_running) log.sql = sql_thread;
    log.starts = slave_starts;
    log.drained = !log.runs() && upstream && received == logged;
    return log;
}

// What commits later has flushed what committed before; and the engine flushes once a second.
void Database::commits(Point up_to, True now) {
    durable = committed;
    committed = up_to;
    committed_at = now;
}

void Database::shut_down() {
    up = false;
    read_only = true;
    stopped_until = 0;
    waits = false;
    acknowledges = acknowledges_next = by_hand = false;
    waiters.clear();
    statements.clear();
    stop_replication();
    applying = false;
    ++start;
}

// With init-rpl-role=SLAVE its recovery cuts off what the engine had only prepared; that may be
// what a client was told of, when the engine's own commit was not yet on disk.
void Database::crash(Timeline& timeline, True now, std::int64_t tail) {
    if (now - committed_at >= second) durable = committed;
    const std::uint64_t kept =
        durable.length +
        static_cast<std::uint64_t>(static_cast<std::int64_t>(committed.length - durable.length) *
                                   tail / million);
    logged = committed = durable = timeline.cut(logged, kept);
    shut_down();
    forget_relay_log();
}

void Database::starts() {
    up = true;
    forget_relay_log();
}

}  // namespace sim
