#pragma once
// Heartbeats and replies as a trace tells them.

#include "heartbeat/message.h"

#include <string>

namespace sim {

std::string spoken(const heartbeat::Heartbeat& beat);
std::string spoken(const heartbeat::Reply& reply);

}  // namespace sim
