#pragma once
// The machine of one wiki server: replica, master or fenced, and what it owes the cluster
// (docs/PROTOCOL.md). A copyable value without a clock, a socket or a file.

#include "agent/duty/facts.h"

namespace agent {

class Duty {
public:
    Duty(DutyRules rules, AgentRecord remembered, Instant now);

    // What must happen now, in order.
    [[nodiscard]] std::vector<Effect> step(const Event& event, Instant now);
    // When the shell owes a ClockTicked.
    Instant wakes_at() const;

    heartbeat::Role role() const;
    Epoch epoch() const;
    // By when it must be unwritable; nullopt when it holds no lease.
    std::optional<Instant> deadline() const;
};

}  // namespace agent
