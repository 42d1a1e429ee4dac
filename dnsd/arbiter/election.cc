#include "dnsd/arbiter/election.h"

#include <algorithm>

namespace dnsd {

namespace {

// Does `a` go before `b`, and by what? Both have received the same.
struct Preference {
    bool first;
    const char* why;
};

Preference prefer(Choose choose, const Candidate& a, const Candidate& b) {
    if (choose == Choose::first_request) return {a.turn < b.turn, "asked first"};
    const auto applied = a.applied <=> b.applied;
    if (applied == std::partial_ordering::greater) return {true, "applied most"};
    if (applied == std::partial_ordering::less) return {false, "applied most"};
    if (a.priority != b.priority) return {a.priority > b.priority, "highest priority"};
    if (a.priority_asked != b.priority_asked)
        return {a.priority_asked > b.priority_asked, "highest priority"};
    return {a.id < b.id, "first by name"};
}

}  // namespace

Outcome elect(Choose choose, std::span<const Candidate> candidates) {
    if (candidates.empty()) return NoCandidate{};
    // A position that is not behind any other, if there is one; then it must have a relation to
    // all.
    const Candidate* top = &candidates.front();
    for (const Candidate& candidate : candidates)
        if (candidate.received > top->received) top = &candidate;
    bool ahead = candidates.size() > 1;
    for (const Candidate& candidate : candidates) {
        const auto order = top->received <=> candidate.received;
        if (order == std::partial_ordering::unordered || order == std::partial_ordering::less)
            return Incomparable{top->id, candidate.id};
        if (&candidate != top && order == std::partial_ordering::equivalent) ahead = false;
    }
    if (candidates.size() == 1) return Winner{top->id, "the only candidate"};
    if (ahead) return Winner{top->id, "received most"};
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
