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

TEST_CASE("services that would answer our answers are not answered, all others are") {
    for (unsigned port = 0; port <= 0xffff; ++port) {
        const bool service =
            port == 0 || port == 7 || port == 13 || port == 17 || port == 19 || port == 37;
        REQUIRE(UdpServer::may_be_answered(static_cast<std::uint16_t>(port)) == !service);
    }
    // Ports below 1024 are for root; where they are not to be had, the table above must do.
    Running running(loopback(0));
    const Fd chargen(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const auto from = to_socket({heartbeat::Address::v4({127, 0, 41, 19}), 19});
    if (::bind(chargen.get(), from.get(), from.size) != 0) return;
    const auto to = to_socket(running.endpoint);
    REQUIRE(::connect(chargen.get(), to.get(), to.size) == 0);
    const Bytes request = zones::make_query(name("www.example.org"), zones::Type::a, 1);
    REQUIRE(::send(chargen.get(), request.data(), request.size(), 0) > 0);
    CHECK(eventually([&] {
        return running.server->totals().dropped[static_cast<int>(Dropped::source_port_reflector)] ==
               1;
    }));
    CHECK_FALSE(readable(chargen.get(), 50ms));
}

TEST_CASE("a cookie has the time of day (RFC 9018 §4.3)") {
    Running running(loopback(0));
    zones::EdnsRules rules;
    rules.cookies = *zones::CookieSecrets::parse("e5e973e5a6b2a43f48e7dc849e37bfcf");
    running.cell.store(std::make_shared<const zones::Catalog>(running.cell.load()->with(rules)));
    Bytes request = zones::make_query(name("www.example.org"), zones::Type::a, 1);
    request[11] = std::byte{1};  // one OPT, with a client's cookie
    for (const int byte :
         {0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 12, 0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8})
        request.push_back(static_cast<std::byte>(byte));
    const UdpClient client(running.endpoint);
    client.send(request);
    const auto answer = client.receive();
    REQUIRE(answer);
    // The option ends the message: the time, then eight bytes of hash.
    REQUIRE(answer->size() > 28);
    const std::byte* at = answer->data() + answer->size() - 12;
    std::int64_t stamp = 0;
    for (int i = 0; i < 4; ++i) stamp = stamp << 8 | std::to_integer<int>(at[i]);
    CHECK(std::abs(stamp - ::time(nullptr)) <= 5);
}

TEST_CASE("each order of two addresses has its turn, also for who asks for A, then AAAA") {
    Running running(loopback(0));
    running.cell.store(std::make_shared<const zones::Catalog>(catalog(
        zone("example.org", zone_text(7, "www A 192.0.2.1\nwww A 192.0.2.2\nwww AAAA ::1\n")))));
    const UdpClient client(running.endpoint);
    for (const unsigned rhythm : {1U, 2U, 3U, 4U, 8U}) {
        CAPTURE(rhythm);
        const unsigned led = first_led(
            200, rhythm, [&](zones::Type type) { return client.ask("www.example.org", type); });
        CHECK(led >= 60);
        CHECK(led <= 140);
    }
}

TEST_CASE("answers are counted by their whole code, with what the OPT adds (RFC 6891 §6.1.3)") {
    Running running(loopback(0));
    zones::EdnsRules rules;
    rules.cookies = *zones::CookieSecrets::parse("e5e973e5a6b2a43f48e7dc849e37bfcf");
    rules.cookies_required = true;
    running.cell.store(std::make_shared<const zones::Catalog>(running.cell.load()->with(rules)));
    const UdpClient client(running.endpoint);
    const auto ask_with_opt = [&](int version, const std::vector<int>& options) {
        Bytes request = zones::make_query(name("www.example.org"), zones::Type::a, 1);
        request[11] = std::byte{1};
        for (const int byte : {0, 0, 41, 4, 208, 0, version, 0, 0, 0})
            request.push_back(static_cast<std::byte>(byte));
        request.push_back(static_cast<std::byte>(options.size()));
        for (const int byte : options) request.push_back(static_cast<std::byte>(byte));
        client.send(request);
        const auto response = client.receive();
        REQUIRE(response);
        return zones::read_answer(*response)->rcode;
    };
    CHECK(ask_with_opt(0, {}) == 0);
    CHECK(ask_with_opt(1, {}) == 16);
    CHECK(ask_with_opt(0, {0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8}) == 23);
    const QueryTotals totals = running.server->totals();
    CHECK(totals.responses[0] == 1);
    CHECK(totals.responses[7] == 0);
    CHECK(totals.responses[16] == 1);
    CHECK(totals.responses[23] == 1);
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
