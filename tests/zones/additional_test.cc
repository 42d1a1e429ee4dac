// What goes along with an answer: hosts' addresses, and glue.
#include "tests/zones/support.h"

#include <doctest/doctest.h>

using namespace zones;
using namespace zones::testing;

TEST_CASE("addresses of the hosts that an answer names come along") {
    const Catalog zones = example(
        "@ MX 10 mail\n@ MX 20 mail\n@ MX 30 mail.elsewhere.\nmail A 192.0.2.1\n"
        "mail AAAA 2001:db8::1\n_s._tcp SRV 1 2 3 srv\nsrv A 192.0.2.2\n");
    CHECK(lines(ask(zones, "example", Type::mx).additional) ==
          Lines{"mail.example 300 A 192.0.2.1", "mail.example 300 AAAA 2001:db8::1"});
    CHECK(lines(ask(zones, "_s._tcp.example", Type::srv).additional) ==
          Lines{"srv.example 300 A 192.0.2.2"});
}

TEST_CASE("an SVCB or HTTPS answer brings what its client asks for next (RFC 9460 §4.1)") {
    const Catalog zones = example(
        "a HTTPS 0 b\nb A 192.0.2.1\nb AAAA 2001:db8::1\nb HTTPS 1 . alpn=h2\n"
        "own HTTPS 1 . port=8443\nown A 192.0.2.2\nnone HTTPS 0 .\nnone A 192.0.2.3\n"
        "s SVCB 1 far.invalid.\ns SVCB 2 b\nself SVCB 1 self\n");
    SUBCASE("of an alias's target: addresses, and the records of its own type") {
        CHECK(lines(ask(zones, "a.example", Type::https).additional) ==
              Lines{"b.example 300 A 192.0.2.1", "b.example 300 AAAA 2001:db8::1",
                    "b.example 300 HTTPS 1 . alpn=h2"});
    }
    SUBCASE("of the owner, when the target is the root in ServiceMode (§2.5.2)") {
        CHECK(lines(ask(zones, "own.example", Type::https).additional) ==
              Lines{"own.example 300 A 192.0.2.2"});
    }
    SUBCASE("nothing when it is the root in AliasMode (§2.5.1)") {
        CHECK(ask(zones, "none.example", Type::https).additional.empty());
    }
    SUBCASE("SVCB as well, of targets in the zone") {
        CHECK(lines(ask(zones, "s.example", Type::svcb).additional) ==
              Lines{"b.example 300 A 192.0.2.1", "b.example 300 AAAA 2001:db8::1"});
        CHECK(ask(zones, "self.example", Type::svcb).additional.empty());
    }
    SUBCASE("data that hold no whole name bring nothing") {
        const Bytes cut_short = bytes({0, 1, 5});
        const Zone::Change change{name("x.example"), Type::https, {300}, {Rdata(cut_short)}};
        const auto changed = zone("example", "")->with(std::span(&change, 1), Serial(2));
        REQUIRE(changed);
        const Answer found = ask(catalog({*changed}), "x.example", Type::https);
        CHECK(found.answer.size() == 1);
        CHECK(found.additional.empty());
    }
}

TEST_CASE("hosts that a wildcard makes bring their addresses, but none below a cut (RFC 4592)") {
    const Catalog zones = example(
        "@ MX 10 m.w\n*.w A 192.0.2.1\nalias.w CNAME m.w\nc MX 10 alias.w\n"
        "cut NS ns.cut\n*.cut A 192.0.2.9\nd MX 10 h.cut\n");
    CHECK(lines(ask(zones, "example", Type::mx).additional) ==
          Lines{"m.w.example 300 A 192.0.2.1"});
    CHECK(ask(zones, "c.example", Type::mx).additional.empty());
    CHECK(ask(zones, "d.example", Type::mx).additional.empty());
    CHECK(ask(zones, "x.cut.example", Type::a).additional.empty());
}

TEST_CASE("additional data are what a question for them would find, and nothing else") {
    SUBCASE("a host that a DNAME hides brings nothing (RFC 6672 §2.4)") {
        const Catalog zones = example(
            "mx MX 20 under.dn\ndn DNAME other.test.\nunder.dn A 192.0.2.77\n"
            "srv SRV 1 2 3 under.dn\nsub NS ns.sub\nsub NS under.dn\nns.sub A 192.0.2.1\n");
        CHECK(ask(zones, "under.dn.example", Type::a).answer.at(0).type == Type::dname);
        CHECK(ask(zones, "mx.example", Type::mx).answer.size() == 1);
        CHECK(ask(zones, "mx.example", Type::mx).additional.empty());
        CHECK(ask(zones, "srv.example", Type::srv).additional.empty());
        // Nor is it glue: that is below a cut.
        CHECK(lines(ask(zones, "x.sub.example", Type::a).additional) ==
              Lines{"ns.sub.example 300 A 192.0.2.1"});
    }
    SUBCASE(
        "a host below a cut, or at it, is the child's to tell: glue is for NS (RFC 2181 §5.4.1)") {
        const Catalog zones = example(
            "mx MX 10 h.sub\nmx MX 20 sub\nsub NS h.sub\nsub NS sub\nh.sub A 192.0.2.1\n"
            "sub A 192.0.2.2\nalias HTTPS 0 t.sub\nservice HTTPS 1 h.sub\n"
            "t.sub HTTPS 1 . alpn=h2\nt.sub A 192.0.2.3\n");
        CHECK(ask(zones, "mx.example", Type::mx).additional.empty());
        CHECK(ask(zones, "alias.example", Type::https).answer.size() == 1);
        CHECK(ask(zones, "alias.example", Type::https).additional.empty());
        CHECK(ask(zones, "service.example", Type::https).additional.empty());
        CHECK(lines(ask(zones, "t.sub.example", Type::a).additional) ==
              Lines{"h.sub.example 300 A 192.0.2.1", "sub.example 300 A 192.0.2.2"});
    }
    SUBCASE("of a child zone that is ours, its own data, not the glue above it") {
        const auto parent = zone("example",
                                 "mx MX 10 mail.sub\nmx MX 20 old.sub\nsub NS mail.sub\n"
                                 "mail.sub A 192.0.2.1\nold.sub A 192.0.2.1\n");
        const auto child = zone("sub.example", "mail A 192.0.2.2\n");
        CHECK(lines(ask(catalog({parent, child}), "mx.example", Type::mx).additional) ==
              Lines{"mail.sub.example 300 A 192.0.2.2"});
        CHECK(ask(catalog({parent}), "mx.example", Type::mx).additional.empty());
    }
    SUBCASE("the servers of a zone bring their glue with the answer too (RFC 8109 §4.2)") {
        const Catalog zones = catalog({zone(".",
                                            "@ 60 SOA ns. host. 1 2 3 4 60\n"
                                            "@ 300 NS a.tld.\n"
                                            "tld. 300 NS a.tld.\na.tld. 300 A 192.0.2.9\n")});
        CHECK(lines(ask(zones, ".", Type::ns).additional) == Lines{"a.tld 300 A 192.0.2.9"});
    }
}

TEST_CASE("glue below the cut goes first, and TC is set when it does not fit (RFC 9471 §3)") {
    std::string text = "cut NS big.other\ncut NS ns.cut\nns.cut A 192.0.2.1\n";
    SUBCASE("what other hosts take does not keep it out, and needs no TC") {
        for (int i = 1; i <= 27; ++i) text += "big.other A 192.0.2." + std::to_string(i) + "\n";
        const Answer away = ask(example(text), "x.cut.example", Type::a);
        CHECK_FALSE(away.truncated);
        CHECK(lines(away.additional) == Lines{"ns.cut.example 300 A 192.0.2.1"});
    }
    SUBCASE("its own size cuts the message") {
        for (int i = 2; i <= 40; ++i) text += "ns.cut A 192.0.2." + std::to_string(i) + "\n";
        CHECK(ask(example(text), "x.cut.example", Type::a).truncated);
    }
}
