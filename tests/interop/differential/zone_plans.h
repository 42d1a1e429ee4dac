#pragma once
// Which zones a batch has, and how they lie in each other, before there is a record in any.

#include "tests/interop/differential/zone_maker.h"

#include <cstddef>
#include <vector>

namespace differential {

struct Plan {
    Labels origin;
    ZoneKind kind = ZoneKind::common;
    // NSD keeps all zones in one tree, where nothing may stand below a DNAME: either a zone has
    // no DNAME, or the zones above it have nothing in its place but glue.
    bool has_parent = false;
    bool without_dname = false;
    bool long_chain = false, much_glue = false;
    std::vector<Labels> children;       // origins of zones of the batch below this one
    std::vector<Labels> out_of_bounds;  // those in whose place there may be a DNAME
};

std::vector<Plan> make_plans(Random chance, std::size_t batch, std::size_t zones);

}  // namespace differential
