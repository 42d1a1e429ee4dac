// Who gets a transfer when there are more than may be under way, over real sockets (axfr_storm).
#include "tests/dnsd/tcp_support.h"

#include <doctest/doctest.h>

using namespace dnsd;
using namespace test;
using namespace std::chrono_literals;

namespace {

constexpr unsigned records = 20'000;

TcpLimits bounds(std::size_t transfers, std::size_t per_address) {
    TcpLimits limits;
    limits.transfers_max = transfers;
    limits.transfers_per_address_max = per_address;
    return limits;
}

// All of loopback may transfer, and one address is a secondary.
zones::Access one_is_known() {
    zones::Access access = to_the_secondary();
    access.transfer = {{zones::Prefix::parse("127.0.0.0/8").value(), std::nullopt}};
    return access;
}

Bytes axfr(std::uint16_t id) {
    return query(id, zones::Type::axfr, "example.org");
}

struct Asked : TcpClient {
    Asked(const Running& running, const Endpoint& from) : TcpClient(running.endpoint, 4096, from) {
        send(axfr(1));
    }
    // Without a word more, as when its machine fails.
    void resets() const {
        const linger none{1, 0};
        REQUIRE(::setsockopt(fd(), SOL_SOCKET, SO_LINGER, &none, sizeof none) == 0);
    }
    bool begins(std::chrono::milliseconds within = 5000ms) const { return readable(fd(), within); }
    bool comes_whole() const {
        std::size_t messages = 0;
        return read_transfer(*this, messages) == records + 4;
    }
};

bool stand(Running& running, std::uint64_t under_way, std::uint64_t waiting) {
    return eventually([&] {
        const TcpTotals now = running.server->totals();
        return now.transfers == under_way && now.transfers_waiting == waiting;
    });
}

}  // namespace

TEST_CASE("a transfer over the bound of all waits, and comes whole when another has ended") {
    Running running(bounds(2, 2), large_zone(records));
    const Asked first(running, stranger(1)), second(running, stranger(2));
    REQUIRE(first.begins());
    REQUIRE(second.begins());
    const Asked third(running, stranger(3));
    REQUIRE(stand(running, 2, 1));
    // What is asked behind it is answered, and who may not transfer is refused at once.
    third.send(query(2));
    CHECK(third.receive_answer()->id == 2);
    third.send(query(3, zones::Type::axfr, "other.org"));
    CHECK(third.receive_answer()->rcode == 9);  // NOTAUTH, RFC 5936 §2.2.1
    CHECK_FALSE(third.begins(50ms));
    CHECK(first.comes_whole());
    CHECK(third.comes_whole());
    CHECK(second.comes_whole());
    CHECK(stand(running, 0, 0));
}

TEST_CASE("strangers hold half of the places at most, and a secondary is before them in line") {
    Running running(bounds(4, 4), large_zone(records), one_is_known());
    const Asked first(running, stranger(1)), second(running, stranger(2));
    REQUIRE(first.begins());
    REQUIRE(second.begins());
    const Asked third(running, stranger(3));
    REQUIRE(stand(running, 2, 1));
    std::vector<Asked> known;
    for (int i = 0; i < 3; ++i) known.emplace_back(running, secondary());
    REQUIRE(stand(running, 4, 2));
    CHECK(known[0].begins());
    CHECK(known[1].begins());
    CHECK_FALSE(known[2].begins(20ms));
    CHECK(first.comes_whole());
    CHECK(known[2].begins());
    CHECK(stand(running, 4, 1));
    CHECK_FALSE(third.begins(20ms));
    CHECK(known[0].comes_whole());
    CHECK(third.comes_whole());
}

TEST_CASE("an address has its bound on all its connections together, and others go past it") {
    Running running(bounds(10, 2), large_zone(records));
    std::vector<Asked> greedy;
    for (int i = 0; i < 3; ++i) {
        greedy.emplace_back(running, stranger(1));
        if (i < 2) REQUIRE(greedy.back().begins());
    }
    REQUIRE(stand(running, 2, 1));
    CHECK(Asked(running, stranger(2)).comes_whole());
    CHECK_FALSE(greedy[2].begins(20ms));
    CHECK(greedy[0].comes_whole());
    CHECK(greedy[2].comes_whole());
}

TEST_CASE("who takes nothing in is dropped by its deadline, and its place goes to who waits") {
    TcpLimits limits = bounds(2, 1);
    limits.write = 1s;
    Running running(limits, large_zone(records));
    const Asked dead(running, stranger(1)), other(running, stranger(2));
    REQUIRE(stand(running, 2, 0));
    const Asked waits(running, stranger(3));
    REQUIRE(stand(running, 2, 1));
    CHECK(waits.comes_whole());
    CHECK(running.server->totals().timed_out >= 1);
}

TEST_CASE("waiting is not idling, and who leaves the line or closes its own end is no loss") {
    TcpLimits limits = bounds(2, 2);
    limits.idle = limits.request = 300ms;
    Running running(limits, large_zone(records));
    const Asked first(running, stranger(1)), second(running, stranger(2));
    REQUIRE(stand(running, 2, 0));
    const Asked waits(running, stranger(3));
    REQUIRE(stand(running, 2, 1));
    waits.send_raw({std::byte{0}});  // a request begins, and never ends
    const Asked closes(running, stranger(4));
    closes.half_close();
    {
        const Asked leaves(running, stranger(5));
        REQUIRE(stand(running, 2, 3));
        leaves.resets();
    }
    CHECK(stand(running, 2, 2));
    CHECK_FALSE(waits.begins(1000ms));
    CHECK(first.comes_whole());
    CHECK(waits.comes_whole());
    CHECK(second.comes_whole());
    CHECK(closes.comes_whole());
    CHECK(closes.ended());
    CHECK(stand(running, 0, 0));
}

TEST_CASE("two hundred transfers are under way at once with the bounds that nobody has set") {
    Running running({}, large_zone(records));
    std::vector<Asked> all;
    for (unsigned i = 0; i < 200; ++i) all.emplace_back(running, stranger(i));
    CHECK(stand(running, 200, 0));
}
