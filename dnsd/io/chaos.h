#pragma once
// The status as dig is told it: TXT records of class CH (docs/UX.md, "By dig").

#include "dnsd/io/status_json.h"
#include "zones/chaos.h"

namespace dnsd {

// Of one secondary's zones so many are told at most, those in which it is behind first.
constexpr std::size_t chaos_zones_max = 512;

zones::ChaosRecords chaos_records(const Status&);

}  // namespace dnsd
