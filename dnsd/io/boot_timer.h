#pragma once
// One timer on CLOCK_BOOTTIME. Asio's own run on CLOCK_MONOTONIC, which stands still while the
// machine sleeps; leases do not (docs/PROTOCOL.md, "Time").

#include "heartbeat/identity.h"

#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace dnsd {

class BootTimer {
public:
    // Throws std::system_error when the kernel has no timer to give.
    BootTimer(boost::asio::io_context& loop, std::function<void()> on_time);
    ~BootTimer();
    BootTimer(const BootTimer&) = delete;
    BootTimer& operator=(const BootTimer&) = delete;

    // Calls back once at or after `when`, at once when that has passed. Replaces what was asked for
    // before; Instant::max() is never.
    void arm(heartbeat::Instant when);

private:
    struct Inside;
    std::shared_ptr<Inside> inside_;
};

}  // namespace dnsd
