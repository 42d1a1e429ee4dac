// The servers that the arbiter knows, and how a reload changes them.
#include "tests/heartbeat/by_hand.h"

#include <stdexcept>

#include <doctest/doctest.h>

using namespace heartbeat;
using namespace heartbeat::test;
using namespace std::chrono_literals;

TEST_CASE("while a key is being changed a server is heard under both") {
    Cluster cluster;
    const SecretKeys newer = keys("wiki1", 50);
    AgentSession agent = cluster.start_agent(cluster.wiki1, 10);
    REQUIRE(cluster.introduce(agent, t0));
    CHECK(cluster.hears(cluster.heartbeat(agent, 1), t0));

    cluster.arbiter.set_agents({AgentIdentity{
        id("wiki1"), {cluster.wiki1.public_keys(), newer.public_keys()}, {cluster.home1}}});
    CHECK(cluster.hears(cluster.heartbeat(agent, 2), t0));  // the reload lost nothing
    AgentSession restarted = cluster.start_agent(newer, 11);
    REQUIRE(cluster.introduce(restarted, t0));
    CHECK(cluster.hears(cluster.heartbeat(restarted, 1), t0));
    const auto reply = cluster.arbiter.seal(id("wiki1"), ack(1), cluster.nonces.next());
    CHECK(restarted.open(reply, t0));  // under the key that it spoke with

    cluster.arbiter.set_agents(
        {AgentIdentity{id("wiki1"), {newer.public_keys()}, {cluster.home1}}});
    CHECK(refusal(cluster.open(cluster.heartbeat(agent, 3), t0)) == "unknown_key");
    CHECK(cluster.hears(cluster.heartbeat(restarted, 2), t0));
}

TEST_CASE("a reload keeps what was heard, and drops who is not there any more") {
    Cluster cluster;
    AgentSession agent = cluster.start_agent(cluster.wiki1, 10);
    REQUIRE(cluster.introduce(agent, t0));
    const auto said = cluster.heartbeat(agent, 1);
    CHECK(cluster.hears(said, t0));
    cluster.arbiter.set_agents(
        {AgentIdentity{id("wiki1"), {cluster.wiki1.public_keys()}, {cluster.home1}}});
    CHECK(refusal(cluster.open(said, t0)) == "nonce_seen");
    cluster.arbiter.set_agents(
        {AgentIdentity{id("wiki2"), {cluster.wiki2.public_keys()}, {cluster.home2}}});
    CHECK(refusal(cluster.open(cluster.heartbeat(agent, 2), t0)) == "unknown_key");
    CHECK(cluster.arbiter.seal(id("wiki1"), ack(1), cluster.nonces.next()).empty());
}

TEST_CASE("servers that contradict each other are refused, and the ones of before stay") {
    Cluster cluster;
    AgentSession agent = cluster.start_agent(cluster.wiki1, 10);
    REQUIRE(cluster.introduce(agent, t0));
    const PublicKeys one = cluster.wiki1.public_keys();
    const PublicKeys two = keys("wiki1", 51).public_keys();
    const PublicKeys three = keys("wiki1", 52).public_keys();
    PublicKeys borrowed = cluster.wiki2.public_keys();
    borrowed.name = id("wiki1");
    const std::vector<std::vector<AgentIdentity>> wrong{
        {{id("wiki1"), {}, {}}},
        {{id("wiki1"), {one, two, three}, {}}},
        {{id("wiki1"), {one, one}, {}}},
        {{id("wiki1"), {cluster.wiki2.public_keys()}, {}}},
        {{id("wiki1"), {one}, {}}, {id("wiki1"), {two}, {}}},
        {{id("wiki1"), {borrowed}, {}}, {id("wiki2"), {cluster.wiki2.public_keys()}, {}}},
        {{id("ns0"), {cluster.ns0.public_keys()}, {}}},
    };
    for (const auto& agents : wrong)
        CHECK_THROWS_AS(cluster.arbiter.set_agents(agents), std::invalid_argument);
    CHECK(cluster.hears(cluster.heartbeat(agent, 1), t0));
}
