#pragma once
// The machine of one wiki server: replica, master or fenced, and what it owes the cluster
// (docs/PROTOCOL.md). A copyable value without a clock, a socket or a file.
//
// Events only change what is wanted; drive() then compares what is wanted with what is, and asks
// for the next thing. Remember is asked for by ClockTicked alone (which a wakes_at() in the past
// calls for at once), so that a step whose Remember fails loses no event.

#include "agent/duty/facts.h"

#include <deque>
#include <utility>

namespace agent {

class Duty {
public:
    static constexpr std::size_t outstanding_max = 64;  // requests whose reply would still count
    static constexpr std::size_t marks_max = 64;  // of replies obeyed since the last look began
    static constexpr Duration lease_max = std::chrono::seconds(60);
    static constexpr Epoch epoch_max{std::uint64_t{1} << 62};
    // So long after its deadline an agent that stops goes on trying to demote its database: one
    // try that hangs ends within it (io/database.h), and a service manager waits longer.
    static constexpr Duration stop_bound = std::chrono::seconds(10);

    // follower: replicates, or waits to be told from whom. candidate: stopped receiving and
    // promised. fenced: unwritable for ever under the epoch that it reports.
    enum class Stage { follower, candidate, promoting, master, demoting, fenced };

    Duty(DutyRules rules, AgentRecord remembered, Instant now);

    // What must happen now, in order.
    [[nodiscard]] std::vector<Effect> step(const Event& event, Instant now);
    // When the shell owes a ClockTicked.
    Instant wakes_at() const;

    Stage stage() const;
    heartbeat::Role role() const;
    Epoch epoch() const { return held_; }  // of the lease that it holds; 0 is none
    // By when it must be unwritable; nullopt when it holds no lease.
    std::optional<Instant> deadline() const { return deadline_; }
    const AgentRecord& record() const { return record_; }
    // It has left, and the database may still take writes, or the record lacks something.
    bool left_undone() const { return left_undone_; }

private:
    enum class Phase { follower, promoting, master, demoting };
    using Verb = VerbDone::Verb;

    struct Sent {
        std::uint64_t request;
        Instant at;
        heartbeat::Wish wish;
        std::uint64_t start;       // the database's
        std::uint16_t generation;  // of its relay log, as said with it
    };
    // How the database is set: whether commits wait or what is received is acknowledged, and whom a
    // master lets in no more.
    struct Setting {
        bool semi_sync = false;
        std::vector<heartbeat::Barred> barred;
        friend bool operator==(const Setting&, const Setting&) = default;
    };
    // The semi-sync set by the newest obeyed reply.
    struct Told {
        bool empty = true;
        bool self = false;  // is in it
        std::vector<heartbeat::Barred> barred;
        std::uint64_t mark = 0;  // of that reply; of one that leads, of its newest ACK
    };
    struct Running {
        Verb verb;
        Epoch epoch;
        Instant give_up;
        Setting setting;     // in force when it succeeds
        std::uint64_t mark;  // of the reply that asked for it; 0: of another boot of the arbiter
    };
    struct Target {
        ServerId master;
        std::vector<Address> addresses;
        Epoch epoch;
    };
    // When a verb that failed is tried again: after a pause that doubles up to a bound.
    struct Retry {
        Instant at{Instant::min()};
        Duration pause{0};
        void failed(Instant now, Duration first, Duration most);
        void clear() { *this = Retry{}; }
    };
    struct Turn {
        Instant now;
        bool ticked;
        std::vector<Effect> effects;
        void note(Kind kind, Epoch epoch, std::string why) {
            effects.push_back(Note{kind, epoch, std::move(why)});
        }
    };

    // What is seen.
    void see(const PageSeen& seen, Turn& turn);
    void see(const DatabaseSeen& seen, Turn& turn);
    void take_in(const DatabaseSeen& seen);
    void judge_replica(const DatabaseSeen& seen, Turn& turn);
    void judge_relay(Turn& turn);
    void note_relay_lost(Turn& turn);
    bool reached_relay_end() const;
    void judge_errant();
    void note_written();
    void note_refused();
    void judge_rest();
    void judge_master(Turn& turn);
    void judge_promotion(Turn& turn);
    void see(const MasterRecordSeen& seen, Turn& turn);
    void note_health(Turn& turn);

    // What is told.
    void hear(const heartbeat::Reply& reply, Turn& turn);
    void obey(const heartbeat::Reply& reply, const Sent& sent, Turn& turn);
    void introduce();
    void granted(const heartbeat::Ack& ack, const Sent& sent, Turn& turn);
    void denied(const heartbeat::Deny& deny, const Sent& sent, Turn& turn);
    void follow(const heartbeat::Deny& deny, Turn& turn);

    // What has been done.
    void done(const VerbDone& done, Turn& turn);
    void configured(const VerbDone& done, const Running& asked, Turn& turn);
    void promoted(const VerbDone& done, const Running& asked, Turn& turn);
    void demoted(const VerbDone& done, Turn& turn);
    void stop(Turn& turn);

    // Lose the lease, or what is writable without one: it is demoted, and fenced up to `fence`.
    void lose(Epoch fence, std::string why, Turn& turn);
    void fence(Turn& turn);
    void end_lease(Turn& turn);
    void give_back(Turn& turn);
    void judge_deadline(Turn& turn);

    void drive(Turn& turn);
    void drive_record(Turn& turn);
    void drive_verbs(Turn& turn);
    void drive_configure(Turn& turn);
    void drive_looks(Turn& turn);
    void drive_talk(Turn& turn);
    void leave(Turn& turn);
    void ask(Verb verb, Epoch epoch, Instant give_up, Turn& turn);

    bool virgin() const;
    bool well() const {
        return page_.web && page_.page && (!rules_.has_database || database_.reachable);
    }
    // Of the relay log, in this start of the database: as it is durable, and may be said.
    std::uint16_t generation() const;
    // What it says now is of another start or relay log than what is durable.
    bool start_is_owed() const;
    bool restarted_since_asked() const;
    bool writable() const { return database_.reachable && !database_.read_only; }
    bool at_target() const;  // it replicates from there, or is to
    bool astray() const;     // replication is not as the target says
    bool must_prepare() const;
    bool must_follow() const;
    Setting setting() const;  // as it has to be
    bool missets() const;     // and is not
    std::uint64_t barred_said() const;
    void know_mark(Instant begun);
    bool holds() const { return phase_ == Phase::promoting || phase_ == Phase::master; }
    Instant soft_end() const;  // of the lease: demotion begins
    void take_lease(const heartbeat::Ack& ack, Instant deadline);
    heartbeat::Wish wish(Instant now) const;
    Epoch epoch_said() const;
    std::string why() const;
    heartbeat::Heartbeat facts(Instant now) const;
    void add_positions(heartbeat::Heartbeat& beat) const;
    static std::optional<heartbeat::GtidPosition> fitting(
        const std::optional<heartbeat::GtidPosition>& position);
    void send(heartbeat::Heartbeat&& next, Turn& turn);
    Instant resend_at() const;
    // What changes is said at once; but a fact that flutters makes no flood.
    static constexpr unsigned burst_changes_max = 8;  // in one H, before they are spaced
    Duration change_gap() const { return rules_.heartbeat / 50; }

    DutyRules rules_;
    AgentRecord record_;  // durable
    AgentRecord wanted_;  // to be made durable
    Instant record_retry_{Instant::min()};
    Instant started_;
    Instant stepped_;

    PageView page_;
    DatabaseView database_;
    // Up to where it was read-only, without a lease, and not receiving: nothing adds to that but
    // somebody's hand.
    std::optional<heartbeat::GtidPosition> rests_at_;
    std::uint64_t errant_io_ = 0;  // the number of the I/O thread that ran when it was found errant
    std::uint64_t shut_in_ = 0;    // the start in which the last look found a follower read-only
    // Where the relay log ends, when nothing is received any more.
    std::optional<heartbeat::GtidPosition> relay_end_;
    bool stopped_receiving_ = false;  // by the last verb, which nobody has looked at yet
    bool page_seen_ = false;
    bool database_seen_ = false;
    bool was_well_ = true;
    unsigned blind_looks_ = 0;  // looks in a row at a master that found nothing

    Phase phase_ = Phase::follower;
    Epoch held_;
    std::optional<Instant> deadline_;
    Duration lease_{0};
    Duration demotion_{0};                // D
    bool promote_done_ = false;           // the verb is; the next look tells
    std::uint64_t database_start_ = 0;    // when the lease was asked for
    std::uint16_t generation_asked_ = 0;  // of its relay log then
    Epoch fence_to_;                      // while demoting: fenced up to here when it is done
    Epoch fence_report_;                  // reported as fenced until another is known to lead
    Retry promotion_;                     // after a failed one it wishes for nothing until then

    std::optional<Running> verb_;
    Instant verb_ended_{Instant::min()};  // a look that began before tells nothing
    Retry demote_;
    Retry prepare_retry_;
    Retry follow_;
    Retry configure_;
    std::string demote_why_;
    bool look_ = false;
    bool fresh_ = false;  // the database was looked at since the last verb ended

    Epoch prepare_;  // ordered; 0: nothing is
    Epoch promise_said_;
    std::optional<Instant> promise_look_;  // positions that go with the promise are read after this
    std::optional<Instant> final_look_;    // and those that go with a fence, after this
    bool waits_ = false;                   // told to wait: what runs goes on, and nothing is begun
    std::optional<Target> target_;
    std::optional<Epoch> followed_;  // the epoch of the last Follow that succeeded
    Epoch follow_ended_;             // of the last, whatever came of it
    Instant dns_asked_{Instant::min()};
    unsigned dns_mismatches_ = 0;

    std::uint64_t request_ = 0;
    std::uint64_t round_request_ = 0;  // the first of this round
    std::uint64_t obeyed_ = 0;
    std::uint64_t fenced_said_ = 0;  // the request before the first that said "fenced" ...
    Epoch fenced_epoch_said_;        // ... for this epoch
    std::deque<Sent> outstanding_;

    std::optional<Told> told_;
    std::optional<Setting> configured_;  // by a verb of this run, and since then no other
    std::uint64_t barred_ = 0;           // the mark of the reply whose `barred` is in force
    std::deque<std::pair<std::uint64_t, Instant>> marks_;  // obeyed, and when
    std::uint64_t mark_ = 0;                               // of what the last look saw
    std::uint64_t revision_ = 0;
    bool tell_ = false;  // something that the arbiter waits for, and which is no fact by itself
    std::optional<heartbeat::Heartbeat> said_;
    Instant said_at_{Instant::min()};
    Instant round_{Instant::min()};
    Instant next_round_;
    unsigned resends_ = 0;
    bool answered_ = false;
    Instant burst_{Instant::min()};
    unsigned burst_changes_ = 0;
    bool change_waits_ = false;  // a fact changed so soon after the last heartbeat that it waits

    bool stopping_ = false;
    bool left_ = false;
    bool left_undone_ = false;
    Instant stop_by_{Instant::max()};
};

}  // namespace agent
