#pragma once
// Decisions, and answers to operators, as JSON (docs/UX.md): keys are added, never renamed.

#include "dnsd/io/decision.h"

#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace dnsd {

nlohmann::ordered_json decision_json(const Decision&);
// `pauses`: how long writes paused in the last switchovers; told where they would pause again.
nlohmann::ordered_json answer_json(const Answer&, const std::vector<Duration>& pauses = {});

}  // namespace dnsd
