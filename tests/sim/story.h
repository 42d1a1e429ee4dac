#pragma once
// A world told so that a person can read it: how it was set up, who did what when, and how it
// ended.

#include "tests/sim/script.h"

#include <iosfwd>

namespace sim {

// What is told of a world: each datagram and look too, or what matters.
enum class Detail { story, trace };
// Lives through it, and tells; what it broke, empty when all held.
std::string tell_world(const Script& script, Detail detail, std::ostream& out);

// Of the traces of a few seeds, a line each: one seed is one run on every build.
std::string digest();

// The setting and the faults, one a line.
std::string described(const Script& script);

}  // namespace sim
