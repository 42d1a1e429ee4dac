#pragma once
// Which refusals are worth a line: one a minute of each source, and so many of all of its kind.
// What was left out is counted and told. Knows no clock and no log.

#include "heartbeat/identity.h"
#include "zones/peer.h"

#include <array>
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
    // Who sends datagrams may forge their source: he takes neither lines nor memory from those that
    // come by TCP, and none from known addresses, unless he knows them too.
    enum class Kind : std::uint8_t { stranger_by_udp, known_by_udp, by_tcp };
    static constexpr std::size_t kinds = 3;
    // Of a kind. The longest silent is forgotten for one that is new.
    static constexpr std::size_t sources_max = 1024;
    // Of all sources of a kind, a minute: a flood from everywhere is no flood of lines.
    static constexpr unsigned lines_max = 60;

    // `line` is what to log of it, without its end; nullopt when it is to be left out.
    std::optional<std::string> refused(Kind kind, const zones::AddressBytes& from,
                                       const std::string& line, Instant now);
    // Of refusals that nobody could look at.
    void left_out(std::uint64_t count) { suppressed_ += count; }
    // A line about what was left out, when a minute is over and something was.
    std::optional<std::string> summary(Instant now);

    std::size_t sources(Kind kind) const { return of(kind).sources.size(); }

private:
    struct Source {
        Instant said{};
        std::uint64_t since = 0;  // refusals that were left out since then
        std::list<zones::AddressBytes>::iterator at;
    };

    struct Sources {
        std::map<zones::AddressBytes, Source> sources;
        std::list<zones::AddressBytes> order;  // the longest silent in front
        unsigned lines = 0;
    };
    const Sources& of(Kind kind) const { return by_kind_[static_cast<std::size_t>(kind)]; }
    Sources& of(Kind kind) { return by_kind_[static_cast<std::size_t>(kind)]; }
    void begin_minute(Instant now);

    std::array<Sources, kinds> by_kind_;
    std::optional<Instant> minute_;  // since when lines are counted
    std::uint64_t suppressed_ = 0;   // since the last summary
};

}  // namespace dnsd
