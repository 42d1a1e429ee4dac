#pragma once
// Zones for the fuzzing programs: from text that must load.

#include "zones/zonefile.h"

#include <memory>
#include <string>
#include <string_view>

namespace fuzz {

zones::Name name(std::string_view text);
// Loads `text` as the only file.
std::shared_ptr<const zones::Zone> zone(std::string_view origin, const std::string& text);

}  // namespace fuzz
