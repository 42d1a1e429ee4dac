#pragma once
// The first walk: worker threads that receive a batch of datagrams, answer each through the one
// door zones::respond from the current Catalog, and send the batch. Nothing is allocated for a
// query, and nothing is shared but the Published cell.

#include "dnsd/io/counters.h"
#include "dnsd/io/published.h"
#include "dnsd/io/sockets.h"
#include "dnsd/io/transfer_ring.h"
#include "zones/catalog.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace dnsd {

class UdpServer {
public:
    // The most datagrams that one turn of a worker takes.
    static constexpr std::size_t batch_max = 64;
    // A longer request is dropped and counted: no query needs more (RFC 6891 §6.2.5 asks for 4096).
    static constexpr std::size_t request_max = 4096;
    static constexpr std::size_t response_max = 4096;
    static constexpr unsigned workers_max = 256;

    // Nobody asks from port 0; and what comes from the small services (RFC 862 to 868: echo,
    // daytime, quote, chargen, time) has a forged sender, whose service would answer our answer.
    static constexpr bool may_be_answered(std::uint16_t port) {
        return port != 0 && port != 7 && port != 13 && port != 17 && port != 19 && port != 37;
    }

    // One worker for each socket that the listeners hold. Threads run until stop() or destruction.
    UdpServer(std::vector<QuerySockets::Listener>& listeners, unsigned workers,
              std::uint16_t udp_size_max, const PublishedCell<zones::Catalog>& catalog);
    ~UdpServer();
    UdpServer(const UdpServer&) = delete;
    UdpServer& operator=(const UdpServer&) = delete;

    void stop();  // returns when no worker runs any more
    QueryTotals totals() const;
    // By one thread alone: take(const UdpTransfer&) for what was asked of transfers since.
    void drain_transfers(const std::function<void(const UdpTransfer&)>& take);
    TransfersLeftOut transfers_left_out() const;

private:
    class Worker;
    std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace dnsd
