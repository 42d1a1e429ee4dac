#include "tests/interop/differential/served.h"

#include "tests/interop/differential/message.h"

namespace differential {

std::optional<std::size_t> zone_of(const Zones& zones, const Labels& name, std::uint16_t type) {
    std::optional<std::size_t> closest, above;
    for (std::size_t i = 0; i < zones.origins.size(); ++i) {
        const Labels& origin = zones.origins[i];
        if (!is_under(name, origin)) continue;
        // RFC 4035 §3.1.4.1: the DS of an apex is the parent's, when that is there.
        auto& best = type == type::ds && origin.size() == name.size() ? above : closest;
        if (!best || zones.origins[*best].size() < origin.size()) best = i;
    }
    return closest ? closest : above;
}

}  // namespace differential
