#pragma once
// May this server lead now, and if not, why: one reason, the first that holds. A value without
// text, as it is asked for with every heartbeat; the words are made when somebody reads them.

#include "dnsd/arbiter/roster.h"

namespace dnsd {

enum class Unfit : std::uint8_t {
    no,  // it may lead
    configured,
    unheard,
    impossible,  // claims an epoch that nobody can have reached
    silent,
    no_database,
    by_agent,
    cloned,  // two machines speak under its name
    draining,
    unwell,
    errant,
    position_unknown,
    behind,  // more than max_lag
    does_not_ask,
};

// Epochs are counted one by one: a server that claims to know a higher one than this is broken.
constexpr Epoch epoch_max{std::uint64_t{1} << 62};
// ... and one that claims so many more than the ledger knows: a grant a second for a century. Else
// one broken server would push all others to the end of the numbers.
constexpr std::uint64_t epoch_jump_max = std::uint64_t{1} << 32;

// The highest epoch that a server says was granted; a promise is for one that was not yet.
Epoch known_to(const heartbeat::Heartbeat& beat);
bool impossible(Epoch claimed, Epoch known);

// It spoke so lately that it can answer a prepare.
bool fresh(const ArbiterRules& rules, const Watched& server, Instant now);
// Its database answers, and holds a history that can be compared.
bool has_data(const heartbeat::Heartbeat& beat);
// Its database was writable when it last spoke.
bool said_writable(const Watched& server);
// Nothing says that it has no database: it may hold what was acknowledged.
bool may_have_data(const Watched& server);
// Its database has what the other position says.
bool reaches(const std::optional<heartbeat::GtidPosition>& has, const heartbeat::GtidPosition& all);

Unfit fitness(const ArbiterRules& rules, const Record& record, const Watched& server, Instant now);
// The reason as a clause; empty when it may.
std::string spoken(Unfit unfit, const ArbiterRules& rules, const Record& record,
                   const Watched& server, Instant now);

// What only people change, so that nothing is to be waited for: it may not lead, or is drained.
// Empty when they let it lead.
std::string forbidden(const Watched& server);

// "wiki1, wiki2".
std::string names(const std::vector<ServerId>& ids);

}  // namespace dnsd
