#pragma once
// What people ask of the arbiter, as one consistent value: table, JSON, page, dig records and
// metrics are all drawn from it. Instants are already turned into ages.

#include "dnsd/arbiter/facts.h"

namespace dnsd {

enum class LeaseState { quarantine, free, held, expiring, window };
std::string_view name_of(LeaseState);

// Something that an operator began and that is in force.
struct InForce {
    std::optional<Duration> left{};  // nullopt: until undone
    friend bool operator==(const InForce&, const InForce&) = default;
};

// A member of the semi-sync set.
struct AckerStatus {
    ServerId id;
    bool whole = false;    // it has all that it ever acknowledged
    bool leaving = false;  // told to acknowledge no more; the gate still asks for it
};

struct SwitchoverStatus {
    // readying: writes go on. yielding: the holder is to stop. waiting: nobody can write, `to`
    // applies the rest. granted: `to` has the lease and is not writable yet.
    enum class Stage { readying, yielding, waiting, granted };
    ServerId from;
    ServerId to;
    Epoch epoch;  // that `to` gets
    Stage stage = Stage::readying;
    Duration running{0};  // since it began
    std::string cause{};  // one clause: "asked by anna: kernel update"
    std::string by{};     // the operator; empty: the arbiter
};
std::string_view name_of(SwitchoverStatus::Stage);

// Since the arbiter's start.
struct FailoverCounts {
    // done: a new holder became writable. failed: it was granted and did not; of switchovers also
    // those that the old holder survived. refused: how often an alarm began that forbids an
    // automatic grant, or a command was refused.
    struct Counts {
        std::uint64_t done = 0;
        std::uint64_t failed = 0;
        std::uint64_t refused = 0;
        friend bool operator==(const Counts&, const Counts&) = default;
    };
    Counts failover;                  // by the arbiter, unplanned
    Counts switchover;                // planned, by the arbiter or an operator
    Counts adoption;                  // by an operator's word, without the gate
    std::uint64_t loss_accepted = 0;  // grants that the zero-loss gate would not have let pass
    friend bool operator==(const FailoverCounts&, const FailoverCounts&) = default;
};

struct ServerStatus {
    ServerId id;
    std::vector<Address> addresses{};
    unsigned weight = 1;
    bool alive = false;    // heard within R
    bool in_pool = false;  // stands in `www`
    bool may_lead = false;
    std::string why{};  // why it is out of the pool, or may not lead; empty when all is well
    heartbeat::Role role = heartbeat::Role::unknown;
    std::optional<Duration> last_heard{};        // ago; nullopt: never since start
    std::optional<heartbeat::Heartbeat> last{};  // what it said then
    std::optional<Duration> since{};  // how long `in_pool` has been as it is; nullopt: since start
    std::string out_why{};            // why it is out of the pool; empty when it is in
    std::string may_not_lead{};       // why it may not lead; empty when it may
    std::string errant{};  // it has what a master lacked, and how that is known; empty: it has not
    unsigned good = 0;     // good heartbeats in a row, no more than are needed
    unsigned good_needed = 0;  // to be in the pool again
    std::optional<InForce> drained{};
    bool cloned = false;     // two machines speak under this name: neither granted nor renewed
    double penalty = 0;      // points, halved with every half-life
    bool rejoining = false;  // it was master and has not been seen to have caught up since
};

struct GroupStatus {
    std::string name;
    std::string zone{};  // that its names are in; the machine itself knows none
    Epoch epoch;
    std::optional<ServerId> holder;  // of a lease that lives
    std::optional<ServerId> master;  // as published
    LeaseState state = LeaseState::free;
    Duration lease_left{0};
    bool fail_open = false;
    std::string waiting_for;  // why nobody is granted, when nobody is; empty otherwise
    std::vector<ServerStatus> servers;
    Mode mode = Mode::act;
    std::optional<InForce> paused{};
    std::optional<Duration> block_left{};  // no automatic failover for so long
    bool manual = false;                   // only an operator's word elects
    std::size_t failovers_last_hour = 0;   // automatic ones
    std::vector<AckerStatus> semi_sync{};  // S
    bool covered = false;                  // every acknowledged commit is with somebody in S
    bool semi_sync_unknown = false;        // S was lost with the ledger: all with data must promise
    std::string gate_waits{};              // for whom the zero-loss gate waits; empty: for nobody
    std::string would{};                   // mode observe: what would be done now
    std::optional<SwitchoverStatus> switchover{};
    std::vector<ServerId> clones{};     // as ServerStatus::cloned
    std::vector<std::string> alarms{};  // that want a person now, one clause each
    FailoverCounts counts{};
};

}  // namespace dnsd
