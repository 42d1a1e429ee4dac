// A stock BIND secondary has each change of a zone soon after the arbiter does, and holds the same
// zone.

#include "tests/lab/ask.h"
#include "tests/lab/bind.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include <signal.h>

#include <doctest/doctest.h>

namespace {

using namespace lab;

constexpr int port = 15320;
constexpr int bind_port = 15321;

std::string zone_text(std::uint32_t serial, const std::string& address) {
    return "$TTL 60\n@ IN SOA ns0 hostmaster " + std::to_string(serial) +
           " 3600 600 86400 5\n  IN NS ns0\n  IN NS ns1\nns0 IN A 127.0.0.1\nns1 IN A 127.0.0.1\n"
           "www 5 IN A " +
           address +
           "\n    5 IN A 192.0.2.1\n*.wild IN CNAME www\n"
           "mail IN MX 10 www\n  IN TXT \"a b\" \"c\"\n";
}

// The records of a whole zone as dig prints them, sorted, by AXFR.
std::vector<std::string> transferred(int from) {
    const Outcome dig = run({"dig", "@127.0.0.1", "-p", std::to_string(from), "+onesoa", "+nocmd",
                             "+nostats", "+nocomments", "follow.example", "AXFR"});
    std::vector<std::string> lines;
    std::size_t begin = 0;
    while (begin < dig.out.size()) {
        const std::size_t end = dig.out.find('\n', begin);
        if (end > begin) lines.push_back(dig.out.substr(begin, end - begin));
        begin = end + 1;
    }
    std::sort(lines.begin(), lines.end());
    return lines;
}

}  // namespace

TEST_CASE("a BIND secondary follows twenty changes and ends with the same zone") {
    const Scratch scratch("follow");
    std::filesystem::create_directories(scratch / "zones");
    const std::string file = scratch / "zones/follow.example.zone";
    std::uint32_t serial = 1;
    write_file(file, zone_text(serial, "192.0.2.2"));
    Process arbiter({{std::string(ARBITER_BIN_DIR) + "/arbiter-dnsd", "--listen",
                      "127.0.0.1:" + std::to_string(port), "--zones", scratch / "zones", "--notify",
                      "127.0.0.1:" + std::to_string(bind_port)},
                     {},
                     scratch / "arbiter.log"});
    REQUIRE_MESSAGE(
        until(10s, [&] { return serial_at("127.0.0.1", port, "follow.example") == serial; }),
        read_file(scratch / "arbiter.log"));
    BindSecondary secondary(
        {scratch / "bind", "127.0.0.1", bind_port, "follow.example", "127.0.0.1", port});
    secondary.start();
    const auto followed = [&] {
        return serial_at("127.0.0.1", bind_port, "follow.example") == serial;
    };
    REQUIRE_MESSAGE(until(20s, followed), secondary.log());

    std::vector<double> milliseconds;
    for (int change = 0; change < 20; ++change) {
        ++serial;
        write_file(file, zone_text(serial, "198.51.100." + std::to_string(change + 1)));
        arbiter.signal(SIGHUP);
        REQUIRE_MESSAGE(
            until(
                5s, [&] { return serial_at("127.0.0.1", port, "follow.example") == serial; }, 0ms),
            read_file(scratch / "arbiter.log"));
        const auto changed = now();
        REQUIRE_MESSAGE(until(20s, followed, 0ms), secondary.log());
        milliseconds.push_back(seconds_since(changed) * 1e3);
    }
    std::sort(milliseconds.begin(), milliseconds.end());
    std::printf(
        "a change at the arbiter -> the BIND secondary answers it, of 20 back to back: median "
        "%.1f ms, worst %.1f ms\n",
        milliseconds[10], milliseconds.back());
    const auto ours = transferred(port);
    CHECK(ours.size() > 9);
    CHECK(ours == transferred(bind_port));
}

TEST_CASE(
    "a zone file that changed without a new serial is served under a raised one, with a warning") {
    const Scratch scratch("raise");
    std::filesystem::create_directories(scratch / "zones");
    const std::string file = scratch / "zones/follow.example.zone";
    write_file(file, zone_text(7, "192.0.2.2"));
    Process arbiter({{std::string(ARBITER_BIN_DIR) + "/arbiter-dnsd", "--listen",
                      "127.0.0.1:" + std::to_string(port), "--zones", scratch / "zones"},
                     {},
                     scratch / "arbiter.log"});
    const auto stands_at = [&](std::uint32_t serial) {
        return until(5s, [&] { return serial_at("127.0.0.1", port, "follow.example") == serial; });
    };
    REQUIRE(stands_at(7));
    write_file(file, zone_text(7, "192.0.2.3"));
    arbiter.signal(SIGHUP);
    CHECK(stands_at(8));
    const auto www = addresses_at("127.0.0.1", port, "www.follow.example");
    CHECK(std::count(www.begin(), www.end(), "192.0.2.3") == 1);
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
