#include "dnsd/io/ledger_database.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <sqlite3.h>

namespace dnsd {

namespace {

using Failure = LedgerError::Kind;

std::string why(sqlite3* db, int result) {
    std::string text = db ? sqlite3_errmsg(db) : sqlite3_errstr(result);
    // "disk I/O error" alone helps nobody.
    const int cause = db ? sqlite3_system_errno(db) : 0;
    if (cause != 0 && (result & 0xff) != SQLITE_CORRUPT)
        text += fmt::format(" ({})", std::strerror(cause));
    return text;
}

bool means_damage(int result) {
    return (result & 0xff) == SQLITE_CORRUPT || (result & 0xff) == SQLITE_NOTADB ||
           (result & 0xff) == SQLITE_SCHEMA;
}

}  // namespace

void Database::Close::operator()(sqlite3* db) const {
    sqlite3_close_v2(db);
}

// EXCLUSIVE before WAL: no shared-memory file, and SQLite's own lock beside ours. A trusted schema
// is none that a stranger's file brings along.
tl::expected<Database, LedgerError> Database::open(const std::string& path) {
    Database db;
    db.path_ = path;
    sqlite3* raw = nullptr;
    const int result =
        sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_EXRESCODE, nullptr);
    db.handle_.reset(raw);
    if (db.note(result) != SQLITE_OK) return tl::unexpected(db.error());
    if (!db.run("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; "
                "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; "
                "PRAGMA journal_size_limit=1048576"))
        return tl::unexpected(db.error());
    return db;
}

int Database::note(int result) const {
    if (result == SQLITE_OK || result == SQLITE_ROW || result == SQLITE_DONE) return result;
    failure_ = result;
    why_ = why(get(), result);
    return result;
}

bool Database::run(const std::string& sql) const {
    return note(sqlite3_exec(get(), sql.c_str(), nullptr, nullptr, nullptr)) == SQLITE_OK;
}

LedgerError Database::error() const {
    if (means_damage(failure_))
        return {Failure::damaged, fmt::format("the ledger {} is damaged: {}", path_, why_)};
    if ((failure_ & 0xff) == SQLITE_BUSY)
        return {Failure::locked, fmt::format("the ledger {} is held by another program", path_)};
    return {Failure::io, fmt::format("the ledger {} can not be used: {}", path_, why_)};
}

bool Database::lost_a_sync() const {
    return failure_ == SQLITE_IOERR_FSYNC || failure_ == SQLITE_IOERR_DIR_FSYNC;
}

void Database::roll_back() const {
    if (sqlite3_get_autocommit(get()) == 0) run("ROLLBACK");
}

void Statement::Finish::operator()(sqlite3_stmt* statement) const {
    sqlite3_finalize(statement);
}

Statement::Statement(const Database& db, std::string_view sql) : db_(&db) {
    sqlite3_stmt* raw = nullptr;
    note(sqlite3_prepare_v2(db.get(), sql.data(), static_cast<int>(sql.size()), &raw, nullptr));
    handle_.reset(raw);
}

void Statement::note(int result) {
    if (db_->note(result) != SQLITE_OK) failed_ = true;
}

Statement& Statement::bind(int at, std::string_view text) {
    if (!failed_)
        note(sqlite3_bind_text(handle_.get(), at, text.data(), static_cast<int>(text.size()),
                               SQLITE_TRANSIENT));
    return *this;
}

Statement& Statement::bind(int at, std::int64_t number) {
    if (!failed_) note(sqlite3_bind_int64(handle_.get(), at, number));
    return *this;
}

Statement& Statement::bind(int at, std::span<const std::byte> blob) {
    // No pointer would be NULL, and not an empty blob.
    const void* data = blob.data() ? static_cast<const void*>(blob.data()) : "";
    if (!failed_)
        note(sqlite3_bind_blob64(handle_.get(), at, data, blob.size_bytes(), SQLITE_STATIC));
    return *this;
}

int Statement::step() {
    if (failed_) return SQLITE_ERROR;
    const int result = db_->note(sqlite3_step(handle_.get()));
    failed_ = result != SQLITE_ROW && result != SQLITE_DONE;
    return result;
}

bool Statement::row() {
    return step() == SQLITE_ROW;
}

bool Statement::done() {
    return step() == SQLITE_DONE;
}

void Statement::again() {
    if (!failed_) note(sqlite3_reset(handle_.get()));
}

std::int64_t Statement::number(int column) const {
    return sqlite3_column_int64(handle_.get(), column);
}

std::string Statement::text(int column) const {
    const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(handle_.get(), column));
    const int size = sqlite3_column_bytes(handle_.get(), column);
    return bytes ? std::string(bytes, static_cast<std::size_t>(size)) : std::string();
}

std::vector<std::byte> Statement::blob(int column) const {
    const auto* bytes = static_cast<const std::byte*>(sqlite3_column_blob(handle_.get(), column));
    const int size = sqlite3_column_bytes(handle_.get(), column);
    return bytes ? std::vector<std::byte>(bytes, bytes + size) : std::vector<std::byte>();
}

LedgerLock::LedgerLock(LedgerLock&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)) {}

LedgerLock& LedgerLock::operator=(LedgerLock&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
}

LedgerLock::~LedgerLock() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

tl::expected<LedgerLock, LedgerError> LedgerLock::take(const std::string& ledger, bool make) {
    const std::string path = ledger + ".lock";
    LedgerLock lock;
    lock.descriptor_ =
        ::open(path.c_str(), O_RDWR | (make ? O_CREAT : 0) | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lock.descriptor_ < 0 && !make && errno == ENOENT) return lock;
    if (lock.descriptor_ < 0)
        return tl::unexpected(LedgerError{
            Failure::io,
            fmt::format("the lock {} can not be opened: {}", path, std::strerror(errno))});
    if (::flock(lock.descriptor_, LOCK_EX | LOCK_NB) != 0) {
        char buffer[32] = {};
        const ssize_t size = ::pread(lock.descriptor_, buffer, sizeof buffer - 1, 0);
        const std::string pid(buffer, static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
        return tl::unexpected(LedgerError{
            Failure::locked, fmt::format("the ledger {} is held by another arbiter-dnsd{}", ledger,
                                         pid.empty() ? "" : ", process " + pid)});
    }
    // Only told to people: without it the lock holds just as well.
    const std::string pid = std::to_string(::getpid());
    const bool told = ::ftruncate(lock.descriptor_, 0) == 0 &&
                      ::pwrite(lock.descriptor_, pid.data(), pid.size(), 0) > 0;
    static_cast<void>(told);
    return lock;
}

}  // namespace dnsd
