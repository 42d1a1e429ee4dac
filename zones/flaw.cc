#include "zones/flaw.h"

namespace zones {

const char* plural_of(FlawKind kind) {
    switch (kind) {
        case FlawKind::error:
            return "errors";
        case FlawKind::ttl:
            return "records with a TTL other than their RRset's";
        case FlawKind::duplicate:
            return "duplicate records";
        case FlawKind::outside:
            return "records that are not in the zone";
        case FlawKind::owner:
            return "owners that are no host names";
        case FlawKind::target:
            return "targets that are no host names";
        case FlawKind::glue:
            return "name servers without glue";
        case FlawKind::address:
            return "targets without address";
        case FlawKind::alias:
            return "targets that are aliases";
        case FlawKind::wildcard:
            return "names with an asterisk in their midst";
        case FlawKind::occluded:
            return "records that a cut or a DNAME hides";
        case FlawKind::soa:
            return "odd values of the SOA";
        case FlawKind::other:
            break;
    }
    return "other warnings";
}

std::vector<Flaw> Flaws::flaws() const {
    std::vector<Flaw> all;
    for (const Kept& kept : kinds_) all.insert(all.end(), kept.flaws.begin(), kept.flaws.end());
    std::sort(all.begin(), all.end(), [](const Flaw& a, const Flaw& b) {
        return std::pair(a.tag, a.kind) != std::pair(b.tag, b.kind)
                   ? std::pair(a.tag, a.kind) < std::pair(b.tag, b.kind)
                   : a.order < b.order;
    });
    return all;
}

}  // namespace zones
