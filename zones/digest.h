#pragma once
// What a zone says, in 128 bits: for telling whether a zone's content changed. Good against
// accidents; whoever writes a zone's file and wants two contents with one digest is not kept from
// it.

#include "zones/zone.h"

#include <cstdint>
#include <string>

namespace zones {

struct Digest {
    std::uint64_t high = 0, low = 0;

    std::string text() const;  // 32 hexadecimal digits
    friend bool operator==(const Digest&, const Digest&) = default;
};

// Of the set of all records with their TTLs; the SOA's serial counts as zero. Neither the order of
// records, nor the case of names, nor which names are in the overlay makes a difference. The same
// from run to run: it may be kept.
Digest content_digest(const Zone& zone);

}  // namespace zones
