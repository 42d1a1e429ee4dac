#include "tests/heartbeat/world.h"

#include <stdexcept>

#include <doctest/doctest.h>

using namespace heartbeat;
using namespace heartbeat::test;
using namespace std::chrono_literals;

namespace {

const Instant t0 = at(1h);

// A heartbeat made by hand: any envelope, sealed and signed as wiki1 would.
std::vector<std::byte> by_hand(Cluster& cluster, const Envelope& envelope, const Message& message) {
    return Pair(cluster.wiki1, cluster.ns0.public_keys())
        .seal({envelope, message}, cluster.nonces.next(), heartbeat_size);
}
Envelope right_envelope(std::uint64_t counter) {
    return {id("wiki"), id("wiki1"), id("ns0"), boot(10), counter, boot(1), {}};
}

// The cookie that `agent_boot` is given at `now`.
Cookie cookie_at(Cluster& cluster, const BootId& agent_boot, Instant now) {
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

bool challenged(const tl::expected<ArbiterSession::Opened, Rejection>& opened) {
    return opened && std::holds_alternative<ArbiterSession::AnswerNow>(*opened);
}

}  // namespace

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
