#include "dnsd/io/ledger_file.h"

#include "dnsd/io/ledger_events.h"
#include "dnsd/io/ledger_history.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include <fmt/format.h>

namespace dnsd {

namespace {

using Failure = LedgerError::Kind;

constexpr int application_id = 0x41524254;  // "ARBT", shown by file(1)
constexpr std::string_view schema = R"(
CREATE TABLE seal (id INTEGER PRIMARY KEY CHECK (id = 1), rows INTEGER NOT NULL,
                   sum INTEGER NOT NULL) STRICT;
CREATE TABLE facts (kind TEXT NOT NULL, name TEXT NOT NULL, text TEXT NOT NULL,
                    checksum INTEGER NOT NULL, PRIMARY KEY (kind, name)) STRICT, WITHOUT ROWID;
INSERT INTO seal VALUES (1, 0, 0);
)";

bool sync_folder_of(const std::string& path) {
    const std::string folder = std::filesystem::path(path).parent_path().string();
    const int fd =
        ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return false;
    const bool done = ::fsync(fd) == 0;
    ::close(fd);
    return done;
}

}  // namespace

const std::string_view put_row_sql =
    "INSERT INTO facts VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET text = excluded.text, "
    "checksum = excluded.checksum";

bool write_row(Statement& put, const LedgerRow& row) {
    const bool done = put.bind(1, row.kind)
                          .bind(2, row.name)
                          .bind(3, row.text)
                          .bind(4, static_cast<std::int64_t>(row.checksum))
                          .done();
    put.again();
    return done;
}

bool write_seal(const Database& db, std::size_t rows, std::uint64_t sum) {
    return Statement(db, "UPDATE seal SET rows = ?1, sum = ?2 WHERE id = 1")
        .bind(1, static_cast<std::int64_t>(rows))
        .bind(2, static_cast<std::int64_t>(sum))
        .done();
}

LedgerError ledger_io_error(const std::string& path, const char* what) {
    return {Failure::io,
            fmt::format("the ledger {} can not be {}: {}", path, what, std::strerror(errno))};
}

LedgerError ledger_damaged(const std::string& path, const std::string& what) {
    return {Failure::damaged,
            fmt::format("the ledger {} is damaged: {}; nothing was changed in it. Put a backup in "
                        "its place, or move it away and run arbiterctl init: the servers' agents "
                        "know the epoch (OPERATIONS, \"When the ledger is damaged\")",
                        path, what)};
}

void remove_ledger(const std::string& path) {
    for (const char* tail : {"", "-wal", "-shm"}) ::unlink((path + tail).c_str());
}

tl::expected<Database, LedgerError> make_ledger(const std::string& path) {
    // SQLite would make it with the umask's mode, and O_EXCL never overwrites.
    const int made = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (made < 0)
        return tl::unexpected(
            errno == EEXIST
                ? LedgerError{Failure::exists,
                              fmt::format("the ledger {} is there already; it is not overwritten",
                                          path)}
                : ledger_io_error(path, "made"));
    ::close(made);
    auto db = Database::open(path);
    if (db &&
        db->run(fmt::format("BEGIN IMMEDIATE; PRAGMA application_id={}; PRAGMA user_version={}; "
                            "{} {} {} COMMIT; PRAGMA wal_checkpoint(TRUNCATE)",
                            application_id, Ledger::schema_version, schema, LedgerHistory::schema,
                            LedgerEvents::schema)))
        return db;
    const LedgerError error = db ? db->error() : db.error();
    db = tl::unexpected(error);  // closes it
    remove_ledger(path);
    return db;
}

tl::expected<int, LedgerError> ledger_format(const Database& db) {
    Statement id(db, "PRAGMA application_id");
    if (!id.row()) return tl::unexpected(db.error());
    if (id.number(0) != application_id)
        return tl::unexpected(ledger_damaged(db.path(), "it is not a ledger of Arbiter"));
    Statement said(db, "PRAGMA user_version");
    if (!said.row()) return tl::unexpected(ledger_damaged(db.path(), "it has no version"));
    const auto format = static_cast<int>(said.number(0));
    if (format < 1 || format > Ledger::schema_version)
        return tl::unexpected(LedgerError{
            Failure::io, fmt::format("the ledger {} has format {}, this version reads {}",
                                     db.path(), format, Ledger::schema_version)});
    return format;
}

// The log of the one before would be taken for that of the new file, so it goes first; but a file
// without its log would be an older copy, so that goes before the log. Whoever finds a new file and
// no other knows that it is whole.
tl::expected<void, LedgerError> replace_ledger(const std::string& path) {
    const std::string before = path + ".before";
    const bool away = ::rename(path.c_str(), before.c_str()) == 0 && sync_folder_of(path);
    if (!away) return tl::unexpected(ledger_io_error(path, "written anew"));
    if (auto done = finish_replacing(path); !done) return done;
    ::unlink(before.c_str());
    return {};
}

bool half_replaced(const std::string& path) {
    return ::access(path.c_str(), F_OK) != 0 && errno == ENOENT &&
           ::access(new_ledger(path).c_str(), F_OK) == 0;
}

tl::expected<void, LedgerError> finish_replacing(const std::string& path) {
    for (const char* tail : {"-wal", "-shm"})
        if (::unlink((path + tail).c_str()) != 0 && errno != ENOENT)
            return tl::unexpected(ledger_io_error(path, "written anew"));
    if (!sync_folder_of(path) || ::rename(new_ledger(path).c_str(), path.c_str()) != 0 ||
        !sync_folder_of(path))
        return tl::unexpected(ledger_io_error(path, "written anew"));
    return {};
}

std::string new_ledger(const std::string& path) {
    return path + ".new";
}

}  // namespace dnsd
