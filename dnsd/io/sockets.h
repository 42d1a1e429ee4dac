#pragma once
// Opening the sockets of the daemon, with their options, and saying in one sentence why one could
// not be opened: what, where, what to do.

#include "dnsd/config/endpoint.h"

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <netinet/in.h>
#include <sys/socket.h>
#include <tl/expected.hpp>

namespace dnsd {

// An owned file descriptor.
class Fd {
public:
    Fd() = default;
    explicit Fd(int fd) : fd_(fd) {}
    Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Fd& operator=(Fd&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Fd();

    int get() const { return fd_; }
    int release() { return std::exchange(fd_, -1); }
    explicit operator bool() const { return fd_ >= 0; }

private:
    int fd_ = -1;
};

// An Endpoint in the kernel's form.
struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t size = 0;
    sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};
SocketAddress to_socket(const Endpoint&);
Endpoint to_endpoint(const sockaddr_storage&);
bool is_wildcard(const Endpoint&);

struct SocketError {
    int code = 0;      // errno
    std::string text;  // "127.0.0.1:53 (UDP): the port is in use …"
};
// The exit code that fits (start_error.h).
int exit_code(const SocketError&);

// A UDP socket for queries: SO_REUSEPORT so that each worker has its own, never fragmenting by path
// MTU (an attacker can forge those), and telling the asked address when bound to the wildcard.
tl::expected<Fd, SocketError> open_query_udp(const Endpoint&);
// A UDP socket that sends NOTIFY and hears the answers; port 0 takes any.
tl::expected<Fd, SocketError> open_notify_udp(const Endpoint&);
// The addresses behind `listen`: those of all interfaces where it says any. What can not be found
// out is left out.
std::set<heartbeat::Address> own_addresses(const std::vector<Endpoint>& listen);
// A listening TCP socket. Without SO_REUSEPORT: a second daemon on the port is refused here.
tl::expected<Fd, SocketError> open_listen_tcp(const Endpoint&);

// All sockets of all listen addresses. Port 0 asks the kernel for a port that is free for both.
struct QuerySockets {
    struct Listener {
        Endpoint endpoint;  // with the real port
        Fd tcp;
        std::vector<Fd> udp;  // one a worker
    };
    std::vector<Listener> listeners;
};
tl::expected<QuerySockets, SocketError> open_query_sockets(const std::vector<Endpoint>& listen,
                                                           unsigned workers);

// How many connections there may be beside these sockets and everything else that the daemon opens:
// zone files, the ledger, the page, the control socket.
std::size_t descriptors_for_connections(const QuerySockets& sockets);

}  // namespace dnsd
