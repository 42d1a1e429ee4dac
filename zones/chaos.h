#pragma once
// What class CH tells beyond who we are: TXT RRsets by name, packed when they are said, so that an
// answer copies them. How their bounds are kept is told in the answer itself.

#include "zones/node.h"
#include "zones/path.h"

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace zones {

// The TXT RRset of class CH, TTL 0, with these records; each string to 255 bytes (RFC 1035 §3.3).
std::vector<std::byte> pack_chaos(std::span<const Rdata> records);

class ChaosRecords {
public:
    static constexpr std::size_t names_max = 4096;
    static constexpr std::size_t bytes_max = 1024 * 1024;  // of all RRsets
    // Of one RRset: with its owner, a signature and all else it fits in a message.
    static constexpr std::size_t rrset_bytes_max = 48 * 1024;
    using Strings = std::vector<std::string>;

    // The records of a name that has none yet. Those that have no room are left out, and a last
    // record says how many, with `besides` that are not even given: "more=12". False, and nothing
    // is added, when there is no room at all.
    bool add(const Name& name, std::span<const Strings> records, std::size_t besides = 0);

    // Empty when there is none.
    RRsetView find(const Path& name) const noexcept;
    std::size_t names() const { return entries_.size(); }

private:
    struct Entry {
        Hash hash = 0;
        Name name;
        std::vector<std::byte> rrset;
    };
    std::vector<Entry> entries_;  // by hash
    std::size_t bytes_ = 0;
};

}  // namespace zones
