#pragma once
// DNS over TCP (RFC 7766) in a thread of its own: pipelined requests, answers out of order, and a
// bound on everything that a client can take, so that no client holds what others need.

#include "dnsd/config/tcp_limits.h"
#include "dnsd/io/counters.h"
#include "dnsd/io/published.h"
#include "dnsd/io/sockets.h"
#include "dnsd/io/transfer_news.h"
#include "zones/catalog.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace dnsd {

struct TcpTotals {
    std::uint64_t open = 0;
    std::uint64_t open_secondaries = 0;  // among them, from where transfers are allowed
    std::uint64_t transfers = 0;         // under way
    std::uint64_t transfers_waiting = 0;
    std::uint64_t held = 0;  // bytes that wait in strangers' connections
    std::uint64_t accepted = 0;
    std::uint64_t refused = 0;    // over a bound
    std::uint64_t evicted = 0;    // idle, to make room
    std::uint64_t timed_out = 0;  // over a deadline
    std::uint64_t cut_off = 0;    // held too much when all strangers held too much
    std::uint64_t accept_errors = 0;
    QueryTotals queries;
};

class TcpServer {
public:
    // Memory for what waits in the connections of strangers. When they hold more, whoever comes to
    // hold more than an equal share goes. Secondaries are few, and each is bounded by itself.
    static constexpr std::size_t strangers_held_max = 16u << 20;

    // Takes the listeners' TCP sockets. `udp_size_max` is what UDP takes, to be told by TCP too.
    // `on_news` is called in this server's thread, and throws nothing.
    TcpServer(std::vector<QuerySockets::Listener>& listeners, const TcpLimits& limits,
              std::uint16_t udp_size_max, const PublishedCell<zones::Catalog>& catalog,
              std::function<void(TransferNews)> on_news);
    ~TcpServer();
    TcpServer(const TcpServer&) = delete;
    TcpServer& operator=(const TcpServer&) = delete;

    void stop();
    TcpTotals totals() const;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace dnsd
