// What a zone file may not have of what a group makes, and the timers that have to fit it.
#include "tests/dnsd_state/configuring.h"

#include "dnsd/config/config.h"
#include "dnsd/config/live_timers.h"

#include <doctest/doctest.h>

using namespace dnsd;
using namespace dnsd::configuring;
using namespace std::chrono_literals;
using heartbeat::Duration;

TEST_CASE("master may not stand in the zone file either, and other names may") {
    const auto group = good(smallest).groups[0];
    const Files files{{"z",
                       "$TTL 300\n@ SOA ns0 admin 1 3600 600 86400 60\n@ NS ns0\nns0 A 192.0.2.1\n"
                       "mail A 192.0.2.2\nMASTER.wiki.example. A 192.0.2.3\n"}};
    const auto watch = live_names(group);
    const auto loaded = zones::load_zone(group.zone, "z", opener(files), watch);
    const auto mistakes = live_names_in(loaded, group);
    REQUIRE(mistakes.size() == 1);
    CHECK(mistakes[0].line == 6);
    CHECK(mistakes[0].what == "'master' is made by Arbiter and may not stand in the zone file");
    CHECK(mistakes[0].hint.starts_with("'master' has no record until a server has been writable"));
}

TEST_CASE("the SOA's timers have to fit names that change by the second") {
    const auto group = good(smallest).groups[0];
    const auto timers = [&](const std::string& soa) {
        const Files files{
            {"z", "$TTL 300\n@ SOA ns0 admin (\n" + soa + " )\n@ NS ns0\nns0 A 192.0.2.1\n"}};
        const auto loaded = zones::load_zone(group.zone, "z", opener(files), live_names(group));
        REQUIRE(loaded.zone);
        return timers_for(loaded, group);
    };
    CHECK(timers("1 3600 600 604800 60").empty());
    CHECK(timers("1 600 60 604800 5").empty());
    const auto refresh = timers("1\n  3601 600 604800 60");
    REQUIRE(refresh.size() == 1);
    CHECK(refresh[0].severity == zones::Mistake::warning);
    CHECK(refresh[0].text().starts_with("z:4:3: warning: the SOA's refresh is 3601 s: "));
    const auto minimum = timers("1 3600 600\n604800 61");
    REQUIRE(minimum.size() == 1);
    CHECK(
        minimum[0].text().starts_with("z:4:8: warning: the SOA's minimum lets resolvers keep for "
                                      "61 s that a name of group "));
    CHECK(minimum[0].hint == "write 60 or less (RFC 2308 §5)");
    SUBCASE("a group whose records live longer may be absent as long") {
        auto slow = group;
        slow.www_ttl = slow.master_ttl = 300;
        const Files files{{"z",
                           "$TTL 300\n@ SOA ns0 admin 1 3600 600 86400 300\n@ NS ns0\n"
                           "ns0 A 192.0.2.1\n"}};
        CHECK(timers_for(zones::load_zone(group.zone, "z", opener(files)), slow).empty());
    }
}

TEST_CASE("what a group makes may not be below a DNAME or a cut (RFC 6672 §2.3)") {
    auto group = good(smallest).groups[0];
    group.www_name = *zones::Name::parse("www.live.wiki.example");
    const auto found = [&](const std::string& more) {
        const Files files{
            {"z", "$TTL 300\n@ SOA ns0.x. admin 1 3600 600 86400 60\n@ NS ns0.x.\n\n" + more}};
        const auto loaded = zones::load_zone(group.zone, "z", opener(files), live_names(group));
        REQUIRE(loaded.zone);
        std::string text;
        for (const auto& mistake : live_names_in(loaded, group)) {
            CHECK(mistake.severity == zones::Mistake::error);
            text += mistake.text().substr(0, mistake.text().find('\n')) + "\n";
        }
        return text;
    };
    CHECK(found("@ DNAME x.\n") ==
          "z:5:1: error: the DNAME of 'wiki.example' takes 'www.live.wiki.example' away, which is "
          "made by Arbiter\n"
          "z:5:1: error: the DNAME of 'wiki.example' takes 'master.wiki.example' away, which is "
          "made by Arbiter\n");
    CHECK(found("mail A 192.0.2.2\n  A 192.0.2.3\nLIVE DNAME x.\n") ==
          "z:7:1: error: the DNAME of 'LIVE.wiki.example' takes 'www.live.wiki.example' away, "
          "which is made by Arbiter\n");
    CHECK(found("live NS ns.x.\nlive NS ns.y.\n") ==
          "z:5:1: error: the NS of 'live.wiki.example' takes 'www.live.wiki.example' away, which "
          "is made by Arbiter\n");
    // Beside and below them, and at the apex, they take nothing away.
    CHECK(found("@ NS ns.x.\nother DNAME x.\nsub NS ns.x.\na.www.live DNAME x.\n") == "");
    // At the name itself it is told as any record is.
    CHECK(found("www.live NS ns.x.\n") ==
          "z:5:1: error: 'www.live.wiki.example' is made by Arbiter and may not stand in the zone "
          "file\n");
}
