#pragma once
// Wall time, for what is about dates: DNS cookies, signatures, log lines. Nothing that is judged by
// duration may use it (docs/PROTOCOL.md, "Time").

#include <chrono>
#include <cstdint>

namespace dnsd {

inline std::uint64_t wall_seconds() {
    const auto since = std::chrono::system_clock::now().time_since_epoch();
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since).count();
    return seconds > 0 ? static_cast<std::uint64_t>(seconds) : 0;
}

// Since 1970, UTC.
inline std::int64_t wall_milliseconds() {
    const auto since = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
}

}  // namespace dnsd
