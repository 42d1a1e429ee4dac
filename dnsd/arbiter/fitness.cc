#include "dnsd/arbiter/fitness.h"

#include "dnsd/arbiter/refusals.h"
#include "heartbeat/sim_points.h"

#include <algorithm>

namespace dnsd {

using heartbeat::GtidFlavour;
using heartbeat::Heartbeat;

Epoch known_to(const Heartbeat& beat) {
    const Epoch before_promise{beat.promised.value - (beat.promised.value > 0 ? 1 : 0)};
    return std::max({beat.seen, beat.held, before_promise});
}

bool impossible(Epoch claimed, Epoch known) {
    if (SIM_BROKEN(impossible_epochs_move_nothing)) return false;
    return claimed > epoch_max || claimed.value > known.value + epoch_jump_max;
}

bool fresh(const ArbiterRules& rules, const Watched& server, Instant now) {
    return server.alive() && now - *server.heard <= std::min(rules.down_after, rules.lease);
}

bool has_data(const Heartbeat& beat) {
    return beat.health.database && beat.flavour != GtidFlavour::none;
}

bool said_writable(const Watched& server) {
    return server.last && server.last->health.database && !server.last->read_only;
}

bool may_have_data(const Watched& server) {
    return !server.last || !(server.last->may_not_lead && server.last->health.database &&
                             server.last->flavour == GtidFlavour::none);
}

bool reaches(const std::optional<heartbeat::GtidPosition>& has,
             const heartbeat::GtidPosition& all) {
    return has && (*has <=> all) >= 0;
}

Unfit fitness(const ArbiterRules& rules, const Record& record, const Watched& server, Instant now) {
    if (!server.rules.may_lead && !SIM_BROKEN(may_lead_is_kept)) return Unfit::configured;
    if (!server.heard) return Unfit::unheard;
    const Heartbeat& beat = *server.last;
    if (impossible(known_to(beat), record.epoch)) return Unfit::impossible;
    if (!fresh(rules, server, now)) return Unfit::silent;
    if (beat.may_not_lead)
        return beat.flavour == GtidFlavour::none ? Unfit::no_database : Unfit::by_agent;
    if (server.cloned && !SIM_BROKEN(clones_are_not_elected)) return Unfit::cloned;
    if (server.drains() && !SIM_BROKEN(drained_are_not_elected)) return Unfit::draining;
    if (!well(beat) && !SIM_BROKEN(unwell_never_leads)) return Unfit::unwell;
    if (errant(record, server) && !SIM_BROKEN(errant_leads_by_adopt_only)) return Unfit::errant;
    if (!beat.received || !beat.applied) return Unfit::position_unknown;
    if (beat.lag && *beat.lag > rules.max_lag) return Unfit::behind;
    if (beat.wants != heartbeat::Wish::master) return Unfit::does_not_ask;
    return Unfit::no;
}

std::string spoken(Unfit unfit, const ArbiterRules& rules, const Record& record,
                   const Watched& server, Instant now) {
    switch (unfit) {
        case Unfit::no:
            return {};
        case Unfit::configured:
            return "may not lead (configured)";
        case Unfit::unheard:
            return "not heard yet";
        case Unfit::impossible:
            return "claims an impossible epoch";
        case Unfit::silent:
            return "silent for " + spoken(now - *server.heard);
        case Unfit::no_database:
            return "has no database";
        case Unfit::by_agent:
            return "may not lead (its agent says so)";
        case Unfit::cloned:
            return "two machines speak under its name";
        case Unfit::draining:
            return server.drained ? "drained" : "draining";
        case Unfit::unwell:
            return server.last->why.empty() ? "unwell" : server.last->why;
        case Unfit::errant:
            return why_errant(record, server);
        case Unfit::position_unknown:
            return "its position is not known" +
                   (server.last->why.empty() ? std::string() : ": " + server.last->why);
        case Unfit::behind:
            return "lag " + spoken(*server.last->lag) + ", max_lag is " + spoken(rules.max_lag);
        case Unfit::does_not_ask:
            return "does not ask";
    }
    return {};
}

std::string forbidden(const Watched& server) {
    if (!server.rules.may_lead) return "may not lead (configured); may_lead = true lets it";
    if (server.last && server.last->may_not_lead) return "may not lead (its agent says so)";
    if (!server.drains()) return {};
    return server.drained ? "is drained; undrain it first"
                          : "is drained by its own agent; undrain it there";
}

std::string names(const std::vector<ServerId>& ids) {
    std::string text;
    for (const ServerId& id : ids) text += (text.empty() ? "" : ", ") + std::string(id.text());
    return text;
}

}  // namespace dnsd
