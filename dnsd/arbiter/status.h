#pragma once
// What people ask of the arbiter, as one consistent value: table, JSON, page, dig records and
// metrics are all drawn from it. Instants are already turned into ages.

#include "dnsd/arbiter/facts.h"

namespace dnsd {

enum class LeaseState { quarantine, free, held, expiring, window };
std::string_view name_of(LeaseState);

struct ServerStatus {
    ServerId id;
    std::vector<Address> addresses{};
    unsigned weight = 1;
    bool alive = false;    // heard within R
    bool in_pool = false;  // stands in `www`
    bool may_lead = false;
    std::string why{};  // why it is out of the pool, or may not lead; empty when all is well
    heartbeat::Role role = heartbeat::Role::unknown;
    std::optional<Duration> last_heard{};        // ago; nullopt: never since start
    std::optional<heartbeat::Heartbeat> last{};  // what it said then
    std::optional<Duration> since{};  // how long `in_pool` has been as it is; nullopt: since start
};

struct GroupStatus {
    std::string name;
    std::string zone{};  // that its names are in; the machine itself knows none
    Epoch epoch;
    std::optional<ServerId> holder;  // of a lease that lives
    std::optional<ServerId> master;  // as published
    LeaseState state = LeaseState::free;
    Duration lease_left{0};
    bool fail_open = false;
    std::string waiting_for;  // why nobody is granted, when nobody is; empty otherwise
    std::vector<ServerStatus> servers;
};

}  // namespace dnsd
