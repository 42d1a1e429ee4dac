// Three datagrams in ten are lost, of NOTIFYs, their answers and SOA queries alike: every secondary
// has the newest version all the same.

#include "tests/interop/follow/fleet.h"
#include "tests/lab/ask.h"
#include "tests/lab/own_network.h"

#include <cstdio>

#include <doctest/doctest.h>

namespace {

using namespace follow;

constexpr int port = 21870;

// BIND asks for the SOA by UDP and waits up to 15 s for the answer, whatever it is told meanwhile.
constexpr Milliseconds at_most = 90s;

}  // namespace

TEST_CASE("BIND, NSD and Knot follow where 30 % of UDP is lost") {
    static const std::optional<std::string> why_not = enter_own_network();
    if (why_not) {
        std::printf("skipped: %s\n", why_not->c_str());
        return;
    }
    // What the test itself asks is not lost.
    const std::string asked = asker;
    const auto refused = filter(
        "table ip lossy { chain input {\n"
        "  type filter hook input priority 0;\n"
        "  ip saddr " +
        asked + " accept\n  ip daddr " + asked +
        " accept\n"
        "  ip protocol udp numgen random mod 100 < 30 counter drop\n"
        "}\n}\n");
    REQUIRE_MESSAGE(!refused, refused.value_or(""));
    // Both at once: most of the time is their waiting.
    const Scratch scratch("loss");
    Fleet plain(scratch / "plain", port, Fleet::Trust::by_address);
    Fleet by_key(scratch / "key", port + 10, Fleet::Trust::by_key);
    for (Fleet* fleet : {&plain, &by_key}) fleet->launch();
    for (Fleet* fleet : {&plain, &by_key}) REQUIRE_MESSAGE(fleet->followed(at_most), fleet->logs());
    for (const int changes : {1, 1, 30}) {
        for (int change = 0; change < changes; ++change)
            for (Fleet* fleet : {&plain, &by_key}) fleet->publish();
        const auto begun = now();
        for (Fleet* fleet : {&plain, &by_key}) {
            REQUIRE_MESSAGE(fleet->followed(at_most), fleet->logs());
            CHECK(fleet->differences() == "");
        }
        std::printf("%d changes, 30 %% of UDP lost: followed after %.2f s\n", changes,
                    seconds_since(begun));
    }
    const Outcome counted = run({"nft", "list", "ruleset"});
    CHECK(counted.out.find("packets 0 ") == std::string::npos);
    std::printf("%s", counted.out.substr(counted.out.find("counter")).c_str());
}
