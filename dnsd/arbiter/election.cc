#include "dnsd/arbiter/election.h"

#include "heartbeat/sim_points.h"

#include <algorithm>

namespace dnsd {

namespace {

// Does `a` go before `b`, and by what? Both have received the same.
struct Preference {
    bool first;
    const char* why;
};

Preference prefer(Choose choose, const Candidate& a, const Candidate& b) {
    if (a.given_back != b.given_back) SIM_SOMETIMES(who_led_before_goes_first);
    if (a.given_back != b.given_back && !SIM_BROKEN(lease_goes_back_to_its_equal))
        return {a.given_back, "led before"};
    if (choose == Choose::first_request) SIM_SOMETIMES(who_asked_first_goes_first);
    if (choose == Choose::first_request)
        return {(a.turn < b.turn) != SIM_BROKEN(first_to_ask_leads), "asked first"};
    const auto applied = SIM_BROKEN(most_applied_ranks) ? std::partial_ordering::equivalent
                                                        : a.applied <=> b.applied;
    if (applied != std::partial_ordering::equivalent) SIM_SOMETIMES(who_applied_most_goes_first);
    if (applied == std::partial_ordering::greater) return {true, "applied most"};
    if (applied == std::partial_ordering::less) return {false, "applied most"};
    if (a.penalty != b.penalty) SIM_SOMETIMES(who_lost_fewer_goes_first);
    if (a.penalty != b.penalty && !SIM_BROKEN(penalties_rank))
        return {a.penalty < b.penalty, "lost fewer leases"};
    if (a.priority != b.priority) SIM_SOMETIMES(who_has_priority_goes_first);
    if (a.priority != b.priority)
        return {(a.priority > b.priority) != SIM_BROKEN(priority_ranks), "highest priority"};
    if (a.priority_asked != b.priority_asked)
        return {a.priority_asked > b.priority_asked, "highest priority"};
    SIM_SOMETIMES(who_is_first_by_name_goes_first);
    return {(a.id < b.id) != SIM_BROKEN(names_rank_last), "first by name"};
}

}  // namespace

Outcome elect(Choose choose, std::span<const Candidate> candidates) {
    if (candidates.empty()) return NoCandidate{};
    // A position that is not behind any other, if there is one; then it must have a relation to
    // all.
    const Candidate* top = &candidates.front();
    for (const Candidate& candidate : candidates)
        if (candidate.received > top->received && !SIM_BROKEN(most_received_leads))
            top = &candidate;
    bool ahead = candidates.size() > 1;
    for (const Candidate& candidate : candidates) {
        const auto order = top->received <=> candidate.received;
        const bool clash =
            order == std::partial_ordering::unordered ||
            (order == std::partial_ordering::less && !SIM_BROKEN(most_received_leads));
        if (clash && !SIM_BROKEN(incomparable_elects_nobody))
            return Incomparable{top->id, candidate.id};
        if (&candidate != top && order == std::partial_ordering::equivalent) ahead = false;
    }
    if (candidates.size() == 1) return Winner{top->id, "the only candidate"};
    if (ahead) {
        SIM_SOMETIMES(who_received_most_goes_first);
        return Winner{top->id, "received most"};
    }
    const char* why = "";
    for (const Candidate& candidate : candidates) {
        if (&candidate == top || candidate.received != top->received) continue;
        const Preference preference = prefer(choose, candidate, *top);
        why = preference.why;
        if (preference.first) top = &candidate;
    }
    return Winner{top->id, why};
}

void Election::asks(const ServerId& server) {
    if (std::find(asked_.begin(), asked_.end(), server) == asked_.end()) asked_.push_back(server);
}

std::size_t Election::turn_of(const ServerId& server) const {
    return static_cast<std::size_t>(std::find(asked_.begin(), asked_.end(), server) -
                                    asked_.begin());
}

}  // namespace dnsd
