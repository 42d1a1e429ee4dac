#pragma once
// `arbiter-agent once`: one round, for cron, as in the source document. A server that becomes
// master is never left alone with its lease: the process goes on in the background, renews it and
// demotes the database when it is lost; the next rounds find it there and leave it in peace.

#include "agent/io/control.h"

#include <functional>
#include <string>

namespace agent {

// What the exit code says; above 63 it is one of sysexits.
enum OnceExit : int { once_master = 0, once_denied = 1, once_unwell = 2, once_no_answer = 3 };

struct OnceRules {
    ServerId self;
    std::string state_directory;
    // Made after the process has forked: it draws the boot id.
    std::function<ControlParts()> parts;
    // An election is waited for so long, and an answer too.
    heartbeat::Duration patience = std::chrono::seconds(10);
};

// Forks: to be called before any thread is started. Returns in both processes.
int run_once(const OnceRules& rules);

}  // namespace agent
