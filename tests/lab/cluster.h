#pragma once
// The whole system on loopback addresses: the arbiter with one zone, wiki servers of an agent, a
// page and a real MariaDB each, and a real BIND as secondary. `./run` shows it, the interop tests
// break it.

#include "tests/lab/mariadb.h"
#include "tests/lab/secondary.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace lab {

struct ClusterPlan {
    std::string programs;   // folder of arbiter-dnsd, arbiter-agent and arbiterctl
    std::string zone_file;  // without www and master
    std::string zone = "wikipedia.org";
    int servers = 3;
    int network = 0;  // wiki1 is 127.0.NETWORK.11
    Milliseconds heartbeat = 1s;
    Milliseconds lease = 6s;
    std::string choose = "most-advanced";
    int dns_port = 5300;
    int bind_port = 5301;
    int heartbeat_port = 5399;
    int monitor_port = 9453;
    int database_port = 13306;
    int page_port = 8080;
};

// One wiki server's machine: its agent, its page and its database live and die together.
struct Machine {
    std::string name;
    std::string address;
    std::string folder;
    std::unique_ptr<MariaDb> database;
    std::unique_ptr<Process> page;
    std::unique_ptr<Process> agent;
};

class Cluster {
public:
    Cluster(ClusterPlan, const std::string& folder);
    ~Cluster();

    void start_arbiter();
    void start_secondary();
    void start(Machine&);
    void stop(Machine&);  // cleanly: the agent gives the lease back first
    void kill(Machine&);  // as if the power went
    // Returns when the arbiter names a master, the secondary has the same serial, and a replica has
    // caught up with the master: before that nobody is elected by himself. False: not in time.
    bool settle(Milliseconds at_most);

    const ClusterPlan& plan() const { return plan_; }
    // The address of the arbiter and of BIND, which only listens where an interface says so.
    static std::string home() { return "127.0.0.1"; }
    std::vector<Machine>& machines() { return machines_; }
    Machine* machine(const std::string& name);
    Machine* at(const std::string& address);
    Process& arbiter() { return *arbiter_; }
    Secondary& secondary() { return *secondary_; }
    std::string folder() const { return folder_; }
    std::string arbiter_log() const { return folder_ + "/arbiter.log"; }
    std::string logs() const;  // the arbiter's and every agent's, for a failed test to show
    std::string control_socket() const { return folder_ + "/control.sock"; }

    // As the secondary, the one that the world asks, says.
    std::vector<std::string> pool_at_secondary() const;
    std::optional<std::string> master_at_secondary() const;
    std::optional<std::string> master_at_arbiter() const;
    std::optional<std::uint32_t> serial_at_arbiter() const;
    std::optional<std::uint32_t> serial_at_secondary() const;
    // Each acknowledged commit is with a replica that the arbiter knows of.
    bool covered() const;
    std::string arbiterctl(std::vector<std::string> arguments) const;  // its stdout; throws

private:
    void write_arbiter_configuration() const;
    void write_agent_configuration(const Machine&) const;
    std::string program(const std::string& name) const { return plan_.programs + "/" + name; }

    ClusterPlan plan_;
    std::string folder_;
    std::unique_ptr<MariaDbTemplate> installed_;
    std::unique_ptr<Process> arbiter_;
    std::unique_ptr<Secondary> secondary_;
    std::vector<Machine> machines_;
};

}  // namespace lab
