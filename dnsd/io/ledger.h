#pragma once
// What must survive a restart, in one SQLite file: per group the arbiter's Record and what it
// decided, per zone the last serial, what stood under it and how it came to be. Durable when
// store() or remember() returns (docs/PROTOCOL.md, "On disk before on the wire"). One daemon holds
// it at a time; a damaged file is refused, never taken for an empty one.

#include "dnsd/io/record_store.h"
#include "zones/name.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
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
    // That the zone file had; nullopt: a ledger of format 1 did not know it.
    std::optional<std::uint32_t> file_serial = std::nullopt;
    friend bool operator==(const Served&, const Served&) = default;
};

// What turned one version of a zone into another, as zones::Delta packs it.
struct KeptDelta {
    std::uint32_t from = 0, to = 0;
    std::vector<std::byte> packed;
    friend bool operator==(const KeptDelta&, const KeptDelta&) = default;
};

// A new version, and what is to be known from now on of those before it.
struct ZoneServed {
    struct Step {
        std::uint32_t from = 0, to = 0;
        std::span<const std::byte> packed;
    };
    zones::Name zone;
    Served served;
    std::size_t deltas = 0;                     // so many are left, the newest ones
    std::optional<Step> newest = std::nullopt;  // appended to those that are there
};

struct LedgerStore;

class Ledger {
public:
    static constexpr int schema_version = 3;
    static constexpr std::uint64_t decisions_max = 10'000;    // of a group; the newest stay
    static constexpr std::size_t text_bytes_max = 1u << 20;   // of one row's text
    static constexpr std::size_t delta_bytes_max = 1u << 20;  // of one delta

    // Makes an empty ledger, mode 0600. Refuses to overwrite anything.
    static tl::expected<void, LedgerError> create(const std::string& path);
    static tl::expected<Ledger, LedgerError> open(const std::string& path);
    // Its facts as they stand, of whatever format, to be read and not written: for `--check`.
    static tl::expected<Ledger, LedgerError> look(const std::string& path);

    Ledger(Ledger&&) noexcept;
    Ledger& operator=(Ledger&&) noexcept;
    ~Ledger();

    // A record that is damaged takes nothing else with it.
    RecordStore::Loaded group(const std::string& name) const;
    std::optional<Served> zone(const zones::Name& name) const;  // case-blind
    // Oldest first, an unbroken chain that ends at zone()'s serial. The error is a sentence: they
    // are damaged, and of no use.
    tl::expected<std::vector<KeptDelta>, std::string> deltas(const zones::Name& zone) const;
    std::size_t deltas_kept(const zones::Name& zone) const;
    // What was found when it was opened, and mended: for the journal; empty if all was well.
    const std::string& mended() const;

    // As RecordStore has it; after an error the ledger holds what it held before.
    tl::expected<void, StoreError> store(const std::string& group,
                                         std::optional<std::uint64_t> expected, const Record&,
                                         const std::vector<Decision>& story = {});
    // These two as a RecordStore, which must not outlive the ledger.
    RecordStore records();
    // Decisions that go with no record: they survive the end of the process, and nobody waits for
    // the disk. It has them with the next record.
    tl::expected<void, std::string> tell(const std::vector<Decision>& story);
    // Newest first: those of the group before number `before` (0: all), not older than `since_ms`.
    std::vector<Decision> decisions(const std::string& group, std::size_t limit,
                                    std::uint64_t before = 0, std::int64_t since_ms = 0) const;

    // Durable when it returns without error; after an error the ledger holds what it held before.
    // All or none, with one fsync: the control thread waits for it, and heartbeats with it.
    tl::expected<void, std::string> remember(const std::vector<ZoneServed>& zones);
    // With no history.
    tl::expected<void, std::string> remember(const zones::Name& zone, const Served&);

private:
    explicit Ledger(std::unique_ptr<LedgerStore>);
    std::unique_ptr<LedgerStore> store_;
};

}  // namespace dnsd
