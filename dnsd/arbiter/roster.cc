#include "dnsd/arbiter/roster.h"

#include "heartbeat/sim_points.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace dnsd {

namespace {

std::string complaint(const heartbeat::Heartbeat& beat) {
    if (!beat.why.empty()) return beat.why;
    if (!beat.health.web) return "the web server does not answer";
    if (!beat.health.page) return "the page is not the expected one";
    return "the database does not answer";
}

Note note(Kind kind, const ServerId& server, std::string why) {
    return Note{kind, server, Epoch{}, std::move(why)};
}

// What was not told of one that comes and goes, as the end of the next line about it.
std::string untold(const char* what, Seldom& told) {
    const unsigned times = told.take_untold();
    if (times == 0) return {};
    return std::string("; ") + what + " " + std::to_string(times) +
           (times == 1 ? " time" : " times") + " more since that was last told";
}

Watched watched(const ServerRules& rules) {
    Watched server{.rules = rules};
    std::sort(server.rules.addresses.begin(), server.rules.addresses.end());
    return server;
}

}  // namespace

bool well(const heartbeat::Heartbeat& beat) {
    return beat.health.web && beat.health.page && beat.health.database;
}

bool Watched::said_unwell() const {
    return last && !well(*last);
}

Roster::Roster(const ArbiterRules& rules, const std::vector<ServerId>& stable, Instant now)
    : heartbeat_(rules.heartbeat),
      down_after_(rules.down_after),
      up_after_(rules.up_after),
      pool_since_(now) {
    for (const ServerRules& server : rules.servers) {
        const bool stood = std::find(stable.begin(), stable.end(), server.id) != stable.end();
        if (stood && !SIM_BROKEN(stable_set_over_restart)) stable_.push_back(server.id);
        servers_.push_back(watched(server));
    }
    // A restarted arbiter waits R for those of the last stable set; on a new ledger the wait begins
    // with the first heartbeat, for until then nobody has been promised anything.
    if (!stable_.empty()) await_all(now);
    for (Watched& server : servers_) server.stands = server.published = belongs(server);
}

const Watched* Roster::find(const ServerId& id) const {
    const auto at = std::lower_bound(
        servers_.begin(), servers_.end(), id,
        [](const Watched& server, const ServerId& key) { return server.rules.id < key; });
    return at != servers_.end() && at->rules.id == id ? &*at : nullptr;
}

Watched& Roster::get(const ServerId& id) {
    const Watched* server = std::as_const(*this).find(id);
    assert(server);
    return servers_[static_cast<std::size_t>(server - servers_.data())];
}

bool Roster::is_stable(const ServerId& id) const {
    return std::binary_search(stable_.begin(), stable_.end(), id);
}

void Roster::await_all(Instant now) {
    for (Watched& server : servers_)
        if (!server.awaited_since) server.awaited_since = now;
}

// In one start a position only grows.
void Roster::note_received(Watched& server, const heartbeat::Heartbeat& beat) {
    if (!server.last || server.last->database_start != beat.database_start) server.had.reset();
    server.set_back = server.had && beat.received && !(*beat.received >= *server.had);
    if (beat.received) server.had = beat.received;
}

// One look that saw nothing makes nobody read-only. A database that has been down for R comes back
// so, and says it.
void Roster::note_writable(Watched& server, const heartbeat::Heartbeat& beat, Instant now) const {
    if (beat.health.database) {
        server.writable = !beat.read_only && beat.flavour != heartbeat::GtidFlavour::none;
        server.down_since.reset();
        return;
    }
    if (!server.down_since) server.down_since = now;
    if (now - *server.down_since >= down_after_) server.writable = false;
}

void Roster::heard(const ServerId& from, const heartbeat::Heartbeat& beat, Instant now,
                   std::vector<Note>& story) {
    Watched* server = &get(from);
    // What stood before anybody reported does not become stable by having stood.
    if (!anybody_heard_) pool_since_ = now;
    await_all(now);
    anybody_heard_ = true;
    if (!server->heard)
        story.push_back(note(Kind::server_up, from, "first report"));
    else if (server->silent && server->down_was_told)
        story.push_back(
            note(Kind::server_up, from, "after " + spoken(now - *server->heard) + " of silence"));
    const bool complained = server->said_unwell();
    note_received(*server, beat);
    note_writable(*server, beat, now);
    server->heard = now;
    server->last = beat;
    if (server->first_start == 0) server->first_start = beat.database_start;
    server->silent = false;
    if (well(beat)) {
        server->unwell_since.reset();
        if (server->good == 0) server->good_since = now;
        server->good = std::min(server->good + 1, up_after_);
        const bool steady = now - server->good_since >= steady_for(*server);
        const bool enough = server->good >= up_after_ || SIM_BROKEN(good_heartbeats_in_a_row);
        if (!server->stands && enough && !steady) SIM_SOMETIMES(a_flapping_one_had_to_be_steady);
        if (!server->stands && enough && steady) {
            SIM_SOMETIMES(a_server_was_back_in_www);
            server->stands = true;
            server->stands_since = now;
        }
    } else {
        if (!complained && server->unwell_told.tell(now))
            story.push_back(note(Kind::server_unwell, from,
                                 complaint(beat) + untold("unwell", server->unwell_told)));
        if (server->stands) SIM_SOMETIMES(an_unwell_server_left_www);
        if (!server->unwell_since) server->unwell_since = now;
        if (!SIM_BROKEN(unwell_leave_www)) falls(*server, now);
        server->vanished = false;
    }
    if (server->stands) server->vanished = false;
    publish(now, story);
}

void Roster::falls(Watched& server, Instant now) {
    if (server.stands) {
        const bool flapped =
            server.stands_since && now - *server.stands_since < flap_window * down_after_;
        server.flaps = flapped ? std::min(server.flaps + 1, flaps_max) : 0;
        if (flapped) SIM_SOMETIMES(a_server_flapped);
    }
    server.stands = false;
    server.stands_since.reset();
    server.good = 0;
}

Duration Roster::steady_for(const Watched& server) const {
    if (server.flaps == 0 || SIM_BROKEN(flapping_is_damped)) return Duration::zero();
    return heartbeat_ * up_after_ * (1U << server.flaps);
}

void Roster::tick(Instant now, std::vector<Note>& story) {
    for (Watched& server : servers_) {
        const std::optional<Instant> last = server.heard ? server.heard : server.awaited_since;
        if (server.silent || !last || now < *last + down_after_) continue;
        server.silent = true;
        server.unwell_since.reset();
        server.down_since.reset();
        server.silent_since = *last + down_after_;
        server.vanished = server.stands;
        if (server.stands) SIM_SOMETIMES(a_silent_server_left_www);
        if (!SIM_BROKEN(silent_leave_www)) falls(server, now);
        server.down_was_told = server.down_told.tell(now);
        if (!server.down_was_told) continue;
        story.push_back(note(Kind::server_down, server.rules.id,
                             (server.heard ? "silent for " : "not heard for ") +
                                 spoken(now - *last) + untold("silent", server.down_told)));
    }
    publish(now, story);
}

void Roster::change(const ArbiterRules& rules, Instant now, std::vector<Note>& story) {
    heartbeat_ = rules.heartbeat;
    down_after_ = rules.down_after;
    up_after_ = rules.up_after;
    std::vector<Watched> next;
    for (const ServerRules& server : rules.servers) {
        Watched one = watched(server);
        if (const Watched* old = find(server.id)) {
            const ServerRules said = std::move(one.rules);
            one = *old;
            one.rules = said;
            one.good = std::min(one.good, up_after_);
        } else if (anybody_heard_ || !stable_.empty()) {
            one.awaited_since = now;
        } else {
            one.stands = one.published = true;  // nobody has reported: the pool is everybody
        }
        next.push_back(std::move(one));
    }
    for (const Watched& old : servers_) {
        const bool stays = std::any_of(next.begin(), next.end(), [&](const Watched& server) {
            return server.rules.id == old.rules.id;
        });
        if (stays) continue;
        std::erase(stable_, old.rules.id);
        if (!old.published) continue;
        pool_since_ = now;
        story.push_back(note(Kind::left_pool, old.rules.id, "no longer configured"));
    }
    servers_ = std::move(next);
    if (!SIM_BROKEN(other_rules_are_published)) ++pool_version_;  // addresses and weights too
    publish(now, story);
}

void Roster::drain(const std::vector<ServerId>& servers, Instant now, std::vector<Note>& story) {
    for (Watched& server : servers_)
        server.drained =
            std::find(servers.begin(), servers.end(), server.rules.id) != servers.end();
    publish(now, story);
}

void Roster::mark_cloned(const std::vector<ServerId>& servers, Instant now) {
    for (Watched& server : servers_) {
        const bool before = server.cloned;
        server.cloned = std::find(servers.begin(), servers.end(), server.rules.id) != servers.end();
        if (before && !server.cloned) server.uncloned = now;
    }
}

// At least max(2, half) of the stable set fell silent within one R, and as many still are: the
// arbiter's own network is the likelier fault. Who is drained may be silent for its own reason.
bool Roster::mass_vanished() const {
    if (!mass_ && std::none_of(servers_.begin(), servers_.end(),
                               [](const Watched& server) { return server.vanished; }))
        return false;
    std::size_t members = 0;
    std::vector<Instant> times;
    for (const Watched& server : servers_) {
        const bool drains = server.drains() && !SIM_BROKEN(drained_open_nothing);
        if (!is_stable(server.rules.id) || drains) continue;
        ++members;
        if (server.vanished) times.push_back(server.silent_since);
    }
    const auto enough = [&](std::size_t count) {
        if (SIM_BROKEN(www_fails_open_only_when_due)) return count > 0;
        return count >= 2 && 2 * count >= members;
    };
    if (!enough(times.size()) || SIM_BROKEN(half_that_vanish_are_back)) return false;
    if (mass_ || SIM_BROKEN(vanished_within_one_r)) return true;
    // Also those before the latest: one of them may have been drained until now.
    return std::any_of(times.begin(), times.end(), [&](Instant last) {
        return enough(
            static_cast<std::size_t>(std::count_if(times.begin(), times.end(), [&](Instant time) {
                return time <= last && time + down_after_ >= last;
            })));
    });
}

std::string Roster::out_why(const Watched& server, Instant now) const {
    if (server.published) return {};
    if (server.said_unwell() && !server.silent) return complaint(*server.last);
    if (server.silent)
        return server.heard ? "silent for " + spoken(now - *server.heard) : "never heard";
    if (server.drains()) return server.drained ? "drained" : "draining";
    if (!server.heard) return "not heard yet";
    if (server.good < up_after_)
        return "not yet " + std::to_string(up_after_) + " good heartbeats in a row";
    return "was in and out " + std::to_string(server.flaps) + " times: in again after " +
           spoken(steady_for(server)) + " without a fault";
}

std::string Roster::joins_why(Watched& server) const {
    if (!server.stands) return "failing open";
    if (server.drains()) return "drained, but nobody else stands";
    return std::to_string(up_after_) + " good heartbeats in a row" +
           untold("unwell", server.unwell_told) + untold("silent", server.down_told);
}

void Roster::publish(Instant now, std::vector<Note>& story) {
    mass_ = mass_vanished();
    const bool none_stands = std::none_of(servers_.begin(), servers_.end(),
                                          [](const Watched& server) { return server.stands; });
    const bool open = (mass_ || none_stands) && !SIM_BROKEN(www_fails_open);
    // Those that said that they are unwell stay out, unless that would leave nobody.
    const bool all_unwell =
        std::none_of(servers_.begin(), servers_.end(), [&](const Watched& server) {
            return server.stands || (belongs(server) && !server.said_unwell());
        });
    const auto held_open = [&](const Watched& server) {
        const bool kept_out = server.said_unwell() && !SIM_BROKEN(unwell_stay_out);
        const bool back = belongs(server) || SIM_BROKEN(only_the_stable_set_is_back);
        if (open && back && kept_out && !all_unwell) SIM_SOMETIMES(an_unwell_one_stayed_out);
        return open && back && (all_unwell || !kept_out);
    };
    const auto wanted = [&](const Watched& server) { return server.stands || held_open(server); };
    // A drained server goes before all others, but not when nobody else is left (I9).
    const bool others_left =
        std::any_of(servers_.begin(), servers_.end(),
                    [&](const Watched& server) { return wanted(server) && !server.drains(); });
    bool changed = false;
    for (Watched& server : servers_) {
        const bool kept = !server.drains() || SIM_BROKEN(drained_leave_www) ||
                          (!others_left && !SIM_BROKEN(www_never_empty));
        const bool published = wanted(server) && kept;
        if (published == server.published) continue;
        if (!published && wanted(server)) SIM_SOMETIMES(a_drained_server_left_www);
        server.published = published;
        server.since = now;
        changed = true;
        story.push_back(note(published ? Kind::joined_pool : Kind::left_pool, server.rules.id,
                             published ? joins_why(server) : out_why(server, now)));
    }
    if (!others_left) SIM_SOMETIMES(only_drained_servers_left);
    if (open && none_stands) SIM_SOMETIMES(nobody_stood_in_www);
    if (all_unwell) SIM_SOMETIMES(all_servers_unwell);
    if (changed || open != fail_open_) {
        pool_since_ = now;
        ++pool_version_;
    }
    if (open != fail_open_) {
        if (!open) SIM_SOMETIMES(www_failed_open_no_more);
        const auto silent = std::count_if(servers_.begin(), servers_.end(),
                                          [](const Watched& server) { return server.silent; });
        story.push_back(Note{open ? Kind::fail_open : Kind::fail_open_ended, std::nullopt, Epoch{},
                             open && all_unwell
                                 ? "all servers are unwell"
                                 : std::to_string(silent) + " of " +
                                       std::to_string(servers_.size()) + " servers are silent"});
        if (mass_) SIM_SOMETIMES(half_of_www_vanished_at_once);
    }
    fail_open_ = open;
}

std::vector<Member> Roster::pool() const {
    std::vector<Member> members;
    for (const Watched& server : servers_) {
        if (!server.published) continue;
        members.push_back({server.rules.id, server.rules.addresses, server.rules.weight});
        if (SIM_BROKEN(members_as_configured)) members.back().weight = 1;
    }
    return members;
}

std::vector<Member> Roster::everybody() const {
    std::vector<Member> members;
    for (const Watched& server : servers_)
        members.push_back({server.rules.id, server.rules.addresses, server.rules.weight});
    return members;
}

std::vector<ServerId> Roster::published() const {
    std::vector<ServerId> ids;
    for (const Watched& server : servers_)
        if (server.published) ids.push_back(server.rules.id);
    return ids;
}

// published() == stable_, for the least that it can cost: it is asked after every event.
bool Roster::is_settled() const {
    auto stable = stable_.begin();
    for (const Watched& server : servers_) {
        if (!server.published) continue;
        if (stable == stable_.end() || *stable != server.rules.id) return false;
        ++stable;
    }
    return stable == stable_.end();
}

std::optional<std::vector<ServerId>> Roster::unsettled(Instant now) const {
    if (now < settles_at()) return std::nullopt;
    return published();
}

void Roster::settle() {
    stable_ = published();
}

Instant Roster::silence_at() const {
    Instant at = Instant::max();
    for (const Watched& server : servers_) {
        const std::optional<Instant> last = server.heard ? server.heard : server.awaited_since;
        if (!server.silent && last) at = std::min(at, *last + down_after_);
    }
    return at;
}

Instant Roster::settles_at() const {
    if (fail_open_ || !anybody_heard_ || is_settled()) return Instant::max();
    return pool_since_ + (SIM_BROKEN(stable_set_stood_two_r) ? 0 : 2) * down_after_;
}

}  // namespace dnsd
