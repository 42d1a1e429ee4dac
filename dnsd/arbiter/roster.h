#pragma once
// Who is configured, when each was last heard, and who stands in the pool: with hysteresis on the
// way in, at once on the way out, and never empty (docs/PROTOCOL.md, I9 and "`www` fails open").
// Silence is judged only by tick(), so that heartbeats which waited in a socket are heard first.

#include "dnsd/arbiter/facts.h"

namespace dnsd {

// What the arbiter knows of one server.
struct Watched {
    ServerRules rules;
    std::optional<Instant> heard{};              // last
    std::optional<heartbeat::Heartbeat> last{};  // what it said then
    bool silent = false;                         // for R, judged by tick()
    Instant silent_since{};                      // since when it counts as that
    bool vanished = false;   // fell silent, and neither stood again nor said that it is unwell
    bool stands = false;     // by its own reports
    bool published = false;  // in the pool: `stands`, or the pool fails open
    unsigned good = 0;       // good heartbeats in a row
    std::optional<Instant> since{};  // since when `published` is as it is; nullopt: since the start

    bool alive() const { return heard && !silent; }
    bool said_unwell() const;
};

// Is it fit to answer web clients?
bool well(const heartbeat::Heartbeat&);

class Roster {
public:
    // `stable` is the last set that stood for 2R, empty on a new ledger: then the pool is every
    // configured server until one reports.
    Roster(const ArbiterRules& rules, const std::vector<ServerId>& stable, Instant now);

    const Watched* find(const ServerId& id) const;
    const std::vector<Watched>& servers() const { return servers_; }

    // `from` must be configured.
    void heard(const ServerId& from, const heartbeat::Heartbeat& beat, Instant now,
               std::vector<Note>& story);
    void tick(Instant now, std::vector<Note>& story);

    std::vector<Member> pool() const;
    bool fail_open() const { return fail_open_; }

    // The pool has stood unchanged for 2R and is not what is known as stable: once the ledger has
    // room for it, settle() makes it so.
    std::optional<std::vector<ServerId>> unsettled(Instant now) const;
    void settle();

    // When silence has to be judged next.
    Instant silence_at() const;
    // When unsettled() may have something next.
    Instant settles_at() const;

private:
    void publish(Instant now, std::vector<Note>& story);
    bool mass_vanished() const;
    std::vector<ServerId> published() const;
    bool is_stable(const ServerId& id) const;

    Duration down_after_;
    unsigned up_after_;
    std::vector<Watched> servers_;          // sorted by id
    std::vector<ServerId> stable_;          // sorted; configured servers only
    std::optional<Instant> listens_since_;  // silence of a server never heard counts from here
    Instant pool_since_;
    bool anybody_heard_ = false;
    bool fail_open_ = false;
    bool mass_ = false;  // fail_open_ because so many vanished at a time
};

}  // namespace dnsd
