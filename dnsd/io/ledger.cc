#include "dnsd/io/ledger.h"

#include "dnsd/io/ledger_rows.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <sqlite3.h>

namespace dnsd {

namespace {

using Failure = LedgerError::Kind;

constexpr int application_id = 0x41524254;  // "ARBT", shown by file(1)

// Every row carries a checksum over its table, key and text, and one row of `seal` the number of
// rows and the sum of their checksums: a flipped bit, a lost row and a page from an older copy are
// all seen, which SQLite's own check would pass.
constexpr std::string_view schema = R"(
CREATE TABLE seal (id INTEGER PRIMARY KEY CHECK (id = 1), rows INTEGER NOT NULL,
                   sum INTEGER NOT NULL) STRICT;
CREATE TABLE facts (kind TEXT NOT NULL, name TEXT NOT NULL, text TEXT NOT NULL,
                    checksum INTEGER NOT NULL, PRIMARY KEY (kind, name)) STRICT, WITHOUT ROWID;
INSERT INTO seal VALUES (1, 0, 0);
)";
constexpr std::string_view group_kind = "group";
constexpr std::string_view zone_kind = "zone";

struct CloseDatabase {
    void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
};
using Database = std::unique_ptr<sqlite3, CloseDatabase>;

struct FinishStatement {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};

class Statement {
public:
    Statement(sqlite3* db, std::string_view sql) {
        sqlite3_stmt* raw = nullptr;
        result_ = sqlite3_prepare_v2(db, sql.data(), static_cast<int>(sql.size()), &raw, nullptr);
        handle_.reset(raw);
    }
    Statement& bind(int at, std::string_view text) {
        if (result_ == SQLITE_OK)
            result_ = sqlite3_bind_text(handle_.get(), at, text.data(),
                                        static_cast<int>(text.size()), SQLITE_TRANSIENT);
        return *this;
    }
    Statement& bind(int at, std::int64_t number) {
        if (result_ == SQLITE_OK) result_ = sqlite3_bind_int64(handle_.get(), at, number);
        return *this;
    }
    // SQLITE_ROW, SQLITE_DONE, or an error.
    int step() { return result_ == SQLITE_OK ? sqlite3_step(handle_.get()) : result_; }
    std::int64_t number(int column) const { return sqlite3_column_int64(handle_.get(), column); }
    std::string text(int column) const {
        const auto* bytes =
            reinterpret_cast<const char*>(sqlite3_column_text(handle_.get(), column));
        const int size = sqlite3_column_bytes(handle_.get(), column);
        return bytes ? std::string(bytes, static_cast<std::size_t>(size)) : std::string();
    }

private:
    std::unique_ptr<sqlite3_stmt, FinishStatement> handle_;
    int result_ = SQLITE_OK;
};

int run(sqlite3* db, const std::string& sql) {
    return sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr);
}

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

LedgerError error_of(const std::string& path, sqlite3* db, int result) {
    if (means_damage(result))
        return {Failure::damaged,
                fmt::format("the ledger {} is damaged: {}", path, why(db, result))};
    if ((result & 0xff) == SQLITE_BUSY)
        return {Failure::locked, fmt::format("the ledger {} is held by another program", path)};
    return {Failure::io, fmt::format("the ledger {} can not be used: {}", path, why(db, result))};
}

// ---- The lock
// --------------------------------------------------------------------------------------

// Held as long as the descriptor is open: the kernel drops it with the process, however that ends.
class Lock {
public:
    Lock() = default;
    Lock(Lock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
    Lock& operator=(Lock&& other) noexcept {
        std::swap(descriptor_, other.descriptor_);
        return *this;
    }
    ~Lock() {
        if (descriptor_ >= 0) ::close(descriptor_);
    }

    static tl::expected<Lock, LedgerError> take(const std::string& ledger) {
        const std::string path = ledger + ".lock";
        Lock lock;
        lock.descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (lock.descriptor_ < 0)
            return tl::unexpected(LedgerError{
                Failure::io,
                fmt::format("the lock {} can not be opened: {}", path, std::strerror(errno))});
        if (::flock(lock.descriptor_, LOCK_EX | LOCK_NB) != 0) {
            char buffer[32] = {};
            const ssize_t size = ::pread(lock.descriptor_, buffer, sizeof buffer - 1, 0);
            const std::string pid(buffer, static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
            return tl::unexpected(LedgerError{
                Failure::locked, fmt::format("the ledger {} is held by another arbiter-dnsd{}",
                                             ledger, pid.empty() ? "" : ", process " + pid)});
        }
        // Only told to people: without it the lock holds just as well.
        const std::string pid = std::to_string(::getpid());
        const bool told = ::ftruncate(lock.descriptor_, 0) == 0 &&
                          ::pwrite(lock.descriptor_, pid.data(), pid.size(), 0) > 0;
        static_cast<void>(told);
        return lock;
    }

private:
    int descriptor_ = -1;
};

tl::expected<Database, LedgerError> open_database(const std::string& path, int flags) {
    sqlite3* raw = nullptr;
    const int result = sqlite3_open_v2(path.c_str(), &raw, flags | SQLITE_OPEN_EXRESCODE, nullptr);
    Database db(raw);
    if (result != SQLITE_OK) return tl::unexpected(error_of(path, raw, result));
    return db;
}

// EXCLUSIVE before WAL: no shared-memory file, and SQLite's own lock beside ours. A trusted schema
// is none that a stranger's file brings along.
int prepare(sqlite3* db) {
    return run(
        db,
        "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; "
        "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA journal_size_limit=1048576");
}

}  // namespace

struct Ledger::Store {
    std::string path;
    Lock lock;
    Database db;  // closed before the lock is dropped
    std::map<std::string, Record> groups;
    std::map<std::string, Served> zones;
    std::map<std::pair<std::string, std::string>, std::uint64_t> checksums;
    std::uint64_t sum = 0;
    bool unsynced = false;  // an fsync failed: what is on disk is not known any more

    tl::expected<void, LedgerError> read();
    // All of them or none, in one transaction: one fsync, however many they are.
    struct Row {
        std::string_view kind;
        std::string name, text;
    };
    tl::expected<void, std::string> write(const std::vector<Row>& rows);

private:
    tl::expected<void, LedgerError> check();
    LedgerError damaged(const std::string& what) const {
        return {Failure::damaged, fmt::format("the ledger {} is damaged: {}", path, what)};
    }
    int write_rows(const std::vector<Row>& rows, std::size_t next_count, std::uint64_t next_sum);
};

tl::expected<void, LedgerError> Ledger::Store::check() {
    Statement quick(db.get(), "PRAGMA quick_check(1)");
    const int result = quick.step();
    if (result != SQLITE_ROW) return tl::unexpected(error_of(path, db.get(), result));
    if (quick.text(0) != "ok") return tl::unexpected(damaged(quick.text(0)));
    Statement id(db.get(), "PRAGMA application_id");
    if (id.step() != SQLITE_ROW || id.number(0) != application_id)
        return tl::unexpected(damaged("it is not a ledger of Arbiter"));
    Statement version(db.get(), "PRAGMA user_version");
    if (version.step() != SQLITE_ROW) return tl::unexpected(damaged("it has no version"));
    if (version.number(0) != schema_version)
        return tl::unexpected(LedgerError{
            Failure::io, fmt::format("the ledger {} has format {}, this version reads {}", path,
                                     version.number(0), schema_version)});
    return {};
}

tl::expected<void, LedgerError> Ledger::Store::read() {
    if (const auto checked = check(); !checked) return checked;
    Statement rows(db.get(), "SELECT kind, name, text, checksum FROM facts");
    int result = rows.step();
    for (; result == SQLITE_ROW; result = rows.step()) {
        const std::string kind = rows.text(0), name = rows.text(1), text = rows.text(2);
        const std::uint64_t expected = row_checksum(kind, name, text);
        if (static_cast<std::uint64_t>(rows.number(3)) != expected)
            return tl::unexpected(damaged(fmt::format("the row of {} {} was changed", kind, name)));
        const auto record = kind == group_kind ? read_record(text) : std::nullopt;
        const auto served = kind == zone_kind ? read_served(text) : std::nullopt;
        if (record)
            groups.emplace(name, *record);
        else if (served)
            zones.emplace(name, *served);
        else
            return tl::unexpected(
                damaged(fmt::format("the row of {} {} has no meaning", kind, name)));
        checksums[{kind, name}] = expected;
        sum += expected;
    }
    if (result != SQLITE_DONE) return tl::unexpected(error_of(path, db.get(), result));
    Statement seal(db.get(), "SELECT rows, sum FROM seal WHERE id = 1");
    result = seal.step();
    if (result != SQLITE_ROW && result != SQLITE_DONE)
        return tl::unexpected(error_of(path, db.get(), result));
    if (result == SQLITE_DONE || static_cast<std::size_t>(seal.number(0)) != checksums.size() ||
        static_cast<std::uint64_t>(seal.number(1)) != sum)
        return tl::unexpected(damaged("its rows do not add up"));
    return {};
}

int Ledger::Store::write_rows(const std::vector<Row>& rows, std::size_t next_count,
                              std::uint64_t next_sum) {
    int result = run(db.get(), "BEGIN IMMEDIATE");
    if (result != SQLITE_OK) return result;
    for (const Row& row : rows) {
        const std::uint64_t checksum = row_checksum(row.kind, row.name, row.text);
        result = Statement(db.get(),
                           "INSERT INTO facts VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET "
                           "text = excluded.text, checksum = excluded.checksum")
                     .bind(1, row.kind)
                     .bind(2, row.name)
                     .bind(3, row.text)
                     .bind(4, static_cast<std::int64_t>(checksum))
                     .step();
        if (result != SQLITE_DONE) return result;
    }
    result = Statement(db.get(), "UPDATE seal SET rows = ?1, sum = ?2 WHERE id = 1")
                 .bind(1, static_cast<std::int64_t>(next_count))
                 .bind(2, static_cast<std::int64_t>(next_sum))
                 .step();
    if (result != SQLITE_DONE) return result;
    return run(db.get(), "COMMIT");
}

tl::expected<void, std::string> Ledger::Store::write(const std::vector<Row>& rows) {
    if (unsynced)
        return tl::unexpected(
            fmt::format("the ledger {} could not be synced once; restart to read it again", path));
    std::map<std::pair<std::string, std::string>, std::uint64_t> changed;
    std::uint64_t next_sum = sum;
    std::size_t next_count = checksums.size();
    for (const Row& row : rows) {
        if (row.text.size() > text_bytes_max)
            return tl::unexpected(fmt::format("{} bytes of {} {} are more than the ledger takes",
                                              row.text.size(), row.kind, row.name));
        const std::pair key(std::string(row.kind), row.name);
        const std::uint64_t checksum = row_checksum(row.kind, row.name, row.text);
        const auto [place, first] = changed.try_emplace(key, checksum);
        if (!first) {  // named twice: the later one counts
            next_sum += checksum - std::exchange(place->second, checksum);
            continue;
        }
        const auto before = checksums.find(key);
        next_sum += checksum - (before == checksums.end() ? 0 : before->second);
        next_count += before == checksums.end() ? 1 : 0;
    }
    const int result = write_rows(rows, next_count, next_sum);
    if (result != SQLITE_OK) {
        const std::string text_of_error = error_of(path, db.get(), result).text;
        // The kernel tells of a lost page once and then calls it clean: a second fsync proves
        // nothing.
        unsynced = result == SQLITE_IOERR_FSYNC || result == SQLITE_IOERR_DIR_FSYNC;
        if (!sqlite3_get_autocommit(db.get())) run(db.get(), "ROLLBACK");
        return tl::unexpected(text_of_error);
    }
    for (const auto& [key, checksum] : changed) checksums[key] = checksum;
    sum = next_sum;
    return {};
}

tl::expected<void, LedgerError> Ledger::create(const std::string& path) {
    auto lock = Lock::take(path);
    if (!lock) return tl::unexpected(lock.error());
    // SQLite would make it with the umask's mode, and O_EXCL never overwrites.
    const int made = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (made < 0)
        return tl::unexpected(
            errno == EEXIST
                ? LedgerError{Failure::exists,
                              fmt::format("the ledger {} is there already; it is not "
                                          "overwritten",
                                          path)}
                : LedgerError{Failure::io, fmt::format("the ledger {} can not be made: {}", path,
                                                       std::strerror(errno))});
    ::close(made);
    auto db = open_database(path, SQLITE_OPEN_READWRITE);
    if (!db) return tl::unexpected(db.error());
    int result = prepare(db->get());
    if (result == SQLITE_OK)
        result = run(db->get(), fmt::format("BEGIN IMMEDIATE; PRAGMA application_id={}; PRAGMA "
                                            "user_version={}; {} COMMIT; "
                                            "PRAGMA wal_checkpoint(TRUNCATE)",
                                            application_id, schema_version, schema));
    if (result == SQLITE_OK) return {};
    const LedgerError error = error_of(path, db->get(), result);
    db->reset();
    // Half a ledger would be refused as damaged, though nothing was ever in it.
    for (const char* tail : {"", "-wal", "-shm"}) ::unlink((path + tail).c_str());
    return tl::unexpected(error);
}

tl::expected<Ledger, LedgerError> Ledger::open(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0)
        return tl::unexpected(
            errno == ENOENT
                ? LedgerError{Failure::missing,
                              fmt::format("there is no ledger {}; arbiterctl init makes one", path)}
                : LedgerError{Failure::io, fmt::format("the ledger {} can not be opened: {}", path,
                                                       std::strerror(errno))});
    auto store = std::make_unique<Store>();
    store->path = path;
    auto lock = Lock::take(path);
    if (!lock) return tl::unexpected(lock.error());
    store->lock = std::move(*lock);
    // SQLite takes an empty file for an empty database; for us it is a ledger that was cut off.
    if (status.st_size == 0)
        return tl::unexpected(LedgerError{
            Failure::damaged, fmt::format("the ledger {} is damaged: it is empty", path)});
    auto db = open_database(path, SQLITE_OPEN_READWRITE);
    if (!db) return tl::unexpected(db.error());
    store->db = std::move(*db);
    const int result = prepare(store->db.get());
    if (result != SQLITE_OK) return tl::unexpected(error_of(path, store->db.get(), result));
    if (const auto read = store->read(); !read) return tl::unexpected(read.error());
    return Ledger(std::move(store));
}

Ledger::Ledger(std::unique_ptr<Store> store) : store_(std::move(store)) {}
Ledger::Ledger(Ledger&&) noexcept = default;
Ledger& Ledger::operator=(Ledger&&) noexcept = default;
Ledger::~Ledger() = default;

std::optional<Record> Ledger::group(const std::string& name) const {
    const auto found = store_->groups.find(name);
    return found == store_->groups.end() ? std::nullopt : std::optional(found->second);
}

std::optional<Served> Ledger::zone(const zones::Name& name) const {
    const auto found = store_->zones.find(name.lowered().text());
    return found == store_->zones.end() ? std::nullopt : std::optional(found->second);
}

tl::expected<void, std::string> Ledger::remember(const std::string& group, const Record& record) {
    const auto written = store_->write({{group_kind, group, row_text(record)}});
    if (written) store_->groups.insert_or_assign(group, record);
    return written;
}

tl::expected<void, std::string> Ledger::remember(const std::vector<ZoneServed>& zones) {
    if (zones.empty()) return {};
    std::vector<Store::Row> rows;
    for (const auto& [zone, served] : zones) {
        const std::string name = zone.lowered().text();
        if (served.file_digest.find('\n') != std::string::npos)
            return tl::unexpected(fmt::format("the digest of {} has a line break", name));
        rows.push_back({zone_kind, name, row_text(served)});
    }
    const auto written = store_->write(rows);
    if (!written) return written;
    for (std::size_t i = 0; i < zones.size(); ++i)
        store_->zones.insert_or_assign(rows[i].name, zones[i].second);
    return {};
}

tl::expected<void, std::string> Ledger::remember(const zones::Name& zone, const Served& served) {
    return remember(std::vector<ZoneServed>{{zone, served}});
}

}  // namespace dnsd
