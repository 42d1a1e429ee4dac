#include "dnsd/arbiter/term.h"

#include "heartbeat/sim_points.h"

#include <algorithm>

namespace dnsd {

using std::chrono::ceil;
using std::chrono::floor;
using std::chrono::seconds;

std::int64_t Wall::seconds_at(Instant now) const {
    return unix_seconds + floor<seconds>(now - at).count();
}

Term::Term(std::optional<Duration> length, Instant now)
    : ends_(length ? now + std::min(*length, length_max) : Instant::max()) {}

Term::Term(const Until& recorded, const Wall& wall) : ends_(Instant::max()) {
    if (recorded.length_seconds == 0) return;
    const std::int64_t longest =
        std::clamp<std::int64_t>(recorded.length_seconds, 0, ceil<seconds>(length_max).count());
    // Compared before it is subtracted: a damaged end must not overflow.
    const std::int64_t left = recorded.unix_seconds <= wall.unix_seconds ? 0
                              : recorded.unix_seconds - longest >= wall.unix_seconds
                                  ? longest
                                  : recorded.unix_seconds - wall.unix_seconds;
    if (recorded.unix_seconds <= wall.unix_seconds) SIM_SOMETIMES(an_end_passed_unseen);
    if (recorded.unix_seconds - longest > wall.unix_seconds)
        SIM_SOMETIMES(the_wall_clock_went_back);
    ends_ = wall.at + seconds(left);
}

std::optional<Duration> Term::left(Instant now) const {
    if (ends_ == Instant::max()) return std::nullopt;
    return std::max(Duration::zero(), ends_ - now);
}

std::string Term::spoken_left(Instant now) const {
    const std::optional<Duration> rest = left(now);
    return rest ? "for another " + spoken(*rest) : "until undone";
}

std::string Term::spoken_length(std::optional<Duration> length) {
    return length ? "for " + spoken(*length) : "until undone";
}

Until Term::recorded(std::optional<Duration> length, std::int64_t unix_seconds) {
    if (!length) return {};
    const std::int64_t whole = ceil<seconds>(std::min(*length, length_max)).count();
    return {whole, unix_seconds + whole};
}

}  // namespace dnsd
