#include "dnsd/io/boot_timer.h"

#include "heartbeat/io/asio.h"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <system_error>

#include <sys/timerfd.h>
#include <unistd.h>

namespace dnsd {
namespace {

namespace asio = boost::asio;

int open_timer() {
    const int fd = ::timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    if (fd < 0) throw std::system_error(errno, std::generic_category(), "timerfd_create");
    return fd;
}

}  // namespace

struct BootTimer::Inside : std::enable_shared_from_this<BootTimer::Inside> {
    Inside(asio::io_context& loop, std::function<void()> callback)
        : timer(loop, open_timer()), on_time(std::move(callback)) {}

    void wait() {
        timer.async_wait(asio::posix::stream_descriptor::wait_read,
                         [self = shared_from_this()](const boost::system::error_code& error) {
                             if (error || !self->on_time) return;
                             std::uint64_t times = 0;
                             // EAGAIN when it was armed anew since: then it is not time yet.
                             const bool due = ::read(self->timer.native_handle(), &times,
                                                     sizeof times) == sizeof times;
                             self->wait();
                             if (due) self->on_time();
                         });
    }

    asio::posix::stream_descriptor timer;
    std::function<void()> on_time;
};

BootTimer::BootTimer(asio::io_context& loop, std::function<void()> on_time)
    : inside_(std::make_shared<Inside>(loop, std::move(on_time))) {
    inside_->wait();
}

BootTimer::~BootTimer() {
    inside_->on_time = nullptr;
    boost::system::error_code ignored;
    inside_->timer.cancel(ignored);
}

void BootTimer::arm(heartbeat::Instant when) {
    itimerspec spec{};
    if (when != heartbeat::Instant::max()) {
        // Zero would disarm it.
        const auto since = std::max(when.time_since_epoch(), heartbeat::Duration(1));
        spec.it_value.tv_sec = since.count() / 1'000'000'000;
        spec.it_value.tv_nsec = since.count() % 1'000'000'000;
    }
    [[maybe_unused]] const int set =
        ::timerfd_settime(inside_->timer.native_handle(), TFD_TIMER_ABSTIME, &spec, nullptr);
    assert(set == 0);
}

}  // namespace dnsd
