#pragma once
// The ledger's table of decisions: for each group the newest ones, over restarts. What is damaged
// here is left out; nothing that decides ever reads it.

#include "dnsd/io/decision.h"
#include "dnsd/io/ledger_database.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace dnsd {

class LedgerEvents {
public:
    static constexpr std::string_view schema =
        "CREATE TABLE events (grp TEXT NOT NULL, number INTEGER NOT NULL, time_ms INTEGER NOT "
        "NULL, "
        "text TEXT NOT NULL, checksum INTEGER NOT NULL, PRIMARY KEY (grp, number)) STRICT, "
        "WITHOUT ROWID;";

    // Of each group that has any, the newest number. False: the table cannot be read.
    bool find_rows(const Database& db);

    // Newest first, those before `before` (0: all), not older than `since_ms`, at most `limit`.
    std::vector<Decision> read(const Database& db, const std::string& group, std::uint64_t before,
                               std::int64_t since_ms, std::size_t limit) const;
    // All that can be read, oldest first in each group: to be put into another file.
    static std::vector<Decision> all(const Database& db);

    // Within a transaction of the caller's; of each group the newest ones stay. False: it failed,
    // and forget() takes it back.
    bool write(const Database& db, const std::vector<Decision>& story);
    void keep() noexcept { written_.clear(); }
    void forget() noexcept;

private:
    std::map<std::string, std::uint64_t> newest_;   // number of each group's last
    std::map<std::string, std::uint64_t> written_;  // as it was before the transaction under way
};

}  // namespace dnsd
