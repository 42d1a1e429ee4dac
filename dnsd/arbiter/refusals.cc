#include "dnsd/arbiter/refusals.h"

#include "heartbeat/sim_points.h"

#include <algorithm>

namespace dnsd {

using heartbeat::Errant;

namespace {

bool contains(const std::vector<Refused>& list, const Refused& one) {
    return std::find(list.begin(), list.end(), one) != list.end();
}

}  // namespace

void Refusals::hear(const ServerId& from, const heartbeat::Heartbeat& beat, Record& record,
                    std::uint64_t mark) {
    const bool refused = beat.errant == Errant::refused;
    const Refused said{from, beat.refused_under};
    // Taken since, or refused by another: what was proven is over. That somebody wrote to it too
    // ends nothing: an agent that dies before that is on its disk says the refusal again.
    const bool taken = beat.errant == Errant::no;
    const auto over = [&](const Refused& one) {
        return one.id == from && (taken || (refused && one != said));
    };
    std::erase_if(record.refused, over);
    std::erase_if(claims_, [&](const Claim& claim) { return over(claim.refused); });
    const bool known = std::any_of(claims_.begin(), claims_.end(),
                                   [&](const Claim& claim) { return claim.refused == said; });
    if (refused && !known) claims_.push_back({said, mark});
    // Is this the master, with nothing lost?
    if (record.holder != from || record.holder_start == 0 || !beat.health.database) return;
    if (beat.database_start != record.holder_start) return;
    for (const Claim& claim : claims_) {
        // What was looked at before proves nothing: it may have restarted since.
        if (claim.refused.epoch != record.epoch || beat.mark <= claim.mark) continue;
        if (contains(record.refused, claim.refused)) continue;
        SIM_SOMETIMES(a_refusal_was_proven);
        const auto at = std::find_if(record.refused.begin(), record.refused.end(),
                                     [&](const Refused& one) { return claim.refused.id < one.id; });
        record.refused.insert(at, claim.refused);
    }
}

void Refusals::keep_only(const Roster& roster, Record& record) {
    std::erase_if(record.refused, [&](const Refused& one) { return !roster.find(one.id); });
    std::erase_if(claims_, [&](const Claim& one) { return !roster.find(one.refused.id); });
}

bool errant(const Record& record, const Watched& server) {
    if (!server.last || server.last->errant == Errant::no) return false;
    if (server.last->errant == Errant::wrote) return true;
    if (SIM_BROKEN(restarted_master_proves_nothing)) return true;
    return contains(record.refused, {server.rules.id, server.last->refused_under}) &&
           !SIM_BROKEN(intact_master_proves);
}

std::string why_errant(const Record& record, const Watched& server) {
    if (!server.last || server.last->errant == Errant::no) return {};
    if (server.last->errant == Errant::wrote)
        return "somebody wrote to it by hand: it has transactions that no master gave it";
    const Epoch under = server.last->refused_under;
    std::string by = "a master";
    if (under != Epoch{}) by = "the master of epoch " + std::to_string(under.value);
    if (under == record.epoch && record.holder)
        by = std::string(record.holder->text()) + ", " + by + ",";
    return by + " refused it: " +
           (errant(record, server)
                ? "it has transactions that its master lacks"
                : "it has what that one lacks, who may have lost it by a restart");
}

}  // namespace dnsd
