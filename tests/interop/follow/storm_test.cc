// Two hundred transfers at once by clients that read slowly (FAULTS.md, axfr_storm): they share one
// version, what each costs is bounded, questions are answered meanwhile, and who is dead is
// dropped.

#include "tests/interop/follow/fleet.h"
#include "tests/lab/ask.h"
#include "tests/lab/stream.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <span>

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

Arbiter::Place stormed(const Scratch& scratch) {
    Arbiter::Place place{ARBITER_BIN_DIR, scratch / "arbiter", "127.0.0.1", port, port + 1,
                         zone_name};
    place.more =
        "[dns.tcp]\nwrite = \"3s\"\nreserve = 250\n"
        "[transfer]\nallow = [\"127.0.1.0/24\"]\n";
    return place;
}

bool is_the_zone(std::span<const std::byte> transfer) {
    const auto walked = walk(transfer);
    return walked && walked->ends_whole && walked->types.size() == records + 4 &&  // SOAs, NS, A
           walked->types.front() == soa && walked->types.back() == soa &&
           std::count(walked->types.begin(), walked->types.end(), soa) == 2;
}

// Clients under way, each from an address of its own.
class Storm {
public:
    void begin() {
        for (std::size_t i = 0; i < clients; ++i) {
            auto stream = Stream::to("127.0.0.1", port, 4096, "127.0.1." + std::to_string(i + 1));
            REQUIRE(stream);
            REQUIRE(stream->send(framed_question(zone_name, axfr)));
            streams_.push_back(std::move(*stream));
        }
    }
    // Each from that one on.
    void read_a_little(std::size_t from, std::size_t size) {
        for (std::size_t i = from; i < clients; ++i) {
            const Bytes some = streams_[i].receive(2s, size);
            REQUIRE(!some.empty());
            if (is_kept(i))
                taken_[i - half].insert(taken_[i - half].end(), some.begin(), some.end());
        }
    }
    // Those whose bytes are kept have the whole zone in the end; the others go.
    void end() {
        streams_.erase(streams_.begin() + half + kept, streams_.end());
        streams_.erase(streams_.begin(), streams_.begin() + half);
        for (std::size_t i = 0; i < kept; ++i) {
            streams_[i].shut();
            const Bytes rest = streams_[i].receive_all(20s);
            taken_[i].insert(taken_[i].end(), rest.begin(), rest.end());
            CHECK(is_the_zone(taken_[i]));
        }
        streams_.clear();
    }
    static constexpr std::size_t half = clients / 2;

private:
    static constexpr std::size_t kept = 5;  // the first of the second half
    static bool is_kept(std::size_t client) { return client >= half && client < half + kept; }
    std::vector<Stream> streams_;
    std::array<Bytes, kept> taken_;
};

// Questions by UDP between what the transfers read.
struct Questions {
    unsigned asked = 0, right = 0;
    std::vector<double> milliseconds;

    void ask_some(std::size_t round) {
        for (std::size_t question = 0; question < 20; ++question, ++asked) {
            const std::size_t host = (round * 7919 + question * 104'729) % (records / 2);
            const auto begun = now();
            right +=
                addresses_at("127.0.0.1", port, "host" + std::to_string(host) + "." + zone_name) ==
                std::vector<std::string>{address_of(host)};
            milliseconds.push_back(seconds_since(begun) * 1e3);
        }
    }
};

// The most that the arbiter takes while all read slowly.
long most_resident(const Arbiter& arbiter, Storm& storm) {
    long most = 0;
    Questions questions;
    for (std::size_t round = 0; round < 25; ++round) {
        storm.read_a_little(0, 1000);
        questions.ask_some(round);
        most = std::max(most, arbiter.resident_kib());
    }
    CHECK(questions.right == questions.asked);
    std::sort(questions.milliseconds.begin(), questions.milliseconds.end());
    std::printf("%u questions by UDP meanwhile: median %.2f ms, worst %.2f ms\n", questions.asked,
                questions.milliseconds[questions.milliseconds.size() / 2],
                questions.milliseconds.back());
    return most;
}

}  // namespace

TEST_CASE("200 slow transfers of 100,000 records cost 96 KiB each at most (axfr_storm)") {
    const Scratch scratch("storm");
    Arbiter arbiter(stormed(scratch), storm_zone());
    arbiter.start();
    {  // The first transfer, by itself.
        const auto alone = Stream::to("127.0.0.1", port, 0, "127.0.1.250");
        REQUIRE(alone);
        alone->send(framed_question(zone_name, axfr));
        alone->shut();
        REQUIRE(is_the_zone(alone->receive_all(20s)));
    }
    const long before = arbiter.resident_kib();
    Storm storm;
    storm.begin();
    const long most = most_resident(arbiter, storm);
    CHECK(until(5s, [&] { return arbiter.metric(transfers) == clients; }));
    std::printf("%zu transfers of %zu records under way: %ld KiB each (%ld -> %ld)\n", clients,
                records, (most - before) / static_cast<long>(clients), before, most);
    CHECK(most - before <= growth_kib_max * static_cast<long>(clients));

    // Half of them read no more. The others read on, until they see that the dead ones were
    // dropped.
    CHECK(until(20s, [&] {
        storm.read_a_little(Storm::half, 65'536);
        return arbiter.metric(transfers) == clients - Storm::half;
    }));
    storm.end();
    CHECK(until(10s, [&] { return arbiter.metric(transfers) == 0; }));
    std::printf("%ld KiB resident when all are gone\n", arbiter.resident_kib());
    CHECK(arbiter.resident_kib() <= most + 1024);
}
