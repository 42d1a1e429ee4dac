#pragma once
// Whether the heartbeats of this agent come often enough for the leases that the arbiter gives:
// each side has the interval in a file of its own.

#include "heartbeat/message.h"

#include <string>

namespace agent {

class Cadence {
public:
    explicit Cadence(heartbeat::Duration heartbeat) : heartbeat_(heartbeat) {}

    // What is to be said of the lease that this reply gives; empty when all is well, and when it
    // was said of such a lease before.
    std::string judge(const heartbeat::Reply& reply);

private:
    heartbeat::Duration heartbeat_;
    heartbeat::Duration lease_{0};  // the last that was judged
};

}  // namespace agent
