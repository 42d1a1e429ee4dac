#pragma once
// What a signal means to a process that may hold a lease: none of those that an operator or a
// terminal sends ends it without a demotion.

#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace agent {

class Signals {
public:
    // SIGTERM, SIGINT and SIGQUIT stop, each time; SIGHUP is only told that nothing is read again.
    Signals(boost::asio::io_context& loop, std::function<void()> stop);
    ~Signals();

private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

}  // namespace agent
