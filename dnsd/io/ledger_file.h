#pragma once
// The ledger's file as such: making an empty one, putting a new one in the place of another, and
// what stands in it whatever it keeps.

#include "dnsd/io/ledger_database.h"

#include <string>

#include <tl/expected.hpp>

namespace dnsd {

// Every row carries a checksum over its kind, name and text, and one row of `seal` the number of
// rows and the sum of their checksums: a flipped bit, a lost row and a page from an older copy are
// all seen, which SQLite's own check would pass.
struct LedgerRow {
    std::string kind, name, text;
    std::uint64_t checksum = 0;
};
bool write_row(Statement& put, const LedgerRow& row);
bool write_seal(const Database& db, std::size_t rows, std::uint64_t sum);
extern const std::string_view put_row_sql;

// An empty ledger, where there is no file. Half a ledger would be refused as damaged, though
// nothing was ever in it: none is left.
tl::expected<Database, LedgerError> make_ledger(const std::string& path);
// Of a file that is a ledger, the format.
tl::expected<int, LedgerError> ledger_format(const Database& db);
void remove_ledger(const std::string& path);

// The whole file that was made as new_ledger() takes the place of `path`, for good. If the machine
// stops in the midst of it, finish_replacing() does the rest.
std::string new_ledger(const std::string& path);
tl::expected<void, LedgerError> replace_ledger(const std::string& path);
bool half_replaced(const std::string& path);
tl::expected<void, LedgerError> finish_replacing(const std::string& path);

LedgerError ledger_io_error(const std::string& path, const char* what);  // by errno
LedgerError ledger_damaged(const std::string& path, const std::string& what);

}  // namespace dnsd
