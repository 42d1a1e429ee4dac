// Who waits for whom: semi-sync of a master and of a replica, without a relay log lost.

#include "agent/io/mariadb.h"
#include "agent/io/mariadb_rows.h"

#include <chrono>
#include <initializer_list>
#include <thread>

#include <fmt/format.h>

namespace agent::mariadb {

namespace {

// An applier that stopped with an error, and is started again, has met it by then.
constexpr std::chrono::milliseconds fails_within{200};

Result run_all(Session& session, std::initializer_list<const char*> statements) {
    for (const char* statement : statements)
        if (const auto done = session.run(statement); !done) return failed(done.error());
    return {};
}

}  // namespace

// A commit waits before the engine shows it, for ever if need be, also while nobody is there to
// acknowledge. Nobody waits behind the other way round: who waited is told "committed".
Result set_waiting(Session& session, bool on) {
    if (!on) {
        // Where it never was on, no right to change it is needed.
        const auto is_on = session.value("SELECT @@global.rpl_semi_sync_master_enabled");
        if (!is_on) return failed(is_on.error());
        if (*is_on == "0") return {};
        return run_all(session, {"SET GLOBAL rpl_semi_sync_master_enabled=0"});
    }
    return run_all(session, {"SET GLOBAL rpl_semi_sync_master_wait_point=AFTER_SYNC",
                             "SET GLOBAL rpl_semi_sync_master_timeout=18446744073709551615",
                             "SET GLOBAL rpl_semi_sync_master_wait_no_slave=1",
                             "SET GLOBAL rpl_semi_sync_master_enabled=1"});
}

// kill_conn_timeout: else STOP SLAVE IO_THREAD takes long behind a master that is frozen.
Result set_acknowledging(Session& session, bool on) {
    if (on) {
        const auto done = session.run("SET GLOBAL rpl_semi_sync_slave_kill_conn_timeout=1");
        if (!done) return failed(done.error());
    }
    const auto done =
        session.run(fmt::format("SET GLOBAL rpl_semi_sync_slave_enabled={}", on ? 1 : 0));
    if (!done) return failed(done.error());
    return {};
}

Result restart_receiving(Session& session, bool on, bool receives, const Leave& leave) {
    const auto status = replica_status(session);
    if (!status) return failed(status.error());
    // A thread that does not run takes the setting when it starts.
    if (!*status || text_of(**status, "Slave_IO_Running") == "No") return {};
    const auto acknowledges = session.ask("SHOW GLOBAL STATUS LIKE 'Rpl_semi_sync_slave_status'");
    if (!acknowledges) return failed(acknowledges.error());
    const bool is_on = !acknowledges->empty() && text_of(acknowledges->front(), "Value") == "ON";
    if (is_on == on) return {};
    // With both threads stopped the next START throws the relay log away (LAB.md, F2), and with it
    // what this replica has acknowledged.
    if (text_of(**status, "Slave_SQL_Running") != "Yes") {
        if (const auto done = session.run("START SLAVE SQL_THREAD"); !done)
            return failed(done.error());
        std::this_thread::sleep_for(fails_within);
    }
    const auto applying = replica_status(session);
    if (!applying) return failed(applying.error());
    if (!*applying || text_of(**applying, "Slave_SQL_Running") != "Yes")
        return tl::unexpected<std::string>(
            "what was received can not be applied, and would be lost if receiving began anew");
    if (auto done = run_all(session, {"STOP SLAVE IO_THREAD"}); !done) return done;
    if (!on && !receives) return {};
    return run_in_time(session, leave, "START SLAVE IO_THREAD");
}

Result configure_replica(Session& session, bool acknowledges, bool receives, const Leave& leave) {
    if (auto done = set_waiting(session, false); !done) return done;
    if (auto done = set_acknowledging(session, acknowledges); !done) return done;
    return restart_receiving(session, acknowledges, receives, leave);
}

Result configure_master(Session& session, const DatabaseRules& rules, bool waits,
                        const std::vector<heartbeat::Barred>& barred, const Leave& leave) {
    const auto read_only = is_read_only(session);
    if (!read_only) return failed(read_only.error());
    if (*read_only) return tl::unexpected<std::string>("it is read-only, and no master any more");
    if (auto done = set_waiting(session, waits); !done) return done;
    return bar(session, rules, barred, leave);
}

}  // namespace agent::mariadb
