#pragma once
// What servers may and must tell beside an answer: the rules of the additional section, RRset by
// RRset.

#include "tests/interop/differential/rules.h"

namespace differential {

bool is_referral(const Reply& reply);
// How large a response over UDP may be that all four servers are set to.
std::size_t room_for(const Question& question);

// Names of the rules that explain the differing additional sections; empty when some RRset is
// unexplained.
std::vector<std::string> additional_explanations(const Case& one);

}  // namespace differential
