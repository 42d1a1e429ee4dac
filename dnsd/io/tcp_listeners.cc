#include "dnsd/io/tcp_listeners.h"

#include <cerrno>
#include <system_error>

#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>

namespace dnsd {
namespace {

// What the kernel keeps unsent of a connection: enough to keep the line busy, and so little that an
// answer does not wait behind megabytes of a transfer.
constexpr int kernel_unsent_max = 128 * 1024;

bool readable(int fd) {
    pollfd polled{fd, POLLIN, 0};
    return ::poll(&polled, 1, 0) > 0;
}

}  // namespace

TcpListeners::TcpListeners(std::vector<QuerySockets::Listener>& listeners, int epoll,
                           std::uint64_t key)
    : epoll_(epoll), key_(key) {
    for (QuerySockets::Listener& listener : listeners) {
        fds_.push_back(std::move(listener.tcp));
        const int fd = fds_.back().get();
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.u64 = key_ | (fds_.size() - 1);
        // Connections inherit these. RFC 7766 §8: what we write is meant to leave at once.
        const int on = 1;
        if (::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
            ::setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &kernel_unsent_max,
                         sizeof kernel_unsent_max) != 0 ||
            ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0)
            throw std::system_error(errno, std::generic_category(), "listening by TCP");
    }
}

TcpListeners::Accepted TcpListeners::accept(std::size_t number) const {
    using What = Accepted::What;
    Accepted accepted;
    accepted.from.size = sizeof accepted.from.storage;
    const int listener = fds_[number].get();
    accepted.fd = Fd(::accept4(listener, accepted.from.get(), &accepted.from.size,
                               SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (accepted.fd) {
        accepted.what = What::connection;
        return accepted;
    }
    switch (errno) {
        case EAGAIN:
            accepted.what = What::nobody;
            break;
        case EMFILE:
        case ENFILE:
        case ENOBUFS:
        case ENOMEM:
            // That is said before anybody is looked for in the backlog.
            accepted.what = readable(listener) ? What::no_means : What::nobody;
            break;
        default:
            accepted.what = What::failed;
    }
    return accepted;
}

void TcpListeners::listen(bool on) const {
    for (std::size_t i = 0; i < fds_.size(); ++i) {
        epoll_event event{};
        if (on) event.events = EPOLLIN;
        event.data.u64 = key_ | i;
        ::epoll_ctl(epoll_, EPOLL_CTL_MOD, fds_[i].get(), &event);
    }
}

}  // namespace dnsd
