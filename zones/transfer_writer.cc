#include "zones/transfer_writer.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace zones {

namespace {

std::uint32_t tag_of(Hash hash) {
    return static_cast<std::uint32_t>(hash >> 32);
}

}  // namespace

TransferWriter::TransferWriter(std::span<std::byte> out, std::size_t limit) noexcept
    : out_(out.data()), limit_(std::min(limit, out.size())) {
    assert(limit_ > header_size);
}

bool TransferWriter::bytes(const std::byte* some, std::size_t size) noexcept {
    if (size > room()) return false;
    std::memcpy(out_ + size_, some, size);
    size_ += size;
    return true;
}

void TransferWriter::question(std::span<const std::byte> section, const Path& name) noexcept {
    assert(records_ == 0 && section.size() <= room());
    remember(name, 0);
    bytes(section.data(), section.size());
    has_question_ = true;
}

// The suffixes of `path` with more than `known` labels will stand at the end of the message.
void TransferWriter::remember(const Path& path, std::size_t known) noexcept {
    for (std::size_t depth = path.depth(); depth > known; --depth) {
        const std::size_t offset = size_ + path.start(depth);
        if (offset > pointer_max) return;
        const Hash hash = path.hash(depth);
        for (std::size_t i = 0; i < probes_max; ++i) {
            Spelt& slot = spelt_[(hash + i) % table_size];
            if (slot.offset != 0) continue;
            slot = {tag_of(hash), static_cast<std::uint16_t>(offset)};
            break;
        }
    }
}

// Whether the name `wire` stands at `offset`, to the letter (RFC 5936 §3.4). Its pointers are ours
// and point backwards.
bool TransferWriter::stands_at(std::size_t offset, std::span<const std::byte> wire) const noexcept {
    for (std::size_t at = 0;;) {
        auto label = std::to_integer<std::size_t>(out_[offset]);
        while (label >= 0xc0) {
            offset = load16(out_ + offset) & pointer_max;
            label = std::to_integer<std::size_t>(out_[offset]);
        }
        if (std::memcmp(out_ + offset, &wire[at], label + 1) != 0) return false;
        if (label == 0) return true;
        offset += label + 1;
        at += label + 1;
    }
}

std::uint16_t TransferWriter::find(Hash hash, std::span<const std::byte> wire) const noexcept {
    for (std::size_t i = 0; i < probes_max; ++i) {
        const Spelt& slot = spelt_[(hash + i) % table_size];
        if (slot.offset == 0) return 0;
        if (slot.tag == tag_of(hash) && stands_at(slot.offset, wire)) return slot.offset;
    }
    return 0;
}

bool TransferWriter::name(const Path& path) noexcept {
    for (std::size_t known = path.depth(); known > 0; --known) {
        const std::uint16_t offset = find(path.hash(known), path.wire(known));
        if (offset == 0) continue;
        const std::size_t front = path.start(known);
        if (room() < front + 2) return false;
        remember(path, known);
        std::memcpy(out_ + size_, path.wire().data(), front);
        store16(out_ + size_ + front, static_cast<std::uint16_t>(0xc000 | offset));
        size_ += front + 2;
        return true;
    }
    if (room() < path.wire().size()) return false;
    remember(path, 0);
    return bytes(path.wire().data(), path.wire().size());
}

// `record` from its type on, names compressed where RFC 3597 §4 allows.
bool TransferWriter::rdata_with_names(const std::byte* record, RdataShape shape) noexcept {
    const auto all = RRsetView::rdata(record);
    const std::size_t head_at = size_;
    if (!bytes(record, record_head + shape.skip)) return false;
    std::size_t at = shape.skip;
    for (unsigned i = 0; i < shape.names; ++i) {
        const Path path(all.subspan(at, plain_name_size(all, at)));
        if (!name(path)) return false;
        at += path.wire().size();
    }
    if (!bytes(all.data() + at, all.size() - at)) return false;
    store16(out_ + head_at + 8, static_cast<std::uint16_t>(size_ - head_at - record_head));
    return true;
}

bool TransferWriter::record(const Path& owner, const std::byte* record) noexcept {
    const std::size_t size = size_;
    if (name(owner)) {
        const RdataShape shape = shape_of(static_cast<Type>(load16(record)));
        if (shape.compressible ? rdata_with_names(record, shape)
                               : bytes(record, RRsetView::record_size(record))) {
            ++records_;
            return true;
        }
    }
    // What was remembered of it is beyond the end, where nobody will look: the message is full.
    size_ = size;
    return false;
}

std::size_t TransferWriter::finish(std::uint16_t id, std::uint16_t flags,
                                   const OptRecord* opt) noexcept {
    if (opt != nullptr) size_ += opt->write(out_ + size_, 0);
    store16(out_, id);
    store16(out_ + 2, flags);
    store16(out_ + 4, has_question_ ? 1 : 0);
    store16(out_ + 6, static_cast<std::uint16_t>(records_));
    store16(out_ + 8, 0);
    store16(out_ + 10, opt != nullptr ? 1 : 0);
    return size_;
}

}  // namespace zones
