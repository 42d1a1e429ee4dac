#pragma once
// Configurations as texts, and what reading them says.

#include "dnsd/config/config.h"

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

namespace dnsd::configuring {

using Files = std::map<std::string, std::string>;

inline zones::Opener opener(Files files) {
    return [files = std::move(files)](
               const std::string& path) -> tl::expected<std::string, std::string> {
        const auto found = files.find(path);
        if (found == files.end())
            return tl::unexpected(std::string("can not be opened: No such file or directory"));
        return found->second;
    };
}

inline ConfigRead read(const std::string& text) {
    return read_config("/etc/arbiter/dnsd.toml", opener({{"/etc/arbiter/dnsd.toml", text}}));
}

inline Config good(const std::string& text) {
    const ConfigRead out = read(text);
    CHECK(out.report() == "");
    REQUIRE(out.config);
    return *out.config;
}

inline constexpr const char* smallest = R"(zone        = "wiki.example"
zone_file   = "wiki.example.zone"     # all but www and master, which are ours
secondaries = ["198.51.100.1"]
[servers]
wiki1 = "192.0.2.11"
wiki2 = "192.0.2.12"
)";

// `smallest` with one line more before [servers] and lines after it.
inline std::string with(const std::string& tables, const std::string& servers = "") {
    return std::string("zone = \"wiki.example\"\nzone_file = \"wiki.example.zone\"\n") + tables +
           "\n[servers]\nwiki1 = \"192.0.2.11\"\n" + servers;
}

// The report without its last line, which counts.
inline std::string errors(const std::string& text) {
    const ConfigRead out = read(text);
    CHECK_FALSE(out.config);
    std::string report = out.report();
    report.pop_back();
    return report.substr(0, report.rfind('\n') + 1);
}

inline std::vector<std::string> texts(const std::vector<Endpoint>& endpoints) {
    std::vector<std::string> out;
    for (const Endpoint& endpoint : endpoints) out.push_back(endpoint.text());
    return out;
}
inline std::vector<std::string> texts(const std::vector<Secondary>& secondaries) {
    std::vector<std::string> out;
    for (const Secondary& one : secondaries) out.push_back(one.text());
    return out;
}
using Texts = std::vector<std::string>;

}  // namespace dnsd::configuring
