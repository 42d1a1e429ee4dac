#include "heartbeat/io/sockets.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>

#include <unistd.h>

namespace heartbeat {

namespace {

// What a flood may fill while one heartbeat is judged; the system may grant less.
constexpr int receive_buffer = 1 << 20;
// The least that the kernel accounts for a datagram, however small: sk_buff and its data.
constexpr int datagram_cost_min = 512;

struct ControlBuffer {
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(in6_pktinfo))> bytes{};
};

sockaddr_storage sockaddr_of(const Endpoint& endpoint, socklen_t& size) {
    sockaddr_storage storage{};
    if (endpoint.address.is_v4()) {
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(endpoint.port);
        std::memcpy(&to.sin_addr, endpoint.address.data(), 4);
        size = sizeof to;
        std::memcpy(&storage, &to, sizeof to);
    } else {
        sockaddr_in6 to{};
        to.sin6_family = AF_INET6;
        to.sin6_port = htons(endpoint.port);
        std::memcpy(&to.sin6_addr, endpoint.address.data(), 16);
        size = sizeof to;
        std::memcpy(&storage, &to, sizeof to);
    }
    return storage;
}

void set(int fd, int level, int option, int value) {
    if (::setsockopt(fd, level, option, &value, sizeof value) != 0)
        throw std::runtime_error(std::strerror(errno));
}

void bind_udp(int fd, const Endpoint& at) {
    if (at.address.is_v4()) {
        set(fd, IPPROTO_IP, IP_PKTINFO, 1);
    } else {
        set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
        set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    }
    set(fd, SOL_SOCKET, SO_RCVBUF, receive_buffer);
    socklen_t size = 0;
    const sockaddr_storage address = sockaddr_of(at, size);
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), size) != 0)
        throw std::runtime_error(std::strerror(errno));
}

void read_local(msghdr& message, Route& route) {
    for (cmsghdr* each = CMSG_FIRSTHDR(&message); each != nullptr;
         each = CMSG_NXTHDR(&message, each)) {
        if (each->cmsg_level == IPPROTO_IP && each->cmsg_type == IP_PKTINFO) {
            in_pktinfo info{};
            std::memcpy(&info, CMSG_DATA(each), sizeof info);
            route.local_v4 = info.ipi_spec_dst;
            route.local_known = true;
        } else if (each->cmsg_level == IPPROTO_IPV6 && each->cmsg_type == IPV6_PKTINFO) {
            in6_pktinfo info{};
            std::memcpy(&info, CMSG_DATA(each), sizeof info);
            route.local_v6 = info.ipi6_addr;
            route.interface = IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr) ? info.ipi6_ifindex : 0;
            route.local_known = true;
        }
    }
}

template <typename Info>
void attach(msghdr& message, ControlBuffer& control, int level, int type, const Info& info) {
    message.msg_control = control.bytes.data();
    message.msg_controllen = CMSG_SPACE(sizeof info);
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = level;
    header->cmsg_type = type;
    header->cmsg_len = CMSG_LEN(sizeof info);
    std::memcpy(CMSG_DATA(header), &info, sizeof info);
}

}  // namespace

Address address_of(const sockaddr_storage& peer) {
    return endpoint_of(peer).address;
}

Endpoint endpoint_of(const sockaddr_storage& peer) {
    if (peer.ss_family == AF_INET) {
        sockaddr_in in{};
        std::memcpy(&in, &peer, sizeof in);
        std::array<std::uint8_t, 4> bytes{};
        std::memcpy(bytes.data(), &in.sin_addr, bytes.size());
        return {Address::v4(bytes), ntohs(in.sin_port)};
    }
    sockaddr_in6 in{};
    std::memcpy(&in, &peer, sizeof in);
    std::array<std::uint8_t, 16> bytes{};
    std::memcpy(bytes.data(), &in.sin6_addr, bytes.size());
    return {Address::v6(bytes), ntohs(in.sin6_port)};
}

Route route_to(const Endpoint& to) {
    Route route;
    route.peer = sockaddr_of(to, route.peer_size);
    return route;
}

int open_udp(const Endpoint& at) {
    const int family = at.address.is_v4() ? AF_INET : AF_INET6;
    const int fd = ::socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const std::string what = "heartbeats can not be heard on " + at.text() + " (UDP): ";
    if (fd < 0) throw std::runtime_error(what + std::strerror(errno));
    try {
        bind_udp(fd, at);
    } catch (const std::runtime_error& error) {
        ::close(fd);
        throw std::runtime_error(what + error.what());
    }
    return fd;
}

Endpoint bound_endpoint(int fd) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    return endpoint_of(address);
}

unsigned queue_bound(int fd) {
    int bytes = receive_buffer;
    socklen_t size = sizeof bytes;
    ::getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, &size);
    return static_cast<unsigned>(std::max(bytes, 0) / datagram_cost_min + 1);
}

Receipt receive(int fd, std::span<std::byte> into, std::size_t& size, Route& route) {
    iovec buffer{into.data(), into.size()};
    ControlBuffer control;
    msghdr message{};
    route = Route{};
    message.msg_name = &route.peer;
    message.msg_namelen = sizeof route.peer;
    message.msg_iov = &buffer;
    message.msg_iovlen = 1;
    message.msg_control = control.bytes.data();
    message.msg_controllen = control.bytes.size();
    ssize_t got = 0;
    do {
        got = ::recvmsg(fd, &message, 0);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK ? Receipt::nothing : Receipt::failure;
    size = static_cast<std::size_t>(got);
    route.peer_size = message.msg_namelen;
    read_local(message, route);
    return Receipt::datagram;
}

bool send(int fd, std::span<const std::byte> datagram, const Route& route) {
    iovec buffer{const_cast<std::byte*>(datagram.data()), datagram.size()};
    sockaddr_storage peer = route.peer;
    ControlBuffer control;
    msghdr message{};
    message.msg_name = &peer;
    message.msg_namelen = route.peer_size;
    message.msg_iov = &buffer;
    message.msg_iovlen = 1;
    if (route.local_known && peer.ss_family == AF_INET) {
        in_pktinfo info{};
        info.ipi_spec_dst = route.local_v4;
        attach(message, control, IPPROTO_IP, IP_PKTINFO, info);
    } else if (route.local_known) {
        in6_pktinfo info{};
        info.ipi6_addr = route.local_v6;
        info.ipi6_ifindex = route.interface;
        attach(message, control, IPPROTO_IPV6, IPV6_PKTINFO, info);
    }
    ssize_t put = 0;
    do {
        put = ::sendmsg(fd, &message, MSG_NOSIGNAL);
    } while (put < 0 && errno == EINTR);
    return put == static_cast<ssize_t>(datagram.size());
}

}  // namespace heartbeat
