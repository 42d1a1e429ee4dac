#pragma once
// Words of master files: keywords in any case, TTLs, classes.

#include "zones/record.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace zones {

// Whether `word`, in any case, is `upper`, which has capitals only.
bool equal_words(std::string_view word, std::string_view upper);
// "3600", "1H30M", "2d" (BIND's units); nullopt when it is no TTL at all. May be above
// Ttl::seconds_max.
std::optional<std::uint64_t> read_ttl(std::string_view text);
std::optional<Class> read_class(std::string_view text);

}  // namespace zones
