#pragma once
// The outcome of arbitration, all that DNS needs to know of it: who is in the pool and who is
// master.

#include "heartbeat/identity.h"

#include <optional>
#include <string>
#include <vector>

namespace dnsd {

using heartbeat::Address;
using heartbeat::Epoch;
using heartbeat::ServerId;

struct Member {
    ServerId id;
    std::vector<Address> addresses;  // sorted; at least one
    unsigned weight = 1;
    friend bool operator==(const Member&, const Member&) = default;
};

// One group's outcome. `pool` is never empty (PROTOCOL.md, I9).
struct Standing {
    std::string group;
    std::vector<Member> pool;      // sorted by id
    std::optional<Member> master;  // none until a server has first been writable under a lease (I7)
    Epoch epoch;                   // the epoch under which `master` was writable
    bool fail_open = false;        // the pool is the stable set, though its servers are not heard
    friend bool operator==(const Standing&, const Standing&) = default;
};

}  // namespace dnsd
