#include "agent/io/signals.h"

#include "agent/io/say.h"
#include "heartbeat/io/asio.h"

#include <csignal>
#include <utility>

namespace agent {

struct Signals::Inside {
    Inside(heartbeat::asio::io_context& loop, std::function<void()> on_stop)
        : set(loop, SIGTERM, SIGINT, SIGQUIT), stop(std::move(on_stop)) {
        set.add(SIGHUP);
    }
    void wait() {
        set.async_wait([this](heartbeat::ErrorCode error, int signal) {
            if (error) return;
            wait();
            if (signal == SIGHUP)
                say("event=signal_ignored signal=SIGHUP why=\"a new configuration is read by a "
                    "restart, not by a reload\"");
            else
                stop();
        });
    }
    heartbeat::asio::signal_set set;
    std::function<void()> stop;
};

Signals::Signals(heartbeat::asio::io_context& loop, std::function<void()> stop)
    : inside_(std::make_unique<Inside>(loop, std::move(stop))) {
    inside_->wait();
}

Signals::~Signals() = default;

}  // namespace agent
