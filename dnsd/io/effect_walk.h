#pragma once
// Carrying out what a machine wants, in its order, and what happens when the disk refuses
// (docs/PROTOCOL.md, "On disk before on the wire"): nothing is spoken that is not durable.

#include "dnsd/arbiter/facts.h"

#include <functional>
#include <utility>
#include <variant>
#include <vector>

namespace dnsd {

// What became of a record: it is durable, it could not be written, or another is there than the
// machine knows of: somebody else decides, too.
enum class Kept { durable, failed, conflict };

// What a shell can do.
struct Hands {
    // `story` are the notes that follow it: they can go where the record goes.
    std::function<Kept(const Record&, const std::vector<Note>& story)> remember;
    std::function<void(const SendReply&)> reply;
    std::function<void(const Standing&)> announce;
    std::function<void(const Note&)> note;
    std::function<void(const Answer&)> answer;
};

// The notes up to the next record.
inline std::vector<Note> story_after(const std::vector<Effect>& effects, std::size_t at) {
    std::vector<Note> story;
    for (std::size_t i = at + 1; i < effects.size(); ++i) {
        if (std::holds_alternative<Remember>(effects[i])) break;
        if (const auto* note = std::get_if<Note>(&effects[i])) story.push_back(*note);
    }
    return story;
}

// Anything but durable: the effect failed, and no later one may be carried out.
inline Kept carry_out(const std::vector<Effect>& effects, std::size_t at, const Hands& hands) {
    const Effect& effect = effects[at];
    if (const auto* e = std::get_if<Remember>(&effect))
        return hands.remember(e->record, story_after(effects, at));
    if (const auto* e = std::get_if<SendReply>(&effect)) hands.reply(*e);
    if (const auto* e = std::get_if<Announce>(&effect)) hands.announce(e->standing);
    if (const auto* e = std::get_if<Note>(&effect)) hands.note(*e);
    if (const auto* e = std::get_if<Answer>(&effect)) hands.answer(*e);
    return Kept::durable;
}

// Steps `machine` on a copy, which takes its place only when every effect was carried out. Else the
// machine of before hears of it by LedgerFailed; if even that step's record cannot be written, it
// stays as it was and says nothing. Nor does it hear of a conflict: what it would say then is not
// its own to decide. False: the machine never heard of the event.
template <typename Machine>
bool walk(Machine& machine, const Event& event, Instant now, const Hands& hands) {
    Machine next = machine;
    const std::vector<Effect> effects = next.step(event, now);
    for (std::size_t at = 0; at < effects.size(); ++at) {
        const Kept kept = carry_out(effects, at, hands);
        if (kept == Kept::durable) continue;
        if (kept == Kept::failed && !std::holds_alternative<LedgerFailed>(event))
            walk(machine, LedgerFailed{}, now, hands);
        return false;
    }
    machine = std::move(next);
    return true;
}

}  // namespace dnsd
