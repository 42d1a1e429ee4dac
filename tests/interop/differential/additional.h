#pragma once
// What servers may and must tell beside an answer: the rules of the additional section, RRset by
// RRset.

#include "tests/interop/differential/rules.h"

namespace differential {

bool is_referral(const Reply& reply);
// Whether an address belongs to a server below the cut (RFC 9471 §3.1).
bool is_glue(const Reply& referral, const std::string& owner, std::uint16_t type);
// Whether it is such an address of our referral, from a record that the zone has.
bool must_be_told(const Case& one, const Set& set);
// How large a response over UDP may be that all four servers are set to.
std::size_t room_for(const Question& question);

// Names of the rules that explain the differing additional sections; empty when some RRset is
// unexplained.
std::vector<std::string> additional_explanations(const Case& one);

}  // namespace differential
