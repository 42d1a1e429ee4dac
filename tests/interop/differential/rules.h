#pragma once
// Where servers differ and all have the right to: each rule is one such case, as narrow as it can
// be told, with its page in docs/decisions. What no rule explains is a fault.

#include "tests/interop/differential/compare.h"
#include "tests/interop/differential/served.h"

#include <string>
#include <vector>

namespace differential {

struct Case {
    const Question& question;
    const Zones& zones;
    Peer peer;
    const Reply& ours;
    const Reply& theirs;
    // All other peers that have the zone, and there is one, answer as we do.
    bool backed = false;
};

// Names of the rules that explain `differing`, each part by one; empty when some part is not.
std::vector<std::string> explanations(const Case& one, const std::vector<Part>& differing);

}  // namespace differential
