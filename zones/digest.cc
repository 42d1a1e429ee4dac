#include "zones/digest.h"

#include <bit>
#include <vector>

namespace zones {

namespace {

// SipHash-2-4 with 128 bits of output (Aumasson, Bernstein 2012) and a key of zeros: a well-studied
// mix that reads eight bytes at a time.
class SipHash {
public:
    static Digest of(std::span<const std::byte> bytes) {
        SipHash hash;
        const std::uint64_t last = static_cast<std::uint64_t>(bytes.size()) << 56;
        for (; bytes.size() >= 8; bytes = bytes.subspan(8))
            hash.word(little_endian(bytes.first(8)));
        hash.word(last | little_endian(bytes));
        hash.v2_ ^= 0xee;
        Digest digest;
        digest.low = hash.finish();
        hash.v1_ ^= 0xdd;
        digest.high = hash.finish();
        return digest;
    }

private:
    static std::uint64_t little_endian(std::span<const std::byte> bytes) {
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < bytes.size(); ++i)
            value |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * i);
        return value;
    }
    void rounds(int count) {
        for (; count > 0; --count) {
            v0_ += v1_;
            v1_ = std::rotl(v1_, 13) ^ v0_;
            v0_ = std::rotl(v0_, 32);
            v2_ += v3_;
            v3_ = std::rotl(v3_, 16) ^ v2_;
            v0_ += v3_;
            v3_ = std::rotl(v3_, 21) ^ v0_;
            v2_ += v1_;
            v1_ = std::rotl(v1_, 17) ^ v2_;
            v2_ = std::rotl(v2_, 32);
        }
    }
    void word(std::uint64_t value) {
        v3_ ^= value;
        rounds(2);
        v0_ ^= value;
    }
    std::uint64_t finish() {
        rounds(4);
        return v0_ ^ v1_ ^ v2_ ^ v3_;
    }

    std::uint64_t v0_ = 0x736f'6d65'7073'6575, v1_ = 0x646f'7261'6e64'6f6d ^ 0xee,
                  v2_ = 0x6c79'6765'6e65'7261, v3_ = 0x7465'6462'7974'6573;
};

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
                const Digest one = SipHash::of(canonical.with(rrset.type(), {record, size}));
                sum.high += one.high;
                sum.low += one.low;
                record += size;
            }
        });
    }
    return sum;
}

}  // namespace zones
