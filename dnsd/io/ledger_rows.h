#pragma once
// The ledger's rows: what is remembered as one line of text, and the checksum that guards it.
// Reading takes nothing on trust: any surprise makes a row unreadable.

#include "dnsd/arbiter/record_text.h"
#include "dnsd/io/ledger.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace dnsd {

std::string row_text(const Served&);
// A record of the formats 1 and 2, which knew of no semi-sync set and no operator.
std::optional<Record> read_old_record(const std::string& text);
std::optional<Served> read_served(const std::string& text);
std::uint64_t row_checksum(std::string_view kind, std::string_view name, std::string_view text);
std::uint64_t delta_checksum(std::string_view zone, std::uint32_t from, std::uint32_t to,
                             std::span<const std::byte> packed);

}  // namespace dnsd
