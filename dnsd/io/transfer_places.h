#pragma once
// Whose transfer may begin: counts of all, of strangers' and of each address, and the line of those
// who wait. Knows no sockets: a connection is a number here.

#include "dnsd/config/tcp_limits.h"
#include "dnsd/io/tcp_places.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <optional>

namespace dnsd {

class TransferPlaces {
    struct Client;
    struct Connection {
        TcpPlaces::Number number;
        Client* client;
        std::size_t taken = 0;    // places: of transfers under way, and those given to it
        std::size_t given = 0;    // among them: by next(), and nothing has begun in them yet
        std::size_t waiting = 0;  // transfers that have no place
    };

public:
    using Kind = TcpPlaces::Kind;
    using Number = TcpPlaces::Number;
    using Who = TcpPlaces::Who;
    // One connection's part, kept by it until leave(). No call allocates but enter().
    using Part = std::list<Connection>::iterator;

    explicit TransferPlaces(const TcpLimits& limits) : limits_(limits) {}
    TransferPlaces(const TransferPlaces&) = delete;
    TransferPlaces& operator=(const TransferPlaces&) = delete;

    Part enter(Number number, const Who& who);
    void leave(Part part);

    // How many transfers may begin in its turn: in the places given to it, and in free ones.
    std::size_t may_begin(Part part) const;
    // What its turn has brought: so many have begun, are under way now, and wait for a place.
    void after_turn(Part part, std::size_t begun, std::size_t under_way, std::size_t waiting);
    // Gives one free place to who waits for it, and tells who that is. Secondaries go first, then
    // whose client has waited the longest since it was given one.
    std::optional<Number> next();

    std::size_t taken() const { return taken_[0] + taken_[1]; }
    std::size_t taken(Kind kind) const { return taken_[static_cast<std::size_t>(kind)]; }
    std::size_t waiting() const { return waiting_; }

private:
    struct Client {
        Who who;
        std::size_t connections = 0;
        std::size_t taken = 0;
        std::list<Connection> line = {};  // of its connections that wait, in the order of asking
        bool ready = false;               // in ready_, and not in others_
        std::list<Client*>::iterator at = {};
    };

    std::size_t free_for(Kind kind) const;
    std::size_t free_of(const Client& client) const;
    void take(Connection& connection, std::size_t places);
    void sort(Client& client);

    const TcpLimits limits_;
    std::array<std::size_t, 2> taken_{};  // by kind
    std::size_t waiting_ = 0;
    std::array<std::map<zones::AddressBytes, Client>, 2> clients_;  // by kind
    // Who waits and is below its own bound: by kind, who is next in front.
    std::array<std::list<Client*>, 2> ready_;
    std::list<Client*> others_;
    std::list<Connection> resting_;  // those that do not wait
};

}  // namespace dnsd
