#include "dnsd/arbiter/damping.h"

#include "heartbeat/sim_points.h"

#include <algorithm>
#include <cmath>

namespace dnsd {

using std::chrono::ceil;
using std::chrono::seconds;

namespace {

constexpr std::int64_t hour_seconds = 3600;

// Halved with every half-life, on a straight line between two of them: made of nothing but products
// and sums, so that each build ranks alike.
double worn(double points, Duration age, Duration half_life) {
    if (age <= Duration::zero() || SIM_BROKEN(penalties_wear_off)) return points;
    const auto halvings = age / half_life;
    if (halvings > 64) return 0;
    const double part =
        static_cast<double>((age % half_life).count()) / static_cast<double>(half_life.count());
    return std::ldexp(points, -static_cast<int>(halvings)) * (1.0 - part / 2.0);
}

}  // namespace

Damper::Damper(Damping recorded, const Wall& wall) : damping_(std::move(recorded)), wall_(wall) {
    const std::int64_t now = wall.unix_seconds;
    for (std::int64_t& at : damping_.failovers) at = std::min(at, now);
    if (SIM_BROKEN(damping_over_restart)) damping_.block.reset();
    if (damping_.block) {
        const Term term(*damping_.block, wall);
        if (term.left(wall.at) > Duration::zero()) SIM_SOMETIMES(a_block_outlived_a_restart);
        damping_.block->unix_seconds =
            now + ceil<seconds>(term.left(wall.at).value_or(Duration::zero())).count();
    }
    for (Damping::Penalty& penalty : damping_.penalties)
        penalty.unix_seconds = std::min(penalty.unix_seconds, now);
}

std::optional<Duration> Damper::block_left(Instant now) const {
    const Instant at = ends(now);
    if (at == Instant::max()) return std::nullopt;
    return at - now;
}

Instant Damper::ends(Instant now) const {
    if (!damping_.block) return Instant::max();
    const Instant at = wall_.at + seconds(damping_.block->unix_seconds - wall_.unix_seconds);
    return at > now ? at : Instant::max();
}

std::size_t Damper::failovers_last_hour(Instant now) const {
    const std::int64_t since = seconds_at(now) - hour_seconds;
    return static_cast<std::size_t>(std::count_if(damping_.failovers.begin(),
                                                  damping_.failovers.end(),
                                                  [&](std::int64_t at) { return at > since; }));
}

Damper::Verdict Damper::judge(const ArbiterRules& rules, Instant now) const {
    if (damping_.manual && !SIM_BROKEN(damping_manual)) return Verdict::manual;
    const bool counted = rules.failovers_an_hour > 0 && !SIM_BROKEN(damping_manual);
    if (counted && failovers_last_hour(now) >= rules.failovers_an_hour) return Verdict::spent;
    const bool blocked = rules.block > Duration::zero() && block_left(now);
    if (blocked && !SIM_BROKEN(damping_block)) return Verdict::blocked;
    return Verdict::free;
}

std::string Damper::why(const ArbiterRules& rules, Instant now) const {
    const std::string count = std::to_string(failovers_last_hour(now)) +
                              " automatic failovers within an hour, " +
                              std::to_string(rules.failovers_an_hour) + " are allowed";
    switch (judge(rules, now)) {
        case Verdict::free:
            return {};
        case Verdict::blocked:
            return "blocked for another " + spoken(*block_left(now)) +
                   " after the last automatic failover";
        case Verdict::spent:
            return count;
        case Verdict::manual:
            return "too many automatic failovers: only an operator's word elects";
    }
    return {};
}

double Damper::penalty(const ServerId& server, const ArbiterRules& rules, Instant now) const {
    if (rules.penalty_half_life <= Duration::zero()) return 0;
    for (const Damping::Penalty& penalty : damping_.penalties)
        if (penalty.id == server)
            return worn(penalty.points, seconds(seconds_at(now) - penalty.unix_seconds),
                        rules.penalty_half_life);
    return 0;
}

unsigned Damper::points(const ServerId& server, const ArbiterRules& rules, Instant now) const {
    return static_cast<unsigned>(penalty(server, rules, now) + 0.5);
}

void Damper::penalize(const ServerId& loser, const ArbiterRules& rules, Instant now) {
    std::vector<Damping::Penalty> kept;
    bool found = false;
    for (Damping::Penalty& old : damping_.penalties) {
        const bool its = old.id == loser;
        old.points = penalty(old.id, rules, now) + (its ? 1 : 0);
        old.unix_seconds = seconds_at(now);
        found |= its;
        if (old.points >= penalty_min) kept.push_back(old);
    }
    if (!found && rules.penalty_half_life > Duration::zero())
        kept.push_back({loser, 1, seconds_at(now)});
    std::sort(kept.begin(), kept.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
    damping_.penalties = std::move(kept);
}

Duration Damper::next_block(const ArbiterRules& rules, Instant now) const {
    if (rules.block <= Duration::zero()) return Duration::zero();
    Duration block = rules.block;
    std::int64_t after = seconds_at(now);
    // Each that came within an hour of the next one doubles it.
    for (auto at = damping_.failovers.rbegin(); at != damping_.failovers.rend(); ++at) {
        if (after - *at >= hour_seconds || block >= rules.block_max || SIM_BROKEN(block_doubles))
            break;
        SIM_SOMETIMES(a_block_was_doubled);
        block = std::min(2 * block, std::max(rules.block, rules.block_max));
        after = *at;
    }
    return block;
}

Duration Damper::failed_over(const ServerId& loser, const ArbiterRules& rules, Instant now) {
    const Duration block = next_block(rules, now);
    damping_.block.reset();
    if (block > Duration::zero()) {
        // Rounded up, so that it is not a part of a second shorter than it is said to be.
        const auto begun = wall_.unix_seconds + ceil<seconds>(now - wall_.at).count();
        damping_.block = Term::recorded(block, begun);
    }
    damping_.failovers.push_back(seconds_at(now));
    if (damping_.failovers.size() > Damping::failovers_max)
        damping_.failovers.erase(damping_.failovers.begin());
    penalize(loser, rules, now);
    return block;
}

void Damper::lift() {
    damping_.block.reset();
    damping_.manual = false;
    damping_.failovers.clear();
}

bool Damper::anything_to_lift(Instant now) const {
    return damping_.manual || block_left(now).has_value();
}

void Damper::keep_only(const std::vector<ServerRules>& servers) {
    std::erase_if(damping_.penalties, [&](const Damping::Penalty& penalty) {
        return std::none_of(servers.begin(), servers.end(),
                            [&](const ServerRules& server) { return server.id == penalty.id; });
    });
}

}  // namespace dnsd
