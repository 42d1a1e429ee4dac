#pragma once
// Sealed messages over UDP, for both daemons; runs on the io_context of the caller's one thread.

#include "heartbeat/endpoint.h"
#include "heartbeat/session.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace boost::asio {
class io_context;
}

namespace heartbeat {

struct ChannelCounters {
    std::uint64_t received = 0;
    std::uint64_t sent = 0;
    std::uint64_t strangers = 0;  // to an agent, from an address that is no arbiter's
    std::uint64_t receive_errors = 0;
    std::uint64_t send_errors = 0;  // also replies to nobody who is known
};

class ArbiterChannel {
public:
    // Called for each heartbeat that passed every check; may call send() at once.
    using OnHeartbeat = std::function<void(const ServerId& from, const Heartbeat& beat)>;

    // Datagrams read in one go, before timers get their turn.
    static constexpr unsigned batch_max = 64;

    // Binds at once; throws std::runtime_error that names the endpoint. An IPv6 endpoint is IPv6
    // only. Port 0 takes a free one: see endpoints().
    ArbiterChannel(boost::asio::io_context& loop, const std::vector<Endpoint>& listen,
                   ArbiterSession session, OnHeartbeat on_heartbeat);
    ~ArbiterChannel();
    ArbiterChannel(const ArbiterChannel&) = delete;
    ArbiterChannel& operator=(const ArbiterChannel&) = delete;

    // To where that agent was last heard from, from the address that it spoke to.
    void send(const ServerId& to, const Reply& reply);
    // Reads and hands on all that is queued now, at most what the receive buffers can hold: to be
    // called before a timer is judged, or an arbiter that was stopped for a while would take
    // servers for silent whose heartbeats lie in its socket.
    void drain();

    std::vector<Endpoint> endpoints() const;  // as bound
    ArbiterSession& session();
    const ChannelCounters& counters() const;

private:
    struct Inside;
    std::shared_ptr<Inside> inside_;
};

// An arbiter as the agent's configuration names it.
struct ArbiterPeer {
    std::string host;  // a name, resolved again from time to time, or an address
    std::uint16_t port = 5399;
    AgentSession session;
};

class AgentChannel {
public:
    using OnReply = std::function<void(const ServerId& arbiter, const Reply& reply)>;
    // It knows this boot now, or is another boot itself; nothing was sealed for it yet. What waited
    // to be sent is forgotten, as it may speak of the last boot: it is to be said anew.
    using OnIntroduced = std::function<void(const ServerId& arbiter)>;

    static constexpr unsigned batch_max = 64;
    static constexpr std::size_t addresses_per_host_max = 8;
    // So many unanswered datagrams, and the host's next address is tried.
    static constexpr unsigned unanswered_max = 4;
    static constexpr Duration resolve_every = std::chrono::seconds(60);
    static constexpr Duration resolve_again = std::chrono::seconds(5);  // after it failed
    // A heartbeat that waits for its host's address is not sent when it is older than this.
    static constexpr Duration waiting_max = std::chrono::seconds(1);

    // `from`: the local addresses to speak from, at most one a family; none: as the system routes.
    // The arbiter only hears a server from the addresses that it knows of it. Throws
    // std::runtime_error when an address can not be bound.
    AgentChannel(boost::asio::io_context& loop, std::vector<ArbiterPeer> arbiters,
                 const std::vector<Address>& from, OnReply on_reply, OnIntroduced on_introduced);
    ~AgentChannel();
    AgentChannel(const AgentChannel&) = delete;
    AgentChannel& operator=(const AgentChannel&) = delete;

    // To every arbiter; to one that does not know this boot yet a hello goes instead.
    void send(const Heartbeat& beat);
    // As ArbiterChannel::drain.
    void drain();

    const AgentSession& session(std::size_t arbiter) const;
    const ChannelCounters& counters() const;

private:
    struct Inside;
    std::shared_ptr<Inside> inside_;
};

}  // namespace heartbeat
