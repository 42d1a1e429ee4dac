#pragma once
// A whole cluster in one process: the real machines of one arbiter, of its agents and of the
// secondaries' notifier on a virtual clock, with a network, databases, disks, clients and operators
// that misbehave as one script says. Its rooms: world.cc (time, and what is so), arbiter_shell.cc,
// agent_shell.cc, verbs.cc (what agents do to their databases), replication.cc, faults.cc,
// aims.cc, operators.cc; beside it timeline, database, network, secondaries, checker.

#include "tests/sim/chance.h"
#include "tests/sim/checker.h"
#include "tests/sim/events.h"
#include "tests/sim/network.h"
#include "tests/sim/script.h"
#include "tests/sim/secondaries.h"
#include "tests/sim/site.h"

#include <array>
#include <functional>
#include <string>

namespace sim {

class World {
public:
    // Every line of the story, as it happens.
    using Teller = std::function<void(True now, const std::string& line)>;

    explicit World(Script script, Teller teller = {});
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    // The next event; false when nothing is to come or a rule is broken.
    bool step();
    // Runs for as long; false when a rule is broken.
    bool run(Duration time);
    // What must hold of a world that has ended is judged too.
    void finish() { checker_.ends(*this); }

    // What is broken; empty when nothing is.
    const std::string& violation() const { return checker_.violation(); }
    // One master, that the arbiter and `www` agree on, and that all others follow; else what lacks.
    std::string unsettled() const;
    // At the end nobody writes any more, and all replicas become equal; else which one is not.
    void let_replicas_catch_up();
    std::string unequal() const;

    // ---- What is so, for whoever checks and tells ----
    True now() const { return now_; }
    bool troubled() const { return now_ < script_.climate.troubled.count(); }
    const Script& script() const { return script_; }
    const dnsd::ArbiterRules& rules() const { return rules_; }  // as they are now
    const std::vector<Site>& sites() const { return sites_; }
    const ArbiterSite& arbiter() const { return arbiter_; }
    const Timeline& timeline() const { return timeline_; }
    const Network& network() const { return network_; }
    const Checker& checker() const { return checker_; }
    const Secondaries& secondaries() const { return secondaries_; }
    // As stands in the zone; nothing before the first edition.
    const std::optional<dnsd::Standing>& published() const { return published_; }
    std::uint32_t serial() const { return arbiter_.ledger.serial; }
    const std::optional<dnsd::Record>& ledger() const { return arbiter_.ledger.record; }
    Epoch epoch() const;
    std::vector<std::size_t> masters() const;  // whose database takes writes now
    // The arbiter gives nobody a lease, for it is to observe.
    bool observing() const;
    // Does it belong to the group, by the configuration of now?
    bool configured(std::size_t site) const;
    // Its agent, its guard and its database, and nothing of them is still broken.
    bool all_of_it_runs(std::size_t site) const;
    std::uint64_t start_said(std::size_t agent) const;  // of its database
    std::size_t place_of(const ServerId& id) const;     // sites().size(): nowhere
    std::uint64_t heartbeats() const { return heartbeats_; }
    std::uint64_t commits() const { return commits_; }  // that a client was told of
    // What only people could do when all faults were over.
    std::uint64_t adoptions() const { return adoptions_; }
    std::uint64_t clonings() const { return clonings_; }
    using Omitted = std::array<std::uint64_t, static_cast<std::size_t>(Omission::count)>;
    const Omitted& omitted() const { return omitted_; }
    // By then every fault is over, and what it did to datagrams.
    True quiet_at() const;
    // How many commits of clients may have been lost with the operator's or the rules' consent.
    bool loss_accepted() const { return loss_accepted_; }

    // ---- Faults and operators by hand, for tests that tell one story ----
    void strike(const Fault& fault);
    void ask(const dnsd::Command& command);
    const std::vector<dnsd::Answer>& answers() const { return answers_; }

private:
    void tell(const std::string& line) {
        if (teller_) teller_(now_, line);
    }
    bool telling() const { return static_cast<bool>(teller_); }
    void omits(Omission what) { ++omitted_[static_cast<std::size_t>(what)]; }
    std::string name(std::size_t site) const;
    void after(Duration delay, Event::Kind kind, std::size_t who, std::uint64_t a = 0,
               std::uint64_t b = 0) {
        events_.add(now_ + delay.count(), kind, who, a, b);
    }
    void dispatch(const Event& event);
    void dispatch_data(const Event& event);
    // Not now, for its process is stopped: again when it goes on.
    bool put_off(const Process& process, const Event& event, bool datagram);

    // The arbiter's shell (arbiter_shell.cc).
    void start_arbiter();
    void load_ledger();
    void crash_arbiter(Duration off);
    void arbiter_step(const dnsd::Event& event);
    bool write_ledger(const dnsd::Record& record);
    void unsaid(const dnsd::Record& granted);
    void perform(const dnsd::SendReply& effect);
    void perform(const dnsd::Announce& effect);
    void perform(const dnsd::Note& effect);
    void perform(const dnsd::Answer& effect);
    void set_arbiter_alarm();
    void arbiter_wakes(const Event& event);
    void heard_by_arbiter(const Event& event);
    std::int64_t unix_seconds() const { return arbiter_.wall_offset + now_ / second; }

    // The agents' shells (agent_shell.cc).
    void start_agent(std::size_t agent);
    void end_agent(std::size_t agent, Duration off);
    void agent_step(std::size_t agent, const agent::Event& event);
    bool write_record(std::size_t agent, const agent::AgentRecord& record);
    void perform(std::size_t agent, agent::Effect& effect);
    void send(std::size_t agent, heartbeat::Heartbeat&& beat);
    void set_agent_alarm(std::size_t agent);
    void heard_by_agent(const Event& event);
    void challenged(const Event& event);
    void asked_dns(std::size_t agent);
    void looks(std::size_t agent);
    void look_at_database(std::size_t agent);
    void looked(std::size_t agent);
    agent::DatabaseView view_of(std::size_t agent);

    // What they do to their databases, and the guards (verbs.cc).
    void begin_verb(std::size_t agent, const agent::Effect& effect);
    void end_verb(std::size_t agent, std::uint64_t number);
    std::string apply_received(std::size_t agent);
    std::string act(std::size_t agent);
    std::string act(std::size_t agent, const agent::Promote& effect);
    std::string act(std::size_t agent, const agent::Demote& effect);
    std::string act(std::size_t agent, const agent::Follow& effect);
    std::string act(std::size_t agent, const agent::Prepare& effect);
    std::string act(std::size_t agent, const agent::Configure& effect);
    void bar(std::size_t agent, const std::vector<heartbeat::Barred>& list);
    void arm_guard(std::size_t agent, True deadline);
    void guard_kills(std::size_t agent, std::uint64_t arming);

    // Databases and clients (replication.cc).
    void kill_database(std::size_t site, const char* why, Duration off);
    void shut_down_database(std::size_t site, Duration off);
    void database_starts(std::size_t site);
    void lose_replicas(std::size_t upstream);
    void fence_database(std::size_t site);
    void clients_write(std::size_t client);
    void write(std::size_t site, std::size_t client);
    void perform(std::size_t site, std::size_t client);
    void perform_statements(std::size_t site);
    void feed(std::size_t upstream);
    void connect(std::size_t replica);
    void receive(std::size_t replica, std::uint64_t connection);
    void acknowledge(const Event& event);
    void release(std::size_t site, Point up_to, bool kept);
    void apply(std::size_t replica);
    void start_applying(std::size_t replica);
    bool reaches(std::size_t replica, std::size_t upstream) const;

    // Faults and operators (faults.cc, aims.cc, operators.cc).
    void begin(std::size_t fault);
    void end(std::size_t fault);
    void strike_arbiter(const Fault& fault);
    void strike_agent(const Fault& fault);
    void strike_database(const Fault& fault);
    void stop_by_hand(const Fault& fault);
    void strike_network(const Fault& fault, bool mend);
    void strike_operator(const Fault& fault, bool undo);
    void aim(const Fault& fault);
    void aim_at_acker(const Fault& fault, std::size_t holder);
    void aim_at_stranger(const Fault& fault, std::size_t holder);
    void aim_by_hand(const Fault& fault, std::size_t holder);
    void aim_at_memory(const Fault& fault, std::size_t holder);
    void aim_at_relay_log(const Fault& fault, std::size_t holder);
    void put_ledger_back(const Fault& fault);
    void aim_at_ledger(const Fault& fault, std::size_t winner);
    const std::optional<dnsd::Record>& forgetful_copy(const Fault& fault) const;
    void strike_winner(std::size_t winner);
    void strike_yielder(std::size_t holder);
    void follow_up(Fault::Kind kind, std::size_t who, Duration in, Duration lasts,
                   std::size_t other = the_arbiter, std::uint32_t how = 0);
    void change_server(const Fault& fault, bool undo);
    void change_setting(const Fault& fault, bool undo);
    void change_rules();
    bool reload();
    bool somebody_would_write_unknown() const;
    bool nobody_knows_that_it_writes(std::size_t site) const;
    std::optional<dnsd::Answer> ask_once(const dnsd::Command& command, bool dry_run);
    void confirm_dead(std::size_t site);
    void adopt(std::size_t site, bool blindly);
    bool only_people_can_help() const;
    std::string should_settle() const;
    std::size_t most_advanced() const;
    void name_a_master();
    void calm();
    void repair();
    void clone_database(std::size_t site, std::size_t from);

    Script script_;
    Teller teller_;
    Chance chance_;
    Events events_;
    Network network_;
    Parcels parcels_;
    Timeline timeline_;
    Checker checker_{script_.climate.agents};
    Secondaries secondaries_;
    True now_ = 0;

    dnsd::ArbiterRules rules_;
    Duration shortest_lease_ = script_.climate.lease;  // that the rules ever had
    ArbiterSite arbiter_;
    std::vector<Site> sites_;
    std::optional<dnsd::Standing> published_;
    struct Client {
        bool waits = false;  // for its commit
        std::size_t at = 0;  // where
        True gives_up = 0;
    };
    std::vector<Client> clients_;
    bool clients_rest_ = false;

    std::vector<dnsd::Answer> answers_;
    std::uint64_t token_ = 0;
    unsigned waited_ = 0;  // times that the operator left the cluster to itself
    std::uint64_t heartbeats_ = 0;
    std::uint64_t commits_ = 0;
    std::uint64_t adoptions_ = 0;
    std::uint64_t clonings_ = 0;
    Omitted omitted_{};
    True settles_since_ = never;  // since then it must come together by itself
    bool loss_accepted_ = false;
};

// How a world ended: by a broken rule, or in harmony.
struct Verdict {
    std::string broken;  // empty: no rule was
    True ended = 0;
    std::uint64_t grants = 0;
    std::uint64_t heartbeats = 0;
    std::uint64_t commits = 0;
    std::uint64_t adoptions = 0;
    std::uint64_t clonings = 0;
    std::array<std::uint64_t, static_cast<std::size_t>(Excuse::count)> excused{};
    World::Omitted omitted{};
    // That befell it: those of the script, and what they led to.
    std::array<std::uint64_t, static_cast<std::size_t>(Fault::Kind::count)> faults{};
};
// One world from birth, through its troubles, to rest; at least `least` of its time.
constexpr Duration least = std::chrono::seconds(60);
Verdict live(const Script& script, const World::Teller& teller = {});
// How long a healed world may take to come together.
Duration settling_bound(const Climate& climate);

}  // namespace sim
