#pragma once
// Does somebody acknowledge what the holder commits who is not in the semi-sync set? What such a
// one acknowledged is asked for by nobody, so no automatic failover is safe while it is so.

#include "dnsd/arbiter/roster.h"

namespace dnsd {

class Outsiders {
public:
    // A heartbeat of the writable holder. It counts after R, so that one who has just been told is
    // not taken for an outsider.
    void judge(const Record& record, const Roster& roster, const Watched& holder, Duration after,
               Instant now, std::vector<Note>& story);
    // A clause; empty when nobody does.
    const std::string& alarm() const { return alarm_; }
    void clear();

private:
    std::optional<Instant> since_;
    std::optional<Instant> over_since_;
    std::string alarm_;
};

}  // namespace dnsd
