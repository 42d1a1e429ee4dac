#pragma once
// A seed's whole run as data: the climate, and what goes wrong or is asked for when. What is not in
// here (how long a datagram travels, how long a verb works) comes from streams of its own
// (chance.h), so that a script with one entry less plays nearly the same.

#include "dnsd/arbiter/facts.h"
#include "tests/sim/clock.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sim {

constexpr std::size_t agents_max = 5;
constexpr std::size_t the_arbiter = 7;  // as Fault::who or other
// As Fault::how of a ledger that is put back: one from before the last grant, by which somebody
// else leads; or nobody.
constexpr std::uint32_t before_a_grant = ~0U;
constexpr std::uint32_t nobody_leads = ~0U - 1;

// How the cluster is set up, and what goes wrong all the time. Shares are millionths.
struct Climate {
    std::size_t agents = 3;
    std::size_t configured = 3;  // of them at the start; the others may be added
    Duration heartbeat = std::chrono::seconds(1);
    Duration lease = std::chrono::seconds(6);
    Duration down_after = std::chrono::seconds(3);
    Duration block{0};
    unsigned failovers_an_hour = 0;
    dnsd::Choose choose = dnsd::Choose::most_advanced;
    dnsd::Loss loss = dnsd::Loss::none;
    bool semi_sync = true;
    unsigned ackers = 2;
    bool confirm_dead = false;
    std::int64_t rho = 1000;      // of the rules; the clocks keep to it
    bool guard = true;            // a second process kills the database at the deadline
    bool first_writable = false;  // one server leads already when the arbiter is new
    bool observes = false;        // the arbiter begins in mode observe
    Duration write_every = std::chrono::milliseconds(500);  // each client, about
    std::int64_t loss_share = 0;                            // of datagrams
    std::int64_t duplication = 0;
    std::int64_t straggling = 0;  // datagrams that take up to 3E
    std::int64_t failing_verbs = 0;
    std::int64_t blind_looks = 0;                  // at a database that is up
    Duration troubled = std::chrono::seconds(40);  // after that nothing goes wrong

    dnsd::ArbiterRules rules() const;  // with nobody configured yet
    Duration expiry() const;           // E
    friend bool operator==(const Climate&, const Climate&) = default;
};

// X(name, "as a story tells it")
#define SIM_FAULTS(X)                                                                      \
    X(arbiter_crashes, "the arbiter crashes")                                              \
    X(arbiter_crashes_at_ledger, "the arbiter crashes when it next writes its ledger")     \
    X(arbiter_stops, "the arbiter is stopped (SIGSTOP)")                                   \
    X(ledger_fails, "the ledger can not be written")                                       \
    X(ledger_restored, "an older copy of the ledger is put back")                          \
    X(ledger_damaged, "the ledger is damaged")                                             \
    X(clones_seen, "a second machine speaks under its name")                               \
    X(machine_crashes, "the machine crashes")                                              \
    X(machine_suspends, "the machine is suspended")                                        \
    X(agent_crashes, "the agent crashes")                                                  \
    X(agent_crashes_at_record, "the agent crashes when it next writes its record")         \
    X(agent_stops, "the agent is stopped (SIGSTOP)")                                       \
    X(agent_restarts, "the agent is restarted by SIGTERM")                                 \
    X(record_fails, "the agent's record can not be written")                               \
    X(record_lost, "the agent restarts without its record")                                \
    X(claims_too_much, "the agent claims an epoch that nobody can have reached")           \
    X(guard_dies, "the guard is killed")                                                   \
    X(guard_stops, "the guard is stopped (SIGSTOP)")                                       \
    X(database_crashes, "the database is killed")                                          \
    X(database_restarts, "the database is restarted")                                      \
    X(database_stops, "the database is stopped (SIGSTOP)")                                 \
    X(replication_lags, "replication applies nothing")                                     \
    X(replication_breaks, "somebody stops replication by hand")                            \
    X(made_read_only, "somebody makes the database read-only by hand")                     \
    X(written_by_hand, "somebody writes to the read-only database by hand")                \
    X(made_to_acknowledge, "somebody has the database acknowledge commits by hand")        \
    X(made_writable, "somebody makes the database writable by hand")                       \
    X(cut, "no datagram passes")                                                           \
    X(cut_one_way, "no datagram passes one way")                                           \
    X(cut_all, "no datagram passes to or from any other")                                  \
    X(slow, "datagrams take long")                                                         \
    X(page_unwell, "the page is not as it should be")                                      \
    X(secondary_cut, "a secondary hears nothing")                                          \
    X(asks_switchover, "an operator asks for a switchover")                                \
    X(asks_drain, "an operator drains it")                                                 \
    X(asks_pause, "an operator pauses")                                                    \
    X(asks_resume, "an operator resumes")                                                  \
    X(asks_confirm_dead, "an operator says that it is dead")                               \
    X(asks_adopt, "an operator has it adopted")                                            \
    X(may_not_lead, "the configuration says that it may not lead")                         \
    X(lease_changes, "the configuration has another lease")                                \
    X(server_dropped, "the configuration drops it")                                        \
    X(server_added, "the configuration has a new server")                                  \
    X(asks_observe, "an operator has the arbiter observe")                                 \
    X(wall_clock_steps, "the arbiter restarts with another wall clock")                    \
    X(semi_sync_changes, "the configuration turns semi-sync on or off")                    \
    X(ackers_change, "the configuration has more or fewer ackers")                         \
    X(loss_changes, "the configuration allows loss, or no more")                           \
    X(choose_changes, "the configuration elects by the other policy")                      \
    X(heartbeat_changes, "the configuration has another heartbeat")                        \
    X(patience_changes, "the configuration has another down_after")                        \
    X(damping_changes, "the configuration damps otherwise")                                \
    X(server_changes, "the configuration has other weights, priorities and addresses")     \
    X(asks_act, "an operator has the arbiter act")                                         \
    X(winner_is_struck, "whoever is granted next is struck")                               \
    X(holder_dies, "the holder's machine dies, and an operator says so")                   \
    X(acker_lags, "a member of S is cut off from the holder, which then dies")             \
    X(leaver_is_ahead, "a member of S is drained, and another cut off from the holder")    \
    X(stranger_acknowledges, "a server outside S acknowledges, and the holder dies")       \
    X(hand_leads, "somebody writes to a replica that is behind, and the holder dies")      \
    X(memory_is_lost, "the ledger is damaged, and the master and its acker lose a commit") \
    X(ledger_forgets, "the last holder but one is all that an older ledger hears of")      \
    X(acker_begins_anew, "an acker with a commit loses its relay log, the holder dies")    \
    X(yielder_is_struck, "paused, a switchover is asked for, and its holder dies over it")

// What the script calls for and the world does not do, for the fault model takes it away or nobody
// would do it: counted, so that a run tells how wide that is.
// X(name, "what was not done")
#define SIM_OMISSIONS(X)                                                                        \
    X(unheard_writer_kept, "one that wrote before the first lease, unheard, was not dropped")   \
    X(not_adopted_unanswered, "nobody adopted one that is dropped, or has no database")         \
    X(not_adopted_beside_a_writer, "nobody adopted one while another wrote, unheard")           \
    X(death_not_claimed, "nobody said that one is dead of which he could not be sure")          \
    X(nobody_to_ask, "an operator's command went to an arbiter that did not run")               \
    X(ledger_kept, "no ledger was put back from before a longer lease, or there was none")      \
    X(promise_left_alone, "nobody said START SLAVE where receiving stood still")                \
    X(hand_raised, "one that was made writable by hand began with numbers of its own")          \
    X(hand_held_back, "nobody wrote by hand, or opened a database, where it could not be seen") \
    X(setting_refused, "settings that do not fit each other were not read")                     \
    X(membership_kept, "nobody dropped one of the last two, or one that was dropped before")

enum class Omission : std::uint8_t {
#define SIM_NAME(name, text) name,
    SIM_OMISSIONS(SIM_NAME)
#undef SIM_NAME
        count
};
std::string_view text_of(Omission);

struct Fault {
    enum class Kind : std::uint8_t {
#define SIM_NAME(name, text) name,
        SIM_FAULTS(SIM_NAME)
#undef SIM_NAME
            count
    };
    Kind kind{};
    True at = 0;
    Duration lasts{0};      // zero: it has no end, or none of its own
    std::size_t who = 0;    // a server's place, or the_arbiter
    std::size_t other = 0;  // the far end of a cut; to whom a switchover is asked for
    std::uint32_t how = 0;  // of kinds that have several ways
    friend bool operator==(const Fault&, const Fault&) = default;
};
std::string_view name_of(Fault::Kind);
// "at 12.3 s the agent is stopped (SIGSTOP), wiki2, for 1.2 s"
std::string sentence(const Fault&);

struct Script {
    std::uint64_t seed = 0;  // of the streams
    Climate climate;
    std::vector<Fault> faults;  // sorted by `at`
    friend bool operator==(const Script&, const Script&) = default;
};
// As the seeds' mix has it; or, to measure by, always five servers and every kind of fault.
enum class Mix : std::uint8_t { usual, heavy };
Script script_of(std::uint64_t seed, Mix mix = Mix::usual);

}  // namespace sim
