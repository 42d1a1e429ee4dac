#pragma once
// Writes the messages of transfers: up to 64 KiB, with many more names than an answer has. Every
// name that a pointer can reach is remembered in a hash table, so that the work for a record does
// not grow with the message.

#include "zones/edns.h"
#include "zones/path.h"
#include "zones/record.h"
#include "zones/wire.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace zones {

class TransferWriter {
public:
    // Writes at most `limit` bytes into `out`, which has room for them.
    TransferWriter(std::span<std::byte> out, std::size_t limit) noexcept;

    void question(std::span<const std::byte> section, const Path& name) noexcept;
    // Room that only finish() uses, for `opt`.
    void reserve(std::size_t bytes) noexcept { limit_ -= bytes; }
    // One record of the answer: `record` points behind the owner, as in a packed RRset. False when
    // it does not fit: there is no more to be written then but the end.
    bool record(const Path& owner, const std::byte* record) noexcept;
    std::size_t records() const { return records_; }

    // Writes the header, and `opt` unless it is null; returns the length.
    std::size_t finish(std::uint16_t id, std::uint16_t flags, const OptRecord* opt) noexcept;

private:
    // A suffix that stands in the message.
    struct Spelt {
        std::uint32_t tag = 0;
        std::uint16_t offset = 0;  // 0: none
    };
    // A message has about 1500 suffixes in the part that pointers reach, when every record brings
    // two of its own.
    static constexpr std::size_t table_size = 4096;
    // Slots that are looked at for one suffix: the bound of the work (cve_compress_budget).
    static constexpr std::size_t probes_max = 8;
    static constexpr std::size_t pointer_max = 0x3fff;

    std::size_t room() const { return limit_ > size_ ? limit_ - size_ : 0; }
    bool name(const Path& path) noexcept;
    bool bytes(const std::byte* some, std::size_t size) noexcept;
    bool rdata_with_names(const std::byte* record, RdataShape shape) noexcept;
    std::uint16_t find(Hash hash, std::span<const std::byte> wire) const noexcept;
    bool stands_at(std::size_t offset, std::span<const std::byte> wire) const noexcept;
    void remember(const Path& path, std::size_t known) noexcept;

    std::byte* const out_;
    std::size_t limit_;
    std::size_t size_ = header_size;
    std::size_t records_ = 0;
    bool has_question_ = false;
    std::array<Spelt, table_size> spelt_{};
};

}  // namespace zones
