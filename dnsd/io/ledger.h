#pragma once
// What must survive a restart, in one SQLite file: per group the arbiter's Record, per zone the
// last serial and what stood under it. Durable when remember() returns (docs/PROTOCOL.md, "On disk
// before on the wire"). One daemon holds it at a time; a damaged file is refused, never taken for
// an empty one.

#include "dnsd/arbiter/facts.h"
#include "zones/name.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

namespace dnsd {

struct LedgerError {
    enum class Kind {
        missing,  // no such file: `arbiterctl init` makes one
        damaged,  // it is there, but not what we wrote
        locked,   // another process holds it
        exists,   // create() does not overwrite
        io,       // permissions, a full disk, …
    };
    Kind kind;
    std::string text;  // one sentence with the path, and what to do
};

// The last version of a zone that was published.
struct Served {
    std::uint32_t serial = 0;
    std::string file_digest;  // of the zone file's content
    std::string live;         // edition.h's live_text()
    friend bool operator==(const Served&, const Served&) = default;
};

class Ledger {
public:
    static constexpr int schema_version = 1;
    static constexpr std::size_t text_bytes_max = 1u << 20;  // of one row's text

    // Makes an empty ledger, mode 0600. Refuses to overwrite anything.
    static tl::expected<void, LedgerError> create(const std::string& path);
    static tl::expected<Ledger, LedgerError> open(const std::string& path);

    Ledger(Ledger&&) noexcept;
    Ledger& operator=(Ledger&&) noexcept;
    ~Ledger();

    std::optional<Record> group(const std::string& name) const;
    std::optional<Served> zone(const zones::Name& name) const;  // case-blind
    // Durable when it returns without error; after an error the ledger holds what it held before.
    tl::expected<void, std::string> remember(const std::string& group, const Record&);
    tl::expected<void, std::string> remember(const zones::Name& zone, const Served&);
    using ZoneServed = std::pair<zones::Name, Served>;
    // All or none, with one fsync: the control thread waits for it, and heartbeats with it.
    tl::expected<void, std::string> remember(const std::vector<ZoneServed>& zones);

private:
    struct Store;
    explicit Ledger(std::unique_ptr<Store>);
    std::unique_ptr<Store> store_;
};

}  // namespace dnsd
