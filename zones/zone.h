#pragma once
// One immutable version of a zone. A base table, shared between versions, holds every name in one
// arena behind an open-addressing hash table; an overlay holds the names that changed since. The
// next version costs in proportion to its changes, also in a zone of a million names: the overlay
// is folded into a new base only when it has outgrown a fraction of it.

#include "zones/buckets.h"
#include "zones/node.h"
#include "zones/record.h"
#include "zones/serial.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include <tl/expected.hpp>

namespace zones {

// What a zone says of a name and a type; views live as long as the zone. `depth` counts labels.
struct Found {
    RRsetView rrset;
};
struct Alias {
    RRsetView cname;
};
// RFC 6672: the names below `depth` are elsewhere.
struct Substitution {
    RRsetView dname;
    std::size_t depth = 0;
};
struct Delegation {
    RRsetView ns;
    std::size_t depth = 0;
};
struct NoData {};
struct NoSuchName {};
using Lookup = std::variant<Found, Alias, Substitution, Delegation, NoData, NoSuchName>;

class BaseDifference;

class Zone {
public:
    // Replaces one whole RRset; empty rdatas remove it.
    using Change = RRset;

    const Name& origin() const { return origin_; }
    std::size_t depth() const { return depth_; }  // labels of the origin
    Serial serial() const { return serial_; }
    RRsetView soa() const { return soa_; }
    // For how long a secondary that hears nothing from us may go on (RFC 1035 §3.3.13).
    std::uint32_t expire_seconds() const {
        return load32(soa_.first_rdata().data() + soa_.first_rdata().size() - 8);
    }
    // RFC 2308 §5: how long a negative answer may be kept.
    Ttl negative_ttl() const { return negative_ttl_; }

    // The next version, with `serial` in its SOA. The error is a sentence; nothing has changed
    // then.
    tl::expected<std::shared_ptr<const Zone>, std::string> with(std::span<const Change> changes,
                                                                Serial serial) const;

    // RFC 1034 §4.3.2, step 3, for a name at or below the origin.
    Lookup find(const Path& name, Type type) const noexcept;
    Lookup find(const Name& name, Type type) const noexcept { return find(Path(name), type); }
    // The node of a suffix of `name`; null when there is none.
    const Node* node(const Path& name, std::size_t depth) const noexcept;
    const Node* node(Hash hash, std::span<const std::byte> name) const noexcept;

    std::optional<RRset> rrset(const Name& owner, Type type) const;  // exact
    std::vector<RRset> rrsets(const Name& owner) const;              // exact, all of them

    std::size_t names() const { return names_; }  // empty non-terminals count
    std::size_t records() const { return records_; }
    std::size_t bytes() const;  // of memory, about
    // Of all records, each name once: about what a transfer takes before compression.
    std::size_t told_bytes() const { return told_bytes_; }
    std::size_t changed() const { return overlay_.size(); }  // names in the overlay

    // A walk over all nodes in no order that means anything; null at the end.
    struct Cursor {
        std::size_t base = 0, bucket = 0, entry = 0;
    };
    const Node* next(Cursor& cursor) const {
        Path path;
        return next(cursor, path);
    }
    // And `path` is that of its name.
    const Node* next(Cursor& cursor, Path& path) const;

private:
    friend class ZoneBuilder;
    friend class ZoneEdit;
    friend class Comparison;
    friend class BaseDifference;
    friend std::shared_ptr<const BaseDifference> compare_bases(const Zone&, const Zone&);

    struct Slot {
        std::uint32_t tag = 0;     // upper half of the hash
        std::uint32_t offset = 0;  // in words, plus 1; 0 is an empty slot
    };
    struct Base {
        std::vector<std::byte> arena;
        std::vector<Slot> slots;  // a power of two
        std::size_t nodes = 0;

        void index();  // fills slots from the arena
        const Node* find(Hash hash, std::span<const std::byte> name) const noexcept;
        template <class Is>
        const Node* probe(Hash hash, Is is) const noexcept;
        // `place` counts words.
        const Node& at(std::uint32_t place) const {
            return *reinterpret_cast<const Node*>(arena.data() +
                                                  std::size_t{place} * alignof(Node));
        }
        // visit(const Node&, place) for each.
        template <class Visit>
        void for_each(Visit visit) const {
            for (std::uint32_t place = 0; std::size_t{place} * alignof(Node) < arena.size();
                 place += static_cast<std::uint32_t>(at(place).size / alignof(Node)))
                visit(at(place), place);
        }
    };
    struct Patch {
        Hash hash = 0;
        NodeBlock block;
        bool same(const Patch& other) const {
            return node_of(block).named(node_of(other.block).name());
        }
    };
    // How the base of a version came out of the one before it, when that step folded the overlay:
    // so the difference of the two is as cheap as any. The version before it is known again by its
    // base and overlay, and kept by nobody for our sake.
    struct Folded {
        std::weak_ptr<const Base> base;
        Buckets<Patch>::Identity overlay;
        std::vector<Name> names;  // that the step touched
        bool is_of(const Zone& before) const {
            return base.lock() == before.base_ && overlay.is_of(before.overlay_);
        }
    };
    // How many cuts and DNAMEs are at each depth: only depths that have one are probed on the way
    // down to a name.
    struct Cuts {
        std::array<std::uint32_t, labels_max + 1> count{};
        std::array<std::uint64_t, 2> mask{};
        void add(std::size_t depth, int by);
    };

    Zone() = default;
    template <class Is>
    const Node* probe(Hash hash, Is is) const noexcept;
    Lookup at_node(const Node& node, Type type) const noexcept;
    Lookup missing(const Path& name, std::size_t known_missing, Type type) const noexcept;
    void settle();  // fills in what follows from base, overlay and origin
    std::shared_ptr<Zone> compacted() const;

    Name origin_;
    std::size_t depth_ = 0;
    Serial serial_{0};
    RRsetView soa_;
    Ttl negative_ttl_;
    std::size_t names_ = 0, records_ = 0, told_bytes_ = 0, overlay_bytes_ = 0;
    Cuts cuts_;
    std::shared_ptr<const Base> base_;
    Buckets<Patch> overlay_;
    std::shared_ptr<const Folded> folded_;
};

}  // namespace zones
