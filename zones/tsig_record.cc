#include "zones/tsig_record.h"

#include "zones/node.h"
#include "zones/wire.h"

#include <cassert>
#include <cstring>

namespace zones {

namespace {

constexpr std::size_t fixed_size = 10;  // of a record, behind its owner
// Behind the algorithm: time (6), fudge (2), size of the MAC (2); behind the MAC: original id,
// error, size of other data (2 each).
constexpr std::size_t before_mac = 10, behind_mac = 6;

}  // namespace

std::optional<TsigRecord> read_tsig(std::span<const std::byte> message, std::size_t at) noexcept {
    const std::size_t fixed_at = skip_name(message, at);
    if (fixed_at == 0 || message.size() - fixed_at < fixed_size) return std::nullopt;
    const std::byte* fixed = message.data() + fixed_at;
    if (static_cast<Type>(load16(fixed)) != Type::tsig ||
        load16(fixed + 2) != static_cast<std::uint16_t>(Class::any) || load32(fixed + 4) != 0)
        return std::nullopt;
    const auto rdata = message.subspan(fixed_at + fixed_size);
    if (rdata.size() != load16(fixed + 8)) return std::nullopt;
    const std::size_t algorithm = plain_name_size(rdata, 0);
    if (algorithm == 0 || rdata.size() - algorithm < before_mac) return std::nullopt;
    TsigRecord record;
    record.algorithm = rdata.first(algorithm);
    const std::byte* times = rdata.data() + algorithm;
    record.time_seconds = std::uint64_t{load16(times)} << 32 | load32(times + 2);
    record.fudge_seconds = load16(times + 6);
    const std::size_t mac_size = load16(times + 8);
    const auto rest = rdata.subspan(algorithm + before_mac);
    if (rest.size() < mac_size + behind_mac) return std::nullopt;
    record.mac = rest.first(mac_size);
    const std::byte* behind = rest.data() + mac_size;
    record.original_id = load16(behind);
    record.error = load16(behind + 2);
    record.other = rest.subspan(mac_size + behind_mac);
    if (record.other.size() != load16(behind + 4)) return std::nullopt;
    return record;
}

std::size_t tsig_size(std::span<const std::byte> owner, const TsigRecord& record) noexcept {
    return owner.size() + fixed_size + record.algorithm.size() + before_mac + record.mac.size() +
           behind_mac + record.other.size();
}

void write_tsig(std::span<std::byte> out, std::span<const std::byte> owner,
                const TsigRecord& record) noexcept {
    const std::size_t size = tsig_size(owner, record);
    assert(out.size() >= size);
    std::byte* at = out.data();
    const auto put = [&](std::span<const std::byte> bytes) {
        if (!bytes.empty()) std::memcpy(at, bytes.data(), bytes.size());
        at += bytes.size();
    };
    const auto put16 = [&](std::size_t value) {
        store16(at, static_cast<std::uint16_t>(value));
        at += 2;
    };
    put(owner);
    put16(static_cast<std::uint16_t>(Type::tsig));
    put16(static_cast<std::uint16_t>(Class::any));
    put16(0);  // the TTL
    put16(0);
    put16(size - owner.size() - fixed_size);
    put(record.algorithm);
    store48(at, record.time_seconds);
    at += 6;
    put16(record.fudge_seconds);
    put16(record.mac.size());
    put(record.mac);
    put16(record.original_id);
    put16(record.error);
    put16(record.other.size());
    put(record.other);
}

void store48(std::byte* at, std::uint64_t value) noexcept {
    store16(at, static_cast<std::uint16_t>(value >> 32 & 0xffff));
    store32(at + 2, static_cast<std::uint32_t>(value & 0xffff'ffff));
}

}  // namespace zones
