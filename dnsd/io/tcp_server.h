#pragma once
// DNS over TCP (RFC 7766) in a thread of its own: pipelined requests, transfers streamed message by
// message from the one snapshot they began with, and a deadline for every wait, so that no client
// can hold what others need.

#include "dnsd/io/counters.h"
#include "dnsd/io/published.h"
#include "dnsd/io/sockets.h"
#include "zones/catalog.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace dnsd {

struct TcpLimits {
    // When all are taken, the longest idle one makes room; when none is idle, the new one goes.
    std::size_t connections_max = 1000;
    // From one IPv4 address or one IPv6 /64, which is what one customer is given.
    std::size_t connections_per_address_max = 100;
    std::chrono::milliseconds idle{10'000};    // between requests; RFC 7766 §6.2.3
    std::chrono::milliseconds request{5'000};  // from the first byte of a request to its last
    std::chrono::milliseconds write{15'000};   // for the client to take in one write of ours
};

struct TcpTotals {
    std::uint64_t open = 0;
    std::uint64_t accepted = 0;
    std::uint64_t refused = 0;    // over a bound
    std::uint64_t evicted = 0;    // idle, to make room
    std::uint64_t timed_out = 0;  // over a deadline
    std::uint64_t accept_errors = 0;
    QueryTotals queries;
};

// A zone transfer whose last byte was handed to the kernel.
struct TransferDone {
    Endpoint to;
    std::vector<std::byte> request;  // as it came
};

class TcpServer {
public:
    // A write is gathered up to this size, so that a transfer needs no more memory than this and
    // one message.
    static constexpr std::size_t write_bytes = 64 * 1024;

    // Takes the listeners' TCP sockets. `on_transfer` is called in this server's thread.
    TcpServer(std::vector<QuerySockets::Listener>& listeners,
              const PublishedCell<zones::Catalog>& catalog, const TcpLimits& limits,
              std::function<void(TransferDone)> on_transfer);
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
