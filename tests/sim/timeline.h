#pragma once
// All transactions that were ever written in a world, as a tree: whoever writes at the tip of a
// branch lengthens it, whoever writes elsewhere begins another. A database's history is one point
// of it, so that to copy and to compare histories costs next to nothing.

#include "heartbeat/gtid.h"
#include "heartbeat/identity.h"

#include <optional>
#include <vector>

namespace sim {

using heartbeat::Epoch;

// So many transactions from the beginning, the last of them on this branch.
struct Point {
    std::uint32_t branch = 0;
    std::uint64_t length = 0;
    friend bool operator==(const Point&, const Point&) = default;
};

class Timeline {
public:
    // What stands there after `count` more, written by `server` (from 1) under `epoch`;
    // `raised`: its sequence was, as a promotion does, so that a lost tail is seen as divergence.
    Point written(Point at, std::uint32_t server, Epoch epoch, std::uint64_t count, bool raised);
    bool begins(Point a, Point b) const;  // a is a prefix of b
    Point common(Point a, Point b) const;
    Point cut(Point at, std::uint64_t length) const;  // its first so many

    heartbeat::GtidPosition position(Point at) const;
    // Where in that history the last transaction of `of` stands by its GTID, though what it says
    // may be another.
    std::optional<Point> find(Point of, Point in) const;
    // Did that server write any that `to` has beyond `from`, under that epoch or any?
    bool wrote(std::uint32_t server, Point from, Point to,
               std::optional<Epoch> epoch = std::nullopt) const;

private:
    struct Branch {
        std::uint32_t parent = 0;
        std::uint64_t fork = 0;  // so many of the parent's come before
        std::uint32_t server = 0;
        Epoch epoch;
        std::uint64_t first = 0;  // sequence number of its first
        std::uint64_t tip = 0;    // its length, with all before
    };
    std::uint64_t sequence(Point at) const;

    std::vector<Branch> branches_{Branch{}};
};

}  // namespace sim
