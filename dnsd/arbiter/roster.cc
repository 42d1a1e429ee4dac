#include "dnsd/arbiter/roster.h"

#include <algorithm>
#include <cassert>

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

}  // namespace

bool well(const heartbeat::Heartbeat& beat) {
    return beat.health.web && beat.health.page && beat.health.database;
}

bool Watched::said_unwell() const {
    return last && !well(*last);
}

Roster::Roster(const ArbiterRules& rules, const std::vector<ServerId>& stable, Instant now)
    : down_after_(rules.down_after), up_after_(rules.up_after), pool_since_(now) {
    for (const ServerRules& server : rules.servers) {
        Watched watched{.rules = server};
        std::sort(watched.rules.addresses.begin(), watched.rules.addresses.end());
        if (std::find(stable.begin(), stable.end(), server.id) != stable.end())
            stable_.push_back(server.id);
        servers_.push_back(std::move(watched));
    }
    // A restarted arbiter waits R for those of the last stable set; on a new ledger the wait begins
    // with the first heartbeat, for until then nobody has been promised anything.
    if (!stable_.empty()) listens_since_ = now;
    for (Watched& server : servers_)
        server.stands = server.published = stable_.empty() || is_stable(server.rules.id);
}

const Watched* Roster::find(const ServerId& id) const {
    const auto at = std::lower_bound(
        servers_.begin(), servers_.end(), id,
        [](const Watched& server, const ServerId& key) { return server.rules.id < key; });
    return at != servers_.end() && at->rules.id == id ? &*at : nullptr;
}

bool Roster::is_stable(const ServerId& id) const {
    return std::binary_search(stable_.begin(), stable_.end(), id);
}

void Roster::heard(const ServerId& from, const heartbeat::Heartbeat& beat, Instant now,
                   std::vector<Note>& story) {
    Watched* server = const_cast<Watched*>(std::as_const(*this).find(from));
    assert(server);
    // What stood before anybody reported does not become stable by having stood.
    if (!anybody_heard_) pool_since_ = now;
    if (!listens_since_) listens_since_ = now;
    anybody_heard_ = true;
    if (!server->heard)
        story.push_back(note(Kind::server_up, from, "first report"));
    else if (server->silent)
        story.push_back(
            note(Kind::server_up, from, "after " + spoken(now - *server->heard) + " of silence"));
    const bool complained = server->said_unwell();
    server->heard = now;
    server->last = beat;
    server->silent = false;
    if (well(beat)) {
        server->good = std::min(server->good + 1, up_after_);
        if (server->good >= up_after_) server->stands = true;
    } else {
        if (!complained) story.push_back(note(Kind::server_unwell, from, complaint(beat)));
        server->good = 0;
        server->stands = false;
        server->vanished = false;
    }
    if (server->stands) server->vanished = false;
    publish(now, story);
}

void Roster::tick(Instant now, std::vector<Note>& story) {
    for (Watched& server : servers_) {
        const std::optional<Instant> last = server.heard ? server.heard : listens_since_;
        if (server.silent || !last || now < *last + down_after_) continue;
        server.silent = true;
        server.silent_since = *last + down_after_;
        server.vanished = server.stands;
        server.stands = false;
        server.good = 0;
        story.push_back(
            note(Kind::server_down, server.rules.id,
                 (server.heard ? "silent for " : "not heard for ") + spoken(now - *last)));
    }
    publish(now, story);
}

// At least max(2, half) of the stable set fell silent within one R, and as many still are: the
// arbiter's own network is the likelier fault.
bool Roster::mass_vanished() const {
    const auto enough = [this](std::size_t count) {
        return count >= 2 && 2 * count >= stable_.size();
    };
    std::vector<Instant> times;
    for (const Watched& server : servers_)
        if (server.vanished && is_stable(server.rules.id)) times.push_back(server.silent_since);
    if (!enough(times.size())) return false;
    if (mass_) return true;
    const Instant latest = *std::max_element(times.begin(), times.end());
    return enough(static_cast<std::size_t>(std::count_if(
        times.begin(), times.end(), [&](Instant time) { return time + down_after_ >= latest; })));
}

void Roster::publish(Instant now, std::vector<Note>& story) {
    mass_ = mass_vanished();
    const bool none_stands = std::none_of(servers_.begin(), servers_.end(),
                                          [](const Watched& server) { return server.stands; });
    const bool open = mass_ || none_stands;
    // Those that said that they are unwell stay out, unless that would leave nobody.
    const auto belongs = [this](const Watched& server) {
        return stable_.empty() || is_stable(server.rules.id);
    };
    const bool all_unwell =
        std::none_of(servers_.begin(), servers_.end(), [&](const Watched& server) {
            return server.stands || (belongs(server) && !server.said_unwell());
        });
    bool changed = false;
    for (Watched& server : servers_) {
        const bool held_open = open && belongs(server) && (all_unwell || !server.said_unwell());
        const bool published = server.stands || held_open;
        if (published == server.published) continue;
        server.published = published;
        server.since = now;
        changed = true;
        std::string why;
        if (held_open && !server.stands)
            why = "failing open";
        else if (published)
            why = std::to_string(up_after_) + " good heartbeats in a row";
        else if (server.silent)
            why = server.heard ? "silent for " + spoken(now - *server.heard) : "never heard";
        else if (server.said_unwell())
            why = complaint(*server.last);
        else
            why = "not yet " + std::to_string(up_after_) + " good heartbeats in a row";
        story.push_back(
            note(published ? Kind::joined_pool : Kind::left_pool, server.rules.id, std::move(why)));
    }
    if (changed) pool_since_ = now;
    if (open != fail_open_) {
        pool_since_ = now;
        const auto silent = std::count_if(servers_.begin(), servers_.end(),
                                          [](const Watched& server) { return server.silent; });
        story.push_back(Note{open ? Kind::fail_open : Kind::fail_open_ended, std::nullopt, Epoch{},
                             open && all_unwell
                                 ? "all servers are unwell"
                                 : std::to_string(silent) + " of " +
                                       std::to_string(servers_.size()) + " servers are silent"});
    }
    fail_open_ = open;
}

std::vector<Member> Roster::pool() const {
    std::vector<Member> members;
    for (const Watched& server : servers_)
        if (server.published)
            members.push_back({server.rules.id, server.rules.addresses, server.rules.weight});
    return members;
}

std::vector<ServerId> Roster::published() const {
    std::vector<ServerId> ids;
    for (const Watched& server : servers_)
        if (server.published) ids.push_back(server.rules.id);
    return ids;
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
        const std::optional<Instant> last = server.heard ? server.heard : listens_since_;
        if (!server.silent && last) at = std::min(at, *last + down_after_);
    }
    return at;
}

Instant Roster::settles_at() const {
    if (fail_open_ || !anybody_heard_ || published() == stable_) return Instant::max();
    return pool_since_ + 2 * down_after_;
}

}  // namespace dnsd
