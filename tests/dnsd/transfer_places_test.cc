#include "dnsd/io/transfer_places.h"

#include <random>
#include <vector>

#include <doctest/doctest.h>

using namespace dnsd;

namespace {

using Kind = TcpPlaces::Kind;
using Numbers = std::vector<TcpPlaces::Number>;

TcpLimits limits(std::size_t all, std::size_t per_address) {
    TcpLimits bounds;
    bounds.transfers_max = all;
    bounds.transfers_per_address_max = per_address;
    return bounds;
}

// Connections as the server has them: each begins what it may, and the rest waits.
struct Served {
    explicit Served(const TcpLimits& bounds) : places(bounds) {}

    struct Connection {
        TransferPlaces::Part part;
        std::size_t under_way = 0, waiting = 0;
        bool gone = false;
    };
    TcpPlaces::Number connect(const std::string& from, Kind kind) {
        const TcpPlaces::Who who{kind, zones::Prefix::parse(from).value().address};
        const auto number = static_cast<TcpPlaces::Number>(connections.size());
        connections.push_back({places.enter(number, who)});
        return number;
    }
    // It asks for so many; how many of all that it waits for have begun at once.
    std::size_t ask(TcpPlaces::Number number, std::size_t transfers) {
        Connection& one = connections[number];
        one.waiting += transfers;
        const std::size_t begun = std::min(one.waiting, places.may_begin(one.part));
        one.waiting -= begun;
        one.under_way += begun;
        places.after_turn(one.part, begun, one.under_way, one.waiting);
        return begun;
    }
    void end(TcpPlaces::Number number) {
        Connection& one = connections[number];
        REQUIRE(one.under_way > 0);
        places.after_turn(one.part, 0, --one.under_way, one.waiting);
    }
    void leave(TcpPlaces::Number number) {
        places.leave(connections[number].part);
        connections[number] = {{}, 0, 0, true};
    }
    // To whom the free places go.
    Numbers give() {
        Numbers to;
        while (const auto number = places.next()) to.push_back(*number);
        return to;
    }
    TransferPlaces places;
    std::vector<Connection> connections;
};

}  // namespace

TEST_CASE("so many transfers are under way in all and no more; the next begins when one ends") {
    Served served(limits(5, 5));
    const auto a = served.connect("192.0.2.1", Kind::secondary);
    const auto b = served.connect("192.0.2.2", Kind::secondary);
    CHECK(served.ask(a, 3) == 3);
    CHECK(served.ask(b, 4) == 2);
    CHECK(served.places.taken() == 5);
    CHECK(served.places.waiting() == 2);
    CHECK(served.give().empty());
    served.end(a);
    CHECK(served.give() == Numbers{b});
    CHECK(served.give().empty());
    CHECK(served.places.taken() == 5);  // given, though it has not begun yet
    CHECK(served.places.waiting() == 1);
    CHECK(served.ask(b, 0) == 1);
    CHECK(served.places.taken() == 5);
}

TEST_CASE("an address has so many transfers, on however many connections; others go past it") {
    Served served(limits(10, 2));
    const auto a = served.connect("192.0.2.1", Kind::secondary);
    const auto again = served.connect("192.0.2.1", Kind::secondary);
    const auto b = served.connect("192.0.2.2", Kind::secondary);
    CHECK(served.ask(a, 1) == 1);
    CHECK(served.ask(again, 2) == 1);
    CHECK(served.give().empty());
    CHECK(served.ask(b, 3) == 2);
    CHECK(served.ask(a, 1) == 0);
    served.end(a);
    CHECK(served.give() == Numbers{again});  // has asked before
    served.leave(again);
    CHECK(served.give() == Numbers{a});
    CHECK(served.places.taken() == 3);
}

TEST_CASE("strangers never have more than half of the places; secondaries may have all") {
    Served served(limits(7, 7));
    const auto first = served.connect("198.51.100.1", Kind::stranger);
    const auto second = served.connect("198.51.100.2", Kind::stranger);
    const auto secondary = served.connect("192.0.2.1", Kind::secondary);
    SUBCASE("strangers come first") {
        CHECK(served.ask(first, 2) == 2);
        CHECK(served.ask(second, 2) == 1);
        CHECK(served.places.taken(Kind::stranger) == 3);
        CHECK(served.ask(secondary, 7) == 4);
        served.end(first);
        CHECK(served.give() == Numbers{secondary});  // before the stranger that waits longer
        served.end(secondary);
        CHECK(served.give() == Numbers{secondary});
    }
    SUBCASE("the secondary comes first") {
        CHECK(served.ask(secondary, 7) == 7);
        CHECK(served.ask(first, 1) == 0);
        served.end(secondary);
        CHECK(served.give() == Numbers{first});
    }
}

TEST_CASE("addresses that wait are given places in turn, and a newcomer does not go past them") {
    Served served(limits(2, 2));
    const auto holder = served.connect("192.0.2.1", Kind::secondary);
    const auto much = served.connect("192.0.2.2", Kind::secondary);
    const auto little = served.connect("192.0.2.3", Kind::secondary);
    const auto late = served.connect("192.0.2.4", Kind::secondary);
    REQUIRE(served.ask(holder, 2) == 2);
    CHECK(served.ask(much, 8) == 0);
    CHECK(served.ask(little, 1) == 0);
    served.end(holder);
    CHECK(served.ask(late, 1) == 0);  // before the free place was given
    CHECK(served.give() == Numbers{much});
    served.end(holder);
    CHECK(served.give() == Numbers{little});
    CHECK(served.ask(little, 0) == 1);
    served.end(little);
    CHECK(served.give() == Numbers{late});
    served.leave(late);
    CHECK(served.give() == Numbers{much});
}

TEST_CASE("who leaves gives back its places, those not begun in, and its part of the line") {
    Served served(limits(2, 2));
    const auto a = served.connect("192.0.2.1", Kind::secondary);
    const auto b = served.connect("192.0.2.2", Kind::secondary);
    REQUIRE(served.ask(a, 2) == 2);
    REQUIRE(served.ask(b, 3) == 0);
    served.end(a);
    REQUIRE(served.give() == Numbers{b});
    served.leave(b);
    CHECK(served.places.waiting() == 0);
    CHECK(served.places.taken() == 1);
    CHECK(served.give().empty());
    served.leave(a);
    CHECK(served.places.taken() == 0);
}

TEST_CASE("whatever clients do, the bounds hold, and what is taken and what waits adds up") {
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        CAPTURE(seed);
        std::mt19937_64 random(seed);
        const std::size_t all = 2 + random() % 12, per_address = 1 + random() % all;
        Served served(limits(all, per_address));
        for (int step = 0; step < 400; ++step) {
            const std::size_t kind = random() % 10;
            const auto number =
                static_cast<TcpPlaces::Number>(random() % (served.connections.size() + 1));
            if (number == served.connections.size()) {
                const std::size_t from = random() % 6;  // 0 to 2 are secondaries
                served.connect("192.0.2." + std::to_string(from),
                               from < 3 ? Kind::secondary : Kind::stranger);
                continue;
            }
            if (served.connections[number].gone) continue;
            if (kind == 0)
                served.leave(number);
            else if (kind < 5 || served.connections[number].under_way == 0)
                served.ask(number, random() % 4);
            else
                served.end(number);
            for (const auto given : served.give())
                if (random() % 4 != 0) served.ask(given, 0);  // else it is not ready to begin
            std::size_t under_way = 0, waiting = 0;
            for (const auto& one : served.connections) {
                if (one.gone) continue;
                under_way += one.under_way;
                waiting += one.waiting;
            }
            REQUIRE(under_way <= served.places.taken());
            REQUIRE(served.places.taken() <= all);
            REQUIRE(served.places.taken(Kind::stranger) <= all / 2);
            // What is given and not begun is both taken, and among what waits.
            REQUIRE(served.places.taken() + served.places.waiting() == under_way + waiting);
        }
        for (TcpPlaces::Number i = 0; i < served.connections.size(); ++i)
            if (!served.connections[i].gone) served.leave(i);
        CHECK(served.places.taken() == 0);
        CHECK(served.places.waiting() == 0);
    }
}
