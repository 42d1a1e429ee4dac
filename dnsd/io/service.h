#pragma once
// What the service manager is told (sd_notify(3)); nothing when there is none.

#include <string_view>

namespace dnsd {

// "READY=1", "STOPPING=1", "STATUS=…". A datagram to $NOTIFY_SOCKET; libsystemd would add nothing
// to these lines but a dependency.
void tell_service_manager(std::string_view state);

}  // namespace dnsd
