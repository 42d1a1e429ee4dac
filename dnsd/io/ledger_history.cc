#include "dnsd/io/ledger_history.h"

#include "dnsd/io/ledger_rows.h"

#include <fmt/format.h>

namespace dnsd {

bool LedgerHistory::find_rows(const Database& db) {
    // The blob comes last: SQLite does not go to its pages for what stands before it.
    Statement rows(db, "SELECT id, zone, first, last FROM deltas ORDER BY id");
    while (rows.row()) {
        const std::int64_t id = rows.number(0);
        rows_[rows.text(1)].push_back({id, static_cast<std::uint32_t>(rows.number(2)),
                                       static_cast<std::uint32_t>(rows.number(3))});
        next_id_ = id + 1;
    }
    written_from_ = next_id_;
    return !rows.failed();
}

std::size_t LedgerHistory::count(const std::string& zone) const {
    const auto found = rows_.find(zone);
    return found == rows_.end() ? 0 : found->second.size();
}

tl::expected<std::vector<KeptDelta>, std::string> LedgerHistory::read(const Database& db,
                                                                      const std::string& zone,
                                                                      std::uint32_t last) const {
    std::vector<KeptDelta> deltas;
    const auto found = rows_.find(zone);
    if (found == rows_.end()) return deltas;
    const std::deque<Row>& rows = found->second;
    for (std::size_t i = 0; i < rows.size(); ++i)
        if (rows[i].last != (i + 1 < rows.size() ? rows[i + 1].first : last))
            return tl::unexpected(
                fmt::format("the one that ends at {} is not followed", rows[i].last));
    Statement one(db, "SELECT packed, checksum FROM deltas WHERE id = ?1");
    for (const Row& row : rows) {
        if (!one.bind(1, row.id).row())
            return tl::unexpected(fmt::format("that from {} cannot be read", row.first));
        KeptDelta delta{row.first, row.last, one.blob(0)};
        if (static_cast<std::uint64_t>(one.number(1)) !=
            delta_checksum(zone, delta.from, delta.to, delta.packed))
            return tl::unexpected(fmt::format("that from {} was changed", row.first));
        deltas.push_back(std::move(delta));
        one.again();
    }
    return deltas;
}

bool LedgerHistory::write(const Database& db, const std::vector<Step>& steps) {
    Statement insert(db, "INSERT INTO deltas VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
    Statement remove(db, "DELETE FROM deltas WHERE id = ?1");
    for (const Step& step : steps) {
        std::deque<Row>& rows = rows_[step.zone];
        if (step.newest) {
            const auto [first, last] = *step.newest;
            rows.push_back({next_id_, first, last});
            const std::uint64_t sum = delta_checksum(step.zone, first, last, step.packed);
            if (!insert.bind(1, next_id_++)
                     .bind(2, step.zone)
                     .bind(3, std::int64_t{first})
                     .bind(4, std::int64_t{last})
                     .bind(5, static_cast<std::int64_t>(sum))
                     .bind(6, step.packed)
                     .done())
                return false;
            insert.again();
        }
        for (std::size_t i = 0; i + step.kept < rows.size(); ++i) {
            if (!remove.bind(1, rows[i].id).done()) return false;
            remove.again();
        }
    }
    return true;
}

void LedgerHistory::keep(const std::vector<Step>& steps) noexcept {
    for (const Step& step : steps) {
        const auto rows = rows_.find(step.zone);
        while (rows->second.size() > step.kept) rows->second.pop_front();
    }
    written_from_ = next_id_;
}

// write() need not have come to all of them, or have been called at all.
void LedgerHistory::forget(const std::vector<Step>& steps) noexcept {
    for (const Step& step : steps) {
        const auto rows = rows_.find(step.zone);
        if (rows == rows_.end()) continue;
        while (!rows->second.empty() && rows->second.back().id >= written_from_)
            rows->second.pop_back();
    }
    written_from_ = next_id_;
}

}  // namespace dnsd
