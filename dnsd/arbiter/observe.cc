// Mode observe: the arbiter decides and shows what it would have done, and moves nothing. It ends
// with the command "mode act"; there is no way back once a lease was given.

#include "dnsd/arbiter/arbiter.h"
#include "heartbeat/sim_points.h"

#include <algorithm>

namespace dnsd {

bool Arbiter::observing() const {
    if (record_.mode.value_or(rules_.mode) != Mode::observe) return false;
    const bool has_given = record_.epoch > Epoch{} || record_.holder;
    return !has_given && !SIM_BROKEN(observe_moves_nothing);
}

void Arbiter::observe(const HeartbeatHeard& heard, Turn& turn) {
    SIM_SOMETIMES(arbiter_observed);
    if (knows_later_state(heard) || known_to(heard.beat) > record_.epoch) rise_later(heard);
    // The one that is found writable is master: as long as it is the only one.
    const std::vector<ServerId> writable = found_writable();
    if (writable.size() == 1 && ledger_works(turn.now) && record_.master_published != writable[0]) {
        record_.master_published = writable[0];
        record_.master_addresses = roster_.find(writable[0])->rules.addresses;
    }
    heartbeat::Deny deny;
    deny.request = heard.beat.request;
    deny.epoch = record_.epoch;
    deny.reason = heartbeat::DenyReason::observing;
    turn.reply = SendReply{heard.from, std::move(deny)};
    show_would(turn);
}

// What an election would say now, were there no master: a clause.
std::string Arbiter::would_elect(Instant now) const {
    std::vector<Candidate> able;
    for (const Watched& server : roster_.servers()) {
        if (unfit(server, now) != Unfit::no || server.rules.id == record_.master_published)
            continue;
        able.push_back({server.rules.id, *server.last->received, *server.last->applied,
                        server.rules.priority, server.last->priority, 0});
    }
    const Outcome outcome = elect(Choose::most_advanced, able);
    if (const auto* winner = std::get_if<Winner>(&outcome))
        return std::string(winner->id.text()) + " would be granted: " + winner->why;
    if (const auto* clash = std::get_if<Incomparable>(&outcome))
        return "nobody would be granted: " + std::string(clash->one.text()) + " and " +
               std::string(clash->other.text()) + " each have transactions that the other lacks";
    return "nobody would be granted: no server may lead";
}

std::string Arbiter::would_now(Instant now) const {
    const std::vector<ServerId> writable = found_writable();
    if (writable.size() > 1)
        return "nobody would be granted: found writable: " + names(writable) +
               "; one of them must be made read-only";
    if (!record_.master_published) {
        if (!unreported().empty())
            return "an election would wait for the first report of " + names(unreported());
        return would_elect(now);
    }
    const Watched* master = roster_.find(*record_.master_published);
    const std::string its(record_.master_published->text());
    if (!master || !master->heard) return "the first report of " + its + " would be waited for";
    if (now >= *master->heard + rules_.expiry(rules_.lease))
        return its + " is silent: " + would_elect(now);
    if (!master->last->health.database) return its + "'s database is down: " + would_elect(now);
    if (master->last->read_only) return its + " is read-only: " + would_elect(now);
    return {};
}

void Arbiter::show_would(Turn& turn) {
    std::string would = would_now(turn.now);
    if (would == would_) return;
    would_ = std::move(would);
    if (!would_.empty() && lately_.anew(Kind::would, would_, turn.now))
        turn.story.push_back({Kind::would, record_.master_published, record_.epoch, would_});
}

// `www` is every server while the arbiter only observes: what the roster decides is shown.
Note Arbiter::as_would(Note note) {
    switch (note.kind) {
        case Kind::joined_pool:
        case Kind::left_pool:
        case Kind::fail_open:
        case Kind::fail_open_ended:
            note.why = sentence(note);
            note.kind = Kind::would;
            break;
        default:
            break;
    }
    return note;
}

}  // namespace dnsd
