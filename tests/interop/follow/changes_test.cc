// Real secondaries have each change of a zone soon after the arbiter does, and hold the same zone.

#include "tests/interop/follow/fleet.h"
#include "tests/lab/ask.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>

#include <signal.h>

#include <doctest/doctest.h>

namespace {

using namespace follow;

constexpr int port = 21800;

void say(const char* what, std::vector<double> milliseconds) {
    std::sort(milliseconds.begin(), milliseconds.end());
    std::printf("%-44s median %7.1f ms, worst %7.1f ms, of %zu\n", what,
                milliseconds[milliseconds.size() / 2], milliseconds.back(), milliseconds.size());
}

// Publishes a version and waits for all; the milliseconds of each secondary.
void one_change(Fleet& fleet, std::map<ServerKind, std::vector<double>>& took) {
    fleet.publish();
    const auto times = fleet.follow_times(20s);
    REQUIRE_MESSAGE(times, fleet.logs());
    for (const Secondary& one : fleet.secondaries())
        took[one.place().kind].push_back((*times)[static_cast<std::size_t>(one.place().kind)]);
}

void follows_all_changes(Fleet::Trust trust) {
    const Scratch scratch("follow");
    Fleet fleet(scratch.path(), port, trust);
    fleet.start();
    std::map<ServerKind, std::vector<double>> alone, back_to_back;
    for (int change = 0; change < 3; ++change) {
        pause_for(1100ms);  // longer than any second that a server may take between two
        one_change(fleet, alone);
    }
    CHECK(fleet.differences() == "");
    for (int change = 0; change < 20; ++change) one_change(fleet, back_to_back);
    CHECK(fleet.differences() == "");
    for (const Secondary& one : fleet.secondaries()) {
        say((one.name() + ", alone:").c_str(), alone[one.place().kind]);
        say((one.name() + ", all three back to back:").c_str(), back_to_back[one.place().kind]);
    }
    const auto begun = now();
    for (int change = 0; change < 1000; ++change) fleet.publish();
    const double published = seconds_since(begun);
    REQUIRE_MESSAGE(fleet.followed(20s), fleet.logs());
    std::printf("1,000 changes in a row: published in %.2f s, followed %.0f ms after the last\n",
                published, (seconds_since(begun) - published) * 1e3);
    CHECK(fleet.differences() == "");
    for (const Secondary& one : fleet.secondaries()) {
        const Transfers had = transfers_of(one);
        std::printf("%s: %d incremental transfers, %d whole ones\n", one.name().c_str(),
                    had.incremental, had.whole);
    }
}

}  // namespace

TEST_CASE("BIND, NSD and Knot follow changes alone, back to back and 1,000 in a row") {
    SUBCASE("by address") {
        follows_all_changes(Fleet::Trust::by_address);
    }
    SUBCASE("with TSIG") {
        follows_all_changes(Fleet::Trust::by_key);
    }
}

TEST_CASE(
    "a zone file that changed without a new serial is served under a raised one, with a warning") {
    const Scratch scratch("raise");
    std::filesystem::create_directories(scratch / "zones");
    const std::string file = scratch / "zones/follow.example.zone";
    const auto text = [](const std::string& address) {
        return "$TTL 60\n@ IN SOA ns0 hostmaster 7 3600 600 86400 5\n  IN NS ns0\n"
               "ns0 IN A 127.0.0.1\nwww IN A " +
               address + "\n";
    };
    write_file(file, text("192.0.2.2"));
    Process arbiter({{std::string(ARBITER_BIN_DIR) + "/arbiter-dnsd", "--listen",
                      "127.0.0.1:" + std::to_string(port), "--zones", scratch / "zones"},
                     {},
                     scratch / "arbiter.log"});
    const auto stands_at = [&](std::uint32_t serial) {
        return until(5s, [&] { return serial_at("127.0.0.1", port, zone_name) == serial; });
    };
    REQUIRE(stands_at(7));
    write_file(file, text("192.0.2.3"));
    arbiter.signal(SIGHUP);
    CHECK(stands_at(8));
    const auto www = addresses_at("127.0.0.1", port, "www.follow.example");
    CHECK(www == std::vector<std::string>{"192.0.2.3"});
    CHECK(read_file(scratch / "arbiter.log").find("warning") != std::string::npos);
    write_file(file, "this is no zone\n");
    arbiter.signal(SIGHUP);
    CHECK(until(5s, [&] {
        return read_file(scratch / "arbiter.log").find("follow.example.zone:1:") !=
               std::string::npos;
    }));
    CHECK(stands_at(8));
    arbiter.signal(SIGTERM);
    CHECK(arbiter.wait(5s));
    CHECK(arbiter.status() == 0);
}
