#pragma once
// The sockets that connections come from: taking one in, and saying what hinders it.

#include "dnsd/io/sockets.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace dnsd {

class TcpListeners {
public:
    struct Accepted {
        enum class What : std::uint8_t {
            connection,
            nobody,    // waits
            failed,    // what befell that connection, and no other (accept(2))
            no_means,  // somebody waits, and no descriptor or memory is left
        };
        What what = What::nobody;
        Fd fd;
        SocketAddress from;
    };

    // Watches them by `epoll`; the event of number n has the key `key | n`.
    TcpListeners(std::vector<QuerySockets::Listener>& listeners, int epoll, std::uint64_t key);

    Accepted accept(std::size_t number) const;
    // Off: those who come wait in the backlog, and epoll says nothing of them.
    void listen(bool on) const;

private:
    std::vector<Fd> fds_;
    int epoll_;
    std::uint64_t key_;
};

}  // namespace dnsd
