#pragma once
// What the rooms of agent/io are told by the configuration: plain values, and the one text among
// them that has to be taken apart.

#include "heartbeat/identity.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace agent {

struct Url {
    std::string host;  // as it stands in the Host header, IPv6 without brackets
    std::string port;
    std::string target;     // "/wiki/Main_Page?action=raw"
    std::string authority;  // "127.0.0.1:8080"
};
// http:// only: the probe asks its own machine's web server.
tl::expected<Url, std::string> parse_url(std::string_view text);

struct PageRules {
    Url url;
    unsigned status = 200;
    std::string contains;  // empty: any body
    heartbeat::Duration deadline = std::chrono::seconds(2);
};

// How the agent reaches the database, and what replicas of it log in with.
struct DatabaseRules {
    std::string socket;  // by this when set, else by host and port
    std::string host;
    std::uint16_t port = 3306;
    std::string user;
    std::string password;
    heartbeat::Duration deadline = std::chrono::seconds(2);  // of one look
    // CHANGE MASTER TO …: every server of the group has the same.
    std::string replication_user;
    std::string replication_password;
    std::uint16_t replication_port = 3306;
};

struct HookRules {
    std::string promote;  // absolute paths; empty: none
    std::string demote;
    std::string follow;
    heartbeat::Duration deadline = std::chrono::seconds(10);
};

}  // namespace agent
