// What the servers tell of transfers, over real sockets.
#include "tests/dnsd/tcp_support.h"

#include <algorithm>

#include <doctest/doctest.h>

using namespace dnsd;
using namespace test;
using namespace std::chrono_literals;

namespace {

using What = TransferNews::What;

std::vector<TransferNews> others(Running& running, What what) {
    const std::lock_guard lock(running.mutex);
    std::vector<TransferNews> out;
    for (const TransferNews& one : running.other_news)
        if (one.what == what) out.push_back(one);
    return out;
}

Bytes axfr(std::uint16_t id) {
    return query(id, zones::Type::axfr, "example.org");
}

// RFC 1995 §3: with the client's SOA in the authority section.
Bytes ixfr(std::uint16_t id) {
    Bytes out = query(id, zones::Type::ixfr, "example.org");
    out[9] = std::byte{1};
    for (const unsigned byte : {0xc0, 12, 0, 6, 0, 1, 0, 0, 0, 0, 0, 22, 0, 0})
        out.push_back(static_cast<std::byte>(byte));
    out.resize(out.size() + 20);  // serial 0
    return out;
}

}  // namespace

TEST_CASE("a transfer that goes on is told when it begins and when it ends, under one number") {
    Running running({}, large_zone(20'000));
    const TcpClient client(running.endpoint, 4096);
    client.send(axfr(1));
    REQUIRE(eventually([&] { return others(running, What::begun).size() == 1; }));
    CHECK(running.transfers_done() == 0);
    std::size_t messages = 0;
    CHECK(read_transfer(client, messages) == 20'000 + 4);
    REQUIRE(eventually([&] { return running.transfers_done() == 1; }));
    const TransferNews begun = others(running, What::begun).front();
    const std::lock_guard lock(running.mutex);
    const TransferNews& ended = running.transfers.front();
    CHECK(begun.transfer != 0);
    CHECK(ended.transfer == begun.transfer);
    CHECK(begun.zone == name("example.org"));
    CHECK_FALSE(ended.zone);  // the number says it
    CHECK(ended.seen.kind == TransferKind::axfr);
    CHECK(ended.seen.result == TransferResult::done);
    CHECK(ended.seen.serial == zones::Serial(7));
    CHECK(ended.seen.bytes > 20'000 * 200);
    CHECK(ended.seen.took > 0s);
    CHECK_FALSE(ended.signer);
}

TEST_CASE("a small transfer is told by its end alone") {
    Running running;
    const TcpClient client(running.endpoint);
    client.send(axfr(1));
    REQUIRE(eventually([&] { return running.transfers_done() == 1; }));
    CHECK(others(running, What::begun).empty());
    const std::lock_guard lock(running.mutex);
    CHECK(running.transfers.front().transfer == 0);
    CHECK(running.transfers.front().zone == name("example.org"));
    CHECK_FALSE(running.transfers.front().has);
    CHECK(running.transfers.front().seen.bytes > 50);
}

TEST_CASE("a transfer whose client goes away is told as aborted, one that stalls as timed out") {
    Running running(short_limits(), large_zone(20'000));
    TransferResult expected = TransferResult::aborted;
    std::optional<TcpClient> client(std::in_place, running.endpoint, 4096);
    client->send(axfr(1));
    REQUIRE(eventually([&] { return others(running, What::begun).size() == 1; }));
    SUBCASE("gone") {
        client.reset();
    }
    SUBCASE("stalled") {
        expected = TransferResult::timed_out;
    }
    REQUIRE(eventually([&] { return others(running, What::ended).size() == 1; }));
    const TransferNews ended = others(running, What::ended).front();
    CHECK(ended.seen.result == expected);
    CHECK(ended.transfer == others(running, What::begun).front().transfer);
    CHECK(ended.seen.bytes > 0);
    CHECK(eventually([&] { return running.server->totals().transfers == 0; }));
    CHECK(running.transfers_done() == 0);
}

TEST_CASE("a refused transfer is told with why, by TCP and by UDP") {
    Running running({}, zone("example.org", zone_text(7)), to_the_secondary());
    const TcpClient client(running.endpoint);
    client.send(axfr(1));
    REQUIRE(eventually([&] { return others(running, What::refused).size() == 1; }));
    const TransferNews refused = others(running, What::refused).front();
    CHECK(refused.outcome.refusal == zones::Refusal::not_allowed);
    CHECK(refused.outcome.transfer);
    CHECK(refused.zone == name("example.org"));

    const UdpClient udp(running.endpoint);
    udp.send(ixfr(2));
    CHECK(udp.receive());
    std::vector<UdpTransfer> asked;
    CHECK(eventually([&] {
        running.udp->drain_transfers([&](const UdpTransfer& one) { asked.push_back(one); });
        return !asked.empty();
    }));
    REQUIRE(asked.size() == 1);
    CHECK(asked[0].outcome.refusal == zones::Refusal::not_allowed);
    CHECK(running.udp->transfers_left_out().all_refused() == 0);
    CHECK(asked[0].rcode == 5);
    CHECK(asked[0].from.address == loopback(0).address);
}

TEST_CASE("questions for names are no news") {
    Running running;
    const UdpClient udp(running.endpoint);
    udp.send(query(1));
    CHECK(udp.receive());
    CHECK(answered(TcpClient(running.endpoint), 2));
    std::size_t news = 0;
    running.udp->drain_transfers([&](const UdpTransfer&) { ++news; });
    CHECK(news == 0);
    CHECK(others(running, What::refused).empty());
    CHECK(running.transfers_done() == 0);
}
