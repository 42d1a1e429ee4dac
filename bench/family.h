#pragma once
// What a server costs: the processor time and the memory of a process and all that descend from it.

#include <vector>

#include <sys/types.h>

namespace bench {

std::vector<pid_t> family(pid_t root);
double cpu_seconds(const std::vector<pid_t>& processes);  // user and system, to 10 ms
double pss_mib(const std::vector<pid_t>& processes);      // proportional share of memory
double peak_mib(pid_t process);                           // its high-water mark

}  // namespace bench
