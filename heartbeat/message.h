#pragma once
// What an agent and an arbiter say to each other (docs/PROTOCOL.md, "Bytes"): five messages as
// plain values, and their bodies as bytes. Sealing and signing is seal.h's, replay is session.h's.

#include "heartbeat/gtid.h"
#include "heartbeat/identity.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include <tl/expected.hpp>

namespace heartbeat {

enum class MessageType : std::uint8_t {
    hello = 1,
    challenge = 2,
    heartbeat = 3,
    ack = 4,
    deny = 5,
    // 16 to 31 are reserved for join, 32 to 47 for peers.
};

// Each bit is one thing that a server proves about itself; a bit that is off is explained by `why`.
struct Health {
    bool database = false;     // answers a query in time
    bool web = false;          // the page's server answers in time
    bool page = false;         // the page is the one that is expected
    bool replication = false;  // replica: both threads run; master: always
    bool guard = false;        // the fence outside of the agent is armed
    friend bool operator==(const Health&, const Health&) = default;
};

enum class Role : std::uint8_t { unknown = 0, master = 1, replica = 2, fenced = 3 };

enum class Wish : std::uint8_t {
    nothing = 0,  // an unwell server, or one that may not lead
    master = 1,   // wants the lease, or wants it renewed
    release = 2,  // gives the lease back: it is fenced for `held`
};

// Has it transactions that a master lacked, and how is that known?
enum class Errant : std::uint8_t {
    no = 0,
    refused = 1,  // a master refused it, and that is all: that one may have lost what it has
    wrote = 2,    // somebody wrote to it by hand: its position says more than it has
};

struct Heartbeat {
    static constexpr std::size_t why_max = 80;

    std::uint64_t request = 0;  // rises with every heartbeat of a boot; the reply names it
    Health health;
    std::string why;  // at most why_max bytes of printable ASCII, empty when all is well
    Role role = Role::unknown;
    Epoch held;      // the epoch under which it is master, or fenced; 0 is none
    Epoch promised;  // it replicates from no epoch below this one
    Epoch seen;      // the highest epoch it ever heard of
    Wish wants = Wish::nothing;
    Duration lease_left{0};  // by the agent's own clock; whole milliseconds on the wire
    GtidFlavour flavour = GtidFlavour::none;
    // received ≥ applied; nullopt: not known, or does not fit, hence not comparable.
    std::optional<GtidPosition> received;
    std::optional<GtidPosition> applied;
    Errant errant = Errant::no;
    Epoch refused_under;               // of one that was refused: that master's epoch; 0: not known
    std::optional<Duration> lag;       // whole milliseconds; nullopt: unknown, or not a replica
    std::optional<ServerId> upstream;  // whom it replicates from
    // As observed: of a master, that its commits wait for an acknowledgement; of a replica, that it
    // acknowledges.
    bool semi_sync = false;
    std::uint16_t semi_sync_clients = 0;
    std::uint64_t database_start = 0;  // changes whenever the database restarts
    bool read_only = true;             // as observed at the database
    // What this says of the database was read after the reply with this mark had been obeyed.
    std::uint64_t mark = 0;
    // The `barred` of the reply with this mark, and of none before, is in force at the database.
    std::uint64_t barred = 0;
    std::uint64_t revision = 0;  // the highest of the arbiter's state that it ever heard of
    std::uint16_t weight = 1;
    std::uint16_t priority = 0;  // higher is preferred
    bool drain = false;
    bool may_not_lead = false;
    friend bool operator==(const Heartbeat&, const Heartbeat&) = default;
};

// A replica that the master must neither send to nor let in: it left the semi-sync set without
// having said that it acknowledges nothing any more.
struct Barred {
    ServerId id;
    std::vector<Address> addresses;  // at most addresses_max
    friend bool operator==(const Barred&, const Barred&) = default;
};

struct Ack {
    std::uint64_t request = 0;
    Epoch epoch;
    Duration lease{0};     // whole milliseconds
    Duration demotion{0};  // D: so long before its deadline the holder begins to demote itself
    std::vector<ServerId> semi_sync_set{};
    std::vector<Barred> barred{};  // at most barred_max, sorted by id
    std::uint32_t serial = 0;      // of the zone that holds the names
    std::uint64_t mark = 0;        // rises with every reply of one boot of the arbiter
    std::uint64_t revision = 0;    // of the arbiter's state, as it is on disk
    friend bool operator==(const Ack&, const Ack&) = default;
};

// What a denied agent is to do; PROTOCOL.md, "Bytes".
struct NoOrder {
    friend bool operator==(const NoOrder&, const NoOrder&) = default;
};
struct FollowOrder {  // replicate from Deny::master
    friend bool operator==(const FollowOrder&, const FollowOrder&) = default;
};
struct PrepareOrder {  // stop receiving, promise `epoch`, report what you have
    Epoch epoch;
    friend bool operator==(const PrepareOrder&, const PrepareOrder&) = default;
};
struct YieldOrder {  // demote yourself: `to` gets `epoch`
    ServerId to;
    Epoch epoch;
    friend bool operator==(const YieldOrder&, const YieldOrder&) = default;
};
struct WaitOrder {
    friend bool operator==(const WaitOrder&, const WaitOrder&) = default;
};
using Order = std::variant<NoOrder, FollowOrder, PrepareOrder, YieldOrder, WaitOrder>;

enum class DenyReason : std::uint8_t {
    other_holds = 1,     // another server holds the lease
    quarantine = 2,      // the arbiter waits for leases of before its start
    expiring = 3,        // the old lease is not surely dead yet
    electing = 4,        // the candidate window is open
    not_fit = 5,         // unwell, too far behind, diverged, or may not lead
    awaiting_first = 6,  // first election: a server has not reported, or is found writable
    paused = 7,
    closed_epoch = 8,  // the epoch that it holds will not be renewed
    no_state = 9,      // the ledger can not be written
    switching = 10,    // a planned switchover is under way
    observing = 11,    // the arbiter only observes
    damped = 12,       // too many failovers: only the operator's word elects
    gated = 13,        // the zero-loss gate waits for a member of the semi-sync set
};

struct Deny {
    std::uint64_t request = 0;
    Epoch epoch;
    DenyReason reason = DenyReason::other_holds;
    std::optional<ServerId> master;
    std::vector<Address> master_addresses;  // at most addresses_max
    std::vector<ServerId> semi_sync_set;
    std::uint32_t serial = 0;
    std::uint64_t mark = 0;      // as in Ack
    std::uint64_t revision = 0;  // as in Ack
    Duration retry_after{0};     // whole milliseconds
    Order order = NoOrder{};
    friend bool operator==(const Deny&, const Deny&) = default;
};

struct Hello {
    std::uint64_t nonce = 0;  // echoed by the challenge
    friend bool operator==(const Hello&, const Hello&) = default;
};

using Cookie = std::array<std::uint8_t, 16>;

struct Challenge {
    std::uint64_t nonce = 0;
    BootId arbiter_boot;
    Cookie cookie{};
    friend bool operator==(const Challenge&, const Challenge&) = default;
};

using Message = std::variant<Hello, Challenge, Heartbeat, Ack, Deny>;
using Reply = std::variant<Ack, Deny>;

// What every body begins with: who says it to whom, and in which boot and order.
struct Envelope {
    ServerId cluster;
    ServerId sender;
    ServerId receiver;
    BootId agent_boot;          // of the agent's side, in both directions
    std::uint64_t counter = 0;  // agent → arbiter: rises with every datagram of a boot
    BootId arbiter_boot;        // heartbeat: the boot it speaks to; zero in a hello
    Cookie cookie{};            // heartbeat: as given by the challenge
};

constexpr std::size_t addresses_max = 8;
// Few are enough, and the largest ACK and DENY fit a datagram whole.
constexpr std::size_t semi_sync_set_max = 8;
constexpr std::size_t barred_max = 4;
constexpr std::size_t datagram_max = 1232;

enum class Malformed : std::uint8_t { truncated, trailing_bytes, bad_value, too_many, bad_name };

struct Letter {
    Envelope envelope;
    Message message;
};

MessageType type_of(const Message&);
// The body in bytes, unpadded; a request is padded by seal() so that no reply is ever larger.
std::vector<std::byte> encode(const Letter&);
tl::expected<Letter, Malformed> decode(MessageType, std::span<const std::byte> body);

}  // namespace heartbeat
