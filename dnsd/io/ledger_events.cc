#include "dnsd/io/ledger_events.h"

#include "dnsd/arbiter/record_text.h"

#include <limits>
#include <optional>

#include <fmt/format.h>

namespace dnsd {

namespace {

constexpr std::int64_t highest = std::numeric_limits<std::int64_t>::max();

std::int64_t sum_of(std::string_view group, std::uint64_t number, std::int64_t time_ms,
                    std::string_view text) {
    return static_cast<std::int64_t>(
        checksum({"event", group, fmt::to_string(number), fmt::to_string(time_ms), text}));
}

// Columns: grp, number, time_ms, text, checksum.
std::optional<Decision> decision_in(const Statement& row) {
    Decision one{row.number(2), row.text(0), {}, static_cast<std::uint64_t>(row.number(1))};
    const std::string text = row.text(3);
    if (row.number(4) != sum_of(one.group, one.number, one.time_ms, text)) return std::nullopt;
    auto note = read_note(text);
    if (!note) return std::nullopt;
    one.note = std::move(*note);
    return one;
}

}  // namespace

bool LedgerEvents::find_rows(const Database& db) {
    Statement rows(db, "SELECT grp, max(number) FROM events GROUP BY grp");
    while (rows.row()) newest_[rows.text(0)] = static_cast<std::uint64_t>(rows.number(1));
    return !rows.failed();
}

std::vector<Decision> LedgerEvents::read(const Database& db, const std::string& group,
                                         std::uint64_t before, std::int64_t since_ms,
                                         std::size_t limit) const {
    Statement rows(db,
                   "SELECT grp, number, time_ms, text, checksum FROM events WHERE grp = ?1 AND "
                   "number < ?2 AND time_ms >= ?3 ORDER BY number DESC LIMIT ?4");
    rows.bind(1, group)
        .bind(2, before == 0 ? highest : static_cast<std::int64_t>(before))
        .bind(3, since_ms)
        .bind(4, static_cast<std::int64_t>(limit));
    std::vector<Decision> found;
    while (rows.row())
        if (auto one = decision_in(rows)) found.push_back(std::move(*one));
    return found;
}

std::vector<Decision> LedgerEvents::all(const Database& db) {
    Statement rows(db,
                   "SELECT grp, number, time_ms, text, checksum FROM events ORDER BY grp, number");
    std::vector<Decision> found;
    while (rows.row())
        if (auto one = decision_in(rows)) found.push_back(std::move(*one));
    return found;
}

bool LedgerEvents::write(const Database& db, const std::vector<Decision>& story) {
    Statement insert(db, "INSERT INTO events VALUES (?1, ?2, ?3, ?4, ?5)");
    Statement remove(db, "DELETE FROM events WHERE grp = ?1 AND number <= ?2");
    for (const Decision& one : story) {
        std::uint64_t& newest = newest_[one.group];
        written_.try_emplace(one.group, newest);
        const std::uint64_t number = ++newest;
        const std::string text = note_text(one.note);
        if (!insert.bind(1, one.group)
                 .bind(2, static_cast<std::int64_t>(number))
                 .bind(3, one.time_ms)
                 .bind(4, text)
                 .bind(5, sum_of(one.group, number, one.time_ms, text))
                 .done())
            return false;
        insert.again();
        if (number <= Ledger::decisions_max) continue;
        if (!remove.bind(1, one.group)
                 .bind(2, static_cast<std::int64_t>(number - Ledger::decisions_max))
                 .done())
            return false;
        remove.again();
    }
    return true;
}

void LedgerEvents::forget() noexcept {
    for (const auto& [group, number] : written_) newest_[group] = number;
    written_.clear();
}

}  // namespace dnsd
