#pragma once
// Where the news of transfers come in, from TCP and UDP: the notifier is told who asked for what
// and how it ended, and refusals are counted and logged. Part of the control thread.

#include "dnsd/io/notify_io.h"
#include "dnsd/io/refusal_log.h"
#include "dnsd/io/report.h"
#include "dnsd/io/transfer_news.h"
#include "dnsd/io/udp_server.h"
#include "dnsd/io/zone_store.h"
#include "heartbeat/io/asio.h"

#include <cstdint>

namespace dnsd {

class TransferDesk {
public:
    TransferDesk(boost::asio::io_context& loop, const ZoneStore& store, NotifyIo& notify)
        : store_(store), notify_(notify), again_(loop) {}

    void heard(const TransferNews& news);
    // From now on its query threads are asked: they wait for nobody.
    void listen_to(UdpServer& udp);
    const RefusedTransfers& refused() const { return refused_; }

private:
    void heard(const UdpTransfer& asked);
    void refused(const TransferNews& news, const zones::Name& zone);

    const ZoneStore& store_;
    NotifyIo& notify_;
    boost::asio::steady_timer again_;
    std::uint64_t left_out_ = 0;  // by the query threads, until now
    RefusalLog log_;
    RefusedTransfers refused_{};
};

}  // namespace dnsd
