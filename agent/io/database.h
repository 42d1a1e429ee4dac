#pragma once
// The database as the agent's loop sees it: looks and verbs that end by a deadline of their own,
// whatever the server does. The work is done by threads with a connection each; the loop never
// waits.

#include "agent/duty/facts.h"
#include "agent/io/mysql.h"

#include <functional>
#include <memory>
#include <vector>

namespace boost::asio {
class io_context;
}

namespace agent {

struct DatabaseLimits {
    heartbeat::Duration follow = std::chrono::seconds(10);
    heartbeat::Duration prepare = std::chrono::seconds(5);
    heartbeat::Duration demote = std::chrono::seconds(5);
    heartbeat::Duration configure = std::chrono::seconds(5);
};

class Database {
public:
    using Seen = std::function<void(const DatabaseView& view, Instant begun)>;
    // `ok`, and the database's own words when it is not.
    using Done = std::function<void(bool ok, const std::string& why)>;

    Database(boost::asio::io_context& loop, DatabaseRules rules, DatabaseLimits limits = {});
    // Waits for the threads: as long as one answer of the server may take, at most.
    ~Database();

    // Each callback comes once, from the loop, and never from inside the call. A look that gets no
    // answer in time is a view that is not reachable.
    void look(Seen seen);
    void promote(const Promote& asked, Done done);
    void follow(const Follow& asked, Done done);
    void configure(const Configure& asked, Done done);
    void prepare(Done done);
    // Overtakes any verb: that one ends, and its connection is killed, before this is done.
    void demote(Done done);

private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

}  // namespace agent
