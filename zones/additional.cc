#include "zones/additional.h"

#include <algorithm>
#include <variant>

namespace zones {

namespace {

bool is_suffix(std::span<const std::byte> name, const Path& path, std::size_t depth) {
    const auto suffix = path.wire(depth);
    return suffix.size() == name.size() && equal_names(suffix.data(), name.data(), name.size());
}

}  // namespace

void Additional::addresses(const Item& item, Hosts which) noexcept {
    const Type type = item.rrset.type();
    const bool service = type == Type::svcb || type == Type::https;
    if (!service && type != Type::ns && type != Type::mx && type != Type::srv) return;
    const std::size_t skip = service ? 2 : shape_of(type).skip;
    const std::byte* record = item.rrset.records().data();
    for (std::size_t i = 0; i < item.rrset.count(); ++i) {
        const auto rdata = RRsetView::rdata(record);
        record += RRsetView::record_size(record);
        const std::size_t size = plain_name_size(rdata, skip);
        if (size == 0) continue;
        auto host = rdata.subspan(skip, size);
        if (service && size == 1) {
            // RFC 9460 §2.5: "." is the owner itself in ServiceMode, and nobody in AliasMode.
            if (load16(rdata.data()) == 0) continue;
            host = item.path->wire(item.depth);
        }
        if (!host_addresses(item, host, which)) return;
    }
}

// False when as many names have been followed as may be.
bool Additional::host_addresses(const Item& item, std::span<const std::byte> host,
                                Hosts which) noexcept {
    const Path path(host);
    const Zone* zone = item.zone;
    if (path.depth() < zone->depth() || !is_suffix(zone->origin().wire(), path, zone->depth()))
        return true;
    if (which != Hosts::all) {
        const bool below =
            path.depth() >= item.depth && is_suffix(item.path->wire(item.depth), path, item.depth);
        if (below != (which == Hosts::below_cut)) return true;
    }
    if (told(path.hash())) return true;
    if (which != Hosts::below_cut && told_count_ == told_.size()) return false;
    // RFC 2181 §5.4.1: beside NS stands what the zone has, if it is glue. Of other hosts is
    // told what a question for them would find, if need be in a child zone of ours.
    const Type type = item.rrset.type();
    const bool glue = type == Type::ns;
    if (!glue) zone = catalog_.enclosing(path);
    host_rrset(*zone, path, Type::a, glue, which);
    host_rrset(*zone, path, Type::aaaa, glue, which);
    // RFC 9460 §4.1: what a client of an alias would ask for next.
    const bool itself =
        path.depth() == item.depth && is_suffix(item.path->wire(item.depth), path, item.depth);
    if ((type == Type::svcb || type == Type::https) && !itself)
        host_rrset(*zone, path, type, glue, which);
    return true;
}

// Of a name in the zone: what is found for it, also what a wildcard makes, but nothing that a
// DNAME hides (RFC 6672 §2.4); and what stands below a cut only as glue.
void Additional::host_rrset(const Zone& zone, const Path& host, Type type, bool glue,
                            Hosts which) noexcept {
    const Lookup lookup = zone.find(host, type);
    RRsetView rrset;
    if (const auto* found = std::get_if<Found>(&lookup))
        rrset = found->rrset;
    else if (glue && std::holds_alternative<Delegation>(lookup))
        if (const Node* node = zone.node(host, host.depth())) rrset = node->rrset(type);
    if (!rrset || writer_.rrset(Section::additional, host, host.depth(), rrset, turn_.rotation))
        return;
    if (which == Hosts::below_cut) lacks_glue_ = true;
}

// Whether the addresses of this name have gone out already; it counts as told from now on.
bool Additional::told(Hash name) noexcept {
    const auto end = told_.begin() + static_cast<std::ptrdiff_t>(told_count_);
    if (std::find(told_.begin(), end, name) != end) return true;
    if (told_count_ < told_.size()) told_[told_count_++] = name;
    return false;
}

}  // namespace zones
