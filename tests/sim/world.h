#pragma once
// A whole cluster in one process: the real machines of one arbiter and its agents on a virtual
// clock, with a network, databases, disks and clocks that misbehave as one seed says.

#include "agent/duty/duty.h"
#include "dnsd/arbiter/arbiter.h"
#include "tests/sim/database.h"
#include "tests/sim/random.h"

#include <functional>
#include <map>
#include <set>
#include <string>

namespace sim {

using heartbeat::Address;
using heartbeat::Duration;
using heartbeat::Epoch;
using heartbeat::Instant;
using heartbeat::ServerId;
using True = std::int64_t;  // nanoseconds of the world's own time, which nobody in it knows

// What goes wrong, and how often. Rates are per second of the world, for the whole world.
struct Climate {
    std::size_t agents = 3;
    Duration heartbeat = std::chrono::milliseconds(100);
    Duration lease = std::chrono::milliseconds(600);
    Duration down_after = std::chrono::milliseconds(300);
    dnsd::Choose choose = dnsd::Choose::most_advanced;
    double rho = 1e-3;
    bool guard = true;  // a second process kills the database at the deadline; agents may then stop
    bool first_writable = true;  // one server leads already when the arbiter is new
    double loss = 0;
    double duplication = 0;
    double straggling = 0;  // datagrams that take up to ten seconds
    double disk_errors = 0;
    double failing_verbs = 0;
    double blind_looks = 0;  // at a database that is up, one at a time
    double arbiter_crashes = 0;
    double arbiter_freezes = 0;
    double machine_crashes = 0;
    double agent_crashes = 0;  // with a guard only
    double agent_freezes = 0;  // with a guard only
    double database_crashes = 0;
    double partitions = 0;
    double page_faults = 0;
    Duration troubled = std::chrono::seconds(8);  // after that, nothing goes wrong

    // A climate drawn from the seed.
    static Climate of(std::uint64_t seed);
};

// How long a healed world may take to come together: a lease, a window, and the longest of the
// pauses that failed verbs earned.
Duration settling_bound(const Climate& climate);

// How a world ended: by a broken rule, in harmony, or waiting for an operator because two servers
// have transactions that the other lacks (the zero-loss gate is not in this world).
struct Verdict {
    std::string broken;  // empty: no rule was
    bool awaits_operator = false;
    std::uint64_t grants = 0;
    std::uint64_t heartbeats = 0;
};
// One world from birth, through its troubles, to rest.
Verdict live(std::uint64_t seed, const Climate& climate, std::ostream* trace = nullptr);

class World {
public:
    World(std::uint64_t seed, const Climate& climate, std::ostream* trace = nullptr);

    // The next event; false when nothing is to come or a rule is broken.
    bool step();
    // Runs for as long; false when a rule is broken.
    bool run(Duration time);
    True now() const { return now_; }

    // What is broken; empty when nothing is.
    const std::string& violation() const { return violation_; }
    std::vector<std::size_t> masters() const;  // whose database takes writes now
    // One master, that the arbiter and `www` agree on, and that all others follow; else what lacks.
    std::string unsettled() const;
    // Two histories went apart, and the arbiter rightly chooses neither.
    bool awaits_operator() const;
    Epoch epoch() const;
    const dnsd::Standing& published() const { return published_; }
    std::uint64_t heartbeats() const { return heartbeats_; }
    std::uint64_t grants() const { return holders_.size(); }

    // Faults by hand, for tests that tell one story.
    void crash_machine(std::size_t agent, Duration off);
    void crash_arbiter(Duration off);
    void cut(std::size_t agent, bool to_arbiter, bool from_arbiter, Duration time);
    void write_everywhere();  // each writable database writes

private:
    struct Clock {
        True born = 0;
        std::int64_t offset = 0;
        double drift = 0;
        Instant at(True time) const;
        True when(Instant local) const;  // the first time at which the clock shows it
    };
    struct Event {
        True at;
        std::uint64_t order;
        std::function<void()> what;
        bool operator<(const Event& other) const {
            return at != other.at ? at > other.at : order > other.order;
        }
    };
    // One run of one process; what is queued for an earlier run is void.
    struct Process {
        bool up = false;
        std::uint64_t boot = 0;
        Clock clock;
        True frozen_until = 0;
        std::uint64_t wake = 0;  // the timer that counts
    };
    struct Site {  // one machine
        ServerId id;
        Address address;
        Process process;
        std::optional<agent::Duty> duty;
        agent::AgentRecord disk;
        Database database;
        bool page = true;
        bool blind = false;  // the last look was
        std::uint64_t counter = 0;
        std::uint64_t arbiter_boot = 0;  // as the last challenge said
        std::uint64_t verb = 0;          // the verb that counts
        std::optional<True> guard;       // when the guard kills
        True deaf_until = 0;             // hears nothing from the arbiter
        True mute_until = 0;             // is not heard by it
        True cut_off_until = 0;          // no other database reaches it
    };
    struct Heard {  // of one agent, as the session remembers it
        std::uint64_t boot = 0;
        std::uint64_t counter = 0;
    };

    bool troubled() const { return now_ < troubled_until_; }
    void at(True time, std::function<void()> what);
    void after(Duration delay, std::function<void()> what) {
        at(now_ + delay.count(), std::move(what));
    }
    // For this run of a process only, and not while it is frozen.
    template <typename What>
    void in(Process& process, True time, What what);
    void break_rule(std::string what);
    void tell(const std::string& line);
    void check();

    void start_arbiter();
    void start_agent(std::size_t agent);
    void arbiter_step(const dnsd::Event& event);
    void agent_step(std::size_t agent, const agent::Event& event);
    void arbiter_sleep();
    void agent_sleep(std::size_t agent);

    void perform(std::size_t agent, const agent::SendHeartbeat& effect);
    void perform(std::size_t agent, const agent::Promote& effect);
    void perform(std::size_t agent, const agent::Demote& effect);
    void perform(std::size_t agent, const agent::Follow& effect);
    void perform(std::size_t agent, const agent::Prepare& effect);
    void perform(std::size_t agent, const agent::LookAtDatabase& effect);
    void perform(std::size_t agent, const agent::AskMasterRecord& effect);
    void perform(std::size_t agent, const agent::LeaseExtended& effect);
    void perform(std::size_t agent, const agent::LeaseEnded& effect);
    void perform(std::size_t agent, const agent::Note& effect);
    void verb(std::size_t agent, Duration time, agent::VerbDone done,
              std::function<std::string()> what);

    void reply(const dnsd::SendReply& effect);
    void announce(const dnsd::Announce& effect);
    void arrive(std::size_t agent, std::uint64_t boot, std::uint64_t counter, std::uint64_t to_boot,
                const heartbeat::Heartbeat& beat);
    void travel(std::function<void()> what);
    void look(std::size_t agent);
    void look_often(std::size_t agent, std::uint64_t boot);
    void replicate();
    void kill_database(std::size_t agent, const char* why);
    void freeze(Process& process, Duration time);
    void fault();
    void heal();
    void arm_guard(std::size_t agent);
    std::size_t any_agent();
    std::size_t index_of(const ServerId& id) const;

    Random random_;
    Climate climate_;
    std::ostream* trace_;
    True now_ = 0;
    True troubled_until_;
    std::uint64_t order_ = 0;
    std::vector<Event> events_;  // a heap, so that an event can be moved out of it
    std::string violation_;

    dnsd::ArbiterRules rules_;
    Process arbiter_process_;
    std::optional<dnsd::Arbiter> arbiter_;
    std::optional<dnsd::Record> ledger_;
    std::vector<Heard> heard_;
    std::vector<True> accepted_;  // the last heartbeat of each
    True arbiter_since_ = 0;
    dnsd::Standing published_;
    std::vector<Site> sites_;

    std::map<Epoch, ServerId> holders_;
    std::set<std::pair<ServerId, Epoch>> were_writable_;
    std::uint64_t heartbeats_ = 0;
};

}  // namespace sim
