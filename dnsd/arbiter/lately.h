#pragma once
// What was told lately. Reasons that take turns with each heartbeat would fill the history, which
// is bounded, and push out of it what was decided.

#include "dnsd/arbiter/facts.h"

#include <utility>

namespace dnsd {

class Lately {
public:
    // The same is told again after so long, and no more different ones of a kind within it; until
    // something else has happened.
    static constexpr Duration again = std::chrono::hours(1);
    static constexpr std::size_t most = 16;

    // Is it to be told now?
    bool anew(Kind kind, const std::string& why, Instant now);
    // Something was decided: what is said from now on is said of that.
    void clear() { told_.clear(); }

private:
    struct Told {
        Kind kind;
        std::string why;
        Instant at;
    };
    std::vector<Told> told_;
};

// Of one thing that comes and goes: the first few times are told, then one in a while, with how
// many were not.
class Seldom {
public:
    static constexpr unsigned at_once = 3;
    static constexpr Duration every = std::chrono::minutes(10);

    // Is it to be told now? If not it is counted.
    bool tell(Instant now);
    // How many were not told since this was asked last.
    unsigned take_untold() { return std::exchange(untold_, 0U); }

private:
    unsigned room_ = at_once;
    Instant since_{};  // that it has so much room
    unsigned untold_ = 0;
};

}  // namespace dnsd
