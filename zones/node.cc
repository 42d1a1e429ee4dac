#include "zones/node.h"

namespace zones {

namespace {

std::byte* write_head(std::byte* at, Type type, std::size_t count, std::size_t bytes) {
    const auto kind = static_cast<std::uint16_t>(type);
    const auto records = static_cast<std::uint16_t>(count);
    const auto size = static_cast<std::uint32_t>(bytes);
    std::memcpy(at, &kind, 2);
    std::memcpy(at + 2, &records, 2);
    std::memcpy(at + 4, &size, 4);
    return at + RRsetView::head;
}

}  // namespace

std::vector<std::byte> pack_rrset(Type type, Ttl ttl, std::span<const Rdata> rdatas) {
    std::size_t size = 0;
    for (const Rdata& rdata : rdatas) size += record_head + rdata.bytes().size();
    std::vector<std::byte> packed(RRsetView::head + size);
    const auto kind = static_cast<std::uint16_t>(type);
    std::byte* at = write_head(packed.data(), type, rdatas.size(), size);
    for (const Rdata& rdata : rdatas) at = write_record(at, kind, ttl.seconds, rdata.bytes());
    return packed;
}

std::byte* write_record(std::byte* at, std::uint16_t type, std::uint32_t ttl,
                        std::span<const std::byte> rdata) {
    store16(at, type);
    store16(at + 2, static_cast<std::uint16_t>(Class::in));
    store32(at + 4, ttl);
    store16(at + 8, static_cast<std::uint16_t>(rdata.size()));
    if (!rdata.empty()) std::memcpy(at + record_head, rdata.data(), rdata.size());
    return at + record_head + rdata.size();
}

RRsetView write_rrset(std::byte* at, Type type, Ttl ttl, std::span<const std::byte> rdata) {
    std::byte* record = write_head(at, type, 1, record_head + rdata.size());
    write_record(record, static_cast<std::uint16_t>(type), ttl.seconds, rdata);
    return RRsetView(at);
}

std::size_t node_size(const NodeParts& parts) {
    std::size_t size = sizeof(Node) + parts.name.size();
    for (const auto& rrset : parts.rrsets) size += rrset.size();
    return (size + 3) / 4 * 4;
}

void write_node(const NodeParts& parts, std::byte* at) {
    Node node{};
    node.size = static_cast<std::uint32_t>(node_size(parts));
    node.children = parts.children;
    node.rrsets = static_cast<std::uint16_t>(parts.rrsets.size());
    node.name_size = static_cast<std::uint8_t>(parts.name.size());
    node.flags = parts.gone ? Node::gone : 0;
    std::byte* bytes = at + sizeof(Node);
    std::memcpy(bytes, parts.name.data(), parts.name.size());
    bytes += parts.name.size();
    for (const auto& rrset : parts.rrsets) {
        std::memcpy(bytes, rrset.data(), rrset.size());
        bytes += rrset.size();
        const Type type = RRsetView(rrset.data()).type();
        // RFC 4592 §4.2: also at a name that begins with an asterisk, for what is really below it.
        if (type == Type::ns && !parts.apex) node.flags |= Node::cut;
        if (type == Type::dname) node.flags |= Node::dname;
        if (type == Type::cname) node.flags |= Node::alias;
    }
    std::memcpy(at, &node, sizeof node);
}

NodeBlock make_node(const NodeParts& parts) {
    std::shared_ptr<std::byte[]> block(new std::byte[node_size(parts)]());  // aligned for any type
    write_node(parts, block.get());
    return block;
}

}  // namespace zones
