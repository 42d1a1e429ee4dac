#pragma once
// BIND, NSD, Knot and the arbiter as primaries of many zones, from one folder of NAME.zone files,
// each told to say no more than it must and to load whatever it can.

#include "tests/lab/process.h"

#include <string>
#include <vector>

namespace lab {

struct Serving {
    std::string folder;  // for its configuration, log and state; made when it is not there
    std::string zones;   // the folder of zone files
    int port = 0;        // on 127.0.0.1, UDP and TCP
    std::vector<std::string> names;  // zone NAME is in NAME.zone, as text without the last dot

    std::string log() const { return folder + "/log"; }
};

Process start_bind(const Serving&);
Process start_nsd(const Serving&);
Process start_knot(const Serving&);
Process start_arbiter(const Serving&, const std::string& program);  // serves the whole folder

// Ports of 127.0.0.1 that were free for UDP and TCP just now.
std::vector<int> free_ports(std::size_t count);

}  // namespace lab
