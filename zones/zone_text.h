#pragma once
// Zones as master files (RFC 1035 §5): the reverse of zonefile.h.

#include "zones/zone.h"

#include <string>

namespace zones {

// The SOA first, then all names in canonical order, one record a line.
std::string zone_text(const Zone& zone);

}  // namespace zones
