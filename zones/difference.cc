#include "zones/difference.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace zones {

namespace {

using Record = std::span<const std::byte>;

bool same_bytes(Record a, Record b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size()) == 0;
}

bool less_bytes(Record a, Record b) {
    if (a.size() != b.size()) return a.size() < b.size();
    return std::memcmp(a.data(), b.data(), a.size()) < 0;
}

void records_of(RRsetView rrset, std::vector<Record>& out) {
    out.clear();
    const auto all = rrset.records();
    for (std::size_t at = 0; at < all.size(); at += out.back().size())
        out.push_back(all.subspan(at, RRsetView::record_size(all.data() + at)));
}

// Do two nodes tell the same records, in whatever order? True is a fact; false only a suspicion.
bool surely_same(const Node& a, const Node& b) {
    if (a.name_size != b.name_size || a.rrsets != b.rrsets) return false;
    if (std::memcmp(a.name().data(), b.name().data(), a.name_size) != 0) return false;
    const std::byte *one = a.first_rrset(), *other = b.first_rrset();
    for (unsigned i = 0; i < a.rrsets; ++i) {
        const RRsetView x(one), y(other);
        if (x.packed_size() != y.packed_size()) return false;
        if (x.type() != Type::soa && std::memcmp(one, other, x.packed_size()) != 0) return false;
        one += x.packed_size();
        other += y.packed_size();
    }
    return true;
}

}  // namespace

// Two versions, name by name.
class Comparison {
public:
    Comparison(const Zone& before, const Zone& after, std::size_t bytes_max)
        : before_(before), after_(after), writer_(soa_of(before), soa_of(after), bytes_max) {}

    std::optional<Delta> run(const BaseDifference* known) {
        const bool folded = after_.folded_ && after_.folded_->is_of(before_);
        if (before_.base_ == after_.base_) {
            overlays(true);
        } else if (folded) {
            for (const Name& name : after_.folded_->names) look_at(name.hash(), name.wire());
        } else if (known != nullptr && known->is_of(before_, after_)) {
            overlays(false);
            bases(*known);
        } else {
            overlays(false);
            bases(*compare_bases(before_, after_));
        }
        return writer_.finish();
    }

private:
    using Patch = Zone::Patch;

    static Delta::Group soa_of(const Zone& zone) {
        return {zone.origin().wire(), 1, zone.soa().records()};
    }

    static auto same_as(const Patch& patch) {
        return [&patch](const Patch& other) { return other.same(patch); };
    }

    // All names of both overlays. Where both have one base, patches that they share are no change.
    void overlays(bool one_base) {
        for (std::size_t i = 0; i < Buckets<Patch>::bucket_count; ++i) {
            if (one_base && before_.overlay_.shares(after_.overlay_, i)) continue;
            for (const Patch& patch : before_.overlay_.bucket(i)) {
                const Patch* other = after_.overlay_.find(patch.hash, same_as(patch));
                if (one_base && other != nullptr && other->block == patch.block) continue;
                look_at(patch.hash, node_of(patch.block).name());
            }
            for (const Patch& patch : after_.overlay_.bucket(i))
                if (before_.overlay_.find(patch.hash, same_as(patch)) == nullptr)
                    look_at(patch.hash, node_of(patch.block).name());
        }
    }

    void bases(const BaseDifference& known) {
        for (const std::uint32_t at : known.changed_) in_base(known.before_->at(at));
        for (const std::uint32_t at : known.added_) in_base(known.after_->at(at));
    }
    void in_base(const Node& node) {
        if (writer_.overflown()) return;
        const Hash hash = hash_name(node.name());
        const auto same = [&](const Patch& patch) {
            return node_of(patch.block).named(node.name());
        };
        const bool told = before_.overlay_.find(hash, same) != nullptr ||
                          after_.overlay_.find(hash, same) != nullptr;
        if (!told) look_at(hash, node.name());
    }

    void look_at(Hash hash, std::span<const std::byte> name) {
        if (writer_.overflown()) return;
        const Node* const before = before_.node(hash, name);
        const Node* const after = after_.node(hash, name);
        if (before == after) return;
        if (before != nullptr && after != nullptr && same_bytes(before->name(), after->name())) {
            compare(*before, *after);
            return;
        }
        // A name that is spelt otherwise now goes and comes with all its records: so whoever keeps
        // names as they were told has ours.
        if (before != nullptr) tell_all(Delta::Half::deleted, *before);
        if (after != nullptr) tell_all(Delta::Half::added, *after);
    }

    // RRsets are sorted by type.
    void compare(const Node& before, const Node& after) {
        const std::byte *one = before.first_rrset(), *other = after.first_rrset();
        std::size_t ones = before.rrsets, others = after.rrsets;
        while (ones > 0 || others > 0) {
            const RRsetView went = ones > 0 ? RRsetView(one) : RRsetView();
            const RRsetView came = others > 0 ? RRsetView(other) : RRsetView();
            const bool take_went = went && (!came || went.type() <= came.type());
            const bool take_came = came && (!went || came.type() <= went.type());
            compare(after.name(), take_went ? went : RRsetView(), take_came ? came : RRsetView());
            if (take_went) one += went.packed_size(), --ones;
            if (take_came) other += came.packed_size(), --others;
        }
    }

    void compare(std::span<const std::byte> owner, RRsetView went, RRsetView came) {
        if ((went ? went : came).type() == Type::soa) return;
        if (!went) return tell_all(Delta::Half::added, owner, came);
        if (!came) return tell_all(Delta::Half::deleted, owner, went);
        if (same_bytes(went.records(), came.records())) return;
        records_of(went, went_);
        records_of(came, came_);
        // The TTL stands in every record, so that another TTL takes the whole RRset along, as all
        // records of an RRset are to have one (RFC 2181 §5.2).
        std::sort(went_.begin(), went_.end(), less_bytes);
        std::sort(came_.begin(), came_.end(), less_bytes);
        tell_missing(Delta::Half::deleted, owner, went_, came_);
        tell_missing(Delta::Half::added, owner, came_, went_);
    }

    // What is in `some` and not in `others`.
    void tell_missing(Delta::Half half, std::span<const std::byte> owner,
                      const std::vector<Record>& some, const std::vector<Record>& others) {
        auto other = others.begin();
        for (const Record& record : some) {
            while (other != others.end() && less_bytes(*other, record)) ++other;
            if (other == others.end() || !same_bytes(*other, record))
                writer_.add(half, owner, record.data());
        }
    }

    void tell_all(Delta::Half half, const Node& node) {
        node.for_each([&](RRsetView rrset) {
            if (rrset.type() != Type::soa) tell_all(half, node.name(), rrset);
        });
    }
    void tell_all(Delta::Half half, std::span<const std::byte> owner, RRsetView rrset) {
        const auto all = rrset.records();
        for (std::size_t at = 0; at < all.size(); at += RRsetView::record_size(all.data() + at))
            writer_.add(half, owner, all.data() + at);
    }

    const Zone& before_;
    const Zone& after_;
    DeltaWriter writer_;
    std::vector<Record> went_, came_;
};

bool BaseDifference::is_of(const Zone& before, const Zone& after) const {
    return before_ == before.base_ && after_ == after.base_;
}

std::shared_ptr<const BaseDifference> compare_bases(const Zone& before, const Zone& after) {
    auto result = std::make_shared<BaseDifference>();
    result->before_ = before.base_;
    result->after_ = after.base_;
    if (before.base_ == after.base_) return result;
    std::size_t in_both = 0;
    before.base_->for_each([&](const Node& node, std::uint32_t at) {
        const Node* other = after.base_->find(hash_name(node.name()), node.name());
        if (other != nullptr) ++in_both;
        if (other == nullptr || !surely_same(node, *other)) result->changed_.push_back(at);
    });
    if (in_both == after.base_->nodes) return result;
    after.base_->for_each([&](const Node& node, std::uint32_t at) {
        if (before.base_->find(hash_name(node.name()), node.name()) == nullptr)
            result->added_.push_back(at);
    });
    return result;
}

std::optional<Delta> difference_within(std::size_t bytes_max, const Zone& before, const Zone& after,
                                       const BaseDifference* known) {
    assert(before.origin() == after.origin());
    return Comparison(before, after, bytes_max).run(known);
}

Delta difference(const Zone& before, const Zone& after, const BaseDifference* known) {
    auto delta = difference_within(std::numeric_limits<std::size_t>::max(), before, after, known);
    assert(delta.has_value());  // no zone fills the 32 bits of a delta's lengths
    return std::move(*delta);
}

}  // namespace zones
