#pragma once
// Why a group or a server stands as it does, and what happened lately. Pure: JSON in, text out; a
// key that is missing says nothing.

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace dnsd {

// A paragraph for each group: who leads, or what keeps it from electing, and who acknowledges.
std::string render_groups_explanation(const nlohmann::ordered_json& status);
// What keeps a server in or out and why; one per group that has it. Empty when no group has.
std::string render_explanation(const nlohmann::ordered_json& status, std::string_view server);
// What holds a group's elections back or is under way now, a line each; mostly nothing.
std::string render_in_force(const nlohmann::ordered_json& group);
// The last five events of the server, or of all when it is empty; nothing when there were none.
std::string render_last_events(const nlohmann::ordered_json& status, std::string_view server);

}  // namespace dnsd
