#include "zones/transfer.h"

#include "zones/transfer_writer.h"

#include <cassert>
#include <utility>

namespace zones {

Transfer::Transfer(History told, std::span<const std::byte> request, const Query& query,
                   const OptRecord& opt)
    : told_(std::move(told)), request_(request.begin(), request.end()), query_(query), opt_(opt) {}

std::size_t Transfer::next(std::span<std::byte> out) {
    if (stage_ == Stage::done) return 0;
    assert(out.size() >= transfer_message_max);
    TransferWriter writer(out, transfer_message_max);
    // RFC 5936 §2.2.1, §2.2.5: the question and the OPT record go with the first message.
    const OptRecord* const opt = first_message_ && query_.edns ? &opt_ : nullptr;
    if (first_message_) writer.question(query_.question(request_), Path(query_.name(request_)));
    if (opt != nullptr) writer.reserve(opt->size());
    first_message_ = false;
    while (stage_ != Stage::done && write_some(writer)) {
    }
    assert(writer.records() > 0);  // rrset_size_max sees to that
    const auto flags = Flag::qr | Flag::aa | (query_.flags & Flag::rd);
    return writer.finish(query_.id, static_cast<std::uint16_t>(flags), opt);
}

bool Transfer::write_some(TransferWriter& writer) {
    if (stage_ == Stage::body) {
        if (!(incremental() ? write_steps(writer) : write_zone(writer))) return false;
        stage_ = Stage::last_soa;
        return true;
    }
    const Zone& zone = *told_.newest();
    if (!writer.record(Path(zone.origin()), zone.soa().records().data())) return false;
    stage_ = stage_ == Stage::first_soa ? Stage::body : Stage::done;
    return true;
}

bool Transfer::write_zone(TransferWriter& writer) {
    Path owner;
    if (node_ != nullptr) owner.set(node_->name());
    for (;;) {
        if (rrsets_left_ != 0 && !write_node(writer, owner)) return false;
        node_ = told_.newest()->next(cursor_, owner);
        if (node_ == nullptr) return true;
        rrsets_left_ = node_->rrsets;
        rrset_at_ = 0;
    }
}

bool Transfer::write_node(TransferWriter& writer, const Path& owner) {
    for (; rrsets_left_ != 0; --rrsets_left_) {
        const RRsetView rrset(node_->first_rrset() + rrset_at_);
        const auto records = rrset.records();
        if (rrset.type() != Type::soa) {
            for (; record_at_ < records.size();
                 record_at_ += RRsetView::record_size(records.data() + record_at_))
                if (!writer.record(owner, records.data() + record_at_)) return false;
        }
        record_at_ = 0;
        rrset_at_ += rrset.packed_size();
    }
    return true;
}

bool Transfer::write_steps(TransferWriter& writer) {
    for (; step_ < told_.size(); ++step_) {
        const Delta& delta = *told_.step(step_);
        for (;;) {
            if (!write_half(writer, delta)) return false;
            group_at_ = 0;
            half_ = half_ == Delta::Half::deleted ? Delta::Half::added : Delta::Half::deleted;
            if (half_ == Delta::Half::deleted) break;
        }
    }
    return true;
}

bool Transfer::write_half(TransferWriter& writer, const Delta& delta) {
    for (std::size_t next_at = group_at_;; group_at_ = next_at, record_at_ = 0) {
        const auto group = delta.next(half_, next_at);
        if (!group) return true;
        const Path owner(group->owner);
        for (; record_at_ < group->records.size();
             record_at_ += RRsetView::record_size(group->records.data() + record_at_))
            if (!writer.record(owner, group->records.data() + record_at_)) return false;
    }
}

}  // namespace zones
