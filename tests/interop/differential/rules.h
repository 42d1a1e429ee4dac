#pragma once
// Where servers differ and all have the right to: each rule is one such case, as narrow as it can
// be told, with its page in docs/decisions. What no rule explains is a fault.

#include "tests/interop/differential/compare.h"
#include "tests/interop/differential/served.h"

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace differential {

// By server; none of a server that does not run or lacks the zone.
using Replies = std::array<std::optional<Reply>, servers>;

struct Case {
    const Question& question;
    const Zones& zones;
    Peer peer;
    const Reply& ours;
    const Reply& theirs;
    // All other peers that have the zone, and there is one, answer as we do.
    bool backed = false;
    // All servers' by TCP, when one of them was cut, and to a question for the type that our answer
    // to ANY has.
    const Replies* whole = nullptr;
    const Replies* typed = nullptr;

    const Reply* whole_of(std::size_t server) const {
        return whole != nullptr && (*whole)[server] ? &*(*whole)[server] : nullptr;
    }
};

// Whether the answer is a chain of aliases that comes back to itself.
bool is_circle(const std::vector<Set>& answer);

// Names of the rules that explain `differing`, each part by one; empty when some part is not.
std::vector<std::string> explanations(const Case& one, const std::vector<Part>& differing);

}  // namespace differential
