#pragma once
// The whole system for a test: three wikis with real MariaDB and agents, the arbiter, BIND; and
// what a client of the site, or a person, does to it.

#include "tests/lab/cluster.h"

#include <doctest/doctest.h>

namespace lab {

// At addresses and ports of its own, as tests of several programs may run at a time.
inline ClusterPlan plan_at(int network, int first_port) {
    ClusterPlan plan;
    plan.programs = ARBITER_BIN_DIR;
    plan.zone_file = std::string(ARBITER_SOURCE_DIR) + "/zones/wikipedia.org.zone";
    plan.network = network;
    plan.dns_port = first_port;
    plan.bind_port = first_port + 1;
    plan.heartbeat_port = first_port + 2;
    plan.monitor_port = first_port + 3;
    plan.database_port = first_port + 4;
    plan.page_port = first_port + 5;
    return plan;
}

// All of it, with a master that a replica has caught up with, three servers in www and the
// secondary up to date.
struct Running {
    Scratch scratch;
    Cluster cluster;

    Running(const std::string& purpose, const ClusterPlan& plan)
        : scratch(purpose), cluster(plan, scratch.path()) {
        cluster.start_arbiter();
        cluster.start_secondary();
        for (Machine& machine : cluster.machines()) cluster.start(machine);
        REQUIRE_MESSAGE(cluster.settle(60s), cluster.logs());
        REQUIRE(until(20s, [&] { return cluster.pool_at_secondary().size() == 3; }));
    }
};

inline bool edit(const Cluster& cluster, const std::string& address) {
    return MariaDb::write(address, cluster.plan().database_port,
                          "INSERT INTO edit (author, text) VALUES ('test', @@server_id)");
}

inline bool replicates_from(const Machine& machine, const std::string& master) {
    const std::string status = machine.database->query("SHOW SLAVE STATUS");
    return status.find(master) != std::string::npos &&
           machine.database->query("SELECT @@global.read_only") == "1";
}

// All machines, the master among them, hold that many edits.
inline std::string all_have(Cluster& cluster, const std::string& edits) {
    std::string counts;
    until(20s, [&] {
        counts.clear();
        bool all = true;
        for (Machine& machine : cluster.machines()) {
            const std::string count = machine.database->query("SELECT COUNT(*) FROM wiki.edit");
            all = all && count == edits;
            counts += machine.name + " " + count + " ";
        }
        return all;
    });
    return counts;
}

inline std::string each(const std::string& edits) {
    return "wiki1 " + edits + " wiki2 " + edits + " wiki3 " + edits + " ";
}

}  // namespace lab
