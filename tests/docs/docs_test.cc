// What the documentation tells people to write is what the readers take.

#include "agent/config/config.h"
#include "dnsd/config/config.h"

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

}  // namespace

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
