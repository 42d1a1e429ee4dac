#include "dnsd/io/tcp_places.h"

#include <vector>

#include <doctest/doctest.h>

using namespace dnsd;
using namespace std::chrono_literals;

namespace {

using Kind = TcpPlaces::Kind;

zones::AddressBytes address(std::string_view text) {
    return zones::Prefix::parse(text).value().address;
}
zones::AddressBytes stranger(unsigned number) {  // one of its own for each
    return address("198.51." + std::to_string(number / 256) + "." + std::to_string(number % 256));
}
const zones::AddressBytes secondary = address("192.0.2.53");

TcpLimits limits(std::size_t connections, std::size_t reserve, std::size_t per_address) {
    TcpLimits bounds;
    bounds.connections_max = connections;
    bounds.reserve = reserve;
    bounds.connections_per_address_max = per_address;
    return bounds;
}

// Takes places as the server does: whoever has to leave does so first.
struct Served {
    explicit Served(const TcpLimits& bounds) : places(bounds) {}
    bool arrive(const zones::AddressBytes& from, Kind kind) {
        std::vector<zones::Prefix> allowed;
        if (kind == Kind::secondary) allowed.push_back({from, 128});
        return arrive(TcpPlaces::who(from, allowed));
    }
    bool arrive(const TcpPlaces::Who& who) {
        const auto verdict = places.judge(who);
        if (!verdict.admitted) return false;
        if (verdict.evict) {
            evicted.push_back(*verdict.evict);
            places.leave(held.at(*verdict.evict));
        }
        const auto number = static_cast<TcpPlaces::Number>(held.size());
        held.push_back(places.take(number, who));
        return true;
    }
    TcpPlaces places;
    std::vector<TcpPlaces::Place> held;
    std::vector<TcpPlaces::Number> evicted;
};

}  // namespace

TEST_CASE("strangers never take the reserve, and a secondary is let in beside all of them") {
    Served served(limits(10, 3, 10));
    for (unsigned i = 0; i < 100; ++i)
        CHECK(served.arrive(stranger(i), Kind::stranger) == (i < 7));  // none is idle
    CHECK(served.places.taken(Kind::stranger) == 7);
    for (int i = 0; i < 3; ++i) CHECK(served.arrive(secondary, Kind::secondary));
    CHECK(served.places.taken() == 10);
    CHECK(served.evicted.empty());
    CHECK_FALSE(served.arrive(secondary, Kind::secondary));
}

TEST_CASE("secondaries may take free places beyond the reserve; then strangers have fewer") {
    Served served(limits(10, 3, 10));
    for (int i = 0; i < 6; ++i) CHECK(served.arrive(secondary, Kind::secondary));
    for (unsigned i = 0; i < 10; ++i) CHECK(served.arrive(stranger(i), Kind::stranger) == (i < 4));
}

TEST_CASE("the longest idle stranger makes room, for strangers and for secondaries") {
    Served served(limits(4, 1, 10));
    for (unsigned i = 0; i < 3; ++i) REQUIRE(served.arrive(stranger(i), Kind::stranger));
    served.places.set_idle(served.held[1]);
    served.places.set_idle(served.held[2]);
    served.places.set_idle(served.held[0]);
    served.places.set_idle(served.held[1]);  // it asked again meanwhile
    CHECK(served.arrive(stranger(9), Kind::stranger));
    CHECK(served.evicted == std::vector<TcpPlaces::Number>{2});
    CHECK(served.arrive(secondary, Kind::secondary));  // the reserve
    CHECK(served.arrive(secondary, Kind::secondary));
    CHECK(served.evicted == std::vector<TcpPlaces::Number>{2, 0});
    served.places.set_busy(served.held[1]);
    CHECK_FALSE(served.arrive(stranger(10), Kind::stranger));
}

TEST_CASE("an idle secondary makes room for a secondary, and never for a stranger") {
    Served served(limits(2, 1, 10));
    REQUIRE(served.arrive(secondary, Kind::secondary));
    REQUIRE(served.arrive(secondary, Kind::secondary));
    served.places.set_idle(served.held[0]);
    CHECK_FALSE(served.arrive(stranger(1), Kind::stranger));
    CHECK(served.arrive(secondary, Kind::secondary));
    CHECK(served.evicted == std::vector<TcpPlaces::Number>{0});
}

TEST_CASE("an address has a bound of its own: IPv4 whole, IPv6 by its /64") {
    Served served(limits(100, 10, 2));
    SUBCASE("IPv4") {
        for (int i = 0; i < 3; ++i)
            CHECK(served.arrive(address("192.0.2.1"), Kind::stranger) == (i < 2));
        CHECK(served.arrive(address("192.0.2.2"), Kind::stranger));
    }
    SUBCASE("IPv6") {
        CHECK(served.arrive(address("2001:db8:1:2::1"), Kind::stranger));
        CHECK(served.arrive(address("2001:db8:1:2:ffff::2"), Kind::stranger));
        CHECK_FALSE(served.arrive(address("2001:db8:1:2:3::3"), Kind::stranger));
        CHECK(served.arrive(address("2001:db8:1:3::1"), Kind::stranger));
    }
    SUBCASE("a secondary as well, and places given back count no more") {
        for (int i = 0; i < 3; ++i) CHECK(served.arrive(secondary, Kind::secondary) == (i < 2));
        served.places.leave(served.held[0]);
        CHECK(served.arrive(secondary, Kind::secondary));
    }
}

TEST_CASE("neighbours in its /64 keep no secondary out, and it keeps out none of them") {
    Served served(limits(100, 10, 2));
    const auto near = [](int i) { return address("2001:db8:1:2::" + std::to_string(i)); };
    CHECK(served.arrive(near(1), Kind::stranger));
    CHECK(served.arrive(near(2), Kind::stranger));
    CHECK_FALSE(served.arrive(near(3), Kind::stranger));
    for (const int one : {53, 54})
        for (int i = 0; i < 3; ++i) CHECK(served.arrive(near(one), Kind::secondary) == (i < 2));
    served.places.leave(served.held[0]);
    CHECK(served.arrive(near(4), Kind::stranger));
    CHECK_FALSE(served.arrive(near(54), Kind::secondary));
}

TEST_CASE("where an open list allows transfers, an IPv6 /64 is one customer") {
    Served served(limits(100, 10, 2));
    const std::vector<zones::Prefix> world = {zones::Prefix::parse("::/0").value()};
    for (int i = 1; i <= 3; ++i) {
        const auto who = TcpPlaces::who(address("2001:db8::" + std::to_string(i)), world);
        CHECK(who.kind == Kind::secondary);
        CHECK(served.arrive(who) == (i <= 2));
    }
    CHECK(served.arrive(TcpPlaces::who(address("192.0.2.1"), world)));
}

TEST_CASE("the fuller it gets, the shorter a stranger may stay idle; a secondary is not hurried") {
    TcpLimits bounds = limits(110, 10, 1000);
    bounds.idle = 10s;
    Served served(bounds);
    std::chrono::milliseconds before = bounds.idle;
    for (unsigned i = 0; i < 100; ++i) {
        CHECK(served.places.idle_time(Kind::secondary) == 10s);
        const auto now = served.places.idle_time(Kind::stranger);
        if (i <= 50)
            CHECK(now == 10s);
        else
            CHECK(now < before);
        before = now;
        REQUIRE(served.arrive(stranger(i), Kind::stranger));
    }
    CHECK(served.places.idle_time(Kind::stranger) == TcpPlaces::idle_time_least);
    bounds.idle = 300ms;  // shorter than the least: it stays what was asked for
    CHECK(TcpPlaces(bounds).idle_time(Kind::stranger) == 300ms);
}
