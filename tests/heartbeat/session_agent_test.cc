#include "tests/heartbeat/largest.h"

#include <stdexcept>

#include <doctest/doctest.h>

using namespace heartbeat;
using namespace heartbeat::test;
using namespace std::chrono_literals;

namespace {

const Instant t0 = at(1h);

// An arbiter's letter made by hand, sealed and signed as ns0 would.
std::vector<std::byte> by_hand(Cluster& cluster, const Envelope& envelope, const Message& message) {
    return Pair(cluster.ns0, cluster.wiki1.public_keys())
        .seal({envelope, message}, cluster.nonces.next());
}
Envelope right_envelope() {
    return {id("wiki"), id("ns0"), id("wiki1"), boot(10), 0, {}, {}};
}

struct Introduced : Cluster {
    AgentSession agent = start_agent(wiki1, 10);
    Introduced() { REQUIRE(introduce(agent, t0)); }
    std::string refused(std::span<const std::byte> datagram) {
        return refusal(agent.open(datagram, t0));
    }
    std::vector<std::byte> reply(const Reply& what) {
        return arbiter.seal(id("wiki1"), what, nonces.next());
    }
};

}  // namespace

TEST_CASE("a reply to a heartbeat of this boot is opened") {
    Introduced world;
    REQUIRE(world.hears(world.heartbeat(world.agent, 1), t0));
    const auto opened = world.agent.open(world.reply(ack(1)), t0);
    REQUIRE(opened);
    CHECK((std::get<Reply>(*opened) == Reply(ack(1))));
    CHECK(world.agent.counters().heard == 1);
    CHECK(world.agent.counters().challenged == 1);
}

TEST_CASE("the largest messages pass both ways, sealed and signed, each in one datagram") {
    Introduced world;
    Heartbeat beat = full_heartbeat();
    beat.request = 9;
    const auto asked = world.agent.seal(beat, world.nonces.next());
    CHECK(asked.size() <= datagram_max);
    const auto heard = world.open(asked, t0);
    REQUIRE(heard);
    CHECK((std::get<ArbiterSession::Heard>(*heard).beat == beat));
    Deny deny = full_deny();
    deny.request = 9;
    for (const Reply& reply : {Reply(full_ack()), Reply(deny)}) {
        const auto told = world.reply(reply);
        CHECK(told.size() <= asked.size());
        const auto opened = world.agent.open(told, t0);
        REQUIRE(opened);
        CHECK((std::get<Reply>(*opened) == reply));
    }
}

TEST_CASE("a reply of the arbiter's last boot is not expected once there is another") {
    Introduced world;
    REQUIRE(world.hears(world.heartbeat(world.agent, 1), t0));
    const auto late = world.reply(ack(1));
    world.arbiter = world.start_arbiter(2);
    REQUIRE(world.introduce(world.agent, t0));
    CHECK(world.refused(late) == "not_expected");
    REQUIRE(world.hears(world.heartbeat(world.agent, 2), t0));
    CHECK(world.agent.open(world.reply(ack(2)), t0));
}

TEST_CASE("a challenge is obeyed only for a hello of this agent, and once") {
    Cluster cluster;
    AgentSession agent = cluster.start_agent(cluster.wiki1, 10);
    AgentSession stranger = cluster.start_agent(cluster.wiki1, 10);
    const auto opened = cluster.open(stranger.hello(cluster.nonces.next()), t0);
    REQUIRE(opened);
    const auto& challenge = std::get<ArbiterSession::AnswerNow>(*opened).datagram;
    CHECK(refusal(agent.open(challenge, t0)) == "not_expected");
    CHECK_FALSE(agent.introduced());
    CHECK(stranger.open(challenge, t0));
    CHECK(stranger.introduced());
    CHECK(refusal(stranger.open(challenge, t0)) == "nonce_seen");
}

TEST_CASE("a challenge that comes after the next hello was sent still introduces") {
    Cluster cluster;
    AgentSession agent = cluster.start_agent(cluster.wiki1, 10);
    const auto opened = cluster.open(agent.hello(cluster.nonces.next()), t0);
    REQUIRE(opened);
    agent.hello(cluster.nonces.next());
    CHECK(agent.open(std::get<ArbiterSession::AnswerNow>(*opened).datagram, t0));
    CHECK(agent.introduced());
}

TEST_CASE("one challenge is enough: those to earlier hellos are not obeyed after it") {
    Cluster cluster;
    AgentSession agent = cluster.start_agent(cluster.wiki1, 10);
    const auto first = cluster.open(agent.hello(cluster.nonces.next()), t0);
    const auto second = cluster.open(agent.hello(cluster.nonces.next()), t0);
    REQUIRE(first);
    REQUIRE(second);
    CHECK(agent.open(std::get<ArbiterSession::AnswerNow>(*second).datagram, t0));
    CHECK(refusal(agent.open(std::get<ArbiterSession::AnswerNow>(*first).datagram, t0)) ==
          "not_expected");
}

TEST_CASE("hellos that wait for a challenge are bounded") {
    Cluster cluster;
    AgentSession agent = cluster.start_agent(cluster.wiki1, 10);
    const auto first = cluster.open(agent.hello(cluster.nonces.next()), t0);
    REQUIRE(first);
    for (std::size_t i = 0; i < AgentSession::hellos_max; ++i) agent.hello(cluster.nonces.next());
    CHECK(refusal(agent.open(std::get<ArbiterSession::AnswerNow>(*first).datagram, t0)) ==
          "not_expected");
}

TEST_CASE("a reply to another boot or to nothing that was asked is not expected") {
    Introduced world;
    REQUIRE(world.hears(world.heartbeat(world.agent, 1), t0));
    SUBCASE("another request") {
        CHECK(world.refused(by_hand(world, right_envelope(), ack(2))) == "not_expected");
    }
    SUBCASE("another boot") {
        Envelope envelope = right_envelope();
        envelope.agent_boot = boot(9);
        CHECK(world.refused(by_hand(world, envelope, ack(1))) == "not_expected");
    }
    SUBCASE("a request that is too long ago") {
        for (std::uint64_t i = 0; i < AgentSession::requests_max; ++i)
            world.heartbeat(world.agent, i + 2);
        CHECK(world.refused(by_hand(world, right_envelope(), ack(1))) == "not_expected");
    }
    CHECK(world.agent.counters().verified == 1);  // the challenge's
}

TEST_CASE("a sealed reply in another name, to another server or of another cluster is refused") {
    Introduced world;
    world.heartbeat(world.agent, 1);
    Envelope envelope = right_envelope();
    SUBCASE("sender") {
        envelope.sender = id("ns1");
    }
    SUBCASE("receiver") {
        envelope.receiver = id("wiki2");
    }
    SUBCASE("cluster") {
        envelope.cluster = id("wikj");
    }
    CHECK(world.refused(by_hand(world, envelope, ack(1))) == "wrong_receiver");
}

TEST_CASE("a replayed reply is refused") {
    Introduced world;
    REQUIRE(world.hears(world.heartbeat(world.agent, 1), t0));
    const auto datagram = world.reply(ack(1));
    CHECK(world.agent.open(datagram, t0));
    CHECK(world.refused(datagram) == "nonce_seen");
}

TEST_CASE("an agent's own datagram, reflected, is refused") {
    Introduced world;
    auto reflected = world.heartbeat(world.agent, 1);
    CHECK(world.refused(reflected) == "bad_type");
    reflected[3] = static_cast<std::byte>(MessageType::ack);
    CHECK(world.refused(reflected) == "unknown_key");
    const auto key = Pair(world.wiki1, world.ns0.public_keys()).hears_as();
    std::memcpy(reflected.data() + 4, key.data(), key.size());
    CHECK(world.refused(reflected) == "bad_seal");
}

TEST_CASE("a reply for another server does not open") {
    Introduced world;
    AgentSession other = world.start_agent(world.wiki2, 20);
    const auto opened =
        world.arbiter.open(other.hello(world.nonces.next()), world.home2, t0, world.nonces.next());
    REQUIRE(opened);
    CHECK(world.refused(std::get<ArbiterSession::AnswerNow>(*opened).datagram) == "unknown_key");
}

TEST_CASE("a reply that is cut or damaged anywhere is refused") {
    Introduced world;
    REQUIRE(world.hears(world.heartbeat(world.agent, 1), t0));
    const auto good = world.reply(ack(1));
    for (std::size_t i = 0; i < good.size(); ++i) {
        CAPTURE(i);
        CHECK_FALSE(world.agent.open(std::span(good).first(i), t0));
        auto damaged = good;
        damaged[i] ^= static_cast<std::byte>(1 << i % 8);
        CHECK_FALSE(world.agent.open(damaged, t0));
    }
    CHECK(world.agent.open(good, t0));
}

TEST_CASE("an arbiter can not make an agent verify without end") {
    Introduced world;
    world.heartbeat(world.agent, 1);
    int refused = 0;
    for (int i = 0; i < 300; ++i)
        refused += world.refused(by_hand(world, right_envelope(), ack(1))) == "flood" ? 1 : 0;
    CHECK(refused == 300 - static_cast<int>(AgentSession::replies_burst));
}

TEST_CASE("an arbiter that changes its key is found again under the other one") {
    Cluster cluster;
    const SecretKeys newer = keys("ns0", 60);
    AgentSession agent(cluster.wiki1, id("wiki"), {cluster.ns0.public_keys(), newer.public_keys()},
                       boot(10));
    REQUIRE(cluster.introduce(agent, t0));
    REQUIRE(cluster.hears(cluster.heartbeat(agent, 1), t0));

    cluster.ns0 = newer;
    cluster.arbiter = cluster.start_arbiter(2);
    for (std::uint64_t i = 0; agent.introduced(); ++i) {
        REQUIRE(i <= AgentSession::unanswered_max);
        CHECK(refusal(cluster.open(cluster.heartbeat(agent, i + 2), t0)) == "unknown_key");
    }
    const bool first_try = cluster.introduce(agent, t0);
    CHECK((first_try || cluster.introduce(agent, t0)));
    CHECK(cluster.hears(cluster.heartbeat(agent, 100), t0));
}

TEST_CASE("with one key known an agent stays introduced, however long nobody answers") {
    Introduced world;
    for (std::uint64_t i = 1; i < 1000; ++i) world.heartbeat(world.agent, i);
    CHECK(world.agent.introduced());
    CHECK(world.hears(world.heartbeat(world.agent, 1000), t0));
}

TEST_CASE("an arbiter with no key, three keys or keys of two names is refused") {
    Cluster cluster;
    const PublicKeys one = cluster.ns0.public_keys();
    const std::vector<std::vector<PublicKeys>> wrong{
        {},
        {one, keys("ns0", 61).public_keys(), keys("ns0", 62).public_keys()},
        {one, cluster.wiki2.public_keys()}};
    for (const auto& arbiter : wrong)
        CHECK_THROWS_AS(AgentSession(cluster.wiki1, id("wiki"), arbiter, boot(10)),
                        std::invalid_argument);
}
