#include "tests/lab/cut_proxy.h"

#include "tests/lab/socket_address.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace lab {

CutProxy::CutProxy(const std::string& address, int port, int primary_port)
    : address_(address),
      primary_port_(primary_port),
      datagrams_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)),
      listener_(listen_tcp(address, port)),
      to_primary_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    const sockaddr_in here = socket_address(address, port);
    const sockaddr_in there = socket_address(address, primary_port);
    if (bind(datagrams_, reinterpret_cast<const sockaddr*>(&here), sizeof here) != 0 ||
        connect(to_primary_, reinterpret_cast<const sockaddr*>(&there), sizeof there) != 0)
        throw std::runtime_error("no proxy on port " + std::to_string(port) + ": " +
                                 std::strerror(errno));
    thread_ = std::thread([this] { serve(); });
}

CutProxy::~CutProxy() {
    ended_ = true;
    thread_.join();
    close(datagrams_);
    close(listener_);
    close(to_primary_);
}

void CutProxy::cut_after(std::optional<std::size_t> bytes) {
    cut_ = bytes ? static_cast<long>(*bytes) : -1;
}

void CutProxy::serve() {
    while (!ended_) {
        std::vector<pollfd> watched = {{datagrams_, POLLIN, 0}, {listener_, POLLIN, 0}};
        for (const Pair& pair : pairs_) {
            watched.push_back({pair.secondary.descriptor(), POLLIN, 0});
            watched.push_back({pair.primary.descriptor(), POLLIN, 0});
        }
        if (poll(watched.data(), watched.size(), 20) <= 0) continue;
        std::size_t at = 2;
        for (auto pair = pairs_.begin(); pair != pairs_.end(); at += 2) {
            const bool ready = watched[at].revents != 0 || watched[at + 1].revents != 0;
            pair = ready && !pass_stream(*pair) ? pairs_.erase(pair) : std::next(pair);
        }
        if (watched[0].revents != 0) pass_datagram();
        if (watched[1].revents != 0) accept_stream();
    }
}

void CutProxy::pass_datagram() {
    std::array<std::byte, 65'535> bytes;
    sockaddr_in from{};
    socklen_t size = sizeof from;
    const ssize_t got = recvfrom(datagrams_, bytes.data(), bytes.size(), 0,
                                 reinterpret_cast<sockaddr*>(&from), &size);
    if (got <= 0 || ::send(to_primary_, bytes.data(), static_cast<std::size_t>(got), 0) != got)
        return;
    // One at a time: who asks twice is answered twice. A primary that is down is not waited for.
    pollfd readable{to_primary_, POLLIN, 0};
    if (poll(&readable, 1, 200) <= 0) return;
    const ssize_t answer = recv(to_primary_, bytes.data(), bytes.size(), 0);
    if (answer > 0)
        sendto(datagrams_, bytes.data(), static_cast<std::size_t>(answer), 0,
               reinterpret_cast<const sockaddr*>(&from), size);
}

void CutProxy::accept_stream() {
    const int accepted = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (accepted < 0) return;
    Stream secondary(accepted);
    auto primary = Stream::to(address_, primary_port_);
    if (primary) pairs_.push_back({std::move(secondary), std::move(*primary)});
}

bool CutProxy::pass_stream(Pair& pair) {
    std::array<std::byte, 16'384> bytes;
    const auto has = [&](const Stream& stream) {
        pollfd readable{stream.descriptor(), POLLIN, 0};
        return poll(&readable, 1, 0) > 0;
    };
    if (has(pair.secondary)) {
        const ssize_t got = recv(pair.secondary.descriptor(), bytes.data(), bytes.size(), 0);
        if (got <= 0 || !pair.primary.send({bytes.data(), static_cast<std::size_t>(got)}))
            return false;
    }
    if (!has(pair.primary)) return true;
    const long limit = cut_;
    const std::size_t left =
        limit < 0 ? bytes.size()
                  : static_cast<std::size_t>(std::max(0L, limit - static_cast<long>(pair.passed)));
    if (left > 0) {
        const ssize_t got =
            recv(pair.primary.descriptor(), bytes.data(), std::min(left, bytes.size()), 0);
        if (got <= 0 || !pair.secondary.send({bytes.data(), static_cast<std::size_t>(got)}))
            return false;
        pair.passed += static_cast<std::size_t>(got);
        longest_ = std::max<std::size_t>(longest_, pair.passed);
    }
    if (limit >= 0 && static_cast<long>(pair.passed) >= limit) {
        ++cuts_;
        return false;
    }
    return true;
}

}  // namespace lab
