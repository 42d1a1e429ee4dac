#pragma once
// Ports for servers that a test starts. One that is given back before the server binds it may not
// be of those that the kernel gives to every client, or a neighbour's client takes it meanwhile.

#include <algorithm>
#include <fstream>

#include <unistd.h>

namespace lab {

inline constexpr int lowest_port = 20'000, highest_port = 32'000;

// One after another from below the kernel's range, beginning elsewhere in each process. Whether it
// is free is for the caller to see, who asks for another one when it is not.
inline int next_port() {
    static const int count = [] {
        int kernels_first = highest_port;
        std::ifstream("/proc/sys/net/ipv4/ip_local_port_range") >> kernels_first;
        // Where the kernel has all of it, its range is no worse than another.
        return std::clamp(kernels_first, lowest_port, highest_port) - lowest_port > 1000
                   ? std::min(kernels_first, highest_port) - lowest_port
                   : highest_port - lowest_port;
    }();
    // A stride, so that processes started in a row are not in each other's way.
    static int next = static_cast<int>(static_cast<long>(::getpid()) * 61 % count);
    next = (next + 1) % count;
    return lowest_port + next;
}

}  // namespace lab
