#include "agent/io/cadence.h"

#include <chrono>
#include <variant>

#include <fmt/format.h>

namespace agent {

namespace {

std::string milliseconds(heartbeat::Duration duration) {
    return fmt::format("{}ms", duration / std::chrono::milliseconds(1));
}

}  // namespace

// docs/PROTOCOL.md, "Time": 3H + D ≤ L, or a few datagrams that are lost end the lease of a master
// that is well.
std::string Cadence::judge(const heartbeat::Reply& reply) {
    const auto* ack = std::get_if<heartbeat::Ack>(&reply);
    if (!ack || ack->lease == lease_) return {};
    lease_ = ack->lease;
    if (3 * heartbeat_ + ack->demotion <= ack->lease) return {};
    return fmt::format(
        "a heartbeat each {} is too slow for the arbiter's lease of {}: three of them and {} "
        "to stop must fit, so heartbeat in agent.toml is {} at most, as master.heartbeat of the "
        "arbiter",
        milliseconds(heartbeat_), milliseconds(ack->lease), milliseconds(ack->demotion),
        milliseconds((ack->lease - ack->demotion) / 3));
}

}  // namespace agent
