#pragma once
// Do the timers in a zone's SOA fit names that change by the second? A warning at its place where
// they do not; none of it keeps a zone from being served.

#include "dnsd/config/config.h"

#include <vector>

namespace dnsd {

// A negative answer may outlive the TTL of the group's names by so much.
constexpr unsigned absent_seconds_max = 60;
// By so much a secondary that no NOTIFY reaches may be behind.
constexpr unsigned refresh_seconds_max = 3600;

std::vector<zones::Mistake> timers_for(const zones::Loaded& loaded, const GroupConfig& group);

}  // namespace dnsd
