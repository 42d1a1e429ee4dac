#pragma once
// Wall time, for what people read (histories and reports) and for what several servers must read
// alike (the age of a DNS cookie, RFC 9018 §4.3; signatures, RFC 8945 §5.2.3). Nothing else that is judged by duration may use
// it (docs/PROTOCOL.md, "Time").

#include <chrono>
#include <cstdint>

#include <time.h>

namespace dnsd {

// Since 1970, UTC.
inline std::int64_t wall_milliseconds() {
    const auto since = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
}

// Unix time. The coarse clock is a memory read: this is asked for with every batch.
inline std::uint64_t wall_seconds() {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
    return static_cast<std::uint64_t>(now.tv_sec);
}

}  // namespace dnsd
