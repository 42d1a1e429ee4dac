#include "heartbeat/io/asio.h"
#include "heartbeat/io/channel.h"
#include "heartbeat/io/clock.h"
#include "heartbeat/io/sockets.h"

#include <algorithm>
#include <array>

namespace heartbeat {

struct AgentChannel::Inside : std::enable_shared_from_this<AgentChannel::Inside> {
    struct Waiting {
        Heartbeat beat;
        Instant since;
    };
    struct Peer {
        Peer(asio::io_context& loop, ArbiterPeer given)
            : who(std::move(given)), resolver(loop), timer(loop) {}

        ArbiterPeer who;
        std::vector<Endpoint> endpoints;  // what the host has been resolved to
        std::size_t current = 0;
        unsigned unanswered = 0;
        std::optional<Waiting> waiting;  // for the host's address
        asio::ip::udp::resolver resolver;
        asio::steady_timer timer;
    };

    Inside(asio::io_context& given, OnReply replied, OnIntroduced introduced)
        : loop(given), on_reply(std::move(replied)), on_introduced(std::move(introduced)) {}

    asio::io_context& loop;
    OnReply on_reply;
    OnIntroduced on_introduced;
    std::vector<asio::posix::stream_descriptor> sockets;
    std::vector<Peer> peers;
    ChannelCounters counters;
    bool closed = false;

    // ---- Names -------------------------------------------------------------------------------

    // Asio asks the system's resolver on a thread of its own: the loop goes on meanwhile.
    void resolve(std::size_t index) {
        Peer& peer = peers[index];
        if (const auto address = Address::parse(peer.who.host)) {
            peer.endpoints = {Endpoint{*address, peer.who.port}};
            return;
        }
        peer.resolver.async_resolve(
            peer.who.host, std::to_string(peer.who.port), asio::ip::resolver_base::numeric_service,
            [self = shared_from_this(), index](const ErrorCode& error,
                                               asio::ip::udp::resolver::results_type results) {
                if (self->closed) return;
                if (!error) self->resolved(index, results);
                self->resolve_later(index, error ? resolve_again : resolve_every);
            });
    }

    void resolved(std::size_t index, const asio::ip::udp::resolver::results_type& results) {
        Peer& peer = peers[index];
        std::vector<Endpoint> found;
        for (const auto& result : results) {
            const asio::ip::address address = result.endpoint().address();
            const Endpoint endpoint{address.is_v4() ? Address::v4(address.to_v4().to_bytes())
                                                    : Address::v6(address.to_v6().to_bytes()),
                                    peer.who.port};
            if (socket_for(endpoint) == nullptr || found.size() >= addresses_per_host_max) continue;
            if (std::find(found.begin(), found.end(), endpoint) == found.end())
                found.push_back(endpoint);
        }
        if (found.empty()) return;  // what was known may still work
        const bool first = peer.endpoints.empty();
        // The one that works is kept as long as the name has it.
        const auto same = first
                              ? found.end()
                              : std::find(found.begin(), found.end(), peer.endpoints[peer.current]);
        peer.current = same == found.end() ? 0 : static_cast<std::size_t>(same - found.begin());
        peer.endpoints = std::move(found);
        if (first) push(peer);
    }

    void resolve_later(std::size_t index, Duration after) {
        asio::steady_timer& timer = peers[index].timer;
        timer.expires_after(after);
        timer.async_wait([self = shared_from_this(), index](const ErrorCode& error) {
            if (!error && !self->closed) self->resolve(index);
        });
    }

    // ---- Sending -----------------------------------------------------------------------------

    asio::posix::stream_descriptor* socket_for(const Endpoint& to) {
        for (auto& socket : sockets)
            if (bound_endpoint(socket.native_handle()).address.is_v4() == to.address.is_v4())
                return &socket;
        return nullptr;
    }

    // The heartbeat that waits, or a hello first.
    void push(Peer& peer) {
        if (peer.endpoints.empty() || !peer.waiting) return;
        if (boot_now() - peer.waiting->since > waiting_max) return peer.waiting.reset();
        if (!peer.who.session.introduced())
            put(peer, peer.who.session.hello(fresh_nonce()));
        else
            put(peer, peer.who.session.seal(peer.waiting->beat, fresh_nonce()));
    }

    void put(Peer& peer, std::span<const std::byte> datagram) {
        if (++peer.unanswered > unanswered_max && peer.endpoints.size() > 1) {
            peer.current = (peer.current + 1) % peer.endpoints.size();
            peer.unanswered = 1;
        }
        const Endpoint& to = peer.endpoints[peer.current];
        asio::posix::stream_descriptor* socket = socket_for(to);
        if (socket != nullptr && heartbeat::send(socket->native_handle(), datagram, route_to(to)))
            ++counters.sent;
        else
            ++counters.send_errors;
    }

    // ---- Hearing -----------------------------------------------------------------------------

    void wait(std::size_t socket) {
        sockets[socket].async_wait(asio::posix::stream_descriptor::wait_read,
                                   [self = shared_from_this(), socket](const ErrorCode& error) {
                                       if (error || self->closed) return;
                                       self->read(socket, batch_max);
                                       if (!self->closed) self->wait(socket);
                                   });
    }

    void read(std::size_t socket, unsigned most) {
        const int fd = sockets[socket].native_handle();
        for (unsigned count = 0; count < most && !closed; ++count) {
            std::array<std::byte, datagram_max + 1> buffer;
            std::size_t size = 0;
            Route route;
            switch (receive(fd, buffer, size, route)) {
                case Receipt::nothing:
                    return;
                case Receipt::failure:
                    ++counters.receive_errors;
                    continue;
                case Receipt::datagram:
                    ++counters.received;
                    take(std::span(buffer).first(size), endpoint_of(route.peer));
            }
        }
    }

    void take(std::span<const std::byte> datagram, const Endpoint& source) {
        bool known = false;
        for (Peer& peer : peers) {
            if (std::find(peer.endpoints.begin(), peer.endpoints.end(), source) ==
                peer.endpoints.end())
                continue;
            known = true;
            const auto opened = peer.who.session.open(datagram, boot_now());
            if (!opened) continue;  // silent, counted by the session
            peer.unanswered = 0;
            if (const auto* reply = std::get_if<Reply>(&*opened)) {
                peer.waiting.reset();
                return on_reply(peer.who.session.arbiter(), *reply);
            }
            peer.waiting.reset();
            return on_introduced(peer.who.session.arbiter());
        }
        if (!known) ++counters.strangers;
    }
};

AgentChannel::AgentChannel(asio::io_context& loop, std::vector<ArbiterPeer> arbiters,
                           const std::vector<Address>& from, OnReply on_reply,
                           OnIntroduced on_introduced)
    : inside_(std::make_shared<Inside>(loop, std::move(on_reply), std::move(on_introduced))) {
    for (const Address& address : from)
        inside_->sockets.emplace_back(loop, open_udp(Endpoint{address, 0}));
    if (from.empty()) {
        inside_->sockets.emplace_back(loop, open_udp(Endpoint{Address::v4({}), 0}));
        try {
            inside_->sockets.emplace_back(loop, open_udp(Endpoint{Address::v6({}), 0}));
        } catch (const std::runtime_error&) {
            // A machine without IPv6: its arbiters are reached by IPv4 then.
        }
    }
    for (ArbiterPeer& arbiter : arbiters) inside_->peers.emplace_back(loop, std::move(arbiter));
    for (std::size_t i = 0; i < inside_->peers.size(); ++i) inside_->resolve(i);
    for (std::size_t i = 0; i < inside_->sockets.size(); ++i) inside_->wait(i);
}

AgentChannel::~AgentChannel() {
    inside_->closed = true;
    ErrorCode ignored;
    for (auto& socket : inside_->sockets) socket.close(ignored);
    for (auto& peer : inside_->peers) {
        peer.resolver.cancel();
        peer.timer.cancel(ignored);
    }
}

void AgentChannel::send(const Heartbeat& beat) {
    for (Inside::Peer& peer : inside_->peers) {
        peer.waiting = Inside::Waiting{beat, boot_now()};
        inside_->push(peer);
    }
}

void AgentChannel::drain() {
    const std::shared_ptr<Inside> alive = inside_;
    for (std::size_t i = 0; i < alive->sockets.size() && !alive->closed; ++i)
        alive->read(i, queue_bound(alive->sockets[i].native_handle()));
}

const AgentSession& AgentChannel::session(std::size_t arbiter) const {
    return inside_->peers.at(arbiter).who.session;
}

const ChannelCounters& AgentChannel::counters() const {
    return inside_->counters;
}

}  // namespace heartbeat
