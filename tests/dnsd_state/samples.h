#pragma once
// A status as the daemon would take it, with a bit of everything in it.

#include "dnsd/io/status_json.h"

namespace samples {

inline dnsd::ServerStatus server(std::string_view id, std::string_view address) {
    dnsd::ServerStatus out{*dnsd::ServerId::parse(id), {*dnsd::Address::parse(address)}};
    out.alive = true;
    out.in_pool = true;
    out.may_lead = true;
    out.role = heartbeat::Role::replica;
    out.last_heard = std::chrono::milliseconds(400);
    heartbeat::Heartbeat beat;
    beat.health = {true, true, true, true, false};
    beat.applied = heartbeat::GtidPosition::parse("0-1-42");
    beat.lag = std::chrono::seconds(0);
    out.last = beat;
    return out;
}

inline dnsd::Status status() {
    using namespace std::chrono_literals;
    dnsd::Status out;
    out.host = "ns0";
    out.mode = "act";
    out.uptime = 3542400s;
    out.time_ms = 1795343002000;  // 2026-11-22T10:23:22Z
    out.ready = true;
    dnsd::GroupStatus group;
    group.name = group.zone = "wiki.example";
    group.epoch = {17};
    group.holder = group.master = dnsd::ServerId::parse("wiki2");
    group.state = dnsd::LeaseState::held;
    group.lease_left = 5100ms;
    group.servers = {server("wiki1", "192.0.2.11"), server("wiki2", "192.0.2.12")};
    group.servers[1].role = heartbeat::Role::master;
    out.groups = {group};
    out.zones = {{"wiki.example", 1742}};
    const auto zone = *zones::Name::parse("wiki.example");
    out.secondaries = {{*dnsd::Address::parse("198.51.100.1"), 53, zone, zones::Serial(1742), 0,
                        std::nullopt, dnsd::SecondaryStatus::Notify::acknowledged, 0}};
    out.secondaries[0].name = "ns1.wiki.example";
    out.secondaries[0].asked = zones::Serial(1741);
    out.secondaries[0].asked_ago = 255s;
    dnsd::TransferSeen seen;
    seen.kind = dnsd::TransferKind::ixfr;
    seen.serial = zones::Serial(1742);
    seen.took = 40ms;
    seen.bytes = 412;
    out.secondaries[0].last_transfer = seen;
    out.secondaries[0].last_transfer_ago = 255s;
    out.history = {{1795342747000,
                    "wiki.example",
                    {dnsd::Kind::left_pool,
                     dnsd::ServerId::parse("wiki4"),
                     {17},
                     "page: HTTP 503, want 200"}}};
    out.counters.dns_requests = {{{"udp"}, 7}, {{"tcp"}, 0}};
    out.counters.decisions_lost = {{{}, 2}};
    out.counters.notify_datagrams = {{{"sent"}, 3}};
    return out;
}

}  // namespace samples
