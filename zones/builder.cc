#include "zones/builder.h"

#include "zones/check.h"
#include "zones/node_packer.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cstring>
#include <tuple>

namespace zones {

namespace {

using Group = ZoneBuilder::Group;

// Group numbers by name, while the zone is being built.
class Names {
public:
    Names(const std::vector<std::byte>& bytes, std::vector<Group>& groups)
        : bytes_(bytes), groups_(groups) {}

    std::span<const std::byte> name(const Group& group) const {
        return std::span(bytes_).subspan(group.name_at, group.name_size);
    }
    // Adds all groups, and an empty one for each ancestor without records (RFC 8020 §2); counts
    // children. `origin_size` is the length of the origin's name.
    void connect(std::size_t origin_size) {
        rehash();
        for (std::size_t i = 0; i < groups_.size(); ++i) {
            if (groups_[i].name_size == origin_size) continue;
            const std::size_t label = std::to_integer<std::size_t>(bytes_[groups_[i].name_at]) + 1;
            Group parent{};
            parent.name_at = groups_[i].name_at + label;
            parent.name_size = static_cast<std::uint8_t>(groups_[i].name_size - label);
            parent.hash = hash_name(name(parent));
            ++groups_[find_or_add(parent)].children;
        }
    }

    const Group* find(Hash hash, std::span<const std::byte> wire) const {
        std::size_t at = hash & (slots_.size() - 1);
        for (; slots_[at] != 0; at = (at + 1) & (slots_.size() - 1)) {
            const Group& group = groups_[slots_[at] - 1];
            if (group.hash == hash && group.name_size == wire.size() &&
                equal_names(name(group).data(), wire.data(), wire.size()))
                return &group;
        }
        return nullptr;
    }

private:
    void rehash() {
        slots_.assign(std::bit_ceil(groups_.size() * 2 + 8), 0);
        for (std::size_t i = 0; i < groups_.size(); ++i)
            slots_[free_slot(groups_[i])] = static_cast<std::uint32_t>(i + 1);
    }
    std::size_t free_slot(const Group& group) const {
        std::size_t at = group.hash & (slots_.size() - 1);
        while (slots_[at] != 0) at = (at + 1) & (slots_.size() - 1);
        return at;
    }
    std::size_t find_or_add(const Group& group) {
        std::size_t at = group.hash & (slots_.size() - 1);
        for (; slots_[at] != 0; at = (at + 1) & (slots_.size() - 1)) {
            const Group& other = groups_[slots_[at] - 1];
            if (other.hash == group.hash && other.name_size == group.name_size &&
                equal_names(name(other).data(), name(group).data(), group.name_size))
                return slots_[at] - 1;
        }
        groups_.push_back(group);
        slots_[at] = static_cast<std::uint32_t>(groups_.size());
        if (groups_.size() * 4 > slots_.size() * 3) rehash();
        return groups_.size() - 1;
    }

    const std::vector<std::byte>& bytes_;
    std::vector<Group>& groups_;
    std::vector<std::uint32_t> slots_;  // group number plus 1
};

// Records that no answer can hold, as a cut or a DNAME stands above them or beside them. Names that
// are not below a depth at which there is a cut cost nothing.
class Hidden {
public:
    Hidden(const Names& names, const std::vector<Group>& groups, Flaws& flaws)
        : names_(names), flaws_(flaws) {
        for (const Group& group : groups)
            if (group.cut || group.dname) {
                const std::size_t depth = Path(names.name(group)).depth();
                mask_[depth / 64] |= std::uint64_t{1} << depth % 64;
            }
    }

    void check(const Group& group, std::span<const NodePacker::Record> records) {
        if ((mask_[0] | mask_[1]) == 0 || records.empty()) return;
        if (group.cut) hide(records, group, group, beside_cut);
        const Path path(names_.name(group));
        for (std::size_t depth = 0; depth < path.depth(); ++depth) {
            if ((mask_[depth / 64] >> depth % 64 & 1) == 0) continue;
            const Group* above = names_.find(path.hash(depth), path.wire(depth));
            if (above == nullptr) return;
            if (above->cut) return hide(records, group, *above, below_cut);
            if (above->dname) return hide(records, group, *above, below_dname);
        }
    }

private:
    using May = bool (*)(Type);
    static bool is_signing(Type type) { return type == Type::rrsig || type == Type::nsec; }
    static bool below_dname(Type type) { return is_signing(type); }
    // Addresses may be glue.
    static bool below_cut(Type type) {
        return type == Type::a || type == Type::aaaa || is_signing(type);
    }
    static bool beside_cut(Type type) {
        return below_cut(type) || type == Type::ns || type == Type::ds;
    }

    void hide(std::span<const NodePacker::Record> records, const Group& group, const Group& above,
              May may) {
        const NodePacker::Record* first = nullptr;
        for (const NodePacker::Record& record : records)
            if (!may(record.type) && (first == nullptr || record.tag < first->tag)) first = &record;
        if (first == nullptr) return;
        flaws_.tell(first->tag, FlawKind::occluded, [&] {
            return std::pair(text(group) + " has " + type_text(first->type) +
                                 " data that nobody can see: " + text(above) +
                                 (above.cut ? " is delegated" : " has a DNAME"),
                             std::string(above.cut ? "it belongs into the zone that the NS records "
                                                     "of the cut name (RFC 1034 §4.2.1)"
                                                   : "all below a DNAME is elsewhere (RFC 6672 "
                                                     "§2.4)"));
        });
    }
    std::string text(const Group& group) const {
        return "'" + Name::from_wire(names_.name(group))->text() + "'";
    }

    const Names& names_;
    Flaws& flaws_;
    std::array<std::uint64_t, 2> mask_{};
};

std::size_t plain_size(const std::byte* name) {
    std::size_t at = 0;
    while (name[at] != std::byte{0}) at += std::to_integer<std::size_t>(name[at]) + 1;
    return at + 1;
}

}  // namespace

ZoneBuilder::ZoneBuilder(Name origin) : origin_(std::move(origin)) {}

void ZoneBuilder::add(std::span<const std::byte> owner, Type type, Ttl ttl,
                      std::span<const std::byte> rdata, std::uint64_t tag) {
    assert(well_formed(type, rdata) && owner.size() >= origin_.wire().size());
    entries_.push_back({hash_name(owner), tag, waiting_.size(), ttl.seconds,
                        static_cast<std::uint16_t>(type),
                        static_cast<std::uint16_t>(rdata.size())});
    waiting_.insert(waiting_.end(), owner.begin(), owner.end());
    waiting_.insert(waiting_.end(), rdata.begin(), rdata.end());
}

// Sorts what waits and gathers it by name.
std::vector<ZoneBuilder::Group> ZoneBuilder::groups() {
    const auto owner_of = [&](const Entry& entry) {
        const std::byte* at = waiting_.data() + entry.at;
        return std::span(at, plain_size(at));
    };
    std::sort(entries_.begin(), entries_.end(), [&](const Entry& a, const Entry& b) {
        if (a.hash != b.hash) return a.hash < b.hash;
        const auto names = compare_names(owner_of(a), owner_of(b));
        if (names != 0) return names < 0;
        return std::tie(a.type, a.at) < std::tie(b.type, b.at);
    });

    std::vector<Group> groups;
    // The origin is there in any case: the name that has no SOA is to be reported.
    const std::uint64_t origin_at = waiting_.size();
    waiting_.insert(waiting_.end(), origin_.wire().begin(), origin_.wire().end());
    const auto origin_size = static_cast<std::uint8_t>(origin_.wire().size());
    for (std::uint32_t i = 0; i < entries_.size(); ++i) {
        const auto owner = owner_of(entries_[i]);
        if (groups.empty() || groups.back().hash != entries_[i].hash ||
            compare_names(owner, owner_of(entries_[groups.back().first])) != 0)
            groups.push_back({entries_[i].at, entries_[i].hash, i, 0, 0,
                              static_cast<std::uint8_t>(owner.size())});
        Group& group = groups.back();
        ++group.count;
        const auto type = static_cast<Type>(entries_[i].type);
        group.cut |= type == Type::ns && group.name_size != origin_size;
        group.dname |= type == Type::dname;
    }
    if (std::none_of(groups.begin(), groups.end(),
                     [&](const Group& group) { return group.name_size == origin_size; }))
        groups.push_back({origin_at, hash_name(origin_.wire()), 0, 0, 0, origin_size});
    return groups;
}

std::shared_ptr<const Zone> ZoneBuilder::build(Flaws& flaws, std::span<const Name> made) {
    std::vector<Group> groups = this->groups();
    Names names(waiting_, groups);
    names.connect(origin_.wire().size());
    Hidden hidden(names, groups, flaws);

    auto base = std::make_shared<Zone::Base>();
    auto zone = std::shared_ptr<Zone>(new Zone());
    std::size_t bytes = waiting_.size() + entries_.size() * (record_head + RRsetView::head) +
                        groups.size() * (sizeof(Node) + 16);
    base->arena.reserve(bytes);
    NodePacker packer(origin_, flaws);
    std::vector<NodePacker::Record> records;
    std::vector<Reference> references;
    for (const Group& group : groups) {
        records.clear();
        for (std::uint32_t i = group.first; i < group.first + group.count; ++i) {
            const Entry& entry = entries_[i];
            const std::byte* rdata = waiting_.data() + entry.at + group.name_size;
            records.push_back({static_cast<Type>(entry.type), entry.ttl,
                               std::span(rdata, entry.rdata_size), entry.tag});
        }
        hidden.check(group, records);
        const NodeParts parts = packer.pack(names.name(group), group.children, records);
        const std::size_t start = base->arena.size();
        base->arena.resize(start + node_size(parts));
        write_node(parts, base->arena.data() + start);
        const Node& node = *reinterpret_cast<const Node*>(base->arena.data() + start);
        if (node.has(Node::cut) || node.has(Node::dname))
            zone->cuts_.add(Path(node.name()).depth(), +1);
        zone->told_bytes_ += node.told_bytes();
        const std::size_t behind_name = start + sizeof(Node) + group.name_size;
        for (const NodePacker::Target& target : packer.targets())
            references.push_back({target.tag, start, behind_name + target.at});
    }
    base->nodes = groups.size();
    waiting_ = {};
    const std::vector<Entry> entries = std::move(entries_);
    entries_.clear();
    if (flaws.any_error()) return nullptr;
    base->index();
    const std::byte* const arena = base->arena.data();
    zone->origin_ = origin_;
    zone->names_ = base->nodes;
    zone->records_ = packer.records();
    zone->base_ = std::move(base);
    zone->settle();
    check_references(*zone, arena, references, made, flaws);
    return flaws.any_error() ? nullptr : zone;
}

}  // namespace zones
