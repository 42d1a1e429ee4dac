#pragma once
// A machine for RFC 1996: which secondary has been told which serial, when to ask again, and how
// far each is behind. A copyable value without a clock, a socket or randomness of its own.

#include "dnsd/publish/transfer_seen.h"
#include "heartbeat/identity.h"
#include "zones/name.h"
#include "zones/serial.h"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace dnsd {

struct SecondaryStatus {
    enum class Notify { none, acknowledged, unanswered, refused };
    heartbeat::Address address;
    std::uint16_t port = 0;
    zones::Name zone;
    std::optional<zones::Serial> serial;  // that it surely has; nullopt: not known since start
    std::optional<std::uint32_t> behind;  // versions; nullopt: not known
    std::optional<heartbeat::Duration> behind_for;  // nullopt: not behind
    Notify notify = Notify::none;                   // of the newest serial
    unsigned unanswered = 0;  // NOTIFYs of the newest serial since the last answer
    std::optional<heartbeat::Duration> unanswered_for = std::nullopt;  // since the first of them
    std::string name = {};   // of its host, as the zone's NS set has it; empty: not known
    bool configured = true;  // false: of the NS set alone
    bool ahead = false;      // `serial` is above ours: it takes none of our versions (RFC 1982)
    std::optional<zones::Name> key = std::nullopt;  // that signs what passes between us
    // What it said that it has when it last asked for a transfer, and how long ago.
    std::optional<zones::Serial> asked = std::nullopt;
    std::optional<heartbeat::Duration> asked_ago = std::nullopt;
    bool transferring = false;
    std::optional<TransferSeen> last_transfer = std::nullopt;
    std::optional<heartbeat::Duration> last_transfer_ago = std::nullopt;
};
std::string_view name_of(SecondaryStatus::Notify);

class Notifier {
public:
    using Instant = heartbeat::Instant;
    using Duration = heartbeat::Duration;

    // A step sends at most this many datagrams; the rest follow `pace` later, newest serials first.
    static constexpr std::size_t burst_max = 64;
    static constexpr Duration pace = std::chrono::milliseconds(10);
    static constexpr std::size_t targets_max = 65'536;
    // After this many tries the secondary is asked again only every `slow`.
    static constexpr unsigned tries_max = 12;
    static constexpr Duration slow = std::chrono::minutes(5);
    // A secondary that is transferring is told the newest version when it has ended, but not later
    // than this after the first version that it has not been told of.
    static constexpr Duration hold_max = std::chrono::seconds(1);
    // A transfer whose end was lost, as by a lack of memory, holds back nothing for longer than
    // this.
    static constexpr Duration transfer_age_max = std::chrono::seconds(30);
    // Transfers of one secondary and zone that are known to be under way.
    static constexpr std::size_t transfers_max = 16;
    // Versions of one zone that "behind" counts exactly; beyond them serials are subtracted.
    static constexpr std::size_t recent_max = 128;

    struct Target {
        heartbeat::Address address;
        std::uint16_t port = 53;
        zones::Name zone;
        std::optional<zones::Name> key = std::nullopt;  // signs what passes between us (RFC 8945)
        std::string name = {};                          // of its host, for people
        bool configured = true;                         // false: of the NS set alone
        friend bool operator==(const Target&, const Target&) = default;
        // The same secondary, though what is said of it may have changed.
        bool same_place(const Target& other) const {
            return address == other.address && port == other.port && zone == other.zone;
        }
    };

    // ---- Events ----
    struct VersionPublished {
        zones::Name zone;
        zones::Serial serial;
    };
    // An answer to a NOTIFY, from where and as it came: the machine decides whether it fits.
    struct AnswerHeard {
        heartbeat::Address address;
        std::uint16_t port = 0;
        std::uint16_t id = 0;
        zones::Name zone;
        std::uint8_t rcode = 0;
        // The key that has signed it, validly; it must be the target's own.
        std::optional<zones::Name> signer = std::nullopt;
    };
    // An answer from there to what we signed, whose own signature is missing or false.
    struct FalseAnswerHeard {
        heartbeat::Address address;
        std::uint16_t port = 0;
        zones::Name zone;
        std::string why;  // "is not signed"
    };
    // From that address, whatever the port, a transfer was asked for; `has` is what an IXFR says.
    struct SecondaryAsked {
        heartbeat::Address address;
        zones::Name zone;
        std::optional<zones::Serial> has = std::nullopt;
    };
    // `transfer` is a number that no other transfer has.
    struct TransferBegun {
        heartbeat::Address address;
        zones::Name zone;
        std::optional<zones::Name> key;
        std::uint64_t transfer = 0;
    };
    struct TransferEnded {
        heartbeat::Address address;
        zones::Name zone;
        std::optional<zones::Name> key;
        std::uint64_t transfer = 0;
        TransferSeen seen;
    };
    // The answer to AskSerial, and the only proof of what it has.
    struct SerialHeard {
        heartbeat::Address address;
        std::uint16_t port = 0;
        std::uint16_t id = 0;
        zones::Name zone;
        zones::Serial serial;
        std::optional<zones::Name> signer = std::nullopt;  // as above
    };
    // A reload: what is known of those that stay is kept.
    struct TargetsChanged {
        std::vector<Target> targets;
    };
    struct ClockTicked {};
    using Event =
        std::variant<VersionPublished, AnswerHeard, FalseAnswerHeard, SecondaryAsked, TransferBegun,
                     TransferEnded, SerialHeard, TargetsChanged, ClockTicked>;

    // ---- Effects ----
    struct SendNotify {
        Target target;
        std::uint16_t id = 0;
        zones::Serial serial;
    };
    // A SOA query to the secondary itself, so that "behind" is what it answers and not a guess.
    struct AskSerial {
        Target target;
        std::uint16_t id = 0;
    };
    // One line for the journal: a trouble when it starts and when it ends, nothing in between.
    struct Note {
        Target target;
        std::string text;
    };
    using Effect = std::variant<SendNotify, AskSerial, Note>;

    // Of one secondary, over all zones.
    struct Counts {
        std::uint64_t sent = 0, acknowledged = 0, refused = 0, unverified = 0;
        TransferCounts transfers;
    };
    using Place = std::pair<heartbeat::Address, std::uint16_t>;

    // Message ids are drawn from `seed`, which the shell draws at random.
    Notifier(std::vector<Target> targets, std::uint64_t seed);

    [[nodiscard]] std::vector<Effect> step(const Event& event, Instant now);
    // When the shell owes a ClockTicked; Instant::max() when nothing is due.
    Instant wakes_at() const;
    std::vector<SecondaryStatus> status(Instant now) const;
    const std::map<Place, Counts>& counts() const { return counts_; }
    // Transfers to whom no target is.
    const TransferCounts& other_transfers() const { return other_transfers_; }

private:
    // Due things in order, so that a step costs nothing for who has nothing to do.
    using Queue = std::set<std::pair<Instant, std::size_t>>;
    struct Transfer {
        std::uint64_t number = 0;
        Instant begun{};
    };
    struct Entry {
        Target target;
        std::optional<zones::Serial> newest;  // that is published; nullopt: nothing yet
        std::optional<zones::Serial> has;
        Instant behind_since{};
        std::uint16_t id = 0;  // of the NOTIFY and of the SOA query of this serial
        unsigned tries = 0;    // NOTIFYs of this serial
        unsigned asks = 0;     // SOA queries of this serial
        unsigned silent = 0;   // NOTIFYs of this serial since the last answer
        SecondaryStatus::Notify state = SecondaryStatus::Notify::none;
        std::uint8_t rcode = 0;                // of the last answer
        Instant silent_since{};                // when the first of `silent` was sent
        Instant due = Instant::max();          // of the next NOTIFY
        Instant ask_due = Instant::max();      // of the next SOA query
        bool troubled = false;                 // a Note said so
        bool held = false;                     // its NOTIFY waits for the end of a transfer
        bool falsely_answered = false;         // a Note said so
        bool told_ahead = false;               // a Note said that it is ahead of us
        std::vector<Transfer> transfers = {};  // under way
        std::optional<zones::Serial> asked = std::nullopt;
        Instant asked_at{};
        std::optional<TransferSeen> last_transfer = std::nullopt;
        Instant queued_at = Instant::max();  // its key in `fresh_` or `again_`; max: in neither
        bool queued_fresh = false;
        bool current() const { return has && newest && *has == *newest; }
        // RFC 1982 §3.2: also where it says of neither that it is the lesser.
        bool ahead() const { return has && newest && *has != *newest && !(*has < *newest); }
    };
    struct ZoneEntries {
        std::vector<std::size_t> entries;   // places in entries_
        std::vector<zones::Serial> recent;  // the newest last
    };

    void on(const VersionPublished&, Instant now, std::vector<Effect>&);
    void on(const AnswerHeard&, Instant now, std::vector<Effect>&);
    void on(const FalseAnswerHeard&, Instant now, std::vector<Effect>&);
    void on(const SecondaryAsked&, Instant now, std::vector<Effect>&);
    void on(const TransferBegun&, Instant now, std::vector<Effect>&);
    void on(const TransferEnded&, Instant now, std::vector<Effect>&);
    void on(const SerialHeard&, Instant now, std::vector<Effect>&);
    void on(const TargetsChanged&, Instant now, std::vector<Effect>&);
    void on(const ClockTicked&, Instant now, std::vector<Effect>&);
    void replace(Entry&, zones::Serial serial, Instant now);
    void end_transfer(const TransferEnded&, Instant now);
    void learn(Entry&, zones::Serial has, Instant now, std::vector<Effect>&);
    void send_due(Instant now, std::vector<Effect>&);
    void send_notify(Entry&, Instant now, std::vector<Effect>&);
    static void note_trouble(Entry&, std::vector<Effect>&);
    void send_ask(Entry&, Instant now, std::vector<Effect>&);
    std::uint16_t draw_id();
    void index();
    void schedule(std::size_t at);
    std::vector<std::size_t> at_address(const zones::Name& zone, const heartbeat::Address& address,
                                        const std::optional<zones::Name>& key) const;
    const ZoneEntries& of(const zones::Name& zone) const;
    std::uint32_t behind(const Entry& entry) const;

    std::vector<Entry> entries_;
    std::map<zones::Name, ZoneEntries> by_zone_;
    Queue fresh_, again_;  // who was not told the newest version at all; everything else
    std::map<Place, Counts> counts_;
    TransferCounts other_transfers_;
    std::uint64_t random_;
    Instant paced_until_{};
};

}  // namespace dnsd
