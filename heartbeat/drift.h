#pragma once
// What both sides of docs/PROTOCOL.md, "Time" must agree on.

namespace heartbeat {

// By so much an agent takes each lease to be shorter than it is told, for its clock may be slow.
// Where the clocks of a group may differ by more, the arbiter tells a shorter one.
inline constexpr double agent_drift = 1e-3;

}  // namespace heartbeat
