#pragma once
// An address with a port: where somebody listens.

#include "heartbeat/identity.h"

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace heartbeat {

struct Endpoint {
    Address address;
    std::uint16_t port = 0;

    // "192.0.2.1:5399" or "[2001:db8::1]:5399"
    static std::optional<Endpoint> parse(std::string_view text);
    std::string text() const;
    friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

}  // namespace heartbeat
