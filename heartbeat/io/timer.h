#pragma once
// A timer on the protocol's clock. Asio's own run on CLOCK_MONOTONIC, which stands still while a
// machine is suspended: a lease's deadline would be kept too late by as long (docs/PROTOCOL.md,
// "Time").

#include "heartbeat/identity.h"

#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace heartbeat {

class BootTimer {
public:
    // Throws std::system_error when the system has no timer to give.
    explicit BootTimer(boost::asio::io_context& loop);
    ~BootTimer();
    BootTimer(const BootTimer&) = delete;
    BootTimer& operator=(const BootTimer&) = delete;

    // Calls once when `when` has come, never before, and from the loop also when it is past. What
    // was set before is forgotten. The callback may set or cancel again, or end the timer.
    void set(Instant when, std::function<void()> callback);
    void cancel();

private:
    struct Inside;
    std::shared_ptr<Inside> inside_;
};

}  // namespace heartbeat
