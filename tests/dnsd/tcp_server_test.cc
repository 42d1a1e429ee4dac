#include "tests/dnsd/tcp_support.h"

using namespace dnsd;
using namespace test;

TEST_CASE("requests are answered however the stream is cut") {
    const Running running;
    const TcpClient client(running.endpoint);
    SUBCASE("byte by byte") {
        for (const std::byte byte : TcpClient::framed(query(1))) client.send_raw({byte});
        CHECK(client.receive_answer()->id == 1);
    }
    SUBCASE("many in one segment, answered in their order") {
        Bytes stream;
        for (std::uint16_t id = 0; id < 200; ++id) {
            const Bytes frame = TcpClient::framed(query(id));
            stream.insert(stream.end(), frame.begin(), frame.end());
        }
        client.send_raw(stream);
        for (std::uint16_t id = 0; id < 200; ++id) REQUIRE(client.receive_answer()->id == id);
    }
    SUBCASE("one and a half, and the rest later") {
        Bytes stream = TcpClient::framed(query(1));
        const Bytes second = TcpClient::framed(query(2));
        stream.insert(stream.end(), second.begin(), second.begin() + 9);
        client.send_raw(stream);
        CHECK(client.receive_answer()->id == 1);
        client.send_raw({second.begin() + 9, second.end()});
        CHECK(client.receive_answer()->id == 2);
    }
}

TEST_CASE("a client that has closed its sending side still gets its answers, then the end") {
    const Running running;
    const TcpClient client(running.endpoint);
    client.send(query(1));
    client.send(query(2));
    client.half_close();
    CHECK(client.receive_answer()->id == 1);
    CHECK(client.receive_answer()->id == 2);
    CHECK(client.ended());
}

TEST_CASE("what is no request ends the connection") {
    const Running running;
    const TcpClient client(running.endpoint);
    SUBCASE("an empty frame") {
        client.send_raw(Bytes(2));
    }
    SUBCASE("less than a header") {
        client.send(Bytes(11));
    }
    CHECK(client.ended());
}

TEST_CASE("every wait has an end") {
    const Running running(short_limits(), large_zone(20'000));
    SUBCASE("for a first request") {
        CHECK(TcpClient(running.endpoint).ended(3s));
    }
    SUBCASE("for the rest of a request that is sent byte by byte") {
        const TcpClient client(running.endpoint);
        const Bytes frame = TcpClient::framed(query(1));
        const auto began = std::chrono::steady_clock::now();
        std::size_t sent = 0;
        while (sent < frame.size() && !readable(client.fd(), 100ms))
            client.send_raw({frame[sent++]});
        CHECK(client.ended(3s));
        CHECK(std::chrono::steady_clock::now() - began < 3s);
    }
    SUBCASE("for a client that asks and never reads") {
        const TcpClient client(running.endpoint, 4096);
        client.send(query(1, zones::Type::axfr, "example.org"));
        CHECK(eventually([&] { return running.server->totals().timed_out == 1; }));
    }
    CHECK(eventually([&] { return running.server->totals().open == 0; }));
    CHECK(TcpClient(running.endpoint).fd() >= 0);
}

TEST_CASE("a transfer is whole, in many messages, and its end is told") {
    Running running({}, large_zone(5'000));
    const TcpClient client(running.endpoint);
    client.send(query(1, zones::Type::axfr, "example.org"));
    std::size_t messages = 0;
    CHECK(read_transfer(client, messages) == 5'000 + 4);  // SOA, NS, A of ns1, SOA
    CHECK(messages > 10);
    CHECK(eventually([&] { return running.transfers_done() == 1; }));
    const std::lock_guard lock(running.mutex);
    CHECK(running.transfers.front().peer.address == loopback(0).address);
    client.send(query(2, zones::Type::soa, "example.org"));  // the connection is good for more
    CHECK(client.receive_answer()->id == 2);
}

TEST_CASE("a transfer stays with the version that it began with") {
    Running running({}, large_zone(20'000));
    const TcpClient client(running.endpoint, 4096);
    client.send(query(1, zones::Type::axfr, "example.org"));
    REQUIRE(readable(client.fd(), 5s));
    running.cell.store(
        std::make_shared<const zones::Catalog>(catalog(zone("example.org", zone_text(8)))));
    std::size_t messages = 0;
    CHECK(read_transfer(client, messages) == 20'000 + 4);
    client.send(query(2, zones::Type::soa, "example.org"));
    CHECK(client.receive_answer()->serial() == zones::Serial(8));
}

TEST_CASE("one address cannot take all connections") {
    TcpLimits limits;
    limits.connections_per_address_max = 3;
    const Running running(limits);
    std::vector<TcpClient> held;
    for (int i = 0; i < 3; ++i) {
        held.emplace_back(running.endpoint);
        held.back().send(query(1));
        REQUIRE(held.back().receive_answer());
    }
    CHECK(TcpClient(running.endpoint).ended());
    CHECK(running.server->totals().refused == 1);
    held.pop_back();
    CHECK(eventually([&] { return running.server->totals().open == 2; }));
    const TcpClient next(running.endpoint);
    next.send(query(9));
    CHECK(next.receive_answer()->id == 9);
}

TEST_CASE("when all connections are taken, the longest idle one makes room") {
    TcpLimits limits;
    limits.connections_max = 3;
    limits.reserve = 0;
    const Running running(limits);
    std::vector<TcpClient> held;
    for (int i = 0; i < 3; ++i) {
        held.emplace_back(running.endpoint);
        held.back().send(query(1));
        REQUIRE(held.back().receive_answer());
    }
    const TcpClient next(running.endpoint);
    next.send(query(9));
    CHECK(next.receive_answer()->id == 9);
    CHECK(held[0].ended());
    held[1].send(query(2));
    CHECK(held[1].receive_answer()->id == 2);
    CHECK(running.server->totals().evicted == 1);
    CHECK(running.server->totals().open == 3);
}

TEST_CASE("the server ends at once with clients connected and a transfer under way") {
    Running running({}, large_zone(20'000));
    const TcpClient idle(running.endpoint), reading(running.endpoint, 4096);
    reading.send(query(1, zones::Type::axfr, "example.org"));
    REQUIRE(readable(reading.fd(), 5s));
    const auto began = std::chrono::steady_clock::now();
    running.server.reset();
    CHECK(std::chrono::steady_clock::now() - began < 1s);
}
