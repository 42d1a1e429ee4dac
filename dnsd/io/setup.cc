#include "dnsd/io/setup.h"

#include "dnsd/io/check.h"
#include "dnsd/io/cookie_keys.h"
#include "dnsd/io/start_error.h"

#include <map>

#include <fmt/format.h>

namespace dnsd {
namespace {

constexpr const char* version = "Arbiter " ARBITER_VERSION;

// As BIND: a server's cookie for every client's, and no more than that, unless configured.
zones::EdnsRules edns_for(const Config& config) {
    zones::EdnsRules rules;
    for (const char byte : config.nsid) rules.nsid.push_back(static_cast<std::byte>(byte));
    if (config.cookies == "off") return rules;
    rules.cookies_required = config.cookies == "require";
    const auto secrets = read_cookie_secrets(config);
    if (!secrets) throw StartError(exit_no_right, secrets.error());
    rules.cookies = secrets->empty() ? rolled({}) : *secrets;
    return rules;
}

}  // namespace

Setup setup_for_directory(std::vector<Endpoint> listen, const std::string& directory,
                          std::vector<Endpoint> notify, unsigned workers) {
    Setup setup;
    setup.listen = std::move(listen);
    setup.workers = workers;
    setup.admission = loopback_alone();
    setup.identity = {version, ""};
    setup.edns.cookies = rolled({});
    setup.rolls_cookies = true;
    setup.sources = [directory, before = ZonePaths()]() mutable {
        auto found = zones_in(directory, before);
        if (found) {
            before.clear();
            for (const ZoneSource& source : found->sources) before[source.origin] = source.path;
        }
        return found;
    };
    Told told;
    for (const Endpoint& endpoint : notify) told.secondaries.push_back({endpoint, std::nullopt});
    setup.secondaries = [told = std::move(told)](const zones::Name&) { return told; };
    return setup;
}

ZoneSources sources_of(const std::vector<ZoneConfig>& zones,
                       const std::vector<GroupConfig>& groups) {
    ZoneSources sources;
    for (const ZoneConfig& zone : zones)
        sources.sources.push_back({zone.name, zone.file, live_names(zone.name, groups)});
    return sources;
}

Secondaries secondaries_of(const std::vector<ZoneConfig>& zones) {
    std::map<zones::Name, Told> secondaries;
    for (const ZoneConfig& zone : zones)
        secondaries[zone.name] = {zone.secondaries, zone.notify_ns};
    return [secondaries = std::move(secondaries)](const zones::Name& zone) {
        const auto found = secondaries.find(zone);
        return found == secondaries.end() ? Told() : found->second;
    };
}

Setup setup_for_config(const Config& config, const std::string& file) {
    Setup setup;
    setup.listen = config.dns_listen;
    setup.workers = config.workers;
    setup.udp_size_max = static_cast<std::uint16_t>(config.udp_size_max);
    setup.tcp = config.tcp;
    setup.admission = admission_of(config.transfer, config.monitor_allow, config.zones);
    setup.identity = {config.chaos_version.value_or(version),
                      config.chaos_id.value_or(config.name)};
    setup.edns = edns_for(config);
    setup.rolls_cookies = config.cookies != "off" && config.cookie_file.empty();
    setup.sources = [sources = sources_of(config.zones, config.groups)] { return sources; };
    setup.secondaries = secondaries_of(config.zones);
    setup.config = config;
    setup.config_file = file;
    return setup;
}

}  // namespace dnsd
