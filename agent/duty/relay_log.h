#pragma once
// What a look tells of the relay log. In GTID mode MariaDB throws it away when START SLAVE finds
// both threads stopped, whoever says it and for whichever thread; what was received and not applied
// is gone then, and with it what was acknowledged, in a database that never restarted
// (docs/decisions/0015).

#include <cstdint>

namespace agent {

struct RelayLog {
    std::uint64_t io = 0;  // the threads' own numbers, no two alike in one start; 0: it stands
    std::uint64_t sql = 0;
    std::uint64_t starts = 0;  // START SLAVE statements in this start of the database
    // Both threads stand, and all that was received is known to be applied.
    bool drained = false;

    bool runs() const { return io != 0 || sql != 0; }
    // As long as one of them runs it is not thrown away.
    bool shares_thread(const RelayLog& other) const {
        return (io != 0 && io == other.io) || (sql != 0 && sql == other.sql);
    }
    friend bool operator==(const RelayLog&, const RelayLog&) = default;
};

// May something that was received before `was` was looked at, or since, have been thrown away by
// `now`? What lay between two stopped threads counts as lost when that is seen. `reached`: nothing
// was being received then, and all that had been is applied now.
inline bool may_be_lost(const RelayLog& was, const RelayLog& now, bool reached) {
    if (was.shares_thread(now)) return false;
    // Of what was begun and ended between the two looks nobody knows what it received.
    const bool unseen = now.starts - was.starts > (now.runs() ? 1 : 0);
    if (unseen) return true;
    if (!was.runs()) return false;
    return !(reached && was.io == 0) && !(now.drained && !now.runs());
}

// The database's start as others are told it: another one when its relay log began anew, too.
// `start` has no more than 48 bits (agent/io/database.cc).
constexpr std::uint64_t start_said(std::uint64_t start, std::uint16_t generation) {
    return start | static_cast<std::uint64_t>(generation) << 48;
}

}  // namespace agent
