#pragma once
// UDP sockets as both channels need them: a datagram is answered from the address that it was sent
// to, which a socket on 0.0.0.0 has to be told each time. Without Asio, which has no control
// messages; it only waits for these descriptors.

#include "heartbeat/endpoint.h"

#include <cstddef>
#include <span>

#include <netinet/in.h>
#include <sys/socket.h>

namespace heartbeat {

// The way of a datagram: from whom, and to which address of ours.
struct Route {
    sockaddr_storage peer{};
    socklen_t peer_size = 0;
    in_addr local_v4{};
    in6_addr local_v6{};
    unsigned interface = 0;  // only where an address means nothing without: link-local IPv6
    bool local_known = false;
};

Address address_of(const sockaddr_storage& peer);  // IPv4 or IPv6 only
Endpoint endpoint_of(const sockaddr_storage& peer);
Route route_to(const Endpoint& to);

// Non-blocking, bound, IPv6 only when it is IPv6. Throws std::runtime_error that names the
// endpoint.
int open_udp(const Endpoint& at);
Endpoint bound_endpoint(int fd);
// How many datagrams its receive buffer can hold at most.
unsigned queue_bound(int fd);

enum class Receipt { datagram, nothing, failure };
// A datagram that is larger than `into` fills it and is as good as too long: give room for one more
// byte than is allowed.
Receipt receive(int fd, std::span<std::byte> into, std::size_t& size, Route& route);
bool send(int fd, std::span<const std::byte> datagram, const Route& route);

}  // namespace heartbeat
