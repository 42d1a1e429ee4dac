#pragma once
// The machine that decides for one group: who is alive, who holds the lease, who is elected
// (docs/PROTOCOL.md). A copyable value without a clock, a socket or a file.

#include "dnsd/arbiter/election.h"
#include "dnsd/arbiter/facts.h"
#include "dnsd/arbiter/lease.h"
#include "dnsd/arbiter/roster.h"
#include "dnsd/arbiter/status.h"

namespace dnsd {

class Arbiter {
public:
    // Epochs are counted one by one: a server that claims to know a higher one than this is broken.
    static constexpr Epoch epoch_max{std::uint64_t{1} << 62};
    // ... and one that claims so many more than the ledger knows: a grant a second for a century.
    // Else one broken server would push all others to the end of the numbers.
    static constexpr std::uint64_t epoch_jump_max = std::uint64_t{1} << 32;

    // `remembered` is what the ledger held; nullopt only for a ledger that `arbiterctl init` just
    // made.
    Arbiter(ArbiterRules rules, std::optional<Record> remembered, Instant now);
    // For a record that can not be read: the longest quarantine, an epoch above all that the
    // servers report, and no grant before all that may lead have reported.
    static Arbiter after_damage(ArbiterRules rules, Instant now);

    // What must happen now, in order. The first step after construction also announces the standing
    // that the record calls for. Timers are judged by ClockTicked alone.
    [[nodiscard]] std::vector<Effect> step(const Event& event, Instant now);
    // When the shell owes a ClockTicked.
    Instant wakes_at() const;

    Standing standing() const;
    GroupStatus status(Instant now) const;
    const Record& record() const { return record_; }

private:
    // What one step gathers; put in order at its end.
    struct Turn {
        Instant now;
        std::optional<SendReply> reply;
        std::vector<Note> story;
    };

    void hear(const HeartbeatHeard& heard, Turn& turn);
    // Each answers the heartbeat, or leaves it to the next; deny() answers what is left.
    bool hear_holder(const HeartbeatHeard& heard, Turn& turn);
    bool hear_candidate(const HeartbeatHeard& heard, Turn& turn);
    bool hear_first(const HeartbeatHeard& heard, Turn& turn);
    void acknowledge(const HeartbeatHeard& heard, Turn& turn);
    void grant(const HeartbeatHeard& heard, Duration longest, const std::string& why, Turn& turn);
    heartbeat::Deny deny(const HeartbeatHeard& heard, Instant now) const;
    heartbeat::DenyReason reason(const HeartbeatHeard& heard, Instant now) const;
    heartbeat::Order order(const HeartbeatHeard& heard) const;

    void judge_timers(Turn& turn);
    void free(std::string cause, Turn& turn);
    void try_open(Turn& turn);
    void rise(const HeartbeatHeard& heard, Turn& turn);
    void note_claim(const HeartbeatHeard& heard, Turn& turn);
    void note_writable(const HeartbeatHeard& heard, Turn& turn);
    void refuse(std::string why, std::optional<ServerId> server, Turn& turn);
    void settle(Turn& turn);
    std::vector<Effect> effects(Turn&& turn);

    bool renewable(const heartbeat::Heartbeat& beat) const;
    // It leads since before there were leases, and has not said that it took one.
    bool unconfirmed() const { return record_.lease_longest >= Record::unbounded; }
    bool impossible(Epoch claimed) const;
    bool ledger_works(Instant now) const { return now >= ledger_retry_; }
    // It spoke so lately that it can answer a prepare.
    bool fresh(const Watched& server, Instant now) const;
    // Why it may not lead now; empty when it may.
    std::string unfit(const Watched& server, Instant now) const;
    bool promised(const Watched& server) const;
    bool window_ready(Instant now) const;
    std::vector<Candidate> candidates(Instant now) const;
    // Servers that may lead and of whose data nothing is known yet.
    std::vector<ServerId> unreported() const;
    std::vector<ServerId> found_writable() const;
    std::string waiting_for(Instant now) const;

    ArbiterRules rules_;
    Record record_;      // as it must be before anything of this step is spoken
    Record remembered_;  // as the ledger has it
    Instant started_;
    Roster roster_;
    Lease lease_;
    std::optional<Election> election_;
    Instant ledger_retry_{Instant::min()};
    std::uint32_t serial_ = 0;
    std::optional<Standing> announced_;
    std::string cause_;                    // of the election under way
    std::string refusal_;                  // the last alarm told, so that it is told once
    std::optional<Instant> writer_heard_;  // when a holder last said that it is writable
    std::vector<std::pair<ServerId, Epoch>> claims_;  // told alarms, at most one a server
};

}  // namespace dnsd
