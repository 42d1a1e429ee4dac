// Whom a master refused, and whether people are asked for what the arbiter could know.

#include "tests/sim/checker.h"
#include "tests/sim/world.h"

#include <algorithm>

#include <fmt/format.h>

namespace sim {

// What a master refused that is heard later, in the start in which it was granted, that one lacks
// what it had.
void Checker::note_refusal(const World& world, std::size_t agent,
                           const heartbeat::Heartbeat& beat) {
    using heartbeat::Errant;
    const std::uint64_t boot = world.arbiter().process.boot;
    auto& own = known(world, agent).refused;
    // While it tries once more it says what was so before.
    if (own && !world.sites()[agent].database.refused && beat.errant != Errant::refused)
        own.reset();
    const bool changed = own && (own->said != beat.refused_under || own->boot != boot);
    // Not said yet, or a look saw nothing; and an arbiter that can not write may not take it in.
    if (own && (beat.errant == Errant::no ||
                (beat.errant == Errant::refused && changed && ledger_fails(world)))) {
        own->boot = 0;
        own->proofs = 0;
    } else if (beat.errant == Errant::refused && changed) {
        *own = {own->by, own->start, beat.refused_under,
                boot,    mark_,      own->said == beat.refused_under ? own->proofs : 0};
    }
    const auto held = holders_.find(beat.held);
    const auto& disk = world.ledger();
    if (held == holders_.end() || held->second.holder != world.sites()[agent].id || !disk ||
        disk->epoch != beat.held || held->second.start != beat.database_start ||
        disk->holder_start != beat.database_start || !beat.health.database)
        return;
    for (Known& other : known_)
        if (other.refused && other.refused->by == agent && other.refused->said == beat.held &&
            other.refused->start == real_start(beat.database_start) &&
            other.refused->boot == boot && beat.mark > other.refused->mark && !ledger_fails(world))
            ++other.refused->proofs;
}

// S covers, all that was acknowledged is there and has promised, and this one has all that anybody
// has.
bool Checker::has_all(const World& world, std::size_t best) {
    const auto& disk = world.ledger();
    if (!disk || !world.rules().semi_sync || !disk->covered || disk->semi_sync_unknown ||
        ledger_lost_ || disk->semi_sync.empty() || outsider_since_ != never || ledger_fails(world))
        return false;
    // While an operator's word for another stands nobody else is granted.
    const ServerId& id = world.sites()[best].id;
    if (std::any_of(commands_.begin(), commands_.end(), [&](const auto& each) {
            const Asked& asked = each.second;
            return asked.word && asked.begun && asked.named && asked.named != id;
        }))
        return false;
    const auto wrote_to = [&](std::size_t site) {
        return wrought(world, site) ||
               std::any_of(hands_.begin(), hands_.end(),
                           [&](const Hand& hand) { return hand.site == site; });
    };
    const Point has = world.sites()[best].database.has();
    const std::uint64_t run = world.arbiter().process.boot;
    for (std::size_t i = 0; i < world.sites().size(); ++i) {
        if (!world.configured(i) || !world.all_of_it_runs(i) || wrote_to(i) ||
            known_[i].said.boot != run ||
            !world.timeline().begins(world.sites()[i].database.has(), has))
            return false;
    }
    for (const dnsd::Acker& acker : disk->semi_sync) {
        const std::size_t place = world.place_of(acker.id);
        if (place >= world.sites().size() || acker.start != world.start_said(place) ||
            known_[place].said.promised <= disk->epoch)
            return false;
    }
    const Known& first = known_[best];
    // Whoever claims what nobody can have reached is not believed in anything.
    if (first.said.liar) return false;
    return first.said.fit && (!first.refused || first.refused->proofs == 0);
}

void Checker::waits(const World& world, std::size_t best) {
    if (!has_all(world, best))
        waits_since_ = never;
    else
        waits_since_ = std::min(waits_since_, world.now());
}

// A person is asked for what only a person can know; not for this, when it has stood for a while.
void Checker::needs_a_word(const World& world, std::size_t best) {
    waits(world, best);
    if (waits_since_ == never || world.now() - waits_since_ < world.rules().lease.count()) return;
    broken(
        fmt::format("wait: nobody is granted, and {} has all that anybody has; S covers, and all "
                    "of it is there",
                    world.sites()[best].id.text()));
}

}  // namespace sim
