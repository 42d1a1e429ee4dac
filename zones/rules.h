#pragma once
// What the RRsets of one name must keep, whether they come from a file or from a change.

#include "zones/record.h"

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace zones {

struct RRsetKind {
    Type type;
    std::size_t count = 0;  // of records
    std::size_t size = 0;   // in bytes, packed
};

struct BrokenRule {
    std::string what;  // to be read behind the name: "has two CNAME records"
    std::string hint;
};
std::vector<BrokenRule> broken_rules(std::span<const RRsetKind> kinds, bool apex);

// Order of well-formed record data in which data that mean the same are equal: the case of names is
// not seen (RFC 4034 §6.2), every other byte is.
std::weak_ordering compare_rdata(Type type, std::span<const std::byte> a,
                                 std::span<const std::byte> b);

}  // namespace zones
