#include "zones/rules.h"

#include "zones/path.h"

#include <algorithm>

namespace zones {

namespace {

// RFC 2181 §10.1, RFC 4034 §3 and §4; RFC 3007 §3.1.1 for KEY. SIG and NXT are of the DNSSEC
// before.
bool may_stand_beside_alias(Type type) {
    constexpr Type sig{24}, key{25}, nxt{30};
    return type == Type::cname || type == Type::rrsig || type == Type::nsec || type == sig ||
           type == key || type == nxt;
}

}  // namespace

std::vector<BrokenRule> broken_rules(std::span<const RRsetKind> kinds, bool apex) {
    std::vector<BrokenRule> broken;
    bool alias = false, other = false, soa = false, ns = false;
    for (const RRsetKind& kind : kinds) {
        const std::string type = type_text(kind.type);
        alias |= kind.type == Type::cname;
        other |= !may_stand_beside_alias(kind.type);
        soa |= kind.type == Type::soa;
        ns |= kind.type == Type::ns;
        if (kind.type == Type::soa && !apex)
            broken.push_back({"has an SOA record, but is not the zone's own name",
                              "an SOA stands at the apex of its zone only (RFC 1035 §5.2)"});
        const bool single =
            kind.type == Type::soa || kind.type == Type::cname || kind.type == Type::dname;
        if (single && kind.count > 1)
            broken.push_back({"has " + std::to_string(kind.count) + " " + type + " records",
                              "one is the limit for this type (RFC 2181 §10.1, RFC 6672 §2.4)"});
        if (is_meta(kind.type))
            broken.push_back({"has a record of type " + type,
                              "this type stands in messages, never in zones (RFC 6895 §3.1)"});
        if (kind.size > rrset_size_max || kind.count > 0xffff)
            broken.push_back({"has more " + type + " data than a DNS message can carry: " +
                                  std::to_string(kind.size) + " bytes",
                              "the limit is " + std::to_string(rrset_size_max) + " bytes"});
    }
    if (alias && other)
        broken.push_back({"has a CNAME record and other data",
                          "an alias has no other records (RFC 1034 §3.6.2); delete one of them"});
    if (apex && !soa)
        broken.push_back({"has no SOA record", "a zone begins with its SOA (RFC 1035 §5.2)"});
    if (apex && !ns)
        broken.push_back(
            {"has no NS record", "the zone's name servers stand at its apex (RFC 1035 §5.2)"});
    return broken;
}

std::weak_ordering compare_rdata(Type type, std::span<const std::byte> a,
                                 std::span<const std::byte> b) {
    const ByteRange names_a = names_in(type, a), names_b = names_in(type, b);
    const std::size_t both = std::min(a.size(), b.size());
    for (std::size_t i = 0; i < both; ++i) {
        const auto c = std::to_integer<std::uint8_t>(a[i]), d = std::to_integer<std::uint8_t>(b[i]);
        const auto order =
            (names_a.holds(i) ? lower1(c) : c) <=> (names_b.holds(i) ? lower1(d) : d);
        if (order != 0) return order;
    }
    return a.size() <=> b.size();
}

}  // namespace zones
