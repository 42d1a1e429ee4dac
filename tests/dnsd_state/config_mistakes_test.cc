// What the operator is told of a mistake, word for word.
#include "tests/dnsd_state/configuring.h"

#include "dnsd/config/config.h"
#include "dnsd/config/live_timers.h"

#include <doctest/doctest.h>

using namespace dnsd;
using namespace dnsd::configuring;
using namespace std::chrono_literals;
using heartbeat::Duration;

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

TEST_CASE("one mistake hides none that does not follow from it") {
    const std::string file = "/etc/arbiter/dnsd.toml:";
    // Of the lease, which is wrong, nothing is concluded: not of the ttl, guard and demotion.
    CHECK(errors(with("[www]\ndown_after = \"150ms\"\n[master]\nheartbeat = \"100ms\"\n"
                      "lease = \"300ms\"\nttl = \"9s\"\ndemotion = \"500ms\"\n"
                      "guard = \"59s\"\n")) ==
          file +
              "4:14: error: down_after \"150ms\" is too short for heartbeat \"100ms\"\n"
              "      hint: two heartbeats must fit, at least \"200ms\"\n" +
              file +
              "7:9: error: lease \"300ms\" is not between \"400ms\" and \"1m\"\n"
              "      hint: \"6s\" is the default\n");
    // A lease that is too short for the heartbeat is to be longer: the same.
    CHECK(errors(with("[www]\ndown_after = \"1s\"\n[master]\nlease = \"2s\"\n"
                      "ttl = \"3s\"\ndamping = \"2h\"\ndamping_max = \"90m\"\n")) ==
          file +
              "4:14: error: down_after \"1s\" is too short for heartbeat \"1s\"\n"
              "      hint: two heartbeats must fit, at least \"2s\"\n" +
              file +
              "6:9: error: lease \"2s\" is too short for heartbeat \"1s\"\n"
              "      hint: 3 heartbeats and a quarter of the lease to fence must fit: at least "
              "\"4s\"; \"6s\" is the default\n" +
              file +
              "9:15: error: damping_max \"90m\" is below damping \"2h\"\n"
              "      hint: the block doubles from damping up to damping_max\n");
    // A mistake anywhere else hides nothing of a group.
    const std::string elsewhere =
        errors("wrong = 1\n" + with("[www]\ndown_after = \"1s\"\n", "wiki2 = []\n"));
    CHECK(elsewhere.find("unknown key 'wrong'") != std::string::npos);
    CHECK(elsewhere.find(":5:14: error: down_after \"1s\" is too short") != std::string::npos);
    CHECK(elsewhere.find(":9:1: error: server 'wiki2' has no address") != std::string::npos);
}

TEST_CASE("what follows from a mistake is not told beside it") {
    const auto one = [](const std::string& text, const std::string& begins) {
        const std::string told = errors(text);
        CAPTURE(told);
        CHECK(told.starts_with("/etc/arbiter/dnsd.toml:" + begins));
        CHECK(told.find(": error: ") == told.rfind(": error: "));
    };
    one(with("[master]\ndamping = \"soon\"\ndamping_max = \"30s\"\n"), "4:11: error: 'damping'");
    one(with("[master]\ndemotion = \"soon\"\nlease = \"2s\"\n"), "4:12: error: 'demotion'");
    one(with("[master]\nheartbeat = 1\nlease = \"2s\"\n"), "4:13: error: 'heartbeat'");
    one(with("[master]\nsemi_sync = 0\nackers = 3\n"), "4:13: error: 'semi_sync'");
    one(with("", "wiki2 = 5\n"), "6:9: error: 'wiki2' in [servers]");
    one("zone = \"wiki.example\"\nzone_file = \"z\"\nservers = \"wiki1\"\n",
        "3:11: error: 'servers'");
    const std::string group = "[[group]]\n[group.servers]\n";
    one("[[zone]]\nname = \"a..b\"\nfile = \"z\"\n" + group + "w = \"192.0.2.1\"\n" + group +
            "v = \"192.0.2.2\"\n",
        "2:8: error: \"a..b\" is no name of a zone");
    one("[[zone]]\nname = \"a\"\nfile = \"z\"\n[[group]]\nname = \"b\"\n[group.www]\n"
        "name = \"master\"\n[group.servers]\nw = \"192.0.2.1\"\n",
        "7:8: error: the pool and the master can not both be master.a");
}

TEST_CASE("in a group the hints name the group's own tables") {
    const std::string zone = "[[zone]]\nname = \"a\"\nfile = \"z\"\n[[group]]\n";
    const auto hints = [&](const std::string& group, const std::string& hint) {
        const std::string told = errors(zone + group);
        CAPTURE(told);
        CHECK(told.find("      hint: " + hint + "\n") != std::string::npos);
    };
    hints("[group.www]\nlease = \"6s\"\n[group.servers]\nw = \"192.0.2.1\"\n",
          "'lease' belongs into [group.master]");
    hints("[group.master]\nworkers = 1\n[group.servers]\nw = \"192.0.2.1\"\n",
          "'workers' belongs into [dns]");
    hints("[group.servers]\n", "[group.servers] with a line for each: wiki1 = \"192.0.2.11\"");
}

TEST_CASE("a demotion that leaves no room for the heartbeats is told at its own line") {
    CHECK(errors(with("[master]\nheartbeat = \"100ms\"\nlease = \"600ms\"\nttl = \"1s\"\n"
                      "demotion = \"500ms\"\n")) ==
          "/etc/arbiter/dnsd.toml:7:12: error: demotion \"500ms\" is too long for lease \"600ms\" "
          "and heartbeat \"100ms\"\n"
          "      hint: 3 heartbeats must fit beside it, at most \"300ms\"\n");
}

TEST_CASE("a server is in one group, and each group that makes another's names is told") {
    const std::string group = "[[group]]\nname = \"one\"\n[group.servers]\nw = \"192.0.2.1\"\n";
    const std::string file = "/etc/arbiter/dnsd.toml:";
    CHECK(errors("[[zone]]\nname = \"a.example\"\nfile = \"z\"\n" + group +
                 "[[group]]\nname = \"two\"\n[group.master]\nname = \"writer\"\nlease = 1\n"
                 "[group.servers]\nw = \"192.0.2.9\"\n") ==
          file +
              "8:1: error: two groups make www.a.example\n"
              "      hint: name = \"...\" in [group.www] and [group.master]\n" +
              file +
              "12:9: error: 'lease' in [group.master] must be a duration, not a number\n"
              "   12 | lease = 1\n"
              "      |         ^\n"
              "      hint: a whole number and a unit of ms, s, m, h or d, in quotes: \"250ms\", "
              "\"6s\"\n" +
              file +
              "14:1: error: server 'w' is in the group one already\n"
              "   14 | w = \"192.0.2.9\"\n"
              "      | ^\n"
              "      hint: an agent speaks for one group: a second agent, with a name and a key of "
              "its own, may run on the same machine\n");
}

TEST_CASE("a mistake of syntax is one error with its place") {
    const std::string text = errors("zone = \"wiki.example\nzone_file = \"x\"\n");
    CHECK(text.starts_with("/etc/arbiter/dnsd.toml:1:"));
    CHECK(text.find("zone = \"wiki.example\n") != std::string::npos);
}

TEST_CASE("what this version can not do is refused and never passed over") {
    CHECK(
        errors(with("[hooks]\non_change = \"/bin/true\"\n")).find("not possible in this version") !=
        std::string::npos);
}
