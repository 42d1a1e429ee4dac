#pragma once
// What the command line says.

#include "tests/interop/differential/served.h"

#include <cstdint>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace differential {

struct Usage : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct Options {
    std::size_t zones = 200;     // rounded up to whole batches
    std::size_t batch = 100;     // zones that are served together
    std::size_t questions = 50;  // to a zone
    std::uint64_t seed = 1;
    std::optional<std::size_t> zone;  // this one alone
    std::set<Peer> peers = {Peer::bind, Peer::nsd, Peer::knot};
    std::string keep;        // where all files are kept; empty: a scratch folder
    std::string real;        // a folder of real zones in place of made ones; "auto": where they are
    unsigned share = 100;    // percent of the questions to real zones
    std::size_t shown = 20;  // unexplained differences that are printed whole
    int port = 0;            // the first of four; 0: free ones
    bool hold = false;       // the servers stay until Enter, to be asked by hand
    std::string program;     // arbiter-dnsd

    static Options read(int argc, char** argv);  // throws Usage
    std::vector<int> ports() const;
    void wait_for_enter() const;
};

}  // namespace differential
