#include "dnsd/io/tcp_places.h"

#include "dnsd/io/customer.h"

#include <algorithm>
#include <cassert>

namespace dnsd {

// An open access list names nobody: there, too, a /64 is one customer.
TcpPlaces::Who TcpPlaces::who(const zones::AddressBytes& address,
                              std::span<const zones::Prefix> known) {
    Who who{Kind::stranger, customer(address)};
    for (const zones::Prefix& prefix : known) {
        if (!prefix.contains(address)) continue;
        who.kind = Kind::secondary;
        if (prefix.bits > 64) who.from = address;
    }
    return who;
}

// Strangers never have more than strangers_max(), so that a secondary finds all places taken only
// when secondaries have the whole reserve.
TcpPlaces::Verdict TcpPlaces::judge(const Who& who) const {
    const auto [kind, from] = who;
    const FromAddress& of_kind = from_address_[static_cast<std::size_t>(kind)];
    const auto known = of_kind.find(from);
    if (known != of_kind.end() && known->second >= limits_.connections_per_address_max) return {};
    const bool full = taken() >= limits_.connections_max ||
                      (kind == Kind::stranger && taken(kind) >= strangers_max());
    if (!full) return {true, std::nullopt};
    for (const Kind leaves : {Kind::stranger, kind})
        if (!idle(leaves).empty()) return {true, idle(leaves).front()};
    return {};
}

TcpPlaces::Place TcpPlaces::take(Number number, const Who& who) {
    busy_.push_back(number);
    try {
        ++from_address_[static_cast<std::size_t>(who.kind)][who.from];
    } catch (...) {
        busy_.pop_back();
        throw;
    }
    ++taken_[static_cast<std::size_t>(who.kind)];
    return {who.kind, who.from, false, std::prev(busy_.end())};
}

void TcpPlaces::leave(Place& place) {
    set_busy(place);
    busy_.erase(place.at);
    --taken_[static_cast<std::size_t>(place.kind)];
    FromAddress& of_kind = from_address_[static_cast<std::size_t>(place.kind)];
    const auto found = of_kind.find(place.from);
    assert(found != of_kind.end());
    if (--found->second == 0) of_kind.erase(found);
}

void TcpPlaces::set_idle(Place& place) {
    std::list<Number>& kind = idle_[static_cast<std::size_t>(place.kind)];
    kind.splice(kind.end(), place.idle ? kind : busy_, place.at);
    place.idle = true;
}

void TcpPlaces::set_busy(Place& place) {
    if (!place.idle) return;
    busy_.splice(busy_.end(), idle_[static_cast<std::size_t>(place.kind)], place.at);
    place.idle = false;
}

std::optional<TcpPlaces::Number> TcpPlaces::longest_idle() const {
    for (const Kind leaves : {Kind::stranger, Kind::secondary})
        if (!idle(leaves).empty()) return idle(leaves).front();
    return std::nullopt;
}

// The whole time up to half of the places, then ever less, down to the least at the last one.
std::chrono::milliseconds TcpPlaces::idle_time(Kind kind) const {
    const std::size_t half = strangers_max() / 2;
    const std::size_t now = std::min(taken(Kind::stranger), strangers_max());
    if (kind == Kind::secondary || now <= half) return limits_.idle;
    const auto least = std::min(limits_.idle, idle_time_least);
    const auto left = static_cast<std::int64_t>(strangers_max() - now);
    const auto of = static_cast<std::int64_t>(strangers_max() - half);
    return least + (limits_.idle - least) * left / of;
}

}  // namespace dnsd
