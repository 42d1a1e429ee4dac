#include "dnsd/io/sockets.h"

#include "dnsd/io/start_error.h"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <sys/resource.h>
#include <unistd.h>

namespace dnsd {
namespace {

constexpr int receive_buffer_bytes = 4 << 20;  // the kernel cuts it to net.core.rmem_max
constexpr int send_buffer_bytes = 4 << 20;
constexpr int free_port_tries = 8;
constexpr std::size_t descriptors_for_the_rest = 256;
constexpr int tcp_backlog = 1024;  // the kernel cuts it to net.core.somaxconn

// What to do about it, for the errors that an operator meets.
std::string advice(int code, const Endpoint& where) {
    switch (code) {
        case EADDRINUSE:
            return fmt::format(
                "the port is in use; `ss -lnp sport = :{}` names the program, stop it "
                "or listen elsewhere",
                where.port);
        case EACCES:
        case EPERM:
            return fmt::format(
                "not allowed to bind a port below 1024; start it by systemd, as root, "
                "or with CAP_NET_BIND_SERVICE");
        case EADDRNOTAVAIL:
            return "this machine does not have that address; `ip address` lists those that it has";
        case EAFNOSUPPORT:
            return "this kernel has that address family switched off; listen on the other";
        case EMFILE:
        case ENFILE:
            return "no file descriptor is left; raise LimitNOFILE";
        default:
            return std::strerror(code);
    }
}

SocketError failure(int code, const Endpoint& where, const char* transport) {
    return {code, fmt::format("cannot listen on {} ({}): {}", where.text(), transport,
                              advice(code, where))};
}

bool set(const Fd& fd, int level, int name, int value) {
    return ::setsockopt(fd.get(), level, name, &value, sizeof value) == 0;
}

// The options that both kinds of UDP socket share.
bool prepare_udp(const Fd& fd, bool v4) {
    // RFC 9715 §3.1: no path MTU discovery for answers; OMIT also ignores what ICMP claims.
    if (v4) return set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT);
    return set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) &&
           set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_OMIT);
}

bool bind_to(const Fd& fd, const Endpoint& where) {
    const SocketAddress address = to_socket(where);
    return ::bind(fd.get(), address.get(), address.size) == 0;
}

std::uint16_t bound_port(const Fd& fd) {
    SocketAddress address;
    address.size = sizeof address.storage;
    if (::getsockname(fd.get(), address.get(), &address.size) != 0) return 0;
    return to_endpoint(address.storage).port;
}

int family(const Endpoint& where) {
    return where.address.is_v4() ? AF_INET : AF_INET6;
}

// TCP first: with port 0 it finds the port, and it alone notices a second daemon, as UDP is opened
// with SO_REUSEPORT.
tl::expected<QuerySockets::Listener, SocketError> open_listener(const Endpoint& wanted,
                                                                unsigned workers) {
    auto tcp = open_listen_tcp(wanted);
    if (!tcp) return tl::unexpected(tcp.error());
    QuerySockets::Listener listener{{wanted.address, bound_port(*tcp)}, std::move(*tcp), {}};
    for (unsigned worker = 0; worker < workers; ++worker) {
        auto udp = open_query_udp(listener.endpoint);
        if (!udp) return tl::unexpected(udp.error());
        listener.udp.push_back(std::move(*udp));
    }
    return listener;
}

}  // namespace

Fd::~Fd() {
    if (fd_ >= 0) ::close(fd_);
}

SocketAddress to_socket(const Endpoint& endpoint) {
    SocketAddress result;
    if (endpoint.address.is_v4()) {
        auto& in = reinterpret_cast<sockaddr_in&>(result.storage);
        in.sin_family = AF_INET;
        in.sin_port = htons(endpoint.port);
        std::memcpy(&in.sin_addr, endpoint.address.data(), 4);
        result.size = sizeof in;
    } else {
        auto& in6 = reinterpret_cast<sockaddr_in6&>(result.storage);
        in6.sin6_family = AF_INET6;
        in6.sin6_port = htons(endpoint.port);
        std::memcpy(&in6.sin6_addr, endpoint.address.data(), 16);
        result.size = sizeof in6;
    }
    return result;
}

Endpoint to_endpoint(const sockaddr_storage& storage) {
    if (storage.ss_family == AF_INET) {
        const auto& in = reinterpret_cast<const sockaddr_in&>(storage);
        std::array<std::uint8_t, 4> bytes{};
        std::memcpy(bytes.data(), &in.sin_addr, 4);
        return {heartbeat::Address::v4(bytes), ntohs(in.sin_port)};
    }
    assert(storage.ss_family == AF_INET6);
    const auto& in6 = reinterpret_cast<const sockaddr_in6&>(storage);
    std::array<std::uint8_t, 16> bytes{};
    std::memcpy(bytes.data(), &in6.sin6_addr, 16);
    return {heartbeat::Address::v6(bytes), ntohs(in6.sin6_port)};
}

bool is_wildcard(const Endpoint& endpoint) {
    const heartbeat::Address& address = endpoint.address;
    return std::all_of(address.data(), address.data() + address.size(),
                       [](std::uint8_t byte) { return byte == 0; });
}

int exit_code(const SocketError& error) {
    switch (error.code) {
        case EACCES:
        case EPERM:
            return exit_no_right;
        case EADDRNOTAVAIL:
        case EAFNOSUPPORT:
            return exit_config;
        case EADDRINUSE:
            return exit_unavailable;
        default:
            return exit_os;
    }
}

tl::expected<Fd, SocketError> open_query_udp(const Endpoint& where) {
    const bool v4 = where.address.is_v4();
    Fd fd(::socket(family(where), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd || !prepare_udp(fd, v4) || !set(fd, SOL_SOCKET, SO_REUSEPORT, 1))
        return tl::unexpected(failure(errno, where, "UDP"));
    if (is_wildcard(where)) {
        const bool told =
            v4 ? set(fd, IPPROTO_IP, IP_PKTINFO, 1) : set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
        if (!told) return tl::unexpected(failure(errno, where, "UDP"));
    }
    // Larger buffers are a wish: without them we lose more in a burst, and no more than that.
    set(fd, SOL_SOCKET, SO_RCVBUF, receive_buffer_bytes);
    set(fd, SOL_SOCKET, SO_SNDBUF, send_buffer_bytes);
    if (!bind_to(fd, where)) return tl::unexpected(failure(errno, where, "UDP"));
    return fd;
}

tl::expected<Fd, SocketError> open_notify_udp(const Endpoint& where) {
    Fd fd(::socket(family(where), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd || !prepare_udp(fd, where.address.is_v4()) || !bind_to(fd, where))
        return tl::unexpected(failure(errno, where, "UDP, for NOTIFY"));
    return fd;
}

tl::expected<Fd, SocketError> open_listen_tcp(const Endpoint& where) {
    Fd fd(::socket(family(where), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    // SO_REUSEADDR: a restart must not wait for connections in TIME_WAIT.
    if (!fd || !set(fd, SOL_SOCKET, SO_REUSEADDR, 1) ||
        (!where.address.is_v4() && !set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1)) || !bind_to(fd, where) ||
        ::listen(fd.get(), tcp_backlog) != 0)
        return tl::unexpected(failure(errno, where, "TCP"));
    return fd;
}

tl::expected<QuerySockets, SocketError> open_query_sockets(const std::vector<Endpoint>& listen,
                                                           unsigned workers) {
    QuerySockets result;
    for (const Endpoint& wanted : listen) {
        auto listener = open_listener(wanted, workers);
        // Port 0: what TCP was given may be taken for UDP; then the kernel has others.
        for (int left = free_port_tries; left > 0 && wanted.port == 0 && !listener; --left)
            listener = open_listener(wanted, workers);
        if (!listener) return tl::unexpected(listener.error());
        result.listeners.push_back(std::move(*listener));
    }
    return result;
}

std::size_t descriptors_for_connections(const QuerySockets& sockets) {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
    std::size_t taken = descriptors_for_the_rest;
    for (const QuerySockets::Listener& listener : sockets.listeners)
        taken += 1 + listener.udp.size();
    return limit.rlim_cur > taken ? limit.rlim_cur - taken : 0;
}

std::set<heartbeat::Address> own_addresses(const std::vector<Endpoint>& listen) {
    std::set<heartbeat::Address> own;
    bool any = false;
    for (const Endpoint& endpoint : listen) {
        own.insert(endpoint.address);
        any = any || endpoint.address == heartbeat::Address::v4({}) ||
              endpoint.address == heartbeat::Address::v6({});
    }
    ifaddrs* first = nullptr;
    if (!any || ::getifaddrs(&first) != 0) return own;
    for (const ifaddrs* one = first; one != nullptr; one = one->ifa_next) {
        if (one->ifa_addr == nullptr) continue;
        const int family = one->ifa_addr->sa_family;
        if (family != AF_INET && family != AF_INET6) continue;
        sockaddr_storage address{};
        std::memcpy(&address, one->ifa_addr,
                    family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
        own.insert(to_endpoint(address).address);
    }
    ::freeifaddrs(first);
    return own;
}

}  // namespace dnsd
