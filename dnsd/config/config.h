#pragma once
// dnsd.toml as a value: one reader for the daemon, `--check` and arbiterctl, which reports every
// mistake and changes nothing by itself.

#include "dnsd/arbiter/facts.h"
#include "dnsd/config/endpoint.h"
#include "dnsd/config/mistakes.h"
#include "dnsd/config/tcp_limits.h"
#include "dnsd/config/transfers.h"
#include "dnsd/publish/serial_style.h"
#include "zones/catalog.h"
#include "zones/name.h"
#include "zones/zonefile.h"

#include <optional>
#include <string>
#include <vector>

namespace dnsd {

constexpr std::size_t servers_max = 64;      // a group: work per heartbeat stays bounded
constexpr std::size_t secondaries_max = 64;  // a zone
constexpr std::size_t zones_max = 100'000;   // a configuration
constexpr std::size_t groups_max = 64;       // a configuration
constexpr std::size_t listen_max = 16;       // sockets a service
constexpr std::size_t config_bytes_max = 16u << 20;

struct ZoneConfig {
    zones::Name name;
    std::string file;                        // absolute, or relative to the working directory
    std::vector<Secondary> secondaries;      // told by NOTIFY, and allowed to transfer
    std::vector<zones::TransferRule> allow;  // may transfer it too
    bool notify_ns = true;  // told by NOTIFY as well: the addresses of its NS set, in our zones
    SerialStyle serial = SerialStyle::counter;
};

struct GroupConfig {
    ArbiterRules rules;
    zones::Name zone;  // which zone holds the names
    zones::Name www_name;
    zones::Name master_name;
    unsigned www_ttl = 5;
    unsigned master_ttl = 5;
};

struct Config {
    std::string name = "ns0";  // of this arbiter, as people see it
    // The same in heartbeats.
    heartbeat::ServerId arbiter_id = *heartbeat::ServerId::parse("ns0");
    heartbeat::ServerId cluster = *heartbeat::ServerId::parse("arbiter");
    std::string mode = "act";          // or "observe"
    std::vector<Endpoint> dns_listen;  // port 53 of every address when not said
    unsigned workers = 0;              // 0: one a core
    unsigned udp_size_max = 1232;      // RFC 9715's advice
    std::string nsid;                  // bytes (RFC 5001); empty: not told
    // Class CH: of the program, and the arbiter's name, when nothing is said; empty: not told.
    std::optional<std::string> chaos_version, chaos_id;
    std::string cookies = "answer";  // or "require", "off" (RFC 7873)
    std::string cookie_file;         // empty: a secret drawn at each start
    TcpLimits tcp;
    std::vector<Endpoint> heartbeat_listen;
    std::string key_file = "/etc/arbiter/arbiter.key";
    std::string keys_directory = "/etc/arbiter/keys.d";  // NAME.pub, one a server
    std::string state_directory = "/var/lib/arbiter";
    std::string control_socket = "/run/arbiter/control.sock";
    TransferConfig transfer;
    std::optional<Endpoint> monitor_listen;  // page, API, metrics
    std::vector<heartbeat::Address> monitor_allow;
    std::vector<ZoneConfig> zones;
    std::vector<GroupConfig> groups;
};

struct ConfigRead {
    std::optional<Config> config;   // none when any mistake is an error
    std::vector<Mistake> mistakes;  // in the order of the file
    std::string report() const { return dnsd::report(mistakes); }
};

// `open` gives the text of a file or a sentence that says why not, `open_secret` that of a file
// that nobody else may read; without it, files of keys are not read and their names not checked.
// Paths in the file are taken relative to its own directory.
ConfigRead read_config(const std::string& path, const zones::Opener& open,
                       const zones::Opener& open_secret = {});

// The names that a group makes: load_zone() is to watch for them.
std::vector<zones::Name> live_names(const GroupConfig& group);
// They may not stand in the zone file, nor below a DNAME or a cut: a mistake for each of `group`
// that Loaded holds.
std::vector<zones::Mistake> live_names_in(const zones::Loaded&, const GroupConfig& group);

// What changed, a line each, as a reload prints it: "+ server wiki5", "~ www.ttl 10s -> 5s".
// A reload takes the zones, who may transfer them and by which keys, and of a group what its
// arbiter can take as it goes (arbitration.h); everything else waits for a restart.
std::vector<std::string> zone_differences(const std::vector<ZoneConfig>& before,
                                          const std::vector<ZoneConfig>& after);
std::vector<std::string> transfer_differences(const TransferConfig& before,
                                              const TransferConfig& after);
// Of one group; `alone`: there is no other, and it need not be named.
std::vector<std::string> live_differences(const GroupConfig& before, const GroupConfig& after,
                                          bool alone);
std::vector<std::string> restart_differences(const Config& before, const Config& after);
std::vector<std::string> differences(const Config& before, const Config& after);  // all

}  // namespace dnsd
