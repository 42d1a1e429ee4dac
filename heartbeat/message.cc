#include "heartbeat/message.h"

#include "heartbeat/seal.h"

#include <algorithm>
#include <cassert>
#include <concepts>
#include <limits>
#include <string_view>
#include <utility>

namespace heartbeat {

namespace {

// PROTOCOL.md, "Time": a lease is at most 60 s.
constexpr Duration lease_max = std::chrono::seconds(60);

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

// ---- Writing -----------------------------------------------------------------------------------

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

    static constexpr std::uint8_t no_position = 0xff;

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

// The words of a database or a web server end up here: cut and made printable, never refused.
std::string presentable(std::string_view why) {
    std::string text(why.substr(0, Heartbeat::why_max));
    for (char& c : text)
        if (c < 0x20 || c > 0x7e) c = '?';
    return text;
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

// ---- Reading -----------------------------------------------------------------------------------

// Reads on after a mistake, giving zeros; the first mistake is what decode() returns.
class Reader {
public:
    explicit Reader(std::span<const std::byte> bytes) : rest_(bytes) {}

    std::optional<Malformed> mistake() const {
        if (!mistake_ && !rest_.empty()) return Malformed::trailing_bytes;
        return mistake_;
    }
    void fail(Malformed why) {
        if (!mistake_) mistake_ = why;
    }

    template <std::unsigned_integral Number>
    Number number() {
        if (rest_.size() < sizeof(Number) || mistake_) {
            fail(Malformed::truncated);
            return 0;
        }
        Number value = 0;
        for (std::size_t i = 0; i < sizeof(Number); ++i)
            value = static_cast<Number>((value << (sizeof(Number) > 1 ? 8 : 0)) |
                                        std::to_integer<Number>(rest_[i]));
        rest_ = rest_.subspan(sizeof(Number));
        return value;
    }
    template <std::size_t N>
    std::array<std::uint8_t, N> array() {
        std::array<std::uint8_t, N> bytes{};
        for (std::uint8_t& byte : bytes) byte = number<std::uint8_t>();
        return bytes;
    }
    std::string text(std::size_t size_max) {
        const std::size_t size = number<std::uint8_t>();
        if (size > size_max) fail(Malformed::too_many);
        if (size > rest_.size()) fail(Malformed::truncated);
        if (mistake_) return {};
        std::string text(reinterpret_cast<const char*>(rest_.data()), size);
        rest_ = rest_.subspan(size);
        return text;
    }
    std::optional<ServerId> name() {
        const std::optional<ServerId> id = ServerId::parse(text(ServerId::size_max));
        if (!id) fail(Malformed::bad_name);
        return id;
    }
    // At most `last`, and never 0 where 0 is no value.
    template <typename Enum>
    Enum one_of(Enum first, Enum last) {
        const auto value = number<std::uint8_t>();
        if (value < static_cast<std::uint8_t>(first) || value > static_cast<std::uint8_t>(last)) {
            fail(Malformed::bad_value);
            return first;
        }
        return static_cast<Enum>(value);
    }
    std::uint8_t bits(int count) {
        const auto value = number<std::uint8_t>();
        if (value >> count != 0) fail(Malformed::bad_value);
        return value;
    }
    Epoch epoch() { return Epoch{number<std::uint64_t>()}; }
    Duration duration() { return std::chrono::milliseconds(number<std::uint32_t>()); }
    BootId boot() { return BootId{array<16>()}; }

    std::vector<ServerId> set() {
        const std::size_t count = number<std::uint8_t>();
        if (count > semi_sync_set_max) fail(Malformed::too_many);
        std::vector<ServerId> names;
        for (std::size_t i = 0; i < count && !mistake_; ++i)
            if (const auto id = name()) names.push_back(*id);
        return names;
    }
    std::vector<Address> addresses() {
        const std::size_t count = number<std::uint8_t>();
        if (count > addresses_max) fail(Malformed::too_many);
        std::vector<Address> addresses;
        for (std::size_t i = 0; i < count && !mistake_; ++i) {
            const auto size = number<std::uint8_t>();
            if (size == 4)
                addresses.push_back(Address::v4(array<4>()));
            else if (size == 16)
                addresses.push_back(Address::v6(array<16>()));
            else
                fail(Malformed::bad_value);
        }
        return addresses;
    }
    std::vector<Barred> barred() {
        const std::size_t count = number<std::uint8_t>();
        if (count > barred_max) fail(Malformed::too_many);
        std::vector<Barred> servers;
        for (std::size_t i = 0; i < count && !mistake_; ++i) {
            const std::optional<ServerId> id = name();
            std::vector<Address> from = addresses();
            if (!id) break;
            // In order, or two encodings would mean the same.
            if (!servers.empty() && *id <= servers.back().id) fail(Malformed::bad_value);
            servers.push_back({*id, std::move(from)});
        }
        return servers;
    }
    std::optional<GtidPosition> position() {
        const auto count = number<std::uint8_t>();
        if (count == Writer::no_position) return std::nullopt;
        if (count > GtidPosition::domains_max) fail(Malformed::too_many);
        std::vector<Gtid> entries;
        for (std::size_t i = 0; i < count && !mistake_; ++i) {
            Gtid gtid;
            gtid.domain = number<std::uint32_t>();
            gtid.server = number<std::uint32_t>();
            gtid.sequence = number<std::uint64_t>();
            // In order, or two encodings would mean the same.
            if (!entries.empty() && gtid.domain <= entries.back().domain)
                fail(Malformed::bad_value);
            entries.push_back(gtid);
        }
        if (mistake_) return std::nullopt;
        return GtidPosition::of(std::move(entries));
    }

private:
    std::span<const std::byte> rest_;
    std::optional<Malformed> mistake_;
};

bool bit(std::uint8_t bits, int which) {
    return (bits >> which & 1) != 0;
}

Hello read_hello(Reader& from) {
    return Hello{from.number<std::uint64_t>()};
}

Challenge read_challenge(Reader& from) {
    Challenge challenge;
    challenge.nonce = from.number<std::uint64_t>();
    challenge.arbiter_boot = from.boot();
    challenge.cookie = from.array<16>();
    return challenge;
}

Heartbeat read_heartbeat(Reader& from) {
    Heartbeat beat;
    beat.request = from.number<std::uint64_t>();
    const std::uint8_t health = from.bits(5);
    beat.health = {.database = bit(health, 0),
                   .web = bit(health, 1),
                   .page = bit(health, 2),
                   .replication = bit(health, 3),
                   .guard = bit(health, 4)};
    beat.why = from.text(Heartbeat::why_max);
    if (beat.why != presentable(beat.why)) from.fail(Malformed::bad_value);
    beat.role = from.one_of(Role::unknown, Role::fenced);
    beat.held = from.epoch();
    beat.promised = from.epoch();
    beat.seen = from.epoch();
    beat.wants = from.one_of(Wish::nothing, Wish::release);
    beat.lease_left = from.duration();
    beat.flavour = from.one_of(GtidFlavour::none, GtidFlavour::mysql);
    beat.received = from.position();
    beat.applied = from.position();
    beat.errant = from.one_of(Errant::no, Errant::wrote);
    if (beat.errant == Errant::refused) beat.refused_under = from.epoch();
    const std::uint8_t bits = from.bits(6);
    if (bit(bits, 0)) beat.lag = from.duration();
    if (bit(bits, 1)) beat.upstream = from.name();
    beat.semi_sync = bit(bits, 2);
    beat.read_only = bit(bits, 3);
    beat.drain = bit(bits, 4);
    beat.may_not_lead = bit(bits, 5);
    beat.semi_sync_clients = from.number<std::uint16_t>();
    beat.database_start = from.number<std::uint64_t>();
    beat.mark = from.number<std::uint64_t>();
    beat.barred = from.number<std::uint64_t>();
    beat.revision = from.number<std::uint64_t>();
    beat.weight = from.number<std::uint16_t>();
    beat.priority = from.number<std::uint16_t>();
    return beat;
}

Ack read_ack(Reader& from) {
    Ack ack;
    ack.request = from.number<std::uint64_t>();
    ack.epoch = from.epoch();
    ack.lease = from.duration();
    ack.demotion = from.duration();
    if (std::max(ack.lease, ack.demotion) > lease_max) from.fail(Malformed::bad_value);
    ack.semi_sync_set = from.set();
    ack.barred = from.barred();
    ack.serial = from.number<std::uint32_t>();
    ack.mark = from.number<std::uint64_t>();
    ack.revision = from.number<std::uint64_t>();
    return ack;
}

Order read_order(Reader& from) {
    switch (from.number<std::uint8_t>()) {
        case 0:
            return NoOrder{};
        case 1:
            return FollowOrder{};
        case 2:
            return PrepareOrder{from.epoch()};
        case 3: {
            const std::optional<ServerId> to = from.name();
            const Epoch epoch = from.epoch();
            if (!to) return NoOrder{};
            return YieldOrder{*to, epoch};
        }
        case 4:
            return WaitOrder{};
    }
    from.fail(Malformed::bad_value);
    return NoOrder{};
}

Deny read_deny(Reader& from) {
    Deny deny;
    deny.request = from.number<std::uint64_t>();
    deny.epoch = from.epoch();
    deny.reason = from.one_of(DenyReason::other_holds, DenyReason::gated);
    if (bit(from.bits(1), 0)) deny.master = from.name();
    deny.master_addresses = from.addresses();
    deny.semi_sync_set = from.set();
    deny.serial = from.number<std::uint32_t>();
    deny.mark = from.number<std::uint64_t>();
    deny.revision = from.number<std::uint64_t>();
    deny.retry_after = from.duration();
    deny.order = read_order(from);
    return deny;
}

std::optional<Message> read_message(MessageType type, Reader& from) {
    switch (type) {
        case MessageType::hello:
            return read_hello(from);
        case MessageType::challenge:
            return read_challenge(from);
        case MessageType::heartbeat:
            return read_heartbeat(from);
        case MessageType::ack:
            return read_ack(from);
        case MessageType::deny:
            return read_deny(from);
    }
    return std::nullopt;
}

// Which way a type goes decides what its envelope carries: a field that would mean nothing is not
// there, so that one letter has one encoding.
bool from_agent(MessageType type) {
    return type == MessageType::hello || type == MessageType::heartbeat;
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

tl::expected<Letter, Malformed> decode(MessageType type, std::span<const std::byte> body) {
    Reader from(body);
    const std::optional<ServerId> cluster = from.name();
    const std::optional<ServerId> sender = from.name();
    const std::optional<ServerId> receiver = from.name();
    if (!cluster || !sender || !receiver)
        return tl::unexpected(from.mistake().value_or(Malformed::bad_name));
    Envelope envelope{*cluster, *sender, *receiver, from.boot(), 0, {}, {}};
    if (from_agent(type)) envelope.counter = from.number<std::uint64_t>();
    if (type == MessageType::heartbeat) {
        envelope.arbiter_boot = from.boot();
        envelope.cookie = from.array<16>();
    }
    std::optional<Message> message = read_message(type, from);
    if (!message) return tl::unexpected(Malformed::bad_value);
    if (const auto mistake = from.mistake()) return tl::unexpected(*mistake);
    return Letter{std::move(envelope), std::move(*message)};
}

}  // namespace heartbeat
