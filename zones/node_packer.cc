#include "zones/node_packer.h"

#include <algorithm>
#include <cstring>
#include <string>

namespace zones {

namespace {

std::string quoted(std::span<const std::byte> name) {
    return "'" + Name::from_wire(name)->text() + "'";
}

}  // namespace

NodeParts NodePacker::pack(std::span<const std::byte> name, std::uint32_t children,
                           std::span<const Record> records) {
    buffer_.clear();
    sizes_.clear();
    kinds_.clear();
    const bool apex = name.size() == origin_.wire().size();
    for (std::size_t i = 0, end = 0; i < records.size(); i = end) {
        while (end < records.size() && records[end].type == records[i].type) ++end;
        rrset(name, records.subspan(i, end - i));
    }
    for (const BrokenRule& rule : broken_rules(kinds_, apex)) {
        // Of the records that cannot stand together, the one that came last is blamed.
        std::uint64_t tag = records.empty() ? Flaw::whole : 0;
        for (const Record& record : records) tag = std::max(tag, record.tag);
        flaws_.push_back({tag, true, quoted(name) + " " + rule.what, rule.hint});
    }
    views_.clear();
    for (std::size_t i = 0, at = 0; i < sizes_.size(); at += sizes_[i++])
        views_.push_back(std::span<const std::byte>(buffer_).subspan(at, sizes_[i]));
    return {name, children, apex, false, views_};
}

void NodePacker::rrset(std::span<const std::byte> name, std::span<const Record> records) {
    const Record& first = records.front();
    std::uint32_t ttl = first.ttl;
    for (const Record& record : records) ttl = std::min(ttl, record.ttl);
    const auto other = std::find_if(records.begin(), records.end(),
                                    [&](const Record& record) { return record.ttl != first.ttl; });
    if (other != records.end())
        flaws_.push_back({other->tag, false,
                          quoted(name) + " " + type_text(first.type) + " has records with TTL " +
                              std::to_string(first.ttl) + " and " + std::to_string(other->ttl),
                          "an RRset has one TTL (RFC 2181 §5.2); the lowest is used"});
    keep_distinct(name, records);
    std::size_t size = 0;
    for (const Record* record : kept_) size += record_head + record->rdata.size();
    kinds_.push_back({first.type, kept_.size(), size});
    if (size > rrset_size_max) return;  // broken_rules() tells of it

    const auto type = static_cast<std::uint16_t>(first.type);
    const auto count = static_cast<std::uint16_t>(kept_.size());
    const auto bytes = static_cast<std::uint32_t>(size);
    const std::size_t start = buffer_.size();
    buffer_.resize(start + RRsetView::head + size);
    std::byte* at = buffer_.data() + start;
    std::memcpy(at, &type, 2);
    std::memcpy(at + 2, &count, 2);
    std::memcpy(at + 4, &bytes, 4);
    at += RRsetView::head;
    for (const Record* record : kept_) at = write_record(at, type, ttl, record->rdata);
    sizes_.push_back(RRsetView::head + size);
    records_ += count;
}

// RFC 2181 §5: an RRset has no two records with the same data. The order of the file is kept.
void NodePacker::keep_distinct(std::span<const std::byte> name, std::span<const Record> records) {
    kept_.clear();
    if (records.size() == 1) {
        kept_.push_back(&records.front());
        return;
    }
    sorted_.clear();
    for (const Record& record : records) sorted_.push_back(&record);
    const Type type = records.front().type;
    std::sort(sorted_.begin(), sorted_.end(), [type](const Record* a, const Record* b) {
        const auto order = compare_rdata(type, a->rdata, b->rdata);
        return order != 0 ? order < 0 : a < b;
    });
    for (const Record* record : sorted_) {
        if (!kept_.empty() && compare_rdata(type, kept_.back()->rdata, record->rdata) == 0)
            flaws_.push_back({record->tag, false,
                              "duplicate record: " + quoted(name) + " " + type_text(type),
                              "it is served once (RFC 2181 §5); delete one of the lines"});
        else
            kept_.push_back(record);
    }
    std::sort(kept_.begin(), kept_.end());
}

void check_servers(const Zone& zone, std::vector<Flaw>& flaws) {
    Zone::Cursor cursor;
    while (const Node* node = zone.next(cursor)) {
        const RRsetView servers = node->rrset(Type::ns);
        if (!servers) continue;
        const Name owner = *Name::from_wire(node->name());
        const std::byte* record = servers.records().data();
        for (std::size_t i = 0; i < servers.count(); ++i) {
            const Name server = *Name::from_wire(RRsetView::rdata(record));
            record += RRsetView::record_size(record);
            if (!server.under(zone.origin())) continue;
            const Path path(server);
            const Node* there = zone.node(path, path.depth());
            if (there != nullptr && (there->rrset(Type::a) || there->rrset(Type::aaaa))) continue;
            // Below another cut the addresses are that zone's business.
            const bool needed = node->has(Node::cut) && server.under(owner);
            if (!needed && std::holds_alternative<Delegation>(zone.find(path, Type::a))) continue;
            if (!needed && std::holds_alternative<Found>(zone.find(path, Type::a))) continue;
            if (!needed && std::holds_alternative<Found>(zone.find(path, Type::aaaa))) continue;
            const bool alias = there != nullptr && there->has(Node::alias);
            flaws.push_back(
                {Flaw::whole, false,
                 "'" + server.text() + "', a name server of '" + owner.text() + "', " +
                     (alias ? "is an alias"
                            : (needed ? "has no glue address" : "has no address in this zone")),
                 alias ? "NS must name a host itself (RFC 2181 §10.3)"
                       : "add its A or AAAA record to this zone"});
        }
    }
}

}  // namespace zones
