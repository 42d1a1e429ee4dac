#pragma once
// What is to come, in order: plain values in a heap, so that a world of a minute costs little.

#include "tests/sim/clock.h"

#include <algorithm>
#include <vector>

namespace sim {

struct Event {
    enum class Kind : std::uint8_t {
        heard_by_arbiter,  // a = the parcel
        heard_by_agent,    // who; a = the parcel
        challenged,        // who; a = its boot, b = the arbiter's
        arbiter_starts,
        arbiter_wakes,    // a = its boot
        agent_starts,     // who; a = its boot before
        agent_wakes,      // who; a = its boot
        looks,            // who; a = its boot
        looked,           // who; a = its boot, b = which look
        asked_dns,        // who; a = its boot
        verb_ends,        // who; a = its boot, b = which verb
        guard_kills,      // who; a = which arming
        database_starts,  // who; a = its start before
        writes,           // who = the client
        statements,       // who; a = its database's start
        receives,         // who; a = which connection
        applies,          // who; a = its database's start
        acknowledges,     // who = the replica; a = which connection, b = the place of the point
        connects,         // who; a = its database's start
        secondary,        // who; a = the parcel
        notifier_wakes,
        fault,       // a = its place in the script
        fault_ends,  // a = its place in the script
        calm,        // all faults are over
        repair,      // the operator looks after what only people can mend
    };
    True at = 0;
    std::uint64_t order = 0;
    Kind kind{};
    std::uint8_t who = 0;
    std::uint64_t a = 0;
    std::uint64_t b = 0;
};

class Events {
public:
    // Of what happens at one time: a database that goes on performs what lay in its sockets before
    // an agent or a guard has looked, and a datagram that waited while its reader was stopped is
    // read before a timer is judged.
    enum class Turn : std::uint8_t { statements, datagrams, timers };
    void add(True at, Event::Kind kind, std::size_t who, std::uint64_t a = 0, std::uint64_t b = 0,
             Turn turn = Turn::timers) {
        const std::uint64_t order = static_cast<std::uint64_t>(turn) * later + order_++;
        heap_.push_back({at, order, kind, static_cast<std::uint8_t>(who), a, b});
        std::push_heap(heap_.begin(), heap_.end(), sooner);
    }
    bool empty() const { return heap_.empty(); }
    True next() const { return heap_.front().at; }
    Event take() {
        std::pop_heap(heap_.begin(), heap_.end(), sooner);
        const Event event = heap_.back();
        heap_.pop_back();
        return event;
    }

private:
    static constexpr std::uint64_t later = std::uint64_t{1} << 62;
    static bool sooner(const Event& a, const Event& b) {
        return a.at != b.at ? a.at > b.at : a.order > b.order;
    }
    std::vector<Event> heap_;
    std::uint64_t order_ = 0;
};

}  // namespace sim
