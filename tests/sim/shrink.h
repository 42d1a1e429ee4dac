#pragma once
// Of a script that breaks a rule, a shorter one that breaks the same: fewer faults, shorter ones,
// and better weather (delta debugging).

#include "tests/sim/script.h"

#include <functional>
#include <string>

namespace sim {

// "I1" of "I1: wiki1 and wiki2 are writable at once": what must stay the same.
std::string kind_of(const std::string& violation);

struct Shrunk {
    Script script;
    std::string violation;
    std::size_t lives = 0;  // how many worlds it took
};
// `fate` lives through a script and says what it broke. At most `lives_max` times.
Shrunk shrink(Script script, const std::function<std::string(const Script&)>& fate,
              std::size_t lives_max);

}  // namespace sim
