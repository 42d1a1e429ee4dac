#pragma once
// Carrying out what a machine wants, in its order, and what happens when the disk refuses
// (docs/PROTOCOL.md, "On disk before on the wire"): nothing is spoken that is not durable.

#include "dnsd/arbiter/facts.h"

#include <functional>
#include <utility>
#include <variant>
#include <vector>

namespace dnsd {

// What a shell can do.
struct Hands {
    std::function<bool(const Record&)> remember;  // true: it is durable
    std::function<void(const SendReply&)> reply;
    std::function<void(const Standing&)> announce;
    std::function<void(const Note&)> note;

    // False when the effect failed and no later one may be carried out.
    bool carry_out(const Effect& effect) const {
        if (const auto* e = std::get_if<Remember>(&effect)) return remember(e->record);
        if (const auto* e = std::get_if<SendReply>(&effect)) reply(*e);
        if (const auto* e = std::get_if<Announce>(&effect)) announce(e->standing);
        if (const auto* e = std::get_if<Note>(&effect)) note(*e);
        return true;
    }
};

// Steps `machine` on a copy, which takes its place only when every effect was carried out. Else the
// machine of before hears of it by LedgerFailed; if even that step's record cannot be written, it
// stays as it was and says nothing.
template <typename Machine>
void walk(Machine& machine, const Event& event, Instant now, const Hands& hands) {
    Machine next = machine;
    for (const Effect& effect : next.step(event, now)) {
        if (hands.carry_out(effect)) continue;
        if (!std::holds_alternative<LedgerFailed>(event)) walk(machine, LedgerFailed{}, now, hands);
        return;
    }
    machine = std::move(next);
}

}  // namespace dnsd
