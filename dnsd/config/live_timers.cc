#include "dnsd/config/live_timers.h"

#include <algorithm>

#include <fmt/format.h>

namespace dnsd {

std::vector<zones::Mistake> timers_for(const zones::Loaded& loaded, const GroupConfig& group) {
    std::vector<zones::Mistake> out;
    const auto soa = zones::Soa::read(loaded.zone->soa().first_rdata());
    if (!soa) return out;
    const auto warn = [&](const zones::Place* place, std::string what, std::string hint) {
        zones::Mistake mistake;
        mistake.file = place ? place->file : loaded.files.front();
        mistake.line = place ? place->line : 0;
        mistake.column = place ? place->column : 0;
        mistake.severity = zones::Mistake::warning;
        mistake.what = std::move(what);
        mistake.hint = std::move(hint);
        out.push_back(std::move(mistake));
    };
    if (soa->refresh > refresh_seconds_max)
        warn(loaded.soa ? &loaded.soa->refresh : nullptr,
             fmt::format("the SOA's refresh is {} s: a secondary that no NOTIFY reaches is so long "
                         "behind the names of group {}",
                         soa->refresh, group.rules.group),
             fmt::format("write {} or less; a question of that kind costs next to nothing",
                         refresh_seconds_max));
    // RFC 2308 §5: the lower one of the two counts.
    const unsigned negative = loaded.zone->negative_ttl().seconds;
    const unsigned live = std::min(group.www_ttl, group.master_ttl);
    if (negative > std::max(live, absent_seconds_max))
        warn(loaded.soa ? &loaded.soa->minimum : nullptr,
             fmt::format(
                 "the SOA's minimum lets resolvers keep for {} s that a name of group {} has "
                 "no record, though its records live {} s",
                 negative, group.rules.group, live),
             fmt::format("write {} or less (RFC 2308 §5)", std::max(live, absent_seconds_max)));
    return out;
}

}  // namespace dnsd
