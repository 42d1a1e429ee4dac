#pragma once
// A planned change of the master (docs/PROTOCOL.md, "Switchover"): the holder stops first and says
// its final position, the candidate gets the lease once it has received that. Until then the old
// holder can have it back; nothing is lost either way.

#include "dnsd/arbiter/roster.h"
#include "dnsd/arbiter/status.h"
#include "dnsd/arbiter/term.h"

namespace dnsd {

class Switchover {
public:
    using Stage = SwitchoverStatus::Stage;
    // Commands that wait for the end of one switchover.
    static constexpr std::size_t tokens_max = 8;
    // So many heartbeats may pass until the candidate is close enough; nothing has changed by then.
    static constexpr int readying_heartbeats = 5;

    Switchover(ServerId from, ServerId to, Epoch held, std::string cause, std::string by,
               Instant now);

    const ServerId& from() const { return from_; }
    const ServerId& to() const { return to_; }
    Epoch held() const { return held_; }  // by `from`
    Epoch epoch() const { return held_.next(); }
    Stage stage() const { return stage_; }
    Instant begun() const { return begun_; }
    const std::string& cause() const { return cause_; }
    const std::string& by() const { return by_; }
    bool by_operator() const { return !by_.empty(); }
    // The holder gets no ACK any more.
    bool began_to_yield() const { return stage_ != Stage::readying; }
    // Nobody has `epoch` yet.
    bool can_be_given_back() const { return stage_ != Stage::granted; }

    // Answered when it ends; false: too many wait for it already. `changed`: whatever becomes of
    // it, the command has changed something.
    bool add_token(std::uint64_t token, bool changed = false);
    const std::vector<std::uint64_t>& tokens() const { return tokens_; }
    bool has_changed(std::uint64_t token) const;

    // readying → yielding.
    void yield(Instant now);
    // yielding → waiting: the holder's lease has surely ended.
    void freed();
    // What the fenced holder has, read after it was fenced. Its first word stands: nothing is
    // written after that.
    void final_position(const heartbeat::GtidPosition& position);
    const std::optional<heartbeat::GtidPosition>& final_position() const { return final_; }
    // The candidate may promise now: it has all that the holder had.
    bool caught_up(const heartbeat::Heartbeat& candidate) const;
    // waiting → granted.
    void granted();

    // When it has taken too long; Instant::max() once granted, when the lease's own rules do.
    Instant fails_at(const ArbiterRules& rules) const;
    // A clause: what it waited for in vain.
    std::string waits_for() const;
    SwitchoverStatus status(Instant now) const;

    // How long a switchover may take from when the holder is told to stop.
    static Duration patience(const ArbiterRules& rules);

private:
    ServerId from_;
    ServerId to_;
    Epoch held_;
    std::string cause_;
    std::string by_;
    Instant begun_;
    Stage stage_ = Stage::readying;
    Instant yielded_{};
    std::optional<heartbeat::GtidPosition> final_;
    std::vector<std::uint64_t> tokens_;
    std::vector<std::uint64_t> changed_;  // of them
};

// Why a switchover to one that may lead can not begin yet: it does not replicate from the holder,
// or would have to apply too much while nobody can write. Empty when it can.
std::string unready(const Watched& candidate, const ServerId& holder, const ArbiterRules& rules);
// The lag up to which a candidate is close enough.
Duration close_enough(const ArbiterRules& rules);

// What is preferred of those that are ready: the one with the fewest penalty points, then by
// priority, then by name.
struct Ready {
    ServerId id;
    unsigned points = 0;
    unsigned priority = 0;
    unsigned priority_asked = 0;
};
std::optional<ServerId> preferred(const std::vector<Ready>& ready);

// How often the arbiter begins a switchover by itself: the pause after each doubles when they come
// within an hour of each other. The pause is in the Record: an arbiter that is started again and
// again would else begin one each time.
class Pace {
public:
    Pace(const std::optional<Until>& recorded, const Wall& wall);

    bool allows(Instant now) const { return now >= next_; }
    Instant next() const { return next_; }
    // One begins. What the ledger must have.
    Until began(const ArbiterRules& rules, Instant now);

private:
    Wall wall_;
    Instant next_{Instant::min()};
    Duration pause_{0};  // the one that ends, or ended, at next_
};

}  // namespace dnsd
