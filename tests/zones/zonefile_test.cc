#include "tests/zones/support.h"
#include "zones/flaw.h"
#include "zones/generate.h"
#include "zones/rules.h"

#include <doctest/doctest.h>

using namespace zones;
using namespace zones::testing;

namespace {

const std::string front =
    "$TTL 300\n@ SOA ns host 1 3 2 9 5\n@ NS ns\nns A 192.0.2.53\n";  // four lines

Lines records(const std::shared_ptr<const Zone>& zone, std::string_view owner) {
    return lines(zone->rrsets(name(owner)));
}

Lines mistakes(const std::string& text, const std::map<std::string, std::string>& files = {}) {
    return texts(load("example", front + text, files).mistakes);
}

}  // namespace

TEST_CASE("a master file with all that RFC 1035 §5.1 allows") {
    const auto ours = zone("example",
                           "$TTL 1h ; a comment\n"
                           "@ IN 1d SOA ns hostmaster ( 7 ; serial\n"
                           "   2H 3m\t4w\n"
                           "   5 ) ; end\n"
                           "   NS ns\n"
                           "\n"
                           "ns 2D IN A 192.0.2.1\n"
                           "\tIN 60 AAAA 2001:db8::1 ; the owner above\n"
                           "a.b.example. in a 192.0.2.2\n"
                           "text TXT \"with ; no comment\" plain \"quote\\\"d\" ( \"two\"\n"
                           " \"lines\" )\n"
                           "$ORIGIN sub\n"
                           "@ TXT origin\n"
                           "www CNAME @\n"
                           "$ORIGIN example.\n"
                           "mx MX 10 www.sub\r\n"
                           "esc\\.aped A 192.0.2.3\n"
                           "\\$dollar A 192.0.2.4\n"
                           "last A 192.0.2.5");
    CHECK(ours->serial() == Serial(7));
    CHECK(records(ours, "example") ==
          Lines{"example 3600 NS ns.example.",
                "example 86400 SOA ns.example. hostmaster.example. 7 7200 180 2419200 5"});
    CHECK(records(ours, "ns.example") ==
          Lines{"ns.example 172800 A 192.0.2.1", "ns.example 60 AAAA 2001:db8::1"});
    CHECK(records(ours, "a.b.example") == Lines{"a.b.example 3600 A 192.0.2.2"});
    CHECK(records(ours, "text.example") ==
          Lines{"text.example 3600 TXT \"with ; no comment\" \"plain\" \"quote\\\"d\" \"two\" "
                "\"lines\""});
    CHECK(records(ours, "sub.example") == Lines{"sub.example 3600 TXT \"origin\""});
    CHECK(records(ours, "www.sub.example") == Lines{"www.sub.example 3600 CNAME sub.example."});
    CHECK(records(ours, "mx.example") == Lines{"mx.example 3600 MX 10 www.sub.example."});
    CHECK(records(ours, "esc\\.aped.example").size() == 1);
    CHECK(records(ours, "$dollar.example").size() == 1);
    CHECK(records(ours, "last.example").size() == 1);
}

TEST_CASE("records of many types are read and written the same") {
    for (const char* record :
         {"A 192.0.2.1", "AAAA 2001:db8::1", "MX 10 mail.example.", "TXT \"a b\" \"c\"",
          "SRV 1 2 3 host.example.", "CAA 0 issue \"ca.example\"",
          "TLSA 3 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
          "SSHFP 4 2 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
          "NAPTR 1 2 \"u\" \"E2U+sip\" \"!^.*$!sip:a@example!\" .", "HINFO \"a\" \"b\"",
          "HTTPS 1 . alpn=h2,h3 port=8443", "SVCB 0 other.example.", "TYPE65280 \\# 3 010203",
          "PTR host.example.", "LOC 52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m",
          "DS 1 8 2 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}) {
        CAPTURE(record);
        const auto ours = zone("example", std::string("x ") + record + "\n");
        const std::string text = zone_text(*ours);
        const auto again = load("example", text);
        REQUIRE(again.zone != nullptr);
        CHECK(zone_text(*again.zone) == text);
        CHECK(records(again.zone, "x.example") == records(ours, "x.example"));
    }
}

TEST_CASE("a quote inside a word ends it and begins the next, as in BIND and NSD") {
    const auto data = [](const std::string& line) {
        return records(zone("example", "x " + line + "\n"), "x.example");
    };
    const Lines three{"x.example 300 TXT \"a\" \"b c\" \"d\""};
    CHECK(data("TXT a\"b c\"d") == three);
    CHECK(data("TXT (a\"b c\"d)") == three);
    CHECK(data("TXT v=\"a b\"c") == Lines{"x.example 300 TXT \"v=\" \"a b\" \"c\""});
    CHECK(data("TXT a\\\"b") == Lines{"x.example 300 TXT \"a\\\"b\""});
    CHECK(data("CAA 0 issue\"ca.x\"") == Lines{"x.example 300 CAA 0 issue \"ca.x\""});
    // Only SVCB and HTTPS know key="value" (RFC 9460 §2.1).
    CHECK(data("HTTPS 1 . alpn=\"h2,h3\"port=53") ==
          Lines{"x.example 300 HTTPS 1 . alpn=h2,h3 port=53"});
    CHECK_FALSE(mistakes("x HTTPS 1 . alpn=h2\"x\"\n").empty());
    CHECK_FALSE(mistakes("x HINFO a=\"b\" c\n").empty());
    CHECK(mistakes("a=\"b c\" A 192.0.2.1\n") == Lines{"5:1: error: quotes stand inside the name"});
}

TEST_CASE("types whose data ldns cannot read say how to write them (RFC 3597 §5)") {
    for (const std::string line :
         {"A6 0 2001:db8::1", "NXT a.x. A NXT", "AMTRELAY 10 0 1 192.0.2.1"}) {
        CAPTURE(line);
        const Lines said = mistakes("x " + line + "\n");
        REQUIRE(said.size() == 1);
        CHECK(said[0].ends_with(
            "of this type only the bytes are known: \\# LENGTH HEX (RFC 3597 §5)"));
    }
}

TEST_CASE("data of a known type may be written as unknown (RFC 3597 §5)") {
    CHECK(records(zone("example", "x A \\# 4 C0000201\nx TYPE28 2001:db8::1\n"), "x.example") ==
          Lines{"x.example 300 A 192.0.2.1", "x.example 300 AAAA 2001:db8::1"});
    CHECK_FALSE(mistakes("x A \\# 3 C00002\n").empty());
}

TEST_CASE("a TTL that is not given: $TTL, else the last one, else a mistake") {
    const std::string soa = "@ 60 SOA ns.x. host 1 3 2 9 5\n";
    CHECK(records(zone("example", soa + " NS ns.x.\nw A 192.0.2.1\n"), "w.example") ==
          Lines{"w.example 60 A 192.0.2.1"});
    CHECK(records(zone("example", soa + " 90 NS ns.x.\nw A 192.0.2.1\n"), "w.example") ==
          Lines{"w.example 90 A 192.0.2.1"});
    CHECK(records(zone("example", "$TTL 7\n" + soa + " 90 NS ns.x.\nw A 192.0.2.1\n"),
                  "w.example") == Lines{"w.example 7 A 192.0.2.1"});
    CHECK(texts(load("example", "w A 192.0.2.1\n" + soa + "@ NS ns.x.\n").mistakes) ==
          Lines{"1:3: error: no TTL is known for this record"});
    const Loaded minimum = load("example", "@ SOA ns.x. host 1 3 2 9 5\n@ NS ns.x.\n");
    CHECK(texts(minimum.mistakes) ==
          Lines{"1:3: warning: no TTL is known for the SOA; its MINIMUM is used"});
    REQUIRE(minimum.zone != nullptr);
    CHECK(minimum.zone->soa().ttl().seconds == 5);
}

TEST_CASE("every mistake is told, in file order, with its place") {
    const Loaded loaded = load("example", front +
                                              "w A 192.0.2.256\n"            // 5
                                              "w. A 192.0.2\n"               // 6
                                              "c CNAME w\n"                  // 7
                                              "c TXT x\n"                    // 8
                                              "t TYP x\n"                    // 9
                                              "$TLL 5\n"                     // 10
                                              "u TXT \"open\n"               // 11
                                              "v A\n"                        // 12
                                              "  ) A 192.0.2.1\n"            // 13
                                              "a..b A 192.0.2.1\n"           // 14
                                              "n 99999999999 A 192.0.2.1\n"  // 15
                                              "n CH A 192.0.2.1\n"           // 16
                                              "n OPT x\n"                    // 17
                                              "$TTL\n"                       // 18
                                              "s SOA a b 1 3 2 9 5\n"        // 19
                                              "two CNAME a\n"                // 20
                                              "two CNAME b\n"                // 21
                                              "only\n"                       // 22
                                              "p ( A\n 192.0.2.1\n");        // 23
    CHECK(loaded.zone == nullptr);
    const Lines got = texts(loaded.mistakes);
    const Lines places = {"5:5",  "6:6",  "8:1",  "9:3",  "10:1", "11:7", "12:3", "13:3", "14:1",
                          "15:3", "16:3", "17:3", "18:1", "19:1", "21:1", "22:1", "23:3"};
    REQUIRE(got.size() == places.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
        CAPTURE(got[i]);
        CHECK(got[i].starts_with(places[i] + ": error: "));
    }
    CHECK(got[2] == "8:1: error: 'c.example' has a CNAME record and other data");
    CHECK(got[3] == "9:3: error: unknown type 'TYP'");
    CHECK(got[13] == "19:1: error: 's.example' has an SOA record, but is not the zone's own name");
    CHECK(got[14] == "21:1: error: 'two.example' has 2 CNAME records");
    CHECK(loaded.mistakes[0].text().starts_with("zone:5:5: error: wrong A data '192.0.2.256': "));
    CHECK(loaded.mistakes[0].text().ends_with("\n      hint: an IPv4 address, as in 192.0.2.1"));
}

TEST_CASE("a zone lacks what it lacks") {
    CHECK(texts(load("example", "").mistakes) == Lines{"zone: error: 'example' has no SOA record",
                                                       "zone: error: 'example' has no NS record"});
    CHECK(texts(load("example", "$TTL 5\n@ SOA a b 1 3 2 9 5\n").mistakes) ==
          Lines{"2:1: error: 'example' has no NS record"});
    CHECK(mistakes("@ SOA ns host 2 3 2 9 5\n") ==
          Lines{"5:1: error: 'example' has 2 SOA records"});
}

TEST_CASE("numbers beside names have no case: only what means the same is a duplicate") {
    // 65 and 97 are 'A' and 'a', 8001 and 8033 end in 0x41 and 0x61.
    CHECK(mistakes("w MX 65 a.x.\nw MX 97 a.x.\n").empty());
    CHECK(mistakes("w SRV 0 5 8001 a.x.\nw SRV 0 5 8033 a.x.\n").empty());
    CHECK(mistakes("w TYPE65280 \\# 1 41\nw TYPE65280 \\# 1 61\n").empty());
    CHECK(mistakes("w MX 65 a.x.\nw MX 65 A.X.\n") ==
          Lines{"6:1: warning: duplicate record: 'w.example' MX"});
    CHECK(mistakes("w SRV 0 5 8001 a.x.\nw SRV 0 5 8001 A.x.\n") ==
          Lines{"6:1: warning: duplicate record: 'w.example' SRV"});
    CHECK(mistakes("w MINFO a.x. b.x.\nw MINFO A.x. B.X.\n") ==
          Lines{"6:1: warning: duplicate record: 'w.example' MINFO"});
    const auto kept = load("example", front + "w MX 65 a.x.\nw MX 97 a.x.\n").zone;
    REQUIRE(kept != nullptr);
    CHECK(kept->rrset(name("w.example"), Type::mx)->rdatas.size() == 2);
}

TEST_CASE("two SOAs are the same when they differ in the names' case alone") {
    const auto soa = [](std::string_view primary, std::uint32_t serial) {
        return Soa{name(primary), name("b"), serial, 2, 3, 4, 5}.rdata();
    };
    const auto same = [](const Rdata& a, const Rdata& b) {
        return compare_rdata(Type::soa, a.bytes(), b.bytes()) == 0;
    };
    CHECK(same(soa("ns.example", 1), soa("NS.Example", 1)));
    CHECK_FALSE(same(soa("ns.example", 1), soa("na.example", 1)));
    for (const std::uint32_t shift : {0U, 8U, 16U, 24U})
        CHECK_FALSE(same(soa("ns", 0x41U << shift), soa("ns", 0x61U << shift)));
}

TEST_CASE("what is odd but can be served is a warning") {
    CHECK(mistakes("w A 192.0.2.1\nw A 192.0.2.1\n") ==
          Lines{"6:1: warning: duplicate record: 'w.example' A"});
    CHECK(mistakes("w NS a.x.\nw NS A.X.\n") ==
          Lines{"6:1: warning: duplicate record: 'w.example' NS"});
    const Loaded mixed =
        load("example", front + "w 9 A 192.0.2.1\nw 7 A 192.0.2.2\nw 8 A 192.0.2.3\n");
    CHECK(texts(mixed.mistakes) ==
          Lines{"6:1: warning: 'w.example' A has records with TTL 9 and 7"});
    REQUIRE(mixed.zone != nullptr);
    CHECK(mixed.zone->rrset(name("w.example"), Type::a)->ttl.seconds == 7);
    CHECK(mistakes("sub NS ns\nsub NS ns.elsewhere.\n").empty());
}

TEST_CASE("$INCLUDE reads another file, beside the one that asks") {
    const std::map<std::string, std::string> files = {
        {"dir/one", "www A 192.0.2.1\n$INCLUDE two deeper\n$ORIGIN lost\n$TTL 9\n"},
        {"dir/two", "@ TXT two\n A 192.0.2.2\n$INCLUDE /abs \n"},
        {"/abs", "abs TXT abs\n"}};
    const Loaded loaded =
        load("example", front + "$INCLUDE \"dir/one\" sub\n TXT after\nw A 192.0.2.3\n", files);
    REQUIRE(texts(loaded.mistakes) == Lines{});
    CHECK(loaded.files == Lines{"zone", "dir/one", "dir/two", "/abs"});
    CHECK(records(loaded.zone, "www.sub.example").size() == 1);
    CHECK(records(loaded.zone, "deeper.sub.example").size() == 2);
    CHECK(records(loaded.zone, "abs.deeper.sub.example").size() == 1);
    // Origin and owner are again what they were; a TTL stays.
    CHECK(records(loaded.zone, "ns.example") ==
          Lines{"ns.example 300 A 192.0.2.53", "ns.example 9 TXT \"after\""});
    CHECK(records(loaded.zone, "w.example").size() == 1);
}

TEST_CASE("includes that cannot be are told at the line that asks") {
    CHECK(mistakes("$INCLUDE none\n") == Lines{"5:10: error: cannot read 'none': no such file"});
    CHECK(mistakes("$INCLUDE zone\n") == Lines{"5:10: error: 'zone' includes itself"});
    CHECK(mistakes("$INCLUDE a\n", {{"a", "$INCLUDE b"}, {"b", "\n$INCLUDE a"}}) ==
          Lines{"b:2:10: error: 'a' includes itself"});
    CHECK(mistakes("$INCLUDE a\nw A x\n", {{"a", "x A y\n"}}) ==
          Lines{"6:5: error: wrong A data 'x': " +
                    std::string("Syntax error, could not parse the RR's rdata"),
                "a:1:5: error: wrong A data 'y': Syntax error, could not parse the RR's rdata"});
    std::map<std::string, std::string> deep;
    for (int i = 0; i < 30; ++i)
        deep["f" + std::to_string(i)] = "$INCLUDE f" + std::to_string(i + 1) + "\n";
    CHECK(mistakes("$INCLUDE f0\n", deep) ==
          Lines{"f15:1:10: error: $INCLUDE goes more than 16 deep"});
    std::string many;
    std::map<std::string, std::string> files;
    for (int i = 0; i < 1005; ++i) {
        many += "$INCLUDE f" + std::to_string(i) + "\n";
        files["f" + std::to_string(i)] = "";
    }
    CHECK(mistakes(many, files).size() == 6);  // the zone's own file counts
    CHECK(texts(load_zone(name("example"), "absent",
                          [](const std::string&) {
                              return tl::expected<std::string, std::string>(
                                  tl::unexpected<std::string>("permission denied"));
                          })
                    .mistakes)
              .at(0) == "absent: error: cannot read 'absent': permission denied");
}

TEST_CASE("mistakes are bounded in number, and what is not shown is counted") {
    std::string text;
    for (std::size_t i = 0; i < Flaws::errors_max + 5; ++i) text += "w A x\n";
    const Loaded loaded = load("example", front + text);
    CHECK(loaded.mistakes.size() == Flaws::errors_max + 1);
    CHECK(loaded.mistakes.back().what == "5 more errors are not shown");
}

TEST_CASE("names that are watched for are seen at their first place") {
    const Opener open = [](const std::string& path) {
        return tl::expected<std::string, std::string>(
            path == "zone" ? front + "www A 192.0.2.1\nWWW TXT x\n$INCLUDE more\n"
                           : std::string("\nmaster A 192.0.2.2\n"));
    };
    const Name watch[] = {name("master.example"), name("www.example"), name("none.example")};
    const Loaded loaded = load_zone(name("example"), "zone", open, watch);
    REQUIRE(loaded.seen.size() == 2);
    CHECK(loaded.seen[0].name == name("www.example"));
    CHECK(loaded.seen[0].file == "zone");
    CHECK(loaded.seen[0].line == 5);
    CHECK(loaded.seen[1].name == name("master.example"));
    CHECK(loaded.seen[1].file == "more");
    CHECK(loaded.seen[1].line == 2);
}

TEST_CASE("$GENERATE writes the records that its range asks for") {
    const auto ours = zone("example",
                           "$GENERATE 1-3 host-$ A 192.0.2.$\n"
                           "$GENERATE 0-4/2 n${10,3,d} 60 CNAME host-${1}\n"
                           "$GENERATE 255-256 ${0,3,n}.r PTR x${0,0,X}\n"
                           "$GENERATE 1-1 a\\$$ TXT \"$$\"\n");
    CHECK(records(ours, "host-3.example") == Lines{"host-3.example 300 A 192.0.2.3"});
    CHECK(records(ours, "host-4.example").empty());
    CHECK(records(ours, "n012.example") == Lines{"n012.example 60 CNAME host-3.example."});
    CHECK(records(ours, "n011.example").empty());
    CHECK(records(ours, "0.1.r.example").empty());
    CHECK(records(ours, "f.f.r.example") == Lines{"f.f.r.example 300 PTR xFF.example."});
    CHECK(records(ours, "0.0.1.r.example") == Lines{"0.0.1.r.example 300 PTR x100.example."});
    CHECK(records(ours, "a$1.example") == Lines{"a\\$1.example 300 TXT \"$\""});
    CHECK(mistakes("$GENERATE 3-1 a$ A 192.0.2.1\n") ==
          Lines{"5:11: error: the range must rise, to 2147483647 at most"});
    CHECK(mistakes("$GENERATE 1-2 a${1 A 192.0.2.1\n").size() == 1);
    CHECK(mistakes("$GENERATE 1-2000001 a$ A 192.0.2.1\n").size() == 1);
    CHECK(mistakes("$GENERATE 1-2 a$\n").size() == 1);
    CHECK(mistakes("$GENERATE 1-2 a$ A 192.0.2.2567\n") ==
          Lines{"5:1: error: wrong A data '192.0.2.2567': Syntax error, could not parse the RR's "
                "rdata"});
}

TEST_CASE("zone text that is cut or changed anywhere is read or refused (fuzz_zone_text)") {
    const std::string whole =
        front +
        "w ( A 192.0.2.1 ) ; c\nt TXT \"a\\\"b\" c\\100d\nm MX 10 w\n"
        "c CAA 0 issue \"x\"\ns SVCB 1 . alpn=\"h2\" port=1\nx TYPE9 \\# 1 00\n"
        "l LOC 1 1 1 N 1 1 1 E 1m\nd DS 1 8 7 00\nk DNSKEY 1 3 8 AQAB\n"
        "n NAPTR 1 1 \"\" \"\" \"\" .\n$GENERATE 1-2 g$ A 192.0.2.$\n";
    REQUIRE(load("example", whole).zone != nullptr);
    for (std::size_t size = 0; size < whole.size(); ++size) load("example", whole.substr(0, size));
    Random random(4);
    const std::string odd = "\"();\\$@ \n\t.0AaTX#\xff{}-";
    for (int round = 0; round < 3000; ++round) {
        std::string text = whole;
        for (std::size_t changes = 1 + random.below(4); changes > 0; --changes) {
            const std::size_t at = random.below(text.size());
            if (random.below(2) == 0)
                text[at] = odd[random.below(odd.size())];
            else
                text.insert(at, 1, odd[random.below(odd.size())]);
        }
        CAPTURE(text);
        const Loaded loaded = load("example", text);
        if (loaded.zone == nullptr) continue;
        const auto again = load("example", zone_text(*loaded.zone));
        REQUIRE(again.zone != nullptr);
        REQUIRE(zone_text(*again.zone) == zone_text(*loaded.zone));
    }
}

TEST_CASE("a name in record data may begin with the label @, which is not the origin then") {
    const auto read = zone("example",
                           "a NS \\064.elsewhere.\nb MX 5 \\@\nc NS @\nd TXT \"\\064.x\" \\064.y\n"
                           "e MINFO \\064.m \\064.n.\nf NS @.g.\n");
    CHECK(read->rrset(name("a.example"), Type::ns)->rdatas[0] ==
          name_rdata(name("\\064.elsewhere")));
    CHECK(read->rrset(name("b.example"), Type::mx)->rdatas[0].bytes().size() ==
          2 + name("\\064.example").wire().size());
    CHECK(read->rrset(name("c.example"), Type::ns)->rdatas[0] == name_rdata(name("example")));
    CHECK(zone_text(*read).find("\"@.x\" \"@.y\"") != std::string::npos);
    CHECK(read->rrset(name("f.example"), Type::ns)->rdatas[0] == name_rdata(name("\\064.g")));
}
