#include "agent/io/say.h"

#include <atomic>
#include <cstdio>

#include <syslog.h>

namespace agent {

namespace {

// Of the process, as its stderr is.
std::atomic<bool> by_syslog{false};

}  // namespace

void say(const std::string& line) {
    if (by_syslog) return ::syslog(LOG_INFO, "%s", line.c_str());
    // One write a line: the hooks write to the same stream.
    const std::string whole = line + '\n';
    std::fwrite(whole.data(), 1, whole.size(), stderr);
}

void say_to_syslog(const char* name) {
    ::openlog(name, LOG_PID, LOG_DAEMON);
    by_syslog = true;
}

}  // namespace agent
