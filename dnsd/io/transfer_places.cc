#include "dnsd/io/transfer_places.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace dnsd {

TransferPlaces::Part TransferPlaces::enter(Number number, const Who& who) {
    auto& clients = clients_[static_cast<std::size_t>(who.kind)];
    std::list<Client*> node(1);
    std::list<Connection> connection{{number, nullptr}};
    const auto [found, is_new] = clients.try_emplace(who.from, Client{who});
    Client& client = found->second;
    if (is_new) {
        node.front() = &client;
        client.at = node.begin();
        others_.splice(others_.end(), node);
    }
    ++client.connections;
    connection.front().client = &client;
    resting_.splice(resting_.end(), connection);
    return std::prev(resting_.end());
}

void TransferPlaces::leave(Part part) {
    after_turn(part, part->given, 0, 0);
    Client& client = *part->client;
    resting_.erase(part);
    if (--client.connections > 0) return;
    assert(!client.ready && client.taken == 0);
    others_.erase(client.at);
    clients_[static_cast<std::size_t>(client.who.kind)].erase(TcpPlaces::Who(client.who).from);
}

// Strangers never have more than half, so that a secondary finds no place only when secondaries
// have the other half.
std::size_t TransferPlaces::free_for(Kind kind) const {
    const std::size_t all = limits_.transfers_max - taken();
    if (kind == Kind::secondary) return all;
    return std::min(all, limits_.transfers_max / 2 - taken(Kind::stranger));
}

std::size_t TransferPlaces::free_of(const Client& client) const {
    return limits_.transfers_per_address_max - client.taken;
}

// Who waits is before who comes: a place that is free for one of those is not for a newcomer.
std::size_t TransferPlaces::may_begin(Part part) const {
    const Client& client = *part->client;
    const bool others_wait = !ready_[static_cast<std::size_t>(Kind::secondary)].empty() ||
                             !ready_[static_cast<std::size_t>(client.who.kind)].empty();
    if (others_wait) return part->given;
    return part->given + std::min(free_for(client.who.kind), free_of(client));
}

void TransferPlaces::after_turn(Part part, std::size_t begun, std::size_t under_way,
                                std::size_t waiting) {
    Client& client = *part->client;
    part->given -= std::min(part->given, begun);
    take(*part, under_way + part->given);
    const bool waited = part->waiting != 0;
    waiting_ += waiting - part->given - part->waiting;
    part->waiting = waiting - part->given;
    if (!waited && part->waiting != 0)
        client.line.splice(client.line.end(), resting_, part);
    else if (waited && part->waiting == 0)
        resting_.splice(resting_.end(), client.line, part);
    sort(client);
}

std::optional<TransferPlaces::Number> TransferPlaces::next() {
    for (const Kind kind : {Kind::secondary, Kind::stranger}) {
        const auto& ready = ready_[static_cast<std::size_t>(kind)];
        if (ready.empty() || free_for(kind) == 0) continue;
        Client& client = *ready.front();
        Connection& connection = client.line.front();
        ++connection.given;
        --connection.waiting;
        --waiting_;
        take(connection, connection.taken + 1);
        const Number number = connection.number;
        // To the end of both lines: nobody takes all that is free because it has asked for much.
        auto& behind = connection.waiting == 0 ? resting_ : client.line;
        behind.splice(behind.end(), client.line, client.line.begin());
        auto& line = ready_[static_cast<std::size_t>(kind)];
        line.splice(line.end(), line, client.at);
        sort(client);
        return number;
    }
    return std::nullopt;
}

void TransferPlaces::take(Connection& connection, std::size_t places) {
    Client& client = *connection.client;
    client.taken += places - connection.taken;
    taken_[static_cast<std::size_t>(client.who.kind)] += places - connection.taken;
    connection.taken = places;
    assert(client.taken <= limits_.transfers_per_address_max);
    assert(taken() <= limits_.transfers_max);
}

void TransferPlaces::sort(Client& client) {
    const bool ready = !client.line.empty() && free_of(client) != 0;
    if (ready == client.ready) return;
    auto& line = ready_[static_cast<std::size_t>(client.who.kind)];
    if (ready)
        line.splice(line.end(), others_, client.at);
    else
        others_.splice(others_.end(), line, client.at);
    client.ready = ready;
}

}  // namespace dnsd
