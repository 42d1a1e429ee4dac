// Two hundred transfers at once by clients that read slowly (FAULTS.md, axfr_storm): they share one
// version, what each costs is bounded, questions are answered meanwhile, and who is dead is
// dropped.

#include "tests/interop/follow/fleet.h"
#include "tests/lab/ask.h"
#include "tests/lab/stream.h"

#include <algorithm>
#include <cstdio>
#include <map>

#include <doctest/doctest.h>

namespace {

using namespace follow;

constexpr int port = 21850;
constexpr std::size_t clients = 200;
constexpr std::size_t records = 100'000;
constexpr long growth_kib_max = 96;  // each
constexpr const char* transfers = "arbiter_dns_tcp_transfers";
constexpr std::uint16_t soa = 6, axfr = 252;

std::string address_of(std::size_t host) {
    return "10." + std::to_string(host / 62'500) + "." + std::to_string(host / 250 % 250) + "." +
           std::to_string(host % 250 + 1);
}

// Far more bytes than all buffers of the kernel between two sockets hold.
std::string storm_zone() {
    std::string text =
        "$TTL 60\n@ IN SOA ns0 hostmaster 1 3600 600 86400 5\n  IN NS ns0\n"
        "ns0 IN A 127.0.0.1\n";
    for (std::size_t i = 0; i < records / 2; ++i)
        text += "host" + std::to_string(i) + " IN A " + address_of(i) + "\n  IN TXT \"" +
                std::string(200, 'x') + "\"\n";
    return text;
}

}  // namespace

TEST_CASE("200 slow transfers of 100,000 records cost 96 KiB each at most (axfr_storm)") {
    const Scratch scratch("storm");
    Arbiter arbiter({ARBITER_BIN_DIR,
                     scratch / "arbiter",
                     "127.0.0.1",
                     port,
                     port + 1,
                     zone_name,
                     {},
                     std::nullopt,
                     "[dns.tcp]\nwrite = \"3s\"\nreserve = 250\n"
                     "[transfer]\nallow = [\"127.0.1.0/24\"]\n"},
                    storm_zone());
    arbiter.start();
    {  // The first transfer, by itself.
        const auto alone = Stream::to("127.0.0.1", port, 0, "127.0.1.250");
        REQUIRE(alone);
        alone->send(framed_question(zone_name, axfr));
        alone->shut();
        const auto walked = walk(alone->receive_all(20s));
        REQUIRE(walked);
        REQUIRE(walked->types.size() == records + 4);  // two SOAs, NS and its address
    }
    const long before = arbiter.resident_kib();
    std::vector<Stream> streams;
    std::map<std::size_t, Bytes> taken;  // of five, whole
    for (std::size_t i = clients / 2; i < clients / 2 + 5; ++i) taken[i];
    for (std::size_t i = 0; i < clients; ++i) {
        auto stream = Stream::to("127.0.0.1", port, 4096, "127.0.1." + std::to_string(i + 1));
        REQUIRE(stream);
        REQUIRE(stream->send(framed_question(zone_name, axfr)));
        streams.push_back(std::move(*stream));
    }
    const auto read_a_little = [&](std::size_t from, std::size_t size) {
        for (std::size_t i = from; i < clients; ++i) {
            const Bytes some = streams[i].receive(2s, size);
            REQUIRE(!some.empty());
            if (taken.contains(i)) taken[i].insert(taken[i].end(), some.begin(), some.end());
        }
    };
    long most = 0;
    std::vector<double> milliseconds;
    unsigned right = 0, asked = 0;
    for (int round = 0; round < 25; ++round) {
        read_a_little(0, 1000);
        for (int question = 0; question < 20; ++question, ++asked) {
            const std::size_t host = (static_cast<std::size_t>(round) * 7919 +
                                      static_cast<std::size_t>(question) * 104'729) %
                                     (records / 2);
            const auto begun = now();
            right +=
                addresses_at("127.0.0.1", port, "host" + std::to_string(host) + "." + zone_name) ==
                std::vector<std::string>{address_of(host)};
            milliseconds.push_back(seconds_since(begun) * 1e3);
        }
        most = std::max(most, arbiter.resident_kib());
    }
    CHECK(until(5s, [&] { return arbiter.metric(transfers) == clients; }));
    std::sort(milliseconds.begin(), milliseconds.end());
    std::printf(
        "%zu transfers of %zu records under way: %ld KiB each (%ld -> %ld); %u questions by UDP "
        "meanwhile: median %.2f ms, worst %.2f ms\n",
        clients, records, (most - before) / static_cast<long>(clients), before, most, asked,
        milliseconds[milliseconds.size() / 2], milliseconds.back());
    CHECK(right == asked);
    CHECK(most - before <= growth_kib_max * static_cast<long>(clients));

    // Half of them read no more. The others read on: a few to the end, the rest until they see that
    // the dead ones were dropped.
    const std::size_t half = clients / 2;
    const bool dropped = until(20s, [&] {
        read_a_little(half, 65'536);
        return arbiter.metric(transfers) == clients - half;
    });
    CHECK(dropped);
    streams.erase(streams.begin() + half + 5, streams.end());
    streams.erase(streams.begin(), streams.begin() + half);
    for (std::size_t i = 0; i < streams.size(); ++i) {
        streams[i].shut();
        Bytes& all = taken[half + i];
        const Bytes rest = streams[i].receive_all(20s);
        all.insert(all.end(), rest.begin(), rest.end());
        const auto walked = walk(all);
        REQUIRE(walked);
        CHECK(walked->ends_whole);
        CHECK(walked->types.size() == records + 4);
        CHECK(walked->types.front() == soa);
        CHECK(walked->types.back() == soa);
        CHECK(std::count(walked->types.begin(), walked->types.end(), soa) == 2);
    }
    streams.clear();
    CHECK(until(10s, [&] { return arbiter.metric(transfers) == 0; }));
    std::printf("%ld KiB resident when all are gone\n", arbiter.resident_kib());
    CHECK(arbiter.resident_kib() <= most + 1024);
}
