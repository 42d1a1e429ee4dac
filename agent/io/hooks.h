#pragma once
// The site's scripts at promote, demote and follow: told the facts by their environment, never
// waited for by the agent's loop, killed with all their children at their deadline.

#include "agent/config/rules.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace boost::asio {
class io_context;
}

namespace agent {

class Hooks {
public:
    // At most so many at a time; one more is refused and said so.
    static constexpr std::size_t running_max = 8;

    using Say = std::function<void(const std::string& line)>;  // one key=value line for the journal
    using Facts = std::vector<std::pair<std::string, std::string>>;  // ARBITER_EPOCH=17 and so on

    Hooks(boost::asio::io_context& loop, HookRules rules, Say say);
    ~Hooks();  // kills what still runs

    void promoted(const Facts& facts);
    void demoted(const Facts& facts);
    void followed(const Facts& facts);
    std::size_t running() const;

private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace agent
