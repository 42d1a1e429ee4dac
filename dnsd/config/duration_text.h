#pragma once
// Durations as people write them, in the configuration and on command lines.

#include "heartbeat/identity.h"

#include <optional>
#include <string>
#include <string_view>

namespace dnsd {

// "250ms", "6s", "30m", "1h", "2d": a whole number and a unit.
std::optional<heartbeat::Duration> parse_duration(std::string_view text);
// The largest unit that says it whole.
std::string duration_text(heartbeat::Duration);

}  // namespace dnsd
