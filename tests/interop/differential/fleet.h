#pragma once
// The four servers over one folder of zones, and their answers to the same questions.

#include "tests/interop/differential/compare.h"
#include "tests/interop/differential/exchange.h"
#include "tests/interop/differential/served.h"
#include "tests/lab/primary.h"

#include <array>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace differential {

class Fleet {
public:
    // Starts us and `chosen`, and waits until each answers for its zones. Throws
    // std::runtime_error when one does not: the sentence says which, for which zone.
    Fleet(const Zones& zones, const std::set<Peer>& chosen, const std::string& scratch,
          const std::string& program, const std::vector<int>& ports);

    bool has(std::size_t server) const { return processes_[server].has_value(); }
    int port(std::size_t server) const { return ports_[server]; }
    // By server, then by question; empty for a server that does not run or lacks the zone.
    std::array<std::vector<std::string>, servers> ask(const std::vector<Question>& questions);
    // One server, each question by TCP as well when its answer was cut.
    std::vector<std::string> ask_whole(std::size_t server, std::vector<Question> questions);
    // Servers that stopped answering, even for the SOA of a zone, and are not asked any more; with
    // the number of the zone whose question was the first without an answer.
    const std::map<std::size_t, std::size_t>& silent() const { return silent_; }
    // Which server has ended by itself; empty when none has.
    std::string ended();
    void stop();

private:
    void await(std::size_t server) const;
    void finish(std::size_t server, Errand& errand, bool tcp,
                const std::vector<const Question*>& questions);
    bool answers_soa(std::size_t server, bool tcp) const;

    const Zones& zones_;
    std::vector<int> ports_;
    std::string scratch_;
    std::array<std::optional<lab::Process>, servers> processes_;
    std::map<std::size_t, std::size_t> silent_;
};

}  // namespace differential
