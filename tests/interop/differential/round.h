#pragma once
// One round: questions to all servers, their answers judged, and what somebody had to cut asked
// again by TCP.

#include "tests/interop/differential/judge.h"

#include <vector>

namespace differential {

void ask_and_judge(const Told& told, const std::vector<Question>& questions, Judge& judge);

}  // namespace differential
