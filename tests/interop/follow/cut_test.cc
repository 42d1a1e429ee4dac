// A transfer that is cut is no zone (FAULTS.md, axfr_cut_everywhere): whoever follows keeps the
// version that it has, and nothing of the cut stays with us.

#include "tests/interop/follow/fleet.h"
#include "tests/lab/cut_proxy.h"
#include "tests/lab/stream.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <list>

#include <doctest/doctest.h>

namespace {

using namespace follow;

constexpr int port = 21830;
constexpr std::uint16_t soa = 6, axfr = 252;

std::string large_zone(std::uint32_t serial, int hosts) {
    std::string text = zone_text(serial);
    for (int i = 0; i < hosts; ++i)
        text += "more" + std::to_string(i) + " IN TXT \"" + std::string(200, 'x') + "\"\n";
    return text;
}

Arbiter::Place alone(const Scratch& scratch) {
    return {ARBITER_BIN_DIR, scratch / "arbiter", "127.0.0.1",  port, port + 1,
            zone_name,       {"127.0.0.1:21839"}, std::nullopt, {}};
}

// Descriptors of sockets, and transfers under way.
struct Held {
    std::size_t descriptors = 0;
    double transfers = 0;
    double connections = 0;
};
Held held_by(const Arbiter& arbiter) {
    Held held;
    for ([[maybe_unused]] const auto& one :
         std::filesystem::directory_iterator("/proc/" + std::to_string(arbiter.pid()) + "/fd"))
        ++held.descriptors;
    held.transfers = arbiter.metric("arbiter_dns_tcp_transfers");
    held.connections = arbiter.metric("arbiter_dns_tcp_connections{peer=\"secondary\"}") +
                       arbiter.metric("arbiter_dns_tcp_connections{peer=\"stranger\"}");
    return held;
}

// What is held more than before when ten seconds have passed, nothing if it was all given back.
// `silent`: of so many secondaries an answer to NOTIFY may be awaited, each on a socket of its own.
std::string kept_of(const Arbiter& arbiter, const Held& before, std::size_t silent = 0) {
    Held after;
    const bool none = until(
        10s,
        [&] {
            after = held_by(arbiter);
            return after.descriptors <= before.descriptors + silent && after.transfers == 0 &&
                   after.connections == 0;
        },
        50ms);
    if (none) return {};
    return std::to_string(after.descriptors) + " descriptors of " +
           std::to_string(before.descriptors) + " before, " +
           std::to_string(static_cast<int>(after.transfers)) + " transfers, " +
           std::to_string(static_cast<int>(after.connections)) + " connections";
}

// The records' types of a whole transfer: SOA first and last, and nowhere else.
bool is_whole(const std::optional<Walk>& walked) {
    return walked && walked->ends_whole && walked->types.size() > 1 &&
           walked->types.front() == soa && walked->types.back() == soa &&
           std::count(walked->types.begin(), walked->types.end(), soa) == 2;
}

}  // namespace

TEST_CASE("a transfer ends with the SOA and no part of it does (axfr_cut_everywhere)") {
    const Scratch scratch("cut");
    Arbiter arbiter(alone(scratch), large_zone(1, 400));
    arbiter.start();
    const auto stream = Stream::to("127.0.0.1", port);
    REQUIRE(stream);
    stream->send(framed_question(zone_name, axfr));
    stream->shut();
    const Bytes whole = stream->receive_all(5s);
    REQUIRE(whole.size() > 80'000);
    CHECK(is_whole(walk(whole)));
    for (std::size_t cut = 0; cut < whole.size(); ++cut)
        if (is_whole(walk(std::span(whole).first(cut))))
            FAIL("the first " << cut << " bytes are a zone");
}

TEST_CASE("a client that is gone after any byte leaves nothing with us (axfr_cut_everywhere)") {
    const Scratch scratch("gone");
    // Far more than all buffers on the way: the arbiter is in the midst of it whenever it is cut.
    Arbiter arbiter(alone(scratch), large_zone(1, 40'000));
    arbiter.start();
    // The ledger opens its files when it first writes: by now, at the latest.
    arbiter.change(large_zone(2, 40'000));
    REQUIRE(until(
        10s, [&] { return arbiter.serial() == 2; }, 1ms));
    const Held before = held_by(arbiter);
    // One round more than a first one, which may draw memory that is kept for the next.
    const auto cut_many = [&] {
        for (std::size_t cut = 0; cut < 600; ++cut) {
            auto stream = Stream::to("127.0.0.1", port, 4096);
            REQUIRE(stream);
            stream->send(framed_question(zone_name, axfr));
            // Every byte of the first messages' heads, then a spread over the stream.
            std::size_t left = cut < 300 ? cut : (cut - 300) * 4999;
            while (left > 0) {
                const Bytes some = stream->receive(5s, std::min<std::size_t>(left, 65'536));
                REQUIRE(!some.empty());
                left -= some.size();
            }
            stream->reset();
        }
        return kept_of(arbiter, before, 1);
    };
    CHECK(cut_many() == "");
    const long first = arbiter.resident_kib();
    CHECK(cut_many() == "");
    CHECK(arbiter.resident_kib() < first + 4096);
    std::printf("1,200 transfers cut: %ld KiB resident before the last 600, %ld KiB after\n", first,
                arbiter.resident_kib());
}

namespace {

// A proxy before each secondary of a fleet of its own making.
struct CutFleet {
    CutFleet(const std::string& folder, std::optional<SharedKey> with, const std::string& more)
        : key(std::move(with)), arbiter(place(folder, key, more), large_zone(serial, hosts)) {
        arbiter.start();
        publish();  // the ledger opens its files when it first writes
        before = held_by(arbiter);
        for (const ServerKind kind : server_kinds) {
            const int number = static_cast<int>(kind);
            proxies.emplace_back("127.0.0.1", port + 5 + number, port);
            secondaries.emplace_back(Secondary::Place{
                kind, folder + "/" + name_of(kind),
                number == 0 ? "127.0.0.1" : "127.0.0.1" + std::to_string(number + 1),
                port + 2 + number, zone_name, "127.0.0.1", port + 5 + number, key});
            secondaries.back().start();
        }
    }
    static Arbiter::Place place(const std::string& folder, const std::optional<SharedKey>& key,
                                const std::string& more) {
        Arbiter::Place place{ARBITER_BIN_DIR,
                             folder + "/arbiter",
                             "127.0.0.1",
                             port,
                             port + 1,
                             zone_name,
                             {},
                             key,
                             more};
        const std::string by_key = key ? " key " + key->name : "";
        // What they ask comes from the proxy, at the address of the first.
        for (const char* address : {"127.0.0.1:21832", "127.0.0.12:21833", "127.0.0.13:21834"})
            place.secondaries.push_back(address + by_key);
        return place;
    }
    void publish() {
        arbiter.change(large_zone(++serial, hosts));
        REQUIRE(until(
            10s, [this] { return arbiter.serial() == serial; }, 1ms));
    }
    bool followed() {
        return until(
            30s,
            [this] {
                return std::all_of(secondaries.begin(), secondaries.end(),
                                   [this](const Secondary& one) { return one.serial() == serial; });
            },
            2ms);
    }
    static constexpr int hosts = 1500;
    std::optional<SharedKey> key;
    std::uint32_t serial = 100;  // as many digits as the last has: each step is of one size
    Arbiter arbiter;
    Held before;  // anybody came
    std::list<CutProxy> proxies;
    std::vector<Secondary> secondaries;
};

constexpr std::size_t whole_zone_bytes = 100'000;  // at least; a step has far less

// The bytes that a transfer of one version has for each, by the way that it comes.
std::vector<std::size_t> measure(CutFleet& fleet) {
    REQUIRE_MESSAGE(fleet.followed(), fleet.arbiter.log());
    for (CutProxy& proxy : fleet.proxies) proxy.longest();
    fleet.publish();
    REQUIRE_MESSAGE(fleet.followed(), fleet.arbiter.log());
    std::vector<std::size_t> lengths;
    for (CutProxy& proxy : fleet.proxies) lengths.push_back(proxy.longest());
    return lengths;
}

// Publishes a version that everybody loses after that many bytes, and looks at what they serve.
void cut_all(CutFleet& fleet, const std::vector<std::size_t>& after) {
    const std::uint32_t old = fleet.serial;
    std::vector<unsigned> had;
    std::size_t number = 0;
    for (CutProxy& proxy : fleet.proxies) {
        had.push_back(proxy.cuts());
        proxy.cut_after(after[number++]);
    }
    fleet.publish();
    number = 0;
    for (CutProxy& proxy : fleet.proxies) {
        const Secondary& one = fleet.secondaries[number];
        CHECK_MESSAGE(until(
                          20s, [&] { return proxy.cuts() > had[number]; }, 5ms),
                      one.name());
        CHECK_MESSAGE(one.serial() == old, one.name());
        ++number;
    }
    for (CutProxy& proxy : fleet.proxies) proxy.cut_after(std::nullopt);
}

enum class By { whole_zones, differences };

void keeps_its_version(const std::optional<SharedKey>& key, By by) {
    const Scratch scratch("cuts");
    CutFleet fleet(scratch.path(), key,
                   by == By::whole_zones ? "[transfer.history]\nversions = 0\n" : "");
    const std::vector<std::size_t> lengths = measure(fleet);
    for (const std::size_t length : lengths) {
        CHECK((length >= whole_zone_bytes) == (by == By::whole_zones));
        CHECK(length > 100);
    }
    constexpr std::size_t cuts = 8;
    double healed_ms = 0;
    for (std::size_t cut = 0; cut < cuts; ++cut) {
        // The first byte, a spread, and all but the very last byte.
        std::vector<std::size_t> after;
        for (const std::size_t length : lengths)
            after.push_back(cut == 0          ? 1
                            : cut + 1 == cuts ? length - 1
                                              : length * cut / (cuts - 1));
        CAPTURE(cut);
        cut_all(fleet, after);
        const auto healed = now();
        fleet.publish();
        CHECK_MESSAGE(fleet.followed(), fleet.arbiter.log());
        healed_ms = std::max(healed_ms, seconds_since(healed) * 1e3);
        const auto ours = whole_zone("127.0.0.1", port, key);
        CHECK(ours.size() > CutFleet::hosts);
        for (const Secondary& one : fleet.secondaries)
            CHECK_MESSAGE(whole_zone(one.place().address, one.place().port) == ours, one.name());
    }
    std::printf("cut in %zu places of %zu, %zu and %zu bytes: followed at most %.0f ms later\n",
                cuts, lengths[0], lengths[1], lengths[2], healed_ms);
    for (Secondary& one : fleet.secondaries) one.stop();
    CHECK(kept_of(fleet.arbiter, fleet.before) == "");
}

}  // namespace

TEST_CASE("BIND, NSD and Knot keep their version when a transfer is cut (axfr_cut_everywhere)") {
    SUBCASE("whole transfers, by address") {
        keeps_its_version({}, By::whole_zones);
    }
    SUBCASE("whole transfers, with TSIG") {
        keeps_its_version(test_key(), By::whole_zones);
    }
    SUBCASE("differences, by address") {
        keeps_its_version({}, By::differences);
    }
    SUBCASE("differences, with TSIG") {
        keeps_its_version(test_key(), By::differences);
    }
}
