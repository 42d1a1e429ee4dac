#include "dnsd/io/tcp_server.h"

#include "dnsd/io/tcp_connection.h"
#include "dnsd/io/tcp_listeners.h"
#include "dnsd/io/transfer_teller.h"
#include "dnsd/io/wall_clock.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cassert>
#include <cerrno>
#include <new>
#include <optional>
#include <system_error>
#include <thread>

#include <sys/epoll.h>
#include <sys/eventfd.h>

namespace dnsd {
namespace {

using Clock = TcpConnection::Clock;
using Kind = TcpPlaces::Kind;

constexpr std::chrono::milliseconds sweep_every{250};
constexpr std::chrono::milliseconds accept_pause{100};  // when descriptors or memory ran out
constexpr int events_max = 256;                         // taken from epoll at a time
constexpr int accepts_in_a_row_max = 64;
// An event's key: what a connection's number stands for changes when it is given away again.
constexpr std::uint64_t stop_key = ~std::uint64_t{0};
constexpr std::uint64_t listener_key = std::uint64_t{1} << 63;

zones::Peer peer_of(const Endpoint& from, std::uint16_t udp_size_max) {
    zones::Peer peer{};
    peer.udp_size_max = udp_size_max;  // told by TCP as well (RFC 6891 §6.2.3)
    peer.transport = zones::Peer::Transport::tcp;
    peer.port = from.port;
    if (from.address.is_v4()) {  // RFC 4291 §2.5.5.2
        peer.address[10] = peer.address[11] = 0xff;
        std::copy(from.address.data(), from.address.data() + 4, peer.address.begin() + 12);
    } else {
        std::copy(from.address.data(), from.address.data() + 16, peer.address.begin());
    }
    return peer;
}

// Leaves nothing behind in the kernel: neither bytes that nobody takes in, nor a TIME_WAIT.
void reset_on_close(const Fd& fd) {
    const linger none{1, 0};
    ::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &none, sizeof none);
}

std::system_error failed(const char* what) {
    return {errno, std::generic_category(), what};
}

}  // namespace

class TcpServer::Impl {
public:
    Impl(std::vector<QuerySockets::Listener>& listeners, const TcpLimits& limits,
         std::uint16_t udp_size_max, const PublishedCell<zones::Catalog>& catalog,
         std::function<void(TransferNews)> on_news);
    ~Impl() { stop(); }

    void stop();
    TcpTotals totals() const;

private:
    // A connection's number is its index here. `round` tells those apart that had it in turn.
    struct Slot {
        std::unique_ptr<TcpConnection> connection;
        std::uint32_t round = 0;
    };

    void run();
    void watch(int fd, std::uint32_t events, std::uint64_t key);
    int wait_ms() const;
    void on_event(const epoll_event& event);
    TcpConnection* find(std::uint64_t key);
    void take_turn(std::uint32_t number);
    void queue(std::uint32_t number);
    TcpConnection::Turn turn_of(TcpConnection& connection);
    bool holds_too_much(const TcpConnection& connection, std::size_t before);
    void count(const zones::Conversation::Spoken& spoken);
    void accept_from(std::size_t listener);
    void admit(Fd fd, const Endpoint& peer);
    void close(std::uint32_t number, TransferResult of_unfinished = TransferResult::aborted);
    void publish_places();
    void give_places();
    bool make_room();
    void set_accepting(bool on);
    void sweep();
    std::uint64_t key_of(std::uint32_t number) const {
        return std::uint64_t{slots_[number].round} << 32 | number;
    }

    const TcpLimits limits_;
    const std::uint16_t udp_size_max_;
    PublishedCell<zones::Catalog>::Reader catalog_;
    TransferTeller teller_;
    Fd epoll_, stop_;
    std::optional<TcpListeners> listeners_;
    TcpPlaces places_;
    TransferPlaces transfer_places_;
    std::vector<Slot> slots_;
    std::vector<std::uint32_t> free_;    // numbers
    std::vector<std::uint64_t> queued_;  // keys of connections that have more to do
    std::unique_ptr<TcpBuffers> buffers_ = std::make_unique<TcpBuffers>();
    std::uint64_t transfer_numbers_ = 0;
    zones::Turn turn_{};
    Clock::time_point now_ = Clock::now();
    Clock::time_point sweep_at_ = now_;
    Clock::time_point accept_at_ = now_;
    bool accepting_ = true;
    std::size_t strangers_hold_ = 0;

    std::atomic<std::uint64_t> open_{0}, open_secondaries_{0}, held_{0};
    std::atomic<std::uint64_t> transfers_{0}, transfers_waiting_{0};
    Counter accepted_, refused_, evicted_, timed_out_, cut_off_, accept_errors_;
    QueryCounters counters_;
    std::thread thread_;  // last: it uses all of the above
};

TcpServer::Impl::Impl(std::vector<QuerySockets::Listener>& listeners, const TcpLimits& limits,
                      std::uint16_t udp_size_max, const PublishedCell<zones::Catalog>& catalog,
                      std::function<void(TransferNews)> on_news)
    : limits_(limits),
      udp_size_max_(udp_size_max),
      catalog_(catalog),
      teller_(std::move(on_news)),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      stop_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      places_(limits),
      transfer_places_(limits),
      slots_(limits.connections_max) {
    if (!epoll_ || !stop_) throw failed("epoll");
    assert(limits.connections_max > limits.reserve);
    for (std::size_t i = slots_.size(); i > 0; --i)
        free_.push_back(static_cast<std::uint32_t>(i - 1));
    queued_.reserve(slots_.size());
    watch(stop_.get(), EPOLLIN, stop_key);
    listeners_.emplace(listeners, epoll_.get(), listener_key);
    thread_ = std::thread([this] { run(); });
}

void TcpServer::Impl::stop() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(stop_.get(), &one, sizeof one);
    if (thread_.joinable()) thread_.join();
}

TcpTotals TcpServer::Impl::totals() const {
    TcpTotals totals;
    totals.open = open_.load(std::memory_order_relaxed);
    totals.open_secondaries = open_secondaries_.load(std::memory_order_relaxed);
    totals.transfers = transfers_.load(std::memory_order_relaxed);
    totals.transfers_waiting = transfers_waiting_.load(std::memory_order_relaxed);
    totals.held = held_.load(std::memory_order_relaxed);
    totals.accepted = accepted_.value();
    totals.refused = refused_.value();
    totals.evicted = evicted_.value();
    totals.timed_out = timed_out_.value();
    totals.cut_off = cut_off_.value();
    totals.accept_errors = accept_errors_.value();
    totals.queries.add(counters_);
    return totals;
}

void TcpServer::Impl::watch(int fd, std::uint32_t events, std::uint64_t key) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = key;
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) throw failed("epoll_ctl");
}

int TcpServer::Impl::wait_ms() const {
    if (!queued_.empty()) return 0;
    const auto until = accepting_ ? sweep_at_ : std::min(sweep_at_, accept_at_);
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(until - now_).count();
    return static_cast<int>(std::max<std::int64_t>(wait, 0));
}

void TcpServer::Impl::run() {
    std::array<epoll_event, events_max> events;
    std::vector<std::uint64_t> again;
    again.reserve(slots_.size());
    for (;;) {
        const int ready = ::epoll_wait(epoll_.get(), events.data(), events_max, wait_ms());
        now_ = Clock::now();
        turn_.now_seconds = wall_seconds();
        for (int i = 0; i < ready; ++i) {
            if (events[static_cast<std::size_t>(i)].data.u64 == stop_key) return;
            on_event(events[static_cast<std::size_t>(i)]);
        }
        // Each that has more to do gets one turn, then the sockets are looked at again.
        again.swap(queued_);
        for (const std::uint64_t key : again) {
            TcpConnection* connection = find(key);
            if (connection == nullptr) continue;
            connection->queued = false;
            take_turn(static_cast<std::uint32_t>(key));
        }
        again.clear();
        if (!accepting_ && now_ >= accept_at_) set_accepting(true);
        if (now_ >= sweep_at_) sweep();
        transfers_.store(transfer_places_.taken(), std::memory_order_relaxed);
        transfers_waiting_.store(transfer_places_.waiting(), std::memory_order_relaxed);
        held_.store(strangers_hold_, std::memory_order_relaxed);
    }
}

// Null for one that has gone meanwhile, to make room for another.
TcpConnection* TcpServer::Impl::find(std::uint64_t key) {
    const auto number = static_cast<std::uint32_t>(key);
    return slots_[number].round == key >> 32 ? slots_[number].connection.get() : nullptr;
}

void TcpServer::Impl::on_event(const epoll_event& event) {
    const std::uint64_t key = event.data.u64;
    if ((key & listener_key) != 0) return accept_from(key & ~listener_key);
    if (TcpConnection* connection = find(key)) {
        connection->ready(event.events);
        take_turn(static_cast<std::uint32_t>(key));
    }
}

void TcpServer::Impl::take_turn(std::uint32_t number) {
    TcpConnection& connection = *slots_[number].connection;
    const std::size_t held = connection.held();
    const TcpConnection::Turn done = turn_of(connection);
    count(done.spoken);
    if (holds_too_much(connection, held)) {
        cut_off_.add();
        connection.cut();
        return close(number);
    }
    if (done.after == TcpConnection::After::close) {
        connection.finish(*buffers_);
        return close(number);
    }
    transfer_places_.after_turn(connection.part, done.spoken.begun, connection.transfers(),
                                connection.parked());
    if (done.after == TcpConnection::After::again) queue(number);
    give_places();
    connection.idle() ? places_.set_idle(connection.place) : places_.set_busy(connection.place);
}

void TcpServer::Impl::queue(std::uint32_t number) {
    TcpConnection& connection = *slots_[number].connection;
    if (connection.queued) return;
    connection.queued = true;
    queued_.push_back(key_of(number));
}

// To those whose transfers wait, which begin in a turn that nothing else would give them.
void TcpServer::Impl::give_places() {
    while (const auto number = transfer_places_.next()) queue(*number);
}

// Memory that ran out costs the connection that wanted it, and no other.
TcpConnection::Turn TcpServer::Impl::turn_of(TcpConnection& connection) {
    const auto idle = places_.idle_time(connection.place.kind) / std::chrono::milliseconds(100);
    turn_.tcp_idle_ds = static_cast<std::uint16_t>(std::clamp<std::int64_t>(idle, 1, 65535));
    std::vector<TcpConnection::Transferred>& left = teller_.left();
    try {
        auto done =
            connection.turn(*catalog_.current(), turn_, *buffers_, now_,
                            transfer_places_.may_begin(connection.part), left, transfer_numbers_);
        teller_.tell(connection, done);
        return done;
    } catch (const std::bad_alloc&) {
        teller_.tell_ends(connection);
        return {};
    }
}

bool TcpServer::Impl::holds_too_much(const TcpConnection& connection, std::size_t before) {
    if (connection.place.kind != Kind::stranger) return false;
    strangers_hold_ += connection.held() - before;
    return strangers_hold_ > strangers_held_max && connection.held() > before &&
           connection.held() > strangers_held_max / limits_.connections_max;
}

void TcpServer::Impl::count(const zones::Conversation::Spoken& spoken) {
    counters_.requests.add(spoken.requests);
    for (std::size_t i = 0; i < spoken.responses.size(); ++i)
        if (spoken.responses[i] != 0) counters_.responses[i].add(spoken.responses[i]);
    counters_.dropped[static_cast<std::size_t>(Dropped::silent)].add(spoken.silent);
}

void TcpServer::Impl::accept_from(std::size_t listener) {
    using What = TcpListeners::Accepted::What;
    for (int i = 0; i < accepts_in_a_row_max; ++i) {
        TcpListeners::Accepted accepted = listeners_->accept(listener);
        switch (accepted.what) {
            case What::connection:
                accepted_.add();
                admit(std::move(accepted.fd), to_endpoint(accepted.from.storage));
                break;
            case What::nobody:
                return;
            case What::failed:
                accept_errors_.add();
                break;
            case What::no_means:
                accept_errors_.add();
                if (make_room()) break;
                // To ask again at once would only burn the processor.
                set_accepting(false);
                return;
        }
    }
}

void TcpServer::Impl::admit(Fd fd, const Endpoint& from) {
    const zones::Peer peer = peer_of(from, udp_size_max_);
    const TcpPlaces::Who who = TcpPlaces::who(peer.address, catalog_.current()->access().known);
    const TcpPlaces::Verdict verdict = places_.judge(who);
    if (!verdict.admitted) {
        refused_.add();
        reset_on_close(fd);
        return;
    }
    if (verdict.evict) {
        evicted_.add();
        close(*verdict.evict);
    }
    const int socket = fd.get();
    const std::uint32_t number = free_.back();
    Slot& slot = slots_[number];
    try {
        auto connection = std::make_unique<TcpConnection>(std::move(fd), from, peer, now_);
        connection->part = transfer_places_.enter(number, who);
        try {
            connection->place = places_.take(number, who);
        } catch (...) {
            transfer_places_.leave(connection->part);
            throw;
        }
        places_.set_idle(connection->place);
        slot.connection = std::move(connection);
        free_.pop_back();
        publish_places();
        watch(socket, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, key_of(number));
    } catch (const std::exception&) {  // out of memory, here or in the kernel
        accept_errors_.add();
        if (slot.connection) close(number);
    }
}

void TcpServer::Impl::close(std::uint32_t number, TransferResult of_unfinished) {
    Slot& slot = slots_[number];
    teller_.tell_unfinished(*slot.connection, of_unfinished, now_);
    if (slot.connection->place.kind == Kind::stranger) strangers_hold_ -= slot.connection->held();
    places_.leave(slot.connection->place);
    transfer_places_.leave(slot.connection->part);
    slot.connection.reset();
    slot.round = (slot.round + 1) & 0x7fff'ffff;
    free_.push_back(number);
    publish_places();
    give_places();
}

void TcpServer::Impl::publish_places() {
    open_.store(places_.taken(), std::memory_order_relaxed);
    open_secondaries_.store(places_.taken(Kind::secondary), std::memory_order_relaxed);
}

bool TcpServer::Impl::make_room() {
    const auto idle = places_.longest_idle();
    if (!idle) return false;
    evicted_.add();
    close(*idle);
    return true;
}

void TcpServer::Impl::set_accepting(bool on) {
    accepting_ = on;
    accept_at_ = now_ + accept_pause;
    listeners_->listen(on);
}

// One look at all connections: deadlines need no precision, and this costs nothing per request.
void TcpServer::Impl::sweep() {
    sweep_at_ = now_ + sweep_every;
    for (std::uint32_t number = 0; number < slots_.size(); ++number) {
        TcpConnection* connection = slots_[number].connection.get();
        if (connection == nullptr) continue;
        const auto late =
            connection->late(now_, limits_, places_.idle_time(connection->place.kind));
        if (late == TcpConnection::Late::no) continue;
        timed_out_.add();
        if (late == TcpConnection::Late::write) connection->cut();
        close(number, TransferResult::timed_out);
    }
    catalog_.release();  // an old version must not live for an idle server's sake
}

TcpServer::TcpServer(std::vector<QuerySockets::Listener>& listeners, const TcpLimits& limits,
                     std::uint16_t udp_size_max, const PublishedCell<zones::Catalog>& catalog,
                     std::function<void(TransferNews)> on_news)
    : impl_(std::make_unique<Impl>(listeners, limits, udp_size_max, catalog, std::move(on_news))) {}
TcpServer::~TcpServer() = default;
void TcpServer::stop() {
    impl_->stop();
}
TcpTotals TcpServer::totals() const {
    return impl_->totals();
}

}  // namespace dnsd
