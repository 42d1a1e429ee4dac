#include "zones/builder.h"

#include "zones/node_packer.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>
#include <tuple>

namespace zones {

namespace {

// A name of the zone to be: its records are entries first .. first + count.
struct Group {
    std::uint64_t name_at;
    Hash hash;
    std::uint32_t first;
    std::uint32_t count;
    std::uint32_t children;
    std::uint8_t name_size;
};

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

ZoneBuilder::Built ZoneBuilder::build() {
    Built built;
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
    for (std::uint32_t i = 0; i < entries_.size(); ++i) {
        const auto owner = owner_of(entries_[i]);
        if (!groups.empty() && groups.back().hash == entries_[i].hash &&
            compare_names(owner, owner_of(entries_[groups.back().first])) == 0) {
            ++groups.back().count;
            continue;
        }
        groups.push_back(
            {entries_[i].at, entries_[i].hash, i, 1, 0, static_cast<std::uint8_t>(owner.size())});
    }
    const auto origin_size = static_cast<std::uint8_t>(origin_.wire().size());
    if (std::none_of(groups.begin(), groups.end(),
                     [&](const Group& group) { return group.name_size == origin_size; }))
        groups.push_back({origin_at, hash_name(origin_.wire()), 0, 0, 0, origin_size});
    Names names(waiting_, groups);
    names.connect(origin_size);

    auto base = std::make_shared<Zone::Base>();
    auto zone = std::shared_ptr<Zone>(new Zone());
    std::size_t bytes = waiting_.size() + entries_.size() * (record_head + RRsetView::head) +
                        groups.size() * (sizeof(Node) + 16);
    base->arena.reserve(bytes);
    NodePacker packer(origin_, built.flaws);
    std::vector<NodePacker::Record> records;
    for (const Group& group : groups) {
        records.clear();
        for (std::uint32_t i = group.first; i < group.first + group.count; ++i) {
            const Entry& entry = entries_[i];
            const std::byte* rdata = waiting_.data() + entry.at + group.name_size;
            records.push_back({static_cast<Type>(entry.type), entry.ttl,
                               std::span(rdata, entry.rdata_size), entry.tag});
        }
        const NodeParts parts = packer.pack(names.name(group), group.children, records);
        const std::size_t start = base->arena.size();
        base->arena.resize(start + node_size(parts));
        write_node(parts, base->arena.data() + start);
        const Node& node = *reinterpret_cast<const Node*>(base->arena.data() + start);
        if (node.has(Node::cut) || node.has(Node::dname))
            zone->cuts_.add(Path(node.name()).depth(), +1);
    }
    const bool sound = std::none_of(built.flaws.begin(), built.flaws.end(),
                                    [](const Flaw& flaw) { return flaw.error; });
    base->nodes = groups.size();
    waiting_ = {};
    const std::vector<Entry> entries = std::move(entries_);
    entries_.clear();
    if (!sound) return built;
    base->index();
    zone->origin_ = origin_;
    zone->names_ = base->nodes;
    zone->records_ = packer.records();
    zone->base_ = std::move(base);
    zone->settle();
    check_servers(*zone, built.flaws);
    built.zone = std::move(zone);
    return built;
}

}  // namespace zones
