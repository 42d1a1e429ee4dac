// What the documentation tells people to write is what the readers take.

#include "agent/config/config.h"
#include "dnsd/config/config.h"
#include "tests/lab/process.h"

#include <fstream>
#include <iterator>
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

}  // namespace

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
        const std::string block_text = block(operations, "secondaries = [\"198.51.100.1\", \"203.0.113.9:5301 key");
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
