#pragma once
// One connection to a MariaDB or MySQL server, by Connector/C++. The only room that knows the
// connector. Every call blocks, so that a session belongs to one worker thread.

#include "agent/config/rules.h"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

namespace agent {

struct SqlError {
    int code = 0;      // the server's own number; 0 when it is ours
    std::string text;  // "1045: Access denied for user …"
    // The connection is of no more use: nobody knows whether the statement was performed.
    bool connection_lost() const {
        return code == 0 || code == 2006 || code == 2013 || code == 2055;
    }
};

// Column name → value; nullopt is NULL.
using Row = std::map<std::string, std::optional<std::string>>;

class Session {
public:
    // Whole seconds are all that the connector knows; they are exact (LAB.md, C). What must be
    // quicker is killed by its id from another session.
    struct Patience {
        std::chrono::seconds connect{1};
        std::chrono::seconds answer{1};
    };

    static tl::expected<Session, SqlError> open(const DatabaseRules& rules,
                                                const Patience& patience);
    Session(Session&&) noexcept;
    Session& operator=(Session&&) noexcept;
    ~Session();

    tl::expected<void, SqlError> run(const std::string& statement);
    tl::expected<std::vector<Row>, SqlError> ask(const std::string& query);
    // The first column of the first row.
    tl::expected<std::optional<std::string>, SqlError> value(const std::string& query);
    std::uint64_t id() const { return id_; }  // CONNECTION_ID(), for KILL

private:
    struct Connection;
    explicit Session(std::unique_ptr<Connection> connection);
    std::unique_ptr<Connection> connection_;
    std::uint64_t id_ = 0;
};

// A string literal for a session of ours: they all run with NO_BACKSLASH_ESCAPES, so that only the
// quote itself has to be doubled.
std::string quoted(const std::string& text);

}  // namespace agent
