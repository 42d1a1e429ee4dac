#include "dnsd/publish/pacer.h"

#include <algorithm>

namespace dnsd {

bool Pacer::wanted(const zones::Name& zone, bool urgent, Instant now) {
    Entry& entry = entries_[zone];
    // Whoever asks has to see to it that it is published: one that could not be is owed no more
    // by wakes_at(), which would be in the past for as long as the disk is full.
    entry.held = !urgent && due(entry) > now;
    return !entry.held;
}

// However many urgent ones there were: the debt ends with one more step, so that a storm of those
// holds back the others no longer than a storm of these.
void Pacer::published(const zones::Name& zone, Instant now) noexcept {
    const auto found = entries_.find(zone);
    if (found == entries_.end()) return;
    Entry& entry = found->second;
    entry.held = false;
    entry.even = std::min(std::max(entry.even, now) + every, now + burst * every);
}

void Pacer::dropped(const zones::Name& zone) noexcept {
    const auto entry = entries_.find(zone);
    if (entry != entries_.end()) entry->second.held = false;
}

heartbeat::Instant Pacer::wakes_at() const {
    Instant first = Instant::max();
    for (const auto& [zone, entry] : entries_)
        if (entry.held) first = std::min(first, due(entry));
    return first;
}

}  // namespace dnsd
