#pragma once
// The two ways to say what the daemon is to do, as one value: a command line, or a configuration.

#include "dnsd/config/config.h"
#include "dnsd/io/admission.h"
#include "dnsd/io/zone_files.h"
#include "zones/catalog.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

namespace dnsd {

// Whom to tell of a zone's new versions.
struct Told {
    std::vector<Secondary> secondaries;
    bool notify_ns = false;  // and those whom the zone's NS set names
};
using Secondaries = std::function<Told(const zones::Name&)>;

struct Setup {
    std::vector<Endpoint> listen;
    unsigned workers = 0;  // 0: one a core
    std::uint16_t udp_size_max = 1232;
    TcpLimits tcp;
    Admission admission;
    zones::Identity identity;
    zones::EdnsRules edns;
    bool rolls_cookies = false;  // their secrets are drawn, not configured
    // Asked at start and, without a configuration, at each reload; runs in the loader's thread.
    std::function<tl::expected<ZoneSources, std::string>()> sources;
    Secondaries secondaries;
    // With groups, a ledger, the control socket and the page; without one, the daemon serves zones.
    std::optional<Config> config;
    std::string config_file;  // where it was read, and is read again by a reload
};

// `arbiter-dnsd --zones DIR`: transfers to this machine alone, every secondary told of every zone.
Setup setup_for_directory(std::vector<Endpoint> listen, const std::string& directory,
                          std::vector<Endpoint> notify, unsigned workers);
// What a configuration says of its zones; a reload asks again, with the groups that run.
ZoneSources sources_of(const std::vector<ZoneConfig>& zones,
                       const std::vector<GroupConfig>& groups);
Secondaries secondaries_of(const std::vector<ZoneConfig>& zones);

// `arbiter-dnsd --config FILE`. Throws StartError when the file of cookie secrets can not be used.
Setup setup_for_config(const Config& config, const std::string& file);

}  // namespace dnsd
