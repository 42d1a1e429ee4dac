#pragma once
// The status page, its JSON, the event stream and the metrics over HTTP. It runs on a thread and an
// io_context of its own and sees nothing but finished snapshots: neither a slow browser nor the
// rendering of a large page can ever delay a lease.

#include "dnsd/config/endpoint.h"
#include "dnsd/io/status_json.h"

#include <chrono>
#include <memory>

namespace dnsd {

class Http {
public:
    static constexpr std::size_t connections_max = 64;
    static constexpr std::size_t streams_max = 32;  // of these, event streams
    static constexpr std::size_t header_bytes_max = 8 * 1024;
    static constexpr std::chrono::seconds deadline{
        10};  // for a request to arrive, a response to leave
    // A snapshot older than this means that the control thread stands still: /livez says 503.
    static constexpr std::chrono::seconds stale_after{10};

    // Throws std::runtime_error with one sentence when it cannot listen. Port 0 takes any.
    explicit Http(const Endpoint&);
    ~Http();  // stop()
    Http(const Http&) = delete;
    Http& operator=(const Http&) = delete;

    // From any thread; never blocks on a client. To be called on every change and at least every 2
    // s.
    void publish(std::shared_ptr<const Status>);
    std::uint16_t port() const;
    void stop();  // closes every connection, joins the thread; may be called twice

private:
    struct Server;
    std::shared_ptr<Server> server_;
};

}  // namespace dnsd
