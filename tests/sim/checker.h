#pragma once
// What must always hold (docs/PROTOCOL.md, I1 to I9, and what is on disk before it is on the wire),
// judged from outside: told by the world what happens, and looking at what is after each event. It
// shares no rule with the machines; it knows the true time, and what is truly in the databases.

#include "agent/duty/facts.h"
#include "dnsd/arbiter/facts.h"
#include "tests/sim/clock.h"
#include "tests/sim/script.h"
#include "tests/sim/timeline.h"

#include <array>
#include <map>
#include <set>
#include <string>

namespace sim {

using heartbeat::ServerId;
class World;

// Where a rule is not held against the machines, because the fault model or a person took it away.
// Few, and each is counted, so that a run can show that it did not excuse everything.
#define SIM_EXCUSES(X)                                                                         \
    X(unguarded, "agent and guard of a holder both failed within one lease")                   \
    X(by_hand, "somebody made a database writable by hand")                                    \
    X(found_writable, "a database was writable before there were leases")                      \
    X(confirmed_dead, "an operator said that the holder is dead")                              \
    X(adopted, "an operator adopted a server, whatever the others may have")                   \
    X(word, "an operator's word lifted a pause or the damping, or named who leads")            \
    X(loss_allowed, "loss = \"allow\", or an operator, let the new master lack what was told") \
    X(record_lost, "an agent's disk was lost, and its promise with it")                        \
    X(ledger_lost, "the arbiter's disk was lost, and with it who is master")                   \
    X(ledger_fails, "the arbiter could not write its ledger, or waits to try again")           \
    X(fail_open, "www fails open, and so it must: the silent stand in it")                     \
    X(all_lost, "the arbiter's disk was lost, and every copy that a database had of a commit")

enum class Excuse : std::uint8_t {
#define SIM_NAME(name, text) name,
    SIM_EXCUSES(SIM_NAME)
#undef SIM_NAME
        count
};
std::string_view text_of(Excuse);

// As a broken rule names it.
inline std::string text(const ServerId& id) {
    return std::string(id.text());
}
std::string seconds_of(True time);
// As the rules of now have it; nullptr: it is not configured.
const dnsd::ServerRules* rules_of(const World&, const ServerId&);
// By this record, and by any clock; or also where the drain may have ended.
bool drained(const World&, const dnsd::Record&, const ServerId&);
bool perhaps_drained(const dnsd::Record&, const ServerId&);

class Checker {
public:
    explicit Checker(std::size_t servers) : known_(servers) {}
    // Empty while nothing is broken; then the first that was: "I1: …".
    const std::string& violation() const { return violation_; }
    void broken(std::string what);

    // The arbiter.
    void arbiter_started(const World& world);
    void remembered(const World& world, const dnsd::Record& before, const dnsd::Record& next);
    void acknowledges(const World& world, std::size_t agent, const heartbeat::Ack& ack);
    void denies(const World& world, std::size_t agent, const heartbeat::Deny& deny);
    void announces(const World& world, const dnsd::Standing& standing);
    void notes(const World& world, const dnsd::Note& note);
    void asked(const World& world, const dnsd::OperatorAsked& command);
    void answers(const World& world, const dnsd::Answer& answer);
    void heard(const World& world, std::size_t agent, const heartbeat::Heartbeat& beat);
    // An agent is handed a reply of the arbiter's run that it talks to; it has looked at its
    // database, and began then.
    void handed(const World& world, std::size_t agent, std::uint64_t mark);
    void looked(const World& world, std::size_t agent, Instant begun, bool reachable);
    // It begins a verb as one that holds a lease, which bars these.
    void bars(const World& world, std::size_t agent, const std::vector<heartbeat::Barred>& list);
    // Its verb has stopped receiving; its promotion failed, when it had been given time until then.
    void stops_receiving(const World& world, std::size_t agent);
    void promotion_failed(const World& world, std::size_t agent, Epoch epoch, Instant give_up);
    // The ledger failed over what was heard last: the machine is as if it had not heard it.
    void unheard();
    void reconfigured(const World& world);
    void loses_record(const World& world, std::size_t agent);

    // The agents.
    void says(const World& world, std::size_t agent, const heartbeat::Heartbeat& beat);
    void extends(const World& world, std::size_t agent, const agent::LeaseExtended& lease);
    void becomes_writable(const World& world, std::size_t site, Epoch epoch);
    void follows(const World& world, std::size_t site, Epoch epoch);
    // It was told to begin to receive: what it had before and nobody looked at is not seen any
    // more.
    void may_receive(std::size_t site);
    void keeps(std::size_t agent, const agent::AgentRecord& record);
    void dies(std::size_t agent);

    // The databases. `kept`: by the acknowledgement of a semi-sync replica.
    void tells_client(const World& world, std::size_t site, Point commit, bool kept);
    void writes(const World& world, std::size_t site, Point from, Point to);
    void receives(const World& world, std::size_t site, std::size_t upstream);
    // Its upstream lacks what it has.
    void refuses(const World& world, std::size_t site, std::size_t upstream);
    // In silence: events of its own that its master has.
    void passes_over(const World& world, std::size_t site);
    // Unnoticed: under one GTID it has another transaction than its master.
    void diverges(const World& world, std::size_t site);

    // Nobody leads, and this one has most: people look again and again. And at last they say so.
    void waits(const World& world, std::size_t best);
    void needs_a_word(const World& world, std::size_t best);
    // An older copy of the ledger was put back, or it was damaged.
    void ledger_restored(const World& world);
    void copy_restored(const dnsd::Record& last, const dnsd::Record& copy);

    // After each event, and when a world has ended.
    void looks(const World& world);
    void ends(const World& world);

    bool was_writable(const ServerId& id, Epoch epoch) const {
        return were_writable_.contains({id, epoch});
    }
    std::size_t grants() const { return holders_.size(); }
    std::uint64_t excused(Excuse excuse) const {
        return excused_[static_cast<std::size_t>(excuse)];
    }

private:
    // What is known of one server.
    struct Known {
        bool writable = false;
        bool announced = false;  // becomes_writable came since the last look
        bool by_hand = false;
        std::size_t hands_from = 0;  // of `hands_`, those since it was made writable by hand
        bool excused = false;        // counted, for this time of being writable
        bool limited = false;        // … and its agent was told how long it may be
        bool forgotten = false;      // … and by a grant that was lost with the ledger
        True bare_since = never;     // writable without a lease, and its agent can see it
        std::optional<Epoch> leads;  // writable under it; nullopt: since before there were leases
        std::uint64_t start = 0;     // of its database when it became writable
        // How often its database had lost a relay log when it first said that start.
        std::map<std::uint64_t, std::uint64_t> losses{};
        std::uint64_t losses_seen = 0;  // … by its last look
        Epoch fenced;                   // has said so
        Epoch heard_fenced;             // … and the arbiter heard it, of one machine
        Epoch promised;                 // has said so
        Epoch promised_once;            // also before its disk was lost
        Epoch follows;
        std::uint64_t heard_request = 0;
        std::uint64_t heard_boot = 0;
        // Of its database, as this run of the arbiter heard it first and last.
        struct Starts {
            std::uint64_t first = 0;
            std::uint64_t last = 0;
        };
        Starts starts;
        struct Health {
            bool unwell = false;  // as it said last
            unsigned good = 0;    // heartbeats in a row that did not say so
            True good_at = 0;     // the last of them
            True good_since = 0;  // the first of them
            bool fell = false;    // unwell, silent or not configured, while this arbiter ran
        };
        Health health;
        Health health_before;  // what was heard last
        // When the newest requests were sent, by its own clock.
        struct Sent {
            std::uint64_t boot = 0;
            std::uint64_t request = 0;
            Instant at{};
            std::uint64_t start = 0;  // of its database
            Epoch held;
            bool leads = false;
        };
        std::array<Sent, 64> sent{};
        // What runs of the arbiter told it, the newest replies.
        struct Told {
            std::uint64_t boot = 0;
            std::uint64_t mark = 0;
            std::optional<Instant> handed;  // when, by its own clock
            std::uint8_t barred = 0;        // a bit a server
            Epoch epoch;
            bool grants = false;  // an ACK
            bool below = false;   // what it knew when it was handed
        };
        std::array<Told, 32> told{};
        std::size_t told_next = 0;
        std::uint64_t mark = 0;  // the newest of them, of the run `mark_boot`
        std::uint64_t mark_boot = 0;
        Instant look{};  // when the look began of which it speaks
        // Of its run `boot`: all by its own clock.
        struct Run {
            std::uint64_t boot = 0;
            std::uint64_t arbiter_boot = 0;
            std::uint64_t handed = 0;     // the highest mark that it was handed of that arbiter
            std::uint8_t barred = 0;      // by the newest ACK
            std::uint64_t barred_at = 0;  // the mark under which it says so, last
            std::optional<Instant> stopped;
            Instant patient_until{};
        };
        Run run;
        // By its upstream in that start; and as it said so first, to which run of the arbiter.
        struct Refused {
            std::size_t by = 0;
            std::uint64_t start = 0;
            Epoch said{};
            std::uint64_t boot = 0;
            std::uint64_t mark = 0;  // the newest that it had told anybody
            unsigned proofs =
                0;  // so often that database was heard later, unchanged since its grant
        };
        std::optional<Refused> refused;
        // What the arbiter's run of now has heard of it last.
        struct Said {
            std::uint64_t boot = 0;
            True at = 0;
            bool fit = false;     // by what it says it may lead
            bool leaves = false;  // says that it may not lead, or is drained
            bool refused = false;
            bool errant = false;
            bool liar = false;  // claims what nobody can have reached
            std::optional<Duration> lag;
            bool semi_sync = false;
            bool master = false;
            bool writable = false;
            std::optional<Epoch> leads;  // says that it is master under it, of a healthy database
            unsigned clients = 0;
            std::uint64_t revision = 0;
            Epoch promised;
            std::optional<heartbeat::GtidPosition> received;
            std::optional<heartbeat::GtidPosition> applied;
            std::optional<heartbeat::GtidPosition> had;  // received, when it last could say so
            unsigned priority = 0;
        };
        Said said;
        // When it asked first in the window that is open: at the latest, and at the earliest.
        struct Asks {
            True surely = never;
            True perhaps = never;
        };
        Asks asks;
        // In www, as far as it is surely by its own heartbeats.
        struct Stand {
            True from = never;
            unsigned flaps = 0;
            bool fell = false;  // by them it left, and by nobody's word
        };
        Stand stand;
        // Good heartbeats with no gap that could be R between them, and none that says otherwise.
        struct Row {
            unsigned good = 0;
            True since = 0;      // the first of them
            unsigned falls = 0;  // so often one ended that was not long, at most
            bool stood = false;  // for sure, when it was heard last
        };
        Row row;
    };
    struct Held {
        ServerId holder;
        True may_live = 0;        // until then it may be writable, if it heard every ACK
        std::uint64_t start = 0;  // of its database, as it asked
        std::uint64_t boot = 0;   // of the arbiter that granted it
        bool taken = false;       // its holder heard of it
        std::uint64_t acked = 0;  // the boot of the arbiter that told it last
        Instant last_ack{};       // by the arbiter's clock
        Instant granted{};        // … told first by this run of it
        bool led = false;         // said that it is master under it
        bool confirmed_dead = false;
        bool gateless = false;  // the rules let it lack what was told
        Duration longest{0};
        Duration shortest{0};
    };
    struct Asked {
        bool word = false;                  // it may lead to a grant
        bool begun = false;                 // it was told that it goes on
        bool planned = false;               // … by a switchover
        bool granted = false;               // it has led to a grant
        bool observe = false;               // the arbiter is to decide nothing
        Instant since{};                    // by the arbiter's clock
        Duration longest{0};                // the longest lease that it may have to wait for
        std::optional<ServerId> dead{};     // who is said to be
        std::optional<ServerId> named{};    // who is to lead
        std::optional<ServerId> adopted{};  // … whatever the others may have
        bool allow_loss = false;
    };
    // What somebody wrote by hand, on a branch of its own that begins with this.
    struct Hand {
        std::size_t site = 0;
        Point first;
        bool watched = false;  // its agent sees it, and nobody else has it or counts on it
        bool looked_at = false;
        bool kept = false;  // its agent has it on disk that somebody wrote
    };
    // A planned switchover, by the arbiter's clock.
    struct Planned {
        ServerId to;
        Instant begun{};
        bool by_operator = false;
        std::optional<Instant> yielded{};
    };

    void excuse(Excuse why) { ++excused_[static_cast<std::size_t>(why)]; }
    bool switches_to(const ServerId& id) const { return switching_ && switching_->to == id; }
    Known& known(const World&, std::size_t site) { return known_[site]; }
    void judge_grant(const World& world, const dnsd::Record& before, const dnsd::Record& next);
    void judge_lease_end(const World& world, std::size_t agent, Epoch epoch);
    bool lost_relay_log(const World& world, const dnsd::Acker& acker);
    void judge_cover(const World& world, const dnsd::Record& record);
    void judge_told(const World& world, std::size_t site, Epoch epoch);
    bool forgotten(const World& world, Point commit) const;
    bool wrought(const World& world, Point history) const;
    bool wrought(const World& world, std::size_t site) const;
    void tells(const World& world, std::size_t agent, const Known::Told& told,
               std::uint64_t revision);
    Known::Run& run_of(const World& world, std::size_t agent);
    void judge_expiry(const World& world, std::size_t agent, Epoch epoch);
    void judge_renewal(const World& world, std::size_t agent, const heartbeat::Ack& ack);
    void note_spent(const World& world, std::size_t agent, const heartbeat::Heartbeat& beat);
    void judge_not_renewed(const World& world, std::size_t agent);
    void judge_run(const World& world, std::size_t agent, const heartbeat::Heartbeat& beat);
    void forget_refusal(std::size_t site);
    void note_refusal(const World& world, std::size_t agent, const heartbeat::Heartbeat& beat);
    void note_waits(const World& world, std::size_t agent, const heartbeat::Heartbeat& beat);
    void judge_candidate(const World& world, const dnsd::Record& before, const std::string& grant,
                         std::size_t winner);
    bool may_stand(const World& world, const dnsd::Record& record, std::size_t place);
    void opens_window(const World& world);
    void note_asks(const World& world, std::size_t agent, const heartbeat::Heartbeat& beat);
    std::string goes_before(const World& world, const dnsd::Record& before, std::size_t other,
                            std::size_t winner);
    void judge_order(const World& world, const dnsd::Record& before, const std::string& grant,
                     std::size_t other, std::size_t winner);
    void judge_damping(const World& world, const dnsd::Record& before, const std::string& grant);
    void judge_block(const World& world, const dnsd::Record& before, const dnsd::Record& next);
    void judge_next_block(const World& world, const dnsd::Record& before, const dnsd::Record& next);
    void judge_begun(const World& world, const dnsd::Note& note);
    void judge_yield(const World& world, std::size_t agent);
    void look_at_switchover(const World& world);
    void look_at_bare_writer(const World& world, std::size_t site);
    void look_at_hand(const World& world, std::size_t site);
    static bool hand_is_seen(const World& world, std::size_t site);
    void judge_begin_of_cover(const World& world, const dnsd::Record& before,
                              const dnsd::Record& next);
    void judge_said(const World& world, std::size_t agent, const heartbeat::Heartbeat& beat);
    void note_said(const World& world, std::size_t agent, const heartbeat::Heartbeat& beat);
    void forget_lost_grant(const World& world, const heartbeat::Ack& ack);
    void judge_new_holder(const World& world, std::size_t agent, Epoch epoch);
    void judge_outsiders(const World& world, std::size_t agent, const dnsd::Record& disk);
    void judge_flaps(const World& world, const dnsd::Standing& standing);
    void judge_newcomers(const World& world, const dnsd::Standing& standing);
    void judge_members(const World& world, const dnsd::Standing& standing);
    void judge_drained(const World& world, const dnsd::Standing& standing);
    void look_at_pool(const World& world);
    void note_row(const World& world, std::size_t agent);
    void judge_rows_anew(const World& world);
    bool surely_stands(const World& world, std::size_t place);
    bool surely_fell(const World& world, std::size_t place);
    True last_heard(const World& world, std::size_t place);
    bool must_be_open(const World& world, const dnsd::Record& disk);
    bool may_be_open(const World& world, const dnsd::Record& disk, bool at_once);
    void look_at_open(const World& world, const dnsd::Record& disk);
    void judge_set(const World& world, const dnsd::Record& before, const dnsd::Record& next);
    void judge_members(const World& world, std::size_t agent, const heartbeat::Ack& ack);
    void judge_surplus(const World& world);
    void judge_retry(const World& world, std::size_t agent, const heartbeat::Deny& deny);
    void judge_death(const World& world, const ServerId& dead);
    void judge_named(const World& world, const ServerId& to, const std::string& grant);
    void look_at_overruled(const World& world);
    void look_at_orders(const World& world);
    void judge_opening(const World& world, const dnsd::Standing& standing);
    void note_pool(const World& world, const dnsd::Standing& standing);
    void judge_stable_set(const World& world, const dnsd::Record& before, const dnsd::Record& next);
    void look_at_stable_set(const World& world, const dnsd::Record& disk);
    void look_at_writer(const World& world, std::size_t site);
    void look_at_writers(const World& world);
    bool excused_writer(const World& world, std::size_t site);
    bool word_given() const;
    void look_at_commands(const World& world);
    bool judges_time(const World& world) const;
    bool has_all(const World& world, std::size_t site);
    const Asked* adoption_of(const ServerId& id) const;
    bool ledger_fails(const World& world);
    void forgive(const World& world, std::size_t site, Epoch epoch);
    bool gates_stood(Epoch one, Epoch other) const;

    std::string violation_;
    std::array<std::uint64_t, static_cast<std::size_t>(Excuse::count)> excused_{};
    std::vector<Known> known_;
    std::map<Epoch, Held> holders_;
    Epoch heard_of_{};          // by this run of the arbiter
    True first_heard_ = never;  // anybody, by it
    std::uint64_t mark_ = 0;    // the newest that it told
    True window_since_ = never;
    std::set<std::pair<ServerId, Epoch>> were_writable_;
    std::set<Epoch> planned_;  // granted by a switchover
    std::vector<Point> kept_;  // the last that a client was told and a replica kept, of each branch
    std::vector<Point> told_;  // … that a client was told at all, since the last was writable
    std::map<std::uint64_t, Asked> commands_;  // that nobody has answered finally
    std::uint64_t newest_command_ = 0;
    // A command that named another than was granted in this step.
    std::optional<std::pair<std::uint64_t, std::string>> overruled_;
    Duration longest_{0};  // the longest lease of the settings that this run of the arbiter has had
    True reconfigured_ = 0;
    bool members_due_ = true;   // who is published is to be held against the configuration
    std::size_t heard_by_ = 0;  // whom the arbiter heard last
    True heard_at_ = never;
    True drains_changed_ = 0;
    True lifting_ = never;              // when an operator last asked for what may end the damping
    std::uint64_t lifting_by_ = 0;      // … by this command
    std::uint64_t lifted_by_ = 0;       // the last that did end it
    std::optional<Planned> switching_;  // a switchover has begun and nobody was granted since
    True paced_until_ = 0;              // the arbiter begins no switchover by itself before
    std::int64_t wall_offset_ = 0;      // of the arbiter's machine, when it started last
    std::optional<Epoch> yielded_;      // whose holder this run told to yield
    std::string usurped_;               // a grant beside a switchover that has not failed
    std::optional<Epoch> led_;          // whose holder this run renewed as a master
    std::optional<Epoch> spent_;        // whose holder it need not renew any more
    std::map<Epoch, std::vector<Point>> forgiven_;  // what who is granted may lack, by a word
    std::vector<Hand> hands_;
    unsigned touched_ = 0;        // bits of those of whom something is known as of writable ones
    std::set<Epoch> hand_asked_;  // granted by the word of somebody whom a hand wrote to
    bool observed_ = false;       // in mode observe something was published
    bool ledger_lost_ = false;    // nobody was granted since the arbiter lost what was on disk
    bool standing_lost_ = false;  // … nothing was published since
    bool told_lost_ = false;      // … nobody was writable since
    // … and the copy knows another S: its revision, while nobody was heard who knows a later one.
    std::optional<std::uint64_t> other_set_;
    unsigned restarts_known_ = 0;  // of how many databases the arbiter knew at its last grant
    // What the holder had when it was first heard that its commits wait, and nobody yet covers it.
    struct CoverFrom {
        Epoch epoch;
        Point at;
        std::uint64_t start = 0;
    };
    std::optional<CoverFrom> cover_from_;
    // What was known before the last heartbeat, while the ledger fails: it may be taken back.
    struct Unheard {
        std::vector<Known> known;
        Epoch heard_of{};
        True first_heard = never;
        std::optional<Epoch> spent{};
        std::optional<CoverFrom> cover_from{};
    };
    std::optional<Unheard> unheard_;
    True waits_since_ = never;     // nobody leads, though somebody could
    True outsider_since_ = never;  // the holder has more semi-sync clients than S has members
    bool outsider_ = false;        // … for longer than R
    std::vector<dnsd::Acker> acked_set_;  // S, when its heartbeat before was answered
    True pool_due_ = 0;
    True pool_since_ = 0;  // www has been so since then; 0: nobody knows, the arbiter observed
    bool pool_is_its_own_ = true;  // … and does not observe
    True pool_seen_ = 0;           // … published as it is
    True observed_until_ = 0;
    True master_moved_ = 0;              // since then it is published as it is
    True seen_up_ = 0;                   // the arbiter, last
    True died_at_ = 0;                   // … its run before, about
    bool open_counted_ = false;          // that www fails open, this time
    std::set<ServerId> unsure_members_;  // of the stable set, as they were dropped since
    Duration down_after_{0};             // as it was before the last reload
};

}  // namespace sim
