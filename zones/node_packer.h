#pragma once
// The records of one name become the parts of its node, and what is wrong or odd with them is told.

#include "zones/flaw.h"
#include "zones/node.h"
#include "zones/rules.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace zones {

class NodePacker {
public:
    NodePacker(const Name& origin, Flaws& flaws)
        : origin_(origin), flaws_(flaws), readable_(!flaws.any_error()) {}

    struct Record {
        Type type;
        std::uint32_t ttl;
        std::span<const std::byte> rdata;
        std::uint64_t tag;
    };

    // `records` are sorted by type, then by place. The parts are views into this packer, until the
    // next call.
    NodeParts pack(std::span<const std::byte> name, std::uint32_t children,
                   std::span<const Record> records);
    std::size_t records() const { return records_; }

    // The records of the last node that name hosts of the zone, by where they are behind its name.
    struct Target {
        std::uint64_t tag;
        std::size_t at;
    };
    std::span<const Target> targets() const { return targets_; }

private:
    void rrset(std::span<const std::byte> name, std::span<const Record> records);
    void check_spf(std::span<const std::byte> name, std::span<const Record> records);
    void keep_distinct(std::span<const std::byte> name, std::span<const Record> records);

    const Name& origin_;
    Flaws& flaws_;
    const bool readable_;  // of a zone that could not be read whole nobody knows what it lacks
    std::size_t records_ = 0;
    // Of the node being packed; members so that a million nodes share their memory.
    std::vector<std::byte> buffer_;
    std::vector<std::size_t> sizes_;
    std::vector<RRsetKind> kinds_;
    std::vector<std::span<const std::byte>> views_;
    std::vector<const Record*> sorted_, kept_;
    std::vector<Target> targets_;
};

}  // namespace zones
