#pragma once
// Whom an address stands for when clients are bounded: IPv4 whole, IPv6 by its /64, which is what
// one customer is given.

#include "zones/peer.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace dnsd {

inline bool is_mapped_v4(const zones::AddressBytes& address) {
    constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    return std::equal(mapped.begin(), mapped.end(), address.begin());
}

inline zones::AddressBytes customer(zones::AddressBytes address) {
    if (!is_mapped_v4(address)) std::fill(address.begin() + 8, address.end(), std::uint8_t{0});
    return address;
}

}  // namespace dnsd
