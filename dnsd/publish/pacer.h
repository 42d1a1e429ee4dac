#pragma once
// A machine that bounds how many versions of a zone the standings of its groups may make: each is a
// serial, a line in the ledger, and a transfer to every secondary. What is held back is no version
// of its own: when its time has come, what stands then is published once.

#include "heartbeat/identity.h"
#include "zones/name.h"

#include <map>

namespace dnsd {

class Pacer {
public:
    using Instant = heartbeat::Instant;
    using Duration = heartbeat::Duration;

    // So many at once after a quiet second; from then on one each `every`.
    static constexpr int burst = 20;
    static constexpr Duration every = std::chrono::milliseconds(50);

    // The next version of the zone is wanted. True: now. False: when wakes_at() has come, unless
    // one is published before. An urgent one is never held back. After true wakes_at() owes nothing
    // of this zone, whether it is published or not.
    [[nodiscard]] bool wanted(const zones::Name& zone, bool urgent, Instant now);
    // A version of it was published, of what was wanted or of something else too.
    void published(const zones::Name& zone, Instant now) noexcept;
    // Nothing of it waits any more: it is gone, or nothing is to be published after all.
    void dropped(const zones::Name& zone) noexcept;

    // When the first that was held back may be wanted again; Instant::max(): none was.
    Instant wakes_at() const;

private:
    struct Entry {
        Instant even{};  // from then on it is as if nothing had been published before
        bool held = false;
    };
    static Instant due(const Entry& entry) { return entry.even - (burst - 1) * every; }

    std::map<zones::Name, Entry> entries_;  // of zones with groups: dnsd/config bounds them
};

}  // namespace dnsd
