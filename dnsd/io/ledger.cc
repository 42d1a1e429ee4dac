#include "dnsd/io/ledger.h"

#include "dnsd/io/ledger_rows.h"
#include "dnsd/io/ledger_store.h"

#include <map>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace dnsd {

tl::expected<void, LedgerError> Ledger::create(const std::string& path) {
    auto lock = LedgerLock::take(path);
    if (!lock) return tl::unexpected(lock.error());
    if (half_replaced(path))
        return tl::unexpected(
            LedgerError{LedgerError::Kind::exists,
                        fmt::format("the ledger {} is there already; it is not overwritten",
                                    new_ledger(path))});
    auto made = make_ledger(path);
    if (!made) return tl::unexpected(made.error());
    return {};
}

tl::expected<Ledger, LedgerError> Ledger::open(const std::string& path) {
    auto store = LedgerStore::open(path, LedgerStore::For::writing);
    if (!store) return tl::unexpected(store.error());
    return Ledger(std::move(*store));
}

tl::expected<Ledger, LedgerError> Ledger::look(const std::string& path) {
    auto store = LedgerStore::open(path, LedgerStore::For::looking);
    if (!store) return tl::unexpected(store.error());
    return Ledger(std::move(*store));
}

Ledger::Ledger(std::unique_ptr<LedgerStore> store) : store_(std::move(store)) {}
Ledger::Ledger(Ledger&&) noexcept = default;
Ledger& Ledger::operator=(Ledger&&) noexcept = default;
Ledger::~Ledger() = default;

RecordStore::Loaded Ledger::group(const std::string& name) const {
    if (const auto lost = store_->damaged.find(name); lost != store_->damaged.end())
        return tl::unexpected(lost->second);
    const auto found = store_->groups.find(name);
    if (found == store_->groups.end()) return std::nullopt;
    return found->second;
}

std::optional<Served> Ledger::zone(const zones::Name& name) const {
    const auto found = store_->zones.find(name.lowered().text());
    return found == store_->zones.end() ? std::nullopt : std::optional(found->second);
}

tl::expected<std::vector<KeptDelta>, std::string> Ledger::deltas(const zones::Name& zone) const {
    const auto served = this->zone(zone);
    if (!served || !store_->db) return std::vector<KeptDelta>{};
    return store_->history.read(*store_->db, zone.lowered().text(), served->serial);
}

std::size_t Ledger::deltas_kept(const zones::Name& zone) const {
    return store_->history.count(zone.lowered().text());
}

const std::string& Ledger::mended() const {
    return store_->mended;
}

tl::expected<void, StoreError> Ledger::store(const std::string& group,
                                             std::optional<std::uint64_t> expected,
                                             const Record& record,
                                             const std::vector<Decision>& story) {
    const auto there = this->group(group);
    const auto revision =
        there && *there ? std::optional((*there)->revision) : std::optional<std::uint64_t>();
    if (revision != expected)
        return tl::unexpected(
            StoreError{StoreError::Kind::conflict,
                       fmt::format("the record of {} has revision {}, expected was {}", group,
                                   revision ? fmt::to_string(*revision) : "none",
                                   expected ? fmt::to_string(*expected) : "none")});
    std::map<std::string, Record> known{{group, record}};
    if (auto written =
            store_->write({{std::string(group_kind), group, record_text(record)}}, {}, story);
        !written)
        return tl::unexpected(StoreError{StoreError::Kind::failed, written.error()});
    store_->keep(known);
    return {};
}

RecordStore Ledger::records() {
    return {[this](const std::string& name) { return group(name); },
            [this](const std::string& name, std::optional<std::uint64_t> expected,
                   const Record& record, const std::vector<Decision>& story) {
                return store(name, expected, record, story);
            }};
}

tl::expected<void, std::string> Ledger::tell(const std::vector<Decision>& story) {
    if (story.empty()) return {};
    return store_->write_story(story);
}

std::vector<Decision> Ledger::decisions(const std::string& group, std::size_t limit,
                                        std::uint64_t before, std::int64_t since_ms) const {
    if (!store_->db) return {};
    return store_->events.read(*store_->db, group, before, since_ms, limit);
}

tl::expected<void, std::string> Ledger::remember(const std::vector<ZoneServed>& zones) {
    if (zones.empty()) return {};
    std::vector<LedgerRow> rows;
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
        rows.push_back({std::string(zone_kind), std::move(name), row_text(one.served)});
    }
    auto written = store_->write(std::move(rows), steps, {});
    if (written) store_->keep(known);
    return written;
}

tl::expected<void, std::string> Ledger::remember(const zones::Name& zone, const Served& served) {
    return remember(std::vector<ZoneServed>{{zone, served}});
}

}  // namespace dnsd
