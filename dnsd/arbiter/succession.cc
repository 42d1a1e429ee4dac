// What of the semi-sync set outlives a change of master, and who follows only as its member.

#include "dnsd/arbiter/ackers.h"

#include "dnsd/arbiter/fitness.h"
#include "heartbeat/sim_points.h"

#include <algorithm>

namespace dnsd {

namespace {

void insert_sorted(std::vector<ServerId>& ids, const ServerId& id) {
    const auto at = std::lower_bound(ids.begin(), ids.end(), id);
    if (at == ids.end() || *at != id) ids.insert(at, id);
}

}  // namespace

void Ackers::granted(Record& record, const Watched& winner, const ArbiterRules& rules,
                     const Roster& roster, std::uint64_t mark, Instant now) {
    const ServerId& id = winner.rules.id;
    const bool other = record.holder != id;
    for (Acker& acker : record.semi_sync) {
        const Watched* server = roster.find(acker.id);
        acker.leaving |= !server || !fresh(rules, *server, now);
    }
    if (other && record.holder) insert_sorted(record.rejoining, *record.holder);
    // Nobody knows who was master before: it may be any of them.
    const bool unknown =
        record.semi_sync_unknown || (record.epoch == Epoch{} && winner.last->read_only);
    for (const Watched& server : roster.servers())
        if (unknown && may_have_data(server)) insert_sorted(record.rejoining, server.rules.id);
    if (record.rejoining.size() > ArbiterRules::servers_max)
        std::erase_if(record.rejoining, [&](const ServerId& one) { return !roster.find(one); });
    std::erase(record.rejoining, id);
    std::erase(record.barred, id);
    record.semi_sync_unknown = false;
    // Whoever is told of no acker writes without waiting, from the first moment; that it was heard
    // to be writable may never get on disk. One that is in S itself is asked by the next gate.
    const bool told_or_asked =
        std::any_of(record.semi_sync.begin(), record.semi_sync.end(),
                    [&](const Acker& acker) { return !acker.leaving || acker.id == id; });
    if (!told_or_asked && !SIM_BROKEN(empty_set_covers_nothing)) record.covered = false;
    granted_at_ = winner.last->received;
    lossy_ = false;
    saw_the_grant_ = true;
    known_.clear();
    base_mark_ = mark;
    cover_ = Cover{mark, std::nullopt};
    // Of one that leads again they may go on.
    if (other) outsiders_.clear();
    crowded_.clear();
    writable_from_.reset();
}

bool Ackers::never_followed(const Record& record, const ServerId& id,
                            const ArbiterRules& rules) const {
    // What it was master of, the new one has applied; but is it on its disk?
    if (!writable_from_ || writable_to_ < *writable_from_ + settling(rules)) return false;
    const bool rejoins =
        std::find(record.rejoining.begin(), record.rejoining.end(), id) != record.rejoining.end();
    const bool joined = std::any_of(known_.begin(), known_.end(), [&](const Known& one) {
        return one.id == id && one.joined != Instant::min();
    });
    return saw_the_grant_ && rejoins && !joined && !acker_of(record, id);
}

bool Ackers::knows_bar_of(const ServerId& server) const {
    if (saw_the_grant_) return true;
    return std::any_of(known_.begin(), known_.end(), [&](const Known& one) {
        return one.id == server && one.bar_mark > base_mark_;
    });
}

bool Ackers::received_nothing(const Watched& member) const {
    return std::any_of(known_.begin(), known_.end(), [&](const Known& one) {
        return one.id == member.rules.id && one.joined_at && member.last &&
               member.last->received == one.joined_at;
    });
}

void Ackers::writable(Record& record, const Sight& sight) {
    // Not before: a grant that came to nothing leaves behind some that may have been the only
    // ackers of something, and the next gate asks for them. Those that leave and have promised
    // follow nobody without an order, and who leads now has all that they have; unless it is who
    // led before, whom they followed until they promised, and their database may have lost since
    // what it acknowledged.
    std::erase_if(record.semi_sync, [&](const Acker& acker) {
        const Watched* server = sight.roster.find(acker.id);
        const bool promised =
            acker.leaving && server && server->last && server->last->promised >= record.epoch;
        const bool gone = promised && whole(acker, *server) && granted_at_ &&
                          server->last->received && reaches(granted_at_, *server->last->received);
        return gone || acker.id == sight.holder.rules.id;
    });
    const bool kept =
        std::any_of(record.semi_sync.begin(), record.semi_sync.end(), [&](const Acker& acker) {
            const Watched* server = sight.roster.find(acker.id);
            // Applied, not received: to follow another master throws the relay log away. And what
            // somebody wrote by hand makes a position say more than is there.
            return !acker.leaving && server && whole(acker, *server) && granted_at_ &&
                   server->last->errant != heartbeat::Errant::wrote &&
                   reaches(server->last->applied, *granted_at_);
        });
    if (record.covered && kept) SIM_SOMETIMES(cover_outlived_a_change_of_master);
    if (record.covered && !kept) SIM_SOMETIMES(cover_ended_with_its_master);
    if (!SIM_BROKEN(covered_anew_after_a_grant)) record.covered = kept;
    granted_at_.reset();
}

}  // namespace dnsd
