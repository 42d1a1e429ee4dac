#pragma once
// Whom the notifier is to tell of which zone, within its bound.

#include "dnsd/io/setup.h"
#include "dnsd/io/zone_store.h"
#include "dnsd/publish/notifier.h"

#include <set>
#include <string>
#include <vector>

namespace dnsd {

// How many there would be, if every zone that was read were served.
std::size_t targets_wanted(const ZoneStore& store, const Secondaries& secondaries);
std::string too_many_targets(std::size_t wanted);

// Of every zone that is served. Files that are added while the daemon serves must not end it: those
// beyond the bound are left to their secondaries' refresh timers (RFC 1035 §3.3.13), and the log.
std::vector<Notifier::Target> targets_of(const ZoneStore& store, const Secondaries& secondaries,
                                         const std::set<heartbeat::Address>& ourselves);

}  // namespace dnsd
