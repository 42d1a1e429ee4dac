#pragma once
// A server of DNS over TCP in the test's own process, and what its clients send and read.

#include "dnsd/io/tcp_server.h"
#include "dnsd/io/udp_server.h"
#include "tests/dnsd/support.h"

#include <functional>
#include <mutex>

namespace test {

// So many records that a transfer is far larger than all buffers on its way.
inline std::shared_ptr<const zones::Zone> large_zone(unsigned records) {
    std::string more;
    for (unsigned i = 0; i < records; ++i) more += fmt::format("host{} TXT \"{:0>200}\"\n", i, i);
    return zone("example.org", zone_text(7, more));
}

// Answers by UDP and TCP on a port of 127.0.0.1. All of loopback may transfer, unless `access` says
// otherwise.
struct Running {
    explicit Running(const dnsd::TcpLimits& limits = {},
                     const std::shared_ptr<const zones::Zone>& served =
                         zone("example.org", zone_text(7, "www A 192.0.2.80\n")),
                     const std::optional<zones::Access>& access = std::nullopt,
                     std::uint16_t udp_size_max = zones::udp_size_default,
                     std::function<void(dnsd::TransferNews)> on_news = {})
        : cell(std::make_shared<const zones::Catalog>(access ? catalog(served).with(*access)
                                                             : catalog(served))) {
        auto opened = dnsd::open_query_sockets({loopback(0)}, 1);
        REQUIRE(opened);
        sockets = std::move(*opened);
        endpoint = sockets.listeners.front().endpoint;
        udp.emplace(sockets.listeners, 1, udp_size_max, cell);
        if (!on_news) on_news = [this](dnsd::TransferNews one) { keep(std::move(one)); };
        server.emplace(sockets.listeners, limits, udp_size_max, cell, std::move(on_news));
    }
    void keep(dnsd::TransferNews one) {
        const std::lock_guard lock(mutex);
        const bool done = one.what == dnsd::TransferNews::What::ended &&
                          (one.seen.result == dnsd::TransferResult::done ||
                           one.seen.result == dnsd::TransferResult::current);
        (done ? transfers : other_news).push_back(std::move(one));
    }
    std::size_t transfers_done() {
        const std::lock_guard lock(mutex);
        return transfers.size();
    }
    dnsd::PublishedCell<zones::Catalog> cell;
    dnsd::QuerySockets sockets;
    dnsd::Endpoint endpoint = loopback(0);
    std::mutex mutex;
    std::vector<dnsd::TransferNews> transfers, other_news;
    std::optional<dnsd::UdpServer> udp;
    std::optional<dnsd::TcpServer> server;
};

inline Bytes query(std::uint16_t id, zones::Type type = zones::Type::a,
                   const std::string& what = "www.example.org") {
    return zones::make_query(name(what), type, id);
}

inline dnsd::TcpLimits short_limits() {
    dnsd::TcpLimits limits;
    limits.idle = limits.request = limits.write = 300ms;
    return limits;
}

// Reads a whole transfer: how many records it had, SOA at both ends included; 0 when it broke.
inline std::size_t read_transfer(const TcpClient& client, std::size_t& messages) {
    std::size_t records = 0, soas = 0;
    messages = 0;
    while (soas < 2) {
        const auto answer = client.receive_answer();
        if (!answer || answer->rcode != 0) return 0;
        ++messages;
        for (const zones::RRset& rrset : answer->answer) {
            records += rrset.rdatas.size();
            if (rrset.type == zones::Type::soa) soas += rrset.rdatas.size();
        }
        // One message alone holds both SOAs as one RRset of equal records.
        if (messages == 1 && records > 1 && soas == 1 &&
            answer->answer.back().type == zones::Type::soa)
            break;
    }
    return records;
}

// 127.0.42.0/24 belongs to these tests: an address of its own for each stranger.
inline dnsd::Endpoint stranger(unsigned number) {
    return {heartbeat::Address::v4({127, 0, 42, static_cast<std::uint8_t>(1 + number % 200)}), 0};
}
inline const dnsd::Endpoint& secondary() {
    static const dnsd::Endpoint address{heartbeat::Address::v4({127, 0, 42, 250}), 0};
    return address;
}
inline zones::Access to_the_secondary() {
    zones::Access access;
    access.known = {zones::Prefix::parse("127.0.42.250").value()};
    access.transfer = {{access.known.front(), std::nullopt}};
    return access;
}

inline bool answered(const TcpClient& client, std::uint16_t id) {
    client.send(query(id));
    const auto answer = client.receive_answer();
    return answer && answer->id == id;
}

}  // namespace test
