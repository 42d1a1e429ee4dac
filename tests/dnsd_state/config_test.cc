#include "dnsd/config/config.h"
#include "dnsd/config/live_timers.h"

#include <doctest/doctest.h>

#include <map>

namespace {

using namespace dnsd;
using namespace std::chrono_literals;
using heartbeat::Duration;

using Files = std::map<std::string, std::string>;

zones::Opener opener(Files files) {
    return [files = std::move(files)](
               const std::string& path) -> tl::expected<std::string, std::string> {
        const auto found = files.find(path);
        if (found == files.end())
            return tl::unexpected(std::string("can not be opened: No such file or directory"));
        return found->second;
    };
}

ConfigRead read(const std::string& text) {
    return read_config("/etc/arbiter/dnsd.toml", opener({{"/etc/arbiter/dnsd.toml", text}}));
}

Config good(const std::string& text) {
    const ConfigRead out = read(text);
    CHECK(out.report() == "");
    REQUIRE(out.config);
    return *out.config;
}

constexpr const char* smallest = R"(zone        = "wiki.example"
zone_file   = "wiki.example.zone"     # all but www and master, which are ours
secondaries = ["198.51.100.1"]
[servers]
wiki1 = "192.0.2.11"
wiki2 = "192.0.2.12"
)";

// `smallest` with one line more before [servers] and lines after it.
std::string with(const std::string& tables, const std::string& servers = "") {
    return std::string("zone = \"wiki.example\"\nzone_file = \"wiki.example.zone\"\n") + tables +
           "\n[servers]\nwiki1 = \"192.0.2.11\"\n" + servers;
}

// The report without its last line, which counts.
std::string errors(const std::string& text) {
    const ConfigRead out = read(text);
    CHECK_FALSE(out.config);
    std::string report = out.report();
    report.pop_back();
    return report.substr(0, report.rfind('\n') + 1);
}

std::vector<std::string> texts(const std::vector<Endpoint>& endpoints) {
    std::vector<std::string> out;
    for (const Endpoint& endpoint : endpoints) out.push_back(endpoint.text());
    return out;
}
std::vector<std::string> texts(const std::vector<Secondary>& secondaries) {
    std::vector<std::string> out;
    for (const Secondary& one : secondaries) out.push_back(one.text());
    return out;
}
using Texts = std::vector<std::string>;

}  // namespace

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

TEST_CASE("the report of three mistakes is the documented one") {
    const Files files{{"/etc/arbiter/dnsd.toml", R"(mode        = "act"
zone        = "wiki.example"
zone_file   = "wiki.example.zone"
secondaries = ["198.51.100.1"]

[dns]
listen = ["0.0.0.0:53", "[::]:53"]


# what browsers ask for
[www]
tll  = "5s"
down_after = "3s"
up_after   = 2

# where writes go
[master]
ttl  = "2s"
heartbeat = "1s"
lease     = "2s"
[servers]
wiki1 = "192.0.2.11"
)"},
                      {"wiki.example.zone",
                       "$TTL 300\n"
                       "@ SOA ns0 admin (\n    1 3600 600\n    86400 60 )\n"
                       "@   NS ns0\n"
                       "ns0 A 192.0.2.1\n"
                       "; made by hand\n"
                       "www A 192.0.2.11\n"}};
    ConfigRead out = read_config("/etc/arbiter/dnsd.toml", opener(files));
    CHECK_FALSE(out.config);
    const auto group = good(smallest).groups[0];
    const auto watch = live_names(group);
    const auto loaded = zones::load_zone(group.zone, "wiki.example.zone", opener(files), watch);
    REQUIRE(loaded.zone);
    for (const auto& mistake : live_names_in(loaded, group))
        out.mistakes.push_back(from_zone_file(mistake));
    CHECK(out.report() == R"(/etc/arbiter/dnsd.toml:12:1: error: unknown key 'tll' in [www]
   12 | tll  = "5s"
      | ^~~
      hint: did you mean 'ttl'?
/etc/arbiter/dnsd.toml:20:13: error: lease "2s" is too short for heartbeat "1s"
      hint: 3 heartbeats and a quarter of the lease to fence must fit: at least "4s"; "6s" is the default
wiki.example.zone:8:1: error: 'www' is made by Arbiter and may not stand in the zone file
      hint: until the first heartbeat 'www' is every configured server; delete the line
3 errors.
)");
}

TEST_CASE("master may not stand in the zone file either, and other names may") {
    const auto group = good(smallest).groups[0];
    const Files files{{"z",
                       "$TTL 300\n@ SOA ns0 admin 1 3600 600 86400 60\n@ NS ns0\nns0 A 192.0.2.1\n"
                       "mail A 192.0.2.2\nMASTER.wiki.example. A 192.0.2.3\n"}};
    const auto watch = live_names(group);
    const auto loaded = zones::load_zone(group.zone, "z", opener(files), watch);
    const auto mistakes = live_names_in(loaded, group);
    REQUIRE(mistakes.size() == 1);
    CHECK(mistakes[0].line == 6);
    CHECK(mistakes[0].what == "'master' is made by Arbiter and may not stand in the zone file");
    CHECK(mistakes[0].hint.starts_with("'master' has no record until a server has been writable"));
}

TEST_CASE("the SOA's timers have to fit names that change by the second") {
    const auto group = good(smallest).groups[0];
    const auto timers = [&](const std::string& soa) {
        const Files files{
            {"z", "$TTL 300\n@ SOA ns0 admin (\n" + soa + " )\n@ NS ns0\nns0 A 192.0.2.1\n"}};
        const auto loaded = zones::load_zone(group.zone, "z", opener(files), live_names(group));
        REQUIRE(loaded.zone);
        return timers_for(loaded, group);
    };
    CHECK(timers("1 3600 600 604800 60").empty());
    CHECK(timers("1 600 60 604800 5").empty());
    const auto refresh = timers("1\n  3601 600 604800 60");
    REQUIRE(refresh.size() == 1);
    CHECK(refresh[0].severity == zones::Mistake::warning);
    CHECK(refresh[0].text().starts_with("z:4:3: warning: the SOA's refresh is 3601 s: "));
    const auto minimum = timers("1 3600 600\n604800 61");
    REQUIRE(minimum.size() == 1);
    CHECK(
        minimum[0].text().starts_with("z:4:8: warning: the SOA's minimum lets resolvers keep for "
                                      "61 s that a name of group "));
    CHECK(minimum[0].hint == "write 60 or less (RFC 2308 §5)");
    SUBCASE("a group whose records live longer may be absent as long") {
        auto slow = group;
        slow.www_ttl = slow.master_ttl = 300;
        const Files files{{"z",
                           "$TTL 300\n@ SOA ns0 admin 1 3600 600 86400 300\n@ NS ns0\n"
                           "ns0 A 192.0.2.1\n"}};
        CHECK(timers_for(zones::load_zone(group.zone, "z", opener(files)), slow).empty());
    }
}

TEST_CASE("what a group makes may not be below a DNAME or a cut (RFC 6672 §2.3)") {
    auto group = good(smallest).groups[0];
    group.www_name = *zones::Name::parse("www.live.wiki.example");
    const auto found = [&](const std::string& more) {
        const Files files{
            {"z", "$TTL 300\n@ SOA ns0.x. admin 1 3600 600 86400 60\n@ NS ns0.x.\n\n" + more}};
        const auto loaded = zones::load_zone(group.zone, "z", opener(files), live_names(group));
        REQUIRE(loaded.zone);
        std::string text;
        for (const auto& mistake : live_names_in(loaded, group)) {
            CHECK(mistake.severity == zones::Mistake::error);
            text += mistake.text().substr(0, mistake.text().find('\n')) + "\n";
        }
        return text;
    };
    CHECK(found("@ DNAME x.\n") ==
          "z:5:1: error: the DNAME of 'wiki.example' takes 'www.live.wiki.example' away, which is "
          "made by Arbiter\n"
          "z:5:1: error: the DNAME of 'wiki.example' takes 'master.wiki.example' away, which is "
          "made by Arbiter\n");
    CHECK(found("mail A 192.0.2.2\n  A 192.0.2.3\nLIVE DNAME x.\n") ==
          "z:7:1: error: the DNAME of 'LIVE.wiki.example' takes 'www.live.wiki.example' away, "
          "which is made by Arbiter\n");
    CHECK(found("live NS ns.x.\nlive NS ns.y.\n") ==
          "z:5:1: error: the NS of 'live.wiki.example' takes 'www.live.wiki.example' away, which "
          "is made by Arbiter\n");
    // Beside and below them, and at the apex, they take nothing away.
    CHECK(found("@ NS ns.x.\nother DNAME x.\nsub NS ns.x.\na.www.live DNAME x.\n") == "");
    // At the name itself it is told as any record is.
    CHECK(found("www.live NS ns.x.\n") ==
          "z:5:1: error: 'www.live.wiki.example' is made by Arbiter and may not stand in the zone "
          "file\n");
}

TEST_CASE("each mistake is shown at its place, with what to write instead") {
    const std::string file = "/etc/arbiter/dnsd.toml:";
    CHECK(errors(with("[master]\nheartbeat = \"2s\"\n")) ==
          file +
              "4:13: error: heartbeat \"2s\" is too long for lease \"6s\"\n"
              "      hint: 3 heartbeats and a quarter of the lease to fence must fit: at most "
              "\"1500ms\"; \"1s\" is the default\n");
    CHECK(errors(with("[www]\nttl = 5\n")) ==
          file +
              "4:7: error: 'ttl' in [www] must be a duration, not a number\n"
              "    4 | ttl = 5\n"
              "      |       ^\n"
              "      hint: a whole number and a unit of ms, s, m, h or d, in quotes: \"250ms\", "
              "\"6s\"\n");
    CHECK(errors(with("[dns]\nnsid = \"0x6e7\"\n")) ==
          file +
              "4:8: error: \"0x6e7\" is no row of hexadecimal bytes\n"
              "      hint: two digits a byte, as in \"0x6e7330\"; or a text that does not begin "
              "with 0x\n");
    for (const char* wrong : {"0x", "0x6g", "0x 6", "0x+6"})
        CHECK(errors(with("[dns]\nnsid = \"" + std::string(wrong) + "\"\n"))
                  .find("is no row of hexadecimal bytes") != std::string::npos);
    CHECK(good(with("[dns]\nnsid = \"" + std::string(128, 'n') + "\"\n")).nsid.size() == 128);
    CHECK(errors(with("[dns]\nnsid = \"" + std::string(129, 'n') + "\"\n")) ==
          file + "4:8: error: an NSID of 129 bytes is longer than 128\n");
    CHECK(errors(with("[dns]\nid = \"" + std::string(256, 'n') + "\"\n")) ==
          file + "4:6: error: a text of 256 bytes is longer than 255\n");
    CHECK(errors(with("[dns]\ncookies = \"off\"\ncookie_file = \"c\"\n")) ==
          file + "5:15: error: a cookie_file has no use with cookies = \"off\"\n");
    CHECK(errors(with("[www]\nttl = \"1500ms\"\n")) ==
          file +
              "4:7: error: ttl \"1500ms\" is not whole seconds\n"
              "      hint: DNS counts in seconds: \"2s\"\n");
    CHECK(errors(with("[master]\nttl = \"7s\"\n")) ==
          file +
              "4:7: error: ttl \"7s\" of the master is above the lease \"6s\"\n"
              "      hint: clients would look for the old master: at most \"6s\"\n");
    CHECK(errors(with("[master]\nlease = \"2m\"\n")) ==
          file +
              "4:9: error: lease \"2m\" is not between \"400ms\" and \"1m\"\n"
              "      hint: \"6s\" is the default\n");
    CHECK(errors(with("[master]\nchoose = \"most-advance\"\n")) ==
          file +
              "4:10: error: 'choose' in [master] is \"most-advance\", which is not one of "
              "\"most-advanced\", \"first-request\"\n"
              "      hint: did you mean \"most-advanced\"?\n");
    CHECK(errors(with("lease = \"6s\"\n")) ==
          file +
              "3:1: error: unknown key 'lease' at the top level\n"
              "    3 | lease = \"6s\"\n"
              "      | ^~~~~\n"
              "      hint: 'lease' belongs into [master]\n");
    CHECK(errors(with("[wwww]\nttl = \"6s\"\n")) ==
          file +
              "3:2: error: unknown key 'wwww' at the top level\n"
              "    3 | [wwww]\n"
              "      |  ^~~~\n"
              "      hint: did you mean 'www'?\n");
    CHECK(errors(with("", "wiki2 = \"wiki2.example\"\n")) ==
          file +
              "6:9: error: \"wiki2.example\" is no IPv4 or IPv6 address\n"
              "      hint: a host's name will not do: DNS must not wait for DNS\n");
    CHECK(errors(with("", "Wiki_2 = \"192.0.2.12\"\n")) ==
          file +
              "6:1: error: 'Wiki_2' can not be the name of a server\n"
              "    6 | Wiki_2 = \"192.0.2.12\"\n"
              "      | ^~~~~~\n"
              "      hint: 1 to 32 of a-z, 0-9 and '-', with no '-' at either end\n");
    CHECK(errors(with("", "wiki2 = \"192.0.2.11\"\n")) ==
          file +
              "6:1: error: 'wiki1' and 'wiki2' both have 192.0.2.11\n"
              "    6 | wiki2 = \"192.0.2.11\"\n"
              "      | ^~~~~\n"
              "      hint: two servers behind one address can not be told apart in 'www'\n");
    CHECK(errors(with("", "wiki2 = { adress = \"192.0.2.12\" }\n")) ==
          file +
              "6:1: error: server 'wiki2' has no address\n"
              "    6 | wiki2 = { adress = \"192.0.2.12\" }\n"
              "      | ^~~~~\n"
              "      hint: wiki2 = \"192.0.2.11\"\n" +
              file +
              "6:11: error: unknown key 'adress' in [servers.wiki2]\n"
              "    6 | wiki2 = { adress = \"192.0.2.12\" }\n"
              "      |           ^~~~~~\n"
              "      hint: did you mean 'address'?\n");
    CHECK(errors(with("secondaries = [\"ns1.example\"]\n")) ==
          file +
              "3:16: error: \"ns1.example\" is no address with a port\n"
              "      hint: as in \"192.0.2.1\", \"192.0.2.1:53\", \"[2001:db8::1]:53\" or "
              "\"192.0.2.1 "
              "key ns2.example\"\n");
    CHECK(errors(with("[transfer]\nallow = \"192.0.2.0/33\"\n")) ==
          file +
              "4:9: error: \"192.0.2.0/33\" is no address and no network\n"
              "      hint: as in \"192.0.2.1\", \"192.0.2.0/24\", \"key backup.example\" or "
              "\"192.0.2.0/24 key backup.example\"\n");
    CHECK(errors("") == file +
                            "1:1: error: no zone is configured\n"
                            "      hint: zone = \"wiki.example\" and zone_file = "
                            "\"wiki.example.zone\"\n");
}

TEST_CASE("a rule that only the arbiter knows is shown at its key") {
    const std::string text = errors(with("[www]\ndown_after = \"1s\"\n"));
    CHECK(
        text.starts_with("/etc/arbiter/dnsd.toml:4:14: error: down_after \"1s\" is too short for "
                         "heartbeat \"1s\"\n      hint: "));
}

TEST_CASE("a heartbeat below 100 ms is refused, and so is a lease that is too short for any") {
    CHECK(good(with("[master]\nheartbeat = \"100ms\"\nlease = \"400ms\"\n")).groups.size() == 1);
    CHECK(errors(with("[master]\nheartbeat = \"99ms\"\n")).find("100ms") != std::string::npos);
    CHECK(errors(with("[master]\nlease = \"399ms\"\n")).find("400ms") != std::string::npos);
}

TEST_CASE("a mistake of syntax is one error with its place") {
    const std::string text = errors("zone = \"wiki.example\nzone_file = \"x\"\n");
    CHECK(text.starts_with("/etc/arbiter/dnsd.toml:1:"));
    CHECK(text.find("zone = \"wiki.example\n") != std::string::npos);
}

TEST_CASE("what this version can not do is refused and never passed over") {
    for (const auto& tables : {"[hooks]\non_change = \"/bin/true\"\n",
                               "[master]\nloss = \"allow\"\n", "[master]\nloss = \"none\"\n"}) {
        CAPTURE(tables);
        CHECK(errors(with(tables)).find("not possible in this version") != std::string::npos);
    }
    CHECK(errors("mode = \"observe\"\n" + with("")).find("not possible in this version") !=
          std::string::npos);
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
