#pragma once
// The Notifier's hands: sends its NOTIFYs and SOA queries, hears the answers, keeps its time.

#include "dnsd/config/endpoint.h"
#include "dnsd/publish/notifier.h"
#include "zones/tsig.h"
#include "zones/zone.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace boost::asio {
class io_context;
}

namespace dnsd {

struct NotifyTotals {
    std::uint64_t sent = 0;
    std::uint64_t failed = 0;  // the kernel refused; the Notifier tries again in any case
    std::uint64_t heard = 0;
};

class NotifyIo {
public:
    // Datagrams read before others get their turn.
    static constexpr unsigned batch_max = 64;
    // Of what was signed and sent to one secondary under one id, so many are remembered: an answer
    // is signed together with the request that it answers, and may come after a resend.
    static constexpr std::size_t macs_max = 4;

    struct Hands {
        // The version of a zone that is served now; null when it is gone.
        std::function<std::shared_ptr<const zones::Zone>(const zones::Name&)> served;
        std::function<void(const Notifier::Note&)> note;
        // Null when there is no such key.
        std::function<const zones::TsigKey*(const zones::Name&)> key;
    };

    // Speaks from the first address of each family in `listen`: secondaries believe a NOTIFY only
    // from an address that they know as their primary's (RFC 1996 §3.10).
    NotifyIo(boost::asio::io_context& loop, const std::vector<Endpoint>& listen,
             std::vector<Notifier::Target> targets, Hands hands);
    ~NotifyIo();
    NotifyIo(const NotifyIo&) = delete;
    NotifyIo& operator=(const NotifyIo&) = delete;

    void step(const Notifier::Event& event);
    std::vector<SecondaryStatus> status() const;
    const Notifier& machine() const;
    const NotifyTotals& totals() const;

private:
    struct Inside;
    std::shared_ptr<Inside> inside_;
};

}  // namespace dnsd
