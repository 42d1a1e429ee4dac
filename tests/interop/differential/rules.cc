#include "tests/interop/differential/rules.h"

#include "tests/interop/differential/additional.h"

#include <algorithm>

namespace differential {

namespace {

struct Rule {
    const char* name;
    bool (*explains)(const Case&, Part);
};

bool holds(const std::vector<Set>& sets, const Set& set) {
    return std::find(sets.begin(), sets.end(), set) != sets.end();
}

// Whether `one` is the beginning of `other`, and something follows.
bool begins(const std::vector<Set>& one, const std::vector<Set>& other) {
    return one.size() < other.size() && std::equal(one.begin(), one.end(), other.begin());
}

constexpr std::size_t opt_size = 11;

// How large a reply must be, as its server writes it by TCP, with all that RFC 2181 §9 and RFC 9471
// §3.1 want in it: answer, authority, and a referral's glue below the cut.
std::size_t needed_size(const Reply& whole, const Question& question) {
    std::size_t end = 12 + whole.message.question.size();
    for (const auto* section : {&whole.message.answer, &whole.message.authority})
        for (const Record& record : *section) end = std::max(end, record.end);
    for (const Record& record : whole.message.additional)
        if (is_glue(whole, lowered(record.owner), record.type)) end = std::max(end, record.end);
    return end + (question.edns != 0 ? opt_size : 0);
}

// Whether we cut or did not as our own reply by TCP and the zone's glue want it. No rule excuses
// what is wrong here, whatever a peer does.
bool cut_is_sound(const Case& one) {
    if (one.question.tcp) return !one.ours.message.truncated();
    const Reply* whole = one.whole_of(us);
    if (whole == nullptr || !whole->fault.empty()) return false;
    if (one.ours.message.truncated())
        return needed_size(*whole, one.question) > room_for(one.question);
    if (one.ours.answer != whole->answer || one.ours.authority != whole->authority) return false;
    // Every address below the cut that we or a peer have is there.
    for (std::size_t server = 0; server < servers; ++server) {
        const Reply* other = one.whole_of(server);
        if (other == nullptr) continue;
        for (const Set& set : other->additional)
            if (must_be_told(one, set) && !holds(one.ours.additional, set)) return false;
    }
    return true;
}

bool has_rcodes(const Case& one, unsigned ours, unsigned theirs) {
    return one.ours.message.rcode == ours && one.theirs.message.rcode == theirs;
}

// RFC 8482 §4.1, §4.2: one RRset or several answer ANY, and an alias need not be followed. Ours is
// one that they have as well, whole and with its TTL.
bool any_one_rrset(const Case& one, Part part) {
    const auto& ours = one.ours.answer;
    const auto& theirs = one.theirs.answer;
    if (one.question.type != type::any) return false;
    if (part == Part::truncation) return true;
    if (ours.empty() || theirs.empty()) return false;
    // NSD and Knot follow the CNAME that a DNAME makes.
    const bool followed = one.ours.message.rcode == 0 && ours.back().type == type::cname &&
                          (begins(ours, theirs) || (one.peer != Peer::bind && ours == theirs));
    if (part == Part::authority) return followed;
    if (part == Part::rcode) return followed && ours.size() > 1;
    const auto& typed = one.typed != nullptr ? (*one.typed)[number_of(one.peer)] : std::nullopt;
    return part == Part::answer &&
           (followed || (ours.size() == 1 &&
                         (holds(theirs, ours[0]) || (typed && holds(typed->answer, ours[0])))));
}

// RFC 1034 §3.6.2 asks for an error, RFC 1035 has no rcode for it: BIND says SERVFAIL, Knot goes
// round several times.
bool alias_circle(const Case& one, Part part) {
    if (!is_circle(one.ours.answer)) return false;
    const auto& ours = one.ours.answer;
    // In a large circle BIND stops behind 11 aliases, as in any other chain.
    if (one.peer == Peer::bind)
        return (part == Part::rcode && has_rcodes(one, 0, 2)) ||
               (part == Part::answer && begins(one.theirs.answer, ours));
    return part == Part::answer &&
           std::all_of(one.theirs.answer.begin(), one.theirs.answer.end(), [&](Set set) {
               set.rdatas.resize(1);
               return holds(ours, set);
           });
}

// As many aliases as we follow in one answer (zones/answer.h).
constexpr int aliases_max = 16;

// A DNAME above its own target makes names without end: everybody stops somewhere, or where the
// name is too long. A chain that ends must be told to its end, and with its rcode, when it has no
// more aliases than we follow.
bool alias_without_end(const Case& one, Part part) {
    const auto& ours = one.ours.answer;
    const auto& theirs = one.theirs.answer;
    const auto aliases = std::count_if(ours.begin(), ours.end(),
                                       [](const Set& set) { return set.type == type::cname; });
    const bool grows = std::any_of(ours.begin(), ours.end(), [](const Set& set) {
        return set.type == type::dname && is_under(from_wire(set.rdatas[0]), from_wire(set.owner));
    });
    const bool stopped = aliases >= aliases_max &&
                         (ours.back().type == type::cname || ours.back().type == type::dname);
    if (!grows && !stopped) return false;
    if (part == Part::truncation) return true;
    constexpr unsigned noerror = 0, nxdomain = 3, yxdomain = 6;
    const unsigned rcode = one.ours.message.rcode;
    if (part == Part::rcode)
        return (rcode == noerror && stopped) ||
               (grows && rcode == yxdomain && one.theirs.message.rcode != nxdomain);
    const auto both = static_cast<std::ptrdiff_t>(std::min(ours.size(), theirs.size()));
    return (part == Part::answer || part == Part::authority) &&
           std::equal(theirs.begin(), theirs.begin() + both, ours.begin());
}

// The aliases' part of alias-into-another-zone: who stops at the border needs no TC.
bool border_without_cut(const Case& one, Part part) {
    return part == Part::truncation && one.peer != Peer::nsd && one.ours.message.truncated() &&
           !one.theirs.answer.empty() && one.theirs.answer.back().type == type::cname;
}

// BIND stops behind its 11th alias with SERVFAIL, also where the 12th leads to nobody of ours. What
// follows in other chains it was asked for (round.cc).
bool alias_chain_bound(const Case& one, Part part) {
    constexpr std::ptrdiff_t told = 12;
    const auto& ours = one.ours.answer;
    return part == Part::rcode && one.peer == Peer::bind && has_rcodes(one, 0, 2) &&
           ours == one.theirs.answer && !ours.empty() && ours.back().type == type::cname &&
           std::count_if(ours.begin(), ours.end(),
                         [](const Set& set) { return set.type == type::cname; }) >= told &&
           !zone_of(one.zones, from_wire(ours.back().rdatas[0]), one.question.type);
}

// BIND writes all that an answer has of one owner together, at the place of the first.
bool bind_groups_owners(const Case& one, Part part) {
    if (one.peer != Peer::bind || part != Part::answer) return false;
    std::vector<Set> grouped;
    for (const Set& set : one.ours.answer) {
        auto behind = std::find_if(grouped.rbegin(), grouped.rend(),
                                   [&](const Set& other) { return other.owner == set.owner; });
        grouped.insert(behind == grouped.rend() ? grouped.end() : behind.base(), set);
    }
    return grouped == one.theirs.answer;
}

// RFC 4592 §4.2 leaves open what NS at a wildcard mean. To us and NSD they are data, to Knot a cut.
bool wildcard_cut(const Case& one, Part) {
    const bool wildcard = is_referral(one.theirs) &&
                          one.theirs.authority[0].owner.substr(0, 2) == std::string("\1*", 2);
    return one.peer == Peer::knot && (one.backed || wildcard) &&
           one.zones.kinds[one.question.zone] == ZoneKind::wildcard_cut;
}

// RFC 6672 §3.3 leaves open what a DNAME at a wildcard means to names below what it matches. Knot
// gives the DNAME itself the name that was asked for.
bool wildcard_dname(const Case& one, Part) {
    return one.peer == Peer::knot && one.backed &&
           one.zones.kinds[one.question.zone] == ZoneKind::wildcard_dname;
}

// RFC 4035 §2.5: RRSIG and NSEC stand beside an alias, so a question for them does not follow it.
// NSD and BIND differ in each, NSD in NSEC3 as well, which only exists at names of its own.
bool beside_alias(const Case& one, Part) {
    constexpr std::uint16_t nsec3 = 50;
    const std::uint16_t asked = one.question.type;
    return (one.backed && (asked == type::rrsig || asked == type::nsec)) ||
           (asked == nsec3 && one.peer == Peer::nsd);
}

// RFC 6672 §2.2: a name that grows too long is YXDOMAIN. Knot looks for the cut name as well.
bool knot_long_name(const Case& one, Part) {
    return one.peer == Peer::knot && one.backed && one.ours.message.rcode == 6;
}

// RFC 6895 §3.1: types that stand for something else than data. NSD and Knot look for them as for
// any other.
bool meta_type(const Case& one, Part) {
    const unsigned type = one.question.type;
    return one.peer != Peer::bind &&
           (type == 0 || type == type::opt || (type >= 128 && type < type::any));
}

// RFC 4035 §3.1.6: an authoritative server should clear CD.
bool copied_cd(const Case& one, Part part) {
    constexpr unsigned cd = 0x0010, elsewhere = 0x020f;  // TC and the rcode are parts of their own
    return one.peer == Peer::bind && part == Part::flags &&
           ((one.ours.message.flags ^ one.theirs.message.flags) & ~elsewhere) == cd &&
           (one.theirs.message.flags & cd) != 0;
}

// Whether a zone that has a part in the answer has another above or below it.
bool has_relatives(const Case& one) {
    const auto& origins = one.zones.origins;
    const auto related = [&](const Labels& name) {
        const auto zone = zone_of(one.zones, name, type::a);
        return zone && std::any_of(origins.begin(), origins.end(), [&](const Labels& other) {
                   const Labels& own = origins[*zone];
                   return other.size() != own.size() &&
                          (is_under(other, own) || is_under(own, other));
               });
    };
    for (const auto* section : {&one.ours.answer, &one.ours.authority})
        for (const Set& set : *section)
            if (related(from_wire(set.owner))) return true;
    return related(one.question.name);
}

// NSD keeps all zones in one tree of names: it finds names of the zone above in the zone below.
bool nsd_one_tree(const Case& one, Part) {
    return one.peer == Peer::nsd && one.backed && has_relatives(one);
}

// Servers compress more or less well (BIND only names that are spelt alike), so one of them needs
// to cut what fits with the other. What each needs, its reply by TCP tells.
bool compression(const Case& one, Part part) {
    constexpr std::size_t kept_back = 16;  // BIND keeps room for an OPT, asked with one or not
    const Reply* theirs = one.whole_of(number_of(one.peer));
    if (part != Part::truncation || one.question.tcp || theirs == nullptr) return false;
    const std::size_t size = needed_size(*theirs, one.question);
    return one.ours.message.truncated() ? size <= room_for(one.question)
                                        : size + kept_back > room_for(one.question);
}

// RFC 9471 §3: TC must be set when glue below the cut does not fit, which BIND and NSD do not do,
// and may be when other hosts' addresses do not, which NSD does. NSD and Knot count what an
// occluded wildcard would make as glue. Compared again by TCP.
bool glue_cut(const Case& one, Part part) {
    if (part != Part::truncation || !is_referral(one.ours) || !is_referral(one.theirs))
        return false;
    if (one.ours.message.truncated()) return one.peer != Peer::knot;
    const Reply* theirs = one.whole_of(number_of(one.peer));
    return one.peer != Peer::bind && theirs != nullptr &&
           theirs->message.size > room_for(one.question);
}

constexpr Rule rules[] = {
    {"any-one-rrset", any_one_rrset},
    {"alias-circle", alias_circle},
    {"alias-without-end", alias_without_end},
    {"alias-chain-bound", alias_chain_bound},
    {"bind-groups-owners", bind_groups_owners},
    {"wildcard-cut", wildcard_cut},
    {"wildcard-dname", wildcard_dname},
    {"beside-alias", beside_alias},
    {"knot-long-name", knot_long_name},
    {"meta-type", meta_type},
    {"copied-cd", copied_cd},
    {"compression", compression},
    {"alias-into-another-zone", border_without_cut},
    {"glue-cut", glue_cut},
};
// Asked when no other explains the whole.
constexpr Rule last_rules[] = {{"nsd-one-tree", nsd_one_tree}};

std::vector<std::string> names_for(const Case& one, Part part) {
    if (part == Part::edns || (part == Part::truncation && !cut_is_sound(one))) return {};
    for (const Rule& rule : rules)
        if (rule.explains(one, part)) return {rule.name};
    if (part == Part::additional) {
        const auto names = additional_explanations(one);
        if (!names.empty()) return names;
    }
    for (const Rule& rule : last_rules)
        if (rule.explains(one, part)) return {rule.name};
    return {};
}

}  // namespace

bool is_circle(const std::vector<Set>& answer) {
    if (answer.empty() || answer.back().type != type::cname) return false;
    return std::any_of(answer.begin(), answer.end(),
                       [&](const Set& set) { return set.owner == answer.back().rdatas[0]; });
}

std::vector<std::string> explanations(const Case& one, const std::vector<Part>& differing) {
    std::vector<std::string> all;
    for (const Part part : differing) {
        const auto names = names_for(one, part);
        if (names.empty()) return {};
        for (const std::string& name : names)
            if (std::find(all.begin(), all.end(), name) == all.end()) all.push_back(name);
    }
    return all;
}

}  // namespace differential
