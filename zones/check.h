#pragma once
// The zone checker: what named-checkzone tells of a zone, and as strictly. What one record shows by
// itself is told as it is read, what it takes the whole zone to see when the zone is built.

#include "zones/flaw.h"
#include "zones/record.h"
#include "zones/zone.h"

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace zones {

// Letters, digits and hyphens, no hyphen at either end of a label (RFC 952, RFC 1123 §2.1); the
// first label may be an asterisk if `wildcard`.
bool is_hostname(std::span<const std::byte> name, bool wildcard);

// `name` is at or below `ancestor`; both are whole wire names.
bool is_under(std::span<const std::byte> name, std::span<const std::byte> ancestor);

// What is odd with a name that has records, whatever these are.
void check_owner(const Name& owner, std::uint64_t tag, Flaws& flaws);
// One well-formed record; `zone` is the origin. `words` are the record's data as the file has them.
void check_record(const Name& zone, const Name& owner, Type type, std::span<const std::byte> rdata,
                  std::span<const std::string_view> words, std::uint64_t tag, Flaws& flaws);

// A record that names a host of its own zone: NS, MX, SRV. Where it stands in the arena of the zone
// that was just built: its node, and its type, with which it begins.
struct Reference {
    std::uint64_t tag = 0;
    std::uint64_t node = 0, record = 0;
};
bool is_reference(Type type);
// Hosts that are named must have addresses, or glue, and no alias. `made`: names that will have
// addresses, though the files have none.
void check_references(const Zone& zone, const std::byte* arena,
                      std::span<const Reference> references, std::span<const Name> made,
                      Flaws& flaws);

}  // namespace zones
