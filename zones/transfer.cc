#include "zones/transfer.h"

#include <cassert>

namespace zones {

Transfer::Transfer(std::shared_ptr<const Zone> zone, std::span<const std::byte> request,
                   const Query& query, const OptRecord& opt)
    : zone_(std::move(zone)), request_(request.begin(), request.end()), query_(query), opt_(opt) {}

std::size_t Transfer::next(std::span<std::byte> out) {
    if (stage_ == Stage::done) return 0;
    assert(out.size() >= transfer_message_max);
    // RFC 5936 §3.4: a secondary is to get the names in the case that they have here.
    Writer writer(out, transfer_message_max, Writer::Case::exact);
    writer.begin(query_.id, static_cast<std::uint16_t>(Flag::qr | (query_.flags & Flag::rd)));
    const Path name(query_.name(request_));
    if (first_message_) {
        // RFC 5936 §2.2.1, §2.2.5: the question and the OPT record go with the first message.
        writer.question(query_.question(request_), name);
        if (query_.edns) writer.reserve(opt_.size());
    }
    while (stage_ != Stage::done && write_some(writer)) {
    }
    assert(writer.count(Section::answer) > 0);  // rrset_size_max sees to that
    if (first_message_ && query_.edns) writer.opt(opt_, Rcode::noerror);
    first_message_ = false;
    return writer.finish(Flag::aa, Rcode::noerror);
}

// One record, or a step on the way to the next; false when the message is full.
bool Transfer::write_some(Writer& writer) {
    if (stage_ != Stage::records) {
        const Path origin(zone_->origin());
        if (!writer.rrset(Section::answer, origin, origin.depth(), zone_->soa())) return false;
        stage_ = stage_ == Stage::first_soa ? Stage::records : Stage::done;
        return true;
    }
    if (rrsets_left_ == 0) {
        node_ = zone_->next(cursor_);
        if (node_ == nullptr) {
            stage_ = Stage::last_soa;
            return true;
        }
        rrsets_left_ = node_->rrsets;
        rrset_at_ = 0;
        return true;
    }
    const RRsetView rrset(node_->first_rrset() + rrset_at_);
    const auto records = rrset.records();
    if (rrset.type() != Type::soa) {
        const Path owner(node_->name());
        for (; record_at_ < records.size();
             record_at_ += RRsetView::record_size(records.data() + record_at_))
            if (!writer.record(Section::answer, owner, owner.depth(), records.data() + record_at_))
                return false;
    }
    record_at_ = 0;
    rrset_at_ += rrset.packed_size();
    --rrsets_left_;
    return true;
}

}  // namespace zones
