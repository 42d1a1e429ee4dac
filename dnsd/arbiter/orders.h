#pragma once
// What operators have ordered and what is in force until it ends: a pause, and drains. Each has its
// end over restarts too (term.h); what the ledger must have of it is written into the Record.

#include "dnsd/arbiter/status.h"
#include "dnsd/arbiter/term.h"

namespace dnsd {

class Orders {
public:
    Orders(const Record& record, const Wall& wall);

    // No automatic grant and no automatic switchover; renewals go on.
    bool paused(Instant now) const;
    std::optional<InForce> pause_left(Instant now) const;
    // "paused for another 12 s"; empty when it is not.
    std::string pause_why(Instant now) const;
    // Out of www, and never elected.
    bool drained(const ServerId& server, Instant now) const;
    std::optional<InForce> drain_left(const ServerId& server, Instant now) const;
    std::vector<ServerId> drained(Instant now) const;

    void pause(std::optional<Duration> length, Instant now, std::int64_t unix_seconds,
               Record& record);
    void resume(Record& record);
    void drain(const ServerId& server, std::optional<Duration> length, Instant now,
               std::int64_t unix_seconds, Record& record);
    void undrain(const ServerId& server, Record& record);
    // What has ended by now leaves the record, and is told.
    void end(Instant now, Record& record, std::vector<Note>& story);
    // Servers that the configuration dropped are drained no more.
    void keep_only(const std::vector<ServerRules>& servers, Record& record);

    // When the next thing ends; Instant::max(): nothing does by itself.
    Instant ends() const;

private:
    struct Drain {
        ServerId id;
        Term term;
    };
    const Drain* find(const ServerId& server) const;

    std::optional<Term> pause_;
    std::vector<Drain> drains_;  // sorted by id; at most one a server
};

}  // namespace dnsd
