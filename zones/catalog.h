#pragma once
// Every zone that we serve, and who may ask for what, as one immutable snapshot. Snapshots share
// what they have in common: the next costs a table of pointers, also with ten thousand zones.

#include "zones/buckets.h"
#include "zones/chaos.h"
#include "zones/edns.h"
#include "zones/history.h"
#include "zones/peer.h"
#include "zones/tsig.h"

#include <array>
#include <cstdint>
#include <map>
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

// Who may transfer a zone: who comes from these addresses, and has signed with this key. What is
// not said is not asked for; a rule that says nothing is met by nobody.
struct TransferRule {
    std::optional<Prefix> from;
    std::optional<Name> key;
    // `signer` is the key that signed the request, validly; null for none.
    bool met_by(const AddressBytes& address, const Name* signer) const noexcept;
    friend bool operator==(const TransferRule&, const TransferRule&) = default;
};
using TransferRules = std::vector<TransferRule>;
bool any_met_by(const TransferRules& rules, const AddressBytes& address,
                const Name* signer) noexcept;

// Who may ask for more than names. Nobody may what nothing here allows.
struct Access {
    TransferRules transfer;     // AXFR and IXFR of every zone
    std::vector<Prefix> chaos;  // class CH: version.bind, standing.arbiter
    // From where connections are let in before those of strangers: transfers of some zone are
    // allowed there, or are with a key.
    std::vector<Prefix> known = {};
};
bool any_contains(const std::vector<Prefix>& prefixes, const AddressBytes& address) noexcept;

// Who class CH says we are; an empty string is refused.
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
    // What class CH tells besides; costs nothing more than a few pointers, so that it may change
    // often.
    Catalog with(std::shared_ptr<const ChaosRecords> records) const;
    Catalog with(EdnsRules rules) const;
    Catalog with(TsigKeys keys) const;
    // Who may transfer this zone, beside those who may transfer every zone; it need not be here
    // yet, and keeps its rules until others are given. None: only those who may transfer every one.
    Catalog with(const Name& origin, TransferRules rules) const;
    // As above, for all zones that have rules of their own; who is not in the table has none.
    Catalog with(std::map<Name, TransferRules> rules) const;
    // Without the zone; its rules stay, for the day when it comes back.
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
    // Whether a rule, of every zone or of this one, is met.
    bool may_transfer(const Name& origin, const AddressBytes& address,
                      const Name* signer) const noexcept;
    // Never null.
    const std::shared_ptr<const TsigKeys>& keys() const { return keys_; }
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
    std::shared_ptr<const std::map<Name, TransferRules>> rules_;  // of single zones
    std::shared_ptr<const TsigKeys> keys_;
    std::shared_ptr<const Texts> texts_;
    std::shared_ptr<const ChaosRecords> records_;  // never null
    std::shared_ptr<const EdnsRules> edns_;
};

}  // namespace zones
