// How a version of a zone becomes the next: Zone::with().

#include <algorithm>
#include <map>

#include "zones/rules.h"
#include "zones/zone.h"

namespace zones {

namespace {

// An overlay is folded into a new base when it has more names than this and than a quarter of the
// base: the cost of folding is spread over as many changes.
constexpr std::size_t overlay_names_max = 1024;

}  // namespace

// The names that a batch of changes touches, as they will be.
class ZoneEdit {
public:
    explicit ZoneEdit(const Zone& from) : from_(from) {}

    using Error = std::optional<std::string>;

    Error change(const Zone::Change& change);
    Error set_serial(Serial serial);
    // Rules, then names that appear and vanish.
    Error connect();
    std::shared_ptr<const Zone> result() const;

private:
    std::shared_ptr<const Zone> folded(const Zone& next) const;

    struct Draft {
        std::map<Type, std::vector<std::byte>> rrsets;  // packed
        std::uint32_t children = 0;
        const Node* before = nullptr;
        bool present = false;  // a node, as far as connect() has come
    };

    Draft& draft(const Name& name);
    void appear(const Name& name);
    void vanish(const Name& name);

    const Zone& from_;
    std::map<Name, Draft> drafts_;
};

ZoneEdit::Draft& ZoneEdit::draft(const Name& name) {
    const auto [at, is_new] = drafts_.try_emplace(name);
    if (is_new) {
        const Path path(name);
        Draft& draft = at->second;
        draft.before = from_.node(path, path.depth());
        if (draft.before != nullptr) {
            draft.present = true;
            draft.children = draft.before->children;
            draft.before->for_each([&](RRsetView view) {
                const std::byte* start = view.records().data() - RRsetView::head;
                draft.rrsets[view.type()].assign(start, start + view.packed_size());
            });
        }
    }
    return at->second;
}

ZoneEdit::Error ZoneEdit::change(const Zone::Change& change) {
    const std::string what = "'" + change.owner.text() + "' " + type_text(change.type);
    if (!change.owner.under(from_.origin()))
        return what + " is not in the zone '" + from_.origin().text() + "'";
    if (change.ttl.seconds > Ttl::seconds_max) return what + " has a TTL above 2147483647";
    std::vector<Rdata> rdatas;
    for (const Rdata& rdata : change.rdatas) {
        if (!well_formed(change.type, rdata.bytes())) return what + " has malformed data";
        const auto same = [&](const Rdata& other) {
            return compare_rdata(change.type, rdata.bytes(), other.bytes()) == 0;
        };
        if (std::none_of(rdatas.begin(), rdatas.end(), same)) rdatas.push_back(rdata);
    }
    if (rdatas.empty())
        draft(change.owner).rrsets.erase(change.type);
    else if (rdatas.size() > 0xffff)
        return what + " has more than 65535 records";
    else
        draft(change.owner).rrsets[change.type] = pack_rrset(change.type, change.ttl, rdatas);
    return std::nullopt;
}

ZoneEdit::Error ZoneEdit::set_serial(Serial serial) {
    auto& rrsets = draft(from_.origin()).rrsets;
    const auto found = rrsets.find(Type::soa);
    if (found == rrsets.end()) return "'" + from_.origin().text() + "' would have no SOA record";
    auto& packed = found->second;
    store32(packed.data() + packed.size() - 20, serial.value());
    return std::nullopt;
}

// `name` has become a node: its ancestors are nodes, too, and the nearest has one child more.
void ZoneEdit::appear(const Name& name) {
    for (Name at = name; at != from_.origin();) {
        at = at.parent();
        Draft& parent = draft(at);
        ++parent.children;
        if (parent.present) return;
        parent.present = true;
    }
}

// The reverse: an empty name whose last child went is no node any more.
void ZoneEdit::vanish(const Name& name) {
    for (Name at = name; at != from_.origin();) {
        at = at.parent();
        Draft& parent = draft(at);
        --parent.children;
        if (parent.children > 0 || !parent.rrsets.empty() || at == from_.origin()) return;
        parent.present = false;
    }
}

ZoneEdit::Error ZoneEdit::connect() {
    std::vector<Name> names;
    for (const auto& [name, draft] : drafts_) {
        names.push_back(name);
        std::vector<RRsetKind> kinds;
        for (const auto& [type, packed] : draft.rrsets)
            kinds.push_back(
                {type, RRsetView(packed.data()).count(), packed.size() - RRsetView::head});
        const auto broken = broken_rules(kinds, name == from_.origin());
        if (!broken.empty()) return "'" + name.text() + "' " + broken.front().what;
    }
    // First all that appear: a name that keeps a child never goes and comes in between.
    for (const Name& name : names) {
        Draft& draft = drafts_.at(name);
        if (draft.present || draft.rrsets.empty()) continue;
        draft.present = true;
        appear(name);
    }
    for (const Name& name : names) {
        Draft& draft = drafts_.at(name);
        if (!draft.present || !draft.rrsets.empty() || draft.children > 0) continue;
        draft.present = false;
        vanish(name);
    }
    return std::nullopt;
}

std::shared_ptr<const Zone> ZoneEdit::result() const {
    auto next = std::shared_ptr<Zone>(new Zone(from_));
    next->folded_ = nullptr;
    std::vector<Zone::Patch> put, take;
    const auto count = [&](const Node& node, int sign) {
        const auto by = static_cast<std::size_t>(sign);
        next->names_ += by;
        next->records_ += node.records() * by;
        next->told_bytes_ += node.told_bytes() * by;
        if (node.has(Node::cut) || node.has(Node::dname))
            next->cuts_.add(Path(node.name()).depth(), sign);
    };
    for (const auto& [name, draft] : drafts_) {
        if (!draft.present && draft.before == nullptr) continue;
        std::vector<std::span<const std::byte>> rrsets;
        for (const auto& [type, packed] : draft.rrsets) rrsets.emplace_back(packed);
        // The spelling that the zone knows the name by stays.
        const auto spelt = draft.before != nullptr ? draft.before->name() : name.wire();
        const NodeParts parts{spelt, draft.children, name == from_.origin(), !draft.present,
                              rrsets};
        const Zone::Patch patch{name.hash(), make_node(parts)};
        if (draft.before != nullptr) count(*draft.before, -1);
        if (draft.present) count(node_of(patch.block), +1);
        const Zone::Patch* old = from_.overlay_.find(
            patch.hash, [&](const Zone::Patch& other) { return other.same(patch); });
        if (old != nullptr) next->overlay_bytes_ -= node_of(old->block).size;
        const bool in_base = from_.base_->find(patch.hash, name.wire()) != nullptr;
        if (!draft.present && !in_base) {
            take.push_back(patch);
            continue;
        }
        next->overlay_bytes_ += node_of(patch.block).size;
        put.push_back(patch);
    }
    next->overlay_ = from_.overlay_.with(put, take);
    next->settle();
    const std::size_t limit = std::max(overlay_names_max, next->base_->nodes / 4);
    return next->overlay_.size() > limit ? folded(*next) : next;
}

std::shared_ptr<const Zone> ZoneEdit::folded(const Zone& next) const {
    Zone::Folded step{from_.base_, from_.overlay_.identity(), {}};
    for (const auto& [name, draft] : drafts_) step.names.push_back(name);
    const auto zone = next.compacted();
    zone->folded_ = std::make_shared<const Zone::Folded>(std::move(step));
    return zone;
}

tl::expected<std::shared_ptr<const Zone>, std::string> Zone::with(std::span<const Change> changes,
                                                                  Serial serial) const {
    ZoneEdit edit(*this);
    for (const Change& change : changes)
        if (auto error = edit.change(change)) return tl::unexpected(std::move(*error));
    if (auto error = edit.set_serial(serial)) return tl::unexpected(std::move(*error));
    if (auto error = edit.connect()) return tl::unexpected(std::move(*error));
    return edit.result();
}

std::shared_ptr<Zone> Zone::compacted() const {
    auto base = std::make_shared<Base>();
    base->arena.reserve(base_->arena.size() + overlay_bytes_);
    Cursor cursor;
    while (const Node* node = next(cursor)) {
        base->arena.insert(base->arena.end(), node->bytes(), node->bytes() + node->size);
        ++base->nodes;
    }
    base->index();
    auto zone = std::shared_ptr<Zone>(new Zone(*this));
    zone->base_ = std::move(base);
    zone->overlay_ = {};
    zone->overlay_bytes_ = 0;
    zone->settle();
    return zone;
}

}  // namespace zones
