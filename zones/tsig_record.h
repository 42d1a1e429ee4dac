#pragma once
// The TSIG record in bytes (RFC 8945 §4.2), whoever signed it and whatever the signature is worth.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace zones {

struct TsigRecord {
    std::span<const std::byte> algorithm;  // an uncompressed name, as it was spelt
    std::uint64_t time_seconds = 0;        // 48 bits
    std::uint16_t fudge_seconds = 0;
    std::span<const std::byte> mac;
    std::uint16_t original_id = 0;
    std::uint16_t error = 0;
    std::span<const std::byte> other;
};

// The record at `at`, whose owner may end in a pointer, which is not followed; nullopt when it is
// malformed or does not end the message. What it gives are parts of `message`.
std::optional<TsigRecord> read_tsig(std::span<const std::byte> message, std::size_t at) noexcept;

// Bytes of a record with such parts; of `owner` and `record.algorithm` only the size counts.
std::size_t tsig_size(std::span<const std::byte> owner, const TsigRecord& record) noexcept;
// Writes it to `out`, which has room for tsig_size().
void write_tsig(std::span<std::byte> out, std::span<const std::byte> owner,
                const TsigRecord& record) noexcept;

void store48(std::byte* at, std::uint64_t value) noexcept;

}  // namespace zones
