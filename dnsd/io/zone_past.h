#pragma once
// Between a zone's history and the ledger: what is kept of it, and how it is taken up again after
// a restart.

#include "dnsd/io/ledger.h"
#include "zones/delta.h"
#include "zones/history.h"

#include <memory>
#include <string>
#include <vector>

namespace dnsd {

// What the ledger is to keep when `history` has been published as `served`. `advanced`: its last
// step is not there yet.
ZoneServed to_keep(const zones::Name& zone, Served served, const zones::History& history,
                   bool advanced);

// The last version of a zone that was published, as far as the ledger tells of it.
struct ZonePast {
    std::vector<std::shared_ptr<const zones::Delta>> deltas;  // that led to it, oldest first
    std::string damage;  // a sentence: there were some, but they are of no use
};
ZonePast past_of(const Ledger& ledger, const zones::Name& zone);

// What `file`'s records were served as, with the live names that the ledger says; null when that
// cannot be made. The file must have the content that it had then.
std::shared_ptr<const zones::Zone> as_served(const zones::Zone& file, const Served& served);

}  // namespace dnsd
