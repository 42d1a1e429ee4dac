#include "dnsd/arbiter/outsiders.h"

#include "dnsd/arbiter/ackers.h"
#include "heartbeat/sim_points.h"

#include <algorithm>

namespace dnsd {

namespace {

bool outside(const Record& record, const Watched& server, const ServerId& holder) {
    if (!follows(server, holder) || !server.last->semi_sync) return false;
    return !is_barred(record, server.rules.id) && !acker_of(record, server.rules.id);
}

}  // namespace

void Outsiders::clear() {
    since_.reset();
    over_since_.reset();
    alarm_.clear();
}

void Outsiders::judge(const Record& record, const Roster& roster, const Watched& holder,
                      Duration after, Instant now, std::vector<Note>& story) {
    const unsigned clients = holder.last->semi_sync_clients;
    std::size_t members = 0;
    const Watched* stranger = nullptr;
    for (const Watched& server : roster.servers()) {
        if (outside(record, server, holder.rules.id)) stranger = &server;
        // What a silent one does is not known; its connection may still be counted.
        // Of one that leaves the gate asks as long as it is in S.
        const Acker* acker = acker_of(record, server.rules.id);
        members +=
            acker && server.last && (server.last->semi_sync || server.silent || acker->leaving);
    }
    if (!stranger && clients <= members) {
        // It may only be that somebody else has fallen silent.
        if (!over_since_) over_since_ = now;
        const bool over = now - *over_since_ >= after;
        if (over && !alarm_.empty()) SIM_SOMETIMES(outsider_was_gone);
        if (alarm_.empty() || over) clear();
        return;
    }
    over_since_.reset();
    if (!since_) since_ = now;
    if (now - *since_ < after || !alarm_.empty()) return;
    SIM_SOMETIMES(outsider_acknowledges);
    alarm_ = stranger ? std::string(stranger->rules.id.text()) +
                            " acknowledges commits and is not in the semi-sync set"
                      : "of the master's " + std::to_string(clients) + " semi-sync clients only " +
                            std::to_string(members) + " are in the semi-sync set";
    story.push_back({Kind::alarm, std::nullopt, record.epoch, alarm_ + ": no automatic failover"});
}

}  // namespace dnsd
