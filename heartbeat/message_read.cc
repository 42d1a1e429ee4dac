// A letter's bytes, read: whatever they are, and nothing twice.

#include "heartbeat/message_bytes.h"

#include <concepts>
#include <utility>

namespace heartbeat {

namespace {

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
        if (count == no_position) return std::nullopt;
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

}  // namespace

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
