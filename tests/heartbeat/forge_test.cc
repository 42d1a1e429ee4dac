#include "tests/heartbeat/forge.h"

#include <doctest/doctest.h>

using namespace heartbeat;
using namespace heartbeat::test;
using namespace std::chrono_literals;

namespace {

const Instant t0 = at(1h);

struct Workshop : Cluster {
    AgentSession agent = start_agent(wiki1, 10);
    Forge wiki1_forge{wiki1, ns0.public_keys()};
    Forge ns0_forge{ns0, wiki1.public_keys()};

    Letter hello{{id("wiki"), id("wiki1"), id("ns0"), boot(10), 900, {}, {}}, Hello{7}};

    std::string refused(MessageType type, const std::vector<std::byte>& body, bool good = true) {
        return refusal(open(wiki1_forge.seal(type, body, nonces.next(), good), t0));
    }
};

}  // namespace

TEST_CASE("the packet is the one of the protocol's page") {
    Workshop shop;
    const auto ours = shop.agent.hello(shop.nonces.next());
    const auto body = shop.ns0_forge.open(ours);
    REQUIRE(body.size() == hello_size - header_size - tag_size - signature_size);
    const auto size = std::to_integer<std::size_t>(body[1]);
    const auto letter = decode(MessageType::hello, std::span(body).subspan(2, size));
    REQUIRE(letter);
    CHECK((letter->envelope.sender == id("wiki1")));
    const auto padding = std::span(body).subspan(2 + size);
    CHECK(std::all_of(padding.begin(), padding.end(), [](auto b) { return b == std::byte{0}; }));

    const auto theirs = shop.wiki1_forge.seal(MessageType::hello, Forge::body_of(shop.hello, 30),
                                              shop.nonces.next());
    CHECK(shop.open(theirs, t0));
}

TEST_CASE("a sealed body that is no letter is malformed, and costs no signature check") {
    Workshop shop;
    auto body = Forge::body_of(shop.hello, 10);
    SUBCASE("a letter longer than the body") {
        body[0] = std::byte{0xff};
        CHECK(shop.refused(MessageType::hello, body) == "malformed");
    }
    SUBCASE("padding that is not zero") {
        body.back() = std::byte{1};
        CHECK(shop.refused(MessageType::hello, body) == "malformed");
    }
    SUBCASE("a letter a byte too short") {
        --reinterpret_cast<unsigned char&>(body[1]);
        body[2 + std::to_integer<std::size_t>(body[1])] = std::byte{0};
        CHECK(shop.refused(MessageType::hello, body) == "malformed");
    }
    SUBCASE("a letter of another type than the header says") {
        CHECK(shop.refused(MessageType::heartbeat, body) == "malformed");
    }
    SUBCASE("nothing") {
        CHECK(shop.refused(MessageType::hello, {std::byte{0}, std::byte{0}}) == "malformed");
    }
    CHECK(shop.arbiter.counters().unsealed == 1);
    CHECK(shop.arbiter.counters().verified == 0);
}

TEST_CASE("a sealed datagram without a good signature is refused, and moves no counter") {
    Workshop shop;
    REQUIRE(shop.introduce(shop.agent, t0));
    REQUIRE(shop.hears(shop.heartbeat(shop.agent, 1), t0));
    Letter forged{{id("wiki"), id("wiki1"), id("ns0"), boot(10), 1000, boot(1), {}}, beat(1000)};
    const auto body = Forge::body_of(forged, 0);
    CHECK(shop.refused(MessageType::heartbeat, body, false) == "bad_signature");
    CHECK(shop.refused(MessageType::hello, Forge::body_of(shop.hello, 0), false) ==
          "bad_signature");
    CHECK(shop.hears(shop.heartbeat(shop.agent, 2), t0));
    CHECK(shop.refused(MessageType::heartbeat, body) == "accepted");
}

TEST_CASE("a sealed datagram without a good signature admits no boot and proves no clone") {
    Workshop shop;
    REQUIRE(shop.introduce(shop.agent, t0));
    REQUIRE(shop.hears(shop.heartbeat(shop.agent, 1), t0));
    AgentSession after = shop.start_agent(shop.wiki1, 11);
    REQUIRE(shop.introduce(after, t0));
    REQUIRE(shop.hears(shop.heartbeat(after, 1), t0));
    const Instant later = t0 + BootMemory::straggler_max + 1s;
    Letter forged{{id("wiki"), id("wiki1"), id("ns0"), boot(10), 1000, boot(1), {}}, beat(1000)};
    const auto datagram = shop.wiki1_forge.seal(MessageType::heartbeat, Forge::body_of(forged, 0),
                                                shop.nonces.next(), false);
    CHECK(refusal(shop.open(datagram, later)) == "bad_signature");
    CHECK(shop.arbiter.cloned(later).empty());
}

TEST_CASE("an agent refuses a sealed reply that is not signed, or no letter") {
    Workshop shop;
    REQUIRE(shop.introduce(shop.agent, t0));
    shop.heartbeat(shop.agent, 1);
    const Letter letter{{id("wiki"), id("ns0"), id("wiki1"), boot(10), 0, {}, {}}, ack(1)};
    auto body = Forge::body_of(letter, 4);
    const auto opened = [&](bool good) {
        return refusal(shop.agent.open(
            shop.ns0_forge.seal(MessageType::ack, body, shop.nonces.next(), good), t0));
    };
    CHECK(opened(false) == "bad_signature");
    CHECK(opened(true) == "accepted");
    body.back() = std::byte{1};
    CHECK(opened(true) == "malformed");
}
