#pragma once
// Which refusals are worth a line: one a minute of each source, and so many of all. What was left
// out is counted and told. Knows no clock and no log.

#include "heartbeat/identity.h"
#include "zones/peer.h"

#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>

namespace dnsd {

class RefusalLog {
public:
    using Instant = heartbeat::Instant;
    static constexpr heartbeat::Duration every = std::chrono::minutes(1);
    // The longest silent is forgotten for one that is new.
    static constexpr std::size_t sources_max = 1024;
    // Of all sources, a minute: a flood from everywhere is no flood of lines.
    static constexpr unsigned lines_max = 60;

    // `line` is what to log of it, without its end; nullopt when it is to be left out.
    std::optional<std::string> refused(const zones::AddressBytes& from, const std::string& line,
                                       Instant now);
    // Of refusals that nobody could look at.
    void left_out(std::uint64_t count) { suppressed_ += count; }
    // A line about what was left out, when a minute is over and something was.
    std::optional<std::string> summary(Instant now);

    std::size_t sources() const { return sources_.size(); }

private:
    struct Source {
        Instant said{};
        std::uint64_t since = 0;  // refusals that were left out since then
        std::list<zones::AddressBytes>::iterator at;
    };

    std::map<zones::AddressBytes, Source> sources_;
    std::list<zones::AddressBytes> order_;  // the longest silent in front
    std::optional<Instant> minute_;         // since when lines_ are counted
    unsigned lines_ = 0;
    std::uint64_t suppressed_ = 0;  // since the last summary
};

}  // namespace dnsd
