#pragma once
// When something ends that an operator or the damping began: by the boot clock within one run of
// the arbiter, and over a restart by what is left of it on the wall clock (facts.h, Until).

#include "dnsd/arbiter/facts.h"

namespace dnsd {

// The wall clock as it was told with an instant. It is asked for nothing but what must still be
// right after a restart: a clock that is set during the run moves no end.
struct Wall {
    Instant at;
    std::int64_t unix_seconds = 0;
    // Rounded down; no instant of one run is far enough away to overflow.
    std::int64_t seconds_at(Instant now) const;
};

class Term {
public:
    // What an operator may say; a longer one is said as "until undone".
    static constexpr Duration length_max = std::chrono::hours(24 * 366);

    // Begins now. `length` is above 0 and at most length_max; nullopt: until undone.
    Term(std::optional<Duration> length, Instant now);
    // Goes on after a restart at `wall.at`. A wall clock that was set back never makes it longer
    // than it was, one that was set forward ends it early.
    Term(const Until& recorded, const Wall& wall);

    bool over(Instant now) const { return ends_ <= now; }
    Instant ends() const { return ends_; }  // Instant::max(): when it is undone
    std::optional<Duration> left(Instant now) const;
    // For a sentence: "for another 12 s", "until undone".
    std::string spoken_left(Instant now) const;
    // "for 12 s", "until undone"
    static std::string spoken_length(std::optional<Duration> length);
    // As the ledger keeps it; rounded up to whole seconds.
    static Until recorded(std::optional<Duration> length, std::int64_t unix_seconds);

private:
    Instant ends_;
};

}  // namespace dnsd
