#pragma once
// Counts and tells: which differences are explained, by which rule, and which are not.

#include "tests/interop/differential/fleet.h"
#include "tests/interop/differential/rules.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace differential {

struct Counts {
    std::size_t zones = 0, questions = 0;
};

// What a question belongs to.
struct Told {
    std::uint64_t seed = 0;
    std::size_t first_zone = 0;  // of the batch, in the run
    const Zones* served = nullptr;
    Fleet* fleet = nullptr;
};

// To one question, by server; none of a server that does not run or lacks the zone.
struct Answers {
    Replies replies;
    Replies whole;  // by TCP, of a question whose answer was cut at some server
    Replies typed;  // to a question for the type that our answer to ANY has
    // So many RRsets are from elsewhere: the reply was put together along aliases.
    std::array<std::size_t, servers> continued{};
    // Why: it left the zone, or it stopped where it has its bound.
    std::array<bool, servers> borders{}, stops{};
};

class Judge {
public:
    // At most so many unexplained differences are printed whole.
    explicit Judge(std::size_t shown_max) : shown_max_(shown_max) {}

    void judge(const Told& told, const Question& question, const Answers& answers);
    void stopped(const std::string& peer) { ++stopped_[peer]; }
    void report() const;  // the rules used and the kinds of unexplained differences

    std::size_t unexplained() const { return unexplained_; }

private:
    void show(const Told& told, const Question& question, const std::string& kind,
              const Answers& answers) const;

    static constexpr std::size_t shown_of_a_kind_max = 3;

    std::size_t shown_max_;
    std::size_t unexplained_ = 0, shown_ = 0;
    std::map<std::string, std::size_t> used_;     // rule and peer
    std::map<std::string, std::size_t> kinds_;    // of unexplained differences
    std::map<std::string, std::size_t> stopped_;  // batches in which a peer fell silent
};

}  // namespace differential
