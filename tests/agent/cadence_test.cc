// The agent's own interval against the lease that the arbiter gives.
#include "agent/io/cadence.h"

#include <doctest/doctest.h>

using namespace agent;
using namespace std::chrono_literals;

namespace {

heartbeat::Ack lease(heartbeat::Duration length, heartbeat::Duration demotion) {
    heartbeat::Ack ack;
    ack.lease = length;
    ack.demotion = demotion;
    return ack;
}

}  // namespace

TEST_CASE("an interval of which three do not fit into the lease is told, once for each lease") {
    Cadence slow(2s);
    CHECK(slow.judge(heartbeat::Deny{}).empty());
    CHECK(slow.judge(lease(8s, 2s)).empty());  // three of them and the demotion fit
    const std::string said = slow.judge(lease(6s, 1500ms));
    CHECK(
        said ==
        "a heartbeat each 2000ms is too slow for the arbiter's lease of 6000ms: three of them and "
        "1500ms to stop must fit, so heartbeat in agent.toml is 1500ms at most, as "
        "master.heartbeat of the arbiter");
    CHECK(slow.judge(lease(6s, 1500ms)).empty());
    CHECK_FALSE(slow.judge(lease(5s, 1250ms)).empty());
    Cadence usual(1s);
    CHECK(usual.judge(lease(6s, 1500ms)).empty());
}
