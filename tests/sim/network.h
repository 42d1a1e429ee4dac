#pragma once
// What becomes of a datagram on its way, and which ways are cut. Datagrams lie in parcels while
// they travel, so that an event stays small.

#include "heartbeat/message.h"
#include "tests/sim/chance.h"
#include "tests/sim/script.h"

#include <array>
#include <variant>
#include <vector>

namespace sim {

class Network {
public:
    static constexpr std::size_t ends = Chance::machines_max;

    Network(const Climate& climate, Chance& chance) : climate_(climate), chance_(chance) {}

    // When its copies arrive: none, one or two.
    struct Fate {
        std::array<True, 2> at{};
        std::size_t copies = 0;
    };
    Fate send(std::size_t from, std::size_t to, True now, bool troubled);
    // Databases and clients use streams: they only stall.
    bool open(std::size_t from, std::size_t to) const { return cuts_[from][to] == 0; }
    bool open_both_ways(std::size_t a, std::size_t b) const { return open(a, b) && open(b, a); }

    void cut(std::size_t from, std::size_t to) { ++cuts_[from][to]; }
    void mend(std::size_t from, std::size_t to) { --cuts_[from][to]; }
    void slow(std::size_t end, Duration most) { slow_[end] = most; }

private:
    const Climate& climate_;
    Chance& chance_;
    std::array<std::array<std::uint8_t, ends>, ends> cuts_{};
    std::array<Duration, ends> slow_{};  // datagrams from and to there take up to so long
};

// A heartbeat on its way to the arbiter, or a reply to an agent.
struct Parcel {
    std::size_t agent = 0;
    std::uint64_t agent_boot = 0;
    std::uint64_t arbiter_boot = 0;
    std::uint64_t counter = 0;
    std::variant<heartbeat::Heartbeat, heartbeat::Reply> message;
};

class Parcels {
public:
    // `copies` are to be taken.
    std::size_t put(Parcel&& parcel, std::size_t copies);
    const Parcel& at(std::size_t place) const { return slots_[place].parcel; }
    Parcel take(std::size_t place);

private:
    struct Slot {
        Parcel parcel;
        std::size_t copies = 0;
    };
    std::vector<Slot> slots_;
    std::vector<std::size_t> free_;
};

}  // namespace sim
