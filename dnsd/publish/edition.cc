#include "dnsd/publish/edition.h"

#include <algorithm>
#include <cassert>
#include <sstream>
#include <vector>

namespace dnsd {

namespace {

// RFC 2181 §5: an RRset holds no record twice, whichever servers share an address.
std::vector<Address> addresses_of(const std::vector<Member>& members) {
    std::vector<Address> out;
    for (const Member& member : members)
        out.insert(out.end(), member.addresses.begin(), member.addresses.end());
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
}

struct Live {
    const zones::Name* owner;
    zones::Ttl ttl;
    std::vector<Address> addresses;
};

std::vector<Live> live_of(const EditionRules& rules, const Standing& standing) {
    std::vector<Member> master;
    if (standing.master) master.push_back(*standing.master);
    return {{&rules.www, rules.www_ttl, addresses_of(standing.pool)},
            {&rules.master, rules.master_ttl, addresses_of(master)}};
}

zones::RRset rrset_of(const Live& live, zones::Type type) {
    zones::RRset out{*live.owner, type, live.ttl, {}};
    for (const Address& address : live.addresses) {
        if (type == zones::Type::a && address.is_v4())
            out.rdatas.push_back(
                zones::a_rdata(std::span<const std::uint8_t, 4>(address.data(), 4)));
        if (type == zones::Type::aaaa && !address.is_v4())
            out.rdatas.push_back(
                zones::aaaa_rdata(std::span<const std::uint8_t, 16>(address.data(), 16)));
    }
    return out;
}

bool same(const std::optional<zones::RRset>& stands, zones::RRset wanted) {
    if (!stands) return wanted.rdatas.empty();
    std::vector<zones::Rdata> there = stands->rdatas;
    std::sort(there.begin(), there.end());
    std::sort(wanted.rdatas.begin(), wanted.rdatas.end());
    return there == wanted.rdatas && stands->ttl == wanted.ttl;
}

}  // namespace

std::shared_ptr<const zones::Zone> edition(const zones::Zone& current, const EditionRules& rules,
                                           const Standing& standing, zones::Serial at_least_next) {
    assert(!standing.pool.empty());  // docs/PROTOCOL.md, I9
    std::vector<zones::RRset> changes;
    for (const Live& live : live_of(rules, standing)) {
        for (const zones::Type type : {zones::Type::a, zones::Type::aaaa}) {
            zones::RRset wanted = rrset_of(live, type);
            if (!same(current.rrset(*live.owner, type), wanted))
                changes.push_back(std::move(wanted));
        }
    }
    if (changes.empty()) return nullptr;
    // What was published last decides: half the circle away from it nothing has an order, and the
    // ledger knows better than a zone file.
    const zones::Serial next = current.serial().next();
    auto zone = current.with(changes, next > at_least_next ? next : at_least_next);
    // The configuration has refused names outside of the zone and names that the zone file has.
    assert(zone.has_value());
    return *zone;
}

std::string live_text(const EditionRules& rules, const Standing& standing) {
    std::string out;
    for (const Live& live : live_of(rules, standing)) {
        if (live.addresses.empty()) continue;
        out += live.owner->lowered().text() + " " + std::to_string(live.ttl.seconds);
        for (const Address& address : live.addresses) out += " " + address.text();
        out += "\n";
    }
    return out;
}

std::optional<std::vector<zones::RRset>> read_live_text(const std::string& text) {
    std::vector<zones::RRset> out;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string owner;
        std::uint32_t ttl = 0;
        if (!(words >> owner >> ttl)) return std::nullopt;
        const auto name = zones::Name::parse(owner);
        if (!name) return std::nullopt;
        Live live{&*name, zones::Ttl{ttl}, {}};
        for (std::string word; words >> word;) {
            const auto address = Address::parse(word);
            if (!address) return std::nullopt;
            live.addresses.push_back(*address);
        }
        for (const zones::Type type : {zones::Type::a, zones::Type::aaaa})
            if (zones::RRset rrset = rrset_of(live, type); !rrset.rdatas.empty())
                out.push_back(std::move(rrset));
    }
    return out;
}

}  // namespace dnsd
