#pragma once
// $GENERATE, BIND's way to write many records that differ by a number:
//   $GENERATE 1-254 host-$ A 192.0.2.$

#include <cstdint>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace zones {

inline constexpr std::uint64_t generated_max = 1'000'000;  // records of a zone

struct GenerateRange {
    std::uint64_t first = 0, last = 0, step = 1;
    // "1-254", "0-100/5"; the error is a sentence.
    static tl::expected<GenerateRange, std::string> parse(std::string_view text);
    std::uint64_t count() const { return (last - first) / step + 1; }
};

// `text` with each $ replaced by the number; ${offset,width,base} as in BIND, base one of d o x X n
// N; \$ and $$ are a $.
tl::expected<std::string, std::string> generate(std::string_view text, std::uint64_t number);

// The data of a directive are one word. In quotes they may be several: the quotes go, and \" is a
// quote of the data.
std::string generate_data(std::string_view word);

}  // namespace zones
