// The main job on real input: three MariaDB servers with their pages and agents, the arbiter, a
// BIND secondary. The master's machine dies; another is writable and named; the old one comes back
// as a replica.

#include "tests/lab/cluster.h"

#include <cstdio>

#include <doctest/doctest.h>

namespace {

using namespace lab;

ClusterPlan plan() {
    ClusterPlan plan;
    plan.programs = ARBITER_BIN_DIR;
    plan.zone_file = std::string(ARBITER_SOURCE_DIR) + "/zones/wikipedia.org.zone";
    plan.network = 2;
    plan.dns_port = 15310;
    plan.bind_port = 15311;
    plan.heartbeat_port = 15312;
    plan.monitor_port = 15313;
    plan.database_port = 15314;
    plan.page_port = 15315;
    return plan;
}

// All of it, with a master, three servers in www and the secondary up to date.
struct Running {
    Scratch scratch{"failover"};
    Cluster cluster{plan(), scratch.path()};

    Running() {
        cluster.start_arbiter();
        cluster.start_secondary();
        for (Machine& machine : cluster.machines()) cluster.start(machine);
        REQUIRE_MESSAGE(cluster.settle(60s), cluster.logs());
        REQUIRE(until(20s, [&] { return cluster.pool_at_secondary().size() == 3; }));
    }
};

const char* const count_edits = "SELECT COUNT(*) FROM wiki.edit";

bool edit(const Cluster& cluster, const std::string& address) {
    return MariaDb::write(address, cluster.plan().database_port,
                          "INSERT INTO edit (author, text) VALUES ('test', @@server_id)");
}

bool replicates_from(const Machine& machine, const std::string& master) {
    const std::string status = machine.database->query("SHOW SLAVE STATUS");
    return status.find(master) != std::string::npos &&
           machine.database->query("SELECT @@global.read_only") == "1";
}

// All machines, the master among them, hold that many edits.
std::string all_have(Cluster& cluster, const std::string& edits) {
    std::string counts;
    until(20s, [&] {
        counts.clear();
        bool all = true;
        for (Machine& machine : cluster.machines()) {
            const std::string count = machine.database->query(count_edits);
            all = all && count == edits;
            counts += machine.name + " " + count + " ";
        }
        return all;
    });
    return counts;
}

std::string each(const std::string& edits) {
    return "wiki1 " + edits + " wiki2 " + edits + " wiki3 " + edits + " ";
}

// A writable server other than `dead` that the secondary names.
std::optional<std::string> new_master(const Cluster& cluster, const std::string& dead) {
    const auto named = cluster.master_at_secondary();
    if (!named || *named == dead || !edit(cluster, *named)) return std::nullopt;
    return named;
}

}  // namespace

TEST_CASE("the master's machine dies, another is writable and named, the old one rejoins") {
    Running running;
    Cluster& cluster = running.cluster;

    const std::string first = *cluster.master_at_secondary();
    Machine& dead = *cluster.at(first);
    REQUIRE(cluster.serial_at_arbiter() == cluster.serial_at_secondary());
    for (int i = 0; i < 5; ++i) REQUIRE(edit(cluster, first));
    for (Machine& machine : cluster.machines())
        if (machine.address != first) {
            CHECK_FALSE(edit(cluster, machine.address));  // only the master takes writes
            CHECK(until(20s, [&] { return replicates_from(machine, first); }));
        }
    REQUIRE(all_have(cluster, "5") == each("5"));

    cluster.kill(dead);
    const auto died = now();
    std::optional<std::string> second;
    REQUIRE_MESSAGE(until(60s, [&] { return (second = new_master(cluster, first)).has_value(); }),
                    cluster.logs());
    const double without_writer = seconds_since(died);
    const double bound = static_cast<double>(cluster.plan().lease.count()) / 1e3 + 1.0;
    std::printf(
        "kill -9 of the master's machine -> first edit at the one that the secondary names: "
        "%.2f s (lease + 1 s is %.2f s)\n",
        without_writer, bound);
    CHECK(until(20s, [&] { return cluster.pool_at_secondary().size() == 2; }));
    CHECK(cluster.master_at_arbiter() == second);

    // What was acknowledged before is still there; what is written meanwhile reaches the old
    // master.
    for (int i = 0; i < 4; ++i) REQUIRE(edit(cluster, *second));
    cluster.start(dead);
    REQUIRE_MESSAGE(until(30s, [&] { return replicates_from(dead, *second); }),
                    read_file(dead.folder + "/agent.log"));
    CHECK_MESSAGE(all_have(cluster, "10") == each("10"), cluster.logs());
    CHECK(until(20s, [&] { return cluster.pool_at_secondary().size() == 3; }));
    CHECK(cluster.master_at_secondary() == second);
    CHECK_FALSE(edit(cluster, first));
    CHECK(cluster.serial_at_arbiter() == cluster.serial_at_secondary());
}

TEST_CASE("a restart of the arbiter moves no master and lowers no serial") {
    Running running;
    Cluster& cluster = running.cluster;
    const auto master = cluster.master_at_secondary();
    const std::uint32_t serial = *cluster.serial_at_secondary();
    const std::string epoch = cluster.arbiterctl({"--json", "status"});

    for (int round = 0; round < 2; ++round) {
        cluster.arbiter().kill();
        cluster.start_arbiter();
        CHECK(cluster.master_at_arbiter() == master);
        CHECK(*cluster.serial_at_arbiter() >= serial);
        REQUIRE(edit(cluster, *master));
    }
    // Longer than the lease: it was renewed by the new process, under the same epoch.
    pause_for(cluster.plan().lease + 1s);
    CHECK(edit(cluster, *master));
    CHECK(cluster.master_at_secondary() == master);
    CHECK(cluster.pool_at_secondary().size() == 3);
    const auto epoch_in = [](const std::string& json) {
        const std::size_t at = json.find("\"epoch\"");
        REQUIRE(at != std::string::npos);
        return json.substr(at, json.find_first_of(",}", at) - at);
    };
    CHECK(epoch_in(cluster.arbiterctl({"--json", "status"})) == epoch_in(epoch));
}

TEST_CASE("a server whose page breaks leaves www and comes back with it") {
    Running running;
    Cluster& cluster = running.cluster;
    const auto master = cluster.master_at_secondary();
    Machine& victim = cluster.machines()[master == cluster.machines()[0].address ? 1 : 0];

    // The text that the probe expects is gone, at all of them; only the victim's database is asked
    // alone.
    victim.database->query(
        "SET GLOBAL read_only=0; SET sql_log_bin=0; UPDATE wiki.page SET "
        "text='Maintenance'; SET GLOBAL read_only=1");
    CHECK(until(20s, [&] { return cluster.pool_at_secondary().size() == 2; }));
    CHECK(cluster.arbiterctl({"status"}).find("OUT") != std::string::npos);
    victim.database->query(
        "SET GLOBAL read_only=0; SET sql_log_bin=0; UPDATE wiki.page SET "
        "text='This wiki works.'; SET GLOBAL read_only=1");
    CHECK(until(20s, [&] { return cluster.pool_at_secondary().size() == 3; }));
    CHECK(cluster.master_at_secondary() == master);
}
