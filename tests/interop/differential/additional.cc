#include "tests/interop/differential/additional.h"

#include <algorithm>
#include <set>

namespace differential {

namespace {

// Hosts that we follow in one answer (zones/respond.cc).
constexpr std::size_t hosts_followed_max = 32;

// A record that is told twice counts once.
std::vector<Set> once(std::vector<Set> sets) {
    for (Set& set : sets)
        set.rdatas.erase(std::unique(set.rdatas.begin(), set.rdatas.end()), set.rdatas.end());
    sets.erase(std::unique(sets.begin(), sets.end()), sets.end());
    return sets;
}

bool holds(const std::vector<Set>& sets, const Set& set) {
    return std::find(sets.begin(), sets.end(), set) != sets.end();
}

bool is_address(std::uint16_t type) {
    return type == type::a || type == type::aaaa;
}
bool is_service(std::uint16_t type) {
    return type == type::svcb || type == type::https;
}

// The hosts that records name, of types that bring their addresses along.
std::set<std::string> hosts_of(const std::vector<Set>& sets) {
    std::set<std::string> hosts;
    for (const Set& set : sets) {
        const bool brings = set.type == type::ns || set.type == type::mx || set.type == type::srv ||
                            is_service(set.type);
        if (!brings) continue;
        for (const std::string& rdata : set.rdatas) {
            const std::string target = *target_of({set.owner, set.type, 1, 0, rdata, 0});
            // RFC 9460 §2.5: "." is the owner itself.
            hosts.insert(is_service(set.type) && target.size() == 1 ? set.owner : target);
        }
    }
    return hosts;
}
std::set<std::string> hosts_of(const Reply& reply) {
    std::set<std::string> hosts = hosts_of(reply.answer);
    hosts.merge(hosts_of(reply.authority));
    return hosts;
}

class Additional {
public:
    explicit Additional(const Case& one)
        : one_(one),
          ours_(once(one.ours.additional)),
          theirs_(once(one.theirs.additional)),
          hosts_(hosts_of(one.ours)) {}

    std::vector<std::string> explain() {
        if (ours_ != one_.ours.additional) return {};  // we tell nothing twice
        if (theirs_ != one_.theirs.additional) names_.insert("additional-twice");
        for (const Set& set : ours_)
            if (!holds(theirs_, set) && !missing_there(set)) return {};
        for (const Set& set : theirs_)
            if (!holds(ours_, set) && !missing_here(set)) return {};
        return {names_.begin(), names_.end()};
    }

private:
    bool because(const char* name) {
        names_.insert(name);
        return true;
    }

    // Whether all that is missing would not have fitted, however its owners are written.
    bool no_room(const Reply& reply, const std::vector<Set>& there,
                 const std::vector<Set>& here) const {
        constexpr std::size_t record_head = 10;
        constexpr std::size_t kept_back = 16;  // BIND keeps room for an OPT, asked with one or not
        std::size_t size = reply.message.size + kept_back;
        for (const Set& set : there)
            for (const std::string& rdata : set.rdatas)
                if (!holds(here, set)) size += set.owner.size() + record_head + rdata.size();
        return !one_.question.tcp && size > room_for(one_.question);
    }

    // Addresses of hosts that the reply names, and what of its own type a service leads to.
    bool may_be_told(const Set& set) const {
        if (is_address(set.type)) return hosts_.count(set.owner) != 0;
        const auto& answer = one_.ours.answer;
        return is_service(set.type) &&
               std::any_of(answer.begin(), answer.end(), [&](const Set& other) {
                   return other.type == set.type && hosts_of({other}).count(set.owner) != 0;
               });
    }

    // Whether the host is of another zone than all records that name it.
    bool is_of_child(const Set& set) const {
        const auto home = zone_of(one_.zones, from_wire(set.owner), set.type);
        const auto& answer = one_.ours.answer;
        return std::none_of(answer.begin(), answer.end(), [&](const Set& other) {
            return hosts_of({other}).count(set.owner) != 0 &&
                   zone_of(one_.zones, from_wire(other.owner), other.type) == home;
        });
    }

    bool missing_there(const Set& set) {
        // Nothing of ours is out of place.
        if (!may_be_told(set)) return false;
        if (no_room(one_.theirs, ours_, theirs_)) return because("no-room");
        if (!is_referral(one_.ours)) return because("additional-optional");
        // NSD tells all A before all AAAA, and no more after the first that does not fit.
        if (one_.peer == Peer::nsd && one_.backed && !one_.question.tcp)
            return because("nsd-stops");
        // RFC 9471 §3.1 asks for the addresses of servers below the cut alone.
        const Labels cut = from_wire(one_.ours.authority[0].owner);
        return !is_under(from_wire(set.owner), cut) && because("referral-other-hosts");
    }

    bool missing_here(const Set& set) {
        if (!must_be_told(one_, set) && no_room(one_.ours, theirs_, ours_))
            return because("no-room");
        // Beside an RRset that answers ANY there, and not here.
        if (one_.question.type == type::any && hosts_.count(set.owner) == 0 &&
            hosts_of(one_.theirs).count(set.owner) != 0)
            return because("any-one-rrset");
        // RFC 9460 §4.1 names RRsets that the answer may have already.
        if (holds(one_.ours.answer, set)) return because("additional-twice");
        // Knot tells what a wildcard makes for a host under the wildcard's own name.
        if (one_.peer == Peer::knot && set.owner.substr(0, 2) == "\1*")
            return because("knot-wildcard-host");
        if (one_.peer == Peer::bind && more_of_bind(set)) return because("bind-host-more");
        // RFC 4592 §2.2.1: below a cut a wildcard makes nothing; NSD and Knot take it for glue.
        if (one_.peer != Peer::bind &&
            (is_referral(one_.ours) || (one_.backed && !one_.ours.answer.empty())) && is_made(set))
            return because("occluded-wildcard");
        // RFC 2181 §5.4.1: what stands below a cut or a DNAME is no answer. Beside one Knot tells
        // it, and BIND, too, when the cut's zone is at hand.
        if (!is_referral(one_.ours) && may_be_told(set)) {
            if (one_.peer == Peer::knot && one_.backed) return because("knot-hidden-host");
            if (is_of_child(set)) return because("parents-glue");
        }
        return hosts_.size() > hosts_followed_max && because("many-hosts");
    }

    // BIND adds the alias that a host is and what that or an SVCB record leads to, the TLSA records
    // of a service, and the hosts of further types.
    bool more_of_bind(const Set& set) const {
        if (set.type == type::cname || set.type == type::tlsa) return true;
        const auto leads_here = [&](const Set& other) {
            return std::any_of(other.rdatas.begin(), other.rdatas.end(), [&](const auto& rdata) {
                return target_of({other.owner, other.type, 1, 0, rdata, 0}) == set.owner;
            });
        };
        const auto& answer = one_.ours.answer;
        if (std::any_of(theirs_.begin(), theirs_.end(), leads_here) ||
            std::any_of(answer.begin(), answer.end(), [&](const Set& other) {
                return other.type == type::cname && leads_here(other);
            }))
            return true;
        return std::any_of(one_.ours.answer.begin(), one_.ours.answer.end(), [](const Set& other) {
            return other.type == type::afsdb || other.type == type::kx || other.type == type::naptr;
        });
    }

    // Whether the zone that answers last has no records of that owner.
    bool is_made(const Set& set) const {
        const auto& last =
            is_referral(one_.ours) ? one_.ours.authority.back() : one_.ours.answer.back();
        const auto zone = zone_of(one_.zones, from_wire(last.owner), type::a);
        return zone && one_.zones.owners[*zone].count(from_wire(set.owner)) == 0;
    }

    const Case& one_;
    const std::vector<Set> ours_, theirs_;
    const std::set<std::string> hosts_;
    std::set<std::string> names_;
};

}  // namespace

bool is_referral(const Reply& reply) {
    return reply.message.rcode == 0 && !reply.authority.empty() &&
           reply.authority[0].type == type::ns;
}

bool is_glue(const Reply& referral, const std::string& owner, std::uint16_t type) {
    return is_referral(referral) && is_address(type) &&
           is_under(from_wire(owner), from_wire(referral.authority[0].owner));
}

bool must_be_told(const Case& one, const Set& set) {
    if (!is_glue(one.ours, set.owner, set.type)) return false;
    if (hosts_of(one.ours.authority).count(set.owner) == 0) return false;
    // What a wildcard would make is none, as a wildcard below a cut makes nothing.
    const auto zone = zone_of(one.zones, from_wire(one.ours.authority[0].owner), type::ds);
    if (!zone) return false;
    const auto& owners = one.zones.owners[*zone];
    return owners.empty() || owners.count(from_wire(set.owner)) != 0;
}

std::size_t room_for(const Question& question) {
    return std::clamp<std::size_t>(question.edns, 512, 1232);
}

std::vector<std::string> additional_explanations(const Case& one) {
    return Additional(one).explain();
}

}  // namespace differential
