#pragma once
// The world's own time, which nobody in it knows, and the clocks that its machines go by. Whole
// numbers only: a seed must replay exactly on every build.

#include "heartbeat/identity.h"

#include <cstdint>

namespace sim {

using heartbeat::Duration;
using heartbeat::Instant;
using True = std::int64_t;  // nanoseconds since the world began

constexpr True millisecond = 1'000'000;
constexpr True second = 1'000'000'000;
constexpr True never = INT64_MAX;
constexpr std::int64_t million = 1'000'000;

// CLOCK_BOOTTIME of one machine: it runs too fast or too slow by so many millionths.
struct Clock {
    True born = 0;
    std::int64_t offset = 0;
    std::int64_t drift = 0;

    Instant at(True time) const {
        const std::int64_t passed = time - born;
        return Instant(Duration(offset + passed + passed / million * drift +
                                passed % million * drift / million));
    }
    // The first time at which the clock shows it.
    True when(Instant local) const {
        const std::int64_t shown = local.time_since_epoch().count() - offset;
        if (shown > INT64_MAX / 4) return never;
        const std::int64_t rate = million + drift;
        True time = born + shown / rate * million + shown % rate * million / rate;
        while (at(time) < local) ++time;
        while (at(time - 1) >= local) --time;
        return time;
    }
};

}  // namespace sim
