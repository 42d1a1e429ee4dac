#pragma once
// One line for the journal: on stderr, or by syslog once that was asked for.

#include <string>

namespace agent {

void say(const std::string& line);
void say_to_syslog(const char* name);

}  // namespace agent
