#include "dnsd/io/udp_server.h"

#include "tests/dnsd/support.h"

#include <set>

using namespace dnsd;
using namespace test;

namespace {

struct Running {
    explicit Running(const Endpoint& listen, unsigned workers = 1)
        : cell(std::make_shared<const zones::Catalog>(
              catalog(zone("example.org", zone_text(7, "www A 192.0.2.80\n"))))) {
        auto opened = open_query_sockets({listen}, workers);
        REQUIRE(opened);
        sockets = std::move(*opened);
        endpoint = sockets.listeners.front().endpoint;
        server.emplace(sockets.listeners, workers, 1232, cell);
    }
    PublishedCell<zones::Catalog> cell;
    QuerySockets sockets;
    Endpoint endpoint = loopback(0);
    std::optional<UdpServer> server;
};

}  // namespace

TEST_CASE("a datagram is answered from the zone") {
    const Running running(loopback(0));
    const auto answer = UdpClient(running.endpoint).ask("www.example.org", zones::Type::a);
    REQUIRE(answer);
    CHECK(answer->id == 4711);
    CHECK(answer->rcode == 0);
    CHECK(answer->authoritative);
    CHECK(answer->answer.size() == 1);
}

TEST_CASE("of a burst larger than a batch every query is answered, each to its asker") {
    const Running running(loopback(0), 2);
    constexpr std::uint16_t queries = 3 * UdpServer::batch_max;
    const UdpClient one(running.endpoint), other(running.endpoint);
    for (std::uint16_t id = 0; id < queries; ++id)
        (id % 2 == 0 ? one : other)
            .send(zones::make_query(name("www.example.org"), zones::Type::a, id));
    std::set<std::uint16_t> even, odd;
    for (std::uint16_t i = 0; i < queries / 2; ++i) {
        const auto to_one = one.receive(), to_other = other.receive();
        REQUIRE(to_one);
        REQUIRE(to_other);
        even.insert(zones::read_answer(*to_one)->id);
        odd.insert(zones::read_answer(*to_other)->id);
    }
    CHECK(even.size() == queries / 2);
    CHECK(odd.size() == queries / 2);
    for (const std::uint16_t id : even) CHECK(id % 2 == 0);
    const QueryTotals totals = running.server->totals();
    CHECK(totals.requests == queries);
    CHECK(totals.responses[0] == queries);
}

TEST_CASE("the answer comes from the address that was asked, also when bound to the wildcard") {
    const Running running({heartbeat::Address::v4({0, 0, 0, 0}), 0});
    // A connected socket takes datagrams from that address alone.
    for (const std::array<std::uint8_t, 4> asked :
         {std::array<std::uint8_t, 4>{127, 0, 0, 1}, {127, 0, 0, 77}}) {
        const Endpoint there{heartbeat::Address::v4(asked), running.endpoint.port};
        CHECK(UdpClient(there).ask("www.example.org", zones::Type::a));
    }
}

TEST_CASE("the same over IPv6") {
    const Running running({heartbeat::Address::parse("::").value(), 0});
    const Endpoint there{heartbeat::Address::parse("::1").value(), running.endpoint.port};
    CHECK(UdpClient(there).ask("www.example.org", zones::Type::a));
}

TEST_CASE("a new version is in the very next answer") {
    Running running(loopback(0));
    const UdpClient client(running.endpoint);
    CHECK(client.ask("example.org", zones::Type::soa)->serial() == zones::Serial(7));
    running.cell.store(
        std::make_shared<const zones::Catalog>(catalog(zone("example.org", zone_text(8)))));
    CHECK(client.ask("example.org", zones::Type::soa)->serial() == zones::Serial(8));
}

TEST_CASE("an idle worker does not keep an old version in memory") {
    Running running(loopback(0));
    const std::weak_ptr<const zones::Catalog> old = running.cell.load();
    CHECK(UdpClient(running.endpoint).ask("example.org", zones::Type::soa));
    running.cell.store(std::make_shared<const zones::Catalog>());
    CHECK(eventually([&] { return running.cell.sweep() == 0 && old.expired(); }));
}

TEST_CASE("what is no query gets no answer and is counted by its reason") {
    Running running(loopback(0));
    const UdpClient client(running.endpoint);
    SUBCASE("shorter than a header") {
        client.send(Bytes(5));
        CHECK(eventually([&] {
            return running.server->totals().dropped[static_cast<int>(Dropped::silent)] == 1;
        }));
    }
    SUBCASE("longer than any query") {
        client.send(Bytes(UdpServer::request_max + 1));
        CHECK(eventually([&] {
            return running.server->totals().dropped[static_cast<int>(Dropped::too_long)] == 1;
        }));
    }
    CHECK_FALSE(client.receive(50ms));
    CHECK(client.ask("www.example.org", zones::Type::a));
}

TEST_CASE("an asker that is gone does not disturb the others") {
    const Running running(loopback(0));
    for (int i = 0; i < 50; ++i) {
        const UdpClient gone(running.endpoint);  // its port is closed when the answer arrives
        gone.send(zones::make_query(name("www.example.org"), zones::Type::a, 1));
    }
    CHECK(UdpClient(running.endpoint).ask("www.example.org", zones::Type::a));
}

TEST_CASE("stop() returns at once, whether workers sleep or not") {
    Running running(loopback(0), 4);
    ::usleep(200'000);  // long enough that they sleep without a limit
    const auto began = std::chrono::steady_clock::now();
    running.server->stop();
    CHECK(std::chrono::steady_clock::now() - began < 1s);
}
