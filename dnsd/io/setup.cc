#include "dnsd/io/setup.h"

#include "dnsd/io/check.h"
#include "dnsd/io/cookie_keys.h"
#include "dnsd/io/start_error.h"

#include <algorithm>
#include <cassert>
#include <map>
#include <set>

#include <fmt/format.h>

namespace dnsd {
namespace {

zones::Prefix only(const heartbeat::Address& address) {
    zones::AddressBytes bytes{};
    if (address.is_v4()) {  // RFC 4291 §2.5.5.2
        bytes[10] = bytes[11] = 0xff;
        std::copy(address.data(), address.data() + 4, bytes.begin() + 12);
    } else {
        std::copy(address.data(), address.data() + 16, bytes.begin());
    }
    return zones::Prefix::of(bytes);
}

zones::TransferRules loopback_rules() {
    const auto v4 = zones::Prefix::parse("127.0.0.0/8");
    const auto v6 = zones::Prefix::parse("::1");
    assert(v4 && v6);
    return {{*v4, std::nullopt}, {*v6, std::nullopt}};
}

std::vector<zones::Prefix> loopback() {
    const auto v4 = zones::Prefix::parse("127.0.0.0/8");
    const auto v6 = zones::Prefix::parse("::1");
    assert(v4 && v6);
    return {*v4, *v6};
}

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
    setup.access = {loopback_rules(), loopback()};
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
    setup.secondaries = [notify = std::move(notify)](const zones::Name&) { return notify; };
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
    std::map<zones::Name, std::vector<Endpoint>> secondaries;
    for (const ZoneConfig& zone : zones) secondaries[zone.name] = zone.secondaries;
    return [secondaries = std::move(secondaries)](const zones::Name& zone) {
        const auto found = secondaries.find(zone);
        return found == secondaries.end() ? std::vector<Endpoint>{} : found->second;
    };
}

zones::Access access_of(const Config& config, const std::vector<ZoneConfig>& zones) {
    zones::Access access;
    for (const zones::Prefix& prefix : config.transfer_allow)
        access.transfer.push_back({prefix, std::nullopt});
    for (const heartbeat::Address& address : config.monitor_allow)
        access.chaos.push_back(only(address));
    // Each transfer looks through the list, and ten thousand zones have few secondaries.
    std::set<zones::AddressBytes> seen;
    for (const ZoneConfig& zone : zones)
        for (const Endpoint& secondary : zone.secondaries) {
            const zones::Prefix prefix = only(secondary.address);
            if (seen.insert(prefix.address).second) access.transfer.push_back({prefix, std::nullopt});
        }
    return access;
}

Setup setup_for_config(const Config& config, const std::string& file) {
    Setup setup;
    setup.listen = config.dns_listen;
    setup.workers = config.workers;
    setup.udp_size_max = static_cast<std::uint16_t>(config.udp_size_max);
    setup.tcp = config.tcp;
    setup.access = access_of(config, config.zones);
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
