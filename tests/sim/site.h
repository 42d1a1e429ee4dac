#pragma once
// One machine of the world: its database, its agent's process with the real machine inside, its
// guard, and what they have on disk. And the arbiter's, with its ledger.

#include "agent/duty/duty.h"
#include "dnsd/arbiter/arbiter.h"
#include "dnsd/arbiter/record_text.h"
#include "tests/sim/clock.h"
#include "tests/sim/database.h"
#include "tests/sim/script.h"

#include <deque>
#include <optional>

namespace sim {

using heartbeat::Address;
using heartbeat::ServerId;

// One run of one process; what is queued for an earlier run is void.
struct Process {
    bool up = false;
    std::uint64_t boot = 0;
    True stopped_until = 0;  // SIGSTOP
    bool runs(True now) const { return up && now >= stopped_until; }
    // … and did so ever since.
    bool ran_since(True then) const { return up && began <= then && stopped_until <= then; }
    True began = 0;
};

// The second process, which kills the database at the deadline.
struct Guard {
    bool up = true;
    True stopped_until = 0;
    True deadline = never;  // never: it guards nothing
    Duration lease{0};      // that it was told last
    std::uint64_t arming = 0;
    // Since this time, without a break, it would not have killed when it should: for who judges
    // whether the fault model of I1 still holds.
    bool fit(True now) const { return up && now >= stopped_until; }
};

// What becomes of writes that fail: nothing; each is on disk all the same; and the writer dies a
// while after that.
enum class Landing : std::uint8_t { lost, kept, kept_and_the_writer_dies };

struct Site {
    Site(ServerId name, Address where) : id(name), address(where) {}

    ServerId id;
    Address address;
    Clock clock;
    Process process;
    std::optional<agent::Duty> duty;
    bool may_lead = true;
    agent::AgentRecord disk;  // as its process knows it
    True record_fails_until = 0;
    // A write that failed may be on disk all the same, for who reads it next.
    Landing lands = Landing::lost;
    std::optional<agent::AgentRecord> landed;
    std::optional<Duration> crashes_at_record;  // how long it is away then
    bool before_record = false;                 // … and whether the write is lost with it
    // By its agent's last look, and in this start: its IO thread stood, and it was read-only.
    bool seen_at_rest = false;
    True lies_until = 0;  // of the epoch that it knows
    Guard guard;
    // The agent and the guard both failed under one lease: only promises and the gate hold.
    bool unguarded = false;
    Database database;
    bool page = true;
    bool blind = false;  // the last look was

    // As the session remembers it.
    std::uint64_t counter = 0;       // of this boot
    std::uint64_t arbiter_boot = 0;  // as the last challenge said

    // The verb that is under way, and looks.
    std::uint64_t verb_number = 0;
    std::optional<agent::Effect> verb;
    True verb_until = 0;  // by then it has failed
    std::uint64_t look_number = 0;
    bool looking = false;
    bool look_again = false;
    Instant look_begun{};
};

struct LedgerDisk {
    static constexpr std::size_t copies_max = 16;
    std::optional<dnsd::Record> record;  // what `text` says
    std::optional<std::string> text;     // as it lies there; nullopt: a new ledger
    std::uint32_t serial = 0;  // of the zone; never put back, for zone_store is not played here
    std::deque<std::optional<dnsd::Record>> copies;  // older ones, oldest first
    True fails_until = 0;
    bool damaged = false;  // since it was last written
    Landing lands = Landing::lost;
    std::optional<dnsd::Record> landed;  // as a write that failed; for who reads it next

    void write(const dnsd::Record& next) {
        copies.push_back(record);
        if (copies.size() > copies_max) copies.pop_front();
        put(next);
    }
    void put(const std::optional<dnsd::Record>& next) {
        record = next;
        landed.reset();
        damaged = false;
        text.reset();
        if (next) text = dnsd::record_text(*next);
    }
    // Torn off at the end, or with one bit that is another.
    void damage(std::uint32_t how) {
        const std::size_t place = how / 16 % text->size();
        if (how % 2 == 0)
            text->resize(place);
        else
            (*text)[place] = static_cast<char>((*text)[place] ^ (1 << how / 2 % 7));
        record.reset();
        landed.reset();
        damaged = true;
    }
};

struct ArbiterSite {
    Clock clock;
    Process process;
    std::optional<dnsd::Arbiter> machine;
    LedgerDisk ledger;
    std::uint32_t told_serial = 0;              // that the machine has been told
    Epoch granted;                              // the last that it told anybody
    std::optional<Fault> strikes_winner;        // what befalls the next that is granted
    std::optional<Duration> strikes_yielder;    // how long the next that is told to yield is dead
    bool reloads = false;                       // as soon as it runs
    True since = 0;                             // start of this run
    std::optional<Duration> crashes_at_ledger;  // how long it is away then
    std::optional<std::size_t> cloned;          // it knows of two machines under this name
    bool before_write = false;                  // ... and whether the write is lost with it
    // The session's memory of each agent, of this run.
    struct Heard {
        std::uint64_t boot = 0;
        std::uint64_t counter = 0;
        True at = -1;
    };
    std::vector<Heard> heard;
    std::int64_t wall_offset = 1'800'000'000;  // unix seconds when the world began
    std::int64_t highest_wall = 0;             // that it had before it was set to another time
};

}  // namespace sim
