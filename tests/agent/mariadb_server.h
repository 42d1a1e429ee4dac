#pragma once
// Real MariaDB servers for the tests of the agent: each with its own folder, loopback address and
// server id, ended by process id and removed without a trace.

#include "agent/io/mysql.h"

#include <filesystem>
#include <string>

#include <sys/types.h>

namespace agent::test {

// One installed and empty data directory, made once a run and copied for each server.
class Template {
public:
    Template();
    ~Template();
    Template(const Template&) = delete;
    Template& operator=(const Template&) = delete;
    const std::filesystem::path& data() const { return data_; }
    const std::filesystem::path& folder() const { return folder_; }

private:
    std::filesystem::path folder_;
    std::filesystem::path data_;
};

class MariaDbServer {
public:
    // The accounts of every server: the agent's with no more rights than it needs, that of the
    // replicas, and an application's.
    static constexpr const char* agent_user = "arbiter";
    static constexpr const char* agent_password = "it's \\ the agent";
    static constexpr const char* replication_password = "r'epl\\";

    MariaDbServer(const Template& made, unsigned id, std::uint16_t port);
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
    std::uint16_t port_;
    std::filesystem::path folder_;
    pid_t pid_ = -1;
};

}  // namespace agent::test
