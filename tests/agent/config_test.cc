#include "agent/config/config.h"

#include "heartbeat/seal.h"

#include <map>
#include <string>

#include <doctest/doctest.h>

using namespace agent;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

heartbeat::SecretKeys keys_of(const char* name, std::uint8_t seed) {
    heartbeat::Seed bytes{};
    bytes.fill(seed);
    return heartbeat::SecretKeys::make(*ServerId::parse(name), bytes);
}

const std::string arbiter_key = keys_of("ns0", 1).public_keys().text();
const std::string second_key = keys_of("ns0", 2).public_keys().text();
const std::string other_key = keys_of("ns1", 3).public_keys().text();

// A disk in memory.
ConfigRead read(const std::string& text) {
    const std::map<std::string, std::string> disk{
        {"agent.toml", text}, {"repl.pw", "secret of repl\n"}, {"agent.pw", "secret of agent\r\n"}};
    const Files::Open open =
        [disk](const std::string& path) -> tl::expected<std::string, std::string> {
        const auto found = disk.find(path);
        if (found == disk.end()) return tl::unexpected(path + ": is not there");
        return found->second;
    };
    return read_config("agent.toml",
                       {open, open, [](const std::string&) { return keys_of("wiki1", 9); }});
}

std::string top(const std::string& more = {}) {
    return "server = \"wiki1\"\narbiters = [\"ns0.wiki.example:5399\"]\n"
           "key_file = \"wiki1.key\"\narbiter_key = \"" +
           arbiter_key + "\"\n" + more;
}
const std::string page = "[page]\nurl = \"http://127.0.0.1/wiki/Main_Page\"\n";
const std::string no_database = "[database]\nkind = \"none\"\n";
const std::string database =
    "[database]\nkind = \"mariadb\"\nsocket = \"/run/mysqld/mysqld.sock\"\nuser = \"arbiter\"\n"
    "replication = { user = \"repl\", password_file = \"repl.pw\", mode = \"gtid\" }\n";

}  // namespace

TEST_CASE("the file of the manual is read whole") {
    const ConfigRead config = read(
        top("cluster = \"wikipedia\"\nstate_directory = \"/srv/state\"\nheartbeat = \"100ms\"\n"
            "weight = 2\npriority = 7\nmay_lead = false\naddress = \"127.0.5.1\"\n") +
        "[page]\nurl = \"http://[::1]:8080/wiki/Main_Page?action=raw\"\n"
        "expect = { status = 203, contains = \"wgRevisionId\" }\ndeadline = \"1500ms\"\n"
        "[database]\nkind = \"mariadb\"\nhost = \"db.wiki.example\"\nport = 3307\nuser = "
        "\"arbiter\"\n"
        "password_file = \"agent.pw\"\n"
        "replication = { user = \"repl\", password_file = \"repl.pw\", mode = \"gtid\" }\n"
        "[dns]\nserver = \"192.0.2.1:5353\"\nname = \"master.wiki.example\"\n"
        "[hooks]\npromote = \"/etc/arbiter/hooks/promote\"\ndeadline = \"30s\"\n");
    CAPTURE(config.report);
    REQUIRE(config.config);
    const Config& c = *config.config;
    CHECK(c.cluster.text() == "wikipedia");
    CHECK(c.duty.self.text() == "wiki1");
    CHECK(c.duty.heartbeat == milliseconds(100));
    CHECK(c.duty.weight == 2);
    CHECK(c.duty.priority == 7);
    CHECK_FALSE(c.duty.may_lead);
    CHECK(c.duty.has_database);
    CHECK(c.state_directory == "/srv/state");
    REQUIRE(c.from.size() == 1);
    CHECK(c.from[0].text() == "127.0.5.1");
    REQUIRE(c.arbiters.size() == 1);
    CHECK(c.arbiters[0].at.text() == "ns0.wiki.example:5399");
    CHECK(c.arbiters[0].keys[0].name.text() == "ns0");
    CHECK(c.page.url.host == "::1");
    CHECK(c.page.url.port == "8080");
    CHECK(c.page.url.authority == "[::1]:8080");
    CHECK(c.page.url.target == "/wiki/Main_Page?action=raw");
    CHECK(c.page.status == 203);
    CHECK(c.page.contains == "wgRevisionId");
    CHECK(c.page.deadline == milliseconds(1500));
    REQUIRE(c.database);
    CHECK(c.database->host == "db.wiki.example");
    CHECK(c.database->port == 3307);
    CHECK(c.database->password == "secret of agent");
    CHECK(c.database->replication_password == "secret of repl");
    CHECK(c.database->replication_port == 3307);
    REQUIRE(c.master_name);
    CHECK(c.master_name->server.text() == "192.0.2.1:5353");
    CHECK(c.hooks.promote == "/etc/arbiter/hooks/promote");
    CHECK(c.hooks.deadline == seconds(30));
}

TEST_CASE("what is left out has its default") {
    const ConfigRead config =
        read(top() + page + database + "[dns]\nname = \"master.wiki.example\"\n");
    CAPTURE(config.report);
    REQUIRE(config.config);
    const Config& c = *config.config;
    CHECK(c.cluster.text() == "arbiter");
    CHECK(c.state_directory == "/var/lib/arbiter-agent");
    CHECK(c.duty.heartbeat == seconds(1));
    CHECK(c.duty.may_lead);
    CHECK(c.duty.weight == 1);
    CHECK(c.page.status == 200);
    CHECK(c.page.deadline == seconds(2));
    CHECK(c.page.url.port == "80");
    CHECK(c.from.empty());
    // The arbiter serves the zone itself.
    CHECK(c.master_name->server.text() == "ns0.wiki.example:53");
}

TEST_CASE("a server without a database never leads and needs no account") {
    const ConfigRead config = read(top() + page + no_database);
    REQUIRE(config.config);
    CHECK_FALSE(config.config->duty.has_database);
    CHECK_FALSE(config.config->database);
}

TEST_CASE("every mistake is told, in file order, with the line, the place and what to write") {
    const std::string text =
        "server   = \"wiki_1\"\n"
        "key_fle  = \"/etc/arbiter/wiki1.key\"\n"
        "arbiters = [\"ns0:5399\", 7]\n"
        "arbiter_key = \"arb-public-1:ns0:AAAA:00\"\n"
        "heartbeat = \"1 s\"\n"
        "[page]\n"
        "url    = \"https://127.0.0.1/\"\n"
        "expect = { status = 99, contain = \"x\" }\n"
        "[database]\n"
        "kind = \"mariadb\"\n"
        "socket = \"/s\"\n"
        "replication = { user = \"repl\", password_file = \"gone.pw\", mode = \"file\" }\n";
    const std::string want =
        "agent.toml:1:1: error: 'key_file' is missing\n"
        "    1 | server   = \"wiki_1\"\n"
        "      | ^\n"
        "agent.toml:1:12: error: 'wiki_1' is not a name\n"
        "    1 | server   = \"wiki_1\"\n"
        "      |            ^~~~~~~~\n"
        "      hint: 1 to 32 of a-z, 0-9 and '-', no '-' at either end\n"
        "agent.toml:2:1: error: unknown key 'key_fle'\n"
        "    2 | key_fle  = \"/etc/arbiter/wiki1.key\"\n"
        "      | ^~~~~~~\n"
        "      hint: did you mean 'key_file'?\n"
        "agent.toml:3:25: error: 'arbiters' must be a list of strings; here is a number\n"
        "    3 | arbiters = [\"ns0:5399\", 7]\n"
        "      |                         ^\n"
        "agent.toml:4:15: error: not a public key: its checksum does not match: a character was "
        "changed or lost\n"
        "    4 | arbiter_key = \"arb-public-1:ns0:AAAA:00\"\n"
        "      |               ^~~~~~~~~~~~~~~~~~~~~~~~~~\n"
        "      hint: the line of the arbiter's .pub file, \"arb-public-1:NAME:...\"\n"
        "agent.toml:5:13: error: 'heartbeat' must be a duration\n"
        "    5 | heartbeat = \"1 s\"\n"
        "      |             ^~~~~\n"
        "      hint: a string with a unit: \"250ms\", \"6s\", \"5m\", \"1h\"\n"
        "agent.toml:7:10: error: https is not probed, only http\n"
        "    7 | url    = \"https://127.0.0.1/\"\n"
        "      |          ^~~~~~~~~~~~~~~~~~~~\n"
        "      hint: \"http://127.0.0.1/wiki/Main_Page\"\n"
        "agent.toml:8:21: error: 'status' must be from 100 to 599, not 99\n"
        "    8 | expect = { status = 99, contain = \"x\" }\n"
        "      |                     ^~\n"
        "agent.toml:8:25: error: unknown key 'contain' in [page.expect]\n"
        "    8 | expect = { status = 99, contain = \"x\" }\n"
        "      |                         ^~~~~~~\n"
        "      hint: did you mean 'contains'?\n"
        "agent.toml:9:1: error: 'user' is missing in [database]\n"
        "    9 | [database]\n"
        "      | ^\n"
        "      hint: the agent's own account at the database\n"
        "agent.toml:12:48: error: gone.pw: is not there\n"
        "   12 | replication = { user = \"repl\", password_file = \"gone.pw\", mode = \"file\" }\n"
        "      |                                                ^~~~~~~~~\n"
        "agent.toml:12:66: error: mode 'file' is not known\n"
        "   12 | replication = { user = \"repl\", password_file = \"gone.pw\", mode = \"file\" }\n"
        "      |                                                                  ^~~~~~\n"
        "      hint: \"gtid\" is the one there is\n"
        "12 errors.\n";
    const ConfigRead config = read(text);
    CHECK_FALSE(config.config);
    CHECK(config.report == want);
    CHECK(config.mistakes.size() == 12);
}

TEST_CASE("a line that is no TOML is told with its place") {
    const ConfigRead config = read("server = \"wiki1\"\narbiters = [\n\n[page]\n");
    CHECK_FALSE(config.config);
    REQUIRE(config.mistakes.size() == 1);
    CHECK(config.mistakes[0].line >= 2);
    CHECK(config.report.find("1 error.") != std::string::npos);
}

TEST_CASE("arbiters and their keys belong together by name") {
    const auto with = [](const std::string& arbiters, const std::string& keys) {
        return read("server = \"wiki1\"\nkey_file = \"k\"\narbiters = " + arbiters +
                    "\narbiter_key = " + keys + "\n" + page + no_database);
    };
    const auto list = [](std::initializer_list<std::string> items) {
        std::string out = "[";
        for (const std::string& item : items) out += "\"" + item + "\",";
        return out + "]";
    };
    const ConfigRead rotating = with(list({"ns0:1"}), list({arbiter_key, second_key}));
    REQUIRE(rotating.config);
    CHECK(rotating.config->arbiters[0].keys.size() == 2);
    CHECK_FALSE(with(list({"ns0:1"}), list({arbiter_key, other_key})).config);
    CHECK_FALSE(with(list({"ns0:1"}), list({arbiter_key, second_key, arbiter_key})).config);
    CHECK_FALSE(with("[]", list({arbiter_key})).config);
    std::string nine = "[";
    for (int i = 0; i < 9; ++i) nine += "\"ns0:1\",";
    CHECK(with(nine + "]", list({arbiter_key})).report.find("at most 8") != std::string::npos);
}

TEST_CASE("a second arbiter is refused where it stands: it would grant on its own") {
    const ConfigRead two = read(
        "server = \"wiki1\"\nkey_file = \"k\"\narbiters = [\"ns0:1\", \"ns1:2\"]\n"
        "arbiter_key = [\"" +
        arbiter_key + "\", \"" + other_key + "\"]\n" + page + no_database);
    CHECK_FALSE(two.config);
    CHECK(two.report ==
          "agent.toml:3:22: error: a second arbiter is not possible in this version\n"
          "    3 | arbiters = [\"ns0:1\", \"ns1:2\"]\n"
          "      |                      ^~~~~~~\n"
          "      hint: name one: two that do not know of each other would each make a master\n"
          "1 error.\n");
}

TEST_CASE("a heartbeat below 100 ms is refused: an arbiter would not verify so many") {
    CHECK(read(top("heartbeat = \"100ms\"\n") + page + no_database).config);
    const ConfigRead quick = read(top("heartbeat = \"99ms\"\n") + page + no_database);
    CHECK_FALSE(quick.config);
    CHECK(quick.report.find("'heartbeat' must be from \"100ms\" to \"1m\", not \"99ms\"") !=
          std::string::npos);
}

TEST_CASE("the keys must be this server's") {
    const Files::Open open = [](const std::string&) -> tl::expected<std::string, std::string> {
        return top() + page + no_database;
    };
    const auto wrong =
        read_config("a", {open, open, [](const std::string&) { return keys_of("wiki2", 9); }});
    CHECK(wrong.report.find("holds the keys of 'wiki2', this is 'wiki1'") != std::string::npos);
}

TEST_CASE("a file that is too large is refused before it is parsed") {
    CHECK(read(std::string(Config::file_size_max + 1, '#')).report.find("at most 262144") !=
          std::string::npos);
    CHECK(read(std::string(Config::file_size_max, '#')).report.find("at most") ==
          std::string::npos);
}
