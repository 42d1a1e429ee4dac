#pragma once
// What operators ask for (facts.h, Command) and what of it is under way. The arbiter carries the
// commands out (operator.cc); each is answered once, done or refused.

#include "dnsd/arbiter/facts.h"

namespace dnsd {

// An election by an operator's word, until the one who was granted is writable.
struct Word {
    std::uint64_t token = 0;
    std::string by;
    std::string reason;
    std::optional<ServerId> only;  // nobody else is granted by it
    bool adopt = false;            // what an election waits for is not waited for
    bool allow_loss = false;       // though others have received more
    Instant ends{};                // refused then
    bool granted = false;
    bool lifted = false;  // it ended what the damping blocked
};

Answer refusal(std::uint64_t token, std::string text, bool changed = false);
Answer done(std::uint64_t token, std::string text, bool changed = true);
Answer going_on(std::uint64_t token, std::string text, std::vector<std::string> steps);

// "asked by anna: kernel update"
std::string asked_by(const OperatorAsked& asked);
// Why nobody could want this length; empty when it can be.
std::string bad_length(std::optional<Duration> length);

}  // namespace dnsd
