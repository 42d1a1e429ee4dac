#include "tests/zones/support.h"
#include "zones/builder.h"

#include <doctest/doctest.h>

#include <set>

using namespace zones;
using namespace zones::testing;

TEST_CASE("a catalog is a value: the old one goes on as it was") {
    const auto first = zone("example", "www A 192.0.2.1\n");
    const Catalog before = catalog({first});
    const auto second = first->with({}, Serial(2));
    REQUIRE(second.has_value());
    const Catalog after = before.with(before.zone(name("EXAMPLE"))->advance(*second));
    CHECK(before.zone(name("example"))->newest()->serial() == Serial(1));
    CHECK(after.zone(name("example"))->newest()->serial() == Serial(2));
    CHECK(after.size() == 1);
    CHECK(after.without(name("example")).size() == 0);
    CHECK(after.without(name("example.org")).size() == 1);
    CHECK(after.zone(name("www.example")) == nullptr);
}

TEST_CASE("ten thousand zones are found, each by its own name and by names below it") {
    const auto model = zone("model", "");
    Catalog zones;
    constexpr int count = 10'000;
    std::vector<Name> names;
    for (int i = 0; i < count; ++i) {
        const std::string text =
            "z" + std::to_string(i) + (i % 3 ? ".example" : ".deep.example.org");
        names.push_back(name(text));
    }
    // One zone's data under another name does for this.
    for (const Name& origin : names) {
        ZoneBuilder builder(origin);
        builder.add(origin.wire(), Type::soa, Ttl{60}, model->soa().first_rdata());
        builder.add(origin.wire(), Type::ns, Ttl{60}, Name::root().wire());
        Flaws flaws;
        const auto built = builder.build(flaws);
        REQUIRE(built != nullptr);
        zones = zones.with(History(built));
    }
    CHECK(zones.size() == count);
    for (const Name& origin : names) {
        REQUIRE(zones.zone(origin) != nullptr);
        const Name below = *origin.with_label("www");
        const Zone* found = zones.enclosing(Path(below));
        REQUIRE(found != nullptr);
        CHECK(found->origin() == origin);
    }
    CHECK(zones.enclosing(Path(name("deep.example.org"))) == nullptr);
    CHECK(zones.enclosing(Path(name("z1.example")), 1) == nullptr);
    std::set<std::string> seen;
    zones.for_each([&](const History& history) { seen.insert(history.origin().text()); });
    CHECK(seen.size() == count);
    for (const Name& origin : names) zones = zones.without(origin);
    CHECK(zones.size() == 0);
    CHECK(zones.enclosing(Path(names[0])) == nullptr);
}

TEST_CASE("a prefix contains what it should") {
    const auto contains = [](const char* prefix, const char* address) {
        return Prefix::parse(prefix)->contains(Prefix::parse(address)->address);
    };
    CHECK(contains("192.0.2.0/24", "192.0.2.255"));
    CHECK_FALSE(contains("192.0.2.0/24", "192.0.3.0"));
    CHECK(contains("192.0.2.128/25", "192.0.2.129"));
    CHECK_FALSE(contains("192.0.2.128/25", "192.0.2.127"));
    CHECK(contains("0.0.0.0/0", "255.255.255.255"));
    CHECK_FALSE(contains("0.0.0.0/0", "2001:db8::1"));
    CHECK(contains("::/0", "2001:db8::1"));
    // IPv4 has its place within IPv6, but is not meant by it.
    for (const char* wide : {"::/0", "::/80", "::/95"}) {
        CHECK(contains(wide, "::2"));
        CHECK_FALSE(contains(wide, "192.0.2.1"));
    }
    for (const char* mapped : {"::ffff:0:0/96", "::ffff:192.0.2.0/120"})
        CHECK(contains(mapped, "192.0.2.1"));
    CHECK(contains("2001:db8::/33", "2001:db8:7fff::1"));
    CHECK_FALSE(contains("2001:db8::/33", "2001:db8:8000::1"));
    CHECK(contains("192.0.2.1", "192.0.2.1"));
    CHECK_FALSE(contains("192.0.2.1", "192.0.2.2"));
    for (const char* text : {"", "/", "192.0.2", "192.0.2.1/33", "::1/129", "192.0.2.1/", "x/8",
                             "192.0.2.1/8x", "192.0.2.1/-1"}) {
        CAPTURE(text);
        CHECK_FALSE(Prefix::parse(text).has_value());
    }
    CHECK(Prefix::parse("192.0.2.0/24")->text() == "192.0.2.0/24");
    CHECK(Prefix::parse("192.0.2.7")->text() == "192.0.2.7");
    CHECK(Prefix::parse("2001:DB8::/32")->text() == "2001:db8::/32");
    CHECK(Prefix::parse("::1")->text() == "::1");
}
