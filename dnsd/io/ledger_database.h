#pragma once
// SQLite as the ledger uses it: a file that is opened exclusively, statements, and what its errors
// mean. No other room knows of it.

#include "dnsd/io/ledger.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

struct sqlite3;
struct sqlite3_stmt;

namespace dnsd {

class Database {
public:
    // With the ledger's ways of locking, writing and checking; the file must be there.
    static tl::expected<Database, LedgerError> open(const std::string& path);

    const std::string& path() const { return path_; }
    sqlite3* get() const { return handle_.get(); }
    bool run(const std::string& sql) const;  // false: error() says why
    LedgerError error() const;               // of what failed last
    bool lost_a_sync() const;                // … and that was an fsync
    // Whatever was begun and has not been committed is undone.
    void roll_back() const;

private:
    friend class Statement;
    struct Close {
        void operator()(sqlite3* db) const;
    };
    int note(int result) const;  // SQLite forgets an error with the next success

    std::string path_;
    std::unique_ptr<sqlite3, Close> handle_;
    mutable int failure_ = 0;
    mutable std::string why_;
};

// Ends before its database does.
class Statement {
public:
    Statement(const Database& db, std::string_view sql);
    Statement& bind(int at, std::string_view text);
    Statement& bind(int at, std::int64_t number);
    Statement& bind(int at, std::span<const std::byte> blob);  // which must outlive step()

    bool row();   // there is one more; false: none, or an error, which failed() tells
    bool done();  // ran to its end without a row
    bool failed() const { return failed_; }
    void again();  // to be bound and run once more

    std::int64_t number(int column) const;
    std::string text(int column) const;
    std::vector<std::byte> blob(int column) const;

private:
    struct Finish {
        void operator()(sqlite3_stmt* statement) const;
    };
    int step();
    void note(int result);
    const Database* db_;
    std::unique_ptr<sqlite3_stmt, Finish> handle_;
    bool failed_ = false;
};

// Held as long as the descriptor is open: the kernel drops it with the process, however that ends.
class LedgerLock {
public:
    // Without `make`, a lock that nobody ever made is nobody's, and is not made.
    static tl::expected<LedgerLock, LedgerError> take(const std::string& ledger, bool make = true);

    LedgerLock() = default;
    LedgerLock(LedgerLock&& other) noexcept;
    LedgerLock& operator=(LedgerLock&& other) noexcept;
    ~LedgerLock();

private:
    int descriptor_ = -1;
};

}  // namespace dnsd
