// What RFC 1035 §4.2.2, RFC 5966, RFC 7766, RFC 7828 and RFC 9210 ask of a server over TCP, over
// real sockets; the order of answers and their bounds are tested in tests/zones/conversation_test.
#include "tests/dnsd/tcp_support.h"

#include <linux/tcp.h>
#include <set>

using namespace dnsd;
using namespace test;

namespace {

// How many segments with data the client's kernel has got.
unsigned segments_in(const TcpClient& client) {
    tcp_info info{};
    socklen_t size = sizeof info;
    REQUIRE(::getsockopt(client.fd(), IPPROTO_TCP, TCP_INFO, &info, &size) == 0);
    return info.tcpi_data_segs_in;
}

Bytes stream_of(const std::vector<Bytes>& messages) {
    Bytes stream;
    for (const Bytes& message : messages) {
        const Bytes frame = TcpClient::framed(message);
        stream.insert(stream.end(), frame.begin(), frame.end());
    }
    return stream;
}

// RFC 7828 §3.1: the option, empty as a client sends it.
Bytes with_keepalive(Bytes message) {
    message[11] = std::byte{1};  // ARCOUNT
    for (const int byte : {0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 4, 0, 11, 0, 0})
        message.push_back(static_cast<std::byte>(byte));
    return message;
}

// The timeout in an answer, in tenths of a second; the option is looked for as it is written.
std::optional<unsigned> keepalive_in(const Bytes& message) {
    const std::array option{std::byte{0}, std::byte{11}, std::byte{0}, std::byte{2}};
    const auto found = std::search(message.begin(), message.end(), option.begin(), option.end());
    if (message.end() - found < 6) return std::nullopt;
    return std::to_integer<unsigned>(found[4]) << 8 | std::to_integer<unsigned>(found[5]);
}

unsigned id_of(const Bytes& message) {
    return std::to_integer<unsigned>(message[0]) << 8 | std::to_integer<unsigned>(message[1]);
}

}  // namespace

TEST_CASE("a request is answered wherever its segments are cut (RFC 7766 section 8)") {
    const Running running;
    const TcpClient client(running.endpoint);
    const int on = 1;
    REQUIRE(::setsockopt(client.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0);
    const Bytes frame = TcpClient::framed(query(1));
    for (std::size_t cut = 1; cut < frame.size(); ++cut) {
        CAPTURE(cut);
        const auto at = frame.begin() + static_cast<std::ptrdiff_t>(cut);
        client.send_raw({frame.begin(), at});
        ::usleep(500);
        client.send_raw({at, frame.end()});
        REQUIRE(client.receive_answer()->id == 1);
    }
}

TEST_CASE("the length and the message leave in one segment (RFC 7766 section 8)") {
    const Running running;
    const TcpClient client(running.endpoint);
    REQUIRE(answered(client, 1));
    CHECK(segments_in(client) == 1);
    REQUIRE(answered(client, 2));
    CHECK(segments_in(client) == 2);
}

TEST_CASE("answers to requests that came together leave together (RFC 7766 section 6.2.1.1)") {
    const Running running;
    const TcpClient client(running.endpoint);
    std::vector<Bytes> many;
    for (std::uint16_t id = 0; id < 100; ++id) many.push_back(query(id));
    client.send_raw(stream_of(many));
    for (std::uint16_t id = 0; id < 100; ++id) REQUIRE(client.receive_answer()->id == id);
    CHECK(segments_in(client) <= 3);
}

TEST_CASE("a connection serves one request after the other (RFC 7766 section 6.2.1)") {
    const Running running;
    const TcpClient client(running.endpoint);
    for (std::uint16_t id = 0; id < 50; ++id) REQUIRE(answered(client, id));
    CHECK(running.server->totals().accepted == 1);
}

TEST_CASE("questions are answered while a transfer streams (RFC 7766 section 6.2.1.1)") {
    Running running({}, large_zone(20'000));
    const TcpClient client(running.endpoint, 16 * 1024);
    client.send(query(1, zones::Type::axfr, "example.org"));
    const auto first = client.receive();
    REQUIRE(first);
    REQUIRE(id_of(*first) == 1);
    std::size_t soas = 1, before_answers = 0;
    std::set<unsigned> asked;
    for (std::uint16_t id = 2; id < 7; ++id) {
        client.send(query(id));
        asked.insert(id);
    }
    while (soas < 2 || !asked.empty()) {
        const auto message = client.receive();
        REQUIRE(message);
        const auto answer = zones::read_answer(*message);
        REQUIRE(answer);
        if (answer->id != 1) {
            CHECK(soas == 1);  // the transfer is not at its end
            asked.erase(answer->id);
            continue;
        }
        before_answers += !asked.empty();
        for (const zones::RRset& rrset : answer->answer) soas += rrset.type == zones::Type::soa;
    }
    // Behind what was under way already, in the kernels and in one speech, and no more.
    CHECK(before_answers < 40);
}

TEST_CASE("two requests under way with one id are both answered") {
    const Running running;
    const TcpClient client(running.endpoint);
    client.send_raw(stream_of({query(5), query(5, zones::Type::ns, "example.org")}));
    CHECK(client.receive_answer()->answer.at(0).type == zones::Type::a);
    CHECK(client.receive_answer()->answer.at(0).type == zones::Type::ns);
}

TEST_CASE("an idle connection is closed in order, with nothing to be reset for (RFC 7766 6.2.3)") {
    TcpLimits limits;
    limits.idle = 300ms;
    const Running running(limits);
    const TcpClient client(running.endpoint);
    REQUIRE(answered(client, 1));
    REQUIRE(readable(client.fd(), 3s));
    std::byte byte;
    CHECK(::recv(client.fd(), &byte, 1, 0) == 0);  // the end of the stream, no error
    CHECK(running.server->totals().timed_out == 1);
}

TEST_CASE("each request on a connection begins its idle time anew") {
    TcpLimits limits;
    limits.idle = 1s;
    const Running running(limits);
    const TcpClient client(running.endpoint);
    for (std::uint16_t id = 0; id < 8; ++id) {
        REQUIRE(answered(client, id));
        ::usleep(300'000);
    }
    CHECK(running.server->totals().timed_out == 0);
}

TEST_CASE("a transfer longer than the idle time is whole, and its end begins an idle time") {
    TcpLimits limits;
    limits.idle = 500ms;
    Running running(limits, large_zone(20'000));
    const TcpClient client(running.endpoint, 4096);
    client.send(query(1, zones::Type::axfr, "example.org"));
    REQUIRE(readable(client.fd(), 5s));
    ::usleep(900'000);  // the client is slow, and the server waits for it
    std::size_t messages = 0;
    CHECK(read_transfer(client, messages) == 20'000 + 4);
    CHECK(answered(client, 2));
}

TEST_CASE("a client that closes first costs nothing more (RFC 7766 section 6.2.4)") {
    const Running running;
    {
        const TcpClient client(running.endpoint);
        REQUIRE(answered(client, 1));
    }
    { const TcpClient silent(running.endpoint); }
    CHECK(eventually([&] {
        return running.server->totals().accepted == 2 && running.server->totals().open == 0;
    }));
    CHECK(running.server->totals().timed_out == 0);
}

TEST_CASE("what UDP truncates TCP has whole, and what it does not is the same on both") {
    std::string text = "www A 192.0.2.80\n";
    for (int i = 0; i < 60; ++i) text += fmt::format("big TXT \"{:0>100}\"\n", i);
    const Running running({}, zone("example.org", zone_text(7, text)));
    const TcpClient tcp(running.endpoint);
    const UdpClient udp(running.endpoint);
    for (const char* qname : {"www.example.org", "nope.example.org", "example.org", "other.net"}) {
        CAPTURE(qname);
        const Bytes request = query(9, zones::Type::a, qname);
        tcp.send(request);
        udp.send(request);
        const auto by_tcp = tcp.receive();
        REQUIRE(by_tcp);
        CHECK(by_tcp == udp.receive());
    }
    const auto cut = udp.ask("big.example.org", zones::Type::txt);
    REQUIRE(cut);
    CHECK(cut->truncated);
    tcp.send(query(10, zones::Type::txt, "big.example.org"));
    const auto whole = tcp.receive_answer();
    CHECK_FALSE(whole->truncated);
    CHECK(whole->answer.at(0).rdatas.size() == 60);
}

TEST_CASE("who asks is told how long an idle connection stays (RFC 7828 section 3.3.2)") {
    TcpLimits limits;
    limits.idle = 8s;
    limits.connections_max = 10;
    limits.reserve = 2;
    const Running running(limits, zone("example.org", zone_text(7, "www A 192.0.2.80\n")),
                          to_the_secondary());
    const auto told = [&](const TcpClient& client) {
        client.send(with_keepalive(query(3)));
        const auto answer = client.receive();
        return answer ? keepalive_in(*answer) : std::nullopt;
    };
    const TcpClient first(running.endpoint);
    CHECK(told(first) == 80);
    first.send(query(1));
    const auto unasked = first.receive();
    REQUIRE(unasked);
    CHECK_FALSE(keepalive_in(*unasked));
    // RFC 7766 §6.2.3, RFC 7828 §3.4: as it gets full, a stranger is to leave sooner.
    std::vector<TcpClient> others;
    for (unsigned i = 1; i < 8; ++i) {
        others.emplace_back(running.endpoint);
        REQUIRE(answered(others.back(), 1));
    }
    CHECK(told(first) == 10);
    CHECK(told(TcpClient(running.endpoint, 0, secondary())) == 80);
    CHECK(eventually([&] { return running.server->totals().timed_out > 0; }, 3s));
}

TEST_CASE("each order of two addresses has its turn by TCP, also for who asks A, then AAAA") {
    const Running running(
        {}, zone("example.org",
                 zone_text(7, "www A 192.0.2.1\nwww A 192.0.2.2\nwww AAAA 2001:db8::1\n")));
    const TcpClient client(running.endpoint);
    for (const unsigned rhythm : {1U, 2U, 4U}) {
        CAPTURE(rhythm);
        const unsigned led = first_led(200, rhythm, [&](zones::Type type) {
            client.send(query(1, type));
            return client.receive_answer();
        });
        CHECK(led >= 60);
        CHECK(led <= 140);
    }
}

TEST_CASE("the OPT says by TCP, too, what UDP takes, transfers included (RFC 6891 section 6.2.3)") {
    for (const std::uint16_t size :
         {std::uint16_t{512}, std::uint16_t{1432}, std::uint16_t{4096}}) {
        CAPTURE(size);
        const Running running({}, zone("example.org", zone_text(7, "www A 192.0.2.80\n")),
                              std::nullopt, size);
        const TcpClient client(running.endpoint);
        for (const auto& [type, what] : {std::pair{zones::Type::a, "www.example.org"},
                                         std::pair{zones::Type::axfr, "example.org"}}) {
            client.send(with_keepalive(query(7, type, what)));
            const auto answer = client.receive_answer();
            REQUIRE(answer);
            CHECK(answer->rcode == 0);
            CHECK(answer->udp_size == size);
        }
    }
}
