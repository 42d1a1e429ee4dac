#pragma once
// The machine that decides for one group: who is alive, who holds the lease, who is elected
// (docs/PROTOCOL.md). A copyable value without a clock, a socket or a file.

#include "dnsd/arbiter/ackers.h"
#include "dnsd/arbiter/damping.h"
#include "dnsd/arbiter/election.h"
#include "dnsd/arbiter/facts.h"
#include "dnsd/arbiter/fitness.h"
#include "dnsd/arbiter/gate.h"
#include "dnsd/arbiter/lately.h"
#include "dnsd/arbiter/lease.h"
#include "dnsd/arbiter/operator.h"
#include "dnsd/arbiter/orders.h"
#include "dnsd/arbiter/refusals.h"
#include "dnsd/arbiter/roster.h"
#include "dnsd/arbiter/status.h"
#include "dnsd/arbiter/switchover.h"

namespace dnsd {

class Arbiter {
public:
    // `remembered` is what the ledger held; nullopt only for a ledger that `arbiterctl init` just
    // made.
    // `unix_seconds` is the wall clock, from which no more is taken than what is left of a pause, a
    // drain or a block.
    Arbiter(ArbiterRules rules, std::optional<Record> remembered, Instant now,
            std::int64_t unix_seconds);
    // For a record that can not be read: the longest quarantine, an epoch above all that the
    // servers report, and no grant before all that may lead have reported.
    static Arbiter after_damage(ArbiterRules rules, Instant now, std::int64_t unix_seconds);

    // For the record that is there when another was expected: somebody else decided meanwhile, and
    // may have told leases. The longest quarantine, in which nobody is renewed.
    static Arbiter after_conflict(ArbiterRules rules, Record there, Instant now,
                                  std::int64_t unix_seconds);

    // What must happen now, in order. The first step after construction also announces the standing
    // that the record calls for. Timers are judged by ClockTicked alone.
    [[nodiscard]] std::vector<Effect> step(const Event& event, Instant now);
    // When the shell owes a ClockTicked.
    Instant wakes_at() const;

    Standing standing() const;
    GroupStatus status(Instant now) const;
    const Record& record() const { return record_; }
    // What the machine goes by.
    const ArbiterRules& rules() const { return rules_; }
    // Why RulesChanged with these would change nothing, and what would make it possible; empty: it
    // takes them.
    std::string objection(const ArbiterRules& rules) const;
    // Grants that the zero-loss gate would not have let pass, in this run.
    std::uint64_t losses_accepted() const { return losses_accepted_; }

private:
    // What one step gathers; put in order at its end.
    struct Turn {
        Instant now;
        std::optional<SendReply> reply;
        std::vector<Note> story;
        std::vector<Answer> answers;
    };
    // What the last grant was.
    enum class GrantKind { again, failover, switchover, adoption };

    void hear(const HeartbeatHeard& heard, Turn& turn);
    // Each answers the heartbeat, or leaves it to the next; deny() answers what is left.
    bool hear_holder(const HeartbeatHeard& heard, Turn& turn);
    bool hear_first(const HeartbeatHeard& heard, Turn& turn);
    bool hear_candidate(const HeartbeatHeard& heard, Turn& turn);

    // The holder's word (holder.cc).
    bool renewable(const heartbeat::Heartbeat& beat) const;
    bool restarted(const heartbeat::Heartbeat& beat) const;
    void note_final(const HeartbeatHeard& heard);
    void note_writable(const HeartbeatHeard& heard, Turn& turn);
    void refuse_holder(const HeartbeatHeard& heard, const char* why, Turn& turn);
    void acknowledge(const HeartbeatHeard& heard, Turn& turn);
    // It leads since before there were leases, and has not said that it took one.
    bool unconfirmed() const {
        return lease_.lives() && record_.lease_longest >= Record::unbounded;
    }

    // What shows an older copy of the ledger (behind.cc).
    const Watched* may_be_later_holder(const std::optional<ServerId>& known = {}) const;
    void believe_free(Turn& turn);
    bool knows_later_state(const HeartbeatHeard& heard) const;
    void note_told(const ServerId& server, std::uint64_t revision);
    void rise(const HeartbeatHeard& heard, Turn& turn);
    void rise_above_all(Turn& turn);
    void rise_later(const HeartbeatHeard& heard);
    void note_claim(const HeartbeatHeard& heard, Turn& turn);

    // The candidate window (window.cc).
    void try_open(Turn& turn);
    void ask_whose_data_counts(Turn& turn);
    std::optional<Winner> best_of(const std::vector<Candidate>& able, Turn& turn);
    bool close_window(const HeartbeatHeard& heard, Turn& turn);
    bool first_has_less(const ServerId& winner, Turn& turn);
    void wait_at_gate(std::string why, Turn& turn);
    void grant(const HeartbeatHeard& heard, Duration longest, const std::string& why, Turn& turn);
    bool promised(const Watched& server) const;
    bool window_ready(Instant now) const;
    std::vector<Candidate> candidates(Instant now) const;
    // Servers of whose data nothing is known yet, and must be.
    std::vector<ServerId> unreported() const;
    bool awaits_reports() const;
    bool first_election_waits() const;
    std::string missed_writable() const;
    void tell_missed_writable(Turn& turn);
    std::vector<ServerId> found_writable() const;
    // Why it may not lead now.
    Unfit unfit(const Watched& server, Instant now) const {
        return fitness(rules_, record_, server, now);
    }

    // What a heartbeat that gets no lease is told (replies.cc).
    bool commits_wait() const;
    heartbeat::Deny deny(const HeartbeatHeard& heard, Instant now) const;
    Duration retry_after(const HeartbeatHeard& heard, Instant now) const;
    heartbeat::DenyReason reason(const HeartbeatHeard& heard, Instant now) const;
    heartbeat::Order order(const HeartbeatHeard& heard) const;
    bool rejoins(const ServerId& server) const;
    std::string waiting_for(Instant now) const;

    // Planned switchovers (takeover.cc).
    std::string hindrance(const Watched& server, Instant now, bool& lasting) const;
    std::vector<Answer::Judged> judged(Instant now) const;
    std::optional<ServerId> successor(Instant now, bool ready_now) const;
    bool stops_writer() const;
    std::vector<std::string> steps_to(const ServerId& to) const;
    void begin_switchover(const ServerId& to, std::string cause, const std::string& by, Turn& turn);
    std::string relief_cause(const Watched& holder, Instant now) const;
    void relieve(Turn& turn);
    bool told_to_yield(const HeartbeatHeard& heard, Turn& turn);
    void hear_fenced(const HeartbeatHeard& heard, Turn& turn);
    bool hear_successor(const HeartbeatHeard& heard, Turn& turn);
    void fail_switchover(std::string why, Turn& turn);
    std::string unheard_in_time() const;
    void judge_switchover(Turn& turn);

    // The operators' commands (operator.cc).
    void obey(const OperatorAsked& asked, Turn& turn);
    void carry_out(const OperatorAsked& asked, Turn& turn);
    void tell(Kind kind, std::optional<ServerId> server, const OperatorAsked& asked,
              std::string why, Turn& turn);
    std::string under_way() const;
    void switch_over(const SwitchoverCommand& command, const OperatorAsked& asked, Turn& turn);
    std::string nobody_may(Instant now) const;
    void elect_by_word(const SwitchoverCommand& command, const OperatorAsked& asked, Turn& turn);
    void take_word(Word word, Turn& turn);
    std::string word_waits_for(Instant now) const;
    void refuse_word(const std::string& why, Turn& turn);
    void refuse_lacking(const std::vector<Candidate>& able, Turn& turn);
    // From the lease's end on: for a window that waits, and a promotion that ends in nothing.
    Duration word_patience() const { return rules_.lapse() + 2 * rules_.lease; }
    std::string not_adoptable(const ServerId& id, bool allow_loss, Instant now) const;
    void adopt(const AdoptCommand& command, const OperatorAsked& asked, Turn& turn);
    bool hear_adopted(const HeartbeatHeard& heard, Turn& turn);
    // Why nobody can be granted by the word any more; empty while somebody can.
    std::string word_is_void() const;
    std::string not_known_dead(const Watched& server, Instant now) const;
    std::string not_dead(const Watched& server, Instant now) const;
    void confirm_dead(const ConfirmDeadCommand& command, const OperatorAsked& asked, Turn& turn);
    void let_in(const ConfirmDeadCommand& command, const OperatorAsked& asked, Turn& turn);
    void judge_word(Turn& turn);
    void settle_grant(bool writable, std::optional<Duration> no_writer, const std::string& why,
                      Turn& turn);
    void drain(const DrainCommand& command, const OperatorAsked& asked, Turn& turn);
    void undrain(const UndrainCommand& command, const OperatorAsked& asked, Turn& turn);
    void pause(const PauseCommand& command, const OperatorAsked& asked, Turn& turn);
    void resume(const OperatorAsked& asked, Turn& turn);
    void change_mode(const ModeCommand& command, const OperatorAsked& asked, Turn& turn);

    // Mode observe (observe.cc).
    bool observing() const;
    void observe(const HeartbeatHeard& heard, Turn& turn);
    std::string would_elect(Instant now) const;
    std::string would_now(Instant now) const;
    void show_would(Turn& turn);
    static Note as_would(Note note);

    // Other settings, clones, and what ends (settings.cc).
    void change(const ArbiterRules& rules, Turn& turn);
    void see_clones(const std::vector<ServerId>& servers, Turn& turn);
    void tidy(Turn& turn);
    Instant operator_wakes_at() const;

    // What keeps the arbiter from granting by itself (window.cc).
    bool held_back(Instant now) const;
    bool is_failover(const ServerId& winner) const;
    bool may_fail_over(Winner& winner, const std::vector<Candidate>& able, Turn& turn);
    bool meant_by_word(Winner& winner, const std::vector<Candidate>& able) const;
    void note_grant(const HeartbeatHeard& heard, const std::string& why, Turn& turn);

    void tell_orders(GroupStatus& status, Instant now) const;
    std::vector<std::string> alarms(Instant now) const;
    bool without_successor(Instant now) const;

    void judge_timers(Turn& turn);
    void free(std::string cause, Turn& turn);
    void refuse(std::string why, std::optional<ServerId> server, Turn& turn);
    void judge_acknowledgers(Turn& turn);
    void settle(Turn& turn);
    void announce(std::vector<Effect>& effects);
    std::vector<Effect> effects(Turn&& turn);
    bool ledger_works(Instant now) const { return now >= ledger_retry_; }

    ArbiterRules rules_;
    Record record_;      // as it must be before anything of this step is spoken
    Record remembered_;  // as the ledger has it
    Instant started_;
    Roster roster_;
    Lease lease_;
    std::optional<Election> election_;
    Ackers ackers_;
    Refusals refusals_;
    Instant ledger_retry_{Instant::min()};
    // Under this epoch, while nothing ends its lease: by whoever ran before, any that can be.
    Duration longest_told_{ArbiterRules::lease_max};
    std::uint32_t serial_ = 0;
    std::uint64_t mark_ = 0;             // of the last reply
    std::uint64_t revision_before_ = 0;  // the highest that was known of before this run
    std::vector<Address> master_addresses() const;
    // What was announced, and of what it was made: a standing is made anew only when that changed.
    std::optional<Standing> announced_;
    std::optional<std::uint64_t> announced_pool_;
    std::string cause_;       // of the election under way
    std::string refusal_;     // the last alarm
    std::string gate_waits_;  // for whom the zero-loss gate waits
    Lately lately_;           // which of these, and of would_, were told
    std::uint64_t losses_accepted_ = 0;
    std::optional<ServerId> previous_;     // the holder before this one
    std::optional<Instant> writer_heard_;  // when a holder last said that it is writable
    // Where the holder stood when it reported fenced under this epoch, in the life of its database
    // in which it was writable.
    std::optional<heartbeat::GtidPosition> final_;
    // At most one a server each: alarms that were told; the revision that this run told it last.
    std::vector<std::pair<ServerId, Epoch>> claims_;
    std::vector<std::pair<ServerId, std::uint64_t>> told_;

    Damper damper_;
    Orders orders_;
    std::optional<Switchover> switchover_;
    Pace pace_;                 // of the switchovers that the arbiter begins by itself
    std::optional<Word> word_;  // an election by an operator's word
    // It yielded to a switchover that failed, and may have the lease back.
    std::optional<ServerId> given_back_;
    bool damped_ = false;               // the window is kept open by the damping
    std::optional<GrantKind> pending_;  // the last grant, until its holder is writable
    FailoverCounts counts_;
    std::vector<ServerId> clones_;
    std::string would_;  // mode observe: what would be done
    // Who knew of a later state when the record could not be raised, as that was said: the
    // configuration may have dropped them since.
    std::vector<HeartbeatHeard> unrisen_;
    bool untidy_ = true;  // the record may name what is configured no more, or elsewhere
};

}  // namespace dnsd
