#include "dnsd/arbiter/gate.h"

#include "dnsd/arbiter/fitness.h"
#include "dnsd/arbiter/refusals.h"
#include "heartbeat/sim_points.h"

#include <algorithm>

namespace dnsd {

bool Gate::passes(const Watched& candidate) const {
    // A ledger that never granted has nothing to lose; hear_first() saw to the data. One that was
    // lost may have.
    if (record_.epoch == Epoch{} && !record_.semi_sync_unknown) {
        SIM_SOMETIMES(gate_had_nothing_to_lose);
        return true;
    }
    // What no master gave it makes its position say more than it has.
    if (errant(record_, candidate) && !SIM_BROKEN(errant_leads_by_adopt_only)) return false;
    if (is_intact_holder(candidate)) {
        SIM_SOMETIMES(gate_passed_the_intact_holder);
        return true;
    }
    if (has_final(candidate)) {
        SIM_SOMETIMES(gate_passed_who_has_the_final_position);
        return true;
    }
    if (record_.semi_sync_unknown) {
        if (!has_all_of_everybody(candidate)) return false;
        SIM_SOMETIMES(gate_passed_by_everybody);
        return true;
    }
    if (has_all_of_set(candidate)) {
        SIM_SOMETIMES(gate_passed_by_the_set);
        return true;
    }
    if (!is_holder_without_rival(candidate)) return false;
    SIM_SOMETIMES(gate_passed_a_restarted_holder);
    return true;
}

// Its database has not restarted since it was granted, when it had all. If it was never heard to be
// writable, it must still have what it had then.
bool Gate::is_intact_holder(const Watched& candidate) const {
    if (record_.holder != candidate.rules.id || record_.holder_start == 0) return false;
    if (SIM_BROKEN(restarted_holder_is_not_intact)) return true;
    if (candidate.last->database_start != record_.holder_start) return false;
    const auto had_all = ackers_.granted_at();
    return holder_led() || (had_all && reaches(candidate.last->received, *had_all));
}

bool Gate::holder_led() const {
    return record_.master_published == record_.holder && record_.master_epoch == record_.epoch;
}

bool Gate::has_final(const Watched& candidate) const {
    const bool has_it = final_ && (reaches(candidate.last->received, *final_) ||
                                   SIM_BROKEN(final_position_is_reached));
    if (!has_it) return false;
    // Of one that never led it says all only if that one had all when it was granted.
    const auto had_all = ackers_.granted_at();
    return holder_led() || (had_all && reaches(final_, *had_all));
}

// It promised, so that what it says of its position is the last of the old epoch; and the candidate
// has all of that.
bool Gate::asked_and_has(const Watched& candidate, const Watched& other) const {
    if (!other.last || !has_data(*other.last) || !other.last->received) return false;
    if (other.last->promised < epoch() && !SIM_BROKEN(gate_needs_promises)) return false;
    return reaches(candidate.last->received, *other.last->received);
}

bool Gate::has_all_of_set(const Watched& candidate) const {
    if (!record_.covered && !SIM_BROKEN(uncovered_elects_nobody)) return false;
    if (!ackers_.outsider().empty() && !SIM_BROKEN(outsider_elects_nobody)) return false;
    if (record_.semi_sync.empty()) return SIM_BROKEN(uncovered_elects_nobody);
    bool any = false;
    const bool all =
        std::all_of(record_.semi_sync.begin(), record_.semi_sync.end(), [&](const Acker& acker) {
            if (acker.leaving && SIM_BROKEN(gate_asks_the_leaving)) return true;
            const Watched* other = roster_.find(acker.id);
            if (other && was_never_let_in(*other)) return true;
            any = true;
            return other && whole(acker, *other) && asked_and_has(candidate, *other);
        });
    return all && any;
}

// Asked to follow as it was master before, it was refused for what it has more, as is proven: it
// acknowledged nothing, and what it has was never told to a client.
bool Gate::was_never_let_in(const Watched& member) const {
    const bool refused = member.last && member.last->errant == heartbeat::Errant::refused &&
                         member.last->refused_under == record_.epoch && errant(record_, member) &&
                         ackers_.received_nothing(member);
    if (refused) SIM_SOMETIMES(a_refused_member_was_not_asked);
    return refused;
}

bool Gate::has_all_of_everybody(const Watched& candidate) const {
    return memory_is_intact() && std::all_of(roster_.servers().begin(), roster_.servers().end(),
                                             [&](const Watched& other) {
                                                 return !may_have_data(other) ||
                                                        asked_and_has(candidate, other);
                                             });
}

// What was acknowledged was with two, the master and an acker, and a restart may have taken it from
// one of them: the tail of the one, the relay log of the other. Who they were nobody knows.
bool Gate::memory_is_intact() const {
    const auto restarted = std::count_if(
        roster_.servers().begin(), roster_.servers().end(),
        [](const Watched& server) { return may_have_data(server) && server.restarted(); });
    if (restarted >= 2) SIM_SOMETIMES(too_many_restarted_with_the_set_unknown);
    return restarted < 2 || SIM_BROKEN(unknown_set_counts_restarts);
}

// It left S as the holder let it in no more, or was master before and has not followed since.
bool Gate::was_sent_nothing(const Watched& server) const {
    // Whom the holder refuses since it restarted was let in, and has what its recovery cut off.
    const bool refused = server.last && server.last->errant == heartbeat::Errant::refused &&
                         server.last->refused_under == record_.epoch;
    if (refused && !errant(record_, server)) return false;
    const ServerId& id = server.rules.id;
    return (is_barred(record_, id) && ackers_.knows_bar_of(id) && !acker_of(record_, id)) ||
           ackers_.never_followed(record_, id, rules_);
}

// Before it was barred it may have been sent what the holder's recovery cut off.
bool Gate::says_what_it_has(const Watched& server) const {
    return server.last && server.last->promised >= epoch() && server.last->received &&
           has_data(*server.last);
}

// What was told to clients in an earlier epoch it had when it was granted, and others may have
// lost.
bool Gate::kept_what_it_had(const Watched& holder) const {
    return record_.holder_had && reaches(holder.last->received, *record_.holder_had);
}

// The last holder again, after its database restarted, while S did not cover what it had. It is no
// failover; what its recovery cut off is lost only if nobody else has it.
bool Gate::is_holder_without_rival(const Watched& candidate) const {
    if (record_.holder != candidate.rules.id || record_.covered) return false;
    if (!kept_what_it_had(candidate)) return false;
    if (SIM_BROKEN(restarted_holder_asks_all)) return true;
    const auto member_is_whole = [&](const Acker& acker) {
        const Watched* other = roster_.find(acker.id);
        return other && whole(acker, *other);
    };
    const auto asked = [&](const Watched& other) {
        if (!may_have_data(other) || asked_and_has(candidate, other)) return true;
        return was_sent_nothing(other) && !says_what_it_has(other);
    };
    return std::all_of(record_.semi_sync.begin(), record_.semi_sync.end(), member_is_whole) &&
           std::all_of(roster_.servers().begin(), roster_.servers().end(), asked);
}

std::string Gate::lacks(const Watched& candidate, const ServerId& other, const Acker* acker) const {
    const Watched* server = roster_.find(other);
    const std::string name(other.text());
    if (!server) return name + ", which is configured no more";
    if (!server->last) return name + " to report";
    if (!has_data(*server->last) || !server->last->received)
        return name + ", whose position is not known";
    if (server->last->promised < epoch()) return name + " to promise";
    if (acker && !whole(*acker, *server))
        return name +
               ", whose database restarted, or lost its relay log, after it had acknowledged";
    if (!asked_and_has(candidate, *server))
        return name + ", which has received what " + std::string(candidate.rules.id.text()) +
               " lacks";
    return {};
}

std::string Gate::waits_for(const Watched& candidate) const {
    std::string list;
    const auto add = [&](const std::string& one) {
        if (!one.empty()) list += (list.empty() ? "" : ", ") + one;
    };
    if (errant(record_, candidate))
        return "an operator: " + std::string(candidate.rules.id.text()) +
               " has what no master gave it, and may lack what others have";
    const std::string holder = record_.holder ? std::string(record_.holder->text()) : "nobody";
    const Watched* last = record_.holder ? roster_.find(*record_.holder) : nullptr;
    // It is back, and it is not what the gate waits for any more.
    const bool is_back = !record_.semi_sync_unknown && !record_.covered && last &&
                         last != &candidate && says_what_it_has(*last);
    if (is_back && !errant(record_, *last)) return waits_for(*last);
    if (record_.semi_sync_unknown || (record_.holder == candidate.rules.id && !record_.covered)) {
        for (const Watched& other : roster_.servers()) {
            if (may_have_data(other) && (!was_sent_nothing(other) || says_what_it_has(other)))
                add(lacks(candidate, other.rules.id, acker_of(record_, other.rules.id)));
        }
        if (!record_.semi_sync_unknown && !kept_what_it_had(candidate))
            add("an operator, as it lost what it had when it was granted");
        if (record_.semi_sync_unknown && !memory_is_intact())
            add("an operator, as the databases of more than one server restarted meanwhile");
        return (record_.semi_sync_unknown ? "the semi-sync set is not known: "
                                          : "the database of " + holder + " restarted: ") +
               list;
    }
    if (record_.semi_sync.empty()) return holder + ", as nobody acknowledged its commits";
    if (!record_.covered) return holder + ", as nobody in the semi-sync set had caught up with it";
    if (!ackers_.outsider().empty()) return "an operator: " + ackers_.outsider();
    for (const Acker& acker : record_.semi_sync) {
        const Watched* member = roster_.find(acker.id);
        if (!member || !was_never_let_in(*member)) add(lacks(candidate, acker.id, &acker));
    }
    return list;
}

}  // namespace dnsd
