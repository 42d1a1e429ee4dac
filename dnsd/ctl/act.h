#pragma once
// The commands that change what arbitration does: each is answered when it is done or refused, and
// says what goes on until then.

#include "dnsd/ctl/commands.h"

#include <string>

#include <nlohmann/json_fwd.hpp>

namespace dnsd {

// Empty texts are not said.
struct ActOptions {
    std::string command;
    std::string server;  // drain, undrain, confirm-dead
    std::string to;      // switchover
    std::string master;  // adopt
    std::string mode;
    std::string group;
    std::string reason;
    std::string length;  // "30m"
    bool until_undone = false;
    bool dry_run = false;
    bool allow_loss = false;
    std::string wait = "60s";
};
Exit act(const CommandOptions&, const ActOptions&);

struct HistoryOptions {
    std::string group;
    unsigned limit = 20;
    std::string since;  // "2h", "7d"
};
Exit history(const CommandOptions&, const HistoryOptions&);

// What people read of these.
std::string render_history(const nlohmann::ordered_json& answer);
std::string render_candidates(const nlohmann::ordered_json& answer);
// "Would: 1 wiki2 stops writing  2 …", of a dry run.
std::string render_steps(const nlohmann::ordered_json& answer);
// "Writes would pause about 0.2 s (last three: 0.21, 0.22, 0.19). "; empty where they would not.
std::string render_pause(const nlohmann::ordered_json& answer);

}  // namespace dnsd
