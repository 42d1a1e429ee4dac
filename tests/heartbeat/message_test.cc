#include "heartbeat/message.h"

#include "heartbeat/seal.h"
#include "tests/heartbeat/largest.h"

#include <random>

#include <doctest/doctest.h>

using namespace heartbeat;
using namespace heartbeat::test;

namespace {

Envelope to_arbiter() {
    return {id("wiki"), id("wiki1"), id("ns0"), boot(1), 77, {}, {}};
}
Envelope to_agent() {
    return {id("wiki"), id("ns0"), id("wiki1"), boot(1), 0, {}, {}};
}
Envelope longest() {
    return {id(longest_name), id(longest_name), id(longest_name), boot(255), ~0ULL, {}, {}};
}

std::vector<Letter> samples() {
    Envelope beating = to_arbiter();
    beating.arbiter_boot = boot(9);
    beating.cookie.fill(0xc0);
    std::vector<Letter> letters{
        {to_arbiter(), Hello{0xfeedfacecafebeef}},
        {to_agent(), Challenge{7, boot(3), Cookie{1, 2, 3}}},
        {beating, Heartbeat{}},
        {beating, full_heartbeat()},
        {to_agent(), ack(3)},
        {to_agent(), full_ack()},
        {to_agent(), full_deny()},
    };
    for (const Order& order : {Order{NoOrder{}}, Order{FollowOrder{}},
                               Order{PrepareOrder{Epoch{8}}}, Order{WaitOrder{}}}) {
        Deny deny;
        deny.order = order;
        letters.push_back({to_agent(), deny});
    }
    return letters;
}

bool same(const Envelope& a, const Envelope& b) {
    return a.cluster == b.cluster && a.sender == b.sender && a.receiver == b.receiver &&
           a.agent_boot == b.agent_boot && a.counter == b.counter &&
           a.arbiter_boot == b.arbiter_boot && a.cookie == b.cookie;
}

Heartbeat through_the_wire(const Heartbeat& beat) {
    const auto letter = decode(MessageType::heartbeat, encode({to_arbiter(), beat}));
    REQUIRE(letter);
    return std::get<Heartbeat>(letter->message);
}

}  // namespace

TEST_CASE("every message comes out as it went in") {
    for (const Letter& letter : samples()) {
        CAPTURE(letter.message.index());
        const auto decoded = decode(type_of(letter.message), encode(letter));
        REQUIRE(decoded);
        CHECK(same(decoded->envelope, letter.envelope));
        CHECK((decoded->message == letter.message));
    }
}

TEST_CASE("a letter that is cut anywhere is refused") {
    for (const Letter& letter : samples()) {
        const auto bytes = encode(letter);
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            CAPTURE(size);
            CHECK_FALSE(decode(type_of(letter.message), std::span(bytes).first(size)));
        }
    }
}

TEST_CASE("a letter with a byte more is refused") {
    for (const Letter& letter : samples()) {
        auto bytes = encode(letter);
        bytes.push_back(std::byte{0});
        const auto decoded = decode(type_of(letter.message), bytes);
        REQUIRE_FALSE(decoded);
        CHECK(decoded.error() == Malformed::trailing_bytes);
    }
}

TEST_CASE("any bytes are refused or have one encoding: their own") {
    std::mt19937_64 random(20261122);
    std::size_t accepted = 0;
    const auto letters = samples();
    for (int round = 0; round < 40000; ++round) {
        const Letter& letter = letters[random() % letters.size()];
        auto bytes = encode(letter);
        for (std::uint64_t flips = random() % 3; flips-- > 0;)
            bytes[random() % bytes.size()] = static_cast<std::byte>(random());
        if (random() % 8 == 0) bytes.resize(random() % 1200);
        const auto type =
            random() % 8 == 0 ? static_cast<MessageType>(random() % 7) : type_of(letter.message);
        const auto decoded = decode(type, bytes);
        if (!decoded) continue;
        ++accepted;
        REQUIRE(type_of(decoded->message) == type);
        REQUIRE(encode(*decoded) == bytes);
    }
    CHECK(accepted > 10000);
}

TEST_CASE("values that mean nothing are refused") {
    const Letter letter{to_arbiter(), Heartbeat{}};
    const auto good = encode(letter);
    // cluster, sender and receiver are 5, 6 and 4 bytes with their lengths; then boot, counter,
    // arbiter boot and cookie.
    constexpr std::size_t names = 5 + 6 + 4;
    constexpr std::size_t health = names + 16 + 8 + 16 + 16 + 8;
    constexpr std::size_t role = health + 2;
    constexpr std::size_t wish = role + 1 + 3 * 8;
    constexpr std::size_t flavour = wish + 1 + 4;
    constexpr std::size_t received = flavour + 1;
    constexpr std::size_t errant = received + 2;
    constexpr std::size_t bits = errant + 1;
    const auto with = [&](std::size_t where, int value) {
        auto bytes = good;
        bytes[where] = static_cast<std::byte>(value);
        const auto decoded = decode(MessageType::heartbeat, bytes);
        return decoded ? std::optional<Malformed>() : decoded.error();
    };
    CHECK(with(role, 2) == std::nullopt);  // the offsets are right
    CHECK(with(flavour, 2) == std::nullopt);
    CHECK(with(received, 0) == std::nullopt);
    CHECK(with(0, 33) == Malformed::too_many);
    CHECK(with(1, 'A') == Malformed::bad_name);
    CHECK(with(1, '-') == Malformed::bad_name);
    CHECK(with(health, 0x20) == Malformed::bad_value);
    CHECK(with(role, 4) == Malformed::bad_value);
    CHECK(with(wish, 3) == Malformed::bad_value);
    CHECK(with(flavour, 3) == Malformed::bad_value);
    CHECK(with(received, GtidPosition::domains_max + 1) == Malformed::too_many);
    CHECK(with(errant, 2) == std::nullopt);
    CHECK(with(errant, 1) == Malformed::truncated);  // under whom is missing
    CHECK(with(errant, 3) == Malformed::bad_value);
    CHECK(with(bits, 0x40) == Malformed::bad_value);
    CHECK(with(health + 1, Heartbeat::why_max + 1) == Malformed::too_many);
}

TEST_CASE("a position out of order is refused, so that it has one encoding") {
    Heartbeat beat;
    beat.received = GtidPosition::parse("5-1-1,6-1-1");
    auto bytes = encode({to_arbiter(), beat});
    const auto at5 = std::find(bytes.begin() + 100, bytes.end(), std::byte{5});
    REQUIRE(at5 != bytes.end());
    for (const int domain : {6, 7}) {
        *at5 = static_cast<std::byte>(domain);
        const auto decoded = decode(MessageType::heartbeat, bytes);
        REQUIRE_FALSE(decoded);
        CHECK(decoded.error() == Malformed::bad_value);
    }
}

TEST_CASE("an acknowledged lease is at most a minute, and so is its demotion, in and out") {
    Ack minute;
    minute.lease = std::chrono::minutes(5);
    minute.demotion = std::chrono::minutes(6);
    const auto bytes = encode({to_agent(), minute});
    const auto decoded = decode(MessageType::ack, bytes);
    REQUIRE(decoded);
    CHECK((std::get<Ack>(decoded->message).lease == std::chrono::seconds(60)));
    CHECK((std::get<Ack>(decoded->message).demotion == std::chrono::seconds(60)));
    // From its end: revision, mark, serial, barred, S, demotion; the lease is the number before.
    const std::size_t demotion_ends = bytes.size() - 8 - 8 - 4 - 1 - 1;
    for (const std::size_t ends : {demotion_ends, demotion_ends - 4}) {
        auto longer = encode({to_agent(), minute});
        longer[ends - 1] ^= std::byte{1};  // 60000 ms is even: one more
        const auto refused = decode(MessageType::ack, longer);
        REQUIRE_FALSE(refused);
        CHECK(refused.error() == Malformed::bad_value);
    }
}

TEST_CASE("a lease is told in whole milliseconds and never longer than it is") {
    Ack ack;
    ack.lease = std::chrono::microseconds(5999999);
    const auto decoded = decode(MessageType::ack, encode({to_agent(), ack}));
    REQUIRE(decoded);
    CHECK((std::get<Ack>(decoded->message).lease == std::chrono::milliseconds(5999)));
}

TEST_CASE("times below zero or beyond the wire are told as its ends") {
    Heartbeat beat;
    beat.lease_left = std::chrono::milliseconds(-5);
    beat.lag = std::chrono::hours(24 * 365);
    const Heartbeat heard = through_the_wire(beat);
    CHECK((heard.lease_left == Duration(0)));
    CHECK((heard.lag == std::chrono::milliseconds(0xffffffff)));
}

TEST_CASE("a position of too many domains is not comparable") {
    Heartbeat beat;
    beat.received = full_position(GtidPosition::domains_max + 1);
    beat.applied = full_position(GtidPosition::domains_max);
    const Heartbeat heard = through_the_wire(beat);
    CHECK_FALSE(heard.received);
    CHECK((heard.applied == beat.applied));
}

TEST_CASE("the words of a server that is not well are cut and made printable") {
    Heartbeat beat;
    beat.why = "page: \x1b[31m\n\xc3\xa4" + std::string(100, 'x');
    const std::string why = through_the_wire(beat).why;
    CHECK(why.size() == Heartbeat::why_max);
    CHECK(why.substr(0, 17) == "page: ?[31m???xxx");
}

TEST_CASE("addresses over the bound are not told, the first ones are") {
    Deny deny;
    for (int i = 0; i < 12; ++i)
        deny.master_addresses.push_back(Address::v4({192, 0, 2, static_cast<std::uint8_t>(i)}));
    const auto decoded = decode(MessageType::deny, encode({to_agent(), deny}));
    REQUIRE(decoded);
    const auto& told = std::get<Deny>(decoded->message).master_addresses;
    CHECK(told.size() == addresses_max);
    CHECK((told.back() == address("192.0.2.7")));
}

TEST_CASE("lists over their bounds are refused") {
    Deny deny;
    auto bytes = encode({to_agent(), deny});
    const std::size_t addresses = 5 + 4 + 6 + 16 + 8 + 8 + 1 + 1;
    REQUIRE(bytes[addresses] == std::byte{0});
    bytes[addresses] = static_cast<std::byte>(addresses_max + 1);
    auto decoded = decode(MessageType::deny, bytes);
    REQUIRE_FALSE(decoded);
    CHECK(decoded.error() == Malformed::too_many);
    bytes[addresses] = std::byte{0};
    bytes[addresses + 1] = static_cast<std::byte>(semi_sync_set_max + 1);
    decoded = decode(MessageType::deny, bytes);
    REQUIRE_FALSE(decoded);
    CHECK(decoded.error() == Malformed::too_many);
}

TEST_CASE("who is barred is told in order and once, so that it has one encoding") {
    Ack ack;
    ack.barred = {{id("wiki2"), {address("192.0.2.12")}}, {id("wiki3"), {address("192.0.2.13")}}};
    auto bytes = encode({to_agent(), ack});
    const auto name = [&](char last) {
        const std::string text = std::string("wiki") + last;
        return std::search(bytes.begin(), bytes.end(), text.begin(), text.end(),
                           [](std::byte a, char b) { return a == static_cast<std::byte>(b); });
    };
    const auto last_of = [&](char which) { return name(which) + 4; };
    REQUIRE(name('3') != bytes.end());
    for (const char out_of_order : {'1', '2'}) {
        auto swapped = bytes;
        swapped[static_cast<std::size_t>(last_of('3') - bytes.begin())] =
            static_cast<std::byte>(out_of_order);
        const auto decoded = decode(MessageType::ack, swapped);
        REQUIRE_FALSE(decoded);
        CHECK(decoded.error() == Malformed::bad_value);
    }
    // The count of the barred stands before the length of the first's name.
    auto many = bytes;
    many[static_cast<std::size_t>(name('2') - bytes.begin()) - 2] =
        static_cast<std::byte>(barred_max + 1);
    const auto decoded = decode(MessageType::ack, many);
    REQUIRE_FALSE(decoded);
    CHECK(decoded.error() == Malformed::too_many);
}

TEST_CASE("every reason of a denial comes through, and none that is not one") {
    Deny deny;
    const std::size_t reason = 5 + 4 + 6 + 16 + 8 + 8;
    for (int value = 0; value < 256; ++value) {
        auto bytes = encode({to_agent(), deny});
        REQUIRE(bytes[reason] == std::byte{1});
        bytes[reason] = static_cast<std::byte>(value);
        CAPTURE(value);
        CHECK(decode(MessageType::deny, bytes).has_value() == (value >= 1 && value <= 13));
    }
}

TEST_CASE("the largest letters fit, and no reply is larger than its request") {
    const std::size_t hello = encode({longest(), Hello{}}).size() + seal_overhead;
    const std::size_t challenge = encode({longest(), Challenge{}}).size() + seal_overhead;
    CHECK(hello <= hello_size);
    CHECK(challenge <= hello_size);
    CHECK(encode({longest(), full_heartbeat()}).size() <= letter_size_max);
    CHECK(encode({longest(), full_ack()}).size() + seal_overhead <= heartbeat_size);
    CHECK(encode({longest(), full_deny()}).size() + seal_overhead <= heartbeat_size);
    static_assert(heartbeat_size <= datagram_max && hello_size <= heartbeat_size);
}
