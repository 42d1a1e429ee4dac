// How one leaves S: it is told, shut out by the holder when it does not answer, and removed when
// what it acknowledged is safe without it.

#include "dnsd/arbiter/ackers.h"
#include "dnsd/arbiter/fitness.h"
#include "heartbeat/sim_points.h"

#include <algorithm>

namespace dnsd {

namespace {

const LastPlace* place_of(const Record& record, const ServerId& id) {
    const auto at = std::find_if(record.places.begin(), record.places.end(),
                                 [&](const LastPlace& place) { return place.id == id; });
    return at == record.places.end() ? nullptr : &*at;
}

}  // namespace

// It can acknowledge no more when it says so, after it was told; or when the holder lets it in no
// more. What it had acknowledged by then is in the position that the holder is read at after that.
void Ackers::judge_leavers(Record& record, const Sight& sight) {
    std::vector<ServerId> waiting;  // to be barred
    for (std::size_t i = 0; i < record.semi_sync.size();) {
        const Acker& acker = record.semi_sync[i++];
        if (!acker.leaving) continue;
        const ServerId id = acker.id;
        Known& one = known(id);
        if (!one.leaves_since) one.leaves_since = sight.now;
        const Watched* server = sight.roster.find(id);
        const bool off = server && server->last && server->last->health.database &&
                         !server->last->semi_sync && server->last->mark > one.left_mark;
        // Where it is not known, its name is in no list that the holder was told.
        const bool placed = server || place_of(record, id);
        const bool shut =
            placed && is_barred(record, id) && sight.holder.last->barred > one.bar_mark;
        if (!one.gone && (off || shut || SIM_BROKEN(leaver_is_shut_out))) {
            if (shut && !off) SIM_SOMETIMES(acker_was_barred);
            if (off) SIM_SOMETIMES(a_leaver_said_that_it_is_off);
            one.gone = Line{sight.mark};
            one.gone_since = sight.now;
        }
        if (!one.gone) {
            const bool due = !server || server->silent ||
                             sight.now - *one.leaves_since >= sight.rules.down_after;
            const bool room = record.barred.size() < heartbeat::barred_max;
            if (due && placed && !room && !is_barred(record, id)) waiting.push_back(id);
            if (due && placed && room && !is_barred(record, id)) {
                record.barred.insert(
                    std::lower_bound(record.barred.begin(), record.barred.end(), id), id);
                one.bar_mark = sight.mark;
            }
            continue;
        }
        const bool rest_has_it =
            std::all_of(record.semi_sync.begin(), record.semi_sync.end(), [&](const Acker& other) {
                if (other.leaving) return true;
                const Watched* rest = sight.roster.find(other.id);
                return rest && whole(other, *rest) && one.gone->passed_by(rest->last->received);
            });
        // With nobody else, what it acknowledged last must be safe with the master: also of one
        // that is off, for its relay log may be gone by now.
        const bool settled = sight.now >= *one.gone_since + settling(sight.rules);
        const bool has_it = tells_anybody(record) ? rest_has_it : settled;
        if (!has_it) SIM_SOMETIMES(a_leaver_waited_for_the_rest);
        if (!has_it && !SIM_BROKEN(leaver_waits_for_the_rest)) continue;
        if (!tells_anybody(record)) SIM_SOMETIMES(the_last_acker_left);
        one.gone.reset();
        one.leaves_since.reset();
        record.semi_sync.erase(record.semi_sync.begin() + static_cast<std::ptrdiff_t>(--i));
        sight.story.push_back({Kind::acker_left, id, record.epoch,
                               off ? "it acknowledges no more" : "the master lets it in no more"});
    }
    note_crowd(record, waiting, sight);
}

// Nothing that the arbiter does makes room: one that is barred has to say that it is off.
void Ackers::note_crowd(const Record& record, const std::vector<ServerId>& waiting,
                        const Sight& sight) {
    const bool told = !crowded_.empty();
    crowded_.clear();
    if (waiting.empty()) return;
    crowded_ = names(waiting) + " can not be barred and stays in the semi-sync set, as " +
               std::to_string(record.barred.size()) +
               " are barred already: " + names(record.barred) +
               "; start them, or drop who is gone for good from the configuration and then say "
               "confirm-dead";
    if (!told) sight.story.push_back({Kind::alarm, std::nullopt, record.epoch, crowded_});
}

// One that left is let in again when it says that it acknowledges nothing.
void Ackers::judge_barred(Record& record, const Sight& sight) {
    std::erase_if(record.barred, [&](const ServerId& id) {
        const Watched* server = sight.roster.find(id);
        if (!server) {  // it does not say anything
            SIM_SOMETIMES(a_dropped_server_stayed_barred);
            return SIM_BROKEN(dropped_ones_stay_barred);
        }
        if (SIM_BROKEN(barred_until_off)) return !acker_of(record, id);
        const bool off = server->last && server->last->health.database &&
                         !server->last->semi_sync && server->last->mark > known(id).left_mark;
        if (off) SIM_SOMETIMES(barred_one_was_let_in);
        return off;
    });
}

void Ackers::note_places(Record& record, const Roster& roster) {
    std::vector<ServerId> ids = record.barred;
    for (const Acker& acker : record.semi_sync) ids.push_back(acker.id);
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    std::vector<LastPlace> places;
    for (const ServerId& id : ids) {
        const LastPlace* last = place_of(record, id);
        if (const Watched* server = roster.find(id))
            places.push_back({id, server->rules.addresses});
        else if (last)
            places.push_back(*last);
    }
    record.places = std::move(places);
}

std::vector<heartbeat::Barred> Ackers::barred(const Record& record, const Roster& roster) const {
    std::vector<heartbeat::Barred> list;
    for (const ServerId& id : record.barred) {
        const Watched* server = roster.find(id);
        const LastPlace* place = place_of(record, id);
        if (server)
            list.push_back({id, server->rules.addresses});
        else if (place)
            list.push_back({id, place->addresses});
    }
    return list;
}

}  // namespace dnsd
