// What differs from epoch to epoch, and from start to start, on real MariaDB servers.

#include "agent/duty/sequence.h"
#include "tests/agent/node.h"

#include <set>

#include <doctest/doctest.h>

using namespace agent;
using namespace agent::test;

namespace {

// As if its data had been lost since: an older copy of them is put back, and it leads again.
std::uint64_t first_number(Node& node) {
    REQUIRE(node.promote().why == "");
    node.server.run("CREATE DATABASE of_the_epoch");
    const auto position = *node.look().applied;
    REQUIRE(position.entries().size() == 1);
    return position.entries()[0].sequence;
}

}  // namespace

TEST_CASE("who loses all of one epoch and leads again from the same position gives other numbers") {
    std::uint64_t first = 0;
    std::uint64_t again = 0;
    SUBCASE("from an empty database") {
        {
            Node one(1);
            first = first_number(one);
            CHECK(first == raised_sequence(Node::epoch, 0) + 1);
        }
        Node one(1);
        again = first_number(one);
        CHECK(again == raised_sequence(Node::epoch, 0) + 1);
    }
    SUBCASE("from one that has data") {
        const auto with_data = [](Node& one) {
            one.server.run("SET GLOBAL gtid_slave_pos='0-7-1234'");
        };
        {
            Node one(1);
            with_data(one);
            first = first_number(one);
        }
        Node one(1);
        with_data(one);
        again = first_number(one);
    }
    SUBCASE("from one whose numbers are beyond those of the epoch") {
        const std::uint64_t far = std::uint64_t{1} << 62;
        const auto with_data = [&](Node& one) {
            one.server.run("SET GLOBAL gtid_slave_pos='0-7-" + std::to_string(far) + "'");
        };
        {
            Node one(1);
            with_data(one);
            first = first_number(one);
            CHECK(first > far);
        }
        Node one(1);
        with_data(one);
        again = first_number(one);
    }
    CHECK(again > first);
}

TEST_CASE("no two starts of a server have one start id, also within one second") {
    Node one(1);
    std::set<std::uint64_t> starts{one.look().start};
    std::set<std::uint64_t> in_seconds{*starts.begin() >> 16};
    for (int i = 0; i < 8; ++i) {
        one.server.kill();
        one.server.start();
        one.database.reset();  // an agent that never saw the one before
        one.database.emplace(one.loop, one.server.rules());
        const std::uint64_t start = one.look().start;
        one.database.reset();
        one.database.emplace(one.loop, one.server.rules());
        CHECK(one.look().start == start);
        starts.insert(start);
        in_seconds.insert(start >> 16);
    }
    CHECK(starts.size() == 9);
    WARN_MESSAGE(in_seconds.size() < 9, "the machine was too slow: no two within one second");
}
