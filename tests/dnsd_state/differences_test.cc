#include "dnsd/config/config.h"

#include <doctest/doctest.h>

#include <algorithm>

namespace {

using namespace dnsd;

Config read(const std::string& text) {
    const auto out = read_config(
        "dnsd.toml",
        [&](const std::string&) -> tl::expected<std::string, std::string> { return text; });
    CHECK(out.report() == "");
    REQUIRE(out.config);
    return *out.config;
}

const std::string base = R"(zone = "wiki.example"
zone_file = "wiki.zone"
secondaries = ["198.51.100.1"]
[www]
ttl = "10s"
[servers]
wiki1 = "192.0.2.11"
wiki2 = "192.0.2.12"
)";

std::string changed(std::string text, const std::string& what, const std::string& into) {
    const std::size_t at = text.find(what);
    REQUIRE(at != std::string::npos);
    return text.replace(at, what.size(), into);
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("a reload says what changed and nothing else") {
    CHECK(differences(read(base), read(base)) == Lines{});
    CHECK(differences(read(base), read(base + "wiki5 = \"192.0.2.15\"\n")) ==
          Lines{"+ server wiki5"});
    CHECK(differences(read(base), read(changed(base, "wiki2 = \"192.0.2.12\"\n", ""))) ==
          Lines{"- server wiki2"});
    CHECK(differences(read(base), read(changed(base, "\"10s\"", "\"5s\""))) ==
          Lines{"~ www.ttl 10s -> 5s"});
    CHECK(
        differences(read(base), read(changed(base, "\"192.0.2.12\"",
                                             "{ address = \"192.0.2.22\", may_lead = false }"))) ==
        Lines{"~ server wiki2 192.0.2.12 -> 192.0.2.22", "~ server wiki2 may_lead true -> false"});
    CHECK(differences(read(base), read(changed(base, "198.51.100.1", "198.51.100.2"))) ==
          Lines{"~ zone wiki.example secondaries 198.51.100.1:53 -> 198.51.100.2:53"});
    CHECK(differences(read(base), read(changed(base, "wiki.zone", "new.zone"))) ==
          Lines{"~ zone wiki.example file wiki.zone -> new.zone"});
}

TEST_CASE("every setting of the configuration shows when it changes") {
    for (const auto& [table, count] :
         {std::pair("[dns]\nlisten = \"127.0.0.1:53\"\nworkers = 2\nudp_size = 1400\n", 3),
          std::pair("[dns]\nnsid = \"a\"\nversion = \"\"\nid = \"b\"\ncookies = \"require\"\n"
                    "cookie_file = \"c\"\n",
                    5),
          std::pair("[dns.tcp]\nconnections = 500\nreserve = 20\nper_address = 7\nidle = \"2s\"\n"
                    "request = \"3s\"\nwrite = \"4s\"\ntransfers = 9\ntransfers_per_address = 2\n",
                    8),
          std::pair("[heartbeat]\nname = \"x\"\ncluster = \"y\"\nlisten = \"127.0.0.1\"\n"
                    "key_file = \"/k\"\nkeys = \"/d\"\n",
                    5),
          std::pair("[state]\ndirectory = \"/s\"\ncontrol = \"/c\"\n", 2),
          std::pair("[transfer]\nallow = \"192.0.2.1\"\nkey_file = \"k\"\nnotify_ns = false\n"
                    "weak_algorithms = true\nmac_bytes_min = 16\n"
                    "[transfer.history]\nversions = 1\nbytes = \"1KiB\"\n",
                    8),
          std::pair("[monitor]\nlisten = \"\"\nallow = \"192.0.2.1\"\n", 2),
          std::pair("[master]\nttl = \"1s\"\nheartbeat = \"500ms\"\nlease = \"5s\"\nname = \"m\"\n"
                    "choose = \"first-request\"\nmax_lag = \"1s\"\n",
                    6),
          std::pair("[master]\nloss = \"allow\"\nackers = 3\ndamping = \"2m\"\n"
                    "damping_max = \"3h\"\nfailovers_per_hour = 5\npenalty_half_life = \"1h\"\n"
                    "demotion = \"1s\"\nguard = \"1s\"\nwindow = \"500ms\"\n"
                    "clock_drift = 500\nallow_confirm_dead = true\n",
                    11)}) {
        CAPTURE(table);
        const auto lines =
            differences(read(base), read(changed(base, "[www]", table + std::string("[www]"))));
        CHECK(lines.size() == static_cast<std::size_t>(count));
    }
}

TEST_CASE("what a running arbiter takes as it goes is not said to wait for a restart, and back") {
    const Config before = read(base);
    const auto next = [&](const std::string& text) { return read(text); };
    const auto live = [&](const Config& after) {
        return live_differences(before.groups[0], after.groups[0], true);
    };
    const Config shorter = next(changed(base, "[www]", "[master]\nlease = \"5s\"\n[www]"));
    CHECK(live(shorter) == Lines{"~ master.lease 6s -> 5s"});
    CHECK(restart_differences(before, shorter) == Lines{});
    const Config observing = next("mode = \"observe\"\n" + base);
    CHECK(live(observing) == Lines{"~ mode act -> observe"});
    const Config fewer = next(changed(base, "wiki2 = \"192.0.2.12\"\n", ""));
    CHECK(live(fewer) == Lines{"- server wiki2"});
    CHECK(restart_differences(before, fewer) == Lines{});
    const Config more = next(base + "wiki5 = \"192.0.2.15\"\n");
    CHECK(live(more) == Lines{});
    CHECK(restart_differences(before, more) == Lines{"+ server wiki5"});
    const Config two = [&] {
        Config config = before;
        config.groups[0].rules.group = "other";
        return config;
    }();
    CHECK(live_differences(two.groups[0], two.groups[0], false) == Lines{});
}
