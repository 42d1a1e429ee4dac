#include "zones/check.h"

#include "zones/node.h"
#include "zones/path.h"
#include "zones/words.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include <arpa/inet.h>

namespace zones {

namespace {

// Types that nothing but the checker tells apart.
constexpr Type type_wks{11}, type_rp{17}, type_afsdb{18}, type_rt{21}, type_sig{24}, type_nxt{30},
    type_a6{38}, type_nsec3{50};

using Bytes = std::span<const std::byte>;

std::size_t label_size(Bytes name) {
    return std::to_integer<std::size_t>(name[0]);
}
Bytes behind_label(Bytes name) {
    return name.subspan(label_size(name) + 1);
}
bool is_asterisk(Bytes name) {
    return label_size(name) == 1 && name[1] == std::byte{'*'};
}

// The whole name at the start of well-formed data.
Bytes name_at(Bytes bytes) {
    std::size_t end = 0;
    while (bytes[end] != std::byte{0}) end += std::to_integer<std::size_t>(bytes[end]) + 1;
    return bytes.first(end + 1);
}

std::string quoted(Bytes name) {
    return "'" + Name::from_wire(name)->text() + "'";
}

// 1 for letters and digits, 2 for the hyphen, 0 for all that no host name has. Each record of a
// million comes by here.
constexpr std::array<std::uint8_t, 256> host_characters = [] {
    std::array<std::uint8_t, 256> kinds{};
    for (unsigned c = '0'; c <= '9'; ++c) kinds[c] = 1;
    for (unsigned c = 'a'; c <= 'z'; ++c) kinds[c] = kinds[c - 0x20] = 1;
    kinds['-'] = 2;
    return kinds;
}();

std::uint8_t host_character(std::byte b) {
    return host_characters[std::to_integer<std::uint8_t>(b)];
}

bool is_host_label(Bytes label) {
    if (host_character(label.front()) != 1 || host_character(label.back()) != 1) return false;
    return std::all_of(label.begin(), label.end(),
                       [](std::byte b) { return host_character(b) != 0; });
}

// Active Directory writes the addresses of its catalog servers at gc._msdcs; BIND lets it pass,
// too.
bool is_directory_name(Bytes name) {
    constexpr char start[] = "\2gc\6_msdcs";
    return name.size() > sizeof start - 1 &&
           equal_names(name.data(), reinterpret_cast<const std::byte*>(start), sizeof start - 1);
}

bool is_address(std::string_view word) {
    if (word.find_first_not_of("0123456789abcdefABCDEF:.") != std::string_view::npos) return false;
    std::string text(word.substr(0, 64));
    if (!text.empty() && text.back() == '.') text.pop_back();
    std::array<std::byte, 16> bytes{};
    return inet_pton(AF_INET, text.c_str(), bytes.data()) == 1 ||
           inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1;
}

bool is_reverse(const Name& zone) {
    static const Name v4 = *Name::parse("in-addr.arpa"), v6 = *Name::parse("ip6.arpa");
    return zone.under(v4) || zone.under(v6);
}

void tell_target(Type type, Bytes target, bool is_mailbox, std::uint64_t tag, Flaws& flaws) {
    // The first label of a mailbox is its user's name (RFC 1035 §3.3.13).
    if (is_mailbox && target.size() > 1) target = behind_label(target);
    if (is_hostname(target, false)) return;
    flaws.tell(tag, FlawKind::target, [&] {
        return std::pair(type_text(type) + " names " + quoted(target) + ", which is no host name",
                         std::string("letters, digits and hyphens (RFC 1123 §2.1)"));
    });
}

// RFC 1912 §2.2 and RFC 2308 §5; none of it keeps a zone from being served.
void check_soa(Bytes rdata, std::uint64_t tag, Flaws& flaws) {
    const Soa soa = *Soa::read(rdata);
    tell_target(Type::soa, soa.primary.wire(), false, tag, flaws);
    tell_target(Type::soa, soa.mailbox.wire(), true, tag, flaws);
    const auto odd = [&](bool is, const char* what, const char* hint) {
        if (is) flaws.tell(tag, FlawKind::soa, what, hint);
    };
    odd(soa.serial == 0, "the SOA's serial is 0",
        "some tools take 0 for 'none'; begin with 1, or with a date as in 2026112201");
    odd(soa.refresh == 0 || soa.retry == 0,
        "the SOA has a refresh or retry of 0: secondaries would ask all the time",
        "as in 3600 600 (RFC 1912 §2.2)");
    odd(soa.retry > soa.refresh, "the SOA's retry is above its refresh",
        "a secondary that failed would wait longer than one that did not (RFC 1912 §2.2)");
    odd(std::uint64_t{soa.expire} < std::uint64_t{soa.refresh} + soa.retry,
        "the SOA's expire is below its refresh and retry together",
        "secondaries would drop the zone after one missed refresh (RFC 1912 §2.2)");
    odd(soa.minimum > 604'800, "the SOA's minimum, the TTL of negative answers, is above a week",
        "one to three hours are good (RFC 2308 §5)");
}

// An SVCB or HTTPS record: priority, target.
void check_targets(const Name& zone, Type type, Bytes rdata, std::uint64_t tag, Flaws& flaws) {
    switch (static_cast<unsigned>(type)) {
        case static_cast<unsigned>(Type::ns):
            return tell_target(type, rdata, false, tag, flaws);
        case static_cast<unsigned>(Type::mx):
        case static_cast<unsigned>(type_afsdb):
        case static_cast<unsigned>(type_rt):
        case static_cast<unsigned>(Type::svcb):
        case static_cast<unsigned>(Type::https):
            return tell_target(type, name_at(rdata.subspan(2)), false, tag, flaws);
        case static_cast<unsigned>(Type::srv):
            return tell_target(type, rdata.subspan(6), false, tag, flaws);
        case static_cast<unsigned>(type_rp):
            return tell_target(type, name_at(rdata), true, tag, flaws);
        case static_cast<unsigned>(Type::minfo): {
            const Bytes first = name_at(rdata);
            tell_target(type, first, true, tag, flaws);
            return tell_target(type, rdata.subspan(first.size()), true, tag, flaws);
        }
        case static_cast<unsigned>(Type::ptr):
            if (is_reverse(zone)) tell_target(type, rdata, false, tag, flaws);
            return;
        default:
            return;
    }
}

// RFC 5155 §3: one label, a hash in base 32 of the extended hex alphabet, below the apex.
bool is_hash_owner(const Name& zone, const Name& owner) {
    const auto wire = owner.wire();
    if (wire.size() == zone.wire().size() || behind_label(wire).size() != zone.wire().size())
        return false;
    return std::all_of(
        wire.begin() + 1, wire.begin() + 1 + static_cast<int>(label_size(wire)), [](std::byte b) {
            const auto c = std::to_integer<unsigned char>(b);
            return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'v');
        });
}

// What a type may not stand at: errors.
void check_place(const Name& zone, const Name& owner, Type type, std::uint64_t tag, Flaws& flaws) {
    const auto refuse = [&](const char* what, const char* hint) {
        flaws.tell(tag, FlawKind::error, "'" + owner.text() + "' " + what, hint);
    };
    // RFC 4592 §4.2 bars it not: NSD and Knot serve it, BIND refuses the zone.
    if (type == Type::ns && is_asterisk(owner.wire()))
        flaws.tell(tag, FlawKind::wildcard,
                   "'" + owner.text() + "' is a wildcard and has an NS record",
                   "it delegates nothing and is answered as data (RFC 4592 §4.2)");
    if (type == Type::ds && owner == zone)
        refuse("has a DS record at the zone's own apex",
               "a DS stands in the parent zone, beside the NS records (RFC 4035 §2.4)");
    if (type == type_nsec3 && !is_hash_owner(zone, owner))
        refuse("has an NSEC3 record and is no hash",
               "the owner of an NSEC3 is a hash in base 32 (RFC 5155 §3)");
}

}  // namespace

bool is_hostname(Bytes name, bool wildcard) {
    if (wildcard && is_asterisk(name)) name = behind_label(name);
    for (; label_size(name) != 0; name = behind_label(name))
        if (!is_host_label(name.subspan(1, label_size(name)))) return false;
    return true;
}

bool is_under(Bytes name, Bytes ancestor) {
    if (name.size() < ancestor.size()) return false;
    const std::size_t start = name.size() - ancestor.size();
    std::size_t at = 0;
    while (at < start) at += std::to_integer<std::size_t>(name[at]) + 1;
    return at == start && equal_names(name.data() + at, ancestor.data(), ancestor.size());
}

void check_owner(const Name& owner, std::uint64_t tag, Flaws& flaws) {
    const auto wire = owner.wire();
    if (label_size(wire) == 0) return;
    for (Bytes rest = behind_label(wire); label_size(rest) != 0; rest = behind_label(rest))
        if (is_asterisk(rest))
            return flaws.tell(tag, FlawKind::wildcard, [&] {
                return std::pair(quoted(wire) + " has an asterisk that is not its first label",
                                 std::string("it is no wildcard, and answers that name alone "
                                             "(RFC 4592 §2.1.1)"));
            });
}

void check_record(const Name& zone, const Name& owner, Type type, Bytes rdata,
                  std::span<const std::string_view> words, std::uint64_t tag, Flaws& flaws) {
    if (type == Type::a || type == Type::aaaa || type == Type::mx || type == type_wks ||
        type == type_a6) {
        const auto wire = owner.wire();
        const bool is_address_type = type == Type::a || type == Type::aaaa;
        if (!is_hostname(wire, true) && !(is_address_type && is_directory_name(wire)))
            flaws.tell(tag, FlawKind::owner, [&] {
                return std::pair(
                    quoted(wire) + " has " + type_text(type) + " data and is no host name",
                    std::string("letters, digits and hyphens (RFC 1123 §2.1)"));
            });
        if (is_address_type) return;
    }
    const std::size_t word = type == Type::mx ? 1 : 0;
    if ((type == Type::mx || type == Type::ns) && word < words.size() && is_address(words[word]))
        flaws.tell(tag, FlawKind::target, [&] {
            return std::pair(
                type_text(type) + " names the address '" + std::string(words[word]) + "'",
                std::string("it takes the name of a host, whose address is an A or "
                            "AAAA record (RFC 1035 §3.3)"));
        });
    if (type == Type::soa) check_soa(rdata, tag, flaws);
    if (type == type_sig || type == type_nxt)
        flaws.tell(tag, FlawKind::other, type_text(type) + " is of a DNSSEC that is obsolete",
                   "today's types are RRSIG and NSEC (RFC 3755)");
    if (type == Type::ns || type == Type::ds || type == type_nsec3)
        check_place(zone, owner, type, tag, flaws);
    check_targets(zone, type, rdata, tag, flaws);
}

bool is_reference(Type type) {
    return type == Type::ns || type == Type::mx || type == Type::srv;
}

namespace {

class References {
public:
    References(const Zone& zone, std::span<const Name> made, Flaws& flaws)
        : zone_(zone), made_(made), flaws_(flaws) {}

    void check(const Node& owner, Type type, Bytes rdata, std::uint64_t tag) {
        owner_ = owner.name();
        type_ = type;
        target_ = rdata.subspan(shape_of(type).skip);
        tag_ = tag;
        path_.set(target_);
        if (is_hidden() || is_made()) return;
        const bool apex = owner_.size() == zone_.origin().wire().size();
        // An apex without servers is no zone; of the rest the zone is served.
        const bool fatal = type == Type::ns && apex;
        const Lookup found = zone_.find(path_, Type::a);
        if (std::holds_alternative<Found>(found)) return;
        if (std::holds_alternative<Delegation>(found)) return below_cut(apex);
        if (std::holds_alternative<Alias>(found))
            return tell(fatal, FlawKind::alias, "is an alias (CNAME)",
                        "MX, SRV and NS name a host itself (RFC 2181 §10.3)");
        if (std::holds_alternative<Substitution>(found))
            return tell(fatal, FlawKind::alias, "is an alias, as it is below a DNAME",
                        "MX, SRV and NS name a host itself (RFC 2181 §10.3)");
        if (std::holds_alternative<Found>(zone_.find(path_, Type::aaaa))) return;
        tell(fatal, FlawKind::address, "has no address", "add its A or AAAA record to this zone");
    }

private:
    // What is below a cut or a DNAME is not this zone's data, and at a cut its NS records alone
    // are.
    bool is_hidden() const {
        const Path path(owner_);
        const Lookup there = zone_.find(path, type_);
        const auto* cut = std::get_if<Delegation>(&there);
        if (cut != nullptr) return type_ != Type::ns || cut->depth < path.depth();
        return std::holds_alternative<Substitution>(there);
    }
    bool is_made() const {
        return std::any_of(made_.begin(), made_.end(), [&](const Name& name) {
            return compare_names(name.wire(), target_) == 0;
        });
    }
    // Beyond a cut only what stands in this zone can help a resolver on (RFC 1034 §4.2.1).
    void below_cut(bool apex) {
        if (type_ != Type::ns) return;
        const Node* node = zone_.node(path_, path_.depth());
        if (node != nullptr && (node->rrset(Type::a) || node->rrset(Type::aaaa))) return;
        if (apex || is_under(target_, owner_))
            tell(false, FlawKind::glue, "has no glue address, without which nobody finds it",
                 "add its A or AAAA record to this zone (RFC 1034 §4.2.1)");
        else
            tell(false, FlawKind::glue, "has no glue address, though it is in a sibling zone",
                 "add its A or AAAA record to this zone (RFC 9471 §2.2)");
    }
    void tell(bool fatal, FlawKind kind, const char* what, const char* hint) {
        flaws_.tell(tag_, fatal ? FlawKind::error : kind, [&] {
            return std::pair(type_text(type_) + " of " + quoted(owner_) + " names " +
                                 quoted(target_) + ", which " + what,
                             std::string(hint));
        });
    }

    const Zone& zone_;
    const std::span<const Name> made_;
    Flaws& flaws_;
    Bytes owner_, target_;
    Type type_ = Type::ns;
    std::uint64_t tag_ = 0;
    Path path_;
};

}  // namespace

void check_references(const Zone& zone, const std::byte* arena,
                      std::span<const Reference> references, std::span<const Name> made,
                      Flaws& flaws) {
    References check(zone, made, flaws);
    for (const Reference& reference : references) {
        const std::byte* record = arena + reference.record;
        check.check(*reinterpret_cast<const Node*>(arena + reference.node),
                    static_cast<Type>(load16(record)), RRsetView::rdata(record), reference.tag);
    }
}

}  // namespace zones
