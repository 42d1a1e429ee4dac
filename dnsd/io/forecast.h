#pragma once
// What the machine can not know of a switchover that an operator asks about: how many secondaries
// would be told of it, and how long writes paused the last times (docs/UX.md, "arbiterctl").

#include "dnsd/io/decision.h"

#include <cstddef>
#include <vector>

namespace dnsd {

constexpr std::size_t pauses_shown = 3;

// How long nobody could write in the group's last planned switchovers, the newest first.
std::vector<Duration> last_pauses(const std::vector<Decision>& newest_first);

// Its last step, "serial 1743", becomes "serial 1743, 2 secondaries told".
void tell_secondaries(Answer& answer, std::size_t secondaries);

}  // namespace dnsd
