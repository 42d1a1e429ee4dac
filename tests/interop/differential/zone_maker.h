#pragma once
// Zones out of a seed: wildcards, empty non-terminals, aliases of every kind, delegations with
// every kind of glue, occluded names, odd labels, large RRsets; parents, children and siblings in
// one batch, as all of a batch is served by one server.

#include "tests/interop/differential/labels.h"
#include "tests/interop/differential/random.h"

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace differential {

// What some servers refuse to load stands alone, so that the others can be compared all the same.
enum class ZoneKind {
    common,
    wildcard_cut,    // RFC 4592 §4.2: BIND refuses NS at a wildcard
    wildcard_dname,  // RFC 4592 §4.4, RFC 6672 §3.3: discouraged
    below_dname,     // RFC 6672 §2.4 forbids it: NSD and Knot refuse
};

struct MadeZone {
    Labels origin;
    ZoneKind kind = ZoneKind::common;
    std::string text;
    std::vector<Labels> names;  // owners, their ancestors, and what they point to
    std::set<Labels> owners;    // in lower case
    std::set<std::uint16_t> types;

    std::string file_name() const {
        return origin.empty() ? "root.zone" : differential::text(origin) + "zone";
    }
};

// The same seed, batch and size make the same zones.
std::vector<MadeZone> make_batch(std::uint64_t seed, std::size_t batch, std::size_t zones);

}  // namespace differential
