#pragma once
// A real MariaDB server of our own: its data folder, its address, its server id. It starts fenced
// (read_only) and without replicating, as PROTOCOL.md asks of every server.

#include "tests/lab/process.h"

#include <memory>
#include <string>

namespace lab {

// Accounts that every data folder of the lab has, all limited to loopback.
struct Accounts {
    static constexpr const char* root = "root";      // by socket, no password
    static constexpr const char* agent = "arbiter";  // what arbiter-agent needs, no more
    static constexpr const char* agent_password = "agent-pw";
    static constexpr const char* replication = "repl";
    static constexpr const char* replication_password = "repl-pw";
    static constexpr const char* wiki = "wiki";  // reads and writes database `wiki`
    static constexpr const char* wiki_password = "wiki-pw";
};

// One installed data folder with the accounts and an empty wiki, copied for each server: installing
// takes seconds, copying does not. No binary log was written, so all copies stand at no GTID at
// all.
class MariaDbTemplate {
public:
    explicit MariaDbTemplate(const std::string& folder);
    void copy_to(const std::string& data_folder) const;

private:
    std::string data_;
};

class MariaDb {
public:
    struct Place {
        std::string folder;   // its data, socket and log go here
        std::string address;  // 127.x
        int port = 0;
        int server_id = 0;
    };
    MariaDb(const MariaDbTemplate&, Place);

    // Returns when it answers; throws with the end of its log when it does not.
    void start();
    void stop();  // cleanly
    void kill();  // SIGKILL
    void signal(int number);
    bool running();
    pid_t pid() const { return process_->pid(); }

    const Place& place() const { return place_; }
    std::string socket() const { return place_.folder + "/mysqld.sock"; }
    // As root over its socket; rows by newline, columns by tab. Throws with the server's words.
    std::string query(const std::string& sql) const;
    // As the wiki over TCP: what a client of the site would do. False when it was refused.
    static bool write(const std::string& address, int port, const std::string& sql);

private:
    Place place_;
    std::unique_ptr<Process> process_;
};

}  // namespace lab
