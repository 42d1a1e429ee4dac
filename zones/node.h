#pragma once
// One name of a zone with all its RRsets, packed into one block of memory: a header, the name in
// wire form, then each RRset as a small header and its records, laid out as they stand in a message
// behind the owner (type, class, TTL, length, data), ready to be copied. Values of this room are
// views.

#include "zones/path.h"
#include "zones/record.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

namespace zones {

inline std::uint16_t load16(const std::byte* at) {
    return static_cast<std::uint16_t>(std::to_integer<unsigned>(at[0]) << 8 |
                                      std::to_integer<unsigned>(at[1]));
}
inline std::uint32_t load32(const std::byte* at) {
    return static_cast<std::uint32_t>(load16(at)) << 16 | load16(at + 2);
}
inline void store16(std::byte* at, std::uint16_t value) {
    at[0] = static_cast<std::byte>(value >> 8);
    at[1] = static_cast<std::byte>(value & 0xff);
}
inline void store32(std::byte* at, std::uint32_t value) {
    store16(at, static_cast<std::uint16_t>(value >> 16));
    store16(at + 2, static_cast<std::uint16_t>(value & 0xffff));
}

// Type, class, TTL and length of a record: what stands between the owner and the data.
inline constexpr std::size_t record_head = 10;

// A packed RRset: eight bytes of header, then its records.
class RRsetView {
public:
    static constexpr std::size_t head = 8;

    RRsetView() = default;
    explicit RRsetView(const std::byte* at) : at_(at) { std::memcpy(&head_, at, sizeof head_); }

    explicit operator bool() const { return at_ != nullptr; }
    Type type() const { return static_cast<Type>(head_.type); }
    std::size_t count() const { return head_.count; }
    Ttl ttl() const { return {load32(records().data() + 4)}; }
    // All records, one behind the other.
    std::span<const std::byte> records() const { return {at_ + head, head_.size}; }
    std::size_t packed_size() const { return head + head_.size; }

    static std::size_t record_size(const std::byte* record) {
        return record_head + load16(record + 8);
    }
    static std::span<const std::byte> rdata(const std::byte* record) {
        return {record + record_head, load16(record + 8)};
    }
    std::span<const std::byte> first_rdata() const { return rdata(at_ + head); }

private:
    struct Head {
        std::uint16_t type;
        std::uint16_t count;
        std::uint32_t size;
    };
    static_assert(sizeof(Head) == head);
    const std::byte* at_ = nullptr;
    Head head_{};
};

// The header of a node's block; it is never made but by NodeWriter.
struct Node {
    enum Flag : std::uint8_t {
        cut = 1,    // NS here, and not the apex
        dname = 2,  // DNAME here
        alias = 4,  // CNAME here
        gone = 8,   // in an overlay: the base has this name, this version has not
    };

    std::uint32_t size;      // of the whole block, in bytes, a multiple of 4
    std::uint32_t children;  // names one label below this one
    std::uint16_t rrsets;
    std::uint8_t name_size;
    std::uint8_t flags;

    bool has(Flag flag) const { return (flags & flag) != 0; }
    const std::byte* bytes() const { return reinterpret_cast<const std::byte*>(this); }
    std::span<const std::byte> name() const { return {bytes() + sizeof(Node), name_size}; }
    bool named(std::span<const std::byte> wire) const {
        return wire.size() == name_size && equal_names(wire.data(), name().data(), wire.size());
    }
    const std::byte* first_rrset() const { return bytes() + sizeof(Node) + name_size; }
    // An empty view when the type is not here.
    RRsetView rrset(Type type) const {
        const std::byte* at = first_rrset();
        for (unsigned i = 0; i < rrsets; ++i) {
            const RRsetView view(at);
            if (view.type() == type) return view;
            at += view.packed_size();
        }
        return {};
    }
    template <class Visit>
    void for_each(Visit visit) const {
        const std::byte* at = first_rrset();
        for (unsigned i = 0; i < rrsets; ++i) {
            const RRsetView view(at);
            visit(view);
            at += view.packed_size();
        }
    }
    std::size_t records() const {
        std::size_t sum = 0;
        for_each([&](RRsetView view) { sum += view.count(); });
        return sum;
    }
    // Of its name and its records, when it has any.
    std::size_t told_bytes() const {
        std::size_t sum = rrsets == 0 ? 0 : name_size;
        for_each([&](RRsetView view) { sum += view.records().size(); });
        return sum;
    }
};
static_assert(sizeof(Node) == 12 && alignof(Node) == 4);

// A block of its own, for overlays; base tables keep theirs in one arena.
using NodeBlock = std::shared_ptr<const std::byte[]>;
inline const Node& node_of(const NodeBlock& block) {
    return *reinterpret_cast<const Node*>(block.get());
}

// Bytes of a packed RRset, as they will stand in a node.
std::vector<std::byte> pack_rrset(Type type, Ttl ttl, std::span<const Rdata> rdatas);

// Writes one record as it stands behind its owner; returns the byte behind it.
std::byte* write_record(std::byte* at, std::uint16_t type, std::uint32_t ttl,
                        std::span<const std::byte> rdata);

// Packs an RRset of one record at `at`.
RRsetView write_rrset(std::byte* at, Type type, Ttl ttl, std::span<const std::byte> rdata);

// What a node is made of; `rrsets` are packed and sorted by type.
struct NodeParts {
    std::span<const std::byte> name;
    std::uint32_t children = 0;
    bool apex = false;
    bool gone = false;
    std::span<const std::span<const std::byte>> rrsets;
};
std::size_t node_size(const NodeParts& parts);
// `at` has room for node_size(parts) bytes and is aligned to 4.
void write_node(const NodeParts& parts, std::byte* at);
NodeBlock make_node(const NodeParts& parts);

}  // namespace zones
