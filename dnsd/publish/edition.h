#pragma once
// Standing → the RRsets of `www` and `master` → the next version of their zone. Pure: the same
// standing over the same zone is the same edition.

#include "dnsd/arbiter/standing.h"
#include "zones/name.h"
#include "zones/record.h"
#include "zones/serial.h"
#include "zones/zone.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace dnsd {

struct EditionRules {
    zones::Name www;
    zones::Name master;
    zones::Ttl www_ttl;
    zones::Ttl master_ttl;
};

// The next version, both names changed in one; null when nothing changes. Its serial follows that
// of `current` and is never below `at_least_next` (RFC 1982), which the caller draws from the
// ledger: one above the last that was ever published.
std::shared_ptr<const zones::Zone> edition(const zones::Zone& current, const EditionRules& rules,
                                           const Standing& standing, zones::Serial at_least_next);

// What the two names hold, as text for the ledger: equal texts are equal RRsets. With it a
// restarted daemon knows whether the outcome is what it last published, and may go on under the
// same serial.
std::string live_text(const EditionRules& rules, const Standing& standing);
// What live_text() said, of any number of standings: the RRsets of then. Nullopt: it is none.
std::optional<std::vector<zones::RRset>> read_live_text(const std::string& text);

}  // namespace dnsd
