#pragma once
// Real MariaDB servers for the tests of the agent: each with its own folder, loopback address and
// server id, ended by process id and removed without a trace.

#include "agent/io/mysql.h"
#include "tests/lab/process.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace agent::test {

// One installed and empty data directory, made once a run and copied for each server.
class Template {
public:
    Template();
    const std::filesystem::path& data() const { return data_; }
    const std::filesystem::path& folder() const { return folder_; }

private:
    lab::Scratch scratch_{"db"};
    std::filesystem::path folder_;
    std::filesystem::path data_;
};

// The port of all servers of this process: several test programs run side by side.
std::uint16_t own_port();

class MariaDbServer {
public:
    // The accounts of every server: the agent's with no more rights than it needs, that of the
    // replicas, and an application's.
    static constexpr const char* agent_user = "arbiter";
    static constexpr const char* agent_password = "it's \\ the agent";
    static constexpr const char* replication_password = "r'epl\\";

    MariaDbServer(const Template& made, unsigned id);
    ~MariaDbServer();
    MariaDbServer(const MariaDbServer&) = delete;
    MariaDbServer& operator=(const MariaDbServer&) = delete;

    void start();  // and waits until it answers
    void kill();   // SIGKILL
    void freeze();
    void thaw();

    DatabaseRules rules() const;  // for the agent
    heartbeat::Address address() const;
    Session root() const;
    Session application() const;
    // One value as root; an error fails the test.
    std::string value(const std::string& query) const;
    void run(const std::string& statement) const;

private:
    unsigned id_;
    std::filesystem::path folder_;
    std::optional<lab::Process> process_;
};

}  // namespace agent::test
