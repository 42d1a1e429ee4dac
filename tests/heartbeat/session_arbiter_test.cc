#include "tests/heartbeat/by_hand.h"

#include <doctest/doctest.h>

using namespace heartbeat;
using namespace heartbeat::test;
using namespace std::chrono_literals;

TEST_CASE("a server that was introduced is heard") {
    Cluster cluster;
    AgentSession agent = cluster.start_agent(cluster.wiki1, 10);
    REQUIRE(cluster.introduce(agent, t0));
    const auto opened = cluster.open(cluster.heartbeat(agent, 1), t0);
    REQUIRE(opened);
    const auto& heard = std::get<ArbiterSession::Heard>(*opened);
    CHECK((heard.from == id("wiki1")));
    CHECK((heard.beat == beat(1)));
    CHECK(cluster.arbiter.counters().heard == 1);
    CHECK(cluster.arbiter.counters().challenged == 1);
}

TEST_CASE("what costs nothing to see is refused before any opening") {
    Cluster cluster;
    AgentSession agent = cluster.start_agent(cluster.wiki1, 10);
    const auto hello = agent.hello(cluster.nonces.next());
    const auto refused = [&](std::vector<std::byte> datagram) {
        return refusal(cluster.open(datagram, t0));
    };
    const auto with = [&](std::size_t where, int value) {
        auto changed = hello;
        changed[where] = static_cast<std::byte>(value);
        return refused(changed);
    };
    CHECK(refused({}) == "too_short");
    CHECK(refused(std::vector<std::byte>(seal_overhead - 1)) == "too_short");
    CHECK(refused(std::vector<std::byte>(datagram_max + 1)) == "too_long");
    CHECK(refused(std::vector<std::byte>(datagram_max)) == "bad_magic");
    CHECK(with(0, 'A') == "bad_magic");
    CHECK(with(1, 'A') == "bad_magic");
    CHECK(with(2, 2) == "bad_version");
    for (const int type : {0, 2, 4, 5, 6, 16, 47, 255}) CHECK(with(3, type) == "bad_type");
    CHECK(with(4, std::to_integer<int>(hello[4]) ^ 1) == "unknown_key");
    CHECK(refusal(cluster.arbiter.open(hello, cluster.home2, t0, cluster.nonces.next())) ==
          "wrong_address");
    CHECK(cluster.arbiter.counters().unsealed == 0);
    CHECK(cluster.arbiter.counters().verified == 0);
    CHECK(cluster.arbiter.counters().of(Rejection::bad_type) == 8);
    CHECK(cluster.arbiter.counters().of(Rejection::bad_magic) == 3);
}

TEST_CASE("a forged datagram never costs a signature check") {
    Cluster cluster;
    AgentSession agent = cluster.start_agent(cluster.wiki1, 10);
    REQUIRE(cluster.introduce(agent, t0));
    const auto before = cluster.arbiter.counters();
    for (int i = 0; i < 1000; ++i) {
        auto forged = cluster.heartbeat(agent, 1);
        forged[header_size + static_cast<std::size_t>(i)] ^= std::byte{0x10};
        CHECK(refusal(cluster.open(forged, t0)) == "bad_seal");
    }
    CHECK(cluster.arbiter.counters().unsealed == before.unsealed + 1000);
    CHECK(cluster.arbiter.counters().verified == before.verified);
}

TEST_CASE("a forged datagram does not burn the nonce that it shows") {
    Cluster cluster;
    AgentSession agent = cluster.start_agent(cluster.wiki1, 10);
    REQUIRE(cluster.introduce(agent, t0));
    const auto good = cluster.heartbeat(agent, 1);
    auto forged = good;
    forged.back() ^= std::byte{1};
    CHECK(refusal(cluster.open(forged, t0)) == "bad_seal");
    CHECK(cluster.hears(good, t0));
}

TEST_CASE("a replayed datagram is refused before it is opened") {
    Cluster cluster;
    AgentSession agent = cluster.start_agent(cluster.wiki1, 10);
    REQUIRE(cluster.introduce(agent, t0));
    const auto datagram = cluster.heartbeat(agent, 1);
    CHECK(cluster.hears(datagram, t0));
    const auto unsealed = cluster.arbiter.counters().unsealed;
    CHECK(refusal(cluster.open(datagram, t0)) == "nonce_seen");
    CHECK(cluster.arbiter.counters().unsealed == unsealed);
}

TEST_CASE(
    "a replay of what the nonces forgot is refused by its counter, without a signature check") {
    Cluster cluster;
    AgentSession agent = cluster.start_agent(cluster.wiki1, 10);
    REQUIRE(cluster.introduce(agent, t0));
    const auto first = cluster.heartbeat(agent, 1);
    CHECK(cluster.hears(first, t0));
    Instant now = t0;
    for (std::size_t i = 0; i <= 2 * NonceMemory::generation_max; ++i) {
        now += 100ms;
        CHECK(cluster.hears(cluster.heartbeat(agent, i + 2), now));
    }
    const auto verified = cluster.arbiter.counters().verified;
    CHECK(refusal(cluster.open(first, now)) == "old_counter");
    CHECK(cluster.arbiter.counters().verified == verified);
}

TEST_CASE("a heartbeat that was overtaken on the way is refused") {
    Cluster cluster;
    AgentSession agent = cluster.start_agent(cluster.wiki1, 10);
    REQUIRE(cluster.introduce(agent, t0));
    const auto first = cluster.heartbeat(agent, 1);
    const auto second = cluster.heartbeat(agent, 2);
    CHECK(cluster.hears(second, t0));
    CHECK(refusal(cluster.open(first, t0)) == "old_counter");
}

TEST_CASE("a heartbeat that is cut or damaged anywhere changes nothing") {
    Cluster cluster;
    AgentSession agent = cluster.start_agent(cluster.wiki1, 10);
    REQUIRE(cluster.introduce(agent, t0));
    const auto good = cluster.heartbeat(agent, 1);
    for (std::size_t i = 0; i < good.size(); ++i) {
        CAPTURE(i);
        CHECK_FALSE(cluster.open(std::span(good).first(i), t0));
        auto damaged = good;
        damaged[i] ^= static_cast<std::byte>(1 << i % 8);
        CHECK_FALSE(cluster.open(damaged, t0));
    }
    CHECK(cluster.hears(good, t0));
}

TEST_CASE("an arbiter's own challenge or reply, reflected, is refused") {
    Cluster cluster;
    AgentSession agent = cluster.start_agent(cluster.wiki1, 10);
    const auto opened = cluster.open(agent.hello(cluster.nonces.next()), t0);
    REQUIRE(challenged(opened));
    auto reflected = std::get<ArbiterSession::AnswerNow>(*opened).datagram;
    CHECK(refusal(cluster.open(reflected, t0)) == "bad_type");
    reflected[3] = static_cast<std::byte>(MessageType::hello);
    CHECK(refusal(cluster.open(reflected, t0)) == "unknown_key");
    const auto hello = agent.hello(cluster.nonces.next());
    std::copy_n(hello.begin() + 4, 4, reflected.begin() + 4);
    CHECK(refusal(cluster.open(reflected, t0)) == "bad_seal");
}

TEST_CASE("a sealed letter in another name, to another arbiter or of another cluster is refused") {
    Cluster cluster;
    Envelope envelope = right_envelope(1);
    SUBCASE("sender") {
        envelope.sender = id("wiki2");
    }
    SUBCASE("receiver") {
        envelope.receiver = id("ns1");
    }
    SUBCASE("cluster") {
        envelope.cluster = id("wikj");
    }
    CHECK(refusal(cluster.open(by_hand(cluster, envelope, Hello{1}), t0)) == "wrong_receiver");
    CHECK(cluster.arbiter.counters().verified == 0);
}

TEST_CASE("a server can not make us verify more than it ever has to say") {
    Cluster cluster;
    AgentSession agent = cluster.start_agent(cluster.wiki1, 10);
    REQUIRE(cluster.introduce(agent, t0));
    const auto verified = cluster.arbiter.counters().verified;
    std::uint64_t refused = 0;
    for (std::uint64_t i = 1; i <= 500; ++i)
        refused += refusal(cluster.open(cluster.heartbeat(agent, i), t0)) == "flood" ? 1 : 0;
    CHECK(refused == 500 - static_cast<std::uint64_t>(ArbiterSession::heartbeats_burst));
    CHECK(cluster.arbiter.counters().verified == verified + 500 - refused);
    CHECK(cluster.hears(cluster.heartbeat(agent, 501), t0 + 1s));
}

TEST_CASE("hellos have a bucket of their own: a flood of them starves no heartbeat") {
    Cluster cluster;
    AgentSession agent = cluster.start_agent(cluster.wiki1, 10);
    REQUIRE(cluster.introduce(agent, t0));
    std::uint64_t refused = 0;
    for (int i = 0; i < 100; ++i)
        refused += refusal(cluster.open(agent.hello(cluster.nonces.next()), t0)) == "flood" ? 1 : 0;
    CHECK(refused == 101 - static_cast<std::uint64_t>(ArbiterSession::hellos_burst));
    CHECK(cluster.hears(cluster.heartbeat(agent, 1), t0));
}

TEST_CASE("heartbeats that only earn a challenge are counted as hellos, and starve no good one") {
    Cluster cluster;
    Envelope lost = right_envelope(1);
    lost.arbiter_boot = boot(200);
    std::uint64_t refused = 0;
    for (int i = 0; i < 100; ++i)
        refused += refusal(cluster.open(by_hand(cluster, lost, beat(1)), t0)) == "flood" ? 1 : 0;
    CHECK(refused == 100 - static_cast<std::uint64_t>(ArbiterSession::hellos_burst));
    CHECK(cluster.arbiter.counters().challenged == 100 - refused);
    AgentSession agent = cluster.start_agent(cluster.wiki1, 10);
    REQUIRE(cluster.introduce(agent, t0 + 1s));
    CHECK(cluster.hears(cluster.heartbeat(agent, 1), t0 + 1s));
}

TEST_CASE("a flood that was refused moved no counter") {
    Cluster cluster;
    AgentSession agent = cluster.start_agent(cluster.wiki1, 10);
    REQUIRE(cluster.introduce(agent, t0));
    const auto kept = cluster.heartbeat(agent, 1);
    for (std::uint64_t i = 0; i < 30; ++i) cluster.open(agent.hello(cluster.nonces.next()), t0);
    AgentSession unknown = cluster.start_agent(cluster.wiki1, 11);
    CHECK(refusal(cluster.open(unknown.hello(cluster.nonces.next()), t0)) == "flood");
    CHECK(cluster.hears(kept, t0));
}

TEST_CASE("a reply to what the present boot never asked is not sealed") {
    Cluster cluster;
    CHECK(cluster.arbiter.seal(id("wiki1"), ack(1), cluster.nonces.next()).empty());
    CHECK(cluster.arbiter.seal(id("nobody"), ack(1), cluster.nonces.next()).empty());
    AgentSession before = cluster.start_agent(cluster.wiki1, 10);
    REQUIRE(cluster.introduce(before, t0));
    CHECK(cluster.hears(cluster.heartbeat(before, 5), t0));
    CHECK_FALSE(cluster.arbiter.seal(id("wiki1"), ack(5), cluster.nonces.next()).empty());
    AgentSession after = cluster.start_agent(cluster.wiki1, 11);
    REQUIRE(cluster.introduce(after, t0));
    CHECK(cluster.hears(cluster.heartbeat(after, 1), t0));
    CHECK(cluster.arbiter.seal(id("wiki1"), ack(5), cluster.nonces.next()).empty());
    CHECK_FALSE(cluster.arbiter.seal(id("wiki1"), ack(1), cluster.nonces.next()).empty());
}

TEST_CASE("no answer is larger than what asked for it") {
    Cluster cluster;
    AgentSession agent = cluster.start_agent(cluster.wiki1, 10);
    const auto hello = agent.hello(cluster.nonces.next());
    CHECK(hello.size() == hello_size);
    const auto opened = cluster.open(hello, t0);
    REQUIRE(challenged(opened));
    const auto& challenge = std::get<ArbiterSession::AnswerNow>(*opened).datagram;
    CHECK(challenge.size() <= hello.size());
    REQUIRE(agent.open(challenge, t0));
    const auto sent = cluster.heartbeat(agent, 1);
    CHECK(sent.size() == heartbeat_size);
    REQUIRE(cluster.hears(sent, t0));
    Deny deny;
    deny.request = 1;
    deny.master = id("abcdefghijklmnopqrstuvwxyz012345");
    deny.master_addresses.assign(addresses_max, cluster.home2);
    deny.semi_sync_set.assign(semi_sync_set_max, *deny.master);
    deny.order = YieldOrder{*deny.master, Epoch{1}};
    const auto reply = cluster.arbiter.seal(id("wiki1"), deny, cluster.nonces.next());
    CHECK(reply.size() <= sent.size());
    const auto opened_reply = agent.open(reply, t0);
    REQUIRE(opened_reply);
    CHECK((std::get<Reply>(*opened_reply) == Reply(deny)));
}

TEST_CASE("random datagrams are refused, and never cost a signature check") {
    Cluster cluster;
    AgentSession agent = cluster.start_agent(cluster.wiki1, 10);
    std::mt19937_64 random(5);
    const auto good = agent.hello(cluster.nonces.next());
    for (int i = 0; i < 20000; ++i) {
        auto datagram = good;
        datagram.resize(random() % (datagram_max + 10));
        for (std::uint64_t flips = random() % 20 + 1; flips-- > 0 && !datagram.empty();)
            datagram[random() % datagram.size()] ^= static_cast<std::byte>(random() % 255 + 1);
        if (datagram == good) continue;
        CHECK_FALSE(cluster.open(datagram, t0));
    }
    CHECK(cluster.arbiter.counters().verified == 0);
}
