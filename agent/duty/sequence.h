#pragma once
// Where the numbers of an epoch's transactions begin. A GTID is domain, server and number: who
// loses what it wrote under one epoch and leads again from the same position must not give the same
// ones to other transactions, for nobody would ever notice. So each epoch has numbers of its own.

#include "heartbeat/identity.h"

#include <algorithm>
#include <cstdint>

namespace agent {

// So many transactions of one epoch have room; and epochs, 2^23 of them.
constexpr unsigned sequence_epoch_shift = 40;
// Above what others count as a number; MariaDB goes on to 2^64 - 1, and then begins at 0.
constexpr std::uint64_t sequence_max = (std::uint64_t{1} << 63) - 1;
constexpr std::uint64_t sequence_step = 1'000'000;

// What the last number of a domain is raised to before the first write of `epoch`; never lowered,
// and beyond the last one of the epoch's own by a step for each epoch.
constexpr std::uint64_t raised_sequence(heartbeat::Epoch epoch, std::uint64_t last) {
    constexpr std::uint64_t epochs = (sequence_max >> sequence_epoch_shift) + 1;
    if (epoch.value < epochs) {
        const std::uint64_t floor = epoch.value << sequence_epoch_shift;
        if (last < floor) return floor;
    }
    if (last >= sequence_max) return last;
    // A history that is longer than ours, or an epoch that nobody can have reached by counting.
    const std::uint64_t room = sequence_max - last;
    const std::uint64_t steps = std::min(epoch.value, room / sequence_step);
    return last + steps * sequence_step;
}

}  // namespace agent
