#pragma once
// A database as the machines see one, in MariaDB's ways as far as they matter (LAB.md's findings
// are in docs/decisions): a binary log and a relay log, commits that wait for a semi-sync replica,
// a tail that a crash cuts off, connections that replicas have to it.

#include "agent/duty/relay_log.h"
#include "tests/sim/clock.h"
#include "tests/sim/timeline.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace sim {

struct Database {
    // A client whose commit waits for a replica's acknowledgement.
    struct Waiter {
        Point commit;
        std::size_t client = 0;
    };
    static constexpr std::size_t waiters_max = 64;  // each client has one commit under way

    bool up = true;
    True stopped_until = 0;  // SIGSTOP
    std::uint64_t start = 1;
    bool read_only = true;
    Epoch write_epoch;    // under which it was made writable
    bool raised = false;  // the next write leaves the gap

    Point logged;     // binary log; of a replica, what it has applied
    Point committed;  // by the engine: what a client may have been told
    Point durable;    // by the engine and on disk: what a crash leaves
    True committed_at = 0;
    Point received;  // relay log and binary log

    std::optional<std::size_t> upstream;  // whom it is configured to replicate from
    bool io_running = false;
    bool sql_running = false;
    std::uint64_t io_thread = 0;  // their ids, of those that run
    std::uint64_t sql_thread = 0;
    std::uint64_t threads = 0;       // the last id that was given
    std::uint64_t slave_starts = 0;  // statements that began replication, or would have
    std::uint64_t relay_losses = 0;  // so often something was received, and never applied
    bool connected = false;          // to its upstream
    std::uint64_t connection = 0;    // which one
    bool refused = false;            // by its upstream: it has what that has not
    bool wrote = false;              // what comes can not be applied: it has its own
    True lags_until = 0;             // its SQL thread applies nothing
    bool receiving = false;          // what comes next is on its way
    bool applying = false;

    bool acknowledges_next = false;  // rpl_semi_sync_slave_enabled
    bool acknowledges = false;       // as the I/O thread took it when it began
    bool by_hand = false;            // … and that was somebody's own doing
    bool waits = false;              // semi-sync as a master
    std::vector<Waiter> waiters{};   // oldest first
    // Whose statements lie in the sockets of one that is stopped, as they came.
    static constexpr std::size_t statements_max = 64;
    std::vector<std::size_t> statements{};
    std::uint8_t barred = 0;  // a bit a server that may not connect

    bool answers(True now) const { return up && now >= stopped_until; }
    // Can a client's write come through, now or when it goes on?
    bool writable() const { return up && !read_only; }
    bool is_barred(std::size_t server) const { return (barred >> server & 1) != 0; }

    // Where there is no relay log, what was received is what is logged.
    void forget_relay_log() {
        relay_losses += received != logged;
        received = logged;
    }
    // What lies between two stopped threads nobody counts.
    Point has() const { return io_running || sql_running ? received : logged; }
    agent::RelayLog relay_log() const;
    void disconnect();
    void stop_replication();
    // START SLAVE: those of them that stand begin. In GTID mode the relay log between two stopped
    // threads is thrown away then.
    void start_replication(bool io = true, bool sql = true);
    // SIGKILL. `tail`: a share of a million of what the engine had not yet on disk stays.
    void crash(Timeline& timeline, True now, std::int64_t tail);
    // An orderly end: nothing is cut off.
    void shut_down();
    void starts();
    void commits(Point up_to, True now);
};

// Without what is mixed into it (agent/duty/relay_log.h).
constexpr std::uint64_t real_start(std::uint64_t said) {
    return said & ((std::uint64_t{1} << 48) - 1);
}

}  // namespace sim
