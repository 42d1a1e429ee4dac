#include "dnsd/io/ledger_store.h"

#include "dnsd/io/ledger_rows.h"

#include <sys/stat.h>

#include <cerrno>

#include <fmt/format.h>

namespace dnsd {

namespace {

using Failure = LedgerError::Kind;

LedgerRow row_of(std::string_view kind, const std::string& name, std::string text) {
    LedgerRow row{std::string(kind), name, std::move(text), 0};
    row.checksum = row_checksum(row.kind, row.name, row.text);
    return row;
}

// Nothing here can fail.
template <class Map>
void take_over(Map& into, Map& from) noexcept {
    while (!from.empty()) {
        auto there = into.insert(from.extract(from.begin()));
        if (!there.inserted) there.position->second = std::move(there.node.mapped());
    }
}

}  // namespace

LedgerStore::Transaction::~Transaction() {
    if (committed) return;
    store.db->roll_back();
    store.history.forget(steps);
    store.events.forget();
}

void LedgerStore::Transaction::commit() noexcept {
    committed = true;
    store.history.keep(steps);
    store.events.keep();
}

// ---- Opening

tl::expected<std::unique_ptr<LedgerStore>, LedgerError> LedgerStore::open(const std::string& path,
                                                                          For what) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0 && !half_replaced(path))
        return tl::unexpected(
            errno == ENOENT
                ? LedgerError{Failure::missing,
                              fmt::format("there is no ledger {}; arbiterctl init makes one", path)}
                : ledger_io_error(path, "opened"));
    auto store = std::make_unique<LedgerStore>();
    store->path = path;
    auto lock = LedgerLock::take(path, what == For::writing);
    if (!lock) return tl::unexpected(lock.error());
    store->lock = std::move(*lock);
    if (half_replaced(path) && what == For::looking)
        return tl::unexpected(LedgerError{
            Failure::io,
            fmt::format("the ledger {} is half written anew; a start ends that", path)});
    if (half_replaced(path))
        if (auto done = finish_replacing(path); !done) return tl::unexpected(done.error());
    if (::stat(path.c_str(), &status) != 0) return tl::unexpected(ledger_io_error(path, "opened"));
    // SQLite takes an empty file for an empty database; for us it is a ledger that was cut off.
    if (status.st_size == 0) return tl::unexpected(ledger_damaged(path, "it is empty"));
    auto db = Database::open(path);
    if (!db) return tl::unexpected(db.error());
    store->db = std::move(*db);
    if (const auto read = store->read(what); !read) return tl::unexpected(read.error());
    return store;
}

tl::expected<void, LedgerError> LedgerStore::read(For what) {
    const auto format = ledger_format(*db);
    if (!format) return tl::unexpected(format.error());
    if (const auto facts = read_facts(*format); !facts) return facts;
    if (what == For::looking) return {};
    return read_histories(*format);
}

bool LedgerStore::read_fact(int format, const LedgerRow& row, bool sealed) {
    if (row.kind == zone_kind) {
        const auto served = sealed ? read_served(row.text) : std::nullopt;
        if (served) zones.emplace(row.name, *served);
        return served.has_value();
    }
    if (row.kind != group_kind) return false;
    tl::expected<Record, std::string> record = tl::unexpected(std::string("it was changed"));
    if (sealed && format < 3) {
        const auto old = read_old_record(row.text);
        record = old ? tl::expected<Record, std::string>(*old)
                     : tl::unexpected(std::string("it has no meaning"));
    } else if (sealed) {
        record = read_record(row.text);
    }
    if (record) {
        groups.emplace(row.name, std::move(*record));
    } else {
        damaged.emplace(row.name, record.error());
        damaged_rows_.emplace(row.name, row);
    }
    return true;
}

tl::expected<void, LedgerError> LedgerStore::read_facts(int format) {
    for (const char* table : {"facts", "seal"}) {
        Statement quick(*db, fmt::format("PRAGMA quick_check({})", table));
        if (!quick.row()) return tl::unexpected(db->error());
        if (quick.text(0) != "ok") return tl::unexpected(as_damaged(quick.text(0)));
    }
    std::uint64_t as_written = 0, as_read = 0;
    Statement rows(*db, "SELECT kind, name, text, checksum FROM facts");
    while (rows.row()) {
        const LedgerRow row{rows.text(0), rows.text(1), rows.text(2),
                            static_cast<std::uint64_t>(rows.number(3))};
        const std::uint64_t expected = row_checksum(row.kind, row.name, row.text);
        const bool sealed = row.checksum == expected;
        if (!read_fact(format, row, sealed))
            return tl::unexpected(
                as_damaged(fmt::format("the row of {} {} {}", row.kind, row.name,
                                       sealed ? "has no meaning" : "was changed")));
        checksums_[{row.kind, row.name}] = row.checksum;
        as_written += row.checksum;
        as_read += expected;
    }
    if (rows.failed()) return tl::unexpected(db->error());
    Statement seal(*db, "SELECT rows, sum FROM seal WHERE id = 1");
    const bool found = seal.row();
    if (seal.failed()) return tl::unexpected(db->error());
    if (found) sum_ = static_cast<std::uint64_t>(seal.number(1));
    // Of a damaged record either the text was hit, or its checksum; all else must stand.
    if (!found || static_cast<std::size_t>(seal.number(0)) != checksums_.size() ||
        (sum_ != as_written && sum_ != as_read))
        return tl::unexpected(as_damaged("its rows do not add up"));
    if (sum_ == as_written) return {};
    for (auto& [name, row] : damaged_rows_)
        checksums_[{row.kind, name}] = row_checksum(row.kind, row.name, row.text);
    return {};
}

// The facts are whole, that was seen before. Whatever is wrong with the rest of the file, nothing
// may be written into it any more: pages of both could be entangled.
tl::expected<void, LedgerError> LedgerStore::read_histories(int format) {
    // Its statement must have ended when the file is closed, or SQLite would not let go of it.
    const std::string found = [&] {
        Statement quick(*db, "PRAGMA quick_check(1)");
        return quick.row() ? quick.text(0) : db->error().text;
    }();
    if (found == "ok" && format < Ledger::schema_version)
        if (auto done = migrate(format); !done) return done;
    if (found == "ok" && history.find_rows(*db) && events.find_rows(*db)) return {};
    mended = fmt::format(
        "the ledger {} was damaged where it keeps the histories of zones and decisions ({}); it "
        "was written anew without them: secondaries get full transfers once",
        path, found == "ok" ? db->error().text : found);
    history = {};
    events = {};
    return write_anew({});
}

std::vector<LedgerRow> LedgerStore::facts() const {
    std::vector<LedgerRow> rows;
    for (const auto& [name, record] : groups)
        rows.push_back(row_of(group_kind, name, record_text(record)));
    for (const auto& [name, served] : zones)
        rows.push_back(row_of(zone_kind, name, row_text(served)));
    for (const auto& [name, row] : damaged_rows_) rows.push_back(row);
    return rows;
}

tl::expected<void, LedgerError> LedgerStore::migrate(int format) {
    bool good = db->run("BEGIN IMMEDIATE");
    if (format < 2) good = good && db->run(std::string(LedgerHistory::schema));
    good = good && db->run(std::string(LedgerEvents::schema));
    std::map<Key, std::uint64_t> checksums;
    std::uint64_t sum = 0;
    if (good) {
        Statement put(*db, put_row_sql);
        for (const LedgerRow& row : facts()) {
            good = good && write_row(put, row);
            checksums[{row.kind, row.name}] = row.checksum;
            sum += row.checksum;
        }
        good = good && write_seal(*db, checksums.size(), sum) &&
               db->run(fmt::format("PRAGMA user_version={}; COMMIT", Ledger::schema_version));
    }
    if (!good) {
        const LedgerError error = db->error();
        db->roll_back();
        return tl::unexpected(error);
    }
    checksums_ = std::move(checksums);
    sum_ = sum;
    return {};
}

tl::expected<void, LedgerError> LedgerStore::write_anew(const std::vector<Decision>& story) {
    remove_ledger(new_ledger(path));
    std::map<Key, std::uint64_t> checksums;
    std::uint64_t sum = 0;
    LedgerEvents told;
    {
        auto made = make_ledger(new_ledger(path));
        if (!made) return tl::unexpected(made.error());
        bool good = made->run("BEGIN IMMEDIATE");
        {
            Statement put(*made, put_row_sql);
            for (const LedgerRow& row : facts()) {
                good = good && write_row(put, row);
                checksums[{row.kind, row.name}] = row.checksum;
                sum += row.checksum;
            }
        }
        good = good && write_seal(*made, checksums.size(), sum) && told.write(*made, story) &&
               made->run("COMMIT") && made->run("PRAGMA wal_checkpoint(TRUNCATE)");
        if (!good) return tl::unexpected(made->error());
    }
    db.reset();
    if (auto done = replace_ledger(path); !done) return done;
    auto opened = Database::open(path);
    if (!opened) return tl::unexpected(opened.error());
    db = std::move(*opened);
    told.keep();
    events = std::move(told);
    checksums_ = std::move(checksums);
    sum_ = sum;
    return {};
}

// ---- Writing

// The kernel tells of a lost page once and then calls it clean: a second fsync of the same file
// proves nothing. What we know is written to another file, whose pages are all new; the histories
// of zones, which may be long, are not worth the wait.
tl::expected<void, std::string> LedgerStore::mend_sync() {
    if (!unsynced_) return {};
    const std::string whole = fmt::format("the ledger {} could not be synced", path);
    if (!db) return tl::unexpected(whole + ", nor written anew; restart to read it again");
    const std::vector<Decision> story = LedgerEvents::all(*db);
    if (const auto done = write_anew(story); !done)
        return tl::unexpected(whole + ": " + done.error().text);
    history = {};
    unsynced_ = false;
    return {};
}

tl::expected<void, std::string> LedgerStore::write(std::vector<LedgerRow> rows,
                                                   const std::vector<LedgerHistory::Step>& steps,
                                                   const std::vector<Decision>& story) {
    if (auto mended_now = mend_sync(); !mended_now) return mended_now;
    std::map<Key, std::uint64_t> changed;
    std::uint64_t next_sum = sum_;
    std::size_t next_count = checksums_.size();
    for (LedgerRow& row : rows) {
        if (row.text.size() > Ledger::text_bytes_max)
            return tl::unexpected(fmt::format("{} bytes of {} {} are more than the ledger takes",
                                              row.text.size(), row.kind, row.name));
        row.checksum = row_checksum(row.kind, row.name, row.text);
        const Key key(row.kind, row.name);
        const auto [place, first] = changed.try_emplace(key, row.checksum);
        if (!first) {  // named twice: the later one counts
            next_sum += row.checksum - std::exchange(place->second, row.checksum);
            continue;
        }
        const auto before = checksums_.find(key);
        next_sum += row.checksum - (before == checksums_.end() ? 0 : before->second);
        next_count += before == checksums_.end() ? 1 : 0;
    }
    Transaction transaction{*this, steps};
    bool good = db->run("BEGIN IMMEDIATE");
    if (good) {
        Statement put(*db, put_row_sql);
        for (const LedgerRow& row : rows) good = good && write_row(put, row);
        good = good && write_seal(*db, next_count, next_sum) && history.write(*db, steps) &&
               events.write(*db, story) && db->run("COMMIT");
    }
    if (!good) {
        unsynced_ = db->lost_a_sync();
        return tl::unexpected(db->error().text);
    }
    transaction.commit();
    take_over(checksums_, changed);
    sum_ = next_sum;
    for (const LedgerRow& row : rows)
        if (row.kind == group_kind) {
            damaged.erase(row.name);
            damaged_rows_.erase(row.name);
        }
    return {};
}

void LedgerStore::keep(std::map<std::string, Record>& written) noexcept {
    take_over(groups, written);
}

void LedgerStore::keep(std::map<std::string, Served>& written) noexcept {
    take_over(zones, written);
}

tl::expected<void, std::string> LedgerStore::write_story(const std::vector<Decision>& story) {
    if (unsynced_) return tl::unexpected(fmt::format("the ledger {} could not be synced", path));
    const std::vector<LedgerHistory::Step> none;
    Transaction transaction{*this, none};
    // Only the next record's fsync, or SQLite's own, waits for the disk.
    bool good = db->run("PRAGMA synchronous=NORMAL; BEGIN IMMEDIATE");
    good = good && events.write(*db, story) && db->run("COMMIT");
    const bool lost = !good && db->lost_a_sync();
    const std::string why = good ? std::string() : db->error().text;
    if (good)
        transaction.commit();
    else
        db->roll_back();
    // From here on a record is durable again when it is written, or no record is taken.
    unsynced_ = lost || !db->run("PRAGMA synchronous=FULL");
    if (!good) return tl::unexpected(why);
    return {};
}

}  // namespace dnsd
