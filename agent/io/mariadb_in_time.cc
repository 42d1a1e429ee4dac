// What must not be done too late. A statement can lie in the socket of a server that is stopped,
// and be performed when nobody waits for it any more: the lease is long over, or this server has
// promised to receive no more. So the server itself looks at the time again, by its own clock,
// which is only used to measure how long ago we asked for it.

#include "agent/io/mariadb.h"
#include "agent/io/mariadb_rows.h"

#include <chrono>

#include <fmt/format.h>

namespace agent::mariadb {

Result run_in_time(Session& session, const Leave& leave, const std::string& statement,
                   const std::string& late) {
    const auto clock = session.value("SELECT SYSDATE(6)");
    if (!clock) return failed(clock.error());
    const auto left =
        std::chrono::duration_cast<std::chrono::microseconds>(leave.give_up - leave.now()).count();
    if (left <= 0 || leave.overtaken) return tl::unexpected(late);
    const auto done = session.run(
        fmt::format("BEGIN NOT ATOMIC IF SYSDATE(6) < {} + INTERVAL {} MICROSECOND THEN {}; "
                    "ELSE SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT={}; END IF; END",
                    quoted(clock->value_or("")), left, statement, quoted(late)));
    if (!done) return failed(done.error());
    return {};
}

Result become_writable(Session& session, const Leave& leave) {
    auto done = run_in_time(session, leave, "SET GLOBAL read_only=0",
                            "the lease ended before it was writable");
    if (!done) return done;
    if (leave.ended()) {
        (void)session.run("SET GLOBAL read_only=1");
        return tl::unexpected<std::string>("the lease ended while it became writable");
    }
    return {};
}

}  // namespace agent::mariadb
