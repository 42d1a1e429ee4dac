#include "dnsd/io/targets.h"

#include "dnsd/io/log.h"
#include "dnsd/publish/audience.h"

#include <fmt/format.h>

namespace dnsd {

std::string too_many_targets(std::size_t wanted) {
    return fmt::format(
        "the zones and their secondaries make {} pairs to send NOTIFY to; the bound is {}", wanted,
        Notifier::targets_max);
}

std::size_t targets_wanted(const ZoneStore& store, const Secondaries& secondaries) {
    std::size_t wanted = 0;
    for (const zones::Name& zone : store.read_names())
        wanted += secondaries(zone).secondaries.size();
    return wanted;
}

std::vector<Notifier::Target> targets_of(const ZoneStore& store, const Secondaries& secondaries,
                                         const std::set<heartbeat::Address>& ourselves) {
    std::vector<Notifier::Target> targets;
    std::size_t wanted = 0;
    const zones::Catalog& catalog = *store.catalog();
    for (const zones::Name& zone : store.names()) {
        const Told told = secondaries(zone);
        std::vector<Notifier::Target> configured;
        for (const Secondary& secondary : told.secondaries)
            configured.push_back(
                {secondary.endpoint.address, secondary.endpoint.port, zone, secondary.key});
        for (Notifier::Target& target : audience(catalog, *store.served(zone),
                                                 std::move(configured), told.notify_ns, ourselves))
            if (++wanted <= Notifier::targets_max) targets.push_back(std::move(target));
    }
    if (wanted > Notifier::targets_max)
        log_error(fmt::format("{}; the last {} by zone name hear of no change by NOTIFY",
                              too_many_targets(wanted), wanted - Notifier::targets_max));
    return targets;
}

}  // namespace dnsd
