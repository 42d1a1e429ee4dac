#pragma once
// The head of a record's line in a master file: [TTL] [class] type, the first two in any order
// (RFC 1035 §5.1).

#include "zones/master_file.h"
#include "zones/record.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include <tl/expected.hpp>

namespace zones {

// What is wrong with which word.
struct Complaint {
    std::size_t word = 0;
    std::string what;
    std::string hint;
};

struct RecordHead {
    std::size_t type_at = 0;  // which word; the data are behind it
    std::optional<std::uint32_t> ttl;
    Type type = Type::a;
};
// `at`: the first word that is not the owner.
tl::expected<RecordHead, Complaint> read_head(std::span<const Word> words, std::size_t at);

// A TTL of at most 2147483647 (RFC 2181 §8).
tl::expected<std::uint32_t, Complaint> checked_ttl(std::span<const Word> words, std::size_t at);

}  // namespace zones
