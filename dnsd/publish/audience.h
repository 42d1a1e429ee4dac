#pragma once
// Whom to tell of a zone's new versions: who is configured, and who the zone's own NS set names, as
// far as our zones hold the addresses (RFC 1996 §2.1). Nobody is asked for an address: a server
// that looked names up in order to serve could be made to ask anybody.

#include "dnsd/publish/notifier.h"
#include "zones/catalog.h"

#include <set>
#include <vector>

namespace dnsd {

// Of the NS set of one zone.
constexpr std::size_t ns_targets_max = 64;
constexpr std::uint16_t notify_port = 53;

// `configured` in its order, with the names of hosts that the NS set has for their addresses; then,
// if `notify_ns`, those of the NS set that are not among them and not `ourselves`.
std::vector<Notifier::Target> audience(const zones::Catalog& catalog, const zones::Zone& zone,
                                       std::vector<Notifier::Target> configured, bool notify_ns,
                                       const std::set<heartbeat::Address>& ourselves);

}  // namespace dnsd
