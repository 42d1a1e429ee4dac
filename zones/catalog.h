#pragma once
// Every zone that we serve, and who may ask for what, as one immutable snapshot. Snapshots share
// what they have in common: the next costs a table of pointers, also with ten thousand zones.

#include "zones/buckets.h"
#include "zones/edns.h"
#include "zones/history.h"
#include "zones/peer.h"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zones {

// A range of addresses: "192.0.2.0/24", "2001:db8::/32", or one address.
struct Prefix {
    AddressBytes address{};
    std::uint8_t bits = 128;

    static std::optional<Prefix> parse(std::string_view text);
    static Prefix of(const AddressBytes& address) { return {address, 128}; }
    bool contains(const AddressBytes& other) const noexcept;
    std::string text() const;
    friend bool operator==(const Prefix&, const Prefix&) = default;
};

// Who may ask for more than names. Nobody may what nothing here allows.
struct Access {
    std::vector<Prefix> transfer;  // AXFR and IXFR of every zone
    std::vector<Prefix> chaos;     // class CH: version.bind, id.server
};
bool any_contains(const std::vector<Prefix>& prefixes, const AddressBytes& address) noexcept;

// What class CH tells; an empty string is refused.
struct Identity {
    std::string version;  // version.bind, version.server
    std::string id;       // id.server, hostname.bind
};

class Catalog {
public:
    Catalog();

    Catalog with(History history) const;
    Catalog with(Access access) const;
    Catalog with(Identity identity) const;
    Catalog with(EdnsRules rules) const;
    Catalog without(const Name& origin) const;

    const History* zone(const Name& origin) const;
    const History* zone(const Path& origin) const noexcept;
    std::size_t size() const { return zones_.size(); }
    // visit(const History&) for each zone, in no order that means anything.
    template <class Visit>
    void for_each(Visit visit) const {
        zones_.for_each([&](const Entry& entry) {
            visit(*entry.history);
            return true;
        });
    }

    // The zone with the longest name that is `name` or above it, at most `depth_max` labels.
    const Zone* enclosing(const Path& name, std::size_t depth_max = labels_max) const noexcept;

    const Access& access() const { return *access_; }
    const EdnsRules& edns() const { return *edns_; }
    // The packed TXT RRset of a CH question; empty when we do not tell.
    RRsetView chaos(const Path& name) const noexcept;

private:
    struct Entry {
        Hash hash = 0;
        std::shared_ptr<const History> history;
        bool same(const Entry& other) const { return history->origin() == other.history->origin(); }
    };
    struct Texts {
        std::vector<std::byte> version, id;  // packed RRsets, or empty
    };

    Buckets<Entry> zones_;
    std::array<std::uint32_t, labels_max + 1>
        at_depth_{};  // zones with an origin of so many labels
    std::shared_ptr<const Access> access_;
    std::shared_ptr<const Texts> texts_;
    std::shared_ptr<const EdnsRules> edns_;
};

}  // namespace zones
