#pragma once
// From loose records, in any order, to the first version of a zone. Records wait in one compact
// buffer, so that a million of them fit into a small part of a machine.

#include "zones/flaw.h"
#include "zones/zone.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace zones {

class ZoneBuilder {
public:
    explicit ZoneBuilder(Name origin);

    // `owner` is at or below the origin, and the rdata is well_formed(); `tag` names the record in
    // flaws.
    void add(std::span<const std::byte> owner, Type type, Ttl ttl, std::span<const std::byte> rdata,
             std::uint64_t tag = Flaw::whole);
    std::size_t records() const { return entries_.size(); }

    // Null when there is a flaw that is an error, be it of before. `made`: names that will have
    // addresses, though there is none among these records. Leaves the builder empty.
    std::shared_ptr<const Zone> build(Flaws& flaws, std::span<const Name> made = {});

    // A name of the zone to be: its records are entries first .. first + count.
    struct Group {
        std::uint64_t name_at;
        Hash hash;
        std::uint32_t first;
        std::uint32_t count;
        std::uint32_t children;
        std::uint8_t name_size;
        bool cut = false;    // has NS, and is not the apex
        bool dname = false;  // has DNAME
    };

private:
    std::vector<Group> groups();

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
