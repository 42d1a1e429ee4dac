#include "dnsd/io/zone_past.h"

#include "dnsd/publish/edition.h"

#include <fmt/format.h>

namespace dnsd {

ZoneServed to_keep(const zones::Name& zone, Served served, const zones::History& history,
                   bool advanced) {
    ZoneServed out{zone, std::move(served), history.size(), std::nullopt};
    const auto last = advanced ? history.last() : nullptr;
    if (!last) return out;
    // The control thread waits for the disk, and a lease with it: what a large zone's new file
    // changed is kept in memory alone, and no chain reaches over it after a restart.
    if (last->bytes() > Ledger::delta_bytes_max)
        out.deltas = 0;
    else
        out.newest = ZoneServed::Step{last->from().value(), last->to().value(), last->packed()};
    return out;
}

ZonePast past_of(const Ledger& ledger, const zones::Name& zone) {
    ZonePast past;
    const auto kept = ledger.deltas(zone);
    std::string damage = kept ? "" : kept.error();
    if (kept)
        for (const KeptDelta& one : *kept) {
            auto delta = zones::Delta::unpack(zone, one.packed);
            if (delta && delta->from().value() == one.from && delta->to().value() == one.to) {
                past.deltas.push_back(std::make_shared<const zones::Delta>(*std::move(delta)));
                continue;
            }
            damage = fmt::format("that from {} cannot be unpacked", one.from);
            break;
        }
    if (damage.empty()) return past;
    return {{},
            fmt::format("zone {}: the differences that the ledger keeps are damaged ({}) and are "
                        "forgotten: secondaries get a full transfer once",
                        zone.text(), damage)};
}

std::shared_ptr<const zones::Zone> as_served(const zones::Zone& file, const Served& served) {
    const auto live = read_live_text(served.live);
    if (!live) return nullptr;
    for (const zones::RRset& rrset : *live)
        if (!rrset.owner.under(file.origin()) || file.rrset(rrset.owner, rrset.type))
            return nullptr;
    auto made = file.with(*live, zones::Serial(served.serial));
    return made ? std::move(*made) : nullptr;
}

}  // namespace dnsd
