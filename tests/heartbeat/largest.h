#pragma once
// The largest messages that there are: every list, name and number at its bound.

#include "heartbeat/message.h"
#include "tests/heartbeat/world.h"

#include <string>
#include <utility>
#include <vector>

namespace heartbeat::test {

inline constexpr const char* longest_name = "abcdefghijklmnopqrstuvwxyz012345";

inline GtidPosition full_position(std::size_t domains) {
    std::vector<Gtid> entries;
    for (std::uint32_t i = 0; i < domains; ++i)
        entries.push_back({i * 7, 0xffffffff - i, ~0ULL - i});
    return GtidPosition::of(entries).value();
}

inline Heartbeat full_heartbeat() {
    Heartbeat full;
    full.request = 0x0102030405060708;
    full.health = {true, false, true, false, true};
    full.why = std::string(Heartbeat::why_max, '~');
    full.role = Role::fenced;
    full.held = Epoch{3};
    full.promised = Epoch{4};
    full.seen = Epoch{~0ULL};
    full.wants = Wish::release;
    full.lease_left = std::chrono::milliseconds(5100);
    full.flavour = GtidFlavour::mariadb;
    full.received = full_position(GtidPosition::domains_max);
    full.applied = full_position(GtidPosition::domains_max);
    full.errant = Errant::refused;
    full.refused_under = Epoch{~0ULL};
    full.lag = std::chrono::milliseconds(38000);
    full.upstream = id(longest_name);
    full.semi_sync = true;
    full.semi_sync_clients = 9;
    full.database_start = 0x1122334455667788;
    full.mark = 0x2233445566778899;
    full.barred = 0x2233445566778800;
    full.revision = ~0ULL;
    full.read_only = false;
    full.weight = 300;
    full.priority = 65535;
    full.drain = true;
    full.may_not_lead = true;
    return full;
}

inline Deny full_deny() {
    Deny full;
    full.request = 5;
    full.epoch = Epoch{17};
    full.reason = DenyReason::gated;
    full.master = id(longest_name);
    full.master_addresses.assign(addresses_max, address("2001:db8::1"));
    full.semi_sync_set.assign(semi_sync_set_max, id(longest_name));
    full.serial = 1742;
    full.mark = ~0ULL;
    full.revision = 0x0102030405060708;
    full.retry_after = std::chrono::milliseconds(100);
    full.order = YieldOrder{id(longest_name), Epoch{18}};
    return full;
}

inline Barred longest_barred(std::size_t which) {
    std::string name(longest_name);
    name.back() = static_cast<char>('0' + which);
    Barred barred{id(name), {}};
    barred.addresses.assign(addresses_max, address("2001:db8::7"));
    return barred;
}

inline Ack full_ack() {
    Ack full = ack(9);
    full.lease = std::chrono::seconds(60);
    full.demotion = std::chrono::seconds(15);
    full.semi_sync_set.assign(semi_sync_set_max, id(longest_name));
    for (std::size_t i = 0; i < barred_max; ++i) full.barred.push_back(longest_barred(i));
    full.serial = 0xffffffff;
    full.mark = 0x3344556677889900;
    full.revision = ~0ULL;
    return full;
}

}  // namespace heartbeat::test
