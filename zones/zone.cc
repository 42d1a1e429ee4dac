#include "zones/zone.h"

#include <algorithm>
#include <bit>
#include <cassert>

namespace zones {

namespace {

constexpr std::size_t word = alignof(Node);

std::uint32_t tag_of(Hash hash) {
    return static_cast<std::uint32_t>(hash >> 32);
}

const Node& node_at(const std::vector<std::byte>& arena, std::size_t offset) {
    return *reinterpret_cast<const Node*>(arena.data() + offset);
}

// "*." in front of `under` (RFC 4592 §2.1.1).
bool is_wildcard_of(const Node& node, std::span<const std::byte> under) {
    const auto name = node.name();
    return name.size() == under.size() + 2 && name[0] == std::byte{1} &&
           name[1] == std::byte{'*'} && equal_names(name.data() + 2, under.data(), under.size());
}

constexpr std::byte wildcard_label[] = {std::byte{1}, std::byte{'*'}};

}  // namespace

void Zone::Base::index() {
    slots.assign(std::bit_ceil(std::max<std::size_t>(8, nodes + nodes / 2)), Slot{});
    const std::size_t mask = slots.size() - 1;
    for (std::size_t offset = 0; offset < arena.size(); offset += node_at(arena, offset).size) {
        const Hash hash = hash_name(node_at(arena, offset).name());
        std::size_t at = hash & mask;
        while (slots[at].offset != 0) at = (at + 1) & mask;
        slots[at] = {tag_of(hash), static_cast<std::uint32_t>(offset / word + 1)};
    }
}

template <class Is>
const Node* Zone::Base::probe(Hash hash, Is is) const noexcept {
    const std::size_t mask = slots.size() - 1;
    const Slot* const table = slots.data();
    for (std::size_t at = hash & mask; table[at].offset != 0; at = (at + 1) & mask) {
        if (table[at].tag != tag_of(hash)) continue;
        const Node& node = node_at(arena, std::size_t{table[at].offset - 1} * word);
        if (is(node)) return &node;
    }
    return nullptr;
}

const Node* Zone::Base::find(Hash hash, std::span<const std::byte> name) const noexcept {
    return probe(hash, [name](const Node& node) { return node.named(name); });
}

template <class Is>
const Node* Zone::probe(Hash hash, Is is) const noexcept {
    const Patch* patch =
        overlay_.find(hash, [&](const Patch& entry) { return is(node_of(entry.block)); });
    if (patch == nullptr) return base_->probe(hash, is);
    const Node& node = node_of(patch->block);
    return node.has(Node::gone) ? nullptr : &node;
}

const Node* Zone::node(const Path& name, std::size_t depth) const noexcept {
    const auto wire = name.wire(depth);
    return probe(name.hash(depth), [wire](const Node& node) { return node.named(wire); });
}

const Node* Zone::node(Hash hash, std::span<const std::byte> name) const noexcept {
    return probe(hash, [name](const Node& node) { return node.named(name); });
}

void Zone::Cuts::add(std::size_t depth, int by) {
    count[depth] += static_cast<std::uint32_t>(by);
    const std::uint64_t bit = std::uint64_t{1} << (depth % 64);
    if (count[depth] != 0)
        mask[depth / 64] |= bit;
    else
        mask[depth / 64] &= ~bit;
}

// Of a wildcard's node as well: NS there are data like others, no cut (RFC 4592 §4.2 leaves it
// open).
Lookup Zone::at_node(const Node& node, Type type) const noexcept {
    // RFC 8482 §4.1: one RRset of those that are here is answer enough to ANY.
    if (type == Type::any && node.rrsets > 0) return Found{RRsetView(node.first_rrset())};
    if (const RRsetView rrset = node.rrset(type)) return Found{rrset};
    // RFC 4035 §2.5: these stand beside an alias, and a question for them is about the alias
    // itself.
    const bool beside = type == Type::rrsig || type == Type::nsec;
    if (node.has(Node::alias) && !beside) return Alias{node.rrset(Type::cname)};
    return NoData{};
}

// No node has this name: an ancestor at `absent` labels is known to be missing as well.
Lookup Zone::missing(const Path& name, std::size_t absent, Type type) const noexcept {
    // Every ancestor of a name is there too, if only as an empty non-terminal: so the closest
    // encloser (RFC 4592 §3.3.1) is found by halving. Work is bounded whatever is asked.
    std::size_t there = depth_;
    while (absent - there > 1) {
        const std::size_t middle = there + (absent - there) / 2;
        (node(name, middle) != nullptr ? there : absent) = middle;
    }
    const auto encloser = name.wire(there);
    const Node* wildcard =
        probe(hash_label(name.hash(there), wildcard_label),
              [encloser](const Node& node) { return is_wildcard_of(node, encloser); });
    return wildcard == nullptr ? Lookup(NoSuchName{}) : at_node(*wildcard, type);
}

Lookup Zone::find(const Path& name, Type type) const noexcept {
    assert(name.depth() >= depth_);
    // A cut hides what is below it: the highest comes first (RFC 1034 §4.3.2, 3b). Only depths at
    // which some cut or DNAME is need a look.
    for (std::size_t part = 0; part < cuts_.mask.size(); ++part) {
        for (std::uint64_t bits = cuts_.mask[part]; bits != 0; bits &= bits - 1) {
            const std::size_t depth = part * 64 + static_cast<std::size_t>(std::countr_zero(bits));
            if (depth > name.depth()) break;
            const Node* above = node(name, depth);
            if (above == nullptr) return missing(name, depth, type);
            // RFC 4035 §3.1.4.1: the DS of a cut is the parent's.
            if (above->has(Node::cut) && !(type == Type::ds && depth == name.depth()))
                return Delegation{above->rrset(Type::ns), depth};
            if (above->has(Node::dname) && depth < name.depth())
                return Substitution{above->rrset(Type::dname), depth};
            if (depth == name.depth()) return at_node(*above, type);
        }
    }
    const Node* exact = node(name, name.depth());
    if (exact == nullptr) return missing(name, name.depth(), type);
    return at_node(*exact, type);
}

std::optional<RRset> Zone::rrset(const Name& owner, Type type) const {
    for (RRset& rrset : rrsets(owner))
        if (rrset.type == type) return std::move(rrset);
    return std::nullopt;
}

std::vector<RRset> Zone::rrsets(const Name& owner) const {
    std::vector<RRset> result;
    const Path path(owner);
    const Node* found = owner.under(origin_) ? node(path, path.depth()) : nullptr;
    if (found == nullptr) return result;
    found->for_each([&](RRsetView view) {
        RRset rrset{*Name::from_wire(found->name()), view.type(), view.ttl(), {}};
        const std::byte* at = view.records().data();
        for (std::size_t i = 0; i < view.count(); ++i, at += RRsetView::record_size(at))
            rrset.rdatas.emplace_back(RRsetView::rdata(at));
        result.push_back(std::move(rrset));
    });
    return result;
}

std::size_t Zone::bytes() const {
    return base_->arena.size() + base_->slots.size() * sizeof(Slot) + overlay_bytes_;
}

const Node* Zone::next(Cursor& cursor, Path& path) const {
    while (cursor.base < base_->arena.size()) {
        const Node& node = node_at(base_->arena, cursor.base);
        cursor.base += node.size;
        path.set(node.name());
        const Patch* patch = overlay_.find(path.hash(), [&](const Patch& entry) {
            return node_of(entry.block).named(node.name());
        });
        if (patch == nullptr) return &node;  // else the overlay tells it
    }
    for (; cursor.bucket < Buckets<Patch>::bucket_count; ++cursor.bucket, cursor.entry = 0) {
        const auto bucket = overlay_.bucket(cursor.bucket);
        while (cursor.entry < bucket.size()) {
            const Node& node = node_of(bucket[cursor.entry++].block);
            if (node.has(Node::gone)) continue;
            path.set(node.name());
            return &node;
        }
    }
    return nullptr;
}

void Zone::settle() {
    const Path path(origin_);
    depth_ = path.depth();
    const Node* apex = node(path, depth_);
    assert(apex != nullptr);
    soa_ = apex->rrset(Type::soa);
    assert(soa_);
    const std::byte* numbers = soa_.first_rdata().data() + soa_.first_rdata().size() - 20;
    serial_ = Serial(load32(numbers));
    negative_ttl_ = std::min(soa_.ttl(), Ttl{load32(numbers + 16)});
}

}  // namespace zones
