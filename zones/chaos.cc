#include "zones/chaos.h"

#include <algorithm>

namespace zones {

namespace {

constexpr std::size_t more_bytes = record_head + 32;  // of the record that says "more=N"

}  // namespace

std::vector<std::byte> pack_chaos(std::span<const Rdata> records) {
    auto packed = pack_rrset(Type::txt, Ttl{0}, records);
    for (std::byte* at = packed.data() + RRsetView::head; at != packed.data() + packed.size();
         at += RRsetView::record_size(at))
        store16(at + 2, static_cast<std::uint16_t>(Class::ch));
    return packed;
}

bool ChaosRecords::add(const Name& name, std::span<const Strings> records, std::size_t besides) {
    if (records.empty() || entries_.size() == names_max) return false;
    std::vector<Rdata> taken;
    std::size_t size = RRsetView::head + more_bytes;
    for (const Strings& strings : records) {
        Rdata rdata = txt_rdata(strings);
        size += record_head + rdata.bytes().size();
        if (size > rrset_bytes_max) break;
        taken.push_back(std::move(rdata));
    }
    besides += records.size() - taken.size();
    if (besides > 0) {
        const std::string more = "more=" + std::to_string(besides);
        taken.push_back(txt_rdata({&more, 1}));
    }
    Entry entry{name.hash(), name.lowered(), pack_chaos(taken)};
    if (bytes_ + entry.rrset.size() > bytes_max) return false;
    bytes_ += entry.rrset.size();
    const auto behind =
        std::upper_bound(entries_.begin(), entries_.end(), entry.hash,
                         [](Hash hash, const Entry& other) { return hash < other.hash; });
    entries_.insert(behind, std::move(entry));
    return true;
}

RRsetView ChaosRecords::find(const Path& name) const noexcept {
    const auto wire = name.wire();
    auto at = std::lower_bound(entries_.begin(), entries_.end(), name.hash(),
                               [](const Entry& entry, Hash hash) { return entry.hash < hash; });
    for (; at != entries_.end() && at->hash == name.hash(); ++at) {
        const auto own = at->name.wire();
        if (own.size() == wire.size() && equal_names(own.data(), wire.data(), wire.size()))
            return RRsetView(at->rrset.data());
    }
    return {};
}

}  // namespace zones
