#pragma once
// A group's tables → GroupConfig: its servers, its two names, and rules that fit each other.

#include "dnsd/config/config.h"
#include "dnsd/config/fields.h"

namespace dnsd {

// The three tables of one group; each may be missing.
struct GroupTables {
    std::optional<Table> www;
    std::optional<Table> master;
    std::optional<Table> servers;
    bool servers_wrong = false;  // it is there and no table, which was said
};

// `name` and `zone` are what the group is called and whose names it makes; `place` is where a
// mistake of the group as a whole is shown. Mistakes go to the document; the group is of use only
// without any.
GroupConfig read_group(Document&, Place place, std::string name, const zones::Name& zone,
                       GroupTables tables);

}  // namespace dnsd
