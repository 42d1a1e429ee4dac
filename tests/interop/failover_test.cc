// The main job on real input: three MariaDB servers with their pages and agents, the arbiter, a
// BIND secondary. The master's machine dies; another is writable and named; the old one comes back
// as a replica.

#include "tests/interop/running.h"

#include <cstdio>

#include <signal.h>

#include <doctest/doctest.h>

namespace {

using namespace lab;

ClusterPlan plan() {
    return plan_at(2, 15310);
}

// A writable server other than `dead` that the secondary names.
std::optional<std::string> new_master(const Cluster& cluster, const std::string& dead) {
    const auto named = cluster.master_at_secondary();
    if (!named || *named == dead || !edit(cluster, *named)) return std::nullopt;
    return named;
}

}  // namespace

TEST_CASE("the master's machine dies, another is writable and named, the old one rejoins") {
    Running running("failover", plan());
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
    Running running("failover", plan());
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
    Running running("failover", plan());
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

TEST_CASE("a replica that nobody hears of acknowledges nothing: its master lets it in no more") {
    Running running("failover", plan());
    Cluster& cluster = running.cluster;
    const std::string master = *cluster.master_at_secondary();
    Machine& leader = *cluster.at(master);
    Machine& victim = cluster.machines()[master == cluster.machines()[0].address ? 1 : 0];
    const std::string dumps =
        "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE COMMAND='Binlog Dump' AND "
        "HOST LIKE '" +
        victim.address + ":%'";
    const std::string locks =
        "SELECT Host FROM mysql.global_priv WHERE User='repl' AND "
        "JSON_VALUE(Priv, '$.account_locked')=1";
    REQUIRE(leader.database->query(dumps) == "1");

    victim.agent->signal(SIGSTOP);  // its database replicates on
    CHECK_MESSAGE(until(30s, [&] { return leader.database->query(locks) == victim.address; }),
                  cluster.logs());
    CHECK(until(10s, [&] { return leader.database->query(dumps) == "0"; }));
    CHECK(edit(cluster, master));  // another acknowledges
    pause_for(3s);                 // it tries once a second
    CHECK(leader.database->query(dumps) == "0");

    victim.agent->signal(SIGCONT);
    CHECK_MESSAGE(until(30s,
                        [&] {
                            return leader.database->query(locks).empty() &&
                                   leader.database->query(dumps) == "1";
                        }),
                  cluster.logs());
    CHECK(all_have(cluster, "1") == each("1"));
}

TEST_CASE("heartbeats of 100 ms and a lease of 600 ms fail over as well, and lose nothing") {
    ClusterPlan fast = plan();
    fast.heartbeat = 100ms;
    fast.lease = 600ms;
    Running running("failover", fast);
    Cluster& cluster = running.cluster;
    const std::string first = *cluster.master_at_secondary();
    for (int i = 0; i < 3; ++i) REQUIRE(edit(cluster, first));

    Machine& dead = *cluster.at(first);
    cluster.kill(dead);
    const auto died = now();
    std::optional<std::string> second;
    REQUIRE_MESSAGE(
        until(
            60s, [&] { return (second = new_master(cluster, first)).has_value(); }, 5ms),
        cluster.logs());
    std::printf("the same with a lease of 600 ms: %.2f s (1.5 s is asked for)\n",
                seconds_since(died));
    cluster.start(dead);
    CHECK_MESSAGE(all_have(cluster, "4") == each("4"), cluster.logs());
}
