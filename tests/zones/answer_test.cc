// RFC 1034 §4.3.2 and those that came after it, as seen through the door.
#include "zones/answer.h"
#include "tests/zones/support.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace zones;
using namespace zones::testing;

namespace {

const Lines nothing;
const std::string soa_negative = " 60 SOA ns.invalid. host.invalid. 1 3600 600 86400 60";

Catalog one(const std::string& text) {
    return catalog({zone("example", text)});
}

}  // namespace

TEST_CASE("what is there is answered with authority") {
    const Catalog zones = one("www A 192.0.2.1\nwww A 192.0.2.2\nwww 60 TXT \"x\"\n");
    const Answer found = ask(zones, "www.example", Type::a);
    CHECK(found.authoritative);
    CHECK(found.rcode == 0);
    CHECK(lines(found.answer) ==
          Lines{"www.example 300 A 192.0.2.1", "www.example 300 A 192.0.2.2"});
    CHECK(found.authority.empty());
    CHECK(found.additional.empty());
}

TEST_CASE("the case of the question is kept in the answer (0x20)") {
    const Catalog zones = one("www A 192.0.2.1\n");
    const Answer found = ask(zones, "wWw.eXaMpLe", Type::a);
    CHECK(found.question->text() == "wWw.eXaMpLe");
    CHECK(lines(found.answer) == Lines{"wWw.eXaMpLe 300 A 192.0.2.1"});
}

TEST_CASE("a name without the type is NODATA, with the SOA for MINIMUM seconds (RFC 2308)") {
    const Answer none = ask(one("www A 192.0.2.1\n"), "www.example", Type::aaaa);
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
    CHECK(ask(one(""), "example", Type::soa).answer.at(0).ttl.seconds == 3600);
}

TEST_CASE("a name that is not there is NXDOMAIN") {
    const Answer none = ask(one("www A 192.0.2.1\n"), "nowhere.example", Type::a);
    CHECK(none.authoritative);
    CHECK(none.rcode == 3);
    CHECK(lines(none.authority) == Lines{"example" + soa_negative});
    CHECK(ask(one("www A 192.0.2.1\n"), "x.www.example", Type::a).rcode == 3);
}

TEST_CASE("an empty non-terminal is NODATA, what is beside it is not there (RFC 8020)") {
    const Catalog zones = one("a.b.c.d A 192.0.2.1\n");
    for (const char* qname : {"b.c.d.example", "c.d.example", "d.example"}) {
        CAPTURE(qname);
        CHECK(ask(zones, qname, Type::a).rcode == 0);
        CHECK(ask(zones, qname, Type::a).answer.empty());
    }
    CHECK(ask(zones, "x.c.d.example", Type::a).rcode == 3);
}

TEST_CASE("a name outside of our zones is refused") {
    const Answer refused = ask(one(""), "www.example.org", Type::a);
    CHECK(refused.rcode == 5);
    CHECK_FALSE(refused.authoritative);
    CHECK(refused.question == name("www.example.org"));
    CHECK(ask(Catalog(), "example", Type::soa).rcode == 5);
}

TEST_CASE("wildcards answer for what is not there (RFC 4592)") {
    // The zone of RFC 4592 §2.2.1.
    const Catalog zones =
        one("* TXT \"this is a wildcard\"\n"
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
    const Catalog zones = one("*.w CNAME host\nhost A 192.0.2.1\n");
    CHECK(lines(ask(zones, "a.b.w.example", Type::a).answer) ==
          Lines{"a.b.w.example 300 CNAME host.example.", "host.example 300 A 192.0.2.1"});
}

TEST_CASE("a delegation refers, with its glue and without authority") {
    const Catalog zones =
        one("sub NS ns1.sub\nsub NS ns.other\nsub NS ns.elsewhere.\n"
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
    const Catalog zones = one("a NS ns.x.\nb.a NS ns.y.\nw.b.a A 192.0.2.1\n");
    CHECK(ask(zones, "w.b.a.example", Type::a).authority.at(0).owner == name("a.example"));
}

TEST_CASE("names beside a cut of the same depth are answered as ever") {
    const Catalog zones = one("cut NS ns.x.\nwww A 192.0.2.1\na.b A 192.0.2.2\n");
    CHECK(ask(zones, "www.example", Type::a).answer.size() == 1);
    CHECK(ask(zones, "a.b.example", Type::a).answer.size() == 1);
    CHECK(ask(zones, "c.b.example", Type::a).rcode == 3);
    CHECK(ask(zones, "c.nowhere.example", Type::a).rcode == 3);
}

TEST_CASE("the DS of a cut is the parent's (RFC 4035 §3.1.4.1)") {
    const std::string parent =
        "sub NS ns.sub\nns.sub A 192.0.2.1\nsub DS 1 8 2 "
        "0000000000000000000000000000000000000000000000000000000000000000\nbare NS ns.x.\n";
    const Catalog zones = one(parent);
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
        const Answer none = ask(one(""), "example", Type::ds);
        CHECK(none.rcode == 0);
        CHECK(none.authority.at(0).owner == name("example"));
    }
}

TEST_CASE("aliases are followed inside of our zones") {
    const Catalog zones = catalog({zone("example",
                                        "a CNAME b\nb CNAME c.example.org.\nd CNAME x.invalid.\n"
                                        "e CNAME nowhere\nf CNAME g\ng TXT x\nh CNAME w.cut\n"
                                        "cut NS ns.cut\nns.cut A 192.0.2.9\n"),
                                   zone("example.org", "c A 192.0.2.1\n")});
    SUBCASE("across zones") {
        const Answer found = ask(zones, "a.example", Type::a);
        CHECK(found.authoritative);
        CHECK(lines(found.answer) == Lines{"a.example 300 CNAME b.example.",
                                           "b.example 300 CNAME c.example.org.",
                                           "c.example.org 300 A 192.0.2.1"});
    }
    SUBCASE("out of our zones: the alias is all that we say") {
        const Answer found = ask(zones, "d.example", Type::a);
        CHECK(found.rcode == 0);
        CHECK(found.answer.size() == 1);
        CHECK(found.authority.empty());
    }
    SUBCASE("to a name that is not there: NXDOMAIN of the last name (RFC 6604)") {
        const Answer found = ask(zones, "e.example", Type::a);
        CHECK(found.rcode == 3);
        CHECK(found.answer.size() == 1);
        CHECK(found.authority.at(0).type == Type::soa);
    }
    SUBCASE("to a name without the type") {
        const Answer found = ask(zones, "f.example", Type::a);
        CHECK(found.rcode == 0);
        CHECK(found.answer.size() == 1);
        CHECK(found.authority.at(0).type == Type::soa);
    }
    SUBCASE("into a delegation: alias with authority, then the referral") {
        const Answer found = ask(zones, "h.example", Type::a);
        CHECK(found.authoritative);
        CHECK(lines(found.answer) == Lines{"h.example 300 CNAME w.cut.example."});
        CHECK(lines(found.authority) == Lines{"cut.example 300 NS ns.cut.example."});
        CHECK(found.additional.size() == 1);
    }
    SUBCASE("the alias itself, when asked for") {
        CHECK(ask(zones, "a.example", Type::cname).answer.size() == 1);
    }
}

TEST_CASE("circles of aliases end") {
    const Catalog zones = one("a CNAME b\nb CNAME a\nself CNAME self\n");
    const Answer circle = ask(zones, "a.example", Type::a);
    CHECK(circle.rcode == 0);
    CHECK(lines(circle.answer) ==
          Lines{"a.example 300 CNAME b.example.", "b.example 300 CNAME a.example."});
    CHECK(ask(zones, "self.example", Type::a).answer.size() == 1);
}

TEST_CASE("a chain of aliases is followed for sixteen steps and no more") {
    std::string text;
    for (int i = 0; i < 40; ++i)
        text += "c" + std::to_string(i) + " CNAME c" + std::to_string(i + 1) + "\n";
    text += "c40 A 192.0.2.1\n";
    const Catalog zones = one(text);
    Asking tcp;
    tcp.transport = Peer::Transport::tcp;
    CHECK(ask(zones, "c0.example", tcp).answer.size() == 17);
    CHECK(ask(zones, "c24.example", tcp).answer.size() == 17);
    CHECK(ask(zones, "c24.example", tcp).answer.back().type == Type::a);
}

TEST_CASE("DNAME moves the names below it, by a CNAME made for the occasion (RFC 6672)") {
    const Catalog zones =
        one("old 120 DNAME new\nw.new A 192.0.2.1\nold A 192.0.2.7\n"
            "far DNAME elsewhere.invalid.\nlong DNAME " +
            std::string(60, 'x') + "." + std::string(60, 'y') + "." + std::string(60, 'z') + "\n");
    SUBCASE("below it") {
        const Answer found = ask(zones, "w.old.example", Type::a);
        CHECK(found.authoritative);
        CHECK(lines(found.answer) == Lines{"old.example 120 DNAME new.example.",
                                           "w.old.example 120 CNAME w.new.example.",
                                           "w.new.example 300 A 192.0.2.1"});
    }
    SUBCASE("not the name itself") {
        CHECK(lines(ask(zones, "old.example", Type::a).answer) ==
              Lines{"old.example 300 A 192.0.2.7"});
        CHECK(ask(zones, "old.example", Type::dname).answer.size() == 1);
    }
    SUBCASE("to elsewhere") {
        const Answer found = ask(zones, "a.b.far.example", Type::a);
        CHECK(found.rcode == 0);
        REQUIRE(found.answer.size() == 2);
        CHECK(lines(found.answer)[1] == "a.b.far.example 300 CNAME a.b.elsewhere.invalid.");
    }
    SUBCASE("the new name is too long: YXDOMAIN") {
        const Answer found = ask(
            zones, std::string(63, 'a') + "." + std::string(60, 'b') + ".long.example", Type::a);
        CHECK(found.rcode == 6);
        CHECK(found.answer.size() == 1);
        CHECK(found.answer.at(0).type == Type::dname);
    }
    SUBCASE("at the apex it is for all below") {
        const Catalog apex = one("@ DNAME example.net.\n");
        CHECK(lines(ask(apex, "w.example", Type::a).answer).at(1) ==
              "w.example 300 CNAME w.example.net.");
        CHECK(ask(apex, "example", Type::soa).answer.size() == 1);
    }
    SUBCASE("a DNAME to itself ends") {
        const Catalog self = one("d DNAME x.d\n");
        Asking tcp;
        tcp.transport = Peer::Transport::tcp;
        CHECK(ask(self, "a.d.example", tcp).answer.size() <= 34);
    }
}

TEST_CASE("ANY is answered by one RRset (RFC 8482)") {
    const Catalog zones = one("www A 192.0.2.1\nwww TXT x\nalias CNAME www\n");
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
    const Catalog zones = one("x TYPE65280 \\# 4 0A000001\nx TYPE65281 \\# 0\n");
    CHECK(lines(ask(zones, "x.example", static_cast<Type>(65280)).answer) ==
          Lines{"x.example 300 TYPE65280 \\# 4 0a000001"});
    CHECK(lines(ask(zones, "x.example", static_cast<Type>(65281)).answer) ==
          Lines{"x.example 300 TYPE65281 \\# 0"});
}

TEST_CASE("an RRset begins at the record that the turn names (round robin)") {
    const Catalog zones = one("w A 192.0.2.1\nw A 192.0.2.2\nw A 192.0.2.3\nt TXT a\nt TXT bb\n");
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
    const Catalog zones = one(at + " A 192.0.2.1\n*." + at.substr(20) + " TXT w\n");
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

TEST_CASE("a question for RRSIG or NSEC is about the alias itself (RFC 4035 §2.5)") {
    const Catalog zones = one("a CNAME b\nb A 192.0.2.1\n");
    for (const Type type : {Type::rrsig, Type::nsec}) {
        const Answer none = ask(zones, "a.example", type);
        CHECK(none.rcode == 0);
        CHECK(none.answer.empty());
        CHECK(none.authority.at(0).type == Type::soa);
    }
    CHECK(ask(zones, "a.example", Type::dnskey).answer.size() == 1);
}

TEST_CASE("a DNAME that a chain passes twice stands in the answer once (RFC 2181 §5)") {
    const Catalog zones = one("d DNAME e\ne DNAME f.d\nf.f A 192.0.2.1\n");
    Asking tcp;
    tcp.transport = Peer::Transport::tcp;
    const Answer found = ask(zones, "x.d.example", tcp);
    CHECK(std::count_if(found.answer.begin(), found.answer.end(),
                        [](const RRset& set) { return set.type == Type::dname; }) == 2);
    SUBCASE("also when it is what was asked for") {
        const Answer asked = ask(one("d DNAME @\n"), "d.d.example", Type::dname);
        CHECK(lines(asked.answer) ==
              Lines{"d.example 300 DNAME example.", "d.d.example 300 CNAME d.example."});
    }
    SUBCASE("one that a wildcard makes for another name is another record") {
        const Answer made = ask(one("* DNAME @\n"), "x.*.example", Type::dname);
        CHECK(lines(made.answer) == Lines{"*.example 300 DNAME example.",
                                          "x.*.example 300 CNAME x.example.",
                                          "x.example 300 DNAME example."});
    }
}

TEST_CASE("no DNAME goes without the CNAME that it makes, also where a chain is cut (RFC 6672)") {
    // §3.2: without it, a resolver that does not know DNAME would take the answer for whole.
    std::string text;
    for (int i = 0; i < 20; ++i)
        text += "d" + std::to_string(i) + " DNAME d" + std::to_string(i + 1) + "\n";
    Asking tcp;
    tcp.transport = Peer::Transport::tcp;
    const Answer cut = ask(one(text), "x.d0.example", tcp);
    REQUIRE(cut.answer.size() == 2 * alias_chain_max);
    for (std::size_t i = 0; i < cut.answer.size(); ++i)
        CHECK(cut.answer[i].type == (i % 2 == 0 ? Type::dname : Type::cname));
    // An alias in front of it takes a step, and not the pair's second half.
    const Answer behind = ask(one(text + "a CNAME x.d0\n"), "a.example", tcp);
    CHECK(behind.answer.back().type == Type::cname);
}

TEST_CASE("a DNAME makes names of 255 bytes, and says YXDOMAIN of longer ones (RFC 6672 §2.2)") {
    const auto label = [](std::size_t size) { return std::string(size, 'l') + "."; };
    const std::string target = label(60) + label(60) + label(60) + label(5) + "example.";
    REQUIRE(name(target).wire().size() == 3 * 61 + 6 + 8 + 1);
    const Catalog zones = one("d DNAME " + target + "\n*." + target + " A 192.0.2.1\n");
    const std::size_t front = name_size_max - name(target).wire().size();
    Asking tcp;
    tcp.transport = Peer::Transport::tcp;
    const Answer fits = ask(zones, label(front - 1) + "d.example", tcp);
    CHECK(fits.rcode == 0);
    REQUIRE(fits.answer.size() == 3);
    CHECK(fits.answer[2].owner.wire().size() == name_size_max);
    CHECK(fits.answer[2].type == Type::a);
    const Answer long_one = ask(zones, label(front) + "d.example", tcp);
    CHECK(long_one.rcode == 6);
    CHECK(long_one.authoritative);
    REQUIRE(long_one.answer.size() == 1);
    CHECK(long_one.answer[0].type == Type::dname);
}

TEST_CASE("a DS at an apex whose parent is not ours is NODATA of the zone itself") {
    // RFC 4035 §3.1.4.1 sends the question to the parent; we can only say what we know.
    const Answer none = ask(one("@ TXT x\n"), "example", Type::ds);
    CHECK(none.authoritative);
    CHECK(none.rcode == 0);
    CHECK(none.answer.empty());
    CHECK(none.authority.at(0).owner == name("example"));
}

TEST_CASE("ANY has one RRset by TCP as well (RFC 8482 §4.1)") {
    Asking tcp;
    tcp.transport = Peer::Transport::tcp;
    tcp.type = Type::any;
    const Answer found = ask(one("www A 192.0.2.1\nwww TXT x\n"), "www.example", tcp);
    CHECK(found.rcode == 0);
    CHECK(found.authoritative);
    CHECK(found.answer.size() == 1);
}
