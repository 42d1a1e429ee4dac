#pragma once
// The control socket: one JSON object a line each way over AF_UNIX, for arbiterctl on this machine.
// Only root, the daemon's own user and the socket's group get an answer. What takes its time is
// answered by several lines, the last of which has no "going_on":true.

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace boost::asio {
class io_context;
}

namespace dnsd {

class Admin {
public:
    static constexpr std::size_t request_bytes_max = 64 * 1024;
    static constexpr std::size_t connections_max = 16;
    // For a whole request to arrive, and for an answer to be taken.
    static constexpr std::chrono::seconds deadline{5};
    static constexpr std::size_t lines_waiting_max = 64;  // of one answer, not yet taken

    // A line of an answer; the last one ends it. To be called as often as there is something to
    // say, also long after the question, and also when nobody listens any more.
    using Say = std::function<void(const std::string& line, bool last)>;

    // Called on the io_context's thread. Each gives, or says, a JSON object.
    struct Handlers {
        std::function<std::string()> status_json;  // becomes {"ok":true,"status":…}
        std::function<void(Say say)> reload;       // says how it ended, when it has
        // The request's own text.
        std::function<std::string(const std::string& request)> history{};
        // One of operator_commands; `by` is the name of who asks.
        std::function<void(const std::string& request, const std::string& by, Say say)> act{};
    };

    // Makes the directory (0750) when it is missing and it may, takes away a dead socket, refuses a
    // live one. Throws std::runtime_error with one sentence when it cannot listen.
    Admin(boost::asio::io_context&, const std::string& path, Handlers);
    ~Admin();  // closes every connection and takes the socket's file away
    Admin(const Admin&) = delete;
    Admin& operator=(const Admin&) = delete;

private:
    struct Listener;
    std::shared_ptr<Listener> listener_;
};

}  // namespace dnsd
