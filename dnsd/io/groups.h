#pragma once
// The arbiters' shell: one machine a group, the channel they hear and speak by, the ledger that
// they remember in. Part of the control thread.

#include "dnsd/arbiter/status.h"
#include "dnsd/config/config.h"
#include "dnsd/io/ledger.h"
#include "dnsd/io/operator_request.h"
#include "dnsd/io/status_json.h"
#include "dnsd/io/story.h"

#include <functional>
#include <memory>
#include <vector>

namespace boost::asio {
class io_context;
}

namespace dnsd {

class Groups {
public:
    // Operators' commands that are not answered yet.
    static constexpr std::size_t asked_max = 8;

    // What a standing is handed to, in the midst of a step: nothing that the machine wants after it
    // happens before it returns.
    using OnStanding = std::function<void(const Standing&)>;

    // Reads the keys, makes the machines from the ledger's records and takes their first steps,
    // which announce what the records call for. Throws StartError.
    Groups(boost::asio::io_context& loop, const Config& config, Ledger& ledger,
           OnStanding on_standing);
    ~Groups();
    Groups(const Groups&) = delete;
    Groups& operator=(const Groups&) = delete;

    // From now on heartbeats are heard and timers judged. Throws StartError when it cannot listen.
    void open();
    // A zone stands at this serial: told in replies from now on.
    void published(const zones::Name& zone, zones::Serial serial);

    // Of a configuration that was read anew: what the running groups can take of it, in lines that
    // say what they took, and which of them took nothing and why.
    struct Reconfigured {
        std::vector<std::string> taken;
        std::vector<std::string> refused;
        std::vector<std::string> waits_for_restart;  // servers that an earlier reload dropped
    };
    Reconfigured reconfigure(const std::vector<GroupConfig>& groups);

    std::vector<Askable> askable() const;
    // By their place in askable().
    const zones::Name& zone_of(std::size_t group) const;
    // `say` is called until it was given an Answer that is done or refused; at once, or later.
    using Say = std::function<void(const Answer&)>;
    void ask(const OperatorRequest& request, const std::string& by, Say say);

    std::vector<GroupStatus> status() const;
    const Story& story() const;
    void count(Counters& into) const;

private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

}  // namespace dnsd
