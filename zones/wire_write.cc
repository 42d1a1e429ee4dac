#include "zones/wire.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace zones {

Writer::Writer(std::span<std::byte> out, std::size_t limit, Case spelling) noexcept
    : out_(out.data()), limit_(std::min(limit, out.size())), spelling_(spelling) {
    assert(limit_ >= header_size);
}

void Writer::begin(std::uint16_t id, std::uint16_t flags) noexcept {
    store16(out_, id);
    flags_ = flags;
}

bool Writer::bytes(std::span<const std::byte> some) noexcept {
    if (some.size() > room()) return false;
    std::memcpy(out_ + size_, some.data(), some.size());
    size_ += some.size();
    return true;
}

bool Writer::question(std::span<const std::byte> section, const Path& name) noexcept {
    const std::size_t at = size_;
    if (!bytes(section)) return false;
    question_count_ = 1;
    question_end_ = size_;
    remember(name, 0, name.depth(), at);
    return true;
}

// The suffixes of `path` deeper than `from`, up to `to` labels, stand in the message from `offset`.
void Writer::remember(const Path& path, std::size_t from, std::size_t to,
                      std::size_t offset) noexcept {
    // Long suffixes first, as they are looked for first. A name of very many labels leaves room for
    // others: of its middle nothing is kept.
    constexpr std::size_t kept_max = 12;
    for (std::size_t depth = to; depth > from && spelt_count_ < spelt_max; --depth) {
        if (depth != to && depth - from > kept_max) continue;
        const std::size_t at = offset + path.start(depth) - path.start(to);
        if (at > pointer_max) return;
        spelt_[spelt_count_++] = {path.hash(depth), static_cast<std::uint16_t>(at)};
    }
}

// Whether the name `wire` stands at `offset`. Its pointers are ours and point backwards.
bool Writer::stands_at(std::size_t offset, std::span<const std::byte> wire) const noexcept {
    for (std::size_t at = 0;;) {
        auto label = std::to_integer<std::size_t>(out_[offset]);
        while (label >= 0xc0) {
            offset = load16(out_ + offset) & pointer_max;
            label = std::to_integer<std::size_t>(out_[offset]);
        }
        if (label != std::to_integer<std::size_t>(wire[at])) return false;
        if (label == 0) return true;
        const bool same = spelling_ == Case::exact
                              ? std::memcmp(out_ + offset + 1, &wire[at + 1], label) == 0
                              : equal_names(out_ + offset + 1, &wire[at + 1], label);
        if (!same) return false;
        offset += label + 1;
        at += label + 1;
    }
}

bool Writer::name(const Path& path, std::size_t depth) noexcept {
    for (std::size_t known = depth; known > 0; --known) {
        const Hash hash = path.hash(known);
        for (std::size_t i = 0; i < spelt_count_; ++i) {
            if (spelt_[i].hash != hash || !stands_at(spelt_[i].offset, path.wire(known))) continue;
            const std::size_t front = path.start(known) - path.start(depth);
            if (room() < front + 2) return false;
            std::memcpy(out_ + size_, path.wire(depth).data(), front);
            store16(out_ + size_ + front, static_cast<std::uint16_t>(0xc000 | spelt_[i].offset));
            remember(path, known, depth, size_);
            size_ += front + 2;
            return true;
        }
    }
    const std::size_t at = size_;
    if (!bytes(path.wire(depth))) return false;
    remember(path, 0, depth, at);
    return true;
}

// `record` from its type on, names compressed where `shape` allows; of types that nobody knows the
// data are bytes (RFC 3597 §4).
bool Writer::rdata(const std::byte* record, RdataShape shape) noexcept {
    const auto all = RRsetView::rdata(record);
    if (!shape.compressible) return bytes({record, record_head + all.size()});
    const std::size_t head_at = size_;
    if (!bytes({record, record_head + shape.skip})) return false;
    std::size_t at = shape.skip;
    for (unsigned i = 0; i < shape.names; ++i) {
        const auto wire = all.subspan(at, plain_name_size(all, at));
        const Path path(wire);
        if (!name(path, path.depth())) return false;
        at += wire.size();
    }
    if (!bytes(all.subspan(at))) return false;
    store16(out_ + head_at + 8, static_cast<std::uint16_t>(size_ - head_at - record_head));
    return true;
}

bool Writer::record(Section section, const Path& owner, std::size_t depth, const std::byte* record,
                    std::uint32_t ttl_max) noexcept {
    const std::size_t size = size_, spelt = spelt_count_;
    if (name(owner, depth)) {
        const std::size_t head_at = size_;
        if (rdata(record, shape_of(static_cast<Type>(load16(record))))) {
            if (load32(out_ + head_at + 4) > ttl_max) store32(out_ + head_at + 4, ttl_max);
            ++counts_[static_cast<std::size_t>(section)];
            return true;
        }
    }
    size_ = size;
    spelt_count_ = spelt;
    return false;
}

bool Writer::rrset(Section section, const Path& owner, std::size_t depth, RRsetView rrset,
                   std::uint64_t rotation, std::uint32_t ttl_max) noexcept {
    const std::size_t size = size_, spelt = spelt_count_;
    const auto counts = counts_;
    const auto all = rrset.records();
    const std::byte* const end = all.data() + all.size();
    const std::byte* first = all.data();
    for (std::size_t skip = rotation % rrset.count(); skip > 0; --skip)
        first += RRsetView::record_size(first);
    const std::byte* at = first;
    do {
        if (!record(section, owner, depth, at, ttl_max)) {
            size_ = size;
            spelt_count_ = spelt;
            counts_ = counts;
            return false;
        }
        at += RRsetView::record_size(at);
        if (at == end) at = all.data();
    } while (at != first);
    return true;
}

void Writer::rewind(const Mark& mark) noexcept {
    size_ = mark.size;
    spelt_count_ = mark.spelt_count;
    counts_ = mark.counts;
    spelling_ = mark.spelling;
}

bool Writer::opt(const OptRecord& opt, Rcode rcode) noexcept {
    reserved_ = 0;
    if (room() < opt.size()) return false;
    size_ += opt.write(out_ + size_, static_cast<std::uint16_t>(rcode));
    ++counts_[static_cast<std::size_t>(Section::additional)];
    return true;
}

void Writer::drop_records() noexcept {
    size_ = question_end_;
    counts_ = {};
    spelt_count_ = 0;
}

std::size_t Writer::finish(std::uint16_t more_flags, Rcode rcode) noexcept {
    const auto code = static_cast<std::uint16_t>(static_cast<std::uint16_t>(rcode) & 0xf);
    store16(out_ + 2, static_cast<std::uint16_t>(flags_ | more_flags | code));
    store16(out_ + 4, question_count_);
    for (std::size_t i = 0; i < counts_.size(); ++i) store16(out_ + 6 + 2 * i, counts_[i]);
    return size_;
}

}  // namespace zones
