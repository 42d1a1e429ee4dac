#include "dnsd/publish/live_places.h"

#include <cassert>
#include <utility>

namespace dnsd {
namespace {

// No change of records, hence none that could be refused.
std::shared_ptr<const zones::Zone> renumbered(std::shared_ptr<const zones::Zone> zone,
                                              zones::Serial serial) {
    if (zone->serial() == serial) return zone;
    auto next = zone->with({}, serial);
    assert(next);
    return *std::move(next);
}

}  // namespace

void LivePlaces::add(const zones::Name& zone, const std::string& group, const EditionRules& rules) {
    places_[zone].push_back({group, rules, std::nullopt});
}

void LivePlaces::stand(
    const Standing& standing,
    const std::function<void(const zones::Name& zone, bool other_master)>& stood) {
    for (auto& [zone, places] : places_)
        for (Place& place : places) {
            if (place.group != standing.group) continue;
            stood(zone, !place.standing || place.standing->master != standing.master);
            place.standing = standing;
        }
}

std::string LivePlaces::text(const zones::Name& zone) const {
    std::string text;
    const auto places = places_.find(zone);
    if (places == places_.end()) return text;
    for (const Place& place : places->second)
        if (place.standing) text += live_text(place.rules, *place.standing);
    return text;
}

std::shared_ptr<const zones::Zone> LivePlaces::renewed(const zones::Name& zone,
                                                       const zones::Zone& served,
                                                       zones::Serial serial) const {
    std::shared_ptr<const zones::Zone> next;
    for (const Place& place : places_.at(zone)) {
        if (!place.standing) continue;
        if (auto made = edition(next ? *next : served, place.rules, *place.standing, serial))
            next = std::move(made);
    }
    return next ? renumbered(std::move(next), serial) : nullptr;
}

std::shared_ptr<const zones::Zone> LivePlaces::put_into(const zones::Name& zone,
                                                        std::shared_ptr<const zones::Zone> file,
                                                        zones::Serial serial) const {
    if (const auto places = places_.find(zone); places != places_.end())
        for (const Place& place : places->second) {
            if (!place.standing) continue;
            if (auto made = edition(*file, place.rules, *place.standing, file->serial().next()))
                file = std::move(made);
        }
    return renumbered(std::move(file), serial);
}

}  // namespace dnsd
