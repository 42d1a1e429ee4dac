#include "heartbeat/io/channel.h"

#include "heartbeat/io/asio.h"
#include "heartbeat/io/clock.h"
#include "tests/heartbeat/world.h"

#include <functional>

#include <doctest/doctest.h>

using namespace heartbeat;
using namespace heartbeat::test;
using namespace std::chrono_literals;
using asio::ip::udp;

namespace {

// Both daemons' ends on loopback. The arbiter knows wiki1 at 127.0.0.11, and acknowledges all.
struct Wire {
    SecretKeys ns0 = keys("ns0", 1);
    SecretKeys wiki1 = keys("wiki1", 2);
    asio::io_context loop;
    std::vector<std::uint64_t> heard;
    std::uint64_t said = 0;
    std::vector<Reply> replies;
    std::unique_ptr<ArbiterChannel> arbiter;
    std::unique_ptr<AgentChannel> agent;

    ArbiterSession arbiter_session(std::uint8_t boot_number) {
        return {ns0,
                id("wiki"),
                {AgentIdentity{
                    id("wiki1"), {wiki1.public_keys()}, {address("127.0.0.11"), address("::1")}}},
                boot(boot_number),
                seed(9)};
    }
    AgentSession agent_session() { return {wiki1, id("wiki"), {ns0.public_keys()}, fresh_boot()}; }
    Endpoint listen(const std::vector<std::string>& at, std::uint8_t boot_number = 1) {
        std::vector<Endpoint> endpoints;
        for (const std::string& each : at) endpoints.push_back(Endpoint::parse(each).value());
        arbiter =
            std::make_unique<ArbiterChannel>(loop, endpoints, arbiter_session(boot_number),
                                             [this](const ServerId& from, const Heartbeat& one) {
                                                 heard.push_back(one.request);
                                                 arbiter->send(from, ack(one.request));
                                             });
        return arbiter->endpoints().front();
    }
    void speak(const std::string& host, std::uint16_t port, const std::string& from) {
        std::vector<ArbiterPeer> peers;
        peers.push_back({host, port, agent_session()});
        agent = std::make_unique<AgentChannel>(
            loop, std::move(peers), std::vector{address(from)},
            [this](const ServerId&, const Reply& reply) { replies.push_back(reply); },
            [this](const ServerId&) { agent->send(beat(said)); });
    }
    void say(std::uint64_t request) {
        said = request;
        agent->send(beat(request));
    }
    bool until(const std::function<bool()>& done, std::chrono::milliseconds most = 5s) {
        const Instant end = boot_now() + most;
        while (!done() && boot_now() < end) {
            loop.restart();
            loop.run_for(10ms);
        }
        return done();
    }
};

}  // namespace

TEST_CASE("a first heartbeat is heard and answered, after the hello that it needs") {
    Wire wire;
    const Endpoint at = wire.listen({"127.0.0.1:0"});
    wire.speak("127.0.0.1", at.port, "127.0.0.11");
    wire.say(1);
    REQUIRE(wire.until([&] { return wire.replies.size() == 1; }));
    CHECK((wire.replies.front() == Reply(ack(1))));
    CHECK(wire.heard == std::vector<std::uint64_t>{1});
    CHECK(wire.agent->counters().sent == 2);  // hello and heartbeat
    wire.say(2);
    REQUIRE(wire.until([&] { return wire.replies.size() == 2; }));
    CHECK(wire.agent->counters().sent == 3);
}

TEST_CASE("an arbiter on every address answers from the one that it was asked at") {
    Wire wire;
    const Endpoint at = wire.listen({"0.0.0.0:0"});
    wire.speak("127.0.0.7", at.port, "127.0.0.11");  // strangers are not listened to
    wire.say(1);
    REQUIRE(wire.until([&] { return wire.replies.size() == 1; }));
    CHECK(wire.agent->counters().strangers == 0);
}

TEST_CASE("an arbiter on several addresses is reached at each, IPv6 too") {
    Wire wire;
    wire.listen({"127.0.0.1:0", "[::]:0"});
    const auto endpoints = wire.arbiter->endpoints();
    REQUIRE(endpoints.size() == 2);
    wire.speak("127.0.0.1", endpoints[0].port, "127.0.0.11");
    wire.say(1);
    REQUIRE(wire.until([&] { return wire.replies.size() == 1; }));
    wire.speak("::1", endpoints[1].port, "::1");
    wire.say(1);
    REQUIRE(wire.until([&] { return wire.replies.size() == 2; }));
}

TEST_CASE("one port serves both families, each by its own socket") {
    Wire wire;
    const Endpoint at = wire.listen({"0.0.0.0:0"});
    Wire other;
    CHECK_NOTHROW(other.listen({"[::]:" + std::to_string(at.port)}));
}

TEST_CASE("a server that speaks from an address that is not its own is not answered") {
    Wire wire;
    const Endpoint at = wire.listen({"127.0.0.1:0"});
    wire.speak("127.0.0.1", at.port, "127.0.0.12");
    wire.say(1);
    const auto& session = wire.arbiter->session();
    REQUIRE(wire.until([&] { return session.counters().of(Rejection::wrong_address) == 1; }));
    CHECK(wire.arbiter->counters().sent == 0);
    CHECK(wire.heard.empty());
}

TEST_CASE("an agent finds an arbiter that was started again, without a missed heartbeat") {
    Wire wire;
    const Endpoint at = wire.listen({"127.0.0.1:0"});
    wire.speak("127.0.0.1", at.port, "127.0.0.11");
    wire.say(1);
    REQUIRE(wire.until([&] { return wire.replies.size() == 1; }));
    wire.arbiter.reset();
    wire.listen({at.text()}, 2);
    wire.say(2);
    REQUIRE(wire.until([&] { return wire.replies.size() == 2; }));
    CHECK((wire.replies.back() == Reply(ack(2))));
}

TEST_CASE("an agent finds its arbiter by name") {
    Wire wire;
    const Endpoint at = wire.listen({"127.0.0.1:0"});
    wire.speak("localhost", at.port, "127.0.0.11");
    wire.say(1);
    CHECK(wire.until([&] { return wire.replies.size() == 1; }));
}

TEST_CASE("draining reads all that is queued before a timer is judged") {
    Wire wire;
    const Endpoint at = wire.listen({"127.0.0.1:0"});
    wire.speak("127.0.0.1", at.port, "127.0.0.11");
    wire.say(1);
    REQUIRE(wire.until([&] { return wire.replies.size() == 1; }));
    // The arbiter's loop stands still; heartbeats gather in its socket.
    for (std::uint64_t i = 2; i <= 60; ++i) wire.say(i);
    CHECK(wire.heard.size() == 1);
    wire.arbiter->drain();
    CHECK(wire.heard.size() == 60);
    wire.agent->drain();
    CHECK(wire.replies.size() == 60);
}

TEST_CASE("draining ends, though a flood goes on") {
    Wire wire;
    const Endpoint at = wire.listen({"127.0.0.1:0"});
    udp::socket flooder(wire.loop, udp::v4());
    const udp::endpoint to(asio::ip::make_address("127.0.0.1"), at.port);
    const std::array<char, 200> junk{};
    for (int round = 0; round < 20; ++round) {
        for (int i = 0; i < 2000; ++i) flooder.send_to(asio::buffer(junk), to);
        const auto before = wire.arbiter->counters().received;
        wire.arbiter->drain();
        CHECK(wire.arbiter->counters().received > before);
    }
    CHECK(wire.arbiter->session().counters().of(Rejection::bad_magic) ==
          wire.arbiter->counters().received);
}

TEST_CASE("datagrams of any length are survived and counted") {
    Wire wire;
    const Endpoint at = wire.listen({"127.0.0.1:0"});
    udp::socket sender(wire.loop, udp::v4());
    const udp::endpoint to(asio::ip::make_address("127.0.0.1"), at.port);
    const std::vector<char> junk(60000);
    for (const std::size_t size : {0UL, 1UL, 113UL, 114UL, 1232UL, 1233UL, 60000UL})
        sender.send_to(asio::buffer(junk.data(), size), to);
    wire.arbiter->drain();
    const auto& counters = wire.arbiter->session().counters();
    CHECK(counters.of(Rejection::too_short) == 3);
    CHECK(counters.of(Rejection::bad_magic) == 2);
    CHECK(counters.of(Rejection::too_long) == 2);
}

TEST_CASE("a port in use is refused by name") {
    Wire wire;
    const Endpoint at = wire.listen({"127.0.0.1:0"});
    Wire other;
    std::string complaint;
    try {
        other.listen({at.text()});
    } catch (const std::runtime_error& error) {
        complaint = error.what();
    }
    CHECK(complaint.find(at.text()) != std::string::npos);
    CHECK(complaint.find("Address already in use") != std::string::npos);
}

TEST_CASE("a reply to somebody who was never heard goes nowhere and is counted") {
    Wire wire;
    wire.listen({"127.0.0.1:0"});
    wire.arbiter->send(id("wiki1"), ack(1));
    CHECK(wire.arbiter->counters().send_errors == 1);
    CHECK(wire.arbiter->counters().sent == 0);
}

TEST_CASE("an agent whose arbiter can not be reached goes on and counts") {
    Wire wire;
    wire.speak("192.0.2.1", 5399, "127.0.0.11");  // no route from a loopback address
    for (std::uint64_t i = 1; i < 10; ++i) wire.say(i);
    CHECK(wire.agent->counters().send_errors + wire.agent->counters().sent == 9);
    wire.speak("no-such-host.invalid", 5399, "127.0.0.11");
    wire.say(1);
    wire.until([] { return false; }, 50ms);
    CHECK(wire.replies.empty());
}

TEST_CASE("a channel may go while its loop still has its handlers") {
    Wire wire;
    const Endpoint at = wire.listen({"127.0.0.1:0"});
    wire.speak("localhost", at.port, "127.0.0.11");
    wire.say(1);
    wire.agent.reset();
    wire.arbiter.reset();
    wire.loop.restart();
    wire.loop.run_for(500ms);
    CHECK(wire.loop.stopped());  // nothing is left to wait for
}
