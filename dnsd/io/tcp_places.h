#pragma once
// Who may have a connection: counts of all, of strangers and of each address, and an order of who
// makes room. Knows no sockets: a connection is a number here.

#include "dnsd/config/tcp_limits.h"
#include "zones/catalog.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <span>

namespace dnsd {

class TcpPlaces {
public:
    enum class Kind : std::uint8_t {
        stranger,
        secondary,  // transfers are allowed to its address
    };
    using Number = std::uint32_t;

    // Whose connection it is. A secondary that the access list names by more than 64 bits counts
    // by its whole address, and none with strangers: neighbours in its /64 do not keep it out.
    struct Who {
        Kind kind;
        zones::AddressBytes from;  // what connections_per_address_max bounds
    };
    static Who who(const zones::AddressBytes&, std::span<const zones::Prefix> known);

    // One connection's place, kept by it until leave(). No call allocates but take().
    struct Place {
        Kind kind;
        zones::AddressBytes from;
        bool idle;
        std::list<Number>::iterator at;
    };
    struct Verdict {
        bool admitted = false;
        std::optional<Number> evict;  // who has to leave first
    };

    explicit TcpPlaces(const TcpLimits& limits) : limits_(limits) {}

    Verdict judge(const Who&) const;
    Place take(Number number, const Who&);
    void leave(Place& place);
    void set_idle(Place& place);  // from now on, also when it was before
    void set_busy(Place& place);
    // The idle one of any kind that goes first, for a descriptor that is needed.
    std::optional<Number> longest_idle() const;

    std::size_t taken() const { return taken_[0] + taken_[1]; }
    std::size_t taken(Kind kind) const { return taken_[static_cast<std::size_t>(kind)]; }
    // RFC 7766 §6.2.3, RFC 7828 §3.4: the fuller it gets, the shorter a stranger may stay idle.
    std::chrono::milliseconds idle_time(Kind kind) const;
    static constexpr std::chrono::milliseconds idle_time_least{1000};

private:
    std::size_t strangers_max() const { return limits_.connections_max - limits_.reserve; }
    const std::list<Number>& idle(Kind kind) const { return idle_[static_cast<std::size_t>(kind)]; }

    const TcpLimits limits_;
    std::array<std::size_t, 2> taken_{};
    using FromAddress = std::map<zones::AddressBytes, std::size_t>;
    std::array<FromAddress, 2> from_address_;  // by kind
    std::array<std::list<Number>, 2> idle_;    // by kind, the longest idle in front
    std::list<Number> busy_;
};

}  // namespace dnsd
