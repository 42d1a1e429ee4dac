#pragma once
// The agent's configuration file (docs: UX.md, "Configuration"): one reader for the daemon, for
// `once` and for `check`. It reports every mistake, in file order, with the line and what to write.

#include "agent/config/rules.h"
#include "agent/duty/facts.h"
#include "heartbeat/identity.h"
#include "heartbeat/session.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

namespace agent {

// A host by name or address, and a port; resolved by the shell when it starts.
struct HostPort {
    std::string host;
    std::uint16_t port = 0;
    std::string text() const;
    // "ns0.wiki.example:5399", "192.0.2.1:53", "[2001:db8::1]:53"
    static std::optional<HostPort> parse(std::string_view text);
    friend bool operator==(const HostPort&, const HostPort&) = default;
};

struct ArbiterAt {
    HostPort at;
    std::vector<heartbeat::PublicKeys> keys;  // one, or two while its key is being changed
};

// Where the agent checks its own idea of the master.
struct MasterName {
    HostPort server;   // whom to ask
    std::string name;  // "master.wiki.example"
};

struct Config {
    static constexpr std::size_t file_size_max = 256 * 1024;
    static constexpr std::size_t arbiters_max = 1;  // there is no leader among several yet

    Config(const ServerId& of_cluster, const ServerId& self)
        : cluster(of_cluster), duty{self, {}} {}

    ServerId cluster;
    std::vector<ArbiterAt> arbiters;
    std::vector<Address> from;  // local addresses to speak from; empty: as the system routes
    std::optional<heartbeat::SecretKeys> keys;  // our own, from key_file; always set
    std::string state_directory;
    DutyRules duty;
    PageRules page;
    std::optional<DatabaseRules> database;  // nullopt: kind = "none"
    std::optional<MasterName> master_name;
    HookRules hooks;
};

struct Mistake {
    unsigned line = 1;
    unsigned column = 1;
    unsigned width = 1;  // of what is underlined
    std::string text;
    std::string hint;  // may be empty
};

struct ConfigRead {
    std::optional<Config> config;  // set exactly when there is no mistake
    std::vector<Mistake> mistakes;
    std::string report;  // all of them as a person reads them; empty when there is none
};

// How the reader gets at files: it opens none itself.
struct Files {
    using Open = std::function<tl::expected<std::string, std::string>(const std::string& path)>;
    Open open;
    Open open_secret;  // refuses what others can read
    std::function<tl::expected<heartbeat::SecretKeys, std::string>(const std::string& path)> keys;
};

ConfigRead read_config(const std::string& path, const Files& files);

}  // namespace agent
