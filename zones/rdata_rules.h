#pragma once
// What ldns lets pass in the data of records, and should not: numbers that wrap, half bytes, places
// beyond the pole. A record that is read has the meaning that its text has, or is refused.

#include "zones/record.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

namespace zones {

// Data written as \\# LENGTH HEX (RFC 3597 §5).
bool is_generic(std::span<const std::string_view> words);
tl::expected<std::vector<std::byte>, std::string> generic_data(
    std::span<const std::string_view> words);

// Data of type WKS: address, protocol, services.
tl::expected<std::vector<std::byte>, std::string> wks_data(std::span<const std::string_view> words);

// What is wrong with the words of a type's data, before ldns sees them; empty when nothing is.
std::string wrong_words(Type type, std::span<const std::string_view> words);
// What is wrong with data in wire form, well_formed() by then.
std::string wrong_data(Type type, std::span<const std::byte> rdata);

}  // namespace zones
