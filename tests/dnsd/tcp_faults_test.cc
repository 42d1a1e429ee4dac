// FAULTS: what clients of TCP do to exhaust a server, by the names of its table.
#include "tests/dnsd/tcp_support.h"
#include "zones/conversation.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <algorithm>
#include <fstream>

using namespace dnsd;
using namespace test;

namespace {

std::size_t resident_bytes() {
    std::size_t pages = 0, resident = 0;
    std::ifstream("/proc/self/statm") >> pages >> resident;
    return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

std::size_t open_descriptors() {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

// Without lingering: closing sends a reset.
void reset(const TcpClient& client) {
    const linger none{1, 0};
    REQUIRE(::setsockopt(client.fd(), SOL_SOCKET, SO_LINGER, &none, sizeof none) == 0);
}

// Sends without waiting, until the way is full; how many bytes went.
std::size_t stuff(const TcpClient& client, const Bytes& bytes) {
    std::size_t sent = 0;
    for (;;) {
        const ssize_t took =
            ::send(client.fd(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (took <= 0) return sent;
        sent += static_cast<std::size_t>(took);
        if (static_cast<std::size_t>(took) < bytes.size()) return sent;
    }
}

// One TXT RRset of nearly 60 KiB.
std::shared_ptr<const zones::Zone> zone_with_a_big_answer() {
    std::string text = "www A 192.0.2.80\n";
    for (int i = 0; i < 230; ++i) text += fmt::format("big TXT \"{:0>240}\"\n", i);
    return zone("example.org", zone_text(7, text));
}

// The limit of descriptors of this process, put back at the end.
class DescriptorLimit {
public:
    DescriptorLimit() { REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0); }
    ~DescriptorLimit() { ::setrlimit(RLIMIT_NOFILE, &before_); }
    std::size_t raise() const {
        set(before_.rlim_max);
        return before_.rlim_max;
    }
    void set(rlim_t limit) const {
        const rlimit now{limit, before_.rlim_max};
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &now) == 0);
    }

private:
    rlimit before_{};
};

}  // namespace

TEST_CASE("10,000 connections that idle or drip keep nobody out (tcp_slowloris_10k)") {
    const DescriptorLimit limit;
    // Both ends of each are descriptors of this process.
    const std::size_t descriptors = limit.raise();
    REQUIRE_MESSAGE(descriptors >= 1024,
                    "the hard limit of descriptors is too low to tell anything");
    const std::size_t strangers = std::min<std::size_t>(10'000, (descriptors - 300) / 2);
    if (strangers < 10'000) MESSAGE("descriptors are for " << strangers << " connections only");
    TcpLimits limits;
    limits.reserve = 100;
    limits.connections_max = strangers + limits.reserve;
    limits.idle = limits.request = 1h;
    const Running running(limits, zone("example.org", zone_text(7, "www A 192.0.2.80\n")),
                          to_the_secondary());
    const std::size_t before = resident_bytes();
    const Bytes frame = TcpClient::framed(query(1));
    std::vector<TcpClient> held;
    held.reserve(strangers);
    for (unsigned i = 0; i < strangers; ++i) {
        held.emplace_back(running.endpoint, 0, stranger(i));
        if (i % 2 == 0) held.back().send_raw({frame[0]});  // half of them begin a request
        if (i % 200 == 199)                                // the backlog has its own bound
            REQUIRE(eventually([&] { return running.server->totals().accepted > i - 100; }));
    }
    REQUIRE(eventually([&] { return running.server->totals().accepted == strangers; }));
    for (std::size_t byte = 1; byte < 5; ++byte)
        for (std::size_t i = 0; i < strangers; i += 2) held[i].send_raw({frame[byte]});

    CHECK(UdpClient(running.endpoint).ask("www.example.org", zones::Type::a)->answer.size() == 1);
    const TcpClient follower(running.endpoint, 0, secondary());
    CHECK(answered(follower, 2));
    CHECK(running.server->totals().open_secondaries == 1);
    CHECK(running.server->totals().evicted == 0);  // it has a place of its own
    const TcpClient newcomer(running.endpoint, 0, stranger(0));
    CHECK(answered(newcomer, 3));  // in the place of one that idled
    // On a slow machine some have idled for the second that they have left when all is taken.
    const TcpTotals totals = running.server->totals();
    CHECK(totals.evicted + totals.timed_out >= 1);
    CHECK(totals.refused == 0);
    CHECK(totals.open + totals.evicted + totals.timed_out == strangers + 2);
    CHECK(totals.open > strangers * 9 / 10);
    // Some hundred bytes for each; the sanitizers multiply that.
    CHECK(resident_bytes() - before < strangers * 8 * 1024);
    held.clear();
    CHECK(eventually([&] { return running.server->totals().open == 2; }));
}

TEST_CASE("a client that drips is gone when its request was due (tcp_slowloris_10k)") {
    TcpLimits limits;
    limits.idle = 60s;
    limits.request = 500ms;
    const Running running(limits);
    std::vector<TcpClient> dripping;
    for (unsigned i = 0; i < 50; ++i) dripping.emplace_back(running.endpoint, 0, stranger(i));
    const auto began = std::chrono::steady_clock::now();
    for (int round = 0; round < 100 && running.server->totals().timed_out < 50; ++round) {
        for (const TcpClient& client : dripping) ::send(client.fd(), "\1", 1, MSG_NOSIGNAL);
        ::usleep(20'000);
    }
    CHECK(running.server->totals().timed_out == 50);
    CHECK(std::chrono::steady_clock::now() - began < 3s);
    CHECK(answered(TcpClient(running.endpoint), 1));
}

TEST_CASE("who asks and never reads is not read from, and goes (tcp_no_read)") {
    TcpLimits limits;
    limits.write = 1s;
    const Running running(limits, zone_with_a_big_answer(), to_the_secondary());
    Bytes burst;
    for (std::uint16_t id = 0; id < 500; ++id) {
        const Bytes frame = TcpClient::framed(query(id, zones::Type::txt, "big.example.org"));
        burst.insert(burst.end(), frame.begin(), frame.end());
    }
    const TcpClient client(running.endpoint, 4096);
    std::size_t sent = 0;
    std::uint64_t requests = 0;
    for (int calm = 0; calm < 10; ::usleep(20'000)) {
        const std::size_t more = stuff(client, burst);
        sent += more;
        const auto now = running.server->totals().queries.requests;
        calm = more == 0 && now == requests ? calm + 1 : 0;
        requests = now;
    }
    // What it sends stays where it is; what it asked for is in its own kernel, or was never made.
    CHECK(requests < 500);
    CHECK(sent > 0);
    CHECK(answered(TcpClient(running.endpoint), 1));
    CHECK(eventually([&] { return running.server->totals().timed_out == 1; }));
    CHECK(eventually([&] { return running.server->totals().open == 0; }));
}

TEST_CASE("strangers that never read hold a bounded memory together (tcp_no_read)") {
    TcpLimits limits;
    limits.connections_per_address_max = 10;
    const Running running(limits, zone_with_a_big_answer(), to_the_secondary());
    Bytes burst;
    for (std::uint16_t id = 0; id < 20; ++id) {
        const Bytes frame = TcpClient::framed(query(id, zones::Type::txt, "big.example.org"));
        burst.insert(burst.end(), frame.begin(), frame.end());
    }
    std::vector<TcpClient> held;
    for (unsigned i = 0; i < 800 && running.server->totals().cut_off < 5; ++i) {
        held.emplace_back(running.endpoint, 4096, stranger(i));
        held.back().send_raw(burst);
    }
    CHECK(eventually([&] { return running.server->totals().cut_off > 0; }));
    const TcpTotals totals = running.server->totals();
    CHECK(totals.held > TcpServer::strangers_held_max / 2);
    CHECK(totals.held < 2 * TcpServer::strangers_held_max);
    // It is they who are cut off, not those who read.
    CHECK(answered(TcpClient(running.endpoint, 0, stranger(190)), 1));
    CHECK(answered(TcpClient(running.endpoint, 0, secondary()), 1));
    held.clear();
    CHECK(eventually([&] { return running.server->totals().held == 0; }));
}

TEST_CASE("transfers asked for in a pipeline are bounded, and all are had (tcp_pipeline_cap)") {
    Running running({}, large_zone(2'000));
    const TcpClient client(running.endpoint, 4096);
    constexpr std::uint16_t asked = 30;
    for (std::uint16_t id = 1; id <= asked; ++id)
        client.send(query(id, zones::Type::axfr, "example.org"));
    client.send(query(asked + 1));
    std::size_t soas = 0, under_way = 0, answers = 0;
    while (soas < 2 * asked || answers == 0) {
        under_way = std::max<std::size_t>(under_way, running.server->totals().transfers);
        const auto answer = client.receive_answer();
        REQUIRE(answer);
        answers += answer->id == asked + 1;
        for (const zones::RRset& rrset : answer->answer)
            if (rrset.type == zones::Type::soa) soas += rrset.rdatas.size();
    }
    CHECK(under_way > 1);
    CHECK(under_way <= zones::Conversation::transfers_max);
    CHECK(eventually([&] { return running.transfers_done() == asked; }));
    CHECK(eventually([&] { return running.server->totals().transfers == 0; }));
}

TEST_CASE(
    "a client that has closed its side gets all it asked for, then the end (tcp_half_close)") {
    Running running({}, large_zone(5'000));
    {
        const TcpClient client(running.endpoint, 16 * 1024);
        client.send(query(1, zones::Type::axfr, "example.org"));
        client.send(query(1, zones::Type::soa, "example.org"));  // after the transfer, by its id
        client.send_raw({std::byte{0}, std::byte{40}, std::byte{1}});  // never to be whole
        client.half_close();
        std::size_t messages = 0;
        CHECK(read_transfer(client, messages) == 5'000 + 4);
        CHECK(client.receive_answer()->serial() == zones::Serial(7));
        CHECK(client.ended());
    }
    CHECK(eventually([&] { return running.server->totals().open == 0; }));
    CHECK(running.server->totals().timed_out == 0);
}

TEST_CASE("resets at any moment leave nothing behind (tcp_rst_storm)") {
    const Running running({}, large_zone(5'000));
    CHECK(answered(TcpClient(running.endpoint), 1));
    CHECK(eventually([&] { return running.server->totals().open == 0; }));
    const std::size_t descriptors = open_descriptors();
    const Bytes question = TcpClient::framed(query(1));
    const Bytes transfer = TcpClient::framed(query(1, zones::Type::axfr, "example.org"));
    for (unsigned i = 0; i < 2000; ++i) {
        const TcpClient client(running.endpoint, i % 3 == 0 ? 4096 : 0, stranger(i));
        reset(client);
        switch (i % 5) {
            case 0:
                break;
            case 1:
                client.send_raw({question[0]});
                break;
            case 2:
                client.send_raw(question);
                break;
            case 3:
                client.send_raw(transfer);
                break;
            default:
                client.send_raw(transfer);
                readable(client.fd(), 100ms);  // the transfer has begun
        }
    }
    CHECK(eventually([&] { return running.server->totals().open == 0; }));
    CHECK(running.server->totals().transfers == 0);
    CHECK(eventually([&] { return open_descriptors() == descriptors; }));
    CHECK(answered(TcpClient(running.endpoint), 2));
}

TEST_CASE("bytes that are no DNS end their connection, and no other (tcp_rst_storm)") {
    const Running running;
    const TcpClient good(running.endpoint);
    REQUIRE(answered(good, 1));
    std::uint64_t seed = 42;
    for (int i = 0; i < 200; ++i) {
        const TcpClient client(running.endpoint);
        Bytes noise(300);
        for (std::byte& byte : noise) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            byte = static_cast<std::byte>(seed >> 56);
        }
        if (i == 0) noise.assign(64 * 1024, std::byte{0});
        ::send(client.fd(), noise.data(), noise.size(), MSG_NOSIGNAL);  // as far as it gets
    }
    const TcpClient zeros(running.endpoint);
    zeros.send_raw(Bytes(2));
    CHECK(zeros.ended());
    CHECK(answered(good, 2));
    CHECK(eventually([&] { return running.server->totals().open == 1; }));
}

TEST_CASE("without descriptors UDP goes on and TCP waits; then TCP goes on (EMFILE)") {
    const DescriptorLimit limit;
    Running running({}, large_zone(20'000));
    const UdpClient udp(running.endpoint);
    const TcpClient busy(running.endpoint, 4096);  // its transfer goes on, come what may
    busy.send(query(1, zones::Type::axfr, "example.org"));
    REQUIRE(readable(busy.fd(), 5s));
    std::optional<TcpClient> idle;
    bool one_idles = false;
    SUBCASE("all that are connected are busy") {}
    SUBCASE("one of them idles") {
        one_idles = true;
    }
    if (one_idles) idle.emplace(running.endpoint);
    const std::uint64_t before = one_idles ? 2 : 1;
    REQUIRE(eventually([&] { return running.server->totals().accepted == before; }));
    // Descriptors are given out from below: behind these two none is allowed.
    const Fd last(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const Fd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    limit.set(static_cast<rlim_t>(std::max(last.get(), client.get())) + 1);
    const auto to = to_socket(running.endpoint);
    REQUIRE(::connect(client.get(), to.get(), to.size) == 0);
    REQUIRE(eventually([&] { return running.server->totals().accept_errors > 0; }));
    if (one_idles) {
        CHECK(idle->ended());  // it makes room
        CHECK(eventually([&] { return running.server->totals().accepted == 3; }));
        CHECK(running.server->totals().evicted == 1);
    } else {
        ::usleep(300'000);
        CHECK(running.server->totals().accepted == before);
        CHECK(running.server->totals().accept_errors < 10);  // it does not ask in a circle
    }
    CHECK(udp.ask("host1.example.org", zones::Type::txt)->answer.size() == 1);
    limit.raise();
    CHECK(eventually([&] { return running.server->totals().accepted == before + 1; }));
    CHECK(answered(TcpClient(running.endpoint), 2));
    std::size_t messages = 0;
    CHECK(read_transfer(busy, messages) == 20'000 + 4);
}
