#pragma once
// What the agent asks of MariaDB, in its dialect: one look, and the verbs of docs/PROTOCOL.md. All
// of it blocks and belongs into a worker thread; database.h is the agent's way in.

#include "agent/duty/facts.h"
#include "agent/io/mysql.h"

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

namespace agent::mariadb {

// Until when a verb may go on. It looks here before every step.
struct Leave {
    std::function<Instant()> now;
    Instant give_up;
    const std::atomic<bool>& overtaken;  // by Demote, or by the end of the agent

    bool ended() const { return overtaken || now() >= give_up; }
};

using Result =
    tl::expected<void, std::string>;  // the error is the database's own words, or a clause

struct Seen {
    DatabaseView view;          // but for `start`
    std::uint64_t started = 0;  // by the server's own clock, in whole seconds
};
tl::expected<Seen, SqlError> look(Session& session);

// Stops receiving, while what was received is applied. Where somebody had stopped that, it begins
// again and says so: to be asked once more after a look.
Result prepare(Session& session);

// `asked.start` and `asked.relay` are the caller's to judge.
Result promote(Session& session, const DatabaseRules& rules, const Promote& asked,
               const Leave& leave);

// Becomes a replica of the first of `addresses` that can be replicated from, and acknowledges what
// it receives, or does not.
Result follow(Session& session, const DatabaseRules& rules, const std::vector<Address>& addresses,
              bool semi_sync, const Leave& leave);

// Of a master: commits wait, or not, and `barred` and nobody else is barred when this has
// succeeded.
Result configure_master(Session& session, const DatabaseRules& rules, bool waits,
                        const std::vector<heartbeat::Barred>& barred, const Leave& leave);
// `receives` false: one that has to cease to acknowledge stops receiving too.
Result configure_replica(Session& session, bool acknowledges, bool receives, const Leave& leave);

// Whether commits wait for an acknowledgement.
Result set_waiting(Session& session, bool on);
// Whether what is received is acknowledged by an I/O thread that starts from now on ...
Result set_acknowledging(Session& session, bool on);
// ... and by one that runs: it is started again when it has to be, and loses nothing.
Result restart_receiving(Session& session, bool on, bool receives, const Leave& leave);
// Each of `barred` is let in no more, and has no connection; all others are let in as before.
Result bar(Session& session, const DatabaseRules& rules,
           const std::vector<heartbeat::Barred>& barred, const Leave& leave);

// Performed by the server before `leave` ends, or not at all.
Result run_in_time(Session& session, const Leave& leave, const std::string& statement,
                   const std::string& late = "it came too late, and was not done");
// Nobody writes when the lease has ended.
Result become_writable(Session& session, const Leave& leave);
Result set_read_only(Session& session);
tl::expected<bool, SqlError> is_read_only(Session& session);

// Kills every client's connection with an id up to `last`; how many there were. Replication, the
// server's own threads and the agent's own connections are left alone, and so is what is killed
// already and only rolls back.
tl::expected<std::size_t, SqlError> kill_clients(Session& session, const std::string& own_user,
                                                 std::uint64_t last);
tl::expected<std::uint64_t, SqlError> last_connection(Session& session);
// Of 16 bits: another one in each start of the server, also of two within one second.
tl::expected<std::uint64_t, SqlError> start_mark(Session& session);

// The master says that it does not have what this replica has.
bool says_refused(int code, const std::string& text);

}  // namespace agent::mariadb
