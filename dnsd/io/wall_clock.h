#pragma once
// Wall time, for what people read: histories and reports. Nothing that is judged by duration may
// use it (docs/PROTOCOL.md, "Time").

#include <chrono>
#include <cstdint>

namespace dnsd {

// Since 1970, UTC.
inline std::int64_t wall_milliseconds() {
    const auto since = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
}

}  // namespace dnsd
