#pragma once
// A cluster of one arbiter and two servers as values, and a seeded source of nonces: what the tests
// of seal and session share.

#include "heartbeat/session.h"

#include <cstring>
#include <random>
#include <string>

namespace heartbeat::test {

inline ServerId id(std::string_view name) {
    return ServerId::parse(name).value();
}
inline Address address(std::string_view text) {
    return Address::parse(text).value();
}
inline Instant at(std::chrono::milliseconds since_boot) {
    return Instant(since_boot);
}
inline Seed seed(std::uint8_t first) {
    Seed bytes{};
    bytes.fill(0x5a);
    bytes[0] = first;
    return bytes;
}
inline BootId boot(std::uint8_t first) {
    BootId id;
    id.bytes.fill(0x11);
    id.bytes[0] = first;
    return id;
}
inline SecretKeys keys(std::string_view name, std::uint8_t first) {
    return SecretKeys::make(id(name), seed(first));
}

class Nonces {
public:
    explicit Nonces(std::uint64_t start) : random_(start) {}
    Nonce next() {
        Nonce nonce;
        for (auto& byte : nonce) byte = static_cast<std::uint8_t>(random_());
        return nonce;
    }

private:
    std::mt19937_64 random_;
};

inline Heartbeat beat(std::uint64_t request) {
    Heartbeat one;
    one.request = request;
    one.health = {true, true, true, true, true};
    one.role = Role::replica;
    one.flavour = GtidFlavour::mariadb;
    one.received = GtidPosition::parse("0-1-42");
    one.applied = GtidPosition::parse("0-1-41");
    return one;
}
inline Ack ack(std::uint64_t request) {
    Ack one;
    one.request = request;
    one.epoch = Epoch{7};
    one.lease = std::chrono::seconds(6);
    return one;
}

// Two servers with one key each, and their arbiter; agents can be started again.
struct Cluster {
    SecretKeys ns0 = keys("ns0", 1);
    SecretKeys wiki1 = keys("wiki1", 2);
    SecretKeys wiki2 = keys("wiki2", 3);
    Address home1 = address("192.0.2.11");
    Address home2 = address("2001:db8::12");
    Nonces nonces{1};
    ArbiterSession arbiter = start_arbiter(1);

    ArbiterSession start_arbiter(std::uint8_t boot_number) {
        return {ns0,
                id("wiki"),
                {AgentIdentity{id("wiki1"), {wiki1.public_keys()}, {home1}},
                 AgentIdentity{id("wiki2"), {wiki2.public_keys()}, {home2}}},
                boot(boot_number),
                seed(99)};
    }
    AgentSession start_agent(const SecretKeys& self, std::uint8_t boot_number) {
        return {self, id("wiki"), {ns0.public_keys()}, boot(boot_number)};
    }

    auto open(std::span<const std::byte> datagram, Instant now) {
        return arbiter.open(datagram, home1, now, nonces.next());
    }
    // HELLO and CHALLENGE.
    bool introduce(AgentSession& agent, Instant now) {
        const auto opened = open(agent.hello(nonces.next()), now);
        if (!opened || !std::holds_alternative<ArbiterSession::AnswerNow>(*opened)) return false;
        const auto& answer = std::get<ArbiterSession::AnswerNow>(*opened);
        return agent.open(answer.datagram, now).has_value() && agent.introduced();
    }
    // A heartbeat that must be heard.
    bool hears(std::span<const std::byte> datagram, Instant now) {
        const auto opened = open(datagram, now);
        return opened && std::holds_alternative<ArbiterSession::Heard>(*opened);
    }
    std::vector<std::byte> heartbeat(AgentSession& agent, std::uint64_t request) {
        return agent.seal(beat(request), nonces.next());
    }
};

template <typename Opened>
std::string refusal(const Opened& opened) {
    return opened ? "accepted" : std::string(name_of(opened.error()));
}

}  // namespace heartbeat::test
