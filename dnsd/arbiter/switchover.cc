#include "dnsd/arbiter/switchover.h"

#include "heartbeat/sim_points.h"

#include <algorithm>
#include <tuple>

namespace dnsd {

Switchover::Switchover(ServerId from, ServerId to, Epoch held, std::string cause, std::string by,
                       Instant now)
    : from_(from),
      to_(to),
      held_(held),
      cause_(std::move(cause)),
      by_(std::move(by)),
      begun_(now) {}

bool Switchover::add_token(std::uint64_t token, bool changed) {
    if (tokens_.size() >= tokens_max) return false;
    tokens_.push_back(token);
    if (changed) changed_.push_back(token);
    return true;
}

bool Switchover::has_changed(std::uint64_t token) const {
    return std::find(changed_.begin(), changed_.end(), token) != changed_.end();
}

void Switchover::yield(Instant now) {
    stage_ = Stage::yielding;
    yielded_ = now;
}

void Switchover::freed() {
    stage_ = Stage::waiting;
}

void Switchover::final_position(const heartbeat::GtidPosition& position) {
    if (!final_) final_ = position;
}

bool Switchover::caught_up(const heartbeat::Heartbeat& candidate) const {
    if (SIM_BROKEN(candidate_waits_for_final)) return true;
    return final_ && candidate.received && *candidate.received >= *final_;
}

void Switchover::granted() {
    stage_ = Stage::granted;
}

Duration Switchover::patience(const ArbiterRules& rules) {
    return std::max<Duration>(rules.lease, std::chrono::seconds(2));
}

Instant Switchover::fails_at(const ArbiterRules& rules) const {
    if (SIM_BROKEN(switchover_fails_in_time)) return Instant::max();
    switch (stage_) {
        case Stage::readying:
            return begun_ + readying_heartbeats * rules.heartbeat;
        case Stage::yielding:
        case Stage::waiting:
            return yielded_ + patience(rules);
        case Stage::granted:
            break;
    }
    return Instant::max();
}

std::string Switchover::waits_for() const {
    const std::string from(from_.text());
    const std::string to(to_.text());
    switch (stage_) {
        case Stage::readying:
            return to + " is not close enough";
        case Stage::yielding:
            return from + " has not reported that it stopped";
        case Stage::waiting:
            if (!final_) return from + " has not told its final position";
            return to + " has not received all of " + from + "'s commits, up to " + final_->text();
        case Stage::granted:
            break;
    }
    return to + " is not writable yet";
}

SwitchoverStatus Switchover::status(Instant now) const {
    return {from_, to_, epoch(), stage_, now - begun_, cause_, by_};
}

Duration close_enough(const ArbiterRules& rules) {
    return std::max<Duration>(std::chrono::seconds(1), rules.lease / 4);
}

std::string unready(const Watched& candidate, const ServerId& holder, const ArbiterRules& rules) {
    if (!candidate.last) return "not heard yet";
    const heartbeat::Heartbeat& beat = *candidate.last;
    if (beat.upstream != holder)
        return "does not replicate from " + std::string(holder.text()) +
               (beat.upstream ? ", but from " + std::string(beat.upstream->text()) : "");
    if (!beat.health.replication)
        return "replication does not run" + (beat.why.empty() ? std::string() : ": " + beat.why);
    if (!beat.lag) return "its lag is not known";
    if (*beat.lag > close_enough(rules) && !SIM_BROKEN(switchover_wants_little_lag))
        return "lag " + spoken(*beat.lag) + ", a switchover needs " + spoken(close_enough(rules)) +
               " or less";
    return {};
}

std::optional<ServerId> preferred(const std::vector<Ready>& ready) {
    const auto rank = [](const Ready& one) {
        return std::make_tuple(one.points, ~one.priority, ~one.priority_asked, one.id);
    };
    const auto best =
        std::min_element(ready.begin(), ready.end(),
                         [&](const Ready& a, const Ready& b) { return rank(a) < rank(b); });
    if (best == ready.end()) return std::nullopt;
    return best->id;
}

Pace::Pace(const std::optional<Until>& recorded, const Wall& wall) : wall_(wall) {
    if (!recorded || recorded->length_seconds <= 0) return;
    pause_ = std::chrono::seconds(std::clamp<std::int64_t>(
        recorded->length_seconds, 0,
        std::chrono::duration_cast<std::chrono::seconds>(Term::length_max).count()));
    next_ = Term(*recorded, wall).ends();
    if (next_ > wall.at) SIM_SOMETIMES(pace_outlived_a_restart);
}

Until Pace::began(const ArbiterRules& rules, Instant now) {
    // Without a block it still leaves the group the time that a grant may take.
    const Duration first = rules.block > Duration::zero() ? rules.block : rules.lapse();
    const bool soon = pause_ > Duration::zero() && now - (next_ - pause_) < std::chrono::hours(1);
    // Never shorter than the first: the last may have been by other settings.
    pause_ = soon ? std::clamp(2 * pause_, first, std::max(first, rules.block_max)) : first;
    next_ = now + pause_;
    // Rounded up, also what had passed of the second in which the arbiter started, so that after a
    // restart it is not a part of a second shorter.
    const auto whole = std::chrono::ceil<std::chrono::seconds>(now - wall_.at).count() + 1;
    return Term::recorded(pause_, wall_.unix_seconds + whole);
}

}  // namespace dnsd
