#include "tests/zones/support.h"
#include "zones/path.h"
#include "zones/serial.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace zones;
using namespace zones::testing;

TEST_CASE("serials are ordered on a circle (RFC 1982)") {
    CHECK(Serial(1) < Serial(2));
    CHECK(Serial(0xffff'ffff) < Serial(0));
    CHECK(Serial(0) < Serial(0x7fff'ffff));
    CHECK(Serial(0x7fff'ffff).next() > Serial(1));
    CHECK((Serial(0) <=> Serial(0x8000'0000)) == std::partial_ordering::unordered);
    CHECK_FALSE(Serial(0) < Serial(0x8000'0000));
    CHECK_FALSE(Serial(0) > Serial(0x8000'0000));
    CHECK(Serial(0xffff'ffff).next().value() == 0);
}

TEST_CASE("a name is the same with and without its final dot, in any case") {
    CHECK(name("www.Example.ORG") == name("WWW.example.org."));
    CHECK(name("www.Example.ORG").text() == "www.Example.ORG");
    CHECK(name("www.Example.ORG").hash() == name("WWW.example.org.").hash());
    CHECK(name(".") == Name::root());
    CHECK(name(".").text() == ".");
    CHECK_FALSE(name("a.b") == name("ab"));
}

TEST_CASE("only ASCII letters are blind to case") {
    // '@' and '[' stand beside the letters; 0xC1 is 'A' with the eighth bit.
    CHECK_FALSE(name("\\@") == name("`"));
    CHECK_FALSE(name("[") == name("{"));
    CHECK_FALSE(name("\\193") == name("\\225"));
    CHECK_FALSE(name("aaaaaaa\\193") == name("aaaaaaa\\225"));
    CHECK(name("ABCDEFGHIJKLMNOPQRSTUVWXYZ") == name("abcdefghijklmnopqrstuvwxyz"));
    for (unsigned c = 0; c < 256; ++c) {
        const auto lower =
            static_cast<std::uint8_t>(lower8(std::uint64_t{c} * 0x0101'0101'0101'0101U));
        CHECK(lower == lower1(static_cast<std::uint8_t>(c)));
    }
}

TEST_CASE("escapes of a name survive text and back") {
    const Name dotted = name("a\\.b.c");
    CHECK(dotted.labels() == 2);
    CHECK(dotted.text() == "a\\.b.c");
    const Name odd = name("\\000\\255\\\"\\;x.org");
    CHECK(odd.labels() == 2);
    CHECK(name(odd.text()) == odd);
    CHECK(odd.wire().size() == 1 + 5 + 1 + 3 + 1);
}

TEST_CASE("what is no name is refused") {
    for (const char* text : {"", "..", ".a", "a..b", "a\\", "a\\25", "a\\256", "a\\2x5"}) {
        CAPTURE(text);
        CHECK_FALSE(Name::parse(text).has_value());
    }
    CHECK(Name::parse(std::string(63, 'a')).has_value());
    CHECK_FALSE(Name::parse(std::string(64, 'a')).has_value());
}

TEST_CASE("a name has at most 255 bytes and 127 labels") {
    std::string longest;
    for (int i = 0; i < 127; ++i) longest += "a.";
    const auto parsed = Name::parse(longest);
    REQUIRE(parsed.has_value());
    CHECK(parsed->wire().size() == 255);
    CHECK(parsed->labels() == 127);
    CHECK_FALSE(Name::parse(longest + "a").has_value());
    CHECK_FALSE(parsed->with_label("b").has_value());
    CHECK_FALSE(Name::parse("b", *parsed).has_value());
    CHECK(Path(*parsed).depth() == 127);
}

TEST_CASE("names are in canonical order (RFC 4034 §6.1)") {
    // The example of the RFC itself.
    std::vector<Name> names;
    for (const char* text :
         {"example", "a.example", "yljkjljk.a.example", "Z.a.example", "zABC.a.EXAMPLE",
          "z.example", "\\001.z.example", "*.z.example", "\\200.z.example"})
        names.push_back(name(text));
    auto sorted = names;
    std::reverse(sorted.begin(), sorted.end());
    std::sort(sorted.begin(), sorted.end());
    for (std::size_t i = 0; i < names.size(); ++i) CHECK(sorted[i] == names[i]);
}

TEST_CASE("a name is under itself and its ancestors, by whole labels") {
    CHECK(name("a.b.c").under(name("B.C")));
    CHECK(name("a.b.c").under(name("a.b.c")));
    CHECK(name("a.b.c").under(Name::root()));
    CHECK_FALSE(name("xb.c").under(name("b.c")));
    CHECK_FALSE(name("c").under(name("b.c")));
    // The bytes end alike, the labels do not: 3 'x' 1 'c' against 1 'c'.
    CHECK_FALSE(name("x\\001c").under(name("c")));
    CHECK(name("a.b").parent() == name("b"));
    CHECK(Name::root().parent() == Name::root());
    CHECK(name("b").with_label("a") == name("a.b"));
    CHECK_FALSE(name("b").with_label("").has_value());
}

TEST_CASE("names from the wire are whole and have no pointers") {
    CHECK(Name::from_wire(bytes({1, 'a', 0, 9})) == name("a"));
    CHECK_FALSE(Name::from_wire(bytes({})).has_value());
    CHECK_FALSE(Name::from_wire(bytes({1, 'a'})).has_value());
    CHECK_FALSE(Name::from_wire(bytes({5, 'a', 0})).has_value());
    CHECK_FALSE(Name::from_wire(bytes({0xc0, 0})).has_value());
    CHECK_FALSE(Name::from_wire(bytes({0x41, 'a', 0})).has_value());
    CHECK_FALSE(Name::from_wire(Bytes(300, std::byte{1})).has_value());
}

TEST_CASE("a path knows the hash of each suffix") {
    const Name www = name("www.Example.org");
    const Path path(www);
    CHECK(path.depth() == 3);
    CHECK(path.hash(0) == hash_of_root);
    CHECK(path.hash(2) == Path(name("example.ORG")).hash());
    CHECK(path.hash() == www.hash());
    CHECK(path.start(0) + 1 == www.wire().size());
    CHECK(hash_label(path.hash(2), www.wire().data()) == path.hash(3));
    // The same bytes split otherwise are another name.
    CHECK(name("ab.c").hash() != name("a.bc").hash());
    CHECK(name("a").hash() != name("a.a").hash());
}

TEST_CASE("types have names, and numbers where they have none (RFC 3597 §5)") {
    CHECK(type_text(Type::aaaa) == "AAAA");
    CHECK(type_text(static_cast<Type>(65280)) == "TYPE65280");
    CHECK(parse_type("aaaa") == Type::aaaa);
    CHECK(parse_type("type28") == Type::aaaa);
    CHECK(parse_type("TYPE65535") == static_cast<Type>(65535));
    for (const char* text : {"", "TYPE", "TYPE65536", "TYPE-1", "TYPE1x", "AAAAA"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_type(text).has_value());
    }
}

TEST_CASE("record data must have the form that answering relies on") {
    CHECK(well_formed(Type::a, bytes({1, 2, 3, 4})));
    CHECK_FALSE(well_formed(Type::a, bytes({1, 2, 3})));
    CHECK_FALSE(well_formed(Type::a, {}));
    CHECK_FALSE(well_formed(Type::aaaa, bytes({1, 2, 3, 4})));
    CHECK(well_formed(Type::ns, bytes({1, 'a', 0})));
    CHECK_FALSE(well_formed(Type::ns, bytes({1, 'a', 0, 0})));
    CHECK_FALSE(well_formed(Type::ns, bytes({0xc0, 12})));
    CHECK_FALSE(well_formed(Type::mx, bytes({0})));
    CHECK(well_formed(Type::mx, bytes({0, 10, 0})));
    CHECK_FALSE(well_formed(Type::soa, Bytes(21)));
    CHECK(well_formed(Type::soa, Bytes(22)));
    CHECK(well_formed(Type::txt, bytes({0})));
    CHECK_FALSE(well_formed(Type::txt, bytes({2, 'a'})));
    CHECK_FALSE(well_formed(Type::txt, {}));
    CHECK(well_formed(static_cast<Type>(65280), {}));
    CHECK_FALSE(well_formed(static_cast<Type>(65280), Bytes(rrset_size_max)));
}
