#pragma once
// A group's outcome, as the tests of zones with live names have it.

#include "dnsd/arbiter/standing.h"

#include <cstdint>
#include <vector>

#include <fmt/format.h>

namespace test {

// The group "wiki" with a pool of wikiN at 192.0.2.N and without a master.
inline dnsd::Standing standing(const std::vector<std::uint8_t>& last_bytes) {
    dnsd::Standing standing;
    standing.group = "wiki";
    for (const std::uint8_t byte : last_bytes)
        standing.pool.push_back({*dnsd::ServerId::parse(fmt::format("wiki{}", byte)),
                                 {heartbeat::Address::v4({192, 0, 2, byte})},
                                 1});
    return standing;
}

}  // namespace test
