#include "dnsd/arbiter/ackers.h"

#include "dnsd/arbiter/fitness.h"
#include "heartbeat/sim_points.h"

#include <algorithm>
#include <utility>

namespace dnsd {

using heartbeat::Heartbeat;

namespace {

template <typename Ids>
bool contains(const Ids& ids, const ServerId& id) {
    return std::find(ids.begin(), ids.end(), id) != ids.end();
}

// innodb_flush_log_at_timeout, and the age of what a heartbeat tells.
constexpr Duration flushes_within = std::chrono::seconds(3);

Acker* find(Record& record, const ServerId& id) {
    return const_cast<Acker*>(acker_of(record, id));
}

// It could acknowledge, if it were told to.
bool able(const ArbiterRules& rules, const Watched& server, Instant now) {
    return fresh(rules, server, now) && server.last->health.database &&
           server.last->flavour == heartbeat::GtidFlavour::mariadb &&
           server.last->database_start != 0;
}

// As it says itself, whatever that proves: it does not replicate.
bool is_errant(const Watched& server) {
    return server.last->errant != heartbeat::Errant::no;
}

// Why it should acknowledge no more though it can; empty when it should.
std::string unwanted(const Watched& server) {
    if (!server.rules.may_lead || (server.last && server.last->may_not_lead))
        return "it may not lead";
    return server.drains() ? "it is drained" : "";
}

}  // namespace

const Acker* acker_of(const Record& record, const ServerId& id) {
    const auto at = std::find_if(record.semi_sync.begin(), record.semi_sync.end(),
                                 [&](const Acker& acker) { return acker.id == id; });
    return at == record.semi_sync.end() ? nullptr : &*at;
}

bool follows(const Watched& server, const ServerId& holder) {
    return server.last && server.last->health.database && server.last->health.replication &&
           server.last->upstream == holder;
}

std::vector<ServerId> told_set(const Record& record) {
    std::vector<ServerId> ids;
    for (const Acker& acker : record.semi_sync)
        if (!acker.leaving && record.holder != acker.id) ids.push_back(acker.id);
    return ids;
}

bool tells_anybody(const Record& record) {
    return std::any_of(record.semi_sync.begin(), record.semi_sync.end(), [&](const Acker& acker) {
        return !acker.leaving && record.holder != acker.id;
    });
}

bool is_barred(const Record& record, const ServerId& id) {
    return contains(record.barred, id);
}

bool in_told_set(const Record& record, const ServerId& id) {
    return std::any_of(record.semi_sync.begin(), record.semi_sync.end(), [&](const Acker& acker) {
        return acker.id == id && !acker.leaving && record.holder != id;
    });
}

void Ackers::Line::see(const Heartbeat& holder) {
    const bool after_it = holder.mark > after || SIM_BROKEN(positions_by_marks);
    if (!at && after_it && holder.health.database) at = holder.received;
}

bool Ackers::Line::passed_by(const std::optional<heartbeat::GtidPosition>& position) const {
    return at && reaches(position, *at);
}

Ackers::Known& Ackers::known(const ServerId& id) {
    const auto at = std::find_if(known_.begin(), known_.end(),
                                 [&](const Known& known) { return known.id == id; });
    if (at != known_.end()) return *at;
    known_.push_back(Known{.id = id, .left_mark = base_mark_, .bar_mark = base_mark_});
    return known_.back();
}

void Ackers::see_lines(const Heartbeat& holder) {
    for (Known& one : known_)
        for (std::optional<Line>* line : {&one.gone, &one.caught_up, &one.rejoined})
            if (*line) (*line)->see(holder);
    if (cover_.on) cover_.on->see(holder);
}

void Ackers::judge(Record& record, const Sight& sight) {
    if (!writable_from_) writable_from_ = sight.now;
    writable_to_ = sight.now;
    see_lines(*sight.holder.last);
    judge_rejoining(record, sight);
    if (!sight.rules.semi_sync) return disband(record, sight);
    const bool told_nobody = !tells_anybody(record);
    outsiders_.judge(record, sight.roster, sight.holder, sight.rules.down_after, sight.now,
                     sight.story);
    judge_whole(record, sight);
    judge_cover(record, sight);
    judge_losses(record, sight);
    judge_joins(record, sight);
    judge_unwanted(record, sight);
    judge_leavers(record, sight);
    judge_barred(record, sight);
    note_places(record, sight.roster);
    if (told_nobody) cover_ = Cover{sight.mark, std::nullopt};
    if (record.covered && !tells_anybody(record) && !SIM_BROKEN(empty_set_covers_nothing)) {
        // With nobody in S commits wait for nobody.
        SIM_SOMETIMES(semi_sync_set_became_empty);
        record.covered = false;
        sight.story.push_back({Kind::alarm, std::nullopt, record.epoch,
                               "nobody is left to acknowledge commits: no automatic failover until "
                               "a replica has caught up"});
    }
}

// The rules want no semi-sync. Whoever acknowledges stays in S until it says that it does so no
// more, lest it does when commits are to wait again; and so does one that follows as a member
// would.
void Ackers::disband(Record& record, const Sight& sight) {
    record.covered = false;
    outsiders_.clear();
    crowded_.clear();
    cover_ = Cover{sight.mark, std::nullopt};
    const auto off = [&](const ServerId& id) {
        const Watched* server = sight.roster.find(id);
        return server && server->last && server->last->health.database &&
               !server->last->semi_sync && server->last->mark > known(id).left_mark;
    };
    const auto follows_as_member = [&](const ServerId& id) {
        return contains(record.rejoining, id) && !is_barred(record, id);
    };
    std::erase_if(record.barred, off);
    for (const ServerId& id : record.rejoining) {
        if (!follows_as_member(id) || find(record, id)) continue;
        if (record.semi_sync.size() >= heartbeat::semi_sync_set_max) continue;
        const auto at = std::find_if(record.semi_sync.begin(), record.semi_sync.end(),
                                     [&](const Acker& other) { return id < other.id; });
        record.semi_sync.insert(at, Acker{id, 0, true});
    }
    for (Acker& acker : record.semi_sync) {
        if (follows_as_member(acker.id)) {
            acker.leaving = true;
            known(acker.id).left_mark = sight.mark;
            known(acker.id).gone.reset();  // it may acknowledge again from now on
        } else if (!acker.leaving) {
            SIM_SOMETIMES(semi_sync_was_switched_off);
            leave(record, acker, "semi-sync is switched off", sight);
        }
    }
    std::erase_if(record.semi_sync, [&](const Acker& acker) { return off(acker.id); });
    note_places(record, sight.roster);
}

// ---- What S has
// ------------------------------------------------------------------------------------

// Commits wait; the holder's position is read once more, with all in it that did not wait; somebody
// in S has received that. From then on every acknowledged commit is with a member.
void Ackers::judge_cover(Record& record, const Sight& sight) {
    const Heartbeat& holder = *sight.holder.last;
    if (!holder.semi_sync) {
        cover_.on.reset();
        if (record.covered) {
            record.covered = false;
            sight.story.push_back({Kind::alarm, sight.holder.rules.id, record.epoch,
                                   "its commits wait for no acknowledgement: no automatic failover "
                                   "until they do and a replica has caught up"});
        }
        return;
    }
    // Who is outside may be the only one that has a commit; over a restart of the arbiter, too.
    if (!outsiders_.alarm().empty() && !SIM_BROKEN(outsider_elects_nobody)) {
        record.covered = false;
        cover_ = Cover{sight.mark, std::nullopt};
        return;
    }
    if (record.covered || !tells_anybody(record)) return;
    if (!cover_.on && holder.mark > cover_.told) {
        // The look that saw semi-sync on may have read the position before.
        cover_.on = Line{sight.mark};
        if (SIM_BROKEN(cover_after_semi_sync)) cover_.on->at = holder.received;
    }
    if (!cover_.on) return;
    for (const Acker& acker : record.semi_sync) {
        const Watched* server = sight.roster.find(acker.id);
        if (acker.leaving || !server || !follows(*server, sight.holder.rules.id)) continue;
        if (!server->last->semi_sync || !cover_.on->passed_by(server->last->received)) continue;
        SIM_SOMETIMES(semi_sync_set_covers);
        record.covered = true;
        sight.story.push_back({Kind::acker_joined, acker.id, record.epoch,
                               "the set has all that was acknowledged from now on"});
        return;
    }
}

// One that was master has its own transactions back when it has applied what the holder had after
// it began to follow (docs/decisions/0001).
void Ackers::judge_rejoining(Record& record, const Sight& sight) {
    for (std::size_t i = 0; i < record.rejoining.size();) {
        const ServerId id = record.rejoining[i++];
        const Watched* server = sight.roster.find(id);
        const bool allowed = !sight.rules.semi_sync || in_told_set(record, id);
        if (!server || !allowed || !follows(*server, sight.holder.rules.id)) continue;
        Known& one = known(id);
        // A crash soon after may cut off again what it had taken back: the engine flushes its
        // commits once a second.
        if (one.rejoined_start != server->last->database_start) {
            one.rejoined.reset();
            one.rejoined_since.reset();
            one.rejoined_start = server->last->database_start;
        }
        if (!one.rejoined) one.rejoined = Line{sight.mark};
        if (!one.rejoined->passed_by(server->last->applied)) continue;
        if (!one.rejoined_since) one.rejoined_since = *server->heard;
        if (*server->heard < *one.rejoined_since + flushes_within) continue;
        SIM_SOMETIMES(old_master_caught_up);
        one.rejoined.reset();
        one.rejoined_since.reset();
        record.rejoining.erase(record.rejoining.begin() + static_cast<std::ptrdiff_t>(--i));
    }
}

// ---- Who comes and goes
// ----------------------------------------------------------------------------

void Ackers::leave(Record& record, Acker& acker, std::string why, const Sight& sight) {
    acker.leaving = true;
    Known& one = known(acker.id);
    one.left_mark = sight.mark;
    one.leaves_since = sight.now;
    one.gone.reset();
    sight.story.push_back({Kind::acker_leaving, acker.id, record.epoch, std::move(why)});
}

// Commits must not wait for one that can not acknowledge.
void Ackers::judge_losses(Record& record, const Sight& sight) {
    for (Acker& acker : record.semi_sync) {
        if (acker.leaving) continue;
        const Watched* server = sight.roster.find(acker.id);
        if (!server) {
            SIM_SOMETIMES(acker_was_dropped);
            if (SIM_BROKEN(dropped_ackers_leave)) continue;
            leave(record, acker, "it is configured no more", sight);
        } else if (server->silent) {
            SIM_SOMETIMES(acker_fell_silent);
            if (SIM_BROKEN(silent_ackers_leave)) continue;
            leave(record, acker,
                  server->heard ? "silent for " + spoken(sight.now - *server->heard)
                                : std::string("not heard since the arbiter's start"),
                  sight);
        } else if (server->last) {
            Known& one = known(acker.id);
            if (follows(*server, sight.holder.rules.id)) {
                one.ill_since.reset();
                continue;
            }
            if (!one.ill_since) one.ill_since = sight.now;
            const Duration ill = sight.now - *one.ill_since;
            if (ill < sight.rules.down_after) continue;
            one.ill_since.reset();
            one.shy_until = sight.now + 5 * sight.rules.down_after;
            SIM_SOMETIMES(acker_did_not_replicate);
            leave(record, acker, "it does not replicate, for " + spoken(ill), sight);
        }
    }
}

bool Ackers::admit(Record& record, const Watched& server, const char* why, const Sight& sight) {
    const ServerId& id = server.rules.id;
    if (Acker* known_member = find(record, id)) {
        // Back before it was let go, with all that it acknowledged.
        if (!known_member->leaving || !whole(*known_member, server)) return false;
        SIM_SOMETIMES(leaver_came_back);
        known_member->leaving = false;
        known(id).gone.reset();
        std::erase(record.barred, id);
    } else {
        if (is_barred(record, id)) return false;  // until it says that it is off
        if (record.semi_sync.size() >= heartbeat::semi_sync_set_max) return false;
        const auto at = std::find_if(record.semi_sync.begin(), record.semi_sync.end(),
                                     [&](const Acker& other) { return id < other.id; });
        record.semi_sync.insert(at, Acker{id, server.last->database_start, false});
    }
    Known& one = known(id);
    one.ill_since.reset();
    one.rejoined.reset();
    one.joined = sight.now;
    one.joined_at = server.last->received;
    sight.story.push_back({Kind::acker_joined, id, record.epoch, why});
    return true;
}

void Ackers::judge_joins(Record& record, const Sight& sight) {
    const auto may_try = [&](const Watched& server) {
        return able(sight.rules, server, sight.now) && !in_told_set(record, server.rules.id) &&
               server.rules.id != sight.holder.rules.id &&
               sight.now >= known(server.rules.id).shy_until;
    };
    for (const ServerId& id : record.rejoining) {
        const Watched* server = sight.roster.find(id);
        if (!server || !may_try(*server) || server->last->role == heartbeat::Role::master) continue;
        // What another master lacked, this one may have, and whoever replaces its data restarts its
        // database: it is asked once in each start.
        const std::uint64_t start = server->last->database_start;
        if (is_errant(*server) && std::exchange(known(id).tried_start, start) == start) {
            SIM_SOMETIMES(an_errant_one_was_asked_once);
            continue;
        }
        admit(record, *server, "it was or may have been master, and catches up", sight);
    }
    std::size_t members = 0;
    for (const Acker& acker : record.semi_sync) {
        const Watched* server = sight.roster.find(acker.id);
        members += !acker.leaving && server && !contains(record.rejoining, acker.id) &&
                   unwanted(*server).empty();
    }
    while (members < sight.rules.ackers) {
        // Who is a member already is kept rather than swapped; then the one least behind.
        const auto rank = [&](const Watched& server) {
            return std::pair(acker_of(record, server.rules.id) == nullptr,
                             server.last->lag.value_or(Duration::max()));
        };
        const Watched* best = nullptr;
        for (const Watched& server : sight.roster.servers()) {
            if (!may_try(server) || is_errant(server)) continue;
            if (!follows(server, sight.holder.rules.id)) continue;
            if (!unwanted(server).empty() || contains(record.rejoining, server.rules.id)) continue;
            if (is_barred(record, server.rules.id) && !acker_of(record, server.rules.id)) continue;
            const Acker* acker = acker_of(record, server.rules.id);
            if (acker && !whole(*acker, server)) continue;
            if (!best || rank(server) < rank(*best)) best = &server;
        }
        if (!best || !admit(record, *best, "it follows the master", sight)) return;
        ++members;
    }
}

// One at a time, and not before another acknowledges.
void Ackers::judge_unwanted(Record& record, const Sight& sight) {
    std::size_t members = 0;
    for (const Acker& acker : record.semi_sync)
        members += !acker.leaving && !contains(record.rejoining, acker.id);
    // Who may not lead goes first; then who came last.
    Acker* leaver = nullptr;
    std::string why;
    for (Acker& acker : record.semi_sync) {
        const Watched* server = sight.roster.find(acker.id);
        if (acker.leaving || contains(record.rejoining, acker.id) || !server) continue;
        std::string reason = unwanted(*server);
        const bool surplus =
            members > sight.rules.ackers && why.empty() && !SIM_BROKEN(surplus_acker_leaves);
        if (reason.empty() && !surplus) continue;
        if (leaver && reason.empty() && known(acker.id).joined < known(leaver->id).joined) continue;
        leaver = &acker;
        why = std::move(reason);
    }
    if (!leaver) return;
    std::size_t others = 0;
    bool acknowledged = false;
    for (const Acker& acker : record.semi_sync) {
        if (acker.leaving || &acker == leaver) continue;
        const Watched* server = sight.roster.find(acker.id);
        ++others;
        acknowledged |=
            server && follows(*server, sight.holder.rules.id) && server->last->semi_sync;
    }
    if (others > 0 && !acknowledged) {
        SIM_SOMETIMES(a_leaver_waited_for_another_acker);
        return;
    }
    if (why.empty())
        SIM_SOMETIMES(acker_was_one_too_many);
    else
        SIM_SOMETIMES(acker_may_not_lead);
    leave(record, *leaver, why.empty() ? "there are enough others" : why, sight);
}

}  // namespace dnsd
