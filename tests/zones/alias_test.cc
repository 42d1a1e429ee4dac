// CNAME and DNAME: answers that lead on, and how far (RFC 1034 §4.3.2, RFC 6672).
#include "tests/zones/support.h"
#include "zones/answer.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace zones;
using namespace zones::testing;

namespace {

const Lines nothing;

}  // namespace

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
    const Catalog zones = example("a CNAME b\nb CNAME a\nself CNAME self\n");
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
    const Catalog zones = example(text);
    Asking tcp;
    tcp.transport = Peer::Transport::tcp;
    CHECK(ask(zones, "c0.example", tcp).answer.size() == 17);
    CHECK(ask(zones, "c24.example", tcp).answer.size() == 17);
    CHECK(ask(zones, "c24.example", tcp).answer.back().type == Type::a);
}

TEST_CASE("DNAME moves the names below it, by a CNAME made for the occasion (RFC 6672)") {
    const Catalog zones = example(
        "old 120 DNAME new\nw.new A 192.0.2.1\nold A 192.0.2.7\n"
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
        const Catalog apex = example("@ DNAME example.net.\n");
        CHECK(lines(ask(apex, "w.example", Type::a).answer).at(1) ==
              "w.example 300 CNAME w.example.net.");
        CHECK(ask(apex, "example", Type::soa).answer.size() == 1);
    }
    SUBCASE("a DNAME to itself ends") {
        const Catalog self = example("d DNAME x.d\n");
        Asking tcp;
        tcp.transport = Peer::Transport::tcp;
        CHECK(ask(self, "a.d.example", tcp).answer.size() <= 34);
    }
}

TEST_CASE("a question for RRSIG or NSEC is about the alias itself (RFC 4035 §2.5)") {
    const Catalog zones = example("a CNAME b\nb A 192.0.2.1\n");
    for (const Type type : {Type::rrsig, Type::nsec}) {
        const Answer none = ask(zones, "a.example", type);
        CHECK(none.rcode == 0);
        CHECK(none.answer.empty());
        CHECK(none.authority.at(0).type == Type::soa);
    }
    CHECK(ask(zones, "a.example", Type::dnskey).answer.size() == 1);
}

TEST_CASE("a DNAME that a chain passes twice stands in the answer once (RFC 2181 §5)") {
    const Catalog zones = example("d DNAME e\ne DNAME f.d\nf.f A 192.0.2.1\n");
    Asking tcp;
    tcp.transport = Peer::Transport::tcp;
    const Answer found = ask(zones, "x.d.example", tcp);
    CHECK(std::count_if(found.answer.begin(), found.answer.end(),
                        [](const RRset& set) { return set.type == Type::dname; }) == 2);
    SUBCASE("also when it is what was asked for") {
        const Answer asked = ask(example("d DNAME @\n"), "d.d.example", Type::dname);
        CHECK(lines(asked.answer) ==
              Lines{"d.example 300 DNAME example.", "d.d.example 300 CNAME d.example."});
    }
    SUBCASE("one that a wildcard makes for another name is another record") {
        const Answer made = ask(example("* DNAME @\n"), "x.*.example", Type::dname);
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
    const Answer cut = ask(example(text), "x.d0.example", tcp);
    REQUIRE(cut.answer.size() == 2 * alias_chain_max);
    for (std::size_t i = 0; i < cut.answer.size(); ++i)
        CHECK(cut.answer[i].type == (i % 2 == 0 ? Type::dname : Type::cname));
    // An alias in front of it takes a step, and not the pair's second half.
    const Answer behind = ask(example(text + "a CNAME x.d0\n"), "a.example", tcp);
    CHECK(behind.answer.back().type == Type::cname);
}

TEST_CASE("a DNAME makes names of 255 bytes, and says YXDOMAIN of longer ones (RFC 6672 §2.2)") {
    const auto label = [](std::size_t size) { return std::string(size, 'l') + "."; };
    const std::string target = label(60) + label(60) + label(60) + label(5) + "example.";
    REQUIRE(name(target).wire().size() == 3 * 61 + 6 + 8 + 1);
    const Catalog zones = example("d DNAME " + target + "\n*." + target + " A 192.0.2.1\n");
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
