#pragma once
// The status document (docs/UX.md, "arbiterctl") as people read it. Pure: JSON in, text
// out. A key that is missing or of another kind shows as "-": the daemon may be of another release.

#include "dnsd/ctl/table.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace dnsd {

std::string render_status(const nlohmann::ordered_json& status, Paint paint);

// The server's own part of the status, with the group's name: for --json. One per group.
nlohmann::ordered_json server_part(const nlohmann::ordered_json& status, std::string_view server);

std::vector<std::string> server_names(const nlohmann::ordered_json& status);

// Without what changes by itself from one second to the next: two that are equal need no new line.
nlohmann::ordered_json without_ages(const nlohmann::ordered_json& status);

}  // namespace dnsd
