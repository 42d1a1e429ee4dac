#pragma once
// All that an open ledger is: the file, its lock, and what stands in it. ledger.h is its door.

#include "dnsd/io/ledger_database.h"
#include "dnsd/io/ledger_events.h"
#include "dnsd/io/ledger_file.h"
#include "dnsd/io/ledger_history.h"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

namespace dnsd {

constexpr std::string_view group_kind = "group";
constexpr std::string_view zone_kind = "zone";

struct LedgerStore {
    std::string path;
    LedgerLock lock;
    std::optional<Database> db;  // closed before the lock is dropped
    std::map<std::string, Record> groups;
    // Groups whose records can not be read, and why.
    std::map<std::string, std::string> damaged;
    std::map<std::string, Served> zones;
    LedgerHistory history;
    LedgerEvents events;
    std::string mended;

    // looking: only to be read, facts alone; nothing is mended, migrated or made beside it.
    enum class For { writing, looking };
    static tl::expected<std::unique_ptr<LedgerStore>, LedgerError> open(const std::string& path,
                                                                        For what);

    // All of them or none, in one transaction: one fsync, however many they are.
    tl::expected<void, std::string> write(std::vector<LedgerRow> rows,
                                          const std::vector<LedgerHistory::Step>& steps,
                                          const std::vector<Decision>& story);
    // Committed, but not synced.
    tl::expected<void, std::string> write_story(const std::vector<Decision>& story);

    // What was written is known, whatever happens.
    void keep(std::map<std::string, Record>& written) noexcept;
    void keep(std::map<std::string, Served>& written) noexcept;

private:
    using Key = std::pair<std::string, std::string>;  // kind, name
    // Not committed when it ends: undone.
    struct Transaction {
        LedgerStore& store;
        const std::vector<LedgerHistory::Step>& steps;
        bool committed = false;
        ~Transaction();
        void commit() noexcept;
    };

    tl::expected<void, LedgerError> read(For what);
    tl::expected<void, LedgerError> read_facts(int format);
    // Nothing: it means nothing. A damaged record of a group means that it is lost.
    bool read_fact(int format, const LedgerRow& row, bool sealed);
    tl::expected<void, LedgerError> read_histories(int format);
    tl::expected<void, LedgerError> migrate(int format);
    std::vector<LedgerRow> facts() const;
    tl::expected<void, LedgerError> write_anew(const std::vector<Decision>& story);
    tl::expected<void, std::string> mend_sync();
    LedgerError as_damaged(const std::string& what) const { return ledger_damaged(path, what); }

    std::map<Key, std::uint64_t> checksums_;
    std::map<std::string, LedgerRow> damaged_rows_;  // as they stand in the file
    std::uint64_t sum_ = 0;
    bool unsynced_ = false;  // an fsync failed: what is on disk is not known any more
};

}  // namespace dnsd
