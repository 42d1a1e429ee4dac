// Whether the database still has what it received, and what it says when it has not.

#include "agent/duty/duty.h"
#include "heartbeat/sim_points.h"

namespace agent {

namespace {

// Of an agent that remembers none: one that it has hardly said before, as the threads' numbers only
// rise. Where nothing was ever begun it is none.
std::uint16_t first_generation(const DatabaseView& view) {
    if (!view.replica_configured) return 0;
    const std::uint64_t sum = view.relay.io + view.relay.sql + view.relay.starts;
    return static_cast<std::uint16_t>(sum == 0 ? 0 : sum % 0xffff + 1);
}

}  // namespace

std::uint16_t Duty::generation() const {
    return record_.relay.start == database_.start ? record_.relay.generation : std::uint16_t{0};
}

bool Duty::start_is_owed() const {
    return wanted_.relay.start != record_.relay.start ||
           wanted_.relay.generation != record_.relay.generation;
}

bool Duty::restarted_since_asked() const {
    if (SIM_BROKEN(winner_in_the_start_it_asked_with)) return false;
    if (database_.start != database_start_) return true;
    return wanted_.relay.start == database_.start && wanted_.relay.generation != generation_asked_;
}

// Nothing was received when the relay log was last judged, and all that had been is applied now. Of
// two threads that stand their own position tells, as long as there is one.
bool Duty::reached_relay_end() const {
    if (!database_.relay.runs() && database_.replica_configured) return false;
    return relay_end_ && database_.applied && *database_.applied >= *relay_end_;
}

void Duty::note_relay_lost(Turn& turn) {
    const RelayLog& log = database_.relay;
    SIM_SOMETIMES(relay_log_was_lost);
    if (!log.runs() && !log.drained) SIM_SOMETIMES(unapplied_relay_log_was_lost);
    RelayKnown& known = wanted_.relay;
    if (++known.generation == 0) known.generation = 1;
    // Whether that was read before or after nobody knows: the next look tells.
    database_.received.reset();
    look_ = true;
    turn.note(Kind::relay_lost, held_, "the relay log began anew, or can only begin anew");
}

// Who may have lost what it acknowledged says another start, as after a restart of its database: it
// is not asked again before it has caught up (docs/decisions/0015). A master has no relay log, and
// all that its promotion found there is applied.
void Duty::judge_relay(Turn& turn) {
    if (!database_.reachable) return;
    RelayKnown& known = wanted_.relay;
    const RelayLog was = known.log;
    if (known.start != database_.start) {
        const bool forgot = known.start == 0;
        const std::uint16_t first = forgot ? first_generation(database_) : std::uint16_t{0};
        known = {database_.start, first, database_.relay};
    } else if (verb_) {
        return;  // what it does is judged when it has ended
    } else {
        const bool leads = phase_ == Phase::master || (phase_ == Phase::promoting && promote_done_);
        const bool lost = !leads && may_be_lost(was, database_.relay, reached_relay_end());
        known.log = database_.relay;
        if (lost && !SIM_BROKEN(lost_relay_log_is_a_restart)) note_relay_lost(turn);
    }
    // A look reads the position before it reads that nothing is received any more: it is the last
    // if nothing was before, or if our own verb had stopped that.
    const bool stood = was.io == 0 || stopped_receiving_;
    relay_end_.reset();
    if (stood && database_.relay.io == 0) relay_end_ = database_.received;
    stopped_receiving_ = false;
}

}  // namespace agent
