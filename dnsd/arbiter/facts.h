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
// What a failover may cost: nothing that was acknowledged, or what nobody reachable has.
enum class Loss { none, allow };
// observe: decides and shows, moves nothing.
enum class Mode { observe, act };

// All of one group; docs/PROTOCOL.md, "Time". check() says which rule is broken.
struct ArbiterRules {
    static constexpr Duration lease_max = std::chrono::seconds(60);
    static constexpr std::size_t servers_max = 64;
    // Beside them those that leave and those that rejoin must fit into S.
    static constexpr unsigned ackers_max = heartbeat::semi_sync_set_max / 2;

    std::string group;
    std::vector<ServerRules> servers;  // sorted by id
    Duration heartbeat;                // H
    Duration lease;                    // L
    Duration down_after;               // R
    unsigned up_after = 2;             // good heartbeats in a row
    Duration max_lag;                  // more than this may not lead
    Choose choose = Choose::most_advanced;
    double rho = 1e-3;  // bound of the clocks' rate error
    Loss loss = Loss::none;
    bool semi_sync = true;  // false: no semi-sync, and with it no gate
    unsigned ackers = 2;    // of the semi-sync set, when all is well
    Mode mode = Mode::act;
    bool confirm_dead = false;  // may an operator end a lease that may live?
    // Damping. 0 switches off: the block (B), doubling up to block_max with each automatic failover
    // that comes within an hour of the last; the count in an hour after which only the operator's
    // word elects; the half-life of a server's penalty.
    Duration block = std::chrono::seconds(60);
    Duration block_max = std::chrono::hours(1);
    unsigned failovers_an_hour = 3;
    Duration penalty_half_life = std::chrono::minutes(10);
    // Nullopt: the default, a share of the lease.
    std::optional<Duration> demotion_said{};
    std::optional<Duration> guard_said{};
    std::optional<Duration> window_said{};

    Duration demotion() const { return demotion_said.value_or(lease / 4); }  // D
    Duration guard() const { return guard_said.value_or(lease / 12); }       // G
    Duration expiry(Duration told) const;  // E for a lease that was told as `told`
    Duration window() const;               // W = min(300 ms, L/6)
    Duration retry_soon() const { return lease / 60; }
    Duration lapse() const;  // a grant under which nobody became writable is over: max(2L, 10 s)
    // Every rule that is broken, as sentences with the numbers; empty when all hold.
    std::vector<std::string> check() const;
};

// ---- What must be on disk before it is spoken
// ------------------------------------------------------

// A member of the semi-sync set: it may acknowledge what the master commits.
struct Acker {
    ServerId id;
    // The start of its database in which it still has all that it ever acknowledged; 0: none has,
    // until it has caught up.
    std::uint64_t start = 0;
    bool leaving = false;  // told to acknowledge no more; the gate still asks for it
    friend bool operator==(const Acker&, const Acker&) = default;
};

// Where a server is, or was when the configuration dropped it.
struct LastPlace {
    ServerId id;
    std::vector<Address> addresses;
    friend bool operator==(const LastPlace&, const LastPlace&) = default;
};

// A server that was refused by the master of that epoch.
struct Refused {
    ServerId id;
    Epoch epoch;
    friend bool operator==(const Refused&, const Refused&) = default;
};

// When something ends that an operator, or the damping, began. Within one run of the arbiter the
// boot clock counts; over a restart what is left by the wall clock, never more than `length`.
struct Until {
    std::int64_t length_seconds = 0;  // 0: until undone
    std::int64_t unix_seconds = 0;    // the end, by the wall clock
    friend bool operator==(const Until&, const Until&) = default;
};
struct Drained {
    ServerId id;
    Until until;
    friend bool operator==(const Drained&, const Drained&) = default;
};
struct Damping {
    static constexpr std::size_t failovers_max = 32;
    std::vector<std::int64_t> failovers;  // unix seconds of the last automatic ones, oldest first
    std::optional<Until> block;
    bool manual = false;  // only the operator's word elects
    struct Penalty {
        ServerId id;
        double points = 0;  // at `unix_seconds`; halves with every half-life
        std::int64_t unix_seconds = 0;
        friend bool operator==(const Penalty&, const Penalty&) = default;
    };
    std::vector<Penalty> penalties;  // sorted by id
    friend bool operator==(const Damping&, const Damping&) = default;
};

struct Record {
    // As lease_longest: the holder was found writable by the first election and has not yet said
    // that it took the lease. Its database knows of no deadline, so no time that passes ends it.
    static constexpr Duration unbounded = std::chrono::hours(24 * 365 * 100);

    std::uint64_t revision = 0;  // one more with every Remember; told to the agents
    Epoch epoch;
    std::optional<ServerId> holder;  // of `epoch`
    // The start of the holder's database in which it was first writable under `epoch`; 0: not yet.
    std::uint64_t holder_start = 0;
    // What it had received when it was granted. After a restart without that its recovery has cut
    // off what was told to clients in an earlier epoch.
    std::optional<heartbeat::GtidPosition> holder_had;
    bool closed = false;           // prepare(epoch + 1) may have left: never renewed again
    bool lease_may_live = false;   // false only when the lease of `epoch` has surely ended
    Duration lease_longest{0};     // the longest that was told under `epoch`
    std::vector<Acker> semi_sync;  // S, sorted by id; at most heartbeat::semi_sync_set_max
    // Every commit that was acknowledged under `epoch` is with somebody in S, or was acknowledged
    // by one in S. False from the first election, or from an empty S, until a member has caught up.
    bool covered = false;
    // S is not known: the record was damaged or an older copy. Everybody with data must promise.
    bool semi_sync_unknown = false;
    // Were masters, and have not been seen to have caught up since: they follow only as members of
    // S (docs/decisions/0001).
    std::vector<ServerId> rejoining;
    // Left S without having said that they acknowledge nothing any more: no master lets them in
    // until they do (heartbeat::Barred), also after a restart of the arbiter. At most
    // heartbeat::barred_max.
    std::vector<ServerId> barred;
    // Where those of S and those that are barred are, sorted by id: one that is configured no more
    // has to be barred all the same, by a run of the arbiter that never knew it, too.
    std::vector<LastPlace> places;
    // What the master refused, with nothing lost: errant until the server says otherwise. Sorted by
    // id; at most one a server.
    std::vector<Refused> refused;
    std::vector<ServerId> stable_set;          // of `www`; empty until a first heartbeat
    std::optional<ServerId> master_published;  // the last that was writable under a lease
    Epoch master_epoch;                        // the epoch of that
    // Where it was then: the last value stands, also when it is configured no more. None in a
    // record of an older format.
    std::vector<Address> master_addresses;
    std::optional<Mode> mode;  // by the operator's word; else as configured
    std::optional<Until> pause;
    std::vector<Drained> drains;  // sorted by id
    Damping damping;
    std::optional<Until> pace;  // the pause after a switchover that the arbiter began by itself
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
// Two machines speak under one of these names (heartbeat/session.h): neither is granted.
struct ClonesSeen {
    std::vector<ServerId> servers;
};
// The configuration was read anew. A holder that is no longer in it keeps its claim.
struct RulesChanged {
    ArbiterRules rules;
};

// What an operator may ask. Durations: nullopt is "until undone".
struct SwitchoverCommand {
    std::optional<ServerId> to;  // nullopt: the best candidate
};
struct DrainCommand {
    ServerId server;
    std::optional<Duration> length;
};
struct UndrainCommand {
    ServerId server;
};
struct PauseCommand {
    std::optional<Duration> length;
};
struct ResumeCommand {};  // ends a pause, and what the damping blocks
struct ConfirmDeadCommand {
    ServerId server;
};
struct AdoptCommand {
    ServerId server;
    bool allow_loss = false;  // though another that reported has received more
};
struct ModeCommand {
    Mode mode;
};
using Command = std::variant<SwitchoverCommand, DrainCommand, UndrainCommand, PauseCommand,
                             ResumeCommand, ConfirmDeadCommand, AdoptCommand, ModeCommand>;

// Answered by one Answer that is done or refused, at once or later, with `going_on` before it. When
// the Remember of its own step fails, the machine never heard of it: the shell answers that it was
// refused, as the ledger can not be written, and that nothing was changed.
struct OperatorAsked {
    std::uint64_t token = 0;  // the shell's own
    Command command;
    std::string by;      // who, as the control socket knows
    std::string reason;  // as given; may be empty
    bool dry_run = false;
    std::int64_t unix_seconds = 0;  // the wall clock
};
using Event = std::variant<HeartbeatHeard, ClockTicked, LedgerFailed, Published, ClonesSeen,
                           RulesChanged, OperatorAsked>;

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
    gate_waits,     // an alarm: for whom of the semi-sync set
    acker_joined,   // the semi-sync set
    acker_leaving,  // … is told to acknowledge no more
    acker_left,
    alarm,  // anything else that wants a person: a clone, a semi-sync client outside the set
    switchover_begun,
    switchover_failed,  // and who leads now
    lost_accepted,      // loss = "allow", or an operator's word, went on without the gate
    damped,             // a block begins, or only the operator's word elects from now on
    drained,
    undrained,
    paused,
    resumed,
    adopted,
    confirmed_dead,
    mode_changed,
    rules_changed,
    would,  // mode observe: what would have been done
};
struct Note {
    Kind kind;
    std::optional<ServerId> server;
    Epoch epoch;
    std::string why;  // one clause with its numbers, no full stop: "silent for 6.5 s"
    std::optional<ServerId> from{};       // of granted and writable: the holder of before
    std::optional<Duration> no_writer{};  // of writable: how long nobody could write, if known
    std::string by{};                     // the operator; empty: the arbiter
    bool planned = false;                 // of granted and writable: by a switchover
};
// To what an operator asked.
struct Answer {
    enum class Kind { done, refused, going_on };
    struct Judged {  // a server, as a candidate
        ServerId id;
        bool may_lead = false;
        std::string why;
        friend bool operator==(const Judged&, const Judged&) = default;
    };
    std::uint64_t token = 0;
    Kind kind = Kind::done;
    std::string text;      // one sentence; of a refusal also what would make it possible
    bool changed = false;  // something is not as it was before the command
    std::vector<Judged> candidates{};  // of a switchover
    // What would be done, of a dry run, or what begins, of going_on: in order, without numbers. The
    // last, "serial 1743", is where a shell that knows it says how many secondaries are told.
    std::vector<std::string> steps{};
    std::optional<Duration> no_writer{};  // how long nobody could write, of a switchover
    bool stops_writer = false;            // the steps begin with one who writes now
    friend bool operator==(const Answer&, const Answer&) = default;
};
using Effect = std::variant<Remember, SendReply, Announce, Note, Answer>;

std::string_view name_of(Kind);
std::string_view name_of(Choose);
// "0.22 s", "6.5 s", "30 m", "1 d 7 h": how sentences and notes say a duration.
std::string spoken(Duration);
// "event=granted group=wikipedia server=wiki2 epoch=17 why="silent for 6.5 s"" for the journal.
std::string log_line(std::string_view group, const Note&);
// Human sentence of the same, as UX.md's journal has it.
std::string sentence(const Note&);

}  // namespace dnsd
