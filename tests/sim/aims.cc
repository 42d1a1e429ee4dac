// Faults that look for whom they mean when their time has come: what chance alone seldom brings
// together, and rules are made for.

#include "tests/sim/world.h"

#include <algorithm>
#include <utility>

namespace sim {

using Kind = Fault::Kind;
using std::chrono::milliseconds;

// One more fault, a while from now; nothing goes wrong after the troubled time.
void World::follow_up(Kind kind, std::size_t who, Duration in, Duration lasts, std::size_t other,
                      std::uint32_t how) {
    Fault fault;
    fault.kind = kind;
    fault.at = now_ + in.count();
    fault.lasts = lasts;
    fault.who = who;
    fault.other = other;
    fault.how = how;
    if (fault.at >= script_.climate.troubled.count()) return;
    script_.faults.push_back(fault);
    events_.add(fault.at, Event::Kind::fault, 0, script_.faults.size() - 1);
}

// The newest of the older copies that still has the one of before lead, or nobody.
const std::optional<dnsd::Record>& World::forgetful_copy(const Fault& fault) const {
    static const std::optional<dnsd::Record> none;
    const auto& copies = arbiter_.ledger.copies;
    const bool leads = fault.how == before_a_grant;
    const auto at = std::find_if(copies.rbegin(), copies.rend(), [&](const auto& copy) {
        return copy && copy->lease_may_live == leads && copy->closed != leads && copy->holder &&
               place_of(*copy->holder) == fault.who && copy->epoch < epoch();
    });
    return at == copies.rend() ? none : *at;
}

void World::aim(const Fault& fault) {
    if (fault.kind == Kind::winner_is_struck) {
        arbiter_.strikes_winner = fault;
        return;
    }
    const auto& record = arbiter_.ledger.record;
    if (!record || !record->holder || !record->lease_may_live) return;
    const std::size_t holder = place_of(*record->holder);
    if (fault.kind == Kind::holder_dies) {
        const Duration dead = script_.climate.lease + fault.lasts;
        follow_up(Kind::machine_crashes, holder, milliseconds(1), dead);
        return follow_up(Kind::asks_confirm_dead, holder,
                         rules_.down_after + script_.climate.heartbeat / 2, Duration::zero());
    }
    if (fault.kind == Kind::yielder_is_struck) {
        arbiter_.strikes_yielder = fault.lasts + 2 * script_.climate.lease;
        follow_up(Kind::asks_pause, 0, milliseconds(1), Duration::zero());
        return follow_up(Kind::asks_switchover, 0, milliseconds(2), Duration::zero(), the_arbiter,
                         1);
    }
    if (fault.kind == Kind::stranger_acknowledges) return aim_at_stranger(fault, holder);
    if (fault.kind == Kind::hand_leads) return aim_by_hand(fault, holder);
    if (fault.kind == Kind::acker_begins_anew) return aim_at_relay_log(fault, holder);
    if (fault.kind == Kind::memory_is_lost) return aim_at_memory(fault, holder);
    if (fault.kind == Kind::ledger_forgets) {
        // A longer lease that only the lost ledger and the silent know of.
        if (std::any_of(script_.faults.begin(), script_.faults.end(),
                        [](const Fault& one) { return one.kind == Kind::lease_changes; }))
            return omits(Omission::ledger_kept);
        // It hears nothing of the next grant.
        arbiter_.strikes_winner = fault;
        arbiter_.strikes_winner->who = holder;
        return follow_up(Kind::cut, holder, milliseconds(1),
                         script_.climate.expiry() + rules_.window() + 3 * script_.climate.heartbeat,
                         the_arbiter);
    }
    aim_at_acker(fault, holder);
}

// One is behind what another acknowledges, and that other leads next or leaves.
void World::aim_at_acker(const Fault& fault, std::size_t holder) {
    std::vector<std::size_t> members;
    for (const dnsd::Acker& acker : arbiter_.ledger.record->semi_sync)
        if (!acker.leaving && place_of(acker.id) != holder) members.push_back(place_of(acker.id));
    if (members.size() < 2) return;
    const std::size_t first = fault.how % members.size();
    const std::size_t lags = members[first];
    const std::size_t other = members[(first + 1) % members.size()];
    const Duration beat = script_.climate.heartbeat;
    const Duration in = beat * (fault.how / 8 % 64) / 32;
    if (fault.kind == Kind::leaver_is_ahead) {
        follow_up(Kind::asks_drain, other, milliseconds(1), 20 * beat);
        return follow_up(Kind::cut, lags, in + milliseconds(2), 4 * beat, holder);
    }
    follow_up(Kind::cut, lags, milliseconds(1), rules_.down_after, holder);
    follow_up(Kind::machine_crashes, holder, rules_.down_after * (fault.how / 8 % 64) / 64,
              2 * script_.climate.lease);
}

// Its own agent is stopped, or it would put that right.
void World::aim_at_stranger(const Fault& fault, std::size_t holder) {
    for (std::size_t i = 0; i < sites_.size(); ++i) {
        const std::size_t site = (i + fault.who) % sites_.size();
        const Database& database = sites_[site].database;
        const auto& set = arbiter_.ledger.record->semi_sync;
        const bool member = std::any_of(set.begin(), set.end(), [&](const dnsd::Acker& acker) {
            return acker.id == sites_[site].id;
        });
        if (site == holder || member || database.upstream != holder || !database.connected)
            continue;
        const Duration longer = 2 * rules_.down_after + 3 * script_.climate.heartbeat;
        follow_up(Kind::agent_stops, site, milliseconds(1), longer);
        follow_up(Kind::made_to_acknowledge, site, milliseconds(2), Duration::zero());
        return follow_up(Kind::machine_crashes, holder, longer - script_.climate.heartbeat / 2,
                         3 * script_.climate.lease);
    }
}

// A replica that is behind is written to, while the gate waits for an acker whose agent is stopped:
// its numbers are high then, and it lacks what was acknowledged.
void World::aim_by_hand(const Fault& fault, std::size_t holder) {
    const auto& set = arbiter_.ledger.record->semi_sync;
    const Duration wait = script_.climate.expiry() + rules_.window() + script_.climate.heartbeat;
    for (std::size_t i = 0; i < sites_.size(); ++i) {
        const std::size_t site = (i + fault.who) % sites_.size();
        const bool member = std::any_of(set.begin(), set.end(), [&](const dnsd::Acker& acker) {
            return acker.id == sites_[site].id;
        });
        if (site == holder || member || sites_[site].database.upstream != holder) continue;
        follow_up(Kind::cut, site, milliseconds(1), script_.climate.lease, holder);
        const Duration dies = 2 * script_.climate.heartbeat;
        follow_up(Kind::machine_crashes, holder, dies, 4 * script_.climate.lease);
        for (const dnsd::Acker& acker : set)
            follow_up(Kind::agent_stops, place_of(acker.id), dies + milliseconds(5),
                      wait + 4 * script_.climate.heartbeat);
        // In the first of these moments in which it is at rest.
        for (int late = 0; late < 4; ++late)
            follow_up(Kind::written_by_hand, site,
                      dies + wait + late * script_.climate.heartbeat / 2, Duration::zero());
        return;
    }
}

// What only the master and its acker have is gone from both, and the ledger does not know of
// either.
void World::aim_at_memory(const Fault& fault, std::size_t holder) {
    const auto& set = arbiter_.ledger.record->semi_sync;
    if (set.empty()) return;
    const std::size_t acker = place_of(set[fault.how % set.size()].id);
    const Duration lease = script_.climate.lease;
    for (std::size_t i = 0; i < sites_.size(); ++i)
        if (i != holder && i != acker) follow_up(Kind::cut, i, milliseconds(1), 2 * lease, holder);
    follow_up(Kind::replication_lags, acker, milliseconds(1), lease);
    follow_up(Kind::ledger_damaged, 0, milliseconds(2), milliseconds(100));
    follow_up(Kind::machine_crashes, holder, lease / 2, milliseconds(300));
    follow_up(Kind::database_restarts, acker, lease / 2 + milliseconds(1), milliseconds(20));
}

// One alone receives what is committed, applies none of it, and is begun anew by hand just as it
// can not be sent that again; then the holder dies, and comes back without its tail, or late.
void World::aim_at_relay_log(const Fault& fault, std::size_t holder) {
    const auto& set = arbiter_.ledger.record->semi_sync;
    std::vector<std::size_t> members;
    for (const dnsd::Acker& acker : set)
        if (!acker.leaving && place_of(acker.id) != holder) members.push_back(place_of(acker.id));
    if (members.empty()) return;
    const std::size_t acker = members[fault.how % members.size()];
    const Duration lease = script_.climate.lease;
    for (std::size_t i = 0; i < sites_.size(); ++i)
        if (i != holder && i != acker) follow_up(Kind::cut, i, milliseconds(1), 2 * lease, holder);
    follow_up(Kind::replication_lags, acker, milliseconds(1), lease);
    const Duration in = milliseconds(20) + script_.climate.heartbeat * (fault.how / 8 % 64) / 64;
    follow_up(Kind::cut, acker, in, 2 * lease, holder);
    // STOP SLAVE, and START SLAVE at once or by whoever finds it so.
    follow_up(Kind::replication_breaks, acker, in + milliseconds(1), Duration::zero(), 0,
              fault.how / 512 % 4 == 0 ? 1 : 2);
    follow_up(Kind::machine_crashes, holder, in + milliseconds(2), 2 * lease);
}

// Whoever knows of this grant is silent, and the ledger is one from before it.
void World::aim_at_ledger(const Fault& armed, std::size_t winner) {
    const std::size_t last = armed.who;
    if (winner == last) return;
    const Duration silent = 3 * script_.climate.lease / 2;
    for (std::size_t i = 0; i < sites_.size(); ++i)
        if (i != last) follow_up(Kind::cut_one_way, i, milliseconds(1), silent, the_arbiter);
    follow_up(Kind::ledger_restored, last, milliseconds(100), milliseconds(50));
    for (Fault& fault : script_.faults)
        if (fault.kind == Kind::ledger_restored &&
            fault.at == now_ + Duration(milliseconds(100)).count())
            fault.how = armed.how % 3 == 0 ? nobody_leads : before_a_grant;
}

// It may hear yet that it is to yield, and says nothing more.
void World::strike_yielder(std::size_t holder) {
    const auto dead = std::exchange(arbiter_.strikes_yielder, std::nullopt);
    if (dead) follow_up(Kind::machine_crashes, holder, milliseconds(1), *dead);
}

// Just as it is told so for the first time.
void World::strike_winner(std::size_t winner) {
    const auto armed = std::exchange(arbiter_.strikes_winner, std::nullopt);
    if (!armed || !troubled()) return;
    if (armed->kind == Kind::ledger_forgets) return aim_at_ledger(*armed, winner);
    const Duration lease = script_.climate.lease;
    switch (armed->how % 8) {
        case 0: {  // it never hears of it
            Fault unheard = *armed;
            unheard.kind = Kind::cut_one_way;
            unheard.at = now_;
            unheard.who = the_arbiter;
            unheard.other = winner;
            return strike(unheard);
        }
        case 1:
        case 2:  // it hears of it late, and by then its database is another
            network_.slow(winner, lease / 2);
            follow_up(Kind::slow, winner, Duration::zero(), lease);
            return follow_up(Kind::database_restarts, winner, milliseconds(1), milliseconds(20));
        case 3:  // before it has done what it was told
            return follow_up(Kind::database_crashes, winner, milliseconds(8), milliseconds(20));
        case 4:
            return follow_up(Kind::agent_crashes_at_record, winner, milliseconds(1), lease / 2);
        case 5:
            return follow_up(Kind::cut_all, winner, milliseconds(1), armed->lasts);
        case 6: {  // soon after, and so is who follows it
            Fault again = *armed;
            again.how = 7;
            arbiter_.strikes_winner = again;
            return follow_up(Kind::machine_crashes, winner, lease, armed->lasts);
        }
        default:  // soon after, and the arbiter is another by then
            follow_up(Kind::arbiter_crashes, 0, lease / 4, milliseconds(200));
            return follow_up(Kind::machine_crashes, winner, lease, armed->lasts);
    }
}

}  // namespace sim
