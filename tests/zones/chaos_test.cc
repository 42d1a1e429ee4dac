// Class CH: what is told beyond who we are, to whom, and within which bounds.
#include "zones/chaos.h"
#include "tests/zones/support.h"

#include <algorithm>

#include <doctest/doctest.h>

using namespace zones;
using namespace zones::testing;

namespace {

using Strings = ChaosRecords::Strings;

Catalog telling(const ChaosRecords& records) {
    return catalog({zone("example", "")})
        .with(Access{{}, {*Prefix::parse("192.0.2.53")}})
        .with(std::make_shared<const ChaosRecords>(records));
}

Asking chaos_txt() {
    Asking asking;
    asking.qclass = 3;
    asking.type = Type::txt;
    return asking;
}

}  // namespace

TEST_CASE("records of class CH are told under their names, to those who may ask") {
    ChaosRecords records;
    const std::vector<Strings> two{{"serial=1741", "zone=a.example"}, {"serial=7"}};
    REQUIRE(records.add(name("NS2.secondary.arbiter"), two));
    const Catalog zones = telling(records);
    Asking asking = chaos_txt();
    Lines answer = lines(ask(zones, "ns2.Secondary.arbiter", asking).answer);
    std::sort(answer.begin(), answer.end());  // they rotate
    CHECK(answer == Lines{"ns2.Secondary.arbiter 0 TXT \"serial=1741\" \"zone=a.example\"",
                          "ns2.Secondary.arbiter 0 TXT \"serial=7\""});
    for (const RRsetView rrset : {zones.chaos(Path(name("ns2.secondary.arbiter")))})
        for (const std::byte* at = rrset.records().data();
             at != rrset.records().data() + rrset.records().size();
             at += RRsetView::record_size(at))
            CHECK(load16(at + 2) == 3);
    SUBCASE("others are refused") {
        asking.peer = "192.0.2.54";
        CHECK(ask(zones, "ns2.secondary.arbiter", asking).rcode == 5);
    }
    SUBCASE("names without records are refused, above and below too") {
        for (const char* other : {"secondary.arbiter", "arbiter", "a.ns2.secondary.arbiter", "."})
            CHECK(ask(zones, other, asking).rcode == 5);
    }
    SUBCASE("another type is NODATA") {
        asking.type = Type::a;
        CHECK(ask(zones, "ns2.secondary.arbiter", asking).rcode == 0);
        CHECK(ask(zones, "ns2.secondary.arbiter", asking).answer.empty());
    }
    SUBCASE("they are of class CH alone") {
        asking.qclass = 1;
        CHECK(ask(zones, "ns2.secondary.arbiter", asking).rcode == 5);
    }
}

TEST_CASE("a string of a CH record has 255 bytes at most") {
    ChaosRecords records;
    const Strings strings{std::string(300, 'x')};
    REQUIRE(records.add(name("a.arbiter"), {&strings, 1}));
    const RRsetView rrset = records.find(Path(name("a.arbiter")));
    CHECK(rrset.first_rdata().size() == 256);
    CHECK(rrset.first_rdata()[0] == std::byte{255});
}

TEST_CASE("an RRset that has no room for all records says how many there are besides") {
    ChaosRecords records;
    const Strings strings(4, std::string(255, 'x'));
    const std::vector<Strings> all(100, strings);
    REQUIRE(records.add(name("a.arbiter"), all));
    const RRsetView rrset = records.find(Path(name("a.arbiter")));
    CHECK(rrset.packed_size() <= ChaosRecords::rrset_bytes_max);
    const std::size_t fit = (ChaosRecords::rrset_bytes_max - 50) / (4 * 256 + record_head);
    REQUIRE(rrset.count() == fit + 1);
    const std::string more = "more=" + std::to_string(100 - fit);
    const auto last = rrset.records().last(more.size());
    CHECK(std::equal(last.begin(), last.end(), std::as_bytes(std::span(more)).begin()));

    // Too much for a datagram: the client goes on by TCP.
    const Bytes response = reply_to(telling(records), query("a.arbiter", chaos_txt()), chaos_txt());
    CHECK((std::to_integer<unsigned>(response[2]) & 0x02) != 0);
}

TEST_CASE("names and bytes of CH records are bounded") {
    const Strings small{"x"};
    ChaosRecords many;
    for (std::size_t i = 0; i < ChaosRecords::names_max; ++i)
        REQUIRE(many.add(name("n" + std::to_string(i) + ".arbiter"), {&small, 1}));
    CHECK_FALSE(many.add(name("one.more.arbiter"), {&small, 1}));
    CHECK(many.names() == ChaosRecords::names_max);
    for (std::size_t i = 0; i < ChaosRecords::names_max; i += 97)
        CHECK(many.find(Path(name("n" + std::to_string(i) + ".arbiter"))));

    ChaosRecords large;
    const std::vector<Strings> full(100, Strings(4, std::string(255, 'x')));
    std::size_t bytes = 0, added = 0;
    while (large.add(name("n" + std::to_string(added) + ".arbiter"), full))
        bytes += large.find(Path(name("n" + std::to_string(added++) + ".arbiter"))).packed_size();
    CHECK(bytes <= ChaosRecords::bytes_max);
    CHECK(bytes + ChaosRecords::rrset_bytes_max > ChaosRecords::bytes_max);
    CHECK(large.add(name("small.arbiter"), {&small, 1}));  // there is room yet for little
}

TEST_CASE("who we are comes before what is told besides") {
    ChaosRecords records;
    const Strings strings{"not we"};
    REQUIRE(records.add(name("id.server"), {&strings, 1}));
    const Catalog zones = telling(records);
    CHECK(ask(zones, "id.server", chaos_txt()).rcode == 5);
    CHECK(lines(ask(zones.with(Identity{"", "ns0"}), "id.server", chaos_txt()).answer) ==
          Lines{"id.server 0 TXT \"ns0\""});
}
