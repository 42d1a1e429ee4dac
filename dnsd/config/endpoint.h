#pragma once
// Where to listen or whom to tell: an address with a port, as the configuration writes it.

#include "heartbeat/identity.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dnsd {

struct Endpoint {
    heartbeat::Address address;
    std::uint16_t port = 0;

    // "192.0.2.1", "192.0.2.1:5353", "2001:db8::1", "[2001:db8::1]:5353"; without a port the
    // default stands. nullopt when it is none of these; port 0 is none.
    static std::optional<Endpoint> parse(std::string_view text, std::uint16_t default_port);
    std::string text() const;  // always with the port

    friend bool operator==(const Endpoint&, const Endpoint&) = default;
    friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

}  // namespace dnsd
