#pragma once
// Which groups have their names in which zone, and how each of them stands. Pure.

#include "dnsd/arbiter/standing.h"
#include "dnsd/publish/edition.h"
#include "zones/zone.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace dnsd {

class LivePlaces {
public:
    void add(const zones::Name& zone, const std::string& group, const EditionRules& rules);
    // `stood` hears of each zone that has the group's names, and whether another server is master.
    void stand(const Standing& standing,
               const std::function<void(const zones::Name& zone, bool other_master)>& stood);

    bool has(const zones::Name& zone) const { return places_.contains(zone); }
    // What stands in the zone; empty for one without groups.
    std::string text(const zones::Name& zone) const;
    // What is served with what stands now, under that serial; null where nothing changes. The cost
    // is that of a few names, not of the zone.
    std::shared_ptr<const zones::Zone> renewed(const zones::Name& zone, const zones::Zone& served,
                                               zones::Serial serial) const;
    // The records of the file with what stands put in, under that serial.
    std::shared_ptr<const zones::Zone> put_into(const zones::Name& zone,
                                                std::shared_ptr<const zones::Zone> file,
                                                zones::Serial serial) const;

private:
    struct Place {
        std::string group;
        EditionRules rules;
        std::optional<Standing> standing;
    };
    std::map<zones::Name, std::vector<Place>> places_;
};

}  // namespace dnsd
