#pragma once
// Who is configured, when each was last heard, and who stands in the pool: with hysteresis on the
// way in, at once on the way out, and never empty (docs/PROTOCOL.md, I9 and "`www` fails open").
// Silence is judged only by tick(), so that heartbeats which waited in a socket are heard first.

#include "dnsd/arbiter/facts.h"
#include "dnsd/arbiter/lately.h"

namespace dnsd {

// What the arbiter knows of one server.
struct Watched {
    ServerRules rules;
    std::optional<Instant> heard{};              // last
    std::optional<heartbeat::Heartbeat> last{};  // what it said then
    std::uint64_t first_start = 0;               // of its database, as this run heard it first
    // What it said that it has received, in this start of its database.
    std::optional<heartbeat::GtidPosition> had{};
    bool set_back = false;   // … and by its last word has not
    bool silent = false;     // for R, judged by tick()
    Instant silent_since{};  // since when it counts as that
    bool vanished = false;   // fell silent, and neither stood again nor said that it is unwell
    bool stands = false;     // by its own reports
    bool published = false;  // in the pool: `stands`, or the pool fails open
    unsigned good = 0;       // good heartbeats in a row, no more than are needed
    Instant good_since{};    // the first of them
    std::optional<Instant> stands_since{};   // nullopt: by the record, or not at all
    unsigned flaps = 0;                      // so often in a row it stood for a short time only
    bool drained = false;                    // by an operator's word
    bool cloned = false;                     // two machines speak under its name
    std::optional<Instant> uncloned{};       // … and since when no more
    bool writable = false;                   // its database, when it last answered
    std::optional<Instant> down_since{};     // that does not answer, it says so without a break
    std::optional<Instant> unwell_since{};   // it says so, without a break
    std::optional<Instant> awaited_since{};  // silence of one never heard counts from here
    std::optional<Instant> since{};  // since when `published` is as it is; nullopt: since the start
    Seldom unwell_told{}, down_told{};
    bool down_was_told = true;  // its silence, of which the end is told then, too

    bool alive() const { return heard && !silent; }
    // Its database did, in this run of the arbiter.
    bool restarted() const {
        return last && last->database_start != 0 && last->database_start != first_start;
    }
    bool said_unwell() const;
    // By an operator's word, here or at its agent.
    bool drains() const { return drained || (last && last->drain); }
};

// Is it fit to answer web clients?
bool well(const heartbeat::Heartbeat&);

class Roster {
public:
    // One that stands for less than flap_window * R and falls has flapped: before it stands again
    // it must be good for up_after heartbeats' time, doubled with each flap, at most flaps_max
    // times. So a server that comes and goes makes fewer and fewer editions.
    static constexpr int flap_window = 10;
    static constexpr unsigned flaps_max = 4;

    // `stable` is the last set that stood for 2R, empty on a new ledger: then the pool is every
    // configured server until one reports.
    Roster(const ArbiterRules& rules, const std::vector<ServerId>& stable, Instant now);

    const Watched* find(const ServerId& id) const;
    const std::vector<Watched>& servers() const { return servers_; }

    // `from` must be configured.
    void heard(const ServerId& from, const heartbeat::Heartbeat& beat, Instant now,
               std::vector<Note>& story);
    void tick(Instant now, std::vector<Note>& story);
    // The configuration was read anew: what is known of those that stay is kept, a new one must
    // first be heard.
    void change(const ArbiterRules& rules, Instant now, std::vector<Note>& story);
    // All that are drained now; they leave the pool unless that would empty it.
    void drain(const std::vector<ServerId>& servers, Instant now, std::vector<Note>& story);

    std::vector<Member> pool() const;
    std::vector<Member> everybody() const;
    // Two machines speak under each of these names.
    void mark_cloned(const std::vector<ServerId>& servers, Instant now);
    // Why one is not in the pool; empty when it is.
    std::string out_why(const Watched& server, Instant now) const;
    bool fail_open() const { return fail_open_; }
    // Rises whenever pool() or fail_open() may have changed.
    std::uint64_t pool_version() const { return pool_version_; }

    // The pool has stood unchanged for 2R and is not what is known as stable: once the ledger has
    // room for it, settle() makes it so.
    std::optional<std::vector<ServerId>> unsettled(Instant now) const;
    void settle();

    // When silence has to be judged next.
    Instant silence_at() const;
    // When unsettled() may have something next.
    Instant settles_at() const;

private:
    Watched& get(const ServerId& id);
    static void note_received(Watched& server, const heartbeat::Heartbeat& beat);
    void note_writable(Watched& server, const heartbeat::Heartbeat& beat, Instant now) const;
    void await_all(Instant now);
    void falls(Watched& server, Instant now);
    // How long it must be good, beside so many heartbeats.
    Duration steady_for(const Watched& server) const;
    void publish(Instant now, std::vector<Note>& story);
    bool mass_vanished() const;
    std::vector<ServerId> published() const;
    bool is_settled() const;
    bool is_stable(const ServerId& id) const;
    // In the pool when it fails open.
    bool belongs(const Watched& server) const {
        return stable_.empty() || is_stable(server.rules.id);
    }
    std::string joins_why(Watched& server) const;

    Duration heartbeat_;
    Duration down_after_;
    unsigned up_after_;
    std::vector<Watched> servers_;  // sorted by id
    std::vector<ServerId> stable_;  // sorted; configured servers only
    Instant pool_since_;
    std::uint64_t pool_version_ = 0;
    bool anybody_heard_ = false;
    bool fail_open_ = false;
    bool mass_ = false;  // fail_open_ because so many vanished at a time
};

}  // namespace dnsd
