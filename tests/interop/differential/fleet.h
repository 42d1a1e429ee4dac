#pragma once
// The four servers over one folder of zones, and their answers to the same questions.

#include "tests/interop/differential/compare.h"
#include "tests/interop/differential/served.h"
#include "tests/lab/primary.h"

#include <array>
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
    std::array<std::vector<std::string>, servers> ask(const std::vector<Question>& questions) const;
    // One server, each question by TCP as well when its answer was cut.
    std::vector<std::string> ask_whole(std::size_t server, std::vector<Question> questions) const;
    // Which server has ended by itself; empty when none has.
    std::string ended();
    void stop();

private:
    void await(std::size_t server) const;

    const Zones& zones_;
    std::vector<int> ports_;
    std::string scratch_;
    std::array<std::optional<lab::Process>, servers> processes_;
};

}  // namespace differential
