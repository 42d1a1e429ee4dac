#include "zones/zone_text.h"

#include "zones/rdata_text.h"

#include <algorithm>
#include <vector>

namespace zones {

namespace {

void append_record(std::string& text, const std::string& owner, RRsetView rrset) {
    const std::byte* record = rrset.records().data();
    const std::string type = type_text(rrset.type());
    for (std::size_t i = 0; i < rrset.count(); ++i) {
        text += owner + '\t' + std::to_string(rrset.ttl().seconds) + "\tIN\t" + type + '\t' +
                rdata_text(rrset.type(), RRsetView::rdata(record)) + '\n';
        record += RRsetView::record_size(record);
    }
}

}  // namespace

std::string zone_text(const Zone& zone) {
    std::vector<const Node*> nodes;
    nodes.reserve(zone.names());
    Zone::Cursor cursor;
    while (const Node* node = zone.next(cursor)) nodes.push_back(node);
    std::sort(nodes.begin(), nodes.end(),
              [](const Node* a, const Node* b) { return compare_names(a->name(), b->name()) < 0; });
    std::string text;
    for (const Node* node : nodes) {
        std::string owner = Name::from_wire(node->name())->text();
        if (owner != ".") owner += '.';
        if (const RRsetView soa = node->rrset(Type::soa)) append_record(text, owner, soa);
        node->for_each([&](RRsetView rrset) {
            if (rrset.type() != Type::soa) append_record(text, owner, rrset);
        });
    }
    return text;
}

}  // namespace zones
