#pragma once
// From loose records, in any order, to the first version of a zone. Records wait in one compact
// buffer, so that a million of them fit into a small part of a machine.

#include "zones/zone.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace zones {

// Something wrong, or odd, with records that each are well formed; `tag` is that of the record.
struct Flaw {
    std::uint64_t tag = 0;  // Flaw::whole: of the zone, not of one record
    bool error = true;
    std::string what;
    std::string hint;
    static constexpr std::uint64_t whole = ~std::uint64_t{0};
};

class ZoneBuilder {
public:
    explicit ZoneBuilder(Name origin);

    // `owner` is at or below the origin, and the rdata is well_formed(); `tag` names the record in
    // flaws. The first error of a name is reported, each flaw of the zone is.
    void add(std::span<const std::byte> owner, Type type, Ttl ttl, std::span<const std::byte> rdata,
             std::uint64_t tag = Flaw::whole);
    std::size_t records() const { return entries_.size(); }

    struct Built {
        std::shared_ptr<const Zone> zone;  // null when a flaw is an error
        std::vector<Flaw> flaws;           // in no order
    };
    Built build();  // leaves the builder empty

private:
    // Where a record waits: owner, then rdata, in waiting_.
    struct Entry {
        Hash hash;
        std::uint64_t tag;
        std::uint64_t at;
        std::uint32_t ttl;
        std::uint16_t type;
        std::uint16_t rdata_size;
    };

    Name origin_;
    std::vector<std::byte> waiting_;
    std::vector<Entry> entries_;
};

}  // namespace zones
