// Databases that write, replicate, wait for acknowledgements, die and come back; and the clients.

#include "heartbeat/sim_points.h"
#include "tests/sim/world.h"

#include <algorithm>
#include <utility>

namespace sim {

using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

// What a client puts up with before it tries elsewhere.
constexpr Duration client_patience = seconds(5);
constexpr Duration reconnects_after = seconds(1);  // MASTER_CONNECT_RETRY

}  // namespace

// ---- Lives
// ------------------------------------------------------------------------------------------

void World::kill_database(std::size_t site, const char* why, Duration off) {
    Database& database = sites_[site].database;
    if (!database.up) return;
    if (telling()) tell(name(site) + "'s database dies: " + why);
    lose_replicas(site);
    for (const Database::Waiter& waiter : database.waiters) clients_[waiter.client].waits = false;
    database.crash(timeline_, now_, chance_.of(Purpose::database, site).between(0, million));
    sites_[site].unguarded = sites_[site].seen_at_rest = false;
    after(off, Event::Kind::database_starts, site, database.start);
}

// By an orderly shutdown: with waiters it takes as long as they wait, so it is for those without.
void World::shut_down_database(std::size_t site, Duration off) {
    Database& database = sites_[site].database;
    if (!database.answers(now_) || !database.waiters.empty()) return;
    if (telling()) tell(name(site) + "'s database is shut down");
    lose_replicas(site);
    database.shut_down();
    database.forget_relay_log();
    sites_[site].unguarded = sites_[site].seen_at_rest = false;
    after(off, Event::Kind::database_starts, site, database.start);
}

void World::database_starts(std::size_t site) {
    sites_[site].database.starts();
    if (telling()) tell(name(site) + "'s database starts");
}

void World::lose_replicas(std::size_t upstream) {
    for (std::size_t i = 0; i < sites_.size(); ++i) {
        Database& replica = sites_[i].database;
        if (replica.upstream != upstream || !replica.connected) continue;
        replica.disconnect();
        after(reconnects_after, Event::Kind::connects, i, replica.start);
    }
}

// read_only, and all clients killed: what waited is committed here, and nobody was told.
void World::fence_database(std::size_t site) {
    Database& database = sites_[site].database;
    if (database.writable() && telling()) tell(name(site) + " is read-only");
    database.read_only = true;
    sites_[site].unguarded = false;
    for (const Database::Waiter& waiter : database.waiters) clients_[waiter.client].waits = false;
    database.waiters.clear();
    if (database.committed != database.logged) database.commits(database.logged, now_);
}

// ---- Clients
// ------------------------------------------------------------------------------------------

// Each writes wherever the secondary that it asks has the master, also when that is long past.
void World::clients_write(std::size_t client) {
    if (clients_rest_) return;
    Stream& stream = chance_.of(Purpose::clients, client);
    after(stream.between(script_.climate.write_every / 2, script_.climate.write_every * 3 / 2),
          Event::Kind::writes, client);
    Client& self = clients_[client];
    if (self.waits && now_ < self.gives_up) return;
    self.waits = false;
    const auto& copy = secondaries_.copies()[client % Secondaries::count];
    std::size_t at = sites_.size();
    if (copy.standing && copy.standing->master) at = place_of(copy.standing->master->id);
    // The last one is told of the database by people, and finds the one that takes its writes.
    if (client + 1 == clients_.size() && stream.chance(300'000)) at = stream.below(sites_.size());
    if (at < sites_.size()) write(at, client);
}

void World::write(std::size_t site, std::size_t client) {
    Database& database = sites_[site].database;
    if (!database.writable()) return;
    Client& self = clients_[client];
    self.waits = true;
    self.at = site;
    self.gives_up = now_ + client_patience.count();
    if (database.answers(now_)) return perform(site, client);
    // The kernel takes it for one that is stopped, and the client waits.
    if (database.statements.empty())
        events_.add(database.stopped_until, Event::Kind::statements, site, database.start, 0,
                    Events::Turn::statements);
    if (database.statements.size() < Database::statements_max)
        database.statements.push_back(client);
}

// All that lay in its sockets, at once: nobody of ours has looked at it since it goes on.
void World::perform_statements(std::size_t site) {
    Database& database = sites_[site].database;
    if (now_ < database.stopped_until)
        return events_.add(database.stopped_until, Event::Kind::statements, site, database.start, 0,
                           Events::Turn::statements);
    const std::vector<std::size_t> statements = std::exchange(database.statements, {});
    if (statements.empty() || !database.writable()) return;
    if (telling())
        tell(name(site) + "'s database goes on, and performs " + std::to_string(statements.size()) +
             " statements that lay in its sockets");
    if (now_ > sites_[site].guard.deadline) SIM_SOMETIMES(wrote_after_its_lease);
    for (const std::size_t client : statements) perform(site, client);
}

void World::perform(std::size_t site, std::size_t client) {
    Database& database = sites_[site].database;
    // What is in the relay log stays there.
    const bool applied = database.received == database.logged;
    const Point before = database.logged;
    database.logged = timeline_.written(before, static_cast<std::uint32_t>(site + 1),
                                        database.write_epoch, 1, database.raised);
    checker_.writes(*this, site, before, database.logged);
    database.raised = false;
    if (applied) database.received = database.logged;
    if (database.waiters.size() < Database::waiters_max)
        database.waiters.push_back({database.logged, client});
    feed(site);
    if (!database.waits) release(site, database.logged, false);
}

// They are told that all up to there is committed. `kept`: a replica acknowledged it.
void World::release(std::size_t site, Point up_to, bool kept) {
    Database& database = sites_[site].database;
    if (database.committed == up_to || !timeline_.begins(database.committed, up_to)) return;
    database.commits(up_to, now_);
    while (!database.waiters.empty() && timeline_.begins(database.waiters.front().commit, up_to)) {
        const Database::Waiter waiter = database.waiters.front();
        database.waiters.erase(database.waiters.begin());
        ++commits_;
        clients_[waiter.client].waits = false;
        checker_.tells_client(*this, site, waiter.commit, kept);
    }
}

// ---- Replication
// --------------------------------------------------------------------------------------

bool World::reaches(std::size_t replica, std::size_t upstream) const {
    return sites_[upstream].database.up && network_.open_both_ways(replica, upstream);
}

// Somebody has news: they are on their way to all that it feeds.
void World::feed(std::size_t upstream) {
    for (std::size_t i = 0; i < sites_.size(); ++i) {
        Database& replica = sites_[i].database;
        if (replica.upstream != upstream || !replica.connected || replica.receiving) continue;
        replica.receiving = true;
        after(chance_.of(Purpose::database, i).between(Duration(millisecond / 5), milliseconds(8)),
              Event::Kind::receives, i, replica.connection);
    }
}

void World::connect(std::size_t replica) {
    Database& self = sites_[replica].database;
    if (!self.up || !self.io_running || self.connected || !self.upstream) return;
    const std::size_t upstream = *self.upstream;
    const Database& from = sites_[upstream].database;
    if (from.is_barred(replica)) SIM_SOMETIMES(a_barred_one_was_kept_out);
    if (!reaches(replica, upstream) || !self.answers(now_) || !from.answers(now_) ||
        from.is_barred(replica))
        return after(reconnects_after, Event::Kind::connects, replica, self.start);
    const auto there = timeline_.find(self.received, from.logged);
    if (!there) {  // 1236: it has what the master has not
        if (telling()) tell(name(replica) + " has what " + name(upstream) + " has not");
        self.io_running = false;
        self.refused = true;
        checker_.refuses(*this, replica, upstream);
        return;
    }
    // The same GTID, and another transaction: neither notices.
    if (*there != self.received) checker_.diverges(*this, replica);
    if (!self.acknowledges &&
        timeline_.wrote(static_cast<std::uint32_t>(replica + 1), self.received, from.logged))
        checker_.passes_over(*this, replica);
    self.connected = true;
    ++self.connection;
    self.receiving = true;
    after(
        chance_.of(Purpose::database, replica).between(Duration(millisecond / 5), milliseconds(8)),
        Event::Kind::receives, replica, self.connection);
}

void World::receive(std::size_t replica, std::uint64_t connection) {
    Database& self = sites_[replica].database;
    if (!self.connected || self.connection != connection) return;
    const std::size_t upstream = *self.upstream;
    Database& from = sites_[upstream].database;
    // What is on its way waits for either end to go on.
    const True stopped = std::max(self.stopped_until, from.stopped_until);
    if (now_ < stopped) return events_.add(stopped, Event::Kind::receives, replica, connection);
    self.receiving = false;
    if (!reaches(replica, upstream)) {
        self.disconnect();
        return after(reconnects_after, Event::Kind::connects, replica, self.start);
    }
    checker_.receives(*this, replica, upstream);
    if (!timeline_.begins(self.received, from.logged)) {  // 1950: somebody wrote to it
        self.sql_running = false;
        self.wrote = true;
        return;
    }
    if (self.received != from.logged) {
        self.received = from.logged;
        start_applying(replica);
        feed(replica);
    }
    if (!self.acknowledges) return;
    after(
        chance_.of(Purpose::database, replica).between(Duration(millisecond / 5), milliseconds(4)),
        Event::Kind::acknowledges, replica, connection << 32 | self.received.branch,
        self.received.length);
}

void World::acknowledge(const Event& event) {
    const Database& replica = sites_[event.who].database;
    if (!replica.connected || replica.connection != event.a >> 32) return;
    const std::size_t upstream = *replica.upstream;
    Database& from = sites_[upstream].database;
    // It lies in the socket of one that is stopped, and counts when that goes on.
    if (now_ < from.stopped_until)
        return events_.add(from.stopped_until, event.kind, event.who, event.a, event.b);
    // TCP sends it again.
    if (!network_.open_both_ways(event.who, upstream))
        return events_.add(now_ + second / 5, event.kind, event.who, event.a, event.b);
    const Point point{static_cast<std::uint32_t>(event.a), event.b};
    // By what nobody let acknowledge nothing is kept: no gate asks for it.
    if (from.waits) release(upstream, point, !replica.by_hand);
}

void World::start_applying(std::size_t replica) {
    Database& self = sites_[replica].database;
    if (self.applying || !self.sql_running || self.received == self.logged) return;
    self.applying = true;
    const True from = std::max(now_, self.lags_until);
    events_.add(
        from + chance_.of(Purpose::database, replica).between(millisecond, 30 * millisecond),
        Event::Kind::applies, replica, self.start);
}

void World::apply(std::size_t replica) {
    Database& self = sites_[replica].database;
    self.applying = false;
    if (!self.up || !self.sql_running) return;
    if (now_ < std::max(self.stopped_until, self.lags_until)) {
        self.applying = true;
        return events_.add(std::max(self.stopped_until, self.lags_until), Event::Kind::applies,
                           replica, self.start);
    }
    if (!timeline_.begins(self.logged, self.received)) {  // 1950: somebody wrote to it
        self.sql_running = false;
        self.wrote = true;
        return;
    }
    self.logged = self.received;
    self.commits(self.logged, now_);
    feed(replica);
}

}  // namespace sim
