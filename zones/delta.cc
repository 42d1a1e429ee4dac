#include "zones/delta.h"

#include "zones/wire.h"

#include <algorithm>
#include <cassert>
#include <limits>

namespace zones {

namespace {

constexpr std::byte format_version{1};
constexpr std::size_t count_size = 2;
constexpr std::size_t count_max = 0xffff;
// Lengths are 32 bits.
constexpr std::size_t packed_max = std::numeric_limits<std::uint32_t>::max();

Type type_of(const std::byte* record) {
    return static_cast<Type>(load16(record));
}

// Length of the record that `bytes` begin with; 0 when it is not one that a zone can have.
std::size_t judged_record(std::span<const std::byte> bytes) {
    if (bytes.size() < record_head) return 0;
    const std::size_t size = RRsetView::record_size(bytes.data());
    if (bytes.size() < size) return 0;
    const Type type = type_of(bytes.data());
    const bool good = !is_meta(type) &&
                      load16(bytes.data() + 2) == static_cast<std::uint16_t>(Class::in) &&
                      load32(bytes.data() + 4) <= Ttl::seconds_max &&
                      well_formed(type, RRsetView::rdata(bytes.data()));
    return good ? size : 0;
}

// Whether these are the groups of one half; `soa` is its first record then.
bool judged_half(const Name& origin, std::span<const std::byte> bytes, const std::byte*& soa) {
    soa = nullptr;
    for (std::size_t at = 0; at < bytes.size();) {
        const std::size_t owner_size = plain_name_size(bytes, at);
        if (owner_size == 0 || bytes.size() - at < owner_size + count_size) return false;
        const auto owner = Name::from_wire(bytes.subspan(at, owner_size));
        if (!owner || !owner->under(origin)) return false;
        const std::size_t count = load16(bytes.data() + at + owner_size);
        if (count == 0) return false;
        at += owner_size + count_size;
        const bool first = soa == nullptr;
        if (first && (*owner != origin || count != 1)) return false;
        for (std::size_t i = 0; i < count; ++i) {
            const std::size_t size = judged_record(bytes.subspan(at));
            if (size == 0 || (type_of(bytes.data() + at) == Type::soa) != first) return false;
            if (first) soa = bytes.data() + at;
            at += size;
        }
    }
    return soa != nullptr;
}

Serial serial_of(const std::byte* soa) {
    return Serial(load32(soa + RRsetView::record_size(soa) - 20));
}

}  // namespace

Delta::Delta(std::vector<std::byte> packed) : packed_(std::move(packed)) {
    for (const Half which : {Half::deleted, Half::added}) {
        std::size_t at = 0;
        (which == Half::deleted ? from_ : to_) = serial_of(next(which, at)->records.data());
    }
}

std::span<const std::byte> Delta::half(Half half) const {
    const std::size_t deleted = load32(packed_.data() + 1);
    const auto all = std::span(packed_).subspan(head);
    return half == Half::deleted ? all.first(deleted) : all.subspan(deleted);
}

std::optional<Delta> Delta::unpack(const Name& origin, std::span<const std::byte> packed) {
    if (packed.size() < head || packed.size() > packed_max || packed[0] != format_version)
        return std::nullopt;
    const auto all = packed.subspan(head);
    const std::size_t deleted = load32(packed.data() + 1);
    const std::size_t added = load32(packed.data() + 5);
    if (deleted > all.size() || added != all.size() - deleted) return std::nullopt;
    const std::byte *before = nullptr, *after = nullptr;
    if (!judged_half(origin, all.first(deleted), before) ||
        !judged_half(origin, all.subspan(deleted), after) ||
        !(serial_of(before) < serial_of(after)))
        return std::nullopt;
    return Delta({packed.begin(), packed.end()});
}

std::optional<Delta::Group> Delta::next(Half which, std::size_t& at) const {
    const auto bytes = half(which);
    if (at >= bytes.size()) return std::nullopt;
    Group group;
    group.owner = bytes.subspan(at, plain_name_size(bytes, at));
    group.count = load16(bytes.data() + at + group.owner.size());
    const std::size_t begin = at + group.owner.size() + count_size;
    at = begin;
    for (std::size_t i = 0; i < group.count; ++i) at += RRsetView::record_size(bytes.data() + at);
    group.records = bytes.subspan(begin, at - begin);
    return group;
}

DeltaWriter::DeltaWriter(const Delta::Group& soa_before, const Delta::Group& soa_after,
                         std::size_t bytes_max)
    : bytes_max_(std::min(bytes_max, packed_max)) {
    append(Delta::Half::deleted, soa_before.owner, soa_before.records.data());
    append(Delta::Half::added, soa_after.owner, soa_after.records.data());
    // The SOA stays alone in its group.
    for (Gathered& half : halves_) half.group_at = half.bytes.size();
}

void DeltaWriter::open(Gathered& half, std::span<const std::byte> owner) {
    half.group_at = half.bytes.size();
    half.bytes.insert(half.bytes.end(), owner.begin(), owner.end());
    half.bytes.resize(half.bytes.size() + count_size);
}

void DeltaWriter::append(Delta::Half which, std::span<const std::byte> owner,
                         const std::byte* record) {
    Gathered& half = of(which);
    const auto count_at = [&] { return half.bytes.data() + half.group_at + owner.size(); };
    const bool same_owner =
        half.group_at < half.bytes.size() &&
        half.bytes.size() - half.group_at > owner.size() + count_size &&
        std::equal(owner.begin(), owner.end(),
                   half.bytes.begin() + static_cast<std::ptrdiff_t>(half.group_at));
    if (!same_owner || load16(count_at()) == count_max) open(half, owner);
    store16(count_at(), static_cast<std::uint16_t>(load16(count_at()) + 1));
    half.bytes.insert(half.bytes.end(), record, record + RRsetView::record_size(record));
    overflown_ |= Delta::head + halves_[0].bytes.size() + halves_[1].bytes.size() > bytes_max_;
}

void DeltaWriter::add(Delta::Half half, std::span<const std::byte> owner, const std::byte* record) {
    assert(type_of(record) != Type::soa);
    if (!overflown_) append(half, owner, record);
}

std::optional<Delta> DeltaWriter::finish() {
    if (overflown_) return std::nullopt;
    const auto& deleted = of(Delta::Half::deleted).bytes;
    const auto& added = of(Delta::Half::added).bytes;
    std::vector<std::byte> packed(Delta::head);
    packed.reserve(Delta::head + deleted.size() + added.size());
    packed[0] = format_version;
    store32(packed.data() + 1, static_cast<std::uint32_t>(deleted.size()));
    store32(packed.data() + 5, static_cast<std::uint32_t>(added.size()));
    packed.insert(packed.end(), deleted.begin(), deleted.end());
    packed.insert(packed.end(), added.begin(), added.end());
    return Delta(std::move(packed));
}

}  // namespace zones
