#pragma once
// What the answer to IXFR tells (RFC 1995): nothing but the SOA, the steps from the client's
// version to ours, all of them as one, or the whole zone. docs/decisions/0010 says why.

#include "zones/history.h"
#include "zones/wire.h"

#include <cstddef>
#include <optional>

namespace zones {

// Steps of more than so many bytes are not looked through for what came and went again.
inline constexpr std::size_t condensed_from_max = std::size_t{1} << 20;
// A step made of many is kept for as long as it is being told, and for nobody else.
inline constexpr std::size_t condensed_max = std::size_t{64} << 10;

// For a client that has the version `serial`: a history of which every step is to be told, or the
// whole zone when it has none; nullopt when the client has our version or a later one.
std::optional<History> told_by_ixfr(const History& history, Serial serial);

// Over UDP: the same differences if they have room, whole, in the one datagram; else false, and
// nothing was written. `origin` is the path of the zone's name.
bool write_ixfr(Writer& writer, const Path& origin, const History& history, Serial serial) noexcept;

}  // namespace zones
