// RFC 1034 §4.3.2 and those that came after it, as seen through the door.
#include "zones/answer.h"
#include "tests/zones/support.h"

#include <doctest/doctest.h>

using namespace zones;
using namespace zones::testing;

namespace {

const Lines nothing;
const std::string soa_negative = " 60 SOA ns.invalid. host.invalid. 1 3600 600 86400 60";

}  // namespace

TEST_CASE("what is there is answered with authority") {
    const Catalog zones = example("www A 192.0.2.1\nwww A 192.0.2.2\nwww 60 TXT \"x\"\n");
    const Answer found = ask(zones, "www.example", Type::a);
    CHECK(found.authoritative);
    CHECK(found.rcode == 0);
    CHECK(lines(found.answer) ==
          Lines{"www.example 300 A 192.0.2.1", "www.example 300 A 192.0.2.2"});
    CHECK(found.authority.empty());
    CHECK(found.additional.empty());
}

TEST_CASE("the case of the question is kept in the answer (0x20)") {
    const Catalog zones = example("www A 192.0.2.1\n");
    const Answer found = ask(zones, "wWw.eXaMpLe", Type::a);
    CHECK(found.question->text() == "wWw.eXaMpLe");
    CHECK(lines(found.answer) == Lines{"wWw.eXaMpLe 300 A 192.0.2.1"});
}

TEST_CASE("a name without the type is NODATA, with the SOA for MINIMUM seconds (RFC 2308)") {
    const Answer none = ask(example("www A 192.0.2.1\n"), "www.example", Type::aaaa);
    CHECK(none.authoritative);
    CHECK(none.rcode == 0);
    CHECK(none.answer.empty());
    CHECK(lines(none.authority) == Lines{"example" + soa_negative});
}

TEST_CASE("the SOA's own TTL bounds a negative answer when it is the lower (RFC 2308 §5)") {
    const Catalog zones = catalog({zone("example",
                                        "@ 30 SOA ns.invalid. host.invalid. 1 2 3 4 60\n"
                                        "@ 30 NS ns.invalid.\n")});
    const Answer none = ask(zones, "nowhere.example", Type::a);
    REQUIRE(none.authority.size() == 1);
    CHECK(none.authority[0].ttl.seconds == 30);
    // Asked for itself the SOA has its own TTL.
    CHECK(ask(example(""), "example", Type::soa).answer.at(0).ttl.seconds == 3600);
}

TEST_CASE("a name that is not there is NXDOMAIN") {
    const Answer none = ask(example("www A 192.0.2.1\n"), "nowhere.example", Type::a);
    CHECK(none.authoritative);
    CHECK(none.rcode == 3);
    CHECK(lines(none.authority) == Lines{"example" + soa_negative});
    CHECK(ask(example("www A 192.0.2.1\n"), "x.www.example", Type::a).rcode == 3);
}

TEST_CASE("an empty non-terminal is NODATA, what is beside it is not there (RFC 8020)") {
    const Catalog zones = example("a.b.c.d A 192.0.2.1\n");
    for (const char* qname : {"b.c.d.example", "c.d.example", "d.example"}) {
        CAPTURE(qname);
        CHECK(ask(zones, qname, Type::a).rcode == 0);
        CHECK(ask(zones, qname, Type::a).answer.empty());
    }
    CHECK(ask(zones, "x.c.d.example", Type::a).rcode == 3);
}

TEST_CASE("a name outside of our zones is refused") {
    const Answer refused = ask(example(""), "www.example.org", Type::a);
    CHECK(refused.rcode == 5);
    CHECK_FALSE(refused.authoritative);
    CHECK(refused.question == name("www.example.org"));
    CHECK(ask(Catalog(), "example", Type::soa).rcode == 5);
}

TEST_CASE("wildcards answer for what is not there (RFC 4592)") {
    // The zone of RFC 4592 §2.2.1.
    const Catalog zones = example(
        "* TXT \"this is a wildcard\"\n"
        "* MX 10 host1\n"
        "sub.* TXT \"this is not a wildcard\"\n"
        "host1 A 192.0.2.1\n"
        "_ssh._tcp.host1 SRV 0 0 22 host1\n"
        "_ssh._tcp.host2 SRV 0 0 22 host2\n"
        "subdel NS ns.example.com.\n"
        "subdel NS ns.example.net.\n");
    SUBCASE("synthesized, owned by the name that was asked") {
        const Answer mx = ask(zones, "host3.example", Type::mx);
        CHECK(lines(mx.answer) == Lines{"host3.example 300 MX 10 host1.example."});
        CHECK(lines(mx.additional) == Lines{"host1.example 300 A 192.0.2.1"});
        CHECK(ask(zones, "foo.bar.example", Type::txt).answer.size() == 1);
    }
    SUBCASE("the type is not there: NODATA, not NXDOMAIN") {
        const Answer none = ask(zones, "host3.example", Type::a);
        CHECK(none.rcode == 0);
        CHECK(none.answer.empty());
        CHECK(none.authority.size() == 1);
    }
    SUBCASE("a name that exists hides the wildcard") {
        CHECK(ask(zones, "host1.example", Type::mx).answer.empty());
        CHECK(ask(zones, "host1.example", Type::mx).rcode == 0);
    }
    SUBCASE("below a wildcard there is no wildcard") {
        CHECK(ask(zones, "sub.*.example", Type::mx).answer.empty());
        CHECK(ask(zones, "sub.*.example", Type::mx).rcode == 0);
        CHECK(ask(zones, "ghost.*.example", Type::mx).rcode == 3);
    }
    SUBCASE("an empty non-terminal hides it, too") {
        CHECK(ask(zones, "_telnet._tcp.host1.example", Type::srv).rcode == 3);
        CHECK(ask(zones, "host2.example", Type::mx).rcode == 0);
        CHECK(ask(zones, "host2.example", Type::mx).answer.empty());
        CHECK(ask(zones, "x.host2.example", Type::mx).rcode == 3);
    }
    SUBCASE("a delegation goes before") {
        const Answer away = ask(zones, "host.subdel.example", Type::a);
        CHECK(away.answer.empty());
        CHECK(away.authority.at(0).owner == name("subdel.example"));
    }
    SUBCASE("the asterisk asked for literally") {
        CHECK(ask(zones, "*.example", Type::txt).answer.at(0).owner == name("*.example"));
    }
}

TEST_CASE("a wildcard alias is followed") {
    const Catalog zones = example("*.w CNAME host\nhost A 192.0.2.1\n");
    CHECK(lines(ask(zones, "a.b.w.example", Type::a).answer) ==
          Lines{"a.b.w.example 300 CNAME host.example.", "host.example 300 A 192.0.2.1"});
}

TEST_CASE("a delegation refers, with its glue and without authority") {
    const Catalog zones = example(
        "sub NS ns1.sub\nsub NS ns.other\nsub NS ns.elsewhere.\n"
        "ns1.sub A 192.0.2.1\nns1.sub AAAA 2001:db8::1\nns.other A 192.0.2.2\n"
        "other NS ns.other\n");
    for (const char* qname : {"sub.example", "www.sub.example", "ns1.sub.example"}) {
        CAPTURE(qname);
        const Answer away = ask(zones, qname, Type::a);
        CHECK_FALSE(away.authoritative);
        CHECK(away.rcode == 0);
        CHECK(away.answer.empty());
        CHECK(lines(away.authority) == Lines{"sub.example 300 NS ns1.sub.example.",
                                             "sub.example 300 NS ns.other.example.",
                                             "sub.example 300 NS ns.elsewhere."});
        CHECK(lines(away.additional) == Lines{"ns1.sub.example 300 A 192.0.2.1",
                                              "ns1.sub.example 300 AAAA 2001:db8::1",
                                              "ns.other.example 300 A 192.0.2.2"});
    }
}

TEST_CASE("the highest cut counts when there is one below another") {
    const Catalog zones = example("a NS ns.x.\nb.a NS ns.y.\nw.b.a A 192.0.2.1\n");
    CHECK(ask(zones, "w.b.a.example", Type::a).authority.at(0).owner == name("a.example"));
}

TEST_CASE("names beside a cut of the same depth are answered as ever") {
    const Catalog zones = example("cut NS ns.x.\nwww A 192.0.2.1\na.b A 192.0.2.2\n");
    CHECK(ask(zones, "www.example", Type::a).answer.size() == 1);
    CHECK(ask(zones, "a.b.example", Type::a).answer.size() == 1);
    CHECK(ask(zones, "c.b.example", Type::a).rcode == 3);
    CHECK(ask(zones, "c.nowhere.example", Type::a).rcode == 3);
}

TEST_CASE("the DS of a cut is the parent's (RFC 4035 §3.1.4.1)") {
    const std::string parent =
        "sub NS ns.sub\nns.sub A 192.0.2.1\nsub DS 1 8 2 "
        "0000000000000000000000000000000000000000000000000000000000000000\nbare NS ns.x.\n";
    const Catalog zones = example(parent);
    CHECK(ask(zones, "sub.example", Type::ds).answer.size() == 1);
    CHECK(ask(zones, "sub.example", Type::ds).authoritative);
    CHECK(ask(zones, "bare.example", Type::ds).authority.at(0).type == Type::soa);
    CHECK(ask(zones, "x.sub.example", Type::ds).authority.at(0).type == Type::ns);
    SUBCASE("also when the child is ours") {
        const Catalog both = zones.with(History(zone("sub.example", "")));
        CHECK(ask(both, "sub.example", Type::ds).answer.size() == 1);
        CHECK(ask(both, "sub.example", Type::soa).answer.at(0).owner == name("sub.example"));
        CHECK(ask(both, "sub.example", Type::soa).authoritative);
    }
    SUBCASE("a child whose parent is not ours says NODATA itself") {
        const Answer none = ask(example(""), "example", Type::ds);
        CHECK(none.rcode == 0);
        CHECK(none.authority.at(0).owner == name("example"));
    }
}

TEST_CASE("ANY is answered by one RRset (RFC 8482)") {
    const Catalog zones = example("www A 192.0.2.1\nwww TXT x\nalias CNAME www\n");
    for (const char* qname : {"www.example", "alias.example"}) {
        const Answer found = ask(zones, qname, Type::any);
        CHECK(found.rcode == 0);
        CHECK(found.authoritative);
        CHECK(found.answer.size() == 1);
        CHECK(found.authority.empty());
    }
    CHECK(ask(zones, "alias.example", Type::any).answer.at(0).type == Type::cname);
    const Answer none = ask(zones, "nowhere.example", Type::any);
    CHECK(none.rcode == 3);
    CHECK(none.authoritative);
    CHECK(none.authority.at(0).type == Type::soa);
}

TEST_CASE("types that nobody knows are served as they are (RFC 3597)") {
    const Catalog zones = example("x TYPE65280 \\# 4 0A000001\nx TYPE65281 \\# 0\n");
    CHECK(lines(ask(zones, "x.example", static_cast<Type>(65280)).answer) ==
          Lines{"x.example 300 TYPE65280 \\# 4 0a000001"});
    CHECK(lines(ask(zones, "x.example", static_cast<Type>(65281)).answer) ==
          Lines{"x.example 300 TYPE65281 \\# 0"});
}

TEST_CASE("an RRset begins at the record that the turn names (round robin)") {
    const Catalog zones =
        example("w A 192.0.2.1\nw A 192.0.2.2\nw A 192.0.2.3\nt TXT a\nt TXT bb\n");
    for (std::uint64_t rotation = 0; rotation < 7; ++rotation) {
        Asking asking;
        asking.rotation = rotation;
        const auto addresses = lines(ask(zones, "w.example", asking).answer);
        REQUIRE(addresses.size() == 3);
        for (std::size_t i = 0; i < 3; ++i)
            CHECK(addresses[i] ==
                  "w.example 300 A 192.0.2." + std::to_string((rotation + i) % 3 + 1));
        asking.type = Type::txt;
        CHECK(lines(ask(zones, "t.example", asking).answer)[0] ==
              (rotation % 2 == 0 ? "t.example 300 TXT \"a\"" : "t.example 300 TXT \"bb\""));
    }
    Asking large;
    large.rotation = ~std::uint64_t{0};
    CHECK(ask(zones, "w.example", large).answer.at(0).rdatas.size() == 3);
}

TEST_CASE("a question of very many labels is answered, wherever its ancestors end") {
    std::string deep, at = "a";
    for (int i = 0; i < 60; ++i) at += ".a";
    const Catalog zones = example(at + " A 192.0.2.1\n*." + at.substr(20) + " TXT w\n");
    CHECK(ask(zones, at + ".example", Type::a).answer.size() == 1);
    std::string name = at + ".example";
    for (int depth = 61; depth > 1; --depth) {
        name = name.substr(2);
        CHECK(ask(zones, name, Type::aaaa).rcode == 0);
        CHECK(ask(zones, "b." + name, Type::a).rcode == (depth - 1 == 51 ? 0 : 3));
    }
    for (int i = 0; i < 120; ++i) deep += "b.";
    CHECK(ask(zones, deep + "example", Type::a).rcode == 3);
}

TEST_CASE("the root zone is a zone like others") {
    const Catalog zones = catalog({zone(".", "org NS ns.org\nns.org A 192.0.2.1\n")});
    CHECK(ask(zones, ".", Type::soa).answer.size() == 1);
    CHECK(ask(zones, "www.example.org", Type::a).authority.at(0).owner == name("org"));
    CHECK(ask(zones, "nowhere", Type::a).rcode == 3);
}

TEST_CASE("the closest enclosing zone answers") {
    const Catalog zones = catalog({zone("example", "sub NS ns.sub\nns.sub A 192.0.2.1\n"),
                                   zone("sub.example", "www A 192.0.2.2\n")});
    CHECK(ask(zones, "www.sub.example", Type::a).authoritative);
    CHECK(ask(zones, "www.sub.example", Type::a).answer.size() == 1);
    const Catalog without = zones.without(name("SUB.example"));
    CHECK(ask(without, "www.sub.example", Type::a).authority.at(0).type == Type::ns);
}

TEST_CASE("a DS at an apex whose parent is not ours is NODATA of the zone itself") {
    // RFC 4035 §3.1.4.1 sends the question to the parent; we can only say what we know.
    const Answer none = ask(example("@ TXT x\n"), "example", Type::ds);
    CHECK(none.authoritative);
    CHECK(none.rcode == 0);
    CHECK(none.answer.empty());
    CHECK(none.authority.at(0).owner == name("example"));
}

TEST_CASE("ANY has one RRset by TCP as well (RFC 8482 §4.1)") {
    Asking tcp;
    tcp.transport = Peer::Transport::tcp;
    tcp.type = Type::any;
    const Answer found = ask(example("www A 192.0.2.1\nwww TXT x\n"), "www.example", tcp);
    CHECK(found.rcode == 0);
    CHECK(found.authoritative);
    CHECK(found.answer.size() == 1);
}
