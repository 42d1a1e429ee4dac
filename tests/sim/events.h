#pragma once
// What is to come, in order: plain values, so that a world of a minute costs little.

#include "tests/sim/clock.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <iterator>
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
        insert({at, order, kind, static_cast<std::uint8_t>(who), a, b});
    }
    // A machine has one alarm, and sets it anew with each step; it comes after all that happens at
    // its time.
    void set_alarm(True at, Event::Kind kind, std::size_t who, std::uint64_t boot) {
        const std::size_t place = place_of(kind, who);
        assert(place < places);
        boots_[place] = boot;
        put_alarm(place, at);
    }
    static bool is_alarm(Event::Kind kind) {
        using Kind = Event::Kind;
        return kind == Kind::agent_wakes || kind == Kind::arbiter_wakes ||
               kind == Kind::notifier_wakes;
    }
    True alarm(Event::Kind kind, std::size_t who) const { return alarms_[place_of(kind, who)]; }
    True next() const {
        return coming_.empty() ? alarms_[first_] : std::min(coming_.back().at, alarms_[first_]);
    }
    Event take() {
        if (coming_.empty() || alarms_[first_] < coming_.back().at) return ring(first_);
        const Event event = coming_.back();
        coming_.pop_back();
        return event;
    }

private:
    static constexpr std::uint64_t later = std::uint64_t{1} << 62;
    static constexpr std::size_t places = 8;  // the arbiter, its notifier, and six agents
    static std::size_t place_of(Event::Kind kind, std::size_t who) {
        if (kind == Event::Kind::arbiter_wakes) return 0;
        return kind == Event::Kind::notifier_wakes ? 1 : 2 + who;
    }
    // What is new comes soon, as a rule, and goes in near the end: no heap is as quick.
    void insert(const Event& event) {
        const auto sooner = [](const Event& one, const Event& other) {
            return one.at != other.at ? one.at < other.at : one.order < other.order;
        };
        coming_.push_back(event);
        auto place = std::prev(coming_.end());
        for (; place != coming_.begin() && sooner(*std::prev(place), event); --place)
            *place = *std::prev(place);
        *place = event;
    }
    // Of those at one time the first place rings first.
    void put_alarm(std::size_t place, True at) {
        alarms_[place] = at;
        if (place == first_)
            first_ = static_cast<std::size_t>(std::min_element(alarms_.begin(), alarms_.end()) -
                                              alarms_.begin());
        else if (at < alarms_[first_] || (at == alarms_[first_] && place < first_))
            first_ = place;
    }
    Event ring(std::size_t place) {
        Event event{alarms_[place], 0, Event::Kind::arbiter_wakes, 0, boots_[place], 0};
        if (place == 1) event.kind = Event::Kind::notifier_wakes;
        if (place > 1) {
            event.kind = Event::Kind::agent_wakes;
            event.who = static_cast<std::uint8_t>(place - 2);
        }
        put_alarm(place, never);
        return event;
    }

    std::vector<Event> coming_;  // the soonest last
    std::uint64_t order_ = 0;
    std::array<True, places> alarms_;
    std::size_t first_ = 0;  // the alarm that rings next
    std::array<std::uint64_t, places> boots_{};
};

}  // namespace sim
