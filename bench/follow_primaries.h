#pragma once
// Primaries of one zone that can be told to make its next version: us, BIND, Knot and NSD, each by
// the fastest way that it has.

#include "tests/lab/process.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace bench {

class Primary {
public:
    virtual ~Primary() = default;
    // The order to make the next version; it may return before that is made.
    virtual void change() = 0;
};

struct PrimaryPlace {
    std::string programs;  // of ours
    std::string folder;
    int port = 0;
    std::string zone;
    std::string secondary;  // its address
    int secondary_port = 0;
};

struct PrimaryKind {
    std::string name;
    std::unique_ptr<Primary> (*start)(const PrimaryPlace&);
};
// Each starts and answers for the zone; throws when it does not.
const std::vector<PrimaryKind>& primaries();

}  // namespace bench
