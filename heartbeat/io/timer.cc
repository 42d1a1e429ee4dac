#include "heartbeat/io/timer.h"

#include "heartbeat/io/asio.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <system_error>

#include <sys/timerfd.h>
#include <unistd.h>

namespace heartbeat {

struct BootTimer::Inside : std::enable_shared_from_this<BootTimer::Inside> {
    Inside(asio::io_context& loop, int fd) : descriptor(loop, fd) {}

    asio::posix::stream_descriptor descriptor;
    std::function<void()> callback;
    bool waiting = false;
    bool closed = false;

    void arm(Instant when) {
        // Zero would disarm it: an instant that is past or the very first fires at once as well.
        const auto since = std::max<std::int64_t>(when.time_since_epoch().count(), 1);
        itimerspec spec{};
        spec.it_value.tv_sec = since / 1'000'000'000;
        spec.it_value.tv_nsec = since % 1'000'000'000;
        if (timerfd_settime(descriptor.native_handle(), TFD_TIMER_ABSTIME, &spec, nullptr) != 0)
            throw std::system_error(errno, std::generic_category(), "timerfd_settime");
    }

    void wait() {
        if (waiting) return;
        waiting = true;
        descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                              [self = shared_from_this()](const ErrorCode& error) {
                                  self->waiting = false;
                                  if (self->closed) return;
                                  if (!error) return self->ready();
                                  // Cancelled, and perhaps set again since.
                                  if (self->callback) self->wait();
                              });
    }

    void ready() {
        // Setting it anew takes back an expiry that was not read yet: then there is none.
        std::uint64_t expiries = 0;
        const ssize_t got = ::read(descriptor.native_handle(), &expiries, sizeof expiries);
        if (got != static_cast<ssize_t>(sizeof expiries)) {
            if (callback) wait();
            return;
        }
        const std::function<void()> due = std::exchange(callback, nullptr);
        if (due) due();
    }
};

BootTimer::BootTimer(asio::io_context& loop) {
    const int fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    if (fd < 0) throw std::system_error(errno, std::generic_category(), "timerfd_create");
    inside_ = std::make_shared<Inside>(loop, fd);
}

BootTimer::~BootTimer() {
    inside_->closed = true;
    ErrorCode ignored;
    inside_->descriptor.close(ignored);
}

void BootTimer::set(Instant when, std::function<void()> callback) {
    inside_->callback = std::move(callback);
    inside_->arm(when);
    inside_->wait();
}

void BootTimer::cancel() {
    inside_->callback = nullptr;
    ErrorCode ignored;
    inside_->descriptor.cancel(ignored);
}

}  // namespace heartbeat
