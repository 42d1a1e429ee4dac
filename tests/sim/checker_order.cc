// In which order those are elected that lack nothing: what each applied, whose lease was lost less
// often, priority and name; or who asked first.

#include "tests/sim/checker.h"
#include "tests/sim/world.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace sim {

namespace {

std::string name(const World& world, std::size_t site) {
    return std::string(world.sites()[site].id.text());
}

// Halved with every half-life.
double points_of(const World& world, const dnsd::Damping& damping, const ServerId& id) {
    const std::int64_t wall = world.arbiter().wall_offset + world.now() / second;
    const std::int64_t began = world.arbiter().wall_offset + world.arbiter().since / second;
    const double half_life = std::chrono::duration<double>(world.rules().penalty_half_life).count();
    for (const dnsd::Damping::Penalty& penalty : damping.penalties) {
        if (penalty.id != id) continue;
        // One of a wall clock that was set back since is of when this run began.
        const std::int64_t from = penalty.unix_seconds > wall ? began : penalty.unix_seconds;
        return penalty.points * std::exp2(-static_cast<double>(wall - from) / half_life);
    }
    return 0;
}

// Whole points, to the nearest; by so much that no way to wear them off counts otherwise.
struct WholePoints {
    double least;
    double most;
    explicit WholePoints(double points)
        : least(std::floor(points + 0.4)), most(std::floor(points + 0.6)) {}
    bool surely_are(const WholePoints& others) const {
        return least == most && others.least == others.most && least == others.least;
    }
};

}  // namespace

// By all that was heard of it, it may lead now.
bool Checker::may_stand(const World& world, const dnsd::Record& record, std::size_t place) {
    const Site& site = world.sites()[place];
    const dnsd::ServerRules* rules = rules_of(world, site.id);
    const Known::Said& said = known(world, place).said;
    const Duration fresh = std::min(world.rules().down_after, world.rules().lease) * 9 / 10;
    // What it has more is not of this cluster's history; the last holder may prove that by the
    // heartbeat by which it is granted.
    const auto& refused = known(world, place).refused;
    const bool proven =
        said.refused && ((refused && refused->proofs > 0) ||
                         std::any_of(record.refused.begin(), record.refused.end(),
                                     [&](const dnsd::Refused& one) { return one.id == site.id; }));
    return rules && rules->may_lead && !perhaps_drained(record, site.id) && said.fit && !proven &&
           world.arbiter().cloned != place && said.boot == world.arbiter().process.boot &&
           world.now() - said.at <= fresh.count() && said.received &&
           // By a shorter down_after it was down already.
           said.at > reconfigured_ &&
           // Whoever claims what nobody can have reached is not believed in anything.
           !said.liar;
}

// ---- Who asked first
// ---------------------------------------------------------------------------------------

// Who spoke when it was opened may have asked before the others.
void Checker::opens_window(const World& world) {
    window_since_ = world.now();
    for (Known& server : known_)
        server.asks = {.perhaps = server.said.at == world.now() ? world.now() : never};
}

void Checker::note_asks(const World& world, std::size_t agent, const heartbeat::Heartbeat& beat) {
    Known::Asks& asks = known(world, agent).asks;
    if (beat.wants != heartbeat::Wish::master || window_since_ == never) return;
    asks.perhaps = std::min(asks.perhaps, world.now());
    const auto& disk = world.ledger();
    // While nobody is elected nobody stands in a row.
    if (!disk || !disk->holder || disk->pause || switching_ || word_given() ||
        world.now() < world.arbiter().ledger.fails_until + world.rules().lease.count())
        return;
    if (may_stand(world, *disk, agent)) asks.surely = std::min(asks.surely, world.now());
}

// ---- Who goes before whom
// -----------------------------------------------------------------------------------

// Why this one goes before that, which was granted; both received the same. Empty: it does not, or
// nobody can be sure.
std::string Checker::goes_before(const World& world, const dnsd::Record& before, std::size_t other,
                                 std::size_t winner) {
    const Known& its = known(world, other);
    const Known& mine = known(world, winner);
    const ServerId& id = world.sites()[other].id;
    const ServerId& to = world.sites()[winner].id;
    if (yielded_ == before.epoch && before.holder == id) return "election: led until it yielded";
    if (world.rules().choose == dnsd::Choose::first_request)
        return its.asks.surely < mine.asks.perhaps ? "election: asked first" : std::string();
    if (!its.said.applied || !mine.said.applied) return {};
    const auto applied = *its.said.applied <=> *mine.said.applied;
    if (applied == std::partial_ordering::greater) return "election: applied more";
    if (applied != std::partial_ordering::equivalent) return {};
    const WholePoints its_points(points_of(world, before.damping, id));
    const WholePoints points(points_of(world, before.damping, to));
    if (points.least > its_points.most) return "damping: lost fewer leases";
    if (!points.surely_are(its_points)) return {};
    const unsigned its_priority = rules_of(world, id)->priority;
    const unsigned priority = rules_of(world, to)->priority;
    if (its_priority != priority)
        return its_priority > priority ? "election: has the higher priority" : std::string();
    if (its.said.priority != mine.said.priority)
        return its.said.priority > mine.said.priority ? "election: asks for the higher priority"
                                                      : std::string();
    return id < to ? "election: comes first by name" : std::string();
}

void Checker::judge_order(const World& world, const dnsd::Record& before, const std::string& grant,
                          std::size_t other, std::size_t winner) {
    if (known(world, other).said.received != known(world, winner).said.received) return;
    // The last holder goes before its equals when it gives back what a switchover took, or when
    // nobody else may be granted.
    if (world.sites()[winner].id == before.holder) return;
    const std::string why = goes_before(world, before, other, winner);
    if (why.empty() || ledger_fails(world)) return;
    const ServerId& to = world.sites()[winner].id;
    const bool named = std::any_of(commands_.begin(), commands_.end(), [&](const auto& each) {
        return each.second.named == to || each.second.adopted == to;
    });
    if (named) return excuse(Excuse::word);
    const auto colon = why.find(": ");
    broken(fmt::format("{}: {}, and {} has the same and {}", why.substr(0, colon), grant,
                       name(world, other), why.substr(colon + 2)));
}

}  // namespace sim
