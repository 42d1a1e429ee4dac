#include "dnsd/io/udp_server.h"

#include "dnsd/io/wall_clock.h"
#include "zones/respond.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <thread>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/uio.h>

namespace dnsd {
namespace {

// How long a worker waits with a snapshot in its hand before it lets go and sleeps without a limit.
constexpr int hold_snapshot_ms = 100;
// How long a full send buffer is waited for before the rest of the batch is dropped: it drains at
// line speed, and a client that hears nothing asks again.
constexpr int send_wait_ms = 10;
// Turns that one socket may take before the others are looked at.
constexpr int turns_in_a_row_max = 8;

// Control bytes for one IP_PKTINFO or IPV6_PKTINFO.
constexpr std::size_t control_bytes = CMSG_SPACE(sizeof(in6_pktinfo));

// Everything that one recvmmsg and sendmmsg need, allocated once a worker.
struct Batch {
    struct Slot {
        sockaddr_storage peer;
        alignas(cmsghdr) std::array<std::byte, control_bytes> control;
        iovec in, out;
    };
    std::array<Slot, UdpServer::batch_max> slots;
    std::array<mmsghdr, UdpServer::batch_max> received;
    std::array<mmsghdr, UdpServer::batch_max> answers;
    std::array<std::array<std::byte, UdpServer::request_max>, UdpServer::batch_max> requests;
    std::array<std::array<std::byte, UdpServer::response_max>, UdpServer::batch_max> responses;

    // Once for all slots, then for those that the last turn used.
    void prepare_receive(std::size_t used) {
        for (std::size_t i = 0; i < used; ++i) {
            slots[i].in = {requests[i].data(), requests[i].size()};
            received[i] = {};
            received[i].msg_hdr.msg_name = &slots[i].peer;
            received[i].msg_hdr.msg_namelen = sizeof slots[i].peer;
            received[i].msg_hdr.msg_iov = &slots[i].in;
            received[i].msg_hdr.msg_iovlen = 1;
            received[i].msg_hdr.msg_control = slots[i].control.data();
            received[i].msg_hdr.msg_controllen = slots[i].control.size();
        }
    }
};

// IPv4 addresses are handed to the zones as v4-mapped ones (RFC 4291 §2.5.5.2).
zones::Peer peer_of(const sockaddr_storage& from, std::uint16_t udp_size_max) {
    zones::Peer peer{};
    peer.transport = zones::Peer::Transport::udp;
    peer.udp_size_max = udp_size_max;
    if (from.ss_family == AF_INET) {
        const auto& in = reinterpret_cast<const sockaddr_in&>(from);
        peer.address[10] = peer.address[11] = 0xff;
        std::memcpy(peer.address.data() + 12, &in.sin_addr, 4);
        peer.port = ntohs(in.sin_port);
    } else {
        const auto& in6 = reinterpret_cast<const sockaddr_in6&>(from);
        std::memcpy(peer.address.data(), &in6.sin6_addr, 16);
        peer.port = ntohs(in6.sin6_port);
    }
    return peer;
}

// The answer leaves from the address that was asked. Which interface it takes is the routes'
// choice, but for link-local addresses, which mean nothing without one.
void answer_from_asked(msghdr& message) {
    for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            auto* info = reinterpret_cast<in_pktinfo*>(CMSG_DATA(c));
            info->ipi_ifindex = 0;
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            auto* info = reinterpret_cast<in6_pktinfo*>(CMSG_DATA(c));
            if (!IN6_IS_ADDR_LINKLOCAL(&info->ipi6_addr)) info->ipi6_ifindex = 0;
        }
    }
}

}  // namespace

class UdpServer::Worker {
public:
    Worker(std::vector<Fd> sockets, std::uint16_t udp_size_max,
           const PublishedCell<zones::Catalog>& catalog)
        : sockets_(std::move(sockets)),
          stop_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
          udp_size_max_(udp_size_max),
          catalog_(catalog),
          batch_(std::make_unique<Batch>()) {
        if (!stop_) throw std::system_error(errno, std::generic_category(), "eventfd");
        for (const Fd& fd : sockets_) polled_.push_back({fd.get(), POLLIN, 0});
        polled_.push_back({stop_.get(), POLLIN, 0});
        thread_ = std::thread([this] { run(); });
    }
    ~Worker() {
        ask_to_stop();
        join();
    }

    void ask_to_stop() {
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto written = ::write(stop_.get(), &one, sizeof one);
    }
    void join() {
        if (thread_.joinable()) thread_.join();
    }
    const QueryCounters& counters() const { return counters_; }
    TransferRing& transfers() { return transfers_; }

private:
    void run();
    bool turn(int fd);
    std::size_t answer(std::size_t received);
    bool answer_one(std::size_t slot, std::size_t answers);
    void send(int fd, std::size_t answers);

    std::vector<Fd> sockets_;
    Fd stop_;
    std::uint16_t udp_size_max_;
    PublishedCell<zones::Catalog>::Reader catalog_;
    std::unique_ptr<Batch> batch_;
    std::size_t used_ = batch_max;  // slots to be prepared before the next receive
    std::vector<pollfd> polled_;
    zones::Turn turn_{};
    QueryCounters counters_;
    TransferRing transfers_;
    std::thread thread_;  // last: it uses all of the above
};

void UdpServer::Worker::run() {
    int wait_ms = hold_snapshot_ms;
    for (;;) {
        const int ready = ::poll(polled_.data(), polled_.size(), wait_ms);
        if (ready < 0) continue;  // EINTR, or ENOMEM, which passes
        if (ready == 0) {
            catalog_.release();
            wait_ms = -1;
            continue;
        }
        wait_ms = hold_snapshot_ms;
        if (polled_.back().revents != 0) return;
        for (std::size_t i = 0; i + 1 < polled_.size(); ++i) {
            if (polled_[i].revents == 0) continue;
            for (int turns = 0; turns < turns_in_a_row_max && turn(polled_[i].fd); ++turns) {
            }
        }
    }
}

// One batch. True when it was a full one, so that more is likely to wait.
bool UdpServer::Worker::turn(int fd) {
    batch_->prepare_receive(used_);
    used_ = 0;
    const int received = ::recvmmsg(fd, batch_->received.data(), batch_max, 0, nullptr);
    if (received <= 0) {
        // ECONNREFUSED and the like are news of answers sent before; reading has cleared them.
        if (received < 0 && errno != EAGAIN && errno != EINTR) counters_.receive_errors.add();
        return false;
    }
    used_ = static_cast<std::size_t>(received);
    turn_.now_seconds = wall_seconds();
    send(fd, answer(used_));
    return used_ == batch_max;
}

std::size_t UdpServer::Worker::answer(std::size_t received) {
    std::size_t answers = 0;
    for (std::size_t slot = 0; slot < received; ++slot)
        if (answer_one(slot, answers)) ++answers;
    return answers;
}

bool UdpServer::Worker::answer_one(std::size_t slot, std::size_t answers) {
    counters_.requests.add();
    const mmsghdr& received = batch_->received[slot];
    const zones::Peer peer = peer_of(batch_->slots[slot].peer, udp_size_max_);
    if (!may_be_answered(peer.port)) {
        counters_.drop(peer.port == 0 ? Dropped::source_port_zero : Dropped::source_port_reflector);
        return false;
    }
    if ((received.msg_hdr.msg_flags & MSG_TRUNC) != 0) {
        counters_.drop(Dropped::too_long);
        return false;
    }
    turn_.next_request();
    const std::span<const std::byte> request(batch_->requests[slot].data(), received.msg_len);
    zones::Outcome outcome;
    const std::size_t size = zones::respond(*catalog_.current(), request, peer, turn_,
                                            batch_->responses[slot], &outcome);
    if (size == 0) {
        counters_.drop(Dropped::silent);
        return false;
    }
    assert(size <= response_max);
    const auto response = std::span<std::byte>(batch_->responses[slot]).first(size);
    counters_.responses[static_cast<std::size_t>(outcome.rcode)].add();
    if (outcome.transfer || outcome.refusal != zones::Refusal::none)
        transfers_.push(to_endpoint(batch_->slots[slot].peer), outcome, request, response);
    batch_->slots[slot].out = {response.data(), response.size()};
    mmsghdr& out = batch_->answers[answers];
    out = {};
    out.msg_hdr = received.msg_hdr;  // the peer, and the address that was asked
    out.msg_hdr.msg_iov = &batch_->slots[slot].out;
    out.msg_hdr.msg_flags = 0;
    answer_from_asked(out.msg_hdr);
    return true;
}

// Every error concerns one datagram, which is dropped and counted; the rest still leaves.
void UdpServer::Worker::send(int fd, std::size_t answers) {
    std::size_t sent = 0;
    bool waited = false;
    while (sent < answers) {
        const int n =
            ::sendmmsg(fd, batch_->answers.data() + sent, static_cast<unsigned>(answers - sent), 0);
        if (n > 0) {
            sent += static_cast<std::size_t>(n);
            continue;
        }
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) {
            pollfd writable{fd, POLLOUT, 0};
            if (!waited && ::poll(&writable, 1, send_wait_ms) > 0) {
                waited = true;
                continue;
            }
            counters_.dropped[static_cast<std::size_t>(Dropped::send_full)].add(answers - sent);
            return;
        }
        counters_.drop(Dropped::send_failed);
        ++sent;
    }
}

UdpServer::UdpServer(std::vector<QuerySockets::Listener>& listeners, unsigned workers,
                     std::uint16_t udp_size_max, const PublishedCell<zones::Catalog>& catalog) {
    assert(workers > 0 && workers <= workers_max);
    udp_size_max = std::min<std::uint16_t>(udp_size_max, response_max);
    for (unsigned worker = 0; worker < workers; ++worker) {
        std::vector<Fd> sockets;
        for (QuerySockets::Listener& listener : listeners)
            sockets.push_back(std::move(listener.udp.at(worker)));
        workers_.push_back(std::make_unique<Worker>(std::move(sockets), udp_size_max, catalog));
    }
}

UdpServer::~UdpServer() {
    stop();
}

void UdpServer::stop() {
    for (const auto& worker : workers_) worker->ask_to_stop();
    for (const auto& worker : workers_) worker->join();
}

void UdpServer::drain_transfers(const std::function<void(const UdpTransfer&)>& take) {
    for (const auto& worker : workers_) worker->transfers().drain(take);
}

TransfersLeftOut UdpServer::transfers_left_out() const {
    TransfersLeftOut left_out;
    for (const auto& worker : workers_) left_out += worker->transfers().left_out();
    return left_out;
}

QueryTotals UdpServer::totals() const {
    QueryTotals totals;
    for (const auto& worker : workers_) totals.add(worker->counters());
    return totals;
}

}  // namespace dnsd
