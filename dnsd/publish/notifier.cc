#include "dnsd/publish/notifier.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <tuple>

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

constexpr std::uint8_t rcode_noerror = 0;

}  // namespace

std::string_view name_of(SecondaryStatus::Notify notify) {
    switch (notify) {
        case SecondaryStatus::Notify::none:
            return "none";
        case SecondaryStatus::Notify::acknowledged:
            return "acknowledged";
        case SecondaryStatus::Notify::unanswered:
            return "unanswered";
        case SecondaryStatus::Notify::refused:
            return "refused";
    }
    return "none";
}

Notifier::Notifier(std::vector<Target> targets, std::uint64_t seed) : random_(seed) {
    assert(targets.size() <= targets_max);
    for (Target& target : targets) entries_.push_back({std::move(target), {}, {}});
    index();
}

void Notifier::index() {
    by_zone_.clear();
    for (std::size_t i = 0; i < entries_.size(); ++i)
        by_zone_[entries_[i].target.zone].push_back(i);
}

const std::vector<std::size_t>& Notifier::of(const zones::Name& zone) const {
    static const std::vector<std::size_t> none;
    const auto found = by_zone_.find(zone);
    return found == by_zone_.end() ? none : found->second;
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
    for (const std::size_t at : of(event.zone)) {
        Entry& entry = entries_[at];
        if (entry.newest == event.serial) continue;
        // What was outstanding is replaced: the secondary wants the newest version and no other.
        const bool was_current = entry.current() || !entry.newest;
        entry.newest = event.serial;
        entry.id = draw_id();
        entry.tries = 0;
        entry.asks = 0;
        entry.state = SecondaryStatus::Notify::unanswered;
        entry.due = now;
        entry.ask_due = Instant::max();
        if (was_current) entry.behind_since = now;
    }
}

void Notifier::on(const AnswerHeard& event, Instant now, std::vector<Effect>& effects) {
    for (const std::size_t at : of(event.zone)) {
        Entry& entry = entries_[at];
        if (entry.target.address != event.address || entry.target.port != event.port ||
            entry.id != event.id || entry.tries == 0 ||
            entry.state == SecondaryStatus::Notify::acknowledged)
            continue;
        if (event.rcode != rcode_noerror) {
            if (entry.state != SecondaryStatus::Notify::refused)
                effects.push_back(
                    Note{entry.target, "refuses NOTIFY with rcode " + std::to_string(event.rcode)});
            entry.state = SecondaryStatus::Notify::refused;
            entry.troubled = true;
            // Somebody has to change its configuration: it is asked again, but slowly.
            entry.due = now + waits.back();
        } else {
            entry.state = SecondaryStatus::Notify::acknowledged;
            entry.due = Instant::max();
        }
        if (!entry.current() && entry.ask_due == Instant::max()) entry.ask_due = now + fetch_time;
        return;
    }
}

// What was handed to the kernel need not have come, and a person with dig at that address is no
// secondary: a transfer proves nothing, but is a good moment to ask.
void Notifier::on(const SecondaryAsked& event, Instant now, std::vector<Effect>&) {
    for (const std::size_t at : of(event.zone)) {
        Entry& entry = entries_[at];
        if (entry.target.address == event.address && entry.newest)
            entry.ask_due = std::min(entry.ask_due, now + fetch_time);
    }
}

void Notifier::on(const SerialHeard& event, Instant now, std::vector<Effect>& effects) {
    for (const std::size_t at : of(event.zone)) {
        Entry& entry = entries_[at];
        if (entry.target.address != event.address || entry.target.port != event.port ||
            entry.id != event.id || entry.asks == 0)
            continue;
        learn(entry, event.serial, now, effects);
        return;
    }
}

void Notifier::learn(Entry& entry, zones::Serial has, Instant now, std::vector<Effect>& effects) {
    const bool was_current = entry.current();
    entry.has = has;
    if (!entry.current()) {
        if (was_current) entry.behind_since = now;
        // RFC 1982: it will take none of our versions until ours have passed its own.
        if (entry.newest && !(has < *entry.newest) && !entry.troubled) {
            effects.push_back(Note{entry.target, "has serial " + std::to_string(has.value()) +
                                                     ", which is ahead of ours, " +
                                                     std::to_string(entry.newest->value())});
            entry.troubled = true;
        }
        return;
    }
    // It has the newest version: there is nothing left to tell it or to ask it.
    entry.due = Instant::max();
    entry.ask_due = Instant::max();
    if (entry.troubled)
        effects.push_back(Note{entry.target, "has serial " + std::to_string(has.value()) +
                                                 " and is no longer behind"});
    entry.troubled = false;
}

void Notifier::on(const TargetsChanged& event, Instant now, std::vector<Effect>&) {
    assert(event.targets.size() <= targets_max);
    std::vector<Entry> entries;
    for (const Target& target : event.targets) {
        const std::vector<std::size_t>& peers = of(target.zone);
        const auto known = std::find_if(peers.begin(), peers.end(), [&](std::size_t at) {
            return entries_[at].target == target;
        });
        if (known != peers.end()) {
            entries.push_back(entries_[*known]);
            continue;
        }
        Entry fresh{target, {}, {}};
        // One that is new is told what the others of its zone have been told.
        const auto peer = std::find_if(peers.begin(), peers.end(),
                                       [&](std::size_t at) { return entries_[at].newest; });
        if (peer != peers.end()) {
            fresh.newest = entries_[*peer].newest;
            fresh.id = draw_id();
            fresh.state = SecondaryStatus::Notify::unanswered;
            fresh.due = now;
            fresh.behind_since = now;
        }
        entries.push_back(std::move(fresh));
    }
    entries_ = std::move(entries);
    index();
}

void Notifier::on(const ClockTicked&, Instant, std::vector<Effect>&) {}

void Notifier::send_notify(Entry& entry, Instant now, std::vector<Effect>& effects) {
    effects.push_back(SendNotify{entry.target, entry.id, *entry.newest});
    ++entry.tries;
    entry.due = now + (entry.state == SecondaryStatus::Notify::refused ? waits.back()
                                                                       : wait_after(entry.tries));
    // A secondary behind a filter that eats NOTIFY may still follow by its refresh timer.
    if (entry.tries == tries_before_note) {
        if (!entry.troubled)
            effects.push_back(Note{entry.target, "has left " + std::to_string(entry.tries - 1) +
                                                     " NOTIFYs of serial " +
                                                     std::to_string(entry.newest->value()) +
                                                     " without an answer"});
        entry.troubled = true;
        if (entry.ask_due == Instant::max()) entry.ask_due = now + fetch_time;
    }
}

void Notifier::send_ask(Entry& entry, Instant now, std::vector<Effect>& effects) {
    effects.push_back(AskSerial{entry.target, entry.id});
    ++entry.asks;
    entry.ask_due = now + std::max<Duration>(1s, wait_after(entry.asks));
}

// RFC 1996 §3.4 leaves pacing to us: a burst at a time, first those who have not been told at all.
void Notifier::send_due(Instant now, std::vector<Effect>& effects) {
    if (now < paced_until_) return;
    std::vector<Entry*> due;
    for (Entry& entry : entries_)
        if (entry.due <= now || entry.ask_due <= now) due.push_back(&entry);
    if (due.empty()) return;
    // Only the burst is put in order: at the bound all of it would cost more than the pace.
    const std::size_t first = std::min(due.size(), burst_max);
    std::partial_sort(due.begin(), due.begin() + static_cast<std::ptrdiff_t>(first), due.end(),
                      [](const Entry* a, const Entry* b) {
                          return std::tuple(a->tries, std::min(a->due, a->ask_due), a) <
                                 std::tuple(b->tries, std::min(b->due, b->ask_due), b);
                      });
    due.resize(first);
    std::size_t sent = 0;
    for (Entry* entry : due) {
        if (entry->due <= now && sent < burst_max) {
            send_notify(*entry, now, effects);
            ++sent;
        }
        if (entry->ask_due <= now && sent < burst_max) {
            send_ask(*entry, now, effects);
            ++sent;
        }
    }
    if (sent == burst_max) paced_until_ = now + pace;
}

heartbeat::Instant Notifier::wakes_at() const {
    Instant first = Instant::max();
    for (const Entry& entry : entries_) first = std::min({first, entry.due, entry.ask_due});
    return first == Instant::max() ? first : std::max(first, paced_until_);
}

std::vector<SecondaryStatus> Notifier::status(Instant now) const {
    std::vector<SecondaryStatus> out;
    out.reserve(entries_.size());
    for (const Entry& entry : entries_) {
        SecondaryStatus status{entry.target.address, entry.target.port,
                               entry.target.zone,    entry.has,
                               std::nullopt,         std::nullopt};
        if (entry.newest && entry.has) {
            const bool behind = *entry.has < *entry.newest;
            status.behind = behind ? entry.newest->value() - entry.has->value() : 0;
            if (behind) status.behind_for = now - entry.behind_since;
        }
        status.notify = entry.state;
        if (entry.state == SecondaryStatus::Notify::unanswered) status.unanswered = entry.tries;
        out.push_back(std::move(status));
    }
    return out;
}

}  // namespace dnsd
