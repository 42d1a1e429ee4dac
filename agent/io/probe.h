#pragma once
// Is the wiki well? Fetches one page and compares it with what is expected. One deadline covers the
// whole of it: name, connect, send, read.

#include "agent/duty/facts.h"

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace boost::asio {
class io_context;
}

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
