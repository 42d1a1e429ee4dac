#include "dnsd/publish/notifier.h"

#include <algorithm>
#include <array>
#include <cassert>

namespace dnsd {

namespace {

using namespace std::chrono_literals;
using Duration = heartbeat::Duration;

// RFC 1996 §3.6 proposes 60 s; ours start at what a round trip may take, because a lost NOTIFY
// holds back a failover, and end there.
constexpr std::array<Duration, 9> waits{100ms, 400ms, 1s, 2s, 4s, 8s, 16s, 32s, 60s};

Duration wait_after(unsigned tries) {
    if (tries >= Notifier::tries_max) return Notifier::slow;
    return waits[std::min<std::size_t>(tries - 1, waits.size() - 1)];
}

// A journal line when a secondary has not answered for this long: a restart of it takes less.
constexpr unsigned tries_before_note = 5;
// Time for the secondary to fetch what it was told of, before it is asked what it has.
constexpr Duration fetch_time = 250ms;

constexpr std::uint8_t rcode_noerror = 0, rcode_refused = 5, rcode_notauth = 9;

// Its configuration knows nothing of us or of the zone. All else may pass by itself.
bool needs_a_person(std::uint8_t rcode) {
    return rcode == rcode_refused || rcode == rcode_notauth;
}

// Versions have travelled, or began to.
bool is_transfer(TransferResult result) {
    return result == TransferResult::done || result == TransferResult::aborted ||
           result == TransferResult::timed_out;
}

}  // namespace

Notifier::Notifier(std::vector<Target> targets, std::uint64_t seed) : random_(seed) {
    assert(targets.size() <= targets_max);
    for (Target& target : targets) entries_.push_back({std::move(target), {}, {}});
    index();
}

// All that is found by: after a change of entries_.
void Notifier::index() {
    std::map<zones::Name, ZoneEntries> before = std::exchange(by_zone_, {});
    std::map<Place, Counts> counted = std::exchange(counts_, {});
    fresh_.clear();
    again_.clear();
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        const Target& target = entries_[i].target;
        const auto [zone, is_new] = by_zone_.try_emplace(target.zone);
        if (const auto old = before.find(target.zone); is_new && old != before.end())
            zone->second.recent = std::move(old->second.recent);
        zone->second.entries.push_back(i);
        const Place place{target.address, target.port};
        const auto known = counted.find(place);
        counts_.try_emplace(place, known == counted.end() ? Counts{} : known->second);
        entries_[i].queued_at = Instant::max();
        schedule(i);
    }
}

// Puts the entry where its due times belong.
void Notifier::schedule(std::size_t at) {
    Entry& entry = entries_[at];
    const bool fresh = entry.tries == 0 && entry.due <= entry.ask_due;
    const Instant when = std::min(entry.due, entry.ask_due);
    if (when == entry.queued_at && fresh == entry.queued_fresh) return;
    if (entry.queued_at != Instant::max())
        (entry.queued_fresh ? fresh_ : again_).erase({entry.queued_at, at});
    if (when != Instant::max()) (fresh ? fresh_ : again_).insert({when, at});
    entry.queued_at = when;
    entry.queued_fresh = fresh;
}

const Notifier::ZoneEntries& Notifier::of(const zones::Name& zone) const {
    static const ZoneEntries none;
    const auto found = by_zone_.find(zone);
    return found == by_zone_.end() ? none : found->second;
}

// Those of the zone that a request from there may be of. A key tells two at one address apart.
std::vector<std::size_t> Notifier::at_address(const zones::Name& zone,
                                              const heartbeat::Address& address,
                                              const std::optional<zones::Name>& key) const {
    std::vector<std::size_t> all, by_key;
    for (const std::size_t at : of(zone).entries) {
        if (entries_[at].target.address != address) continue;
        all.push_back(at);
        if (key && entries_[at].target.key == key) by_key.push_back(at);
    }
    return by_key.empty() ? all : by_key;
}

// SplitMix64. An id need only be hard to guess for one who does not see the datagrams; he who
// forges an answer gains that a secondary hears of a change by its refresh timer.
std::uint16_t Notifier::draw_id() {
    random_ += 0x9e3779b97f4a7c15;
    std::uint64_t z = random_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return static_cast<std::uint16_t>((z ^ (z >> 31)) >> 48);
}

std::vector<Notifier::Effect> Notifier::step(const Event& event, Instant now) {
    std::vector<Effect> effects;
    std::visit([&](const auto& e) { on(e, now, effects); }, event);
    send_due(now, effects);
    return effects;
}

void Notifier::on(const VersionPublished& event, Instant now, std::vector<Effect>&) {
    const auto zone = by_zone_.find(event.zone);
    if (zone == by_zone_.end()) return;
    std::vector<zones::Serial>& recent = zone->second.recent;
    if (recent.empty() || recent.back() != event.serial) recent.push_back(event.serial);
    if (recent.size() > recent_max) recent.erase(recent.begin());
    for (const std::size_t at : zone->second.entries) {
        if (entries_[at].newest == event.serial) continue;
        replace(entries_[at], event.serial, now);
        schedule(at);
    }
}

// What was outstanding is replaced: the secondary wants the newest version and no other. While it
// transfers, it would do no more with a NOTIFY than remember it (BIND, NSD and Knot all do), so
// that waiting for the end costs it nothing and spares it a NOTIFY a version.
void Notifier::replace(Entry& entry, zones::Serial serial, Instant now) {
    const bool was_current = entry.current() || !entry.newest;
    entry.newest = serial;
    entry.id = draw_id();
    entry.tries = 0;
    entry.asks = 0;
    entry.silent = 0;
    entry.state = SecondaryStatus::Notify::unanswered;
    std::erase_if(entry.transfers,
                  [&](const Transfer& one) { return one.begun + transfer_age_max <= now; });
    if (entry.transfers.empty()) {
        entry.due = now;
    } else if (!entry.held) {
        entry.held = true;
        entry.due = now + hold_max;
    }
    entry.ask_due = Instant::max();
    if (was_current) entry.behind_since = now;
}

void Notifier::on(const AnswerHeard& event, Instant now, std::vector<Effect>& effects) {
    for (const std::size_t at : of(event.zone).entries) {
        Entry& entry = entries_[at];
        if (entry.target.address != event.address || entry.target.port != event.port ||
            entry.id != event.id || entry.target.key != event.signer || entry.tries == 0)
            continue;
        // To the same NOTIFY once more.
        if (entry.state == SecondaryStatus::Notify::acknowledged && entry.silent == 0) return;
        Counts& counts = counts_[{event.address, event.port}];
        entry.silent = 0;
        entry.rcode = event.rcode;
        entry.falsely_answered = false;
        if (event.rcode != rcode_noerror) {
            const bool refuses = needs_a_person(event.rcode);
            ++counts.refused;
            if (entry.state != SecondaryStatus::Notify::refused)
                effects.push_back(
                    Note{entry.target, (refuses ? "refuses" : "answers") +
                                           (" NOTIFY with rcode " + std::to_string(event.rcode))});
            entry.state = SecondaryStatus::Notify::refused;
            entry.troubled = true;
            // Somebody has to change its configuration: it is asked again, but slowly.
            if (refuses) entry.due = now + waits.back();
        } else {
            ++counts.acknowledged;
            entry.state = SecondaryStatus::Notify::acknowledged;
            entry.due = Instant::max();
        }
        if (!entry.current() && entry.ask_due == Instant::max()) entry.ask_due = now + fetch_time;
        schedule(at);
        return;
    }
}

// RFC 8945 §5.3: as if it had not come. Said once, for a key that differs is a person's mistake.
void Notifier::on(const FalseAnswerHeard& event, Instant, std::vector<Effect>& effects) {
    const auto counts = counts_.find({event.address, event.port});
    if (counts == counts_.end()) return;
    ++counts->second.unverified;
    for (const std::size_t at : of(event.zone).entries) {
        Entry& entry = entries_[at];
        if (entry.target.address != event.address || entry.target.port != event.port ||
            entry.falsely_answered)
            continue;
        entry.falsely_answered = true;
        effects.push_back(Note{entry.target, "its answer " + event.why + ", and does not count"});
    }
}

// What was handed to the kernel need not have come, and a person with dig at that address is no
// secondary: a transfer proves nothing, but is a good moment to ask.
void Notifier::on(const SecondaryAsked& event, Instant now, std::vector<Effect>&) {
    for (const std::size_t at : at_address(event.zone, event.address, std::nullopt)) {
        Entry& entry = entries_[at];
        if (event.has) {
            entry.asked = event.has;
            entry.asked_at = now;
        }
        if (!entry.newest) continue;
        entry.ask_due = std::min(entry.ask_due, now + fetch_time);
        schedule(at);
    }
}

// By another key, or without one, it is not the secondary: a person with dig, say, or a neighbour
// behind the same NAT. Of two that it may be nobody knows which: both are told at once, as ever.
void Notifier::on(const TransferBegun& event, Instant now, std::vector<Effect>&) {
    Entry* peer = nullptr;
    for (const std::size_t at : of(event.zone).entries) {
        Entry& entry = entries_[at];
        if (entry.target.address != event.address || entry.target.key != event.key) continue;
        if (peer) return;
        peer = &entry;
    }
    if (peer && peer->transfers.size() < transfers_max)
        peer->transfers.push_back({event.transfer, now});
}

// Its number tells for whom it had begun: by now another may have its address and key.
void Notifier::end_transfer(const TransferEnded& event, Instant now) {
    for (const std::size_t at : of(event.zone).entries) {
        Entry& entry = entries_[at];
        std::erase_if(entry.transfers,
                      [&](const Transfer& one) { return one.number == event.transfer; });
        if (!entry.held || !entry.transfers.empty()) continue;
        entry.held = false;
        // It was just sent what it would be told of: only if that got lost is it told.
        const bool has_newest =
            event.seen.result == TransferResult::done && event.seen.serial == entry.newest;
        entry.due = has_newest ? now + 2 * fetch_time : now;
        schedule(at);
    }
}

void Notifier::on(const TransferEnded& event, Instant now, std::vector<Effect>&) {
    end_transfer(event, now);
    const auto peers = at_address(event.zone, event.address, event.key);
    std::set<Place> counted;
    for (const std::size_t at : peers) {
        Entry& entry = entries_[at];
        if (is_transfer(event.seen.result)) {
            entry.last_transfer = event.seen;
            entry.last_transfer->ended = now;
        }
        if (counted.insert({entry.target.address, entry.target.port}).second)
            counts_[{entry.target.address, entry.target.port}].transfers.add(event.seen.kind,
                                                                             event.seen.result);
        if (entry.newest && !entry.current())
            entry.ask_due = std::min(entry.ask_due, now + fetch_time);
        schedule(at);
    }
    if (peers.empty()) other_transfers_.add(event.seen.kind, event.seen.result);
}

void Notifier::on(const SerialHeard& event, Instant now, std::vector<Effect>& effects) {
    for (const std::size_t at : of(event.zone).entries) {
        Entry& entry = entries_[at];
        if (entry.target.address != event.address || entry.target.port != event.port ||
            entry.id != event.id || entry.target.key != event.signer || entry.asks == 0)
            continue;
        entry.falsely_answered = false;
        learn(entry, event.serial, now, effects);
        schedule(at);
        return;
    }
}

namespace {

// The serial is not followed by itself: a secondary that lies would push it around the circle.
std::string ahead_of_ours(zones::Serial has, zones::Serial ours) {
    std::string text = "has serial " + std::to_string(has.value()) + ", which is ahead of ours, " +
                       std::to_string(ours.value()) + "; ";
    // RFC 1982 §7: from half the circle away no single step leads.
    if (!(has.next() > ours)) return text + "remove its copy of the zone, it takes ours then";
    return text + "if it is right, as after an older ledger was put back, write serial " +
           std::to_string(has.next().value()) +
           " or higher into the zone's file and reload; if not, remove its copy";
}

}  // namespace

void Notifier::learn(Entry& entry, zones::Serial has, Instant now, std::vector<Effect>& effects) {
    const bool was_current = entry.current();
    entry.has = has;
    if (!entry.current()) {
        if (was_current) entry.behind_since = now;
        // RFC 1982: it will take none of our versions until ours have passed its own.
        if (entry.ahead() && !entry.told_ahead) {
            effects.push_back(Note{entry.target, ahead_of_ours(has, *entry.newest)});
            entry.told_ahead = true;
        }
        // It took the NOTIFY, and then its transfer failed: nothing but its refresh timer, or we,
        // make it come again.
        if (entry.newest && has < *entry.newest && entry.transfers.empty() &&
            entry.state == SecondaryStatus::Notify::acknowledged && entry.due == Instant::max())
            entry.due = now;
        return;
    }
    // It has the newest version: there is nothing left to tell it or to ask it.
    entry.due = Instant::max();
    entry.ask_due = Instant::max();
    entry.held = false;
    if (entry.troubled || entry.told_ahead)
        effects.push_back(Note{entry.target, "has serial " + std::to_string(has.value()) +
                                                 " and is no longer " +
                                                 (entry.told_ahead ? "ahead" : "behind")});
    entry.troubled = entry.told_ahead = false;
}

void Notifier::on(const TargetsChanged& event, Instant now, std::vector<Effect>&) {
    assert(event.targets.size() <= targets_max);
    std::vector<Entry> entries;
    for (const Target& target : event.targets) {
        const std::vector<std::size_t>& peers = of(target.zone).entries;
        const auto known = std::find_if(peers.begin(), peers.end(), [&](std::size_t at) {
            return entries_[at].target.same_place(target);
        });
        if (known != peers.end()) {
            Entry& kept = entries.emplace_back(entries_[*known]);
            // Another key: what was wrong with the old one may be mended, so it is told anew.
            if (kept.target.key != target.key) {
                kept.falsely_answered = false;
                if (kept.newest && !kept.current()) replace(kept, *kept.newest, now);
            }
            kept.target = target;
            continue;
        }
        Entry fresh{target, {}, {}};
        // One that is new is told what the others of its zone have been told.
        const auto peer = std::find_if(peers.begin(), peers.end(),
                                       [&](std::size_t at) { return entries_[at].newest; });
        if (peer != peers.end()) replace(fresh, *entries_[*peer].newest, now);
        entries.push_back(std::move(fresh));
    }
    entries_ = std::move(entries);
    index();
}

void Notifier::on(const ClockTicked&, Instant, std::vector<Effect>&) {}

void Notifier::send_notify(Entry& entry, Instant now, std::vector<Effect>& effects) {
    effects.push_back(SendNotify{entry.target, entry.id, *entry.newest});
    ++counts_[{entry.target.address, entry.target.port}].sent;
    ++entry.tries;
    // The one before was not answered, whatever those before it were.
    if (entry.silent > 0 && entry.state == SecondaryStatus::Notify::acknowledged)
        entry.state = SecondaryStatus::Notify::unanswered;
    if (entry.silent++ == 0) entry.silent_since = now;
    entry.held = false;
    const bool slowly =
        entry.state == SecondaryStatus::Notify::refused && needs_a_person(entry.rcode);
    entry.due = now + (slowly ? waits.back() : wait_after(entry.tries));
    note_trouble(entry, effects);
    // A secondary behind a filter that eats NOTIFY may still follow by its refresh timer.
    if (entry.tries == tries_before_note && entry.ask_due == Instant::max())
        entry.ask_due = now + fetch_time;
}

void Notifier::note_trouble(Entry& entry, std::vector<Effect>& effects) {
    const bool acknowledged = entry.state == SecondaryStatus::Notify::acknowledged && entry.has;
    if (entry.troubled || (acknowledged ? entry.tries : entry.silent) < tries_before_note) return;
    const std::string serial = std::to_string(entry.newest->value());
    effects.push_back(
        Note{entry.target, acknowledged
                               ? "acknowledges NOTIFY of serial " + serial +
                                     ", but still has serial " + std::to_string(entry.has->value())
                               : "has left " + std::to_string(entry.silent - 1) +
                                     " NOTIFYs of serial " + serial + " without an answer"});
    entry.troubled = true;
}

void Notifier::send_ask(Entry& entry, Instant now, std::vector<Effect>& effects) {
    effects.push_back(AskSerial{entry.target, entry.id});
    ++entry.asks;
    entry.ask_due = now + std::max<Duration>(1s, wait_after(entry.asks));
}

// RFC 1996 §3.4 leaves pacing to us: a burst at a time, first those who have not been told at all.
void Notifier::send_due(Instant now, std::vector<Effect>& effects) {
    if (now < paced_until_) return;
    std::size_t sent = 0;
    for (Queue* queue : {&fresh_, &again_})
        while (sent < burst_max && !queue->empty() && queue->begin()->first <= now) {
            const std::size_t at = queue->begin()->second;
            Entry& entry = entries_[at];
            if (entry.due <= now) {
                send_notify(entry, now, effects);
                ++sent;
            }
            if (entry.ask_due <= now && sent < burst_max) {
                send_ask(entry, now, effects);
                ++sent;
            }
            schedule(at);
        }
    if (sent == burst_max) paced_until_ = now + pace;
}

heartbeat::Instant Notifier::wakes_at() const {
    Instant first = Instant::max();
    for (const Queue* queue : {&fresh_, &again_})
        if (!queue->empty()) first = std::min(first, queue->begin()->first);
    return first == Instant::max() ? first : std::max(first, paced_until_);
}

}  // namespace dnsd
