#pragma once
// The servers that are compared, and the zones that they serve.

#include "tests/interop/differential/zone_maker.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace differential {

enum class Peer { bind, nsd, knot };
inline constexpr Peer peers[] = {Peer::bind, Peer::nsd, Peer::knot};

// Numbers of servers: we, then the peers in their order.
inline constexpr std::size_t servers = 4, us = 0;
constexpr std::size_t number_of(Peer peer) {
    return static_cast<std::size_t>(peer) + 1;
}
constexpr const char* name_of(Peer peer) {
    constexpr const char* names[] = {"BIND", "NSD", "Knot"};
    return names[static_cast<int>(peer)];
}

struct Zones {
    std::string folder;  // has NAME.zone for each
    std::vector<Labels> origins;
    std::vector<ZoneKind> kinds;
    std::vector<std::set<Labels>> owners;  // in lower case
    // Numbers of the zones that a server can not load, by server.
    std::array<std::set<std::size_t>, servers> left_out;
};

// The number of the zone that answers for a name and type; nullopt when none does.
std::optional<std::size_t> zone_of(const Zones& zones, const Labels& name, std::uint16_t type);

// "z1.test" as file and server names have it: no last dot, the root is empty.
inline std::string dotted(const Labels& origin) {
    const std::string all = text(origin);
    return all.substr(0, all.size() - 1);
}

}  // namespace differential
