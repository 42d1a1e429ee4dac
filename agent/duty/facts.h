#pragma once
// Event in, Effect out: the whole language between the agent's machine and its shell.

#include "agent/duty/relay_log.h"
#include "heartbeat/message.h"

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace agent {

using heartbeat::Address;
using heartbeat::Duration;
using heartbeat::Epoch;
using heartbeat::Instant;
using heartbeat::ServerId;

// The agent's own part of docs/PROTOCOL.md, "Time"; the lease's length comes with each ACK.
struct DutyRules {
    ServerId self;
    Duration heartbeat;  // H; resends after H/4 and H/2
    bool may_lead = true;
    std::uint16_t weight = 1;
    std::uint16_t priority = 0;
    bool has_database = true;  // database.kind = "none": it never leads
};

// The database has what a master lacked: how far it had applied when that was last seen, and in
// which start.
struct Errant {
    std::uint64_t start = 0;
    std::optional<heartbeat::GtidPosition> at{};  // nullopt: not known
    // All that is known is that a master refused it; else somebody wrote to it by hand.
    bool refused = false;
    Epoch under{};  // of that master; 0: not known
    friend bool operator==(const Errant&, const Errant&) = default;
};

// The relay log as it was last looked at, of that start of the database, and how often one was lost
// in it.
struct RelayKnown {
    std::uint64_t start = 0;
    std::uint16_t generation = 0;
    RelayLog log{};
    friend bool operator==(const RelayKnown&, const RelayKnown&) = default;
};

// Durable before it is said (docs/PROTOCOL.md, "On disk before on the wire").
struct AgentRecord {
    Epoch seen;
    Epoch promised;
    Epoch fenced;  // never writable again under this epoch or a lower one
    std::optional<Errant> errant{};
    RelayKnown relay{};
    friend bool operator==(const AgentRecord&, const AgentRecord&) = default;
};

// One look at the database. `reachable` false: all else is as it was last seen, or empty.
struct DatabaseView {
    bool reachable = false;
    std::string why;  // when not reachable, or when something is wrong with it
    bool read_only = true;
    std::uint64_t start = 0;  // its start id; changes when it restarts
    heartbeat::GtidFlavour flavour = heartbeat::GtidFlavour::none;
    std::optional<heartbeat::GtidPosition> received;
    std::optional<heartbeat::GtidPosition> applied;
    bool replica_configured = false;
    std::optional<Address> upstream;  // whom it replicates from, by address
    bool io_running = false;          // the thread is started; it may still be trying to connect
    bool io_connected = false;
    bool sql_running = false;
    bool refused = false;           // by its upstream: it has transactions that are not there
    bool wrote = false;             // what comes is out of order: it has transactions of its own
    std::string replication_error;  // the database's own words
    RelayLog relay;
    std::optional<Duration> lag;
    // Of a writable one: its commits wait. Of a replica: it acknowledges, as set when its I/O
    // thread began.
    bool semi_sync = false;
    std::uint16_t semi_sync_clients = 0;
    friend bool operator==(const DatabaseView&, const DatabaseView&) = default;
};

// One look at the wiki.
struct PageView {
    bool web = false;   // a whole HTTP response came in time
    bool page = false;  // and it is the one that is expected
    std::string why;    // "HTTP 503, want 200"
    friend bool operator==(const PageView&, const PageView&) = default;
};

// ---- Events
// ----------------------------------------------------------------------------------------

struct PageSeen {
    PageView view;
};
struct DatabaseSeen {
    DatabaseView view;
    Instant begun;  // when the look began: what it says is not newer than that
};
// A reply that opened and belongs to this boot (session.h); the machine judges all else.
struct ReplyHeard {
    heartbeat::Reply reply;
};
// Which addresses the zone's `master` name has, as the DNS answered.
struct MasterRecordSeen {
    std::vector<Address> addresses;
};
// The session has been introduced to this boot of the arbiter, or to another: marks begin anew.
// Stepped before anything is sealed for the new boot.
struct Introduced {};
struct ClockTicked {};
// The verb that was asked for has ended. At most one verb runs at a time; Demote overtakes any
// other.
struct VerbDone {
    enum class Verb { promote, demote, follow, prepare, configure } verb;
    Epoch epoch{};  // as in the effect that asked for it
    bool ok = false;
    std::string why;
};
// The Remember of the step before failed: nothing of that step was performed, and the machine is
// the one from before it. A server that can not remember asks for nothing.
struct RecordFailed {};
struct Stopping {};  // SIGTERM: demote, give the lease back, then leave
using Event = std::variant<PageSeen, DatabaseSeen, ReplyHeard, MasterRecordSeen, Introduced,
                           ClockTicked, VerbDone, RecordFailed, Stopping>;

// ---- Effects, in order
// -----------------------------------------------------------------------------

struct Remember {
    AgentRecord record;
};
struct SendHeartbeat {
    heartbeat::Heartbeat beat;  // to every arbiter; the session adds boot, counter and cookie
};
// Apply all that was received, stop replicating, become writable; docs/PROTOCOL.md, "Promotion".
// `give_up` is the agent's deadline at the time of asking: not writable by then, not at all. Nor
// is it when the database restarted since `start`: its relay log is gone, and with it what it had
// received when it was elected; nor when that began anew since `relay` was seen. None but `barred`
// is kept out, from before the first write.
struct Promote {
    Epoch epoch;
    Instant give_up;
    std::uint64_t start = 0;
    RelayLog relay{};
    bool semi_sync = false;  // commits wait for an acknowledgement from the first on
    std::vector<heartbeat::Barred> barred{};
};
// Become unwritable at once: read_only, and every client connection killed.
struct Demote {
    std::string why;
};
// Replicate from here by GTID, after becoming read-only.
struct Follow {
    ServerId master;
    std::vector<Address> addresses;
    Epoch epoch;
    bool semi_sync = false;  // acknowledge what is received, from the first on
};
// Of a master: commits wait for an acknowledgement, or not; none of `barred` is sent anything or
// let in, and whoever was barred before and is no longer may come again. Of a replica: acknowledge
// what is received, or do not, for which the I/O thread is restarted. `mark` names it.
struct Configure {
    Epoch epoch;
    std::uint64_t mark = 0;
    bool semi_sync = false;
    std::vector<heartbeat::Barred> barred;
    bool leads = false;  // it is asked for of a master
    // Of a replica that acknowledged and does not any more: false when it was told to wait. Then it
    // receives no more either, until it is told whom to follow: one that was master would pass over
    // its own events (docs/decisions/0001).
    bool receives = true;
};
// START SLAVE SQL_THREAD, then STOP SLAVE IO_THREAD; the next DatabaseSeen tells what there is.
struct Prepare {
    Epoch epoch;
};
// Look at the database again at once (after a verb, or before a report that counts).
struct LookAtDatabase {};
// Ask the DNS for the `master` record; the answer comes as MasterRecordSeen.
struct AskMasterRecord {};
// The lease's deadline moved: for the guard, and for whoever else holds a fence.
struct LeaseExtended {
    Epoch epoch;
    Instant deadline;
};
struct LeaseEnded {
    Epoch epoch;
};
enum class Kind {
    started,
    well,
    unwell,
    granted,     // the arbiter's ACK; promotion begins
    writable,    // promotion is done: the database takes writes
    lease_lost,  // and why; demotion begins
    demoted,     // unwritable, and remembered so
    following,
    prepared,  // stopped receiving, and promised
    verb_failed,
    mended,       // replication was not as it should be, and has been put right
    relay_lost,   // what was received may be gone, in a database that did not restart
    mismatch,     // DNS and the arbiter name different masters
    left,         // nothing is owed to anybody: the shell may end
    left_undone,  // the shell must end, and something is owed: an alarm
};
struct Note {
    Kind kind;
    Epoch epoch;
    std::string why;
};
using Effect = std::variant<Remember, SendHeartbeat, Promote, Demote, Follow, Prepare, Configure,
                            LookAtDatabase, AskMasterRecord, LeaseExtended, LeaseEnded, Note>;

std::string_view name_of(Kind);
std::string log_line(const ServerId& self, const Note&);

}  // namespace agent
