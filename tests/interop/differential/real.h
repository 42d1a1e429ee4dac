#pragma once
// Zones of the real world: every name and type, and names that do not exist, at BIND and at us.

#include "tests/interop/differential/judge.h"
#include "tests/interop/differential/options.h"

#include <optional>
#include <string>
#include <vector>

namespace differential {

// nullopt when the folder "auto" finds none.
std::optional<Counts> run_real(const Options& options, const std::string& scratch,
                               const std::vector<int>& ports, Judge& judge);

}  // namespace differential
