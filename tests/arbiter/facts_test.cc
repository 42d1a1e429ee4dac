#include "rules.h"

#include <doctest/doctest.h>

using namespace dnsd;
using namespace dnsd::testing;

TEST_CASE("the default times and the fastest ones hold all timing rules") {
    CHECK(rules().check().empty());
    ArbiterRules fast = rules();
    fast.heartbeat = 100ms;
    fast.lease = 600ms;
    CHECK(fast.check().empty());
    CHECK(fast.window() == 100ms);
    CHECK(fast.retry_soon() == 10ms);
}

TEST_CASE("a broken timing rule is told with its numbers") {
    ArbiterRules broken = rules();
    const auto only = [&] {
        const auto sentences = broken.check();
        REQUIRE(sentences.size() == 1);
        return sentences.front();
    };
    SUBCASE("three heartbeats and the demotion do not fit into the lease") {
        broken.lease = 3999ms;
        CHECK(
            only() ==
            "lease \"3999ms\" is too short for heartbeat \"1s\": 3 heartbeats and a quarter of the "
            "lease to fence must fit, at least \"4s\"");
        broken.lease = 4s;
        CHECK(broken.check().empty());
    }
    SUBCASE("the lease is longer than a quarantine ever waits") {
        broken.lease = 60s;
        CHECK(broken.check().empty());
        broken.lease = 61s;
        CHECK(only() == "lease \"61s\" is too long: at most \"60s\"");
    }
    SUBCASE("no heartbeat") {
        broken.heartbeat = 0s;
        CHECK(only() == "heartbeat \"0s\" is too short: at least \"10ms\"");
    }
    SUBCASE("a server would be out between two heartbeats") {
        broken.down_after = 1999ms;
        CHECK(only() ==
              "down_after \"1999ms\" is too short for heartbeat \"1s\": two heartbeats "
              "must fit, at least \"2s\"");
    }
    SUBCASE("more servers than the bound") {
        broken = rules(ArbiterRules::servers_max);
        std::sort(broken.servers.begin(), broken.servers.end(),
                  [](const auto& a, const auto& b) { return a.id < b.id; });
        CHECK(broken.check().empty());
        broken.servers.push_back({id("wiki99a"), {Address::v4({192, 0, 2, 1})}, 1, true, 0});
        CHECK(only() == "65 servers are too many: at most 64");
    }
    SUBCASE("a server twice") {
        broken.servers.push_back(broken.servers.back());
        CHECK(only() == "server wiki3 stands twice, or the servers are not sorted");
    }
    SUBCASE("a server without an address") {
        broken.servers.front().addresses.clear();
        CHECK(only() == "server wiki1 has no address");
    }
    SUBCASE("a rate error that no clock has") {
        broken.rho = std::numeric_limits<double>::quiet_NaN();
        CHECK(only() == "the clocks' rate error rho must be between 0 and 0.05");
    }
}

TEST_CASE("an expiry is never shorter than the lease that was told, stretched, and a guard") {
    const ArbiterRules group = rules();
    CHECK(group.expiry(6s) == 6s + 6ms + 500ms);
    // A longer lease was told before the configuration was changed.
    CHECK(group.expiry(12s) == 12s + 12ms + 1s);
}

TEST_CASE("a note becomes one line for the journal and one sentence for people") {
    const Note note{Kind::writable, id("wiki2"), Epoch{17}, "wiki1 was \"silent\" for 6.5 s"};
    CHECK(log_line("wikipedia", note) ==
          "event=writable group=wikipedia server=wiki2 epoch=17 why=\"wiki1 was \\\"silent\\\" for "
          "6.5 s\"");
    CHECK(sentence(note) == "wiki2 leads under epoch 17: wiki1 was \"silent\" for 6.5 s");
    CHECK(sentence({Kind::left_pool, id("wiki4"), Epoch{}, "page: HTTP 503"}) ==
          "wiki4 leaves www: page: HTTP 503");
    CHECK(log_line("wiki", {Kind::refused, std::nullopt, Epoch{1}, "a\nb"}) ==
          "event=refused group=wiki epoch=1 why=\"a?b\"");
}
