#pragma once
// Is the wiki well? Fetches one page and compares it with what is expected. One deadline covers the
// whole of it: name, connect, send, read.

#include "agent/config/rules.h"
#include "agent/duty/facts.h"

#include <functional>

namespace boost::asio {
class io_context;
}

namespace agent {

class Probe {
public:
    static constexpr std::size_t header_max = 16 * 1024;
    static constexpr std::size_t body_max = 4 * 1024 * 1024;

    using Done = std::function<void(const PageView&)>;

    Probe(boost::asio::io_context& loop, PageRules rules);
    // `done` is called once, from the loop, by the deadline at the latest; never from inside
    // fetch().
    void fetch(Done done);

private:
    boost::asio::io_context& loop_;
    PageRules rules_;
};

}  // namespace agent
