#pragma once
// A script as text, so that a world that broke a rule is kept for ever, whatever later becomes of
// the generator: one setting or fault a line, what is not said is as in a fair world.
//
//     # A comment.
//     seed 1
//     agents 5
//     lease 600ms
//     fault machine_crashes at=10s who=0 lasts=30s

#include "tests/sim/script.h"

#include <string>

#include <tl/expected.hpp>

namespace sim {

std::string text_of(const Script& script);
// Or "LINE: what is wrong".
tl::expected<Script, std::string> script_in(std::string_view text);

}  // namespace sim
