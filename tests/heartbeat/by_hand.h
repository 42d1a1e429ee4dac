#pragma once
// What wiki1 would say to the arbiter, with any envelope.

#include "tests/heartbeat/world.h"

#include <doctest/doctest.h>

namespace heartbeat::test {

inline const Instant t0 = at(std::chrono::hours(1));

// A heartbeat made by hand: any envelope, sealed and signed as wiki1 would.
inline std::vector<std::byte> by_hand(Cluster& cluster, const Envelope& envelope,
                                      const Message& message) {
    return Pair(cluster.wiki1, cluster.ns0.public_keys())
        .seal({envelope, message}, cluster.nonces.next(), heartbeat_size);
}
inline Envelope right_envelope(std::uint64_t counter) {
    return {id("wiki"), id("wiki1"), id("ns0"), boot(10), counter, boot(1), {}};
}

// The cookie that `agent_boot` is given at `now`.
inline Cookie cookie_at(Cluster& cluster, const BootId& agent_boot, Instant now) {
    Envelope envelope = right_envelope(1);
    envelope.agent_boot = agent_boot;
    envelope.arbiter_boot = {};
    const auto opened = cluster.open(by_hand(cluster, envelope, Hello{1}), now);
    REQUIRE(opened);
    const auto& answer = std::get<ArbiterSession::AnswerNow>(*opened);
    const Pair agent(cluster.wiki1, cluster.ns0.public_keys());
    const auto unsealed = agent.unseal(answer.datagram);
    REQUIRE(unsealed);
    const auto letter = decode(unsealed->type(), unsealed->letter());
    REQUIRE(letter);
    return std::get<Challenge>(letter->message).cookie;
}

inline bool challenged(const tl::expected<ArbiterSession::Opened, Rejection>& opened) {
    return opened && std::holds_alternative<ArbiterSession::AnswerNow>(*opened);
}

}  // namespace heartbeat::test
