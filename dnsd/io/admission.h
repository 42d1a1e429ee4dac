#pragma once
// Who may have more than names, and by which keys that is known: what a reload of the configuration
// may change in a catalog.

#include "dnsd/config/config.h"
#include "zones/catalog.h"

#include <map>
#include <vector>

namespace dnsd {

// As zones have it: IPv4 as v4-mapped IPv6 (RFC 4291 §2.5.5.2).
zones::AddressBytes mapped(const heartbeat::Address& address);

struct Admission {
    zones::Access access;
    std::map<zones::Name, zones::TransferRules> rules;  // of single zones
    zones::TsigKeys keys;

    zones::Catalog onto(const zones::Catalog& catalog) const;
};

// The addresses of this machine's loopback, and nobody else.
Admission loopback_alone();
// A secondary may transfer the zones that name it, with its key if it has one.
Admission admission_of(const TransferConfig& transfer,
                       const std::vector<heartbeat::Address>& monitor_allow,
                       const std::vector<ZoneConfig>& zones);

}  // namespace dnsd
