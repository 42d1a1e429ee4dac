#include "zones/digest.h"

#include "zones/siphash.h"

#include <vector>

namespace zones {

namespace {

void lower(std::span<std::byte> bytes) {
    for (std::byte& byte : bytes) byte = std::byte{lower1(std::to_integer<std::uint8_t>(byte))};
}

// Owner and record as they stand in a message, in the one form that all spellings share
// (RFC 4034 §6.2).
class CanonicalRecord {
public:
    void set_owner(std::span<const std::byte> name) {
        bytes_.assign(name.begin(), name.end());
        lower(bytes_);
        owner_ = bytes_.size();
    }
    std::span<const std::byte> with(Type type, std::span<const std::byte> record) {
        bytes_.resize(owner_);
        bytes_.insert(bytes_.end(), record.begin(), record.end());
        const auto data = std::span(bytes_).subspan(owner_ + record_head);
        const ByteRange names = names_in(type, data);
        lower(data.subspan(names.begin, names.end - names.begin));
        if (type == Type::soa) store32(data.data() + names.end, 0);
        return bytes_;
    }

private:
    std::vector<std::byte> bytes_;
    std::size_t owner_ = 0;
};

}  // namespace

std::string Digest::text() const {
    constexpr char digits[] = "0123456789abcdef";
    std::string text;
    for (const std::uint64_t half : {high, low})
        for (int shift = 60; shift >= 0; shift -= 4) text += digits[half >> shift & 0xf];
    return text;
}

Digest content_digest(const Zone& zone) {
    Digest sum;  // of a set: a sum does not see the order, and no record is in a zone twice
    CanonicalRecord canonical;
    Zone::Cursor cursor;
    while (const Node* node = zone.next(cursor)) {
        canonical.set_owner(node->name());
        node->for_each([&](RRsetView rrset) {
            const std::byte* record = rrset.records().data();
            for (std::size_t i = 0; i < rrset.count(); ++i) {
                const std::size_t size = RRsetView::record_size(record);
                const Sip128 one =
                    siphash128(SipKey(), canonical.with(rrset.type(), {record, size}));
                sum.high += one.high;
                sum.low += one.low;
                record += size;
            }
        });
    }
    return sum;
}

}  // namespace zones
