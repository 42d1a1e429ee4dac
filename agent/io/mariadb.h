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

// START SLAVE SQL_THREAD, then STOP SLAVE IO_THREAD: with both threads stopped the next START would
// throw the relay log away (LAB.md, F2).
Result prepare(Session& session);

// How far the sequence is raised: a commit that only the old master has can then never have the
// same number as one of the new master's (docs/PROTOCOL.md, "Promotion").
constexpr std::uint64_t sequence_step = 1'000'000;

Result promote(Session& session, const Leave& leave);

// Becomes a replica of the first of `addresses` that can be replicated from.
Result follow(Session& session, const DatabaseRules& rules, const std::vector<Address>& addresses,
              const Leave& leave);

Result set_read_only(Session& session);
tl::expected<bool, SqlError> is_read_only(Session& session);

// Kills every client's connection with an id up to `last`; how many there were. Replication, the
// server's own threads and the agent's own connections are left alone, and so is what is killed
// already and only rolls back.
tl::expected<std::size_t, SqlError> kill_clients(Session& session, const std::string& own_user,
                                                 std::uint64_t last);
tl::expected<std::uint64_t, SqlError> last_connection(Session& session);

// The database says that this replica has transactions which its master does not have.
bool says_errant(int code, const std::string& text);

}  // namespace agent::mariadb
