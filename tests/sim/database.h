#pragma once
// A database as the machines see one: read-only or not, a history of transactions, an upstream, and
// starts that leave it read-only with replication stopped (docs/PROTOCOL.md, "Servers start
// fenced").

#include "heartbeat/gtid.h"
#include "heartbeat/identity.h"

#include <optional>
#include <vector>

namespace sim {

// Transactions in the order in which they were written, as runs of one writer in one epoch.
class History {
public:
    void write(std::uint32_t server, heartbeat::Epoch epoch, std::uint64_t count);
    bool begins(const History& longer) const;  // this is a prefix of it
    // Drop what is not also at the beginning of the other.
    void cut_to_common(const History& other);
    heartbeat::GtidPosition position() const;
    // The first write of an epoch leaves a gap, so that a lost tail is seen as divergence.
    static constexpr std::uint64_t gap = 1'000'000;

    friend bool operator==(const History&, const History&) = default;

private:
    struct Run {
        std::uint32_t server;
        heartbeat::Epoch epoch;
        std::uint64_t first;
        std::uint64_t last;
        friend bool operator==(const Run&, const Run&) = default;
    };
    std::vector<Run> runs_;
};

struct Database {
    bool up = true;
    bool read_only = true;
    std::uint64_t start = 1;
    heartbeat::Epoch write_epoch;  // under which it was made writable
    History received;              // relay log and binary log
    History applied;
    std::optional<std::size_t> upstream;  // whom it is configured to replicate from
    bool io_running = false;
    bool sql_running = false;
    bool diverged = false;  // the upstream refused it

    bool writable() const { return up && !read_only; }
    void crash();
    void restart();
};

}  // namespace sim
