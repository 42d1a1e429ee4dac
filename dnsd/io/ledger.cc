#include "dnsd/io/ledger.h"

#include "dnsd/io/ledger_database.h"
#include "dnsd/io/ledger_history.h"
#include "dnsd/io/ledger_rows.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <map>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace dnsd {

namespace {

using Failure = LedgerError::Kind;
using Key = std::pair<std::string, std::string>;  // kind, name

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

struct Row {
    std::string_view kind;
    std::string name, text;
};

bool write_row(Statement& statement, const Row& row) {
    const bool done =
        statement.bind(1, row.kind)
            .bind(2, row.name)
            .bind(3, row.text)
            .bind(4, static_cast<std::int64_t>(row_checksum(row.kind, row.name, row.text)))
            .done();
    statement.again();
    return done;
}

bool write_seal(const Database& db, std::size_t rows, std::uint64_t sum) {
    return Statement(db, "UPDATE seal SET rows = ?1, sum = ?2 WHERE id = 1")
        .bind(1, static_cast<std::int64_t>(rows))
        .bind(2, static_cast<std::int64_t>(sum))
        .done();
}

constexpr std::string_view put_row =
    "INSERT INTO facts VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET text = excluded.text, "
    "checksum = excluded.checksum";

// Nothing here can fail: what was committed is known, whatever happens.
template <class Map>
void take_over(Map& into, Map& from) noexcept {
    while (!from.empty()) {
        auto there = into.insert(from.extract(from.begin()));
        if (!there.inserted) there.position->second = std::move(there.node.mapped());
    }
}

LedgerError io_error(const std::string& path, const char* what) {
    return {Failure::io,
            fmt::format("the ledger {} can not be {}: {}", path, what, std::strerror(errno))};
}

void remove_files(const std::string& path) {
    for (const char* tail : {"", "-wal", "-shm"}) ::unlink((path + tail).c_str());
}

// An empty ledger, where there is no file. Half a ledger would be refused as damaged, though
// nothing was ever in it: none is left.
tl::expected<Database, LedgerError> make(const std::string& path) {
    // SQLite would make it with the umask's mode, and O_EXCL never overwrites.
    const int made = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (made < 0)
        return tl::unexpected(
            errno == EEXIST
                ? LedgerError{Failure::exists,
                              fmt::format("the ledger {} is there already; it is not overwritten",
                                          path)}
                : io_error(path, "made"));
    ::close(made);
    auto db = Database::open(path);
    if (db &&
        db->run(fmt::format("BEGIN IMMEDIATE; PRAGMA application_id={}; PRAGMA "
                            "user_version={}; {} {} COMMIT; PRAGMA wal_checkpoint(TRUNCATE)",
                            application_id, Ledger::schema_version, schema, LedgerHistory::schema)))
        return db;
    const LedgerError error = db ? db->error() : db.error();
    db = tl::unexpected(error);  // closes it
    remove_files(path);
    return db;
}

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

struct Ledger::Store {
    std::string path;
    LedgerLock lock;
    std::optional<Database> db;  // closed before the lock is dropped
    std::map<std::string, Record> groups;
    std::map<std::string, Served> zones;
    std::map<Key, std::uint64_t> checksums;
    std::uint64_t sum = 0;
    bool unsynced = false;  // an fsync failed: what is on disk is not known any more
    LedgerHistory history;
    std::string mended;

    tl::expected<void, LedgerError> read();
    // All of them or none, in one transaction: one fsync, however many they are.
    tl::expected<void, std::string> write(const std::vector<Row>& rows,
                                          const std::vector<LedgerHistory::Step>& steps);

private:
    // Not committed when it ends: undone.
    struct Transaction {
        Store& store;
        const std::vector<LedgerHistory::Step>& steps;
        bool committed = false;
        ~Transaction() {
            if (committed) return;
            store.db->roll_back();
            store.history.forget(steps);
        }
    };

    tl::expected<int, LedgerError> check_version();
    tl::expected<void, LedgerError> read_facts();
    tl::expected<void, LedgerError> read_history(int version);
    tl::expected<void, LedgerError> write_anew();
    LedgerError damaged(const std::string& what) const {
        return {Failure::damaged, fmt::format("the ledger {} is damaged: {}", path, what)};
    }
};

tl::expected<int, LedgerError> Ledger::Store::check_version() {
    Statement id(*db, "PRAGMA application_id");
    if (!id.row()) return tl::unexpected(db->error());
    if (id.number(0) != application_id)
        return tl::unexpected(damaged("it is not a ledger of Arbiter"));
    Statement said(*db, "PRAGMA user_version");
    if (!said.row()) return tl::unexpected(damaged("it has no version"));
    const auto version = static_cast<int>(said.number(0));
    if (version < 1 || version > schema_version)
        return tl::unexpected(LedgerError{
            Failure::io, fmt::format("the ledger {} has format {}, this version reads {}", path,
                                     version, schema_version)});
    return version;
}

tl::expected<void, LedgerError> Ledger::Store::read_facts() {
    for (const char* table : {"facts", "seal"}) {
        Statement quick(*db, fmt::format("PRAGMA quick_check({})", table));
        if (!quick.row()) return tl::unexpected(db->error());
        if (quick.text(0) != "ok") return tl::unexpected(damaged(quick.text(0)));
    }
    Statement rows(*db, "SELECT kind, name, text, checksum FROM facts");
    while (rows.row()) {
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
    if (rows.failed()) return tl::unexpected(db->error());
    Statement seal(*db, "SELECT rows, sum FROM seal WHERE id = 1");
    const bool sealed = seal.row();
    if (seal.failed()) return tl::unexpected(db->error());
    if (!sealed || static_cast<std::size_t>(seal.number(0)) != checksums.size() ||
        static_cast<std::uint64_t>(seal.number(1)) != sum)
        return tl::unexpected(damaged("its rows do not add up"));
    return {};
}

// The facts are whole, that was seen before. Whatever is wrong with the rest of the file, nothing
// may be written into it any more: pages of both could be entangled.
tl::expected<void, LedgerError> Ledger::Store::read_history(int version) {
    if (version < schema_version) {
        if (db->run(fmt::format("BEGIN IMMEDIATE; {} PRAGMA user_version={}; COMMIT",
                                LedgerHistory::schema, schema_version)))
            return {};
        const LedgerError error = db->error();
        db->roll_back();
        return tl::unexpected(error);
    }
    // Its statement must have ended when the file is closed, or SQLite would not let go of it.
    const std::string found = [&] {
        Statement quick(*db, "PRAGMA quick_check(1)");
        return quick.row() ? quick.text(0) : db->error().text;
    }();
    if (found == "ok" && history.find_rows(*db)) return {};
    mended = fmt::format(
        "the ledger {} was damaged where it keeps the histories of zones ({}); it was written anew "
        "without them: secondaries get full transfers once",
        path, found == "ok" ? db->error().text : found);
    history = {};
    return write_anew();
}

tl::expected<void, LedgerError> Ledger::Store::write_anew() {
    const std::string fresh = path + ".new";
    remove_files(fresh);
    {
        auto made = make(fresh);
        if (!made) return tl::unexpected(made.error());
        Statement put(*made, put_row);
        bool good = made->run("BEGIN IMMEDIATE");
        for (const auto& [name, record] : groups)
            good = good && write_row(put, {group_kind, name, row_text(record)});
        for (const auto& [name, served] : zones)
            good = good && write_row(put, {zone_kind, name, row_text(served)});
        good = good && write_seal(*made, checksums.size(), sum) && made->run("COMMIT") &&
               made->run("PRAGMA wal_checkpoint(TRUNCATE)");
        if (!good) return tl::unexpected(made->error());
    }
    db.reset();
    // A log that is left would be taken for that of the new file.
    if (::access((path + "-wal").c_str(), F_OK) == 0) {
        errno = EBUSY;
        return tl::unexpected(io_error(path, "written anew"));
    }
    if (::rename(fresh.c_str(), path.c_str()) != 0 || !sync_folder_of(path))
        return tl::unexpected(io_error(path, "written anew"));
    auto opened = Database::open(path);
    if (!opened) return tl::unexpected(opened.error());
    db = std::move(*opened);
    return {};
}

tl::expected<void, LedgerError> Ledger::Store::read() {
    const auto version = check_version();
    if (!version) return tl::unexpected(version.error());
    if (const auto facts = read_facts(); !facts) return facts;
    return read_history(*version);
}

tl::expected<void, std::string> Ledger::Store::write(
    const std::vector<Row>& rows, const std::vector<LedgerHistory::Step>& steps) {
    if (unsynced)
        return tl::unexpected(
            fmt::format("the ledger {} could not be synced once; restart to read it again", path));
    std::map<Key, std::uint64_t> changed;
    std::uint64_t next_sum = sum;
    std::size_t next_count = checksums.size();
    for (const Row& row : rows) {
        if (row.text.size() > text_bytes_max)
            return tl::unexpected(fmt::format("{} bytes of {} {} are more than the ledger takes",
                                              row.text.size(), row.kind, row.name));
        const Key key(std::string(row.kind), row.name);
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
    Transaction transaction{*this, steps};
    bool good = db->run("BEGIN IMMEDIATE");
    if (good) {
        Statement put(*db, put_row);
        for (const Row& row : rows) good = good && write_row(put, row);
        good = good && write_seal(*db, next_count, next_sum) && history.write(*db, steps) &&
               db->run("COMMIT");
    }
    if (!good) {
        // The kernel tells of a lost page once and then calls it clean: a second fsync proves
        // nothing.
        unsynced = db->lost_a_sync();
        return tl::unexpected(db->error().text);
    }
    transaction.committed = true;
    history.keep(steps);
    take_over(checksums, changed);
    sum = next_sum;
    return {};
}

tl::expected<void, LedgerError> Ledger::create(const std::string& path) {
    auto lock = LedgerLock::take(path);
    if (!lock) return tl::unexpected(lock.error());
    auto made = make(path);
    if (!made) return tl::unexpected(made.error());
    return {};
}

tl::expected<Ledger, LedgerError> Ledger::open(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0)
        return tl::unexpected(
            errno == ENOENT
                ? LedgerError{Failure::missing,
                              fmt::format("there is no ledger {}; arbiterctl init makes one", path)}
                : io_error(path, "opened"));
    auto store = std::make_unique<Store>();
    store->path = path;
    auto lock = LedgerLock::take(path);
    if (!lock) return tl::unexpected(lock.error());
    store->lock = std::move(*lock);
    // SQLite takes an empty file for an empty database; for us it is a ledger that was cut off.
    if (status.st_size == 0)
        return tl::unexpected(LedgerError{
            Failure::damaged, fmt::format("the ledger {} is damaged: it is empty", path)});
    auto db = Database::open(path);
    if (!db) return tl::unexpected(db.error());
    store->db = std::move(*db);
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

tl::expected<std::vector<KeptDelta>, std::string> Ledger::deltas(const zones::Name& zone) const {
    const auto served = this->zone(zone);
    if (!served) return std::vector<KeptDelta>{};
    return store_->history.read(*store_->db, zone.lowered().text(), served->serial);
}

std::size_t Ledger::deltas_kept(const zones::Name& zone) const {
    return store_->history.count(zone.lowered().text());
}

const std::string& Ledger::mended() const {
    return store_->mended;
}

tl::expected<void, std::string> Ledger::remember(const std::string& group, const Record& record) {
    std::map<std::string, Record> known{{group, record}};
    const auto written = store_->write({{group_kind, group, row_text(record)}}, {});
    if (written) take_over(store_->groups, known);
    return written;
}

tl::expected<void, std::string> Ledger::remember(const std::vector<ZoneServed>& zones) {
    if (zones.empty()) return {};
    std::vector<Row> rows;
    std::vector<LedgerHistory::Step> steps;
    std::map<std::string, Served> known;
    for (const ZoneServed& one : zones) {
        std::string name = one.zone.lowered().text();
        if (one.served.file_digest.find('\n') != std::string::npos)
            return tl::unexpected(fmt::format("the digest of {} has a line break", name));
        known.insert_or_assign(name, one.served);
        LedgerHistory::Step step{name, {}, std::nullopt, one.deltas};
        if (one.newest) {
            if (one.newest->packed.size() > delta_bytes_max)
                return tl::unexpected(
                    fmt::format("{} bytes of history of {} are more than the ledger takes",
                                one.newest->packed.size(), name));
            step.packed = one.newest->packed;
            step.newest = std::pair(one.newest->from, one.newest->to);
        }
        steps.push_back(std::move(step));
        rows.push_back({zone_kind, std::move(name), row_text(one.served)});
    }
    const auto written = store_->write(rows, steps);
    if (written) take_over(store_->zones, known);
    return written;
}

tl::expected<void, std::string> Ledger::remember(const zones::Name& zone, const Served& served) {
    return remember(std::vector<ZoneServed>{{zone, served}});
}

}  // namespace dnsd
