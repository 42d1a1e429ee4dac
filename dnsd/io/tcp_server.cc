#include "dnsd/io/tcp_server.h"

#include "heartbeat/io/asio.h"
#include "zones/respond.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <set>
#include <thread>

namespace dnsd {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using Clock = std::chrono::steady_clock;  // only for deadlines of a connection
using ErrorCode = boost::system::error_code;
using Token = asio::redirect_error_t<asio::use_awaitable_t<>>;

constexpr std::chrono::milliseconds sweep_every{250};
constexpr std::chrono::milliseconds accept_pause{100};  // when descriptors or memory ran out
constexpr std::size_t read_bytes_first = 2048;
constexpr std::size_t prefix = 2;  // RFC 1035 §4.2.2
constexpr std::size_t header_bytes = 12;

auto into(ErrorCode& error) {
    return asio::redirect_error(asio::use_awaitable, error);
}

using PeerKey = std::array<std::uint8_t, 16>;

// IPv4 whole (v4-mapped), IPv6 by its /64.
PeerKey key_of(const zones::Peer& peer) {
    PeerKey key = peer.address;
    constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (!std::equal(mapped.begin(), mapped.end(), key.begin()))
        std::fill(key.begin() + 8, key.end(), std::uint8_t{0});
    return key;
}

zones::Peer peer_of(const tcp::endpoint& remote) {
    zones::Peer peer{};
    peer.transport = zones::Peer::Transport::tcp;
    peer.port = remote.port();
    const auto v6 = remote.address().is_v4()
                        ? asio::ip::make_address_v6(asio::ip::v4_mapped, remote.address().to_v4())
                        : remote.address().to_v6();
    const auto bytes = v6.to_bytes();
    std::copy(bytes.begin(), bytes.end(), peer.address.begin());
    return peer;
}

// RFC 1035 §4.1.1 and §4.1.2: is the first question's type AXFR or IXFR? Names in a question that
// was answered are never compressed.
bool asks_transfer(std::span<const std::byte> request) {
    std::size_t at = header_bytes;
    while (at < request.size() && request[at] != std::byte{0})
        at += 1 + std::to_integer<std::size_t>(request[at]);
    if (at + 3 > request.size()) return false;
    const unsigned type = std::to_integer<unsigned>(request[at + 1]) << 8 |
                          std::to_integer<unsigned>(request[at + 2]);
    return type == static_cast<unsigned>(zones::Type::axfr) ||
           type == static_cast<unsigned>(zones::Type::ixfr);
}

struct Connection {
    Connection(tcp::socket taken, const zones::Peer& from) : socket(std::move(taken)), peer(from) {}

    tcp::socket socket;
    zones::Peer peer;
    std::vector<std::byte> in = std::vector<std::byte>(read_bytes_first);
    std::size_t filled = 0;  // of `in`
    std::vector<std::byte> out;
    bool idle = true;
    Clock::time_point deadline;

    std::size_t wanted() const {  // the whole first frame, as far as we know its length
        if (filled < prefix) return prefix;
        return prefix +
               (std::to_integer<std::size_t>(in[0]) << 8 | std::to_integer<std::size_t>(in[1]));
    }
    bool whole_request() const { return filled >= prefix && filled >= wanted(); }
    std::span<const std::byte> request() const {
        return std::span(in).subspan(prefix, wanted() - prefix);
    }
    void consume_request() {
        const std::size_t used = wanted();
        std::memmove(in.data(), in.data() + used, filled - used);
        filled -= used;
        if (in.size() > read_bytes_first && filled <= read_bytes_first) {
            in.resize(read_bytes_first);
            in.shrink_to_fit();
        }
    }
    void append(const std::vector<std::byte>& message) {
        out.push_back(static_cast<std::byte>(message.size() >> 8));
        out.push_back(static_cast<std::byte>(message.size() & 0xff));
        out.insert(out.end(), message.begin(), message.end());
    }
    // Without lingering: what a client did not take in must not stay in the kernel for its sake.
    void cut() {
        ErrorCode ignored;
        socket.set_option(asio::socket_base::linger(true, 0), ignored);
        socket.close(ignored);
    }
};
using ConnectionPointer = std::shared_ptr<Connection>;

}  // namespace

class TcpServer::Impl {
public:
    Impl(std::vector<QuerySockets::Listener>& listeners,
         const PublishedCell<zones::Catalog>& catalog, const TcpLimits& limits,
         std::function<void(TransferDone)> on_transfer)
        : limits_(limits), catalog_(catalog), on_transfer_(std::move(on_transfer)), sweep_(io_) {
        for (QuerySockets::Listener& listener : listeners) {
            const auto protocol = listener.endpoint.address.is_v4() ? tcp::v4() : tcp::v6();
            acceptors_.emplace_back(io_, protocol, listener.tcp.release());
        }
        for (tcp::acceptor& acceptor : acceptors_)
            keep_up([this, &acceptor] { return accept_from(acceptor); });
        keep_up([this] { return sweep(); });
        thread_ = std::thread([this] { io_.run(); });
    }
    ~Impl() { stop(); }

    void stop() {
        io_.stop();
        if (thread_.joinable()) thread_.join();
    }

    TcpTotals totals() const {
        TcpTotals totals;
        totals.open = open_.load(std::memory_order_relaxed);
        totals.accepted = accepted_.value();
        totals.refused = refused_.value();
        totals.evicted = evicted_.value();
        totals.timed_out = timed_out_.value();
        totals.accept_errors = accept_errors_.value();
        totals.queries.add(counters_);
        return totals;
    }

private:
    asio::awaitable<void> accept_from(tcp::acceptor& acceptor);
    asio::awaitable<void> sweep();
    // Begins anew what only memory that ran out can have ended: TCP must not fall silent for that.
    template <class Make>
    void keep_up(Make make) {
        asio::co_spawn(io_, make(), [this, make](const std::exception_ptr& thrown) {
            if (thrown) keep_up(make);
        });
    }
    asio::awaitable<void> serve(ConnectionPointer connection);
    asio::awaitable<bool> read_request(Connection& connection);
    asio::awaitable<bool> answer_request(Connection& connection);
    asio::awaitable<bool> flush(Connection& connection);
    void admit(tcp::socket socket);
    bool make_room();
    void forget(const ConnectionPointer& connection);

    const TcpLimits limits_;
    asio::io_context io_{1};
    PublishedCell<zones::Catalog>::Reader catalog_;
    std::function<void(TransferDone)> on_transfer_;
    std::vector<tcp::acceptor> acceptors_;
    asio::steady_timer sweep_;
    std::set<ConnectionPointer> connections_;
    std::map<PeerKey, std::size_t> from_address_;
    std::uint64_t rotation_ = 0;

    std::atomic<std::uint64_t> open_{0};
    Counter accepted_, refused_, evicted_, timed_out_, accept_errors_;
    QueryCounters counters_;
    std::thread thread_;  // last: it uses all of the above
};

asio::awaitable<void> TcpServer::Impl::accept_from(tcp::acceptor& acceptor) {
    asio::steady_timer pause(io_);
    for (;;) {
        ErrorCode error;
        tcp::socket socket = co_await acceptor.async_accept(into(error));
        if (!error) {
            admit(std::move(socket));
            continue;
        }
        // ECONNABORTED is the client's; without descriptors or memory the connection waits in the
        // backlog, and asking again at once would only burn the processor.
        accept_errors_.add();
        if (error == asio::error::connection_aborted) continue;
        pause.expires_after(accept_pause);
        co_await pause.async_wait(into(error));
    }
}

void TcpServer::Impl::admit(tcp::socket socket) {
    accepted_.add();
    ErrorCode error;
    const tcp::endpoint remote = socket.remote_endpoint(error);
    if (error) return;  // it has gone again
    const zones::Peer peer = peer_of(remote);
    std::size_t& from_here = from_address_[key_of(peer)];
    if (from_here >= limits_.connections_per_address_max ||
        (connections_.size() >= limits_.connections_max && !make_room())) {
        if (from_here == 0) from_address_.erase(key_of(peer));
        refused_.add();
        return;
    }
    // make_room() may have counted one of this address down, even to nothing.
    ++from_address_[key_of(peer)];
    socket.set_option(tcp::no_delay(true), error);
    auto connection = std::make_shared<Connection>(std::move(socket), peer);
    connection->deadline = Clock::now() + limits_.idle;
    connections_.insert(connection);
    open_.store(connections_.size(), std::memory_order_relaxed);
    asio::co_spawn(io_, serve(connection), [this, connection](const std::exception_ptr& thrown) {
        if (thrown) forget(connection);
    });
}

// Closes the connection that has been idle the longest; false when none is idle.
bool TcpServer::Impl::make_room() {
    ConnectionPointer longest;
    for (const ConnectionPointer& connection : connections_)
        if (connection->idle && (!longest || connection->deadline < longest->deadline))
            longest = connection;
    if (!longest) return false;
    evicted_.add();
    longest->cut();
    forget(longest);
    return true;
}

void TcpServer::Impl::forget(const ConnectionPointer& connection) {
    if (connections_.erase(connection) == 0) return;
    open_.store(connections_.size(), std::memory_order_relaxed);
    const auto found = from_address_.find(key_of(connection->peer));
    if (found != from_address_.end() && --found->second == 0) from_address_.erase(found);
}

// One timer for all connections: deadlines need no precision, and this costs nothing per request.
asio::awaitable<void> TcpServer::Impl::sweep() {
    for (;;) {
        ErrorCode error;
        sweep_.expires_after(sweep_every);
        co_await sweep_.async_wait(into(error));
        const auto now = Clock::now();
        for (const ConnectionPointer& connection : connections_) {
            if (connection->deadline > now || !connection->socket.is_open()) continue;
            timed_out_.add();
            connection->cut();  // its coroutine ends by the error
        }
        catalog_.release();  // an old version must not live for an idle server's sake
    }
}

asio::awaitable<void> TcpServer::Impl::serve(ConnectionPointer connection) {
    // Requests are answered in their order, one after the other: a client that does not read what
    // it asked for stops being read from (RFC 7766 §6.2.1.1 allows any order, and asks for no
    // queue).
    while (co_await read_request(*connection)) {
        bool open = true;
        while (open && connection->whole_request()) {
            open = co_await answer_request(*connection);
            connection->consume_request();
        }
        // RFC 7766 §8: answers to pipelined requests leave in one write.
        if (!open || !co_await flush(*connection)) break;
    }
    ErrorCode ignored;
    connection->socket.close(ignored);
    forget(connection);
}

// Waits for one whole request. False at the end of the stream, in order or cut.
asio::awaitable<bool> TcpServer::Impl::read_request(Connection& connection) {
    connection.deadline = Clock::now() + (connection.filled == 0 ? limits_.idle : limits_.request);
    while (!connection.whole_request()) {
        if (connection.in.size() < connection.wanted()) connection.in.resize(connection.wanted());
        connection.idle = connection.filled == 0;
        ErrorCode error;
        const std::size_t got = co_await connection.socket.async_read_some(
            asio::buffer(connection.in.data() + connection.filled,
                         connection.in.size() - connection.filled),
            into(error));
        if (error) co_return false;
        // Only the first byte moves the deadline: who sends byte by byte does not stay longer.
        if (connection.filled == 0) connection.deadline = Clock::now() + limits_.request;
        connection.filled += got;
    }
    connection.idle = false;
    co_return true;
}

// Every message of the response to the first request in the buffer; false ends the connection.
asio::awaitable<bool> TcpServer::Impl::answer_request(Connection& connection) {
    counters_.requests.add();
    const std::shared_ptr<const zones::Catalog> snapshot = catalog_.current();
    zones::Response response =
        zones::respond(snapshot, connection.request(), connection.peer, zones::Turn{++rotation_});
    std::vector<std::byte> message;
    bool any = false;
    unsigned rcode = 0;
    while (response.next(message)) {
        if (!any) rcode = std::to_integer<unsigned>(message[3]) & 0x0f;
        any = true;
        connection.append(message);
        if (connection.out.size() >= write_bytes && !co_await flush(connection)) co_return false;
    }
    if (!any) {  // not a request at all: there is no more to say to this client
        counters_.drop(Dropped::silent);
        co_return false;
    }
    counters_.responses[rcode].add();
    if (rcode != 0 || !on_transfer_ || !asks_transfer(connection.request())) co_return true;
    if (!co_await flush(connection)) co_return false;
    const auto request = connection.request();
    ErrorCode error;
    const tcp::endpoint remote = connection.socket.remote_endpoint(error);
    if (error) co_return false;
    on_transfer_({to_endpoint(*reinterpret_cast<const sockaddr_storage*>(remote.data())),
                  {request.begin(), request.end()}});
    co_return true;
}

asio::awaitable<bool> TcpServer::Impl::flush(Connection& connection) {
    if (connection.out.empty()) co_return true;
    connection.deadline = Clock::now() + limits_.write;
    ErrorCode error;
    co_await asio::async_write(connection.socket, asio::buffer(connection.out), into(error));
    connection.out.clear();
    co_return !error;
}

TcpServer::TcpServer(std::vector<QuerySockets::Listener>& listeners,
                     const PublishedCell<zones::Catalog>& catalog, const TcpLimits& limits,
                     std::function<void(TransferDone)> on_transfer)
    : impl_(std::make_unique<Impl>(listeners, catalog, limits, std::move(on_transfer))) {}
TcpServer::~TcpServer() = default;
void TcpServer::stop() {
    impl_->stop();
}
TcpTotals TcpServer::totals() const {
    return impl_->totals();
}

}  // namespace dnsd
