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
    SUBCASE("a demotion that was said leaves no room for three heartbeats") {
        broken.demotion_said = 3001ms;
        CHECK(only() ==
              "demotion \"3001ms\" is too long for lease \"6s\" and heartbeat \"1s\": 3 "
              "heartbeats must fit beside it, at most \"3s\"");
        // Where the lease would be too short for the usual share as well, it is the lease.
        broken.lease = 3500ms;
        broken.demotion_said = 501ms;
        CHECK(only() ==
              "lease \"3500ms\" is too short for heartbeat \"1s\": 3 heartbeats and demotion "
              "\"501ms\" must fit, at least \"3501ms\"");
        broken.lease = 6s;
        broken.demotion_said = 3s;
        CHECK(broken.check().empty());
        broken.demotion_said = 0s;
        CHECK(only() == "demotion \"0s\" is too short: at least \"1ms\"");
    }
    SUBCASE("no guard, or one that is longer than what it guards") {
        broken.guard_said = 0s;
        CHECK(only() == "guard \"0s\" is too short: at least \"1ms\"");
        broken.guard_said = 7s;
        CHECK(only() == "guard \"7s\" is too long for the lease \"6s\": at most \"6s\"");
    }
    SUBCASE("a window that outlasts the lease") {
        broken.window_said = 6001ms;
        CHECK(only() == "window \"6001ms\" is too long for the lease \"6s\": at most \"6s\"");
    }
    SUBCASE("blocks that shrink") {
        broken.block_max = 59s;
        CHECK(only() ==
              "damping_max \"59s\" is below damping \"60s\": the block doubles from damping "
              "up to damping_max");
        broken.block = 0s;
        CHECK(broken.check().empty());
        broken.block = -1s;
        CHECK(only() == "damping must not be below 0");
    }
    SUBCASE("more failovers than are remembered") {
        broken.failovers_an_hour = Damping::failovers_max;
        CHECK(broken.check().empty());
        broken.failovers_an_hour = Damping::failovers_max + 1;
        CHECK(only() == "failovers_per_hour 33 is too many: at most 32, or 0 for no bound");
    }
    SUBCASE("a half-life that turns time round") {
        broken.penalty_half_life = -1s;
        CHECK(only() == "penalty_half_life must not be below 0");
    }
    SUBCASE("a semi-sync set that nobody is in, or that does not fit a reply") {
        broken.ackers = 0;
        CHECK(only() == "ackers 0 is not between 1 and 4");
        broken.ackers = 5;
        CHECK(only() == "ackers 5 is not between 1 and 4");
    }
}

TEST_CASE("what is said of the window and the guard holds in place of the shares of the lease") {
    ArbiterRules group = rules();
    group.window_said = 50ms;
    group.guard_said = 20ms;
    CHECK(group.window() == 50ms);
    CHECK(group.expiry(6s) == 6s + 6ms + 20ms);
}

TEST_CASE("an expiry is never shorter than the lease that was told, stretched, and a guard") {
    const ArbiterRules group = rules();
    CHECK(group.expiry(6s) == 6s + 6ms + 500ms);
    // A longer lease was told before the configuration was changed.
    CHECK(group.expiry(12s) == 12s + 12ms + 1s);
}

TEST_CASE("a duration is spoken in two units, and with parts of a second while these are few") {
    CHECK(spoken(220ms) == "0.22 s");
    CHECK(spoken(6500ms) == "6.5 s");
    CHECK(spoken(6s) == "6.0 s");
    CHECK(spoken(30s) == "30 s");
    CHECK(spoken(31500ms) == "31.5 s");
    CHECK(spoken(119900ms) == "119.9 s");
    CHECK(spoken(119960ms) == "2 m");
    CHECK(spoken(255s) == "4 m 15 s");
    CHECK(spoken(30min) == "30 m");
    CHECK(spoken(1h + 5s) == "1 h");
    CHECK(spoken(31h + 59min) == "1 d 7 h");
    CHECK(spoken(24h * 366) == "366 d");
}

TEST_CASE("a note tells whom it took over from, how long nobody wrote, and who asked for it") {
    Note note{Kind::writable, id("wiki1"), Epoch{16}, "kernel update"};
    note.from = id("wiki3");
    note.no_writer = 220ms;
    note.by = "anna";
    note.planned = true;
    CHECK(log_line("wiki", note) ==
          "event=writable group=wiki server=wiki1 from=wiki3 epoch=16 planned=yes no_writer=0.220 "
          "by=\"anna\" why=\"kernel update\"");
    CHECK(sentence(note) ==
          "wiki1 leads under epoch 16: kernel update; no writer for 0.22 s (anna)");
    note.by = "a\"\n";
    CHECK(log_line("wiki", note).find("by=\"a\\\"?\"") != std::string::npos);
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
