// [dns.tcp]: limits that follow from each other, and from what the machine has.
#include "tests/dnsd_state/configuring.h"

#include "dnsd/config/config.h"

#include <doctest/doctest.h>

using namespace dnsd;
using namespace dnsd::configuring;
using namespace std::chrono_literals;
using heartbeat::Duration;

TEST_CASE("limits of TCP that are not said follow from those that are") {
    const TcpLimits few = good(with("[dns.tcp]\nconnections = 50\n")).tcp;
    CHECK(few.connections_max == 50);
    CHECK(few.reserve == 5);
    CHECK(few.connections_per_address_max == 50);
    CHECK(good(with("[dns.tcp]\ntransfers = 5\n")).tcp.transfers_per_address_max == 5);
    std::string zones;  // each address is to have room in the reserve, also without a table
    for (int zone = 0; zone < 5; ++zone) {
        std::string secondaries;
        for (int i = 0; i < 28; ++i)
            secondaries += std::string(i == 0 ? "" : ", ") + "\"198.51.100." +
                           std::to_string(28 * zone + i) + "\"";
        zones += "[[zone]]\nname = \"z" + std::to_string(zone) +
                 ".example\"\nfile = \"z\"\nsecondaries = [" + secondaries + "]\n";
    }
    CHECK(good(zones).tcp.reserve == 280);
    CHECK(good(zones).tcp.connections_max == 1000);
    CHECK(good(zones).tcp.transfers_max == 280);
    CHECK(good(zones + "[dns.tcp]\nconnections = 700\n").tcp.reserve == 280);
    CHECK(good(zones + "[dns.tcp]\nconnections = 700\n").tcp.transfers_max == 280);
}

TEST_CASE("limits of TCP shrink to the descriptors that there are") {
    TcpLimits limits;
    CHECK(fitted(limits, 5000).connections_max == 1000);
    CHECK(fitted(limits, 1000).reserve == 100);
    const TcpLimits half = fitted(limits, 500);
    CHECK(half.connections_max == 500);
    CHECK(half.reserve == 50);
    CHECK(half.connections_per_address_max == 100);
    for (std::size_t few : {0, 1, 2, 3, 11}) {
        CAPTURE(few);
        limits.reserve = 999;
        const TcpLimits least = fitted(limits, few);
        CHECK(least.connections_max == std::max<std::size_t>(few, 2));
        CHECK(least.reserve < least.connections_max);
        CHECK(least.connections_per_address_max <= least.connections_max);
    }
}

TEST_CASE("limits of TCP that do not go together are mistakes") {
    const std::string file = "/etc/arbiter/dnsd.toml:";
    CHECK(errors(with("[dns.tcp]\nconnections = 100\nreserve = 100\n")) ==
          file +
              "5:11: error: of 100 connections a reserve of 100 leaves none to anybody but "
              "secondaries\n      hint: connections = 1000\n");
    CHECK(errors(with("secondaries = \"198.51.100.1\"\n[dns.tcp]\nreserve = 0\n")) ==
          file +
              "5:11: error: a reserve of 0 connections is not one for each of the 1 secondaries\n"
              "      hint: reserve = 2\n");
    CHECK(errors(with("[dns.tcp]\nconnections = 100\nper_address = 101\n")) ==
          file + "5:15: error: 101 connections from one address are more than the 100 of all\n");
    CHECK(errors(with("[dns.tcp]\ntransfers = 15\ntransfers_per_address = 16\n")) ==
          file + "5:25: error: 16 transfers to one address are more than the 15 of all\n");
    CHECK(errors(with("[dns.tcp]\ntransfers = 1\n"))
              .find("'transfers' in [dns.tcp] is 1, which is not between 2 and ") !=
          std::string::npos);
    CHECK(errors(with("[dns.tcp]\nidle = \"100ms\"\n")) ==
          file +
              "4:8: error: idle \"100ms\" is not between \"500ms\" and \"1h\"\n"
              "      hint: \"10s\" is the default\n");
    CHECK(errors(with("[dns]\nper_address = 5\n")) ==
          file +
              "4:1: error: unknown key 'per_address' in [dns]\n    4 | per_address = 5\n"
              "      | ^~~~~~~~~~~\n      hint: 'per_address' belongs into [dns.tcp]\n");
}
