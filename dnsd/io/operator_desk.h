#pragma once
// Operators' questions at the control socket, and what the groups answer, as JSON.

#include "dnsd/io/admin.h"
#include "dnsd/io/groups.h"

#include <cstddef>
#include <functional>
#include <string>

namespace dnsd {

// `groups` is null in a daemon that serves zones alone: it refuses, with the reason.
std::string history_answer(const Groups* groups, const std::string& request);
// How many secondaries are told when that zone changes.
using CountSecondaries = std::function<std::size_t(const zones::Name& zone)>;
// Says every step, and then how it ended.
void operator_asks(Groups* groups, const std::string& request, const std::string& by,
                   const CountSecondaries& secondaries, const Admin::Say& say);

}  // namespace dnsd
