#include "dnsd/io/zone_store.h"

#include <algorithm>
#include <cassert>

#include <fmt/format.h>

namespace dnsd {
namespace {

// A zone with ten thousand mistakes must not bury the others.
void tell_mistakes(const ZoneRead& read, const std::string& where_all,
                   std::vector<ZoneStore::Line>& lines) {
    const std::size_t told = std::min(read.mistakes.size(), ZoneStore::mistakes_told_max);
    // Errors first: they are why the zone is not taken.
    std::vector<const zones::Mistake*> order;
    for (const auto severity : {zones::Mistake::error, zones::Mistake::warning})
        for (const zones::Mistake& mistake : read.mistakes)
            if (mistake.severity == severity && order.size() < told) order.push_back(&mistake);
    for (const zones::Mistake* mistake : order)
        lines.push_back(
            {mistake->severity == zones::Mistake::error ? Urgency::error : Urgency::warning,
             mistake->text()});
    if (told < read.mistakes.size())
        lines.push_back(
            {Urgency::warning,
             fmt::format("zone {}: {} more like these{}{}", read.source.origin.text(),
                         read.mistakes.size() - told, where_all.empty() ? "" : "; ", where_all)});
}

// As edition() wants it, when nothing was published yet: any serial will do.
zones::Serial after(const zones::Zone& zone) {
    return zone.serial().next();
}

}  // namespace

ZoneStore::ZoneStore(const zones::Catalog& base, Ledger* ledger, std::string where_all)
    : catalog_(std::make_shared<const zones::Catalog>(base)),
      ledger_(ledger),
      where_all_(std::move(where_all)) {}

void ZoneStore::add_group(const zones::Name& zone, const std::string& group,
                          const EditionRules& rules) {
    places_[zone].push_back({group, rules, std::nullopt});
}

void ZoneStore::stand(const Standing& standing) {
    for (auto& [zone, places] : places_)
        for (Place& place : places) {
            if (place.group != standing.group) continue;
            place.standing = standing;
            const auto entry = entries_.find(zone);
            if (entry != entries_.end()) entry->second.stood = true;
        }
}

void ZoneStore::admit(Admission admission) {
    admission_ = std::move(admission);
}

std::vector<ZoneStore::Line> ZoneStore::take(std::vector<ZoneRead> read) {
    std::vector<Line> lines;
    std::map<zones::Name, Entry> before = std::exchange(entries_, {});
    for (ZoneRead& one : read) {
        tell_mistakes(one, where_all_, lines);
        Entry& entry = entries_[one.source.origin];
        const auto known = before.find(one.source.origin);
        if (known != before.end()) {
            entry = std::move(known->second);
            before.erase(known);
        }
        entry.path = one.source.path;
        if (one.outcome == ZoneRead::Outcome::failed)
            lines.push_back(
                {Urgency::error,
                 entry.served
                     ? fmt::format("zone {}: the file has errors; serial {} is still served",
                                   one.source.origin.text(), entry.served->serial().value())
                     : fmt::format("zone {}: the file has errors; it is not served",
                                   one.source.origin.text())});
        if (one.outcome != ZoneRead::Outcome::loaded) continue;
        entry.file_raised = entry.file && one.zone->serial() > entry.file->serial();
        entry.file = std::move(one.zone);
        entry.content = std::move(one.content);
        // Not the reading before, but what is served counts: more than one may have come between.
        entry.content_changed = entry.content_changed || !one.same_content;
        entry.file_changed = true;
    }
    for (const auto& [zone, entry] : before)
        if (entry.served) {
            removed_.push_back(zone);
            if (retired_.size() < retired_max)
                retired_.insert_or_assign(
                    zone, Served{entry.served->serial().value(), entry.content, entry.live});
            lines.push_back(
                {Urgency::info, fmt::format("zone {}: removed, with its serial {}", zone.text(),
                                            entry.served->serial().value())});
        }
    return lines;
}

std::string ZoneStore::live_of(const zones::Name& zone) const {
    std::string text;
    const auto places = places_.find(zone);
    if (places == places_.end()) return text;
    for (const Place& place : places->second)
        if (place.standing) text += live_text(place.rules, *place.standing);
    return text;
}

// What is known of a zone that is not served now, but was.
std::optional<Served> ZoneStore::served_before(const zones::Name& zone) const {
    if (ledger_)
        if (auto before = ledger_->zone(zone)) return before;
    const auto retired = retired_.find(zone);
    return retired == retired_.end() ? std::nullopt : std::optional(retired->second);
}

// The file's records with the groups' names put in, under the serial that is due; null when that is
// what is served already.
std::shared_ptr<const zones::Zone> ZoneStore::from_file(const zones::Name& zone, Entry& entry,
                                                        const std::string& live, Outcome& outcome) {
    std::optional<zones::Serial> published;
    bool changed = entry.content_changed;
    if (entry.served) {
        published = entry.served->serial();
        changed = changed || live != entry.live;
    } else if (const auto before = served_before(zone)) {
        published = zones::Serial(before->serial);
        changed = before->file_digest != entry.content || before->live != live;
    }
    const zones::Serial in_file = entry.file->serial();
    const SerialChoice choice = choose_serial(in_file, published, changed);
    // In a zone with live names the published serial runs ahead of the file's by itself.
    const bool quiet = places_.contains(zone) && (entry.file_raised || !entry.served);
    if (std::string advice = serial_advice(zone, entry.path, in_file, published, choice);
        !advice.empty() && !quiet)
        outcome.lines.push_back({Urgency::warning, std::move(advice)});
    if (choice.rule == SerialRule::kept && entry.served) return nullptr;

    std::shared_ptr<const zones::Zone> next = entry.file;
    if (const auto places = places_.find(zone); places != places_.end())
        for (const Place& place : places->second) {
            if (!place.standing) continue;
            if (auto made = edition(*next, place.rules, *place.standing, after(*next)))
                next = std::move(made);
        }
    if (next->serial() == choice.serial) return next;
    const auto renumbered = next->with({}, choice.serial);
    assert(renumbered);  // no change of records, hence none that could be refused
    return *renumbered;
}

std::shared_ptr<const zones::Zone> ZoneStore::next_version(const zones::Name& zone, Entry& entry,
                                                           Outcome& outcome) {
    if (entry.file_changed || !entry.served) return from_file(zone, entry, live_of(zone), outcome);
    // Only standings changed: the cost is that of a few names, not of the zone.
    std::shared_ptr<const zones::Zone> next;
    const zones::Serial serial = entry.served->serial().next();
    for (const Place& place : places_.at(zone)) {
        if (!place.standing) continue;
        const zones::Zone& current = next ? *next : *entry.served;
        if (auto made = edition(current, place.rules, *place.standing, serial))
            next = std::move(made);
    }
    if (!next || next->serial() == serial) return next;
    const auto renumbered = next->with({}, serial);
    assert(renumbered);
    return *renumbered;
}

// False: the ledger could not be written, and what it was to hold must not be published.
bool ZoneStore::remember(const std::vector<Pending>& all, Outcome& outcome) {
    std::vector<Ledger::ZoneServed> served;
    for (const Pending& one : all)
        if (one.to_remember) served.emplace_back(one.zone, *one.to_remember);
    if (served.empty()) return true;
    const auto kept = ledger_->remember(served);
    if (kept) return true;
    outcome.ledger_failed = true;
    for (const auto& [zone, version] : served)
        outcome.lines.push_back(
            {Urgency::error, fmt::format("zone {}: serial {} is not published, as the ledger "
                                         "cannot be written: {}",
                                         zone.text(), version.serial, kept.error())});
    return false;
}

void ZoneStore::publish_one(Pending& one, zones::Catalog& next, Outcome& outcome) {
    Entry& entry = *one.entry;
    entry.file_changed = entry.content_changed = entry.file_raised = entry.stood = false;
    entry.live = one.live;
    if (!one.version) return;
    const zones::History* before = next.zone(one.zone);
    if (before == nullptr) outcome.zones_changed = true;
    next = next.with(before ? before->advance(one.version) : zones::History(one.version));
    outcome.catalog_changed = true;
    outcome.published.push_back(
        {one.zone, one.version->serial(),
         entry.served ? std::optional(entry.served->serial()) : std::nullopt});
    entry.served = std::move(one.version);
}

ZoneStore::Outcome ZoneStore::publish() {
    Outcome outcome;
    zones::Catalog next = *catalog_;
    if (auto rules = std::exchange(edns_, std::nullopt)) {
        next = next.with(*std::move(rules));
        outcome.catalog_changed = true;
    }
    if (const auto admission = std::exchange(admission_, std::nullopt)) {
        next = admission->onto(next);
        outcome.catalog_changed = true;
    }
    for (const zones::Name& zone : std::exchange(removed_, {})) {
        if (entries_.contains(zone)) continue;
        next = next.without(zone);
        outcome.catalog_changed = outcome.zones_changed = true;
    }
    std::vector<Pending> all;
    for (auto& [zone, entry] : entries_) {
        if (!entry.file || !(entry.file_changed || entry.stood)) continue;
        Pending one{zone, &entry, next_version(zone, entry, outcome), live_of(zone), {}};
        if (one.version && ledger_) {
            Served served{one.version->serial().value(), entry.content, one.live};
            // Known already, as after a restart: nothing to write.
            if (ledger_->zone(zone) != served) one.to_remember = std::move(served);
        }
        all.push_back(std::move(one));
    }
    const bool remembered = remember(all, outcome);
    for (Pending& one : all)
        if (remembered || !one.to_remember) publish_one(one, next, outcome);
    if (outcome.catalog_changed) catalog_ = std::make_shared<const zones::Catalog>(std::move(next));
    return outcome;
}

std::optional<zones::Serial> ZoneStore::serial(const zones::Name& zone) const {
    if (const auto version = served(zone)) return version->serial();
    return std::nullopt;
}

std::shared_ptr<const zones::Zone> ZoneStore::served(const zones::Name& zone) const {
    const auto entry = entries_.find(zone);
    return entry == entries_.end() ? nullptr : entry->second.served;
}

std::vector<zones::Name> ZoneStore::names() const {
    std::vector<zones::Name> names;
    for (const auto& [zone, entry] : entries_)
        if (entry.served) names.push_back(zone);
    return names;
}

std::vector<zones::Name> ZoneStore::read_names() const {
    std::vector<zones::Name> names;
    for (const auto& [zone, entry] : entries_)
        if (entry.file) names.push_back(zone);
    return names;
}

std::string serial_advice(const zones::Name& zone, const std::string& path, zones::Serial in_file,
                          std::optional<zones::Serial> published, const SerialChoice& choice) {
    const std::uint32_t next = choice.serial.next().value();
    switch (choice.rule) {
        case SerialRule::not_raised:
            return fmt::format(
                "zone {}: {} has other records under serial {}, which was already published; they "
                "are served as {}\nhint: write serial {} or higher into the file",
                zone.text(), path, in_file.value(), choice.serial.value(), next);
        case SerialRule::went_back:
            return fmt::format(
                "zone {}: {} has serial {}, which is not above {}, the last published; its records "
                "are served as {}, or no secondary would take them\nhint: write serial {} or "
                "higher "
                "into the file (RFC 1982)",
                zone.text(), path, in_file.value(), published->value(), choice.serial.value(),
                next);
        case SerialRule::kept:
            if (in_file == *published) return {};
            return fmt::format(
                "zone {}: {} has serial {}, which is not above {}, the last published; the records "
                "are the same, so {} stays\nhint: write serial {} into the file, and raise it with "
                "the next change",
                zone.text(), path, in_file.value(), published->value(), choice.serial.value(),
                choice.serial.value());
        case SerialRule::as_in_file:
            break;
    }
    return {};
}

}  // namespace dnsd
