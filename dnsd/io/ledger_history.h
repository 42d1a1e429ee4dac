#pragma once
// The ledger's table of deltas: how each zone's last versions came to be, for IXFR after a restart.
// A cache: what is damaged here is forgotten with a sentence, where serials are refused.

#include "dnsd/io/ledger_database.h"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

namespace dnsd {

class LedgerHistory {
public:
    static constexpr std::string_view schema =
        "CREATE TABLE deltas (id INTEGER PRIMARY KEY, zone TEXT NOT NULL, first INTEGER NOT NULL, "
        "last INTEGER NOT NULL, checksum INTEGER NOT NULL, packed BLOB NOT NULL) STRICT;";

    // Which rows there are; their content is read by read(). False: the table cannot be read.
    bool find_rows(const Database& db);

    std::size_t count(const std::string& zone) const;
    // Oldest first, an unbroken chain that ends at `last`; or a sentence why it is none.
    tl::expected<std::vector<KeptDelta>, std::string> read(const Database& db,
                                                           const std::string& zone,
                                                           std::uint32_t last) const;

    // What write() does to one zone. It allocates all that keep() needs.
    struct Step {
        std::string zone;
        std::span<const std::byte> packed;                              // of `newest`
        std::optional<std::pair<std::uint32_t, std::uint32_t>> newest;  // from, to: appended
        std::size_t kept = 0;                                           // rows that are left
    };
    // Within a transaction of the caller's. False: it failed, and forget() takes it back.
    bool write(const Database& db, const std::vector<Step>& steps);
    // The transaction was committed, or was not.
    void keep(const std::vector<Step>& steps) noexcept;
    void forget(const std::vector<Step>& steps) noexcept;

private:
    struct Row {
        std::int64_t id = 0;
        std::uint32_t first = 0, last = 0;
    };
    std::map<std::string, std::deque<Row>> rows_;  // oldest first
    std::int64_t next_id_ = 1;
    std::int64_t written_from_ = 1;  // ids from here on are of the transaction under way, if any
};

}  // namespace dnsd
