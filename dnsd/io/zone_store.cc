#include "dnsd/io/zone_store.h"

#include "dnsd/io/zone_past.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

namespace dnsd {
namespace {

// The highest of the file's serials that were taken; one that went back was not.
zones::Serial file_serial_after(zones::Serial in_file, const SerialsBefore& before,
                                const SerialChoice& choice) {
    const bool stays = choice.rule == SerialRule::kept && before.file && !(in_file > *before.file);
    return stays ? *before.file : in_file;
}

}  // namespace

ZoneStore::ZoneStore(const zones::Catalog& base, Ledger* ledger, std::string where_all,
                     zones::HistoryLimits limits)
    : catalog_(std::make_shared<const zones::Catalog>(base)),
      ledger_(ledger),
      where_all_(std::move(where_all)),
      limits_(limits) {}

void ZoneStore::add_group(const zones::Name& zone, const std::string& group,
                          const EditionRules& rules) {
    places_.add(zone, group, rules);
}

void ZoneStore::stand(const Standing& standing) {
    places_.stand(standing, [this](const zones::Name& zone, bool other_master) {
        const auto entry = entries_.find(zone);
        if (entry == entries_.end()) return;
        entry->second.stood = true;
        // Clients write to whom the elected name names: that waits for nothing.
        if (other_master) entry->second.urgent = true;
    });
}

void ZoneStore::admit(Admission admission) {
    admission_ = std::move(admission);
}

void ZoneStore::judge(std::vector<ZoneRead>& read) {
    for (ZoneRead& one : read) {
        const auto found = entries_.find(one.source.origin);
        if (found == entries_.end() || !found->second.served) continue;
        Entry& entry = found->second;
        if (one.outcome == ZoneRead::Outcome::loaded) {
            entry.refused.reset();
            const SerialsBefore before{entry.served->serial(), entry.served_file};
            const SerialChoice choice =
                choose_serial(one.zone->serial(), before, one.content != entry.served_content,
                              SerialStyle::counter, 0);
            if (choice.rule == SerialRule::went_back)
                entry.refused = serial_went_back(one.soa, one.zone->serial(), before, std::nullopt);
        }
        // The reader takes it for read, and says nothing more of it until it is written again.
        if (!entry.refused || one.outcome == ZoneRead::Outcome::failed) continue;
        one.mistakes.push_back(*entry.refused);
        one.outcome = ZoneRead::Outcome::failed;
    }
}

std::vector<ZoneStore::Line> ZoneStore::take(std::vector<ZoneRead> read) {
    judge(read);
    std::vector<Line> lines;
    std::set<zones::Name> named;
    std::map<zones::Name, Entry> fresh;
    for (const ZoneRead& one : read) {
        named.insert(one.source.origin);
        const auto known = entries_.find(one.source.origin);
        if (known == entries_.end()) fresh.try_emplace(one.source.origin);
        tell_mistakes(one, where_all_, lines);
        if (one.outcome != ZoneRead::Outcome::failed) continue;
        const zones::Zone* served = known == entries_.end() ? nullptr : known->second.served.get();
        lines.push_back(
            {Urgency::error,
             served ? fmt::format("zone {}: the file has errors; serial {} is still served",
                                  one.source.origin.text(), served->serial().value())
                    : fmt::format("zone {}: the file has errors; it is not served",
                                  one.source.origin.text())});
    }
    std::vector<zones::Name> gone, removed = removed_;
    std::map<zones::Name, Served> retired;
    for (const auto& [zone, entry] : entries_) {
        if (named.contains(zone)) continue;
        gone.push_back(zone);
        if (!entry.served) continue;
        removed.push_back(zone);
        std::optional<std::uint32_t> file;
        if (entry.served_file) file = entry.served_file->value();
        if (retired_.size() + retired.size() < retired_max)
            retired.emplace(zone, Served{entry.served->serial().value(), entry.served_content,
                                         entry.live, file});
        lines.push_back({Urgency::info, fmt::format("zone {}: removed, with its serial {}",
                                                    zone.text(), entry.served->serial().value())});
    }
    // Nothing from here on needs memory: all is taken.
    entries_.merge(fresh);
    removed_.swap(removed);
    for (const zones::Name& zone : gone) {
        entries_.erase(zone);
        pacer_.dropped(zone);
    }
    retired.merge(retired_);
    retired_.swap(retired);
    for (ZoneRead& one : read) {
        Entry& entry = entries_.find(one.source.origin)->second;
        entry.path = std::move(one.source.path);
        if (one.outcome != ZoneRead::Outcome::loaded) continue;
        entry.file = std::move(one.zone);
        entry.content = std::move(one.content);
        entry.soa = std::move(one.soa);
        entry.difference = std::move(one.difference);
        entry.file_changed = true;
        entry.owed = false;
    }
    return lines;
}

// What is known of a zone that is not served now, but was.
std::optional<Served> ZoneStore::served_before(const zones::Name& zone) const {
    if (ledger_)
        if (auto before = ledger_->zone(zone)) return before;
    const auto retired = retired_.find(zone);
    return retired == retired_.end() ? std::nullopt : std::optional(retired->second);
}

SerialStyle ZoneStore::style_of(const zones::Name& zone) const {
    const auto style = styles_.find(zone);
    return style == styles_.end() ? SerialStyle::counter : style->second;
}

// Only standings changed.
void ZoneStore::from_standings(Pending& one, const Moment& moment) const {
    const zones::Zone& served = *one.entry->served;
    auto next = places_.renewed(
        one.zone, served, serial_after(served.serial(), style_of(one.zone), moment.unix_seconds));
    if (!next) return;
    one.history = catalog_->zone(one.zone)->advance(std::move(next));
    one.advanced = true;
}

void ZoneStore::advise(const Pending& one, const Numbered& numbered,
                       std::vector<Line>& lines) const {
    const auto& [before, choice] = numbered;
    const zones::Serial in_file = one.entry->file->serial();
    // Where serials are made here, live names and styles take them ahead of the file's by
    // themselves.
    const bool live = places_.has(one.zone);
    const bool raised = before.file && in_file > *before.file;
    if (live && (raised || !one.entry->served || choice.rule == SerialRule::kept)) return;
    if (style_of(one.zone) != SerialStyle::counter && choice.rule != SerialRule::not_raised) return;
    if (std::string advice = serial_advice(one.zone, one.entry->path, in_file, before, choice);
        !advice.empty())
        lines.push_back({Urgency::warning, std::move(advice)});
}

// A file that was read anew, of a zone that is served.
void ZoneStore::from_file(Pending& one, const Moment& moment, std::vector<Line>& lines) const {
    const Entry& entry = *one.entry;
    const zones::Serial in_file = entry.file->serial();
    Numbered numbered{{entry.served->serial(), entry.served_file}, {in_file, SerialRule::kept}};
    const bool changed = entry.content != entry.served_content || one.live != entry.live ||
                         (entry.served_file && in_file > *entry.served_file);
    numbered.choice =
        choose_serial(in_file, numbered.before, changed, style_of(one.zone), moment.unix_seconds);
    advise(one, numbered, lines);
    one.file_serial = file_serial_after(in_file, numbered.before, numbered.choice);
    if (numbered.choice.rule == SerialRule::kept) return;
    one.history = catalog_->zone(one.zone)->advance(
        places_.put_into(one.zone, entry.file, numbered.choice.serial), entry.difference.get());
    one.advanced = true;
}

// A zone that is not served, but was: before a restart, or before it was removed.
void ZoneStore::from_past(Pending& one, const Served& before, const Moment& moment,
                          std::vector<Line>& lines) const {
    const Entry& entry = *one.entry;
    const zones::Serial in_file = entry.file->serial();
    const bool same_file = before.file_digest == entry.content;
    const bool same_live = before.live == one.live;
    Numbered numbered{{zones::Serial(before.serial), std::nullopt}, {in_file, SerialRule::kept}};
    if (before.file_serial) numbered.before.file = zones::Serial(*before.file_serial);
    numbered.choice = choose_serial(in_file, numbered.before, !same_file || !same_live,
                                    style_of(one.zone), moment.unix_seconds);
    if (numbered.choice.rule == SerialRule::went_back && !same_file)
        lines.push_back(
            {Urgency::error,
             serial_went_back(entry.soa, in_file, numbered.before, numbered.choice.serial).text()});
    else
        advise(one, numbered, lines);
    one.file_serial = file_serial_after(in_file, numbered.before, numbered.choice);
    auto version = places_.put_into(one.zone, entry.file, numbered.choice.serial);
    ZonePast past;
    if (ledger_) past = past_of(*ledger_, one.zone);
    if (!past.damage.empty()) lines.push_back({Urgency::warning, std::move(past.damage)});
    // Which records another file had is known to nobody any more: no chain leads over it.
    if (!same_file) {
        one.history.emplace(std::move(version), limits_);
        return;
    }
    const auto old =
        numbered.choice.rule == SerialRule::kept ? version : as_served(*entry.file, before);
    if (!old) {
        one.history.emplace(std::move(version), limits_);
        return;
    }
    one.history = zones::History::resume(old, past.deltas, limits_);
    one.advanced = old != version;
    if (one.advanced) one.history = one.history->advance(std::move(version));
}

std::vector<ZoneStore::Pending> ZoneStore::pending(const Moment& moment, std::vector<Line>& lines) {
    std::vector<Pending> all;
    for (auto& [zone, entry] : entries_) {
        if (!entry.file || !(entry.file_changed || entry.stood)) continue;
        Pending one{zone,  &entry, {}, false, entry.content, places_.text(zone), entry.served_file,
                    false, {}};
        one.paced = entry.served && !entry.file_changed;
        // What is said of its file was said at the first try.
        std::vector<Line> said_before;
        std::vector<Line>& of_file = entry.owed ? said_before : lines;
        if (one.paced) {
            if (!pacer_.wanted(zone, entry.urgent, moment.now)) continue;
            from_standings(one, moment);
        } else if (entry.served) {
            from_file(one, moment, of_file);
        } else if (const auto before = served_before(zone)) {
            from_past(one, *before, moment, of_file);
        } else {
            one.file_serial = entry.file->serial();
            one.history.emplace(places_.put_into(zone, entry.file, entry.file->serial()), limits_);
        }
        if (one.history && ledger_) {
            Served served{one.history->newest()->serial().value(), one.content, one.live,
                          one.file_serial->value()};
            // As after a restart.
            const bool known =
                ledger_->zone(zone) == served && ledger_->deltas_kept(zone) == one.history->size();
            if (!known)
                one.to_remember = to_keep(zone, std::move(served), *one.history, one.advanced);
        }
        all.push_back(std::move(one));
    }
    return all;
}

// An error: the ledger could not be written, and what it was to hold must not be published.
tl::expected<void, std::string> ZoneStore::remember(const std::vector<Pending>& all) {
    std::vector<ZoneServed> served;
    for (const Pending& one : all)
        if (one.to_remember) served.push_back(*one.to_remember);
    return served.empty() ? tl::expected<void, std::string>() : ledger_->remember(served);
}

// What is to be published, and what is said of it. `remembered`: the ledger holds what it was to.
ZoneStore::Draft ZoneStore::draft(const std::vector<Pending>& all, bool remembered) const {
    Draft out;
    zones::Catalog next = *catalog_;
    if (edns_) next = next.with(*edns_);
    if (admission_) next = admission_->onto(next);
    out.outcome.catalog_changed = edns_ || admission_;
    for (const zones::Name& zone : removed_) {
        if (entries_.contains(zone)) continue;
        next = next.without(zone);
        out.outcome.catalog_changed = out.outcome.zones_changed = true;
    }
    for (const Pending& one : all) {
        if (!one.history || (one.to_remember && !remembered)) continue;
        if (next.zone(one.zone) == nullptr) out.outcome.zones_changed = true;
        next = next.with(*one.history);
        out.outcome.catalog_changed = true;
        out.outcome.published.push_back(
            {one.zone, one.history->newest()->serial(),
             one.entry->served ? std::optional(one.entry->served->serial()) : std::nullopt});
    }
    out.catalog = out.outcome.catalog_changed
                      ? std::make_shared<const zones::Catalog>(std::move(next))
                      : catalog_;
    return out;
}

// Once for each zone, unless the ledger has another reason by now.
void ZoneStore::tell_unwritten(const std::vector<Pending>& all, const std::string& why,
                               std::vector<Line>& lines) const {
    for (const Pending& one : all)
        if (one.to_remember && !(one.entry->owed && why == unwritten_why_))
            lines.push_back({Urgency::error,
                             fmt::format("zone {}: serial {} is not published, as the ledger can "
                                         "not be written: {}",
                                         one.zone.text(), one.to_remember->served.serial, why)});
}

// A try before its time, for something else that is to be published, does not count.
heartbeat::Duration ZoneStore::retry_in(heartbeat::Instant now) noexcept {
    if (now >= retry_at_) {
        retry_wait_ = std::clamp(2 * retry_wait_, retry_first, retry_last);
        retry_at_ = now + retry_wait_;
    }
    return retry_at_ - now;
}

void ZoneStore::commit(std::vector<Pending>& all, bool remembered, const Moment& moment) noexcept {
    edns_.reset();
    admission_.reset();
    removed_.clear();
    for (Pending& one : all) {
        Entry& entry = *one.entry;
        entry.owed = one.to_remember && !remembered;
        if (entry.owed) continue;
        entry.file_changed = entry.stood = entry.urgent = false;
        entry.difference.reset();
        entry.live = std::move(one.live);
        entry.served_content = std::move(one.content);
        entry.served_file = one.file_serial;
        if (one.history) entry.served = one.history->newest();
        if (one.paced && one.history)
            pacer_.published(one.zone, moment.now);
        else
            pacer_.dropped(one.zone);
    }
}

ZoneStore::Outcome ZoneStore::publish(const Moment& moment) {
    std::vector<Line> lines;
    std::vector<Pending> all = pending(moment, lines);
    // All that needs memory is made before the ledger is written: what it holds is published.
    Draft next = draft(all, true);
    std::vector<Line> good = lines;
    for (const Pending& one : all)
        if (one.to_remember && one.entry->owed)
            good.push_back(
                {Urgency::info, fmt::format("zone {}: the ledger can be written again; "
                                            "serial {} is published",
                                            one.zone.text(), one.to_remember->served.serial)});
    auto kept = remember(all);
    if (kept) {
        lines = std::move(good);
        retry_wait_ = {};
        retry_at_ = {};
    } else {
        next = draft(all, false);
        tell_unwritten(all, kept.error(), lines);
        unwritten_why_ = std::move(kept.error());
        next.outcome.ledger_failed = true;
        next.outcome.again_in = retry_in(moment.now);
    }
    next.outcome.lines = std::move(lines);
    catalog_ = std::move(next.catalog);
    commit(all, kept.has_value(), moment);
    return std::move(next.outcome);
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

}  // namespace dnsd
