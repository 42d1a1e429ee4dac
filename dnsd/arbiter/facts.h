#pragma once
// Event in, Effect out: the whole language between the arbiter's machine and its shell, with one
// log line for each fact that tells a story. One machine arbitrates one group.

#include "dnsd/arbiter/standing.h"
#include "heartbeat/message.h"

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace dnsd {

using heartbeat::Duration;
using heartbeat::Instant;

// ---- Configuration, as this room needs it
// ----------------------------------------------------------

struct ServerRules {
    ServerId id;
    std::vector<Address> addresses;
    unsigned weight = 1;
    bool may_lead = true;
    unsigned priority = 0;
};

enum class Choose { most_advanced, first_request };

// All of one group; docs/PROTOCOL.md, "Time". check() says which rule is broken.
struct ArbiterRules {
    static constexpr Duration lease_max = std::chrono::seconds(60);
    static constexpr std::size_t servers_max = 64;

    std::string group;
    std::vector<ServerRules> servers;  // sorted by id
    Duration heartbeat;                // H
    Duration lease;                    // L
    Duration down_after;               // R
    unsigned up_after = 2;             // good heartbeats in a row
    Duration max_lag;                  // more than this may not lead
    Choose choose = Choose::most_advanced;
    double rho = 1e-3;  // bound of the clocks' rate error

    Duration demotion() const { return lease / 4; }  // D
    Duration guard() const { return lease / 12; }    // G
    Duration expiry(Duration told) const;            // E for a lease that was told as `told`
    Duration window() const;                         // W = min(300 ms, L/6)
    Duration retry_soon() const { return lease / 60; }
    Duration lapse() const;  // a grant under which nobody became writable is over: max(2L, 10 s)
    // Every rule that is broken, as sentences with the numbers; empty when all hold.
    std::vector<std::string> check() const;
};

// ---- What must be on disk before it is spoken
// ------------------------------------------------------

struct Record {
    // As lease_longest: the holder was found writable by the first election and has not yet said
    // that it took the lease. Its database knows of no deadline, so no time that passes ends it.
    static constexpr Duration unbounded = std::chrono::hours(24 * 365 * 100);

    Epoch epoch;
    std::optional<ServerId> holder;  // of `epoch`
    bool closed = false;             // prepare(epoch + 1) may have left: never renewed again
    bool lease_may_live = false;     // false only when the lease of `epoch` has surely ended
    Duration lease_longest{0};       // the longest that was told under `epoch`
    std::vector<ServerId> semi_sync_set;
    std::vector<ServerId> stable_set;          // of `www`; empty until a first heartbeat
    std::optional<ServerId> master_published;  // the last that was writable under a lease
    Epoch master_epoch;                        // the epoch of that
    friend bool operator==(const Record&, const Record&) = default;
};

// ---- Events
// ----------------------------------------------------------------------------------------

// A heartbeat that passed every check of docs/PROTOCOL.md, "Bytes".
struct HeartbeatHeard {
    ServerId from;
    heartbeat::Heartbeat beat;
};
// wakes_at() has passed, and everything that was queued in the socket by then has been stepped.
struct ClockTicked {};
// The Remember of the step before could not be written: nothing of that step was performed, and the
// machine is the one from before it. Nobody new is granted for a while; the holder may be renewed.
struct LedgerFailed {};
// The zone now stands at this serial (told in replies).
struct Published {
    std::uint32_t serial = 0;
};
using Event = std::variant<HeartbeatHeard, ClockTicked, LedgerFailed, Published>;

// ---- Effects, to be performed in order
// -------------------------------------------------------------

// Durable before the next effect; when it fails the rest of the list is dropped, the machine of
// before the step is restored and LedgerFailed is stepped.
struct Remember {
    Record record;
};
struct SendReply {
    ServerId to;
    heartbeat::Reply reply;
};
// A new outcome. Both names change in one edition.
struct Announce {
    Standing standing;
};
// Something that an operator will want to read later; becomes history and a log line.
enum class Kind {
    started,        // with what the record said
    server_up,      // reports for the first time, or again
    server_down,    // silent for R
    server_unwell,  // says that it is not well
    joined_pool,
    left_pool,
    fail_open,
    fail_open_ended,
    expiring,  // the holder is silent; waiting for its lease to end
    freed,     // the lease has surely ended, or the holder reported fenced
    window_opened,
    granted,
    writable,      // the holder reports master for the first time under its epoch
    grant_lapsed,  // the holder did not become writable in time
    refused,       // an alarm: no automatic grant, and why
    ledger_failed,
};
struct Note {
    Kind kind;
    std::optional<ServerId> server;
    Epoch epoch;
    std::string why;  // one clause with its numbers, no full stop: "silent for 6.5 s"
};
using Effect = std::variant<Remember, SendReply, Announce, Note>;

std::string_view name_of(Kind);
std::string_view name_of(Choose);
// "6.5 s": how sentences and notes say a duration.
std::string spoken(Duration);
// "event=granted group=wikipedia server=wiki2 epoch=17 why="silent for 6.5 s"" for the journal.
std::string log_line(std::string_view group, const Note&);
// Human sentence of the same, as UX.md's journal has it.
std::string sentence(const Note&);

}  // namespace dnsd
