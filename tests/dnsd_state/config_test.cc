// What a configuration says is taken, and what it does not say has its default.
#include "tests/dnsd_state/configuring.h"

#include "dnsd/config/config.h"

#include <doctest/doctest.h>

using namespace dnsd;
using namespace dnsd::configuring;
using namespace std::chrono_literals;
using heartbeat::Duration;

TEST_CASE("the smallest configuration that works has the documented defaults") {
    const Config config = good(smallest);
    CHECK(config.mode == "act");
    CHECK(config.name == "ns0");
    CHECK(config.arbiter_id.text() == "ns0");
    CHECK(config.cluster.text() == "arbiter");
    CHECK(texts(config.dns_listen) == Texts{"0.0.0.0:53", "[::]:53"});
    CHECK(texts(config.heartbeat_listen) == Texts{"0.0.0.0:5399", "[::]:5399"});
    CHECK(config.key_file == "/etc/arbiter/arbiter.key");
    CHECK(config.keys_directory == "/etc/arbiter/keys.d");
    CHECK(config.state_directory == "/var/lib/arbiter");
    CHECK(config.control_socket == "/run/arbiter/control.sock");
    CHECK(config.monitor_listen->text() == "127.0.0.1:9453");
    CHECK(config.monitor_allow.size() == 2);
    CHECK(config.transfer.allow.empty());
    CHECK(config.udp_size_max == 1232);
    CHECK(config.workers == 0);
    CHECK(config.nsid.empty());
    CHECK_FALSE(config.chaos_version.has_value());
    CHECK_FALSE(config.chaos_id.has_value());
    CHECK(config.cookies == "answer");
    CHECK(config.cookie_file.empty());
    CHECK(config.tcp.connections_max == 1000);
    CHECK(config.tcp.reserve == 100);
    CHECK(config.tcp.connections_per_address_max == 100);
    CHECK(config.tcp.transfers_max == 250);
    CHECK(config.tcp.transfers_per_address_max == 16);
    CHECK(config.tcp.idle == 10s);
    CHECK(config.tcp.request == 5s);
    CHECK(config.tcp.write == 15s);

    REQUIRE(config.zones.size() == 1);
    CHECK(config.zones[0].name.text() == "wiki.example");
    CHECK(config.zones[0].file == "/etc/arbiter/wiki.example.zone");  // beside the configuration
    CHECK(texts(config.zones[0].secondaries) == Texts{"198.51.100.1:53"});

    REQUIRE(config.groups.size() == 1);
    const GroupConfig& group = config.groups[0];
    CHECK(group.rules.group == "wiki.example");
    CHECK(group.zone.text() == "wiki.example");
    CHECK(group.www_name.text() == "www.wiki.example");
    CHECK(group.master_name.text() == "master.wiki.example");
    CHECK(group.www_ttl == 5);
    CHECK(group.master_ttl == 5);
    CHECK(group.rules.heartbeat == Duration(1s));
    CHECK(group.rules.lease == Duration(6s));
    CHECK(group.rules.down_after == Duration(3s));
    CHECK(group.rules.up_after == 2);
    CHECK(group.rules.max_lag == Duration(30s));
    CHECK(group.rules.choose == Choose::most_advanced);
    REQUIRE(group.rules.servers.size() == 2);
    CHECK(group.rules.servers[0].id.text() == "wiki1");
    CHECK(group.rules.servers[1].addresses.at(0).text() == "192.0.2.12");
    CHECK(group.rules.check().empty());
}

TEST_CASE("everything said is taken") {
    const Config config = good(R"(mode = "act"
zone = "wiki.example"
zone_file = "/srv/wiki.zone"
secondaries = ["198.51.100.1:5353", "2001:db8::53", "[2001:db8::54]:5300"]
[dns]
listen = ["127.0.0.1:5300", "[::1]:5300"]
workers = 3
udp_size = 1400
nsid = "0x6e73370a"
version = ""
id = "seven"
cookies = "require"
cookie_file = "cookies.key"
[dns.tcp]
connections = 5000
reserve     = 40
per_address = 20
transfers   = 30
transfers_per_address = 30
idle        = "30s"
request     = "1500ms"
write       = "1m"
[heartbeat]
name     = "ns7"
cluster  = "lab"
listen   = "127.0.0.1:15399"
key_file = "arbiter.key"
keys     = "keys.d"
[state]
directory = "state"
control   = "state/control.sock"
[www]
name = "web"
ttl  = "1m"
down_after = "2500ms"
up_after   = 3
[master]
name = "writer.live"
ttl  = "1s"
heartbeat = "100ms"
lease     = "600ms"
choose    = "first-request"
max_lag   = "1h"
[transfer]
allow = ["192.0.2.0/24", "2001:db8::/32", "203.0.113.7"]
[monitor]
listen = ""
allow  = ["192.0.2.99"]
[hooks]
on_change = ""
[servers]
wiki3 = { address = ["192.0.2.13", "2001:db8::13"], weight = 2, may_lead = false, priority = 9 }
wiki1 = ["192.0.2.11", "192.0.2.10"]
)");
    CHECK(config.mode == "act");
    CHECK(config.name == "ns7");
    CHECK(config.arbiter_id.text() == "ns7");
    CHECK(config.cluster.text() == "lab");
    CHECK(texts(config.dns_listen) == Texts{"127.0.0.1:5300", "[::1]:5300"});
    CHECK(texts(config.heartbeat_listen) == Texts{"127.0.0.1:15399"});
    CHECK(config.workers == 3);
    CHECK(config.udp_size_max == 1400);
    CHECK(config.nsid == "ns7\n");
    CHECK(config.chaos_version == "");
    CHECK(config.chaos_id == "seven");
    CHECK(config.cookies == "require");
    CHECK(config.cookie_file == "/etc/arbiter/cookies.key");
    CHECK(config.tcp.connections_max == 5000);
    CHECK(config.tcp.reserve == 40);
    CHECK(config.tcp.connections_per_address_max == 20);
    CHECK(config.tcp.transfers_max == 30);
    CHECK(config.tcp.transfers_per_address_max == 30);
    CHECK(config.tcp.idle == 30s);
    CHECK(config.tcp.request == 1500ms);
    CHECK(config.tcp.write == 1min);
    CHECK(config.key_file == "/etc/arbiter/arbiter.key");
    CHECK(config.keys_directory == "/etc/arbiter/keys.d");
    CHECK(config.state_directory == "/etc/arbiter/state");
    CHECK(config.control_socket == "/etc/arbiter/state/control.sock");
    CHECK_FALSE(config.monitor_listen);
    CHECK(config.monitor_allow == std::vector{*heartbeat::Address::parse("192.0.2.99")});
    REQUIRE(config.transfer.allow.size() == 3);
    CHECK(rule_text(config.transfer.allow[0]) == "192.0.2.0/24");
    CHECK(config.zones[0].file == "/srv/wiki.zone");
    CHECK(texts(config.zones[0].secondaries) ==
          Texts{"198.51.100.1:5353", "[2001:db8::53]:53", "[2001:db8::54]:5300"});
    const GroupConfig& group = config.groups[0];
    CHECK(group.www_name.text() == "web.wiki.example");
    CHECK(group.master_name.text() == "writer.live.wiki.example");
    CHECK(group.www_ttl == 60);
    CHECK(group.master_ttl == 1);
    CHECK(group.rules.lease == Duration(600ms));
    CHECK(group.rules.choose == Choose::first_request);
    REQUIRE(group.rules.servers.size() == 2);
    CHECK(group.rules.servers[0].id.text() == "wiki1");
    CHECK(group.rules.servers[0].addresses[0].text() == "192.0.2.10");
    const ServerRules& wiki3 = group.rules.servers[1];
    CHECK(wiki3.addresses.size() == 2);
    CHECK(wiki3.weight == 2);
    CHECK(wiki3.priority == 9);
    CHECK_FALSE(wiki3.may_lead);
}

TEST_CASE("zone and group tables say the same for many") {
    const Config config = good(R"([[zone]]
name = "wiki.example"
file = "wiki.zone"
secondaries = ["198.51.100.1"]
[[zone]]
name = "plain.example"
file = "plain.zone"
[[group]]
zone = "wiki.example"
[group.servers]
wiki1 = "192.0.2.11"
[[group]]
zone = "wiki.example"
name = "search"
[group.www]
name = "search"
ttl = "2s"
[group.master]
name = "search-master"
[group.servers]
s1 = "192.0.2.21"
)");
    REQUIRE(config.zones.size() == 2);
    CHECK(config.zones[1].secondaries.empty());
    REQUIRE(config.groups.size() == 2);
    CHECK(config.groups[0].rules.group == "wiki.example");
    CHECK(config.groups[1].rules.group == "search");
    CHECK(config.groups[1].www_name.text() == "search.wiki.example");
    CHECK(config.groups[1].www_ttl == 2);
}

TEST_CASE("a heartbeat below 100 ms is refused, and so is a lease that is too short for any") {
    CHECK(good(with("[master]\nheartbeat = \"100ms\"\nlease = \"400ms\"\n")).groups.size() == 1);
    CHECK(errors(with("[master]\nheartbeat = \"99ms\"\n")).find("100ms") != std::string::npos);
    CHECK(errors(with("[master]\nlease = \"399ms\"\n")).find("400ms") != std::string::npos);
}

TEST_CASE("the two forms do not mix, and groups do not collide") {
    const std::string zone = "[[zone]]\nname = \"a.example\"\nfile = \"a\"\n";
    const std::string group =
        "[[group]]\nzone = \"a.example\"\n[group.servers]\nw = \"192.0.2.1\"\n";
    const auto has = [](const std::string& text, const std::string& what) {
        const std::string report = errors(text);
        CAPTURE(report);
        CHECK(report.find(what) != std::string::npos);
    };
    has("zone_file = \"x\"\n" + zone + group, "'zone_file' is of the short form");
    has(zone + group + "[servers]\nx = \"192.0.2.2\"\n", "'servers' is of the short form");
    has(zone + zone + group, "the zone a.example is there twice");
    has(zone + group + group, "the group a.example is there twice");
    has(zone + group +
            "[[group]]\nzone = \"a.example\"\nname = \"b\"\n[group.servers]\nw = \"192.0.2.1\"\n",
        "two groups make www.a.example");
    has(zone + "[[group]]\nzone = \"a.exmaple\"\n[group.servers]\nw = \"192.0.2.1\"\n",
        "no [[zone]] is called \"a.exmaple\"\n      hint: did you mean \"a.example\"?");
    has(zone + "[[group]]\nzone = \"a.example\"\n", "no server is configured for a.example");
    has(with("[www]\nname = \"master\"\n"), "the pool and the master can not both be");
    has(with("[www]\nname = \"www.elsewhere.\"\n"), "www.elsewhere is not a name in the zone");
}

TEST_CASE("bounds: servers, addresses, secondaries, bytes") {
    std::string servers;
    for (std::size_t i = 1; i < servers_max; ++i)
        servers += "s" + std::to_string(i) + " = \"10.0.0." + std::to_string(i) + "\"\n";
    CHECK(good(with("", servers)).groups[0].rules.servers.size() == servers_max);
    CHECK(errors(with("", servers + "last = \"10.0.1.1\"\n")).find("65 servers are more than 64") !=
          std::string::npos);
    std::string list;
    for (std::size_t i = 0; i < secondaries_max; ++i)
        list += (i ? ", " : "") + ("\"10.1.0." + std::to_string(i)) + "\"";
    CHECK(good(with("secondaries = [" + list + "]\n")).zones[0].secondaries.size() ==
          secondaries_max);
    CHECK(errors(with("secondaries = [" + list + ", \"10.2.0.1\"]\n"))
              .find("has 65 entries, more than 64") != std::string::npos);
    CHECK(
        errors(std::string(config_bytes_max + 1, '#')).find("more than a configuration may have") !=
        std::string::npos);
}

TEST_CASE("a file that is not there is said as it is") {
    const ConfigRead out = read_config("/nowhere.toml", opener({}));
    CHECK_FALSE(out.config);
    CHECK(out.report() ==
          "/nowhere.toml:1:1: error: can not be opened: No such file or directory\n1 error.\n");
}

TEST_CASE("no file makes the reader fail otherwise than by mistakes") {
    // Each prefix of a full configuration, and each with one byte turned into something else.
    const std::string whole =
        with("[www]\nttl = \"5s\"\n[master]\nlease = \"6s\"\n[dns]\nlisten = [\"::1\"]\n",
             "wiki2 = { address = [\"192.0.2.13\"], weight = 2 }\n");
    for (std::size_t i = 0; i < whole.size(); ++i) {
        static_cast<void>(read(whole.substr(0, i)));
        for (const char c : {'\0', '"', '[', '}', '\n', '\xff', '9'}) {
            std::string broken = whole;
            broken[i] = c;
            const ConfigRead out = read(broken);
            CHECK(out.config.has_value() == out.mistakes.empty());
        }
    }
}
