#include "heartbeat/io/asio.h"
#include "heartbeat/io/channel.h"
#include "heartbeat/io/clock.h"
#include "heartbeat/io/sockets.h"

#include <array>
#include <map>

namespace heartbeat {

struct ArbiterChannel::Inside : std::enable_shared_from_this<ArbiterChannel::Inside> {
    // Where a server was last heard: the socket, and the addresses of both ends.
    struct Path {
        std::size_t socket = 0;
        Route route;
    };

    Inside(ArbiterSession given, OnHeartbeat callback)
        : session(std::move(given)), on_heartbeat(std::move(callback)) {}

    std::vector<asio::posix::stream_descriptor> sockets;
    ArbiterSession session;
    OnHeartbeat on_heartbeat;
    std::map<ServerId, Path> paths;
    ChannelCounters counters;
    bool closed = false;

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
                case Receipt::failure:  // an error of an earlier datagram: the next may be good
                    ++counters.receive_errors;
                    continue;
                case Receipt::datagram:
                    ++counters.received;
                    take(socket, std::span(buffer).first(size), route);
            }
        }
    }

    void take(std::size_t socket, std::span<const std::byte> datagram, const Route& route) {
        auto opened = session.open(datagram, address_of(route.peer), boot_now(), fresh_nonce());
        if (!opened) return;  // silent on the wire, counted by the session
        if (const auto* answer = std::get_if<ArbiterSession::AnswerNow>(&*opened))
            return put(socket, answer->datagram, route);
        auto& heard = std::get<ArbiterSession::Heard>(*opened);
        paths[heard.from] = Path{socket, route};
        on_heartbeat(heard.from, heard.beat);
    }

    void put(std::size_t socket, std::span<const std::byte> datagram, const Route& route) {
        if (heartbeat::send(sockets[socket].native_handle(), datagram, route))
            ++counters.sent;
        else
            ++counters.send_errors;
    }
};

ArbiterChannel::ArbiterChannel(asio::io_context& loop, const std::vector<Endpoint>& listen,
                               ArbiterSession session, OnHeartbeat on_heartbeat)
    : inside_(std::make_shared<Inside>(std::move(session), std::move(on_heartbeat))) {
    for (const Endpoint& at : listen) inside_->sockets.emplace_back(loop, open_udp(at));
    for (std::size_t i = 0; i < inside_->sockets.size(); ++i) inside_->wait(i);
}

ArbiterChannel::~ArbiterChannel() {
    inside_->closed = true;
    ErrorCode ignored;
    for (auto& socket : inside_->sockets) socket.close(ignored);
}

void ArbiterChannel::send(const ServerId& to, const Reply& reply) {
    const auto path = inside_->paths.find(to);
    const std::vector<std::byte> datagram = inside_->session.seal(to, reply, fresh_nonce());
    if (path == inside_->paths.end() || datagram.empty()) {
        ++inside_->counters.send_errors;
        return;
    }
    inside_->put(path->second.socket, datagram, path->second.route);
}

void ArbiterChannel::drain() {
    const std::shared_ptr<Inside> alive = inside_;  // a callback may end this channel
    for (std::size_t i = 0; i < alive->sockets.size() && !alive->closed; ++i)
        alive->read(i, queue_bound(alive->sockets[i].native_handle()));
}

std::vector<Endpoint> ArbiterChannel::endpoints() const {
    std::vector<Endpoint> bound;
    for (auto& socket : inside_->sockets) bound.push_back(bound_endpoint(socket.native_handle()));
    return bound;
}

ArbiterSession& ArbiterChannel::session() {
    return inside_->session;
}

const ChannelCounters& ArbiterChannel::counters() const {
    return inside_->counters;
}

}  // namespace heartbeat
