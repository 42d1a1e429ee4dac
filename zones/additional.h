#pragma once
// The additional section: addresses of the hosts that the answer names, as far as our zones have
// them, so that the client need not ask for them (RFC 1034 §4.3.2, step 6).

#include "zones/answer.h"
#include "zones/catalog.h"
#include "zones/peer.h"
#include "zones/wire.h"

#include <array>
#include <cstddef>
#include <span>

namespace zones {

class Additional {
public:
    // How many names in the data of one answer are followed to their addresses.
    static constexpr std::size_t names_max = 32;
    enum class Hosts { all, below_cut, others };

    Additional(const Catalog& catalog, const Turn& turn, Writer& writer) noexcept
        : catalog_(catalog), turn_(turn), writer_(writer) {}

    // Of the hosts that this RRset names.
    void addresses(const Item& item, Hosts which) noexcept;
    // RFC 9471 §3.1: the glue below the cut goes whole, or TC is set.
    bool lacks_glue() const { return lacks_glue_; }

private:
    bool host_addresses(const Item& item, std::span<const std::byte> host, Hosts which) noexcept;
    void host_rrset(const Zone& zone, const Path& host, Type type, bool glue, Hosts which) noexcept;
    bool told(Hash name) noexcept;

    const Catalog& catalog_;
    const Turn& turn_;
    Writer& writer_;
    bool lacks_glue_ = false;
    std::size_t told_count_ = 0;
    std::array<Hash, names_max> told_;
};

}  // namespace zones
