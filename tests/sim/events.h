#pragma once
// What is to come, in order: plain values in a heap, so that a world of a minute costs little.

#include "tests/sim/clock.h"

#include <algorithm>
#include <array>
#include <cassert>
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
    Events() { alarms_.fill(never); }
    void add(True at, Event::Kind kind, std::size_t who, std::uint64_t a = 0, std::uint64_t b = 0,
             Turn turn = Turn::timers) {
        const std::uint64_t order = static_cast<std::uint64_t>(turn) * later + order_++;
        heap_.push_back({at, order, kind, static_cast<std::uint8_t>(who), a, b});
        std::push_heap(heap_.begin(), heap_.end(), Sooner{});
    }
    // A machine has one alarm, and sets it anew with each step; it comes after all that happens at
    // its time.
    void set_alarm(True at, Event::Kind kind, std::size_t who, std::uint64_t boot) {
        const std::size_t place = place_of(kind, who);
        assert(place < places);
        alarms_[place] = at;
        boots_[place] = boot;
    }
    static bool is_alarm(Event::Kind kind) {
        using Kind = Event::Kind;
        return kind == Kind::agent_wakes || kind == Kind::arbiter_wakes ||
               kind == Kind::notifier_wakes;
    }
    True alarm(Event::Kind kind, std::size_t who) const { return alarms_[place_of(kind, who)]; }
    True next() const {
        return heap_.empty() ? first_alarm() : std::min(heap_.front().at, first_alarm());
    }
    Event take() {
        const auto alarm = std::min_element(alarms_.begin(), alarms_.end());
        if (heap_.empty() || *alarm < heap_.front().at) return ring(alarm - alarms_.begin());
        std::pop_heap(heap_.begin(), heap_.end(), Sooner{});
        const Event event = heap_.back();
        heap_.pop_back();
        return event;
    }

private:
    static constexpr std::uint64_t later = std::uint64_t{1} << 62;
    static constexpr std::size_t places = 8;  // the arbiter, its notifier, and six agents
    // An object, so that it is compiled into the heap's own loops.
    struct Sooner {
        bool operator()(const Event& a, const Event& b) const {
            return a.at != b.at ? a.at > b.at : a.order > b.order;
        }
    };
    static std::size_t place_of(Event::Kind kind, std::size_t who) {
        if (kind == Event::Kind::arbiter_wakes) return 0;
        return kind == Event::Kind::notifier_wakes ? 1 : 2 + who;
    }
    True first_alarm() const { return *std::min_element(alarms_.begin(), alarms_.end()); }
    Event ring(std::ptrdiff_t at) {
        const auto place = static_cast<std::size_t>(at);
        Event event{alarms_[place], 0, Event::Kind::arbiter_wakes, 0, boots_[place], 0};
        if (place == 1) event.kind = Event::Kind::notifier_wakes;
        if (place > 1) {
            event.kind = Event::Kind::agent_wakes;
            event.who = static_cast<std::uint8_t>(place - 2);
        }
        alarms_[place] = never;
        return event;
    }

    std::vector<Event> heap_;
    std::uint64_t order_ = 0;
    std::array<True, places> alarms_;
    std::array<std::uint64_t, places> boots_{};
};

}  // namespace sim
