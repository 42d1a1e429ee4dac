#pragma once
// Agents that obey every reply at once, for the tests of the semi-sync set and the gate: what one
// says of its database is read after the reply before was obeyed.

#include "rules.h"

#include <map>

#include <doctest/doctest.h>

namespace dnsd::testing {

struct Cluster {
    struct Server {
        std::uint64_t received = 100;
        std::uint64_t start = 7;
        std::uint64_t mark = 0;
        std::uint64_t revision = 0;
        std::uint64_t barred = 0;
        bool semi_sync = false;
        bool replicates = true;
        heartbeat::Errant errant = heartbeat::Errant::no;
        Epoch refused_under{};
        Epoch promised{};
        std::vector<ServerId> set{};   // as last told
        std::vector<ServerId> shut{};  // of the master: as last told
        std::optional<heartbeat::Reply> reply{};
    };
    Desk desk;
    std::map<std::string, Server> servers;
    std::string leader = "wiki1";
    Epoch epoch{5};

    static ArbiterRules with_semi_sync(std::size_t count = 3) {
        ArbiterRules group = rules(count);
        group.semi_sync = true;
        return group;
    }
    explicit Cluster(ArbiterRules group = with_semi_sync(), Record record = led_by_wiki1())
        : desk(std::move(group), std::move(record)) {
        for (const ServerRules& one : desk.group.servers) servers[std::string(one.id.text())] = {};
    }

    heartbeat::Heartbeat beat(const std::string& name) {
        Server& server = servers.at(name);
        heartbeat::Heartbeat beat =
            name == leader ? master(epoch, server.received) : replica(server.received);
        beat.seen = epoch;
        beat.promised = server.promised;
        beat.database_start = server.start;
        beat.mark = server.mark;
        beat.barred = server.barred;
        beat.semi_sync = server.semi_sync;
        beat.health.replication = server.replicates;
        beat.errant = server.errant;
        beat.refused_under = server.refused_under;
        beat.revision = server.revision;
        if (name != leader) beat.upstream = id(leader.c_str());
        if (name == leader)
            for (const auto& [other, state] : servers)
                beat.semi_sync_clients += other != leader && state.semi_sync;
        return beat;
    }
    // It speaks, and obeys what it is told.
    const heartbeat::Reply& hear(const std::string& name) { return say(name, beat(name)); }
    const heartbeat::Reply& say(const std::string& name, heartbeat::Heartbeat said) {
        Server& server = servers.at(name);
        server.reply = desk.hear(name.c_str(), std::move(said));
        std::visit(
            [&](const auto& reply) {
                server.mark = reply.mark;
                server.revision = reply.revision;
                server.set = reply.semi_sync_set;
            },
            *server.reply);
        if (const auto* ack = std::get_if<heartbeat::Ack>(&*server.reply)) {
            server.barred = ack->mark;
            server.shut.clear();
            for (const heartbeat::Barred& one : ack->barred) server.shut.push_back(one.id);
            server.semi_sync = !ack->semi_sync_set.empty();
        } else {
            const auto& set = server.set;
            server.semi_sync = std::find(set.begin(), set.end(), id(name.c_str())) != set.end();
            const auto& deny = std::get<heartbeat::Deny>(*server.reply);
            if (const auto* order = std::get_if<heartbeat::PrepareOrder>(&deny.order))
                server.promised = order->epoch;
        }
        return *server.reply;
    }
    // All that are named speak once a second, the leader first.
    void rounds(int count, const std::vector<std::string>& who) {
        for (int i = 0; i < count; ++i) {
            desk.pass(1s);
            for (const std::string& name : who) hear(name);
        }
    }
    std::vector<std::string> all() const {
        std::vector<std::string> names;
        for (const auto& [name, server] : servers) names.push_back(name);
        return names;
    }
    // wiki1 leads, others acknowledge, and S covers what it has.
    static Cluster covered(ArbiterRules group = with_semi_sync()) {
        Cluster cluster(std::move(group));
        cluster.rounds(5, cluster.all());
        return cluster;
    }
    // Nobody leads, and nobody knows who acknowledged what was committed up to epoch 9.
    static Cluster unknown_set() {
        Record lost;
        lost.epoch = Epoch{9};
        lost.closed = true;
        lost.semi_sync_unknown = true;
        Cluster cluster(with_semi_sync(), std::move(lost));
        cluster.leader = "nobody";
        cluster.epoch = Epoch{9};
        return cluster;
    }
    // wiki1 led and was lost; wiki2 is granted, and has not spoken as master yet.
    static Cluster succeeded() {
        Cluster cluster = covered();
        cluster.lose_master({"wiki2", "wiki3"});
        REQUIRE(cluster.elect({"wiki2", "wiki3"}) == "wiki2");
        return cluster;
    }
    // The leader is gone, and its lease has just ended; the others speak on.
    void lose_master(const std::vector<std::string>& others) {
        servers.at(leader).semi_sync = false;  // nobody's client
        rounds(6, others);
        desk.pass(600ms);
    }
    // The others speak ten times a second until one is granted; the next heartbeat is its word as
    // master. Empty: nobody is.
    std::string elect(const std::vector<std::string>& others) {
        for (int i = 0; i < 20; ++i) {
            desk.pass(100ms);
            for (const std::string& name : others) {
                if (!granted(name)) continue;
                leader = name;
                epoch = record().epoch;
                return name;
            }
        }
        return {};
    }
    bool granted(const std::string& name) {
        return std::holds_alternative<heartbeat::Ack>(hear(name));
    }
    const Record& record() const { return desk.arbiter.record(); }
    std::string set() const {
        std::string text;
        for (const Acker& acker : record().semi_sync)
            text += (text.empty() ? "" : " ") + std::string(acker.id.text()) +
                    (acker.leaving ? "(leaving)" : "");
        return text;
    }
    std::string gate() const { return desk.arbiter.status(desk.now).gate_waits; }
};

}  // namespace dnsd::testing
