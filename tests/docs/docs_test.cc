// What the documentation tells people to write is what the readers take.

#include "agent/config/config.h"
#include "dnsd/config/config.h"
#include "tests/lab/process.h"

#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <sstream>

#include <doctest/doctest.h>

namespace {

// The indented block of a page that begins with that line, without its indentation (in the manual
// pages' sources a tab).
std::string block(const std::string& page, const std::string& first_line) {
    std::ifstream file(std::string(ARBITER_SOURCE_DIR) + "/" + page);
    std::string found;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with('\t')) line.replace(0, 1, "    ");
        const bool indented = line.starts_with("    ");
        if (found.empty() && !(indented && line.substr(4).starts_with(first_line))) continue;
        if (!indented) break;
        found += line.substr(4) + "\n";
    }
    REQUIRE_MESSAGE(!found.empty(), page << " has no block that begins with " << first_line);
    return found;
}

void daemon_takes(const std::string& text) {
    const dnsd::ConfigRead read = dnsd::read_config(
        "/etc/arbiter/dnsd.toml",
        [&](const std::string&) -> tl::expected<std::string, std::string> { return text; });
    CHECK_MESSAGE(read.config.has_value(), read.report());
}

void agent_takes(std::string text) {
    heartbeat::Seed seed{};
    const auto keys = heartbeat::SecretKeys::make(*agent::ServerId::parse("ns0"), seed);
    const std::string placeholder = "arb-public-1:ns0:…";
    const std::size_t at = text.find(placeholder);
    REQUIRE(at != std::string::npos);
    text.replace(at, placeholder.size(), keys.public_keys().text());
    const agent::Files::Open open =
        [&](const std::string& path) -> tl::expected<std::string, std::string> {
        return path.ends_with(".toml") ? text : "password\n";
    };
    const agent::ConfigRead read = agent::read_config(
        "/etc/arbiter/agent.toml", {open, open, [&](const std::string&) {
                                        return heartbeat::SecretKeys::make(
                                            *agent::ServerId::parse("wiki1"), seed);
                                    }});
    CHECK_MESSAGE(read.config.has_value(), read.report);
}

// The server's own checker reads it, as an operator would have it read.
void checker_takes(std::vector<std::string> argv, const std::string& text) {
    const lab::Scratch scratch("docs");
    lab::write_file(scratch / "conf", text);
    argv.push_back(scratch / "conf");
    if (argv[0] == "knotc") argv.push_back("conf-check");
    const lab::Outcome checked = lab::run(argv);
    CHECK_MESSAGE(checked.status == 0, argv[0] << ": " << checked.out << checked.err << text);
}

// The blocks of a page that begin with that line, each as block() gives it.
std::vector<std::string> blocks(const std::string& page, const std::string& first_line) {
    std::ifstream file(std::string(ARBITER_SOURCE_DIR) + "/" + page);
    std::vector<std::string> found;
    bool inside = false;
    for (std::string line; std::getline(file, line);) {
        const bool indented = line.starts_with("    ");
        if (indented && !inside && line.substr(4).starts_with(first_line)) found.emplace_back();
        inside = indented && (inside || line.substr(4).starts_with(first_line));
        if (inside) found.back() += line.substr(4) + "\n";
    }
    return found;
}

const char* const operations = "docs/OPERATIONS.md";

std::string text_of(const std::string& page) {
    std::ifstream file(std::string(ARBITER_SOURCE_DIR) + "/" + page);
    return {std::istreambuf_iterator<char>(file), {}};
}

// The part of a page from the first line that begins so to the next that begins so.
std::string part(const std::string& page, const std::string& from, const std::string& to) {
    const std::string text = text_of(page);
    const std::size_t begin = text.find("\n" + from);
    REQUIRE_MESSAGE(begin != std::string::npos, page << " has no line that begins with " << from);
    return text.substr(begin, text.find("\n" + to, begin + 1) - begin);
}

std::set<std::string> words(const std::string& text, const char* pattern) {
    const std::regex regex(pattern);
    std::set<std::string> found;
    for (auto at = std::sregex_iterator(text.begin(), text.end(), regex);
         at != std::sregex_iterator(); ++at)
        found.insert((*at)[1]);
    return found;
}

// "key = value" for each key of that part of arbiter-dnsd(8) whose default it writes out.
std::string defaults_of(const std::string& text) {
    static const std::regex said(R"re(\*([a-z_]+)\* \(("[^"]*"|true|false|[0-9]+)[,)])re");
    std::string lines;
    for (auto at = std::sregex_iterator(text.begin(), text.end(), said);
         at != std::sregex_iterator(); ++at)
        lines += (*at)[1].str() + " = " + (*at)[2].str() + "\n";
    return lines;
}

dnsd::Config config_of(const std::string& tables) {
    const dnsd::ConfigRead read =
        dnsd::read_config("/etc/arbiter/dnsd.toml",
                          [&](const std::string&) -> tl::expected<std::string, std::string> {
                              return "zone = \"wiki.example\"\nzone_file = \"z.zone\"\n" + tables +
                                     "[servers]\nwiki1 = \"192.0.2.11\"\nwiki2 = \"192.0.2.12\"\n";
                          });
    REQUIRE_MESSAGE(read.config, read.report());
    return *read.config;
}

std::string arbiterctl(const std::vector<std::string>& words) {
    std::vector<std::string> argv{ARBITER_BIN_DIR "/arbiterctl"};
    argv.insert(argv.end(), words.begin(), words.end());
    return lab::run(argv).out;
}

}  // namespace

TEST_CASE("arbiter-dnsd(8) has every key of a group, with the default that the reader has") {
    const std::string page = "docs/man/arbiter-dnsd.8.scd";
    const std::string www = part(page, "In *[www]*:", "In *[master]*:");
    const std::string master = part(page, "In *[master]*:", "In *[servers]*");
    const std::string source =
        text_of("dnsd/config/groups.cc") + text_of("dnsd/config/arbitration.cc");
    const std::set<std::string> www_keys = words(source, R"re(\bwww\.[a-z]+\(\s*"([a-z_]+)")re");
    std::set<std::string> master_keys = words(source, R"re(\bmaster\.[a-z]+\(\s*"([a-z_]+)")re");
    master_keys.merge(words(source, R"re(\boptional\("([a-z_]+)")re"));
    CHECK(www_keys.size() >= 4);
    CHECK(master_keys.size() >= 18);
    for (const std::string& key : www_keys)
        CHECK_MESSAGE(www.find("*" + key + "*") != www.npos, key);
    for (const std::string& key : master_keys) {
        CHECK_MESSAGE(master.find("*" + key + "*") != master.npos, key);
        if (key != "name" && key != "ttl")
            CHECK_MESSAGE(text_of(operations).find("`" + key + "`") != master.npos, key);
    }
    const dnsd::Config said =
        config_of("[www]\n" + defaults_of(www) + "[master]\n" + defaults_of(master));
    const dnsd::Config unsaid = config_of("");
    CHECK(live_differences(unsaid.groups[0], said.groups[0], true) == std::vector<std::string>{});
    CHECK(said.groups[0].www_ttl == unsaid.groups[0].www_ttl);
    CHECK(said.groups[0].master_ttl == unsaid.groups[0].master_ttl);
    // And it is a test of something: another value is another rule.
    const dnsd::Config other = config_of("[master]\nackers = 3\n");
    CHECK_FALSE(live_differences(unsaid.groups[0], other.groups[0], true).empty());
}

TEST_CASE("arbiterctl(1) has every command and every option of the program") {
    const std::string page = text_of("docs/man/arbiterctl.1.scd");
    const std::set<std::string> commands =
        words(arbiterctl({"--help"}).substr(arbiterctl({"--help"}).find("Subcommands:")),
              R"re(\n +([a-z-]+) )re");
    CHECK(commands.size() >= 15);
    for (const std::string& command : commands) {
        CHECK_MESSAGE(page.find("*" + command) != page.npos, command);
        for (const std::string& option :
             words(arbiterctl({command, "--help"}), R"re((--[a-z-]+))re"))
            if (option != "--help") CHECK_MESSAGE(page.find(option) != page.npos, command, option);
    }
}

TEST_CASE("the secondaries' own checkers take what the documentation tells their operators") {
    const auto by_address = [](const char* first_line) {
        const auto found = blocks(operations, first_line);
        REQUIRE(!found.empty());
        return found.front();
    };
    SUBCASE("BIND, by address") {
        checker_takes({"named-checkconf"}, by_address("options {"));
    }
    SUBCASE("BIND, with a key") {
        checker_takes({"named-checkconf"}, block(operations, "key \"ns3.wiki.example\" {"));
    }
    SUBCASE("NSD, by address") {
        checker_takes({"nsd-checkconf"}, by_address("server:"));
    }
    SUBCASE("Knot, by address") {
        checker_takes({"knotc", "-c"}, by_address("remote:"));
    }
    SUBCASE("NSD and Knot, with a key") {
        const auto keyed = blocks(operations, "key:");
        REQUIRE(keyed.size() == 2);
        checker_takes({"nsd-checkconf"}, keyed[0]);
        checker_takes({"knotc", "-c"}, keyed[1]);
    }
}

TEST_CASE("a mistake in a secondary's configuration would be seen") {
    const lab::Scratch scratch("docs");
    lab::write_file(scratch / "conf", "zone:\n  name: wiki.example\n  request-xfer: 192.0.2.1\n");
    CHECK(lab::run({"nsd-checkconf", scratch / "conf"}).status != 0);
    CHECK(lab::run({"named-checkconf", scratch / "conf"}).status != 0);
    CHECK(lab::run({"knotc", "-c", scratch / "conf", "conf-check"}).status != 0);
}

TEST_CASE("the configurations that the documentation shows are taken as they stand") {
    SUBCASE("README, the smallest") {
        daemon_takes(block("README.md", "zone        ="));
    }
    SUBCASE("OPERATIONS, the arbiter's") {
        daemon_takes(block("docs/OPERATIONS.md", "zone        ="));
    }
    SUBCASE("OPERATIONS, of many zones and groups") {
        daemon_takes(block("docs/OPERATIONS.md", "[transfer]"));
    }
    SUBCASE("OPERATIONS, the limits of TCP beside the smallest") {
        const std::string limits = block("docs/OPERATIONS.md", "[dns.tcp]");
        daemon_takes(block("README.md", "zone        =") + limits);
    }
    SUBCASE("OPERATIONS, the secondaries beside the smallest") {
        // The first line stands above all tables, in the place of the smallest one's own.
        const std::string block_text =
            block(operations, "secondaries = [\"198.51.100.1\", \"203.0.113.9:5301 key");
        const std::size_t tables = block_text.find("[transfer]");
        std::string smallest = block("README.md", "zone        =");
        const std::size_t own = smallest.find("secondaries =");
        smallest.erase(own, smallest.find('\n', own) + 1 - own);
        daemon_takes(block_text.substr(0, tables) + smallest + block_text.substr(tables));
    }
    SUBCASE("arbiter-dnsd(8)") {
        daemon_takes(block("docs/man/arbiter-dnsd.8.scd", "[dns]"));
    }
    SUBCASE("OPERATIONS, the agent's") {
        agent_takes(block("docs/OPERATIONS.md", "server   ="));
    }
}

TEST_CASE("a page that is no configuration is not taken") {
    const dnsd::ConfigRead read = dnsd::read_config(
        "dnsd.toml", [](const std::string&) -> tl::expected<std::string, std::string> {
            return std::string("zone = \"wiki.example\"\nname = \"ns0\"\n");
        });
    CHECK_FALSE(read.config.has_value());
}
