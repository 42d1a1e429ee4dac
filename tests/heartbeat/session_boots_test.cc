// Whom the arbiter takes for whom: cookies, boots, and two machines under one name.
#include "tests/heartbeat/by_hand.h"

#include <doctest/doctest.h>

using namespace heartbeat;
using namespace heartbeat::test;
using namespace std::chrono_literals;

TEST_CASE("an unknown boot without a cookie is challenged, and let in with its next heartbeat") {
    Cluster cluster;
    const auto opened = cluster.open(by_hand(cluster, right_envelope(5), beat(5)), t0);
    CHECK(challenged(opened));
    CHECK(cluster.arbiter.counters().of(Rejection::bad_cookie) == 1);
    CHECK(cluster.arbiter.counters().heard == 0);
    Envelope envelope = right_envelope(6);
    envelope.cookie = cookie_at(cluster, envelope.agent_boot, t0);
    CHECK(cluster.hears(by_hand(cluster, envelope, beat(6)), t0));
}

TEST_CASE("a cookie is good for its own five minutes and the next") {
    Cluster cluster;
    const Instant bucket = Instant(ArbiterSession::cookie_bucket * 20);
    Envelope envelope = right_envelope(6);
    envelope.cookie = cookie_at(cluster, envelope.agent_boot, bucket);
    SUBCASE("at the end of the next bucket it still admits") {
        const Instant late = bucket + 2 * ArbiterSession::cookie_bucket - 1ns;
        CHECK(cluster.hears(by_hand(cluster, envelope, beat(6)), late));
    }
    SUBCASE("after it, it does not") {
        const Instant late = bucket + 2 * ArbiterSession::cookie_bucket;
        CHECK(challenged(cluster.open(by_hand(cluster, envelope, beat(6)), late)));
        CHECK(cluster.arbiter.counters().of(Rejection::bad_cookie) == 1);
    }
}

TEST_CASE("a cookie is of one boot and one address") {
    Cluster cluster;
    const Address other = address("192.0.2.111");
    cluster.arbiter.set_agents(
        {AgentIdentity{id("wiki1"), {cluster.wiki1.public_keys()}, {cluster.home1, other}}});
    Envelope envelope = right_envelope(6);
    envelope.cookie = cookie_at(cluster, envelope.agent_boot, t0);
    SUBCASE("another boot") {
        envelope.agent_boot = boot(11);
        CHECK(challenged(cluster.open(by_hand(cluster, envelope, beat(6)), t0)));
    }
    SUBCASE("another address") {
        CHECK(challenged(cluster.arbiter.open(by_hand(cluster, envelope, beat(6)), other, t0,
                                              cluster.nonces.next())));
    }
    SUBCASE("an admitted boot may move to another address of its server") {
        CHECK(cluster.hears(by_hand(cluster, envelope, beat(6)), t0));
        envelope.counter = 7;
        envelope.cookie = {};
        const auto opened = cluster.arbiter.open(by_hand(cluster, envelope, beat(7)), other, t0,
                                                 cluster.nonces.next());
        CHECK((opened && std::holds_alternative<ArbiterSession::Heard>(*opened)));
    }
}

TEST_CASE("a heartbeat for another boot of the arbiter is challenged, not heard") {
    Cluster cluster;
    AgentSession agent = cluster.start_agent(cluster.wiki1, 10);
    REQUIRE(cluster.introduce(agent, t0));
    CHECK(cluster.hears(cluster.heartbeat(agent, 1), t0));
    cluster.arbiter = cluster.start_arbiter(2);
    const auto opened = cluster.open(cluster.heartbeat(agent, 2), t0);
    REQUIRE(challenged(opened));
    CHECK(cluster.arbiter.counters().of(Rejection::wrong_boot) == 1);
    const auto& answer = std::get<ArbiterSession::AnswerNow>(*opened);
    const auto introduced = agent.open(answer.datagram, t0);
    REQUIRE(introduced);
    CHECK(std::holds_alternative<AgentSession::Introduced>(*introduced));
    CHECK(cluster.hears(cluster.heartbeat(agent, 3), t0));
}

TEST_CASE("heartbeats of before the arbiter's restart are never heard after it") {
    Cluster cluster;
    AgentSession agent = cluster.start_agent(cluster.wiki1, 10);
    REQUIRE(cluster.introduce(agent, t0));
    const auto recorded = cluster.heartbeat(agent, 1);
    cluster.arbiter = cluster.start_arbiter(2);
    CHECK(challenged(cluster.open(recorded, t0)));
    CHECK(refusal(cluster.open(recorded, t0)) == "nonce_seen");
    CHECK(cluster.arbiter.counters().heard == 0);
}

TEST_CASE("a server that restarted is heard under its new boot, its old one is not") {
    Cluster cluster;
    AgentSession before = cluster.start_agent(cluster.wiki1, 10);
    REQUIRE(cluster.introduce(before, t0));
    const auto said = cluster.heartbeat(before, 1);
    const auto on_the_way = cluster.heartbeat(before, 2);
    CHECK(cluster.hears(said, t0));
    AgentSession after = cluster.start_agent(cluster.wiki1, 11);
    REQUIRE(cluster.introduce(after, t0));
    CHECK(cluster.hears(cluster.heartbeat(after, 1), t0));
    CHECK(refusal(cluster.open(on_the_way, t0 + 1s)) == "cloned");
    CHECK(cluster.arbiter.cloned(t0 + 1s).empty());  // it may have been on the way
    CHECK(cluster.hears(cluster.heartbeat(after, 2), t0 + 1s));
}

TEST_CASE("a replay of a replaced boot is silent and no alarm, long after the nonces forgot it") {
    Cluster cluster;
    AgentSession before = cluster.start_agent(cluster.wiki1, 10);
    REQUIRE(cluster.introduce(before, t0));
    const auto said = cluster.heartbeat(before, 1);
    CHECK(cluster.hears(said, t0));
    AgentSession after = cluster.start_agent(cluster.wiki1, 11);
    REQUIRE(cluster.introduce(after, t0));
    Instant now = t0;
    for (std::size_t i = 0; i <= 2 * NonceMemory::generation_max; ++i) {
        now += 100ms;
        CHECK(cluster.hears(cluster.heartbeat(after, i + 1), now));
    }
    CHECK(refusal(cluster.open(said, now)) == "old_counter");
    CHECK(cluster.arbiter.cloned(now).empty());
}

TEST_CASE("two machines under one name are an alarm, and neither is heard while both speak") {
    Cluster cluster;
    AgentSession one = cluster.start_agent(cluster.wiki1, 10);
    REQUIRE(cluster.introduce(one, t0));
    CHECK(cluster.hears(cluster.heartbeat(one, 1), t0));
    AgentSession other = cluster.start_agent(cluster.wiki1, 11);
    REQUIRE(cluster.introduce(other, t0));
    CHECK(cluster.hears(cluster.heartbeat(other, 1), t0));

    const Instant proof = t0 + BootMemory::straggler_max + 1s;
    CHECK(refusal(cluster.open(cluster.heartbeat(one, 2), proof)) == "cloned");
    CHECK(cluster.arbiter.cloned(proof) == std::vector{id("wiki1")});
    const auto blocked = cluster.heartbeat(other, 2);
    CHECK(refusal(cluster.open(blocked, proof)) == "cloned");
    CHECK(refusal(cluster.open(cluster.heartbeat(one, 3), proof + 1s)) == "cloned");

    const Instant quiet = proof + 1s + ArbiterSession::clone_block;
    CHECK(cluster.arbiter.cloned(quiet).empty());
    CHECK(cluster.hears(cluster.heartbeat(other, 3), quiet));
}

TEST_CASE("a heartbeat that was refused during a clone alarm is not good after it") {
    Cluster cluster;
    AgentSession one = cluster.start_agent(cluster.wiki1, 10);
    REQUIRE(cluster.introduce(one, t0));
    CHECK(cluster.hears(cluster.heartbeat(one, 1), t0));
    AgentSession other = cluster.start_agent(cluster.wiki1, 11);
    REQUIRE(cluster.introduce(other, t0));
    CHECK(cluster.hears(cluster.heartbeat(other, 1), t0));
    const Instant proof = t0 + BootMemory::straggler_max + 1s;
    cluster.open(cluster.heartbeat(one, 2), proof);
    const auto early = cluster.heartbeat(other, 2);
    CHECK(refusal(cluster.open(cluster.heartbeat(other, 3), proof)) == "cloned");
    const Instant quiet = proof + ArbiterSession::clone_block;
    CHECK(refusal(cluster.open(early, quiet)) == "old_counter");
}
