#include "zones/node_packer.h"

#include "zones/check.h"

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
    targets_.clear();
    const bool apex = name.size() == origin_.wire().size();
    for (std::size_t i = 0, end = 0; i < records.size(); i = end) {
        while (end < records.size() && records[end].type == records[i].type) ++end;
        rrset(name, records.subspan(i, end - i));
    }
    for (const BrokenRule& rule : broken_rules(kinds_, apex)) {
        // Of the records that cannot stand together, the one that came last is blamed.
        if (records.empty() && !readable_) break;
        std::uint64_t tag = records.empty() ? Flaw::whole : 0;
        for (const Record& record : records) tag = std::max(tag, record.tag);
        flaws_.tell(tag, FlawKind::error, quoted(name) + " " + rule.what, rule.hint);
    }
    check_spf(name, records);
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
    // Signatures have the TTLs of what they sign (RFC 4034 §3).
    if (other != records.end() && first.type != Type::rrsig)
        flaws_.tell(other->tag, FlawKind::ttl, [&] {
            return std::pair(quoted(name) + " " + type_text(first.type) + " has records with TTL " +
                                 std::to_string(first.ttl) + " and " + std::to_string(other->ttl),
                             std::string("an RRset has one TTL (RFC 2181 §5.2); the lowest is "
                                         "used"));
        });
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
    const std::size_t skip = shape_of(first.type).skip;
    for (const Record* record : kept_) {
        if (is_reference(first.type) && is_under(record->rdata.subspan(skip), origin_.wire()))
            targets_.push_back({record->tag, static_cast<std::size_t>(at - buffer_.data())});
        at = write_record(at, type, ttl, record->rdata);
    }
    sizes_.push_back(RRsetView::head + size);
    records_ += count;
}

// RFC 7208 §3.1: the type SPF is no more; who asks for TXT must find the policy, too.
void NodePacker::check_spf(std::span<const std::byte> name, std::span<const Record> records) {
    constexpr Type type_spf{99};
    const auto has_policy = [&](Type type) {
        return std::find_if(records.begin(), records.end(), [&](const Record& record) {
            constexpr std::string_view mark = "v=spf1";
            return record.type == type && record.rdata.size() > mark.size() &&
                   std::memcmp(record.rdata.data() + 1, mark.data(), mark.size()) == 0;
        });
    };
    const auto of_spf = std::find_if(records.begin(), records.end(),
                                     [&](const Record& record) { return record.type == type_spf; });
    if (of_spf != records.end() && has_policy(Type::txt) == records.end())
        flaws_.tell(of_spf->tag, FlawKind::other,
                    quoted(name) + " has an SPF record and no TXT record with the policy",
                    "write it as TXT; nobody asks for type SPF (RFC 7208 §3.1)");
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
            flaws_.tell(record->tag, FlawKind::duplicate, [&] {
                return std::pair("duplicate record: " + quoted(name) + " " + type_text(type),
                                 std::string("it is served once (RFC 2181 §5); delete one of the "
                                             "lines"));
            });
        else
            kept_.push_back(record);
    }
    std::sort(kept_.begin(), kept_.end());
}

}  // namespace zones
