// The zone checker, kind by kind: what is told, where, and whether the zone is served. That BIND's
// checker says the same is shown by tests/interop/checkzone_test.cc.
#include "zones/check.h"
#include "tests/zones/support.h"
#include "zones/flaw.h"

#include <doctest/doctest.h>

using namespace zones;
using namespace zones::testing;

namespace {

const std::string front =
    "$TTL 300\n@ SOA ns host 1 3600 600 86400 60\n@ NS ns\nns A 192.0.2.53\n";  // four lines

Lines told(const std::string& text) {
    return texts(load("example", front + text).mistakes);
}

Lines told_of_soa(const std::string& timers) {
    return texts(
        load("example", "$TTL 300\n@ SOA ns.x. host.x. " + timers + "\n@ NS ns.x.\n").mistakes);
}

}  // namespace

TEST_CASE("a name server of the zone itself without address keeps the zone from being served") {
    CHECK(told("@ NS w\n") ==
          Lines{"5:1: error: NS of 'example' names 'w.example', which has no address"});
    CHECK(told("@ NS w\nw CNAME ns\n") ==
          Lines{"5:1: error: NS of 'example' names 'w.example', which is an alias (CNAME)"});
    CHECK(told("@ NS w.d\nd DNAME x.\n") == Lines{"5:1: error: NS of 'example' names 'w.d.example'"
                                                  ", which is an alias, as it is below a DNAME"});
    CHECK(told("@ NS w\na.w A 192.0.2.1\n").size() == 1);
    CHECK(told("@ NS w\n*.w A 192.0.2.1\n").size() == 1);
    CHECK(told("@ NS a.w\n*.w AAAA ::1\n").empty());
    CHECK(told("@ NS w.other.\n").empty());
    CHECK(told("@ NS w.d\nd NS ns\n") ==
          Lines{"5:1: warning: NS of 'example' names 'w.d.example', which has no glue address, "
                "without which nobody finds it"});
}

TEST_CASE("glue that is missing is told at the NS record") {
    CHECK(told("sub NS ns.sub\n") ==
          Lines{"5:1: warning: NS of 'sub.example' names 'ns.sub.example', which has no glue "
                "address, without which nobody finds it"});
    CHECK(told("sub NS ns.sub\nns.sub A 192.0.2.1\n").empty());
    CHECK(told("sub NS ns.other\nother NS ns\n") ==
          Lines{"5:1: warning: NS of 'sub.example' names 'ns.other.example', which has no glue "
                "address, though it is in a sibling zone"});
    CHECK(told("sub NS h\n") ==
          Lines{"5:1: warning: NS of 'sub.example' names 'h.example', which has no address"});
    CHECK(told("sub NS h\nh CNAME ns\n") ==
          Lines{"5:1: warning: NS of 'sub.example' names 'h.example', which is an alias (CNAME)"});
    CHECK(told("sub NS ns\nsub NS x.elsewhere.\n").empty());
}

TEST_CASE("targets of MX and SRV are hosts with addresses") {
    CHECK(told("@ MX 10 m\n") ==
          Lines{"5:1: warning: MX of 'example' names 'm.example', which has no address"});
    CHECK(told("@ MX 10 m\nm CNAME ns\n") ==
          Lines{"5:1: warning: MX of 'example' names 'm.example', which is an alias (CNAME)"});
    CHECK(told("_a._tcp SRV 0 0 1 m\n") ==
          Lines{"5:1: warning: SRV of '_a._tcp.example' names 'm.example', which has no address"});
    CHECK(told("@ MX 0 .\n_a._tcp SRV 0 0 0 .\n").empty());  // RFC 7505, RFC 2782: none
    CHECK(told("@ MX 10 m.sub\nsub NS ns\n").empty());       // another zone's business
    CHECK(told("@ MX 10 192.0.2.1.\n") == Lines{"5:1: warning: MX names the address '192.0.2.1.'"});
    CHECK(told("sub NS 2001:db8::1.\n") ==
          Lines{"5:1: warning: NS names the address '2001:db8::1.'",
                "5:1: warning: NS names '2001:db8::1', which is no host name"});
}

TEST_CASE("names that are made elsewhere have their addresses") {
    const Name made[] = {name("www.example"), name("master.example")};
    const auto opener = [](const std::string&) {
        return tl::expected<std::string, std::string>(front + "@ MX 1 www\n@ NS master\n");
    };
    const Loaded loaded = load_zone(name("example"), "zone", opener, made);
    CHECK(loaded.zone != nullptr);
    CHECK(texts(loaded.mistakes) == Lines{});
    CHECK(load("example", front + "@ MX 1 www\n@ NS master\n").zone == nullptr);
}

TEST_CASE("what a cut or a DNAME hides is told") {
    CHECK(told("sub NS ns\na.sub TXT x\n") ==
          Lines{"6:1: warning: 'a.sub.example' has TXT data that nobody can see: 'sub.example' is "
                "delegated"});
    CHECK(told("sub NS ns\nsub MX 1 nope\n") ==
          Lines{"6:1: warning: 'sub.example' has MX data that nobody can see: 'sub.example' is "
                "delegated"});
    CHECK(told("sub NS ns\na.sub A 192.0.2.1\n").empty());  // may be glue
    CHECK(told("d DNAME x.\na.b.d A 192.0.2.1\n") ==
          Lines{"6:1: warning: 'a.b.d.example' has A data that nobody can see: 'd.example' has a "
                "DNAME"});
    CHECK(told("d DNAME x.\nd A 192.0.2.1\n").empty());
}

TEST_CASE("names that no host can have") {
    CHECK(told("a_b A 192.0.2.1\n") ==
          Lines{"5:1: warning: 'a_b.example' has A data and is no host name"});
    CHECK(told("a_b TXT x\n_a._tcp SRV 0 0 1 ns\n* A 192.0.2.1\n3com A 192.0.2.1\n").empty());
    CHECK(told("sub NS a_b.x.\n") ==
          Lines{"5:1: warning: NS names 'a_b.x', which is no host name"});
    CHECK(told("x A 192.0.2.1\nx.*.y TXT x\n") ==
          Lines{"6:1: warning: 'x.*.y.example' has an asterisk that is not its first label"});
    // RFC 4592 §4.2: discouraged, and served.
    CHECK(told("*.w NS ns\n") ==
          Lines{"5:1: warning: '*.w.example' is a wildcard and has an NS record"});
    CHECK(is_hostname(name("a-1.b").wire(), false));
    CHECK_FALSE(is_hostname(name("-a.b").wire(), false));
    CHECK_FALSE(is_hostname(name("a.b-").wire(), false));
    CHECK_FALSE(is_hostname(name("*.b").wire(), false));
    CHECK(is_hostname(name("*.b").wire(), true));
    CHECK_FALSE(is_hostname(name("b.*").wire(), true));
}

// Found by fuzzing: the checker looked at the host of an AFSDB that had none.
TEST_CASE("data given as bytes have the fields of their type (fuzz_zone_text)") {
    for (const char* data : {"AFSDB \\# 3 010203", "AFSDB \\# 2 0001", "AFSDB \\# 0",
                             "RT \\# 4 0001c000", "RP \\# 1 00", "RP \\# 4 c000c001",
                             "SVCB \\# 2 0001", "HTTPS \\# 0", "MINFO \\# 1 00", "NSEC \\# 0"}) {
        CAPTURE(data);
        CHECK(load("example", front + "x " + data + "\n").zone == nullptr);
    }
    CHECK(told("x AFSDB \\# 3 000100\nx RP \\# 2 0000\nx APL \\# 0\n").empty());
}

TEST_CASE("records that may not stand where they do") {
    CHECK(told("@ DS 1 8 2 " + std::string(64, '0') + "\n") ==
          Lines{"5:1: error: 'example' has a DS record at the zone's own apex"});
    CHECK(told("x NSEC3 1 0 1 aa 2T7B4G4VSA5SMI47K61MV5BV1A22BOJR A\n") ==
          Lines{"5:1: error: 'x.example' has an NSEC3 record and is no hash"});
    CHECK(told("x MD ns\n") == Lines{"5:3: error: type MD is obsolete"});
    CHECK(told("c CNAME ns\nc KEY 512 3 8 AQAB\n").empty());  // RFC 3007 §3.1.1
    CHECK(told("c CNAME ns\nc DNAME x.\n") ==
          Lines{"6:1: error: 'c.example' has a CNAME record and other data"});
    CHECK(told("@ SPF \"v=spf1 -all\"\n") ==
          Lines{"5:1: warning: 'example' has an SPF record and no TXT record with the policy"});
    CHECK(told("@ SPF \"v=spf1 -all\"\n@ TXT \"v=spf1 -all\"\n").empty());
}

TEST_CASE("data that are not in the zone are left out, with a warning") {
    const Loaded loaded = load("example", front + "w.x. A 192.0.2.1\nw A 192.0.2.2\n");
    CHECK(texts(loaded.mistakes) ==
          Lines{"5:1: warning: 'w.x' is not in the zone 'example' and is left out"});
    REQUIRE(loaded.zone != nullptr);
    CHECK(loaded.zone->records() == 4);
    CHECK(told("w.x. A 192.0.2\n").size() == 1);
    CHECK(load("example", front + "w.x. A 192.0.2\n").zone == nullptr);
}

TEST_CASE("an SOA whose values make no sense is served and told") {
    CHECK(told_of_soa("1 3600 600 86400 60").empty());
    CHECK(told_of_soa("0 3600 600 86400 60") == Lines{"2:1: warning: the SOA's serial is 0"});
    CHECK(told_of_soa("1 3600 600 3600 60") ==
          Lines{"2:1: warning: the SOA's expire is below its refresh and retry together"});
    CHECK(told_of_soa("1 600 3600 86400 60") ==
          Lines{"2:1: warning: the SOA's retry is above its refresh"});
    CHECK(told_of_soa("1 3600 0 86400 60") ==
          Lines{"2:1: warning: the SOA has a refresh or retry of 0: secondaries would ask all the "
                "time"});
    CHECK(told_of_soa("1 3600 600 86400 604801") ==
          Lines{"2:1: warning: the SOA's minimum, the TTL of negative answers, is above a week"});
}

TEST_CASE("of many warnings the first of each kind are told and the rest counted") {
    std::string text = front;
    for (std::size_t i = 0; i < Flaws::warnings_max + 50; ++i)
        text += "a_" + std::to_string(i) + " A 192.0.2.1\n";
    const Loaded loaded = load("example", text + "dup A 192.0.2.1\ndup A 192.0.2.1\n");
    REQUIRE(loaded.zone != nullptr);
    const Lines lines = texts(loaded.mistakes);
    REQUIRE(lines.size() == Flaws::warnings_max + 2);
    CHECK(lines.front() == "5:1: warning: 'a_0.example' has A data and is no host name");
    CHECK(lines[Flaws::warnings_max - 1] ==
          "104:1: warning: 'a_99.example' has A data and is no host name");
    CHECK(lines[Flaws::warnings_max] == "156:1: warning: duplicate record: 'dup.example' A");
    CHECK(lines.back() == "zone: warning: 50 more owners that are no host names are not shown");
}

TEST_CASE("flaws keep the first by place, in whatever order they come") {
    Flaws flaws;
    for (std::uint64_t tag = 1000; tag > 0; --tag) flaws.tell(tag, FlawKind::ttl, "x", "");
    const auto kept = flaws.flaws();
    REQUIRE(kept.size() == Flaws::warnings_max);
    CHECK(kept.front().tag == 1);
    CHECK(kept.back().tag == Flaws::warnings_max);
    CHECK(flaws.dropped(FlawKind::ttl) == 1000 - Flaws::warnings_max);
    CHECK_FALSE(flaws.any_error());
}

TEST_CASE("a zone of many cuts and hidden names is checked in time that its size allows") {
    std::string text = front;
    for (int i = 0; i < 20'000; ++i)
        text += "s" + std::to_string(i) + " NS ns.s" + std::to_string(i) + "\nx.y.s" +
                std::to_string(i) + " TXT x\n";
    const Loaded loaded = load("example", text);
    REQUIRE(loaded.zone != nullptr);
    CHECK(loaded.mistakes.size() == 2 * Flaws::warnings_max + 2);
}
