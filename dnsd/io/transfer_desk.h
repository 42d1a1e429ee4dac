#pragma once
// Where the news of transfers come in, from TCP and UDP: the notifier is told who asked for what
// and how it ended, and refusals are counted and logged. Part of the control thread.

#include "dnsd/io/notify_io.h"
#include "dnsd/io/refusal_log.h"
#include "dnsd/io/report.h"
#include "dnsd/io/transfer_queue.h"
#include "dnsd/io/udp_server.h"
#include "dnsd/io/zone_store.h"
#include "heartbeat/io/asio.h"

#include <cstdint>
#include <utility>

namespace dnsd {

class TransferDesk {
public:
    TransferDesk(boost::asio::io_context& loop, const ZoneStore& store, NotifyIo& notify);

    // By the thread of TCP alone.
    void push(TransferNews news) noexcept { queue_.push(std::move(news)); }
    // From now on its query threads are asked: they wait for nobody.
    void listen_to(UdpServer& udp);
    const RefusedTransfers& refused() const { return refused_; }
    // Of all that there was to tell, since start.
    TransfersLeftOut left_out(const UdpServer& udp) const;

private:
    void read_queue();
    void look(UdpServer& udp);
    void heard(const TransferNews& news, RefusalLog::Kind kind);
    void heard(const UdpTransfer& asked);
    void refused(const TransferNews& news, RefusalLog::Kind kind);
    RefusalLog::Kind kind_of(const heartbeat::Address& sender) const;

    const ZoneStore& store_;
    NotifyIo& notify_;
    boost::asio::steady_timer again_;
    TransferQueue queue_;
    std::uint64_t left_out_ = 0;  // refusals, until the last look
    RefusalLog log_;
    RefusedTransfers refused_{};
};

}  // namespace dnsd
