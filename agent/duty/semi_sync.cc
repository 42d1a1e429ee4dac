// Who acknowledges what, and whom a master lets in: the database is set to what the newest reply
// that was obeyed says (docs/PROTOCOL.md, "Who is in S"), and what it says of itself is marked.

#include "agent/duty/duty.h"

#include "heartbeat/sim_points.h"

#include <algorithm>

namespace agent {

namespace {

constexpr Duration patience_max = std::chrono::seconds(5);

}  // namespace

// What the database said was read after each reply that had been obeyed when the look began.
void Duty::know_mark(Instant begun) {
    while (!marks_.empty() && marks_.front().second <= begun) {
        mark_ = std::max(mark_, marks_.front().first);
        marks_.pop_front();
    }
}

std::uint64_t Duty::barred_said() const {
    if (phase_ != Phase::master) return 0;
    return SIM_BROKEN(barred_when_in_force) && told_ ? told_->mark : barred_;
}

Duty::Setting Duty::setting() const {
    if (!told_) return {};
    if (holds()) return {!told_->empty, told_->barred};
    return {told_->self || SIM_BROKEN(semi_sync_only_in_the_set), {}};
}

// Never believed without a verb of this run of the agent, and of this start of the database.
bool Duty::missets() const {
    if (!told_ || !database_.reachable || virgin()) return false;
    // One that stopped receiving acknowledges nothing; it is set when it is told what comes next.
    if (phase_ != Phase::master && (!database_.replica_configured || prepare_ > Epoch{}))
        return false;
    return configured_ != setting() || database_.semi_sync != setting().semi_sync;
}

void Duty::drive_configure(Turn& turn) {
    if (!fresh_ || turn.now < configure_.at || !missets()) return;
    if (configured_ == setting()) SIM_SOMETIMES(a_setting_was_put_right);
    SIM_SOMETIMES(semi_sync_was_configured_later);
    ask(Verb::configure, holds() ? held_ : record_.seen, Instant::max(), turn);
}

void Duty::configured(const VerbDone& done, const Running& asked, Turn& turn) {
    // Also after success: a database that does not keep what it is set to is not set all the time.
    // But what is asked for by now is something else, and does not wait.
    if (asked.setting == setting()) configure_.failed(turn.now, rules_.heartbeat / 4, patience_max);
    if (!done.ok) return;
    configured_ = asked.setting;
    barred_ = asked.mark;
    if (told_ && told_->barred == asked.setting.barred) barred_ = told_->mark;
    tell_ = true;
}

}  // namespace agent
