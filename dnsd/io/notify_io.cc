#include "dnsd/io/notify_io.h"

#include "dnsd/io/sockets.h"
#include "dnsd/io/wall_clock.h"
#include "heartbeat/io/asio.h"
#include "heartbeat/io/clock.h"
#include "heartbeat/io/timer.h"
#include "zones/notify.h"
#include "zones/soa_query.h"
#include "zones/tsig.h"

#include <array>
#include <map>
#include <optional>
#include <stdexcept>
#include <tuple>

namespace dnsd {
namespace {

namespace asio = boost::asio;
using asio::ip::udp;

std::uint64_t random_seed() {
    std::array<std::uint8_t, 8> bytes{};
    heartbeat::random_bytes(bytes);
    std::uint64_t seed = 0;
    for (const std::uint8_t byte : bytes) seed = seed << 8 | byte;
    return seed;
}

// Where to speak from to this family: the address of the first listener, or any.
Endpoint source_for(bool v4, const std::vector<Endpoint>& listen) {
    for (const Endpoint& endpoint : listen)
        if (endpoint.address.is_v4() == v4) return {endpoint.address, 0};
    return {v4 ? heartbeat::Address::v4({}) : heartbeat::Address::v6({}), 0};
}

}  // namespace

struct NotifyIo::Inside : std::enable_shared_from_this<NotifyIo::Inside> {
    enum class About : std::uint8_t { notify, serial };

    Inside(asio::io_context& loop_used, const std::vector<Endpoint>& listen_on,
           std::vector<Notifier::Target> targets, Hands hands_used)
        : loop(loop_used),
          listen(listen_on),
          hands(std::move(hands_used)),
          notifier(std::move(targets), random_seed()),
          timer(loop_used) {}

    void step(const Notifier::Event& event) {
        if (std::holds_alternative<Notifier::TargetsChanged>(event)) outstanding.clear();
        const auto now = heartbeat::boot_now();
        for (const Notifier::Effect& effect : notifier.step(event, now))
            std::visit([this](const auto& e) { carry_out(e); }, effect);
        timer.set(notifier.wakes_at(), [this] { step(Notifier::ClockTicked{}); });
    }

    void carry_out(const Notifier::SendNotify& e) {
        const auto zone = hands.served(e.target.zone);
        if (!zone) return;  // removed since
        const auto soa = zone->rrset(zone->origin(), zones::Type::soa);
        if (soa)
            send(e.target, About::notify, e.id,
                 zones::make_notify(e.target.zone, e.serial, *soa, e.id));
    }
    void carry_out(const Notifier::AskSerial& e) {
        send(e.target, About::serial, e.id,
             zones::make_query(e.target.zone, zones::Type::soa, e.id));
    }
    void carry_out(const Notifier::Note& e) { hands.note(e); }

    // Signed by the target's key, if it has one; the MAC is kept for the answer.
    bool sign(const Notifier::Target& target, About about, std::uint16_t id,
              std::vector<std::byte>& message) {
        if (!target.key) return true;
        const zones::TsigKey* key = hands.key(*target.key);
        if (key == nullptr) return false;
        std::vector<std::byte> mac;
        message = zones::tsig_sign(message, *key, wall_seconds(), &mac);
        Outstanding& sent = outstanding[{{target.address, target.port}, target.zone, about}];
        if (sent.id != id) sent.macs.clear();
        sent.id = id;
        sent.key = *target.key;
        sent.macs.push_back(std::move(mac));
        if (sent.macs.size() > macs_max) sent.macs.erase(sent.macs.begin());
        return true;
    }

    void send(const Notifier::Target& target, About about, std::uint16_t id,
              std::vector<std::byte> message) {
        udp::socket* socket = socket_for(target.address.is_v4());
        if (socket == nullptr || !sign(target, about, id, message)) {
            ++totals.failed;
            return;
        }
        const SocketAddress to = to_socket({target.address, target.port});
        const ssize_t sent = ::sendto(socket->native_handle(), message.data(), message.size(),
                                      MSG_NOSIGNAL, to.get(), to.size);
        ++(sent == static_cast<ssize_t>(message.size()) ? totals.sent : totals.failed);
    }

    // Opened when first needed; tried again with the next message when it cannot be.
    udp::socket* socket_for(bool v4) {
        auto& socket = v4 ? socket_v4 : socket_v6;
        if (socket) return &*socket;
        auto fd = open_notify_udp(source_for(v4, listen));
        if (!fd) return nullptr;
        socket.emplace(loop, v4 ? udp::v4() : udp::v6(), fd->release());
        wait(*socket);
        return &*socket;
    }

    void wait(udp::socket& socket) {
        socket.async_wait(udp::socket::wait_read, [self = shared_from_this(), &socket](
                                                      const boost::system::error_code& error) {
            if (error) return;
            self->read_all(socket);
            self->wait(socket);
        });
    }

    void read_all(udp::socket& socket) {
        std::array<std::byte, 4096> buffer;
        for (unsigned i = 0; i < batch_max; ++i) {
            SocketAddress from;
            from.size = sizeof from.storage;
            const ssize_t got = ::recvfrom(socket.native_handle(), buffer.data(), buffer.size(),
                                           MSG_DONTWAIT, from.get(), &from.size);
            // An error here is news of a datagram sent before (nobody listens there); it is
            // cleared.
            if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
            if (got >= 0)
                hear(to_endpoint(from.storage),
                     std::span(buffer).first(static_cast<std::size_t>(got)));
        }
    }

    void hear(const Endpoint& from, std::span<const std::byte> message) {
        ++totals.heard;
        if (const auto answer = zones::read_notify_answer(message)) {
            const Judged judged = judge(from, About::notify, answer->zone, answer->id, message);
            if (judged.counts)
                step(Notifier::AnswerHeard{from.address, from.port, answer->id, answer->zone,
                                           answer->rcode, judged.signer});
            return;
        }
        const auto answer = zones::read_answer(message);
        if (!answer || !answer->question) return;
        const Judged judged = judge(from, About::serial, *answer->question, answer->id, message);
        if (!judged.counts) return;
        if (const auto serial = answer->serial())
            step(Notifier::SerialHeard{from.address, from.port, answer->id, *answer->question,
                                       *serial, judged.signer});
    }

    struct Judged {
        bool counts = true;
        std::optional<zones::Name> signer = {};
    };
    // RFC 8945 §5.3: what is not signed as we have signed is as if it had not come.
    Judged judge(const Endpoint& from, About about, const zones::Name& zone, std::uint16_t id,
                 std::span<const std::byte> message) {
        const auto found = outstanding.find({{from.address, from.port}, zone, about});
        if (found == outstanding.end() || found->second.id != id) return {};
        const zones::TsigKey* key = hands.key(found->second.key);
        if (key == nullptr) return {false};
        auto wrong = zones::TsigError::bad_sig;
        for (const auto& mac : found->second.macs) {
            const auto verified = zones::tsig_verify_answer(message, *key, mac, wall_seconds());
            if (verified) return {true, key->name};
            wrong = verified.error();
        }
        step(
            Notifier::FalseAnswerHeard{from.address, from.port, zone,
                                       "is not to be trusted: " + std::string(zones::text(wrong))});
        return {false};
    }

    struct Outstanding {
        std::uint16_t id = 0;
        zones::Name key;
        std::vector<std::vector<std::byte>> macs;
    };

    asio::io_context& loop;
    std::vector<Endpoint> listen;
    Hands hands;
    // Of signed targets, hence bounded by them: what was sent and not yet replaced.
    std::map<std::tuple<Notifier::Place, zones::Name, About>, Outstanding> outstanding;
    Notifier notifier;
    NotifyTotals totals;
    std::optional<udp::socket> socket_v4, socket_v6;
    heartbeat::BootTimer timer;
};

NotifyIo::NotifyIo(boost::asio::io_context& loop, const std::vector<Endpoint>& listen,
                   std::vector<Notifier::Target> targets, Hands hands)
    : inside_(std::make_shared<Inside>(loop, listen, std::move(targets), std::move(hands))) {}

NotifyIo::~NotifyIo() {
    boost::system::error_code ignored;
    if (inside_->socket_v4) inside_->socket_v4->close(ignored);
    if (inside_->socket_v6) inside_->socket_v6->close(ignored);
    inside_->timer.cancel();
}

void NotifyIo::step(const Notifier::Event& event) {
    inside_->step(event);
}
std::vector<SecondaryStatus> NotifyIo::status() const {
    return inside_->notifier.status(heartbeat::boot_now());
}
const Notifier& NotifyIo::machine() const {
    return inside_->notifier;
}
const NotifyTotals& NotifyIo::totals() const {
    return inside_->totals;
}

}  // namespace dnsd
