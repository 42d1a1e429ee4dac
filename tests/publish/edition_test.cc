#include "dnsd/publish/edition.h"

#include "zones/zonefile.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>

namespace {

using namespace dnsd;
using zones::Name;
using zones::Serial;
using zones::Type;

Name name(std::string_view text) {
    return *Name::parse(text);
}

Member member(std::string_view id, std::vector<std::string_view> addresses) {
    Member out{*ServerId::parse(id), {}};
    for (const auto address : addresses) out.addresses.push_back(*Address::parse(address));
    std::sort(out.addresses.begin(), out.addresses.end());
    return out;
}

const EditionRules rules{name("www.wiki.example"), name("master.wiki.example"), {5}, {3}};
const Member wiki1 = member("wiki1", {"192.0.2.11"});
const Member wiki2 = member("wiki2", {"192.0.2.12", "2001:db8::12"});

Standing standing(std::vector<Member> pool, std::optional<Member> master = std::nullopt) {
    Standing out;
    out.group = "wiki";
    out.pool = std::move(pool);
    out.master = std::move(master);
    return out;
}

std::vector<std::string> texts(const zones::Zone& zone, std::string_view owner, Type type) {
    std::vector<std::string> out;
    if (const auto rrset = zone.rrset(name(owner), type)) {
        for (const auto& rdata : rrset->rdatas) {
            const auto* bytes = reinterpret_cast<const std::uint8_t*>(rdata.bytes().data());
            if (type == Type::a) {
                out.push_back(Address::v4({bytes[0], bytes[1], bytes[2], bytes[3]}).text());
            } else {
                std::array<std::uint8_t, 16> v6{};
                std::copy_n(bytes, v6.size(), v6.begin());
                out.push_back(Address::v6(v6).text());
            }
        }
    }
    std::sort(out.begin(), out.end());
    return out;
}

using Texts = std::vector<std::string>;

std::shared_ptr<const zones::Zone> plain_zone(std::uint32_t serial) {
    const std::string text = "$TTL 300\n@ SOA ns0 admin " + std::to_string(serial) +
                             " 3600 600 86400 60\n@ NS ns0\nns0 A 192.0.2.1\n";
    const auto loaded = zones::load_zone(
        name("wiki.example"), "zone",
        [&](const std::string&) -> tl::expected<std::string, std::string> { return text; });
    REQUIRE(loaded.zone);
    return loaded.zone;
}

}  // namespace

TEST_CASE("the first edition puts both names into one version under the next serial") {
    const auto zone = plain_zone(41);
    const auto next = edition(*zone, rules, standing({wiki1, wiki2}, wiki2), Serial(7));
    REQUIRE(next);
    CHECK(next->serial() == Serial(42));
    CHECK(texts(*next, "www.wiki.example", Type::a) == Texts{"192.0.2.11", "192.0.2.12"});
    CHECK(texts(*next, "www.wiki.example", Type::aaaa) == Texts{"2001:db8::12"});
    CHECK(texts(*next, "master.wiki.example", Type::a) == Texts{"192.0.2.12"});
    CHECK(texts(*next, "master.wiki.example", Type::aaaa) == Texts{"2001:db8::12"});
    CHECK(next->rrset(rules.www, Type::a)->ttl == zones::Ttl{5});
    CHECK(next->rrset(rules.master, Type::a)->ttl == zones::Ttl{3});
    CHECK(texts(*zone, "www.wiki.example", Type::a).empty());  // the version before still serves
}

TEST_CASE("the same standing makes no new version") {
    const auto first = edition(*plain_zone(1), rules, standing({wiki1, wiki2}, wiki1), Serial(2));
    REQUIRE(first);
    CHECK(edition(*first, rules, standing({wiki1, wiki2}, wiki1), Serial(3)) == nullptr);
}

TEST_CASE("a new ttl alone makes a new version") {
    const auto first = edition(*plain_zone(1), rules, standing({wiki1}), Serial(2));
    EditionRules shorter = rules;
    shorter.www_ttl = {1};
    const auto next = edition(*first, shorter, standing({wiki1}), Serial(3));
    REQUIRE(next);
    CHECK(next->rrset(rules.www, Type::a)->ttl == zones::Ttl{1});
}

TEST_CASE(
    "master has no record until a server has been writable, and loses its AAAA with its server") {
    const auto none = edition(*plain_zone(1), rules, standing({wiki1, wiki2}), Serial(2));
    REQUIRE(none);
    CHECK_FALSE(none->rrset(rules.master, Type::a));
    CHECK_FALSE(none->rrset(rules.master, Type::aaaa));
    const auto both = edition(*none, rules, standing({wiki1, wiki2}, wiki2), Serial(3));
    REQUIRE(both->rrset(rules.master, Type::aaaa));
    const auto only_v4 = edition(*both, rules, standing({wiki1, wiki2}, wiki1), Serial(4));
    CHECK(texts(*only_v4, "master.wiki.example", Type::a) == Texts{"192.0.2.11"});
    CHECK_FALSE(only_v4->rrset(rules.master, Type::aaaa));
}

TEST_CASE("the AAAA set of the pool goes when only IPv4 is left") {
    const auto both = edition(*plain_zone(1), rules, standing({wiki1, wiki2}), Serial(2));
    REQUIRE(both->rrset(rules.www, Type::aaaa));
    const auto v4 = edition(*both, rules, standing({wiki1}), Serial(3));
    CHECK_FALSE(v4->rrset(rules.www, Type::aaaa));
    CHECK(texts(*v4, "www.wiki.example", Type::a) == Texts{"192.0.2.11"});
}

TEST_CASE("an address that two servers share stands once (RFC 2181 section 5)") {
    const auto twin = member("wiki3", {"192.0.2.11"});
    const auto next = edition(*plain_zone(1), rules, standing({wiki1, twin}), Serial(2));
    CHECK(texts(*next, "www.wiki.example", Type::a) == Texts{"192.0.2.11"});
}

TEST_CASE("the serial follows what was published, also around the end of the circle (RFC 1982)") {
    struct Row {
        std::uint32_t file, at_least, expected;
    };
    for (const Row row : {Row{1, 1743, 1743}, Row{2000, 1743, 2001}, Row{0xffff'ffff, 1, 1},
                          Row{0xffff'ffff, 0xffff'fff0, 0}, Row{5, 0xffff'ffff, 6},
                          Row{0xffff'fff0, 3, 3}, Row{0x8000'0000, 1, 1}}) {
        CAPTURE(row.file);
        CAPTURE(row.at_least);
        const auto next =
            edition(*plain_zone(row.file), rules, standing({wiki1}), Serial(row.at_least));
        REQUIRE(next);
        CHECK(next->serial().value() == row.expected);
    }
}

TEST_CASE("over many changes serials strictly rise and each version holds what was decided") {
    std::mt19937 random(4711);
    auto zone = plain_zone(0xffff'ff00);  // wraps on the way
    for (int i = 0; i < 1000; ++i) {
        std::vector<Member> pool;
        if (random() % 2) pool.push_back(wiki1);
        if (random() % 2 || pool.empty()) pool.push_back(wiki2);
        const auto now = standing(pool, random() % 3 ? std::optional(wiki1) : std::nullopt);
        const auto next = edition(*zone, rules, now, zone->serial().next());
        if (!next) {
            CHECK(edition(*zone, rules, now, Serial(0)) == nullptr);
            continue;
        }
        CHECK(next->serial() > zone->serial());
        CHECK(texts(*next, "www.wiki.example", Type::a).size() == pool.size());
        CHECK(next->rrset(rules.master, Type::a).has_value() == now.master.has_value());
        zone = next;
    }
}

TEST_CASE("the text for the ledger is equal exactly when the records are") {
    const auto text = live_text(rules, standing({wiki1, wiki2}, wiki2));
    CHECK(text ==
          "www.wiki.example 5 192.0.2.11 192.0.2.12 2001:db8::12\n"
          "master.wiki.example 3 192.0.2.12 2001:db8::12\n");
    CHECK(live_text(rules, standing({wiki2, wiki1}, wiki2)) == text);
    CHECK(live_text(rules, standing({wiki1, wiki2})) != text);
    EditionRules upper = rules;
    upper.www = name("WWW.wiki.example");
    CHECK(live_text(upper, standing({wiki1, wiki2}, wiki2)) == text);
    upper.www_ttl = {6};
    CHECK(live_text(upper, standing({wiki1, wiki2}, wiki2)) != text);
}
