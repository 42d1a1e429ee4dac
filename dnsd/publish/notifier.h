#pragma once
// A machine for RFC 1996: which secondary has been told which serial, when to ask again, and how
// far each is behind. A copyable value without a clock, a socket or randomness of its own.

#include "heartbeat/identity.h"
#include "zones/name.h"
#include "zones/serial.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
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
    unsigned unanswered = 0;  // NOTIFYs of the newest serial without an answer
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

    struct Target {
        heartbeat::Address address;
        std::uint16_t port = 53;
        zones::Name zone;
        friend bool operator==(const Target&, const Target&) = default;
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
    };
    // From that address, whatever the port, a transfer was asked for and sent.
    struct SecondaryAsked {
        heartbeat::Address address;
        zones::Name zone;
    };
    // The answer to AskSerial, and the only proof of what it has.
    struct SerialHeard {
        heartbeat::Address address;
        std::uint16_t port = 0;
        std::uint16_t id = 0;
        zones::Name zone;
        zones::Serial serial;
    };
    // A reload: what is known of those that stay is kept.
    struct TargetsChanged {
        std::vector<Target> targets;
    };
    struct ClockTicked {};
    using Event = std::variant<VersionPublished, AnswerHeard, SecondaryAsked, SerialHeard,
                               TargetsChanged, ClockTicked>;

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

    // Message ids are drawn from `seed`, which the shell draws at random.
    Notifier(std::vector<Target> targets, std::uint64_t seed);

    [[nodiscard]] std::vector<Effect> step(const Event& event, Instant now);
    // When the shell owes a ClockTicked; Instant::max() when nothing is due.
    Instant wakes_at() const;
    std::vector<SecondaryStatus> status(Instant now) const;

private:
    struct Entry {
        Target target;
        std::optional<zones::Serial> newest;  // that is published; nullopt: nothing yet
        std::optional<zones::Serial> has;
        Instant behind_since{};
        std::uint16_t id = 0;  // of the NOTIFY and of the SOA query of this serial
        unsigned tries = 0;    // NOTIFYs of this serial
        unsigned asks = 0;     // SOA queries of this serial
        SecondaryStatus::Notify state = SecondaryStatus::Notify::none;
        Instant due = Instant::max();      // of the next NOTIFY
        Instant ask_due = Instant::max();  // of the next SOA query
        bool troubled = false;             // a Note said so
        bool current() const { return has && newest && *has == *newest; }
    };

    void on(const VersionPublished&, Instant now, std::vector<Effect>&);
    void on(const AnswerHeard&, Instant now, std::vector<Effect>&);
    void on(const SecondaryAsked&, Instant now, std::vector<Effect>&);
    void on(const SerialHeard&, Instant now, std::vector<Effect>&);
    void on(const TargetsChanged&, Instant now, std::vector<Effect>&);
    void on(const ClockTicked&, Instant now, std::vector<Effect>&);
    void learn(Entry&, zones::Serial has, Instant now, std::vector<Effect>&);
    void send_due(Instant now, std::vector<Effect>&);
    void send_notify(Entry&, Instant now, std::vector<Effect>&);
    void send_ask(Entry&, Instant now, std::vector<Effect>&);
    std::uint16_t draw_id();
    void index();
    const std::vector<std::size_t>& of(const zones::Name& zone) const;

    std::vector<Entry> entries_;
    std::map<zones::Name, std::vector<std::size_t>> by_zone_;  // places in entries_
    std::uint64_t random_;
    Instant paced_until_{};
};

}  // namespace dnsd
