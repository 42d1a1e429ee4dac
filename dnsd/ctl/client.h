#pragma once
// One question to the daemon over its control socket: a JSON object a line, each way. Every step
// has a deadline; a daemon that stands still does not hold the operator up.

#include "heartbeat/identity.h"

#include <functional>
#include <string>

#include <nlohmann/json_fwd.hpp>
#include <tl/expected.hpp>

namespace dnsd {

constexpr const char* control_socket_default = "/run/arbiter/control.sock";
// Some thousand servers' worth; more is no answer of an arbiter.
constexpr std::size_t answer_size_max = 8 << 20;

struct NoAnswer {
    std::string error;
    std::string hint;
    bool sent = false;  // the question has left: what it asks for may be going on
    bool late = false;  // no answer came in time
};

using OnStep = std::function<void(const nlohmann::ordered_json&)>;
// The object that the daemon answered with, as it is. `on_step` hears of what goes on before that:
// objects with "going_on": true.
tl::expected<nlohmann::ordered_json, NoAnswer> ask(const std::string& socket_path,
                                                   const nlohmann::ordered_json& question,
                                                   heartbeat::Duration patience,
                                                   const OnStep& on_step = {});

}  // namespace dnsd
