// A letter's bytes, written.

#include "heartbeat/message_bytes.h"
#include "heartbeat/seal.h"

#include <algorithm>
#include <cassert>
#include <concepts>
#include <limits>
#include <string_view>
#include <utility>

namespace heartbeat {

namespace {

// The largest bodies: the bounds of the lists in message.h keep every letter within a datagram.
constexpr std::size_t name_size = 1 + ServerId::size_max;
constexpr std::size_t names_size = 3 * name_size;
constexpr std::size_t boot_size = 16;
constexpr std::size_t list_size = 1;
constexpr std::size_t set_size = list_size + semi_sync_set_max * name_size;
constexpr std::size_t gtid_size = 1 + GtidPosition::domains_max * 16;
constexpr std::size_t hello_body = names_size + boot_size + 8 + 8;
constexpr std::size_t challenge_body = names_size + boot_size + 8 + boot_size + 16;
constexpr std::size_t heartbeat_body = names_size + boot_size + 8 + boot_size + 16 +  // envelope
                                       8 + 1 + 1 + Heartbeat::why_max + 1 + 3 * 8 + 1 + 4 + 1 +
                                       2 * gtid_size + 1 + 4 + name_size + 2 + 8 + 3 * 8 + 2 + 2;
constexpr std::size_t addresses_size = list_size + addresses_max * 17;
constexpr std::size_t barred_size = list_size + barred_max * (name_size + addresses_size);
constexpr std::size_t state_size = 4 + 2 * 8;  // serial, mark, revision
constexpr std::size_t ack_body =
    names_size + boot_size + 8 + 8 + 2 * 4 + set_size + barred_size + state_size;
constexpr std::size_t deny_body = names_size + boot_size + 8 + 8 + 1 + 1 + name_size +
                                  addresses_size + set_size + state_size + 4 + 1 + name_size + 8;
static_assert(hello_body + seal_overhead <= hello_size);
static_assert(challenge_body + seal_overhead <= hello_size, "a CHALLENGE outgrows its HELLO");
static_assert(heartbeat_body <= letter_size_max);
static_assert(std::max(ack_body, deny_body) + seal_overhead <= heartbeat_size,
              "a reply outgrows its HEARTBEAT");

class Writer {
public:
    template <std::unsigned_integral Number>
    void number(Number value) {
        for (int shift = 8 * (sizeof value - 1); shift >= 0; shift -= 8)
            bytes_.push_back(static_cast<std::byte>(value >> shift));
    }
    template <std::size_t N>
    void array(const std::array<std::uint8_t, N>& bytes) {
        for (const std::uint8_t byte : bytes) number(byte);
    }
    void text(std::string_view text) {
        number(static_cast<std::uint8_t>(text.size()));
        for (const char c : text) number(static_cast<std::uint8_t>(c));
    }
    void name(const ServerId& id) { text(id.text()); }
    void epoch(Epoch epoch) { number(epoch.value); }

    // Whole milliseconds, rounded down: what is told of a lease is never longer than it is.
    void duration(Duration duration) {
        const std::int64_t ms =
            std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
        constexpr std::int64_t most = std::numeric_limits<std::uint32_t>::max();
        number(static_cast<std::uint32_t>(std::clamp<std::int64_t>(ms, 0, most)));
    }
    void address(const Address& address) {
        number(static_cast<std::uint8_t>(address.size()));
        for (std::size_t i = 0; i < address.size(); ++i) number(address.data()[i]);
    }
    void addresses(const std::vector<Address>& addresses) {
        const std::size_t count = std::min(addresses.size(), addresses_max);
        number(static_cast<std::uint8_t>(count));
        for (std::size_t i = 0; i < count; ++i) address(addresses[i]);
    }
    // A server of which an address were left out would still be let in by that one.
    void barred(const std::vector<Barred>& servers) {
        assert(servers.size() <= barred_max);
        number(static_cast<std::uint8_t>(servers.size()));
        for (std::size_t i = 0; i < servers.size(); ++i) {
            assert(i == 0 || servers[i - 1].id < servers[i].id);
            assert(servers[i].addresses.size() <= addresses_max);
            name(servers[i].id);
            addresses(servers[i].addresses);
        }
    }
    void set(const std::vector<ServerId>& names) {
        // Ours to keep: a set that is cut would make servers leave it.
        assert(names.size() <= semi_sync_set_max);
        number(static_cast<std::uint8_t>(names.size()));
        for (const ServerId& each : names) name(each);
    }
    // none_ stands for "not comparable", also for a position that does not fit.
    void position(const std::optional<GtidPosition>& position) {
        if (!position || !position->fits()) return number(no_position);
        number(static_cast<std::uint8_t>(position->entries().size()));
        for (const Gtid& gtid : position->entries()) {
            number(gtid.domain);
            number(gtid.server);
            number(gtid.sequence);
        }
    }

    std::vector<std::byte> take() { return std::move(bytes_); }

private:
    std::vector<std::byte> bytes_;
};

template <typename... Bits>
std::uint8_t bits_of(Bits... bits) {
    std::uint8_t value = 0;
    int shift = 0;
    ((value |= static_cast<std::uint8_t>(bits ? 1U << shift : 0U), ++shift), ...);
    return value;
}

void write(Writer& to, const Hello& hello) {
    to.number(hello.nonce);
}

void write(Writer& to, const Challenge& challenge) {
    to.number(challenge.nonce);
    to.array(challenge.arbiter_boot.bytes);
    to.array(challenge.cookie);
}

void write(Writer& to, const Heartbeat& beat) {
    to.number(beat.request);
    const Health& health = beat.health;
    to.number(bits_of(health.database, health.web, health.page, health.replication, health.guard));
    to.text(presentable(beat.why));
    to.number(static_cast<std::uint8_t>(beat.role));
    to.epoch(beat.held);
    to.epoch(beat.promised);
    to.epoch(beat.seen);
    to.number(static_cast<std::uint8_t>(beat.wants));
    to.duration(beat.lease_left);
    to.number(static_cast<std::uint8_t>(beat.flavour));
    to.position(beat.received);
    to.position(beat.applied);
    to.number(static_cast<std::uint8_t>(beat.errant));
    if (beat.errant == Errant::refused) to.epoch(beat.refused_under);
    to.number(bits_of(beat.lag.has_value(), beat.upstream.has_value(), beat.semi_sync,
                      beat.read_only, beat.drain, beat.may_not_lead));
    if (beat.lag) to.duration(*beat.lag);
    if (beat.upstream) to.name(*beat.upstream);
    to.number(beat.semi_sync_clients);
    to.number(beat.database_start);
    to.number(beat.mark);
    to.number(beat.barred);
    to.number(beat.revision);
    to.number(beat.weight);
    to.number(beat.priority);
}

void write(Writer& to, const Ack& ack) {
    to.number(ack.request);
    to.epoch(ack.epoch);
    to.duration(std::min(ack.lease, lease_max));
    to.duration(std::min(ack.demotion, lease_max));
    to.set(ack.semi_sync_set);
    to.barred(ack.barred);
    to.number(ack.serial);
    to.number(ack.mark);
    to.number(ack.revision);
}

void write(Writer& to, const Deny& deny) {
    to.number(deny.request);
    to.epoch(deny.epoch);
    to.number(static_cast<std::uint8_t>(deny.reason));
    to.number(bits_of(deny.master.has_value()));
    if (deny.master) to.name(*deny.master);
    // Any of its addresses will do for the replica: those over the bound are not told.
    to.addresses(deny.master_addresses);
    to.set(deny.semi_sync_set);
    to.number(deny.serial);
    to.number(deny.mark);
    to.number(deny.revision);
    to.duration(deny.retry_after);
    to.number(static_cast<std::uint8_t>(deny.order.index()));
    if (const auto* prepare = std::get_if<PrepareOrder>(&deny.order)) to.epoch(prepare->epoch);
    if (const auto* yield = std::get_if<YieldOrder>(&deny.order)) {
        to.name(yield->to);
        to.epoch(yield->epoch);
    }
}

}  // namespace

MessageType type_of(const Message& message) {
    constexpr std::array types{MessageType::hello, MessageType::challenge, MessageType::heartbeat,
                               MessageType::ack, MessageType::deny};
    static_assert(types.size() == std::variant_size_v<Message>);
    return types[message.index()];
}

std::vector<std::byte> encode(const Letter& letter) {
    const MessageType type = type_of(letter.message);
    const Envelope& envelope = letter.envelope;
    Writer to;
    to.name(envelope.cluster);
    to.name(envelope.sender);
    to.name(envelope.receiver);
    to.array(envelope.agent_boot.bytes);
    if (from_agent(type)) to.number(envelope.counter);
    if (type == MessageType::heartbeat) {
        to.array(envelope.arbiter_boot.bytes);
        to.array(envelope.cookie);
    }
    std::visit([&](const auto& message) { write(to, message); }, letter.message);
    return to.take();
}

}  // namespace heartbeat
