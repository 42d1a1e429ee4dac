#include "dnsd/io/admission.h"

#include <algorithm>
#include <cassert>
#include <set>

namespace dnsd {
namespace {

zones::Prefix only(const heartbeat::Address& address) {
    return zones::Prefix::of(mapped(address));
}

zones::TransferRules rules_of(const ZoneConfig& zone) {
    zones::TransferRules rules;
    for (const Secondary& secondary : zone.secondaries)
        rules.push_back({only(secondary.endpoint.address), secondary.key});
    rules.insert(rules.end(), zone.allow.begin(), zone.allow.end());
    return rules;
}

}  // namespace

zones::AddressBytes mapped(const heartbeat::Address& address) {
    zones::AddressBytes bytes{};
    if (address.is_v4()) {
        bytes[10] = bytes[11] = 0xff;
        std::copy(address.data(), address.data() + 4, bytes.begin() + 12);
    } else {
        std::copy(address.data(), address.data() + 16, bytes.begin());
    }
    return bytes;
}

zones::Catalog Admission::onto(const zones::Catalog& catalog) const {
    return catalog.with(access).with(rules).with(keys);
}

Admission loopback_alone() {
    const auto v4 = zones::Prefix::parse("127.0.0.0/8");
    const auto v6 = zones::Prefix::parse("::1");
    assert(v4 && v6);
    Admission admission;
    admission.access.transfer = {{*v4, std::nullopt}, {*v6, std::nullopt}};
    admission.access.chaos = {*v4, *v6};
    admission.access.known = {*v4, *v6};
    return admission;
}

Admission admission_of(const TransferConfig& transfer,
                       const std::vector<heartbeat::Address>& monitor_allow,
                       const std::vector<ZoneConfig>& zones) {
    Admission admission;
    admission.access.transfer = transfer.allow;
    for (const heartbeat::Address& address : monitor_allow)
        admission.access.chaos.push_back(only(address));
    // Each connection looks through the list, and ten thousand zones have few secondaries.
    std::set<std::pair<zones::AddressBytes, std::uint8_t>> seen;
    const auto know = [&](const zones::TransferRules& rules) {
        for (const zones::TransferRule& rule : rules)
            if (rule.from && seen.insert({rule.from->address, rule.from->bits}).second)
                admission.access.known.push_back(*rule.from);
    };
    know(transfer.allow);
    for (const ZoneConfig& zone : zones) {
        zones::TransferRules rules = rules_of(zone);
        know(rules);
        if (!rules.empty()) admission.rules.emplace(zone.name, std::move(rules));
    }
    admission.keys = zones::TsigKeys(transfer.keys, {.mac_size_min = transfer.mac_bytes_min});
    return admission;
}

}  // namespace dnsd
