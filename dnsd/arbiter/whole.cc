// Which members of the semi-sync set have all that they acknowledged.

#include "dnsd/arbiter/ackers.h"

#include "heartbeat/sim_points.h"

namespace dnsd {

using heartbeat::Heartbeat;

bool whole(const Acker& acker, const Watched& server) {
    return acker.start != 0 && server.last && server.last->health.database &&
           (server.last->database_start == acker.start || SIM_BROKEN(restarted_acker_is_absent));
}

// Its agent says another start when its relay log is lost. One that says less in one start has lost
// it all the same, and has again all that it acknowledged when it has caught up.
void Ackers::hear(Record& record, const Watched& server, std::vector<Note>& story) {
    if (!server.set_back || SIM_BROKEN(lost_relay_log_is_a_restart)) return;
    for (Acker& acker : record.semi_sync) {
        if (acker.id != server.rules.id) continue;
        if (acker.start != 0)
            story.push_back({Kind::alarm, acker.id, record.epoch,
                             "it has received less than it said before, and may lack what it "
                             "acknowledged"});
        acker.start = 0;
        known(acker.id).start = 0;
    }
}

// A database that restarted threw its relay log away. What it had acknowledged by then is in the
// position of the holder's that is read after the restart is known.
void Ackers::judge_whole(Record& record, const Sight& sight) {
    for (Acker& acker : record.semi_sync) {
        const Watched* server = sight.roster.find(acker.id);
        if (!server || !server->last || !server->last->health.database) continue;
        const Heartbeat& beat = *server->last;
        if (beat.database_start == 0 || beat.database_start == acker.start) continue;
        Known& one = known(acker.id);
        if (one.start != beat.database_start) {
            SIM_SOMETIMES(acker_restarted);
            one.start = beat.database_start;
            one.caught_up = Line{sight.mark};
        }
        if (!follows(*server, sight.holder.rules.id)) continue;
        if (!one.caught_up->passed_by(beat.received)) continue;
        SIM_SOMETIMES(restarted_acker_caught_up);
        acker.start = beat.database_start;
        one.start = 0;
        one.caught_up.reset();
    }
}

}  // namespace dnsd
