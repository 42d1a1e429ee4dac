#include "dnsd/publish/audience.h"

#include "zones/path.h"

#include <algorithm>
#include <array>
#include <map>

namespace dnsd {
namespace {

using heartbeat::Address;

// nullopt for what no single host has: unspecified, multicast, broadcast.
std::optional<Address> host_address(const zones::Rdata& rdata) {
    const auto bytes = rdata.bytes();
    const auto at = [&](std::size_t i) { return std::to_integer<std::uint8_t>(bytes[i]); };
    if (bytes.size() == 4) {
        if (at(0) == 0 || at(0) >= 224) return std::nullopt;  // RFC 1122 §3.2.1.3, RFC 5771
        return Address::v4({at(0), at(1), at(2), at(3)});
    }
    if (bytes.size() != 16 || at(0) == 0xff) return std::nullopt;  // RFC 4291 §2.7
    std::array<std::uint8_t, 16> v6{};
    for (std::size_t i = 0; i < v6.size(); ++i) v6[i] = at(i);
    if (v6 == std::array<std::uint8_t, 16>{}) return std::nullopt;
    return Address::v6(v6);
}

struct Host {
    Address address;
    zones::Name name;
};

// Glue is as good as an answer here: it is where a resolver would go.
void add_addresses(const zones::Catalog& catalog, const zones::Name& host, std::vector<Host>& to) {
    const zones::Zone* zone = catalog.enclosing(zones::Path(host));
    if (zone == nullptr) return;
    for (const zones::Type type : {zones::Type::a, zones::Type::aaaa}) {
        const auto rrset = zone->rrset(host, type);
        if (!rrset) continue;
        for (const zones::Rdata& rdata : rrset->rdatas)
            if (const auto address = host_address(rdata); address && to.size() < ns_targets_max)
                to.push_back({*address, host});
    }
}

// RFC 1996 §2.1: without the server that the SOA names as the primary.
std::vector<Host> hosts_of(const zones::Catalog& catalog, const zones::Zone& zone) {
    std::vector<Host> hosts;
    const auto soa = zone.rrset(zone.origin(), zones::Type::soa);
    const auto ns = zone.rrset(zone.origin(), zones::Type::ns);
    if (!soa || soa->rdatas.empty() || !ns) return hosts;
    const auto primary = zones::Name::from_wire(soa->rdatas.front().bytes());
    for (const zones::Rdata& rdata : ns->rdatas) {
        const auto host = zones::Name::from_wire(rdata.bytes());
        if (host && host != primary) add_addresses(catalog, *host, hosts);
    }
    return hosts;
}

}  // namespace

std::vector<Notifier::Target> audience(const zones::Catalog& catalog, const zones::Zone& zone,
                                       std::vector<Notifier::Target> configured, bool notify_ns,
                                       const std::set<Address>& ourselves) {
    const std::vector<Host> hosts = hosts_of(catalog, zone);
    std::set<Address> known = ourselves;
    for (Notifier::Target& target : configured) {
        target.configured = true;
        known.insert(target.address);
        const auto host = std::find_if(hosts.begin(), hosts.end(), [&](const Host& one) {
            return one.address == target.address;
        });
        if (host != hosts.end()) target.name = host->name.text();
    }
    if (!notify_ns) return configured;
    for (const Host& host : hosts) {
        if (!known.insert(host.address).second) continue;
        Notifier::Target target{host.address, notify_port, zone.origin()};
        target.name = host.name.text();
        target.configured = false;
        configured.push_back(std::move(target));
    }
    return configured;
}

}  // namespace dnsd
