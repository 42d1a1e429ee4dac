// Zone::with(): the next version, and that the one before it does not notice.
#include "tests/zones/support.h"
#include "zones/builder.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>

using namespace zones;
using namespace zones::testing;

namespace {

using Changes = std::vector<Zone::Change>;

Rdata address(std::uint8_t last) {
    const std::uint8_t bytes[4] = {192, 0, 2, last};
    return a_rdata(bytes);
}

std::shared_ptr<const Zone> changed(const std::shared_ptr<const Zone>& from, const Changes& changes,
                                    std::uint32_t serial = 2) {
    auto next = from->with(changes, Serial(serial));
    REQUIRE_MESSAGE(next.has_value(), next.error());
    return *next;
}

std::string refusal(const std::shared_ptr<const Zone>& from, const Changes& changes) {
    const auto next = from->with(changes, Serial(2));
    REQUIRE_FALSE(next.has_value());
    return next.error();
}

// The same records, built anew: what with() must be equal to.
std::shared_ptr<const Zone> rebuilt(const Zone& from) {
    ZoneBuilder builder(from.origin());
    std::vector<Name> made;  // a change may take the address of a server
    if (const auto servers = from.rrset(from.origin(), Type::ns))
        for (const Rdata& server : servers->rdatas) made.push_back(*Name::from_wire(server.bytes()));
    Zone::Cursor cursor;
    while (const Node* node = from.next(cursor))
        node->for_each([&](RRsetView rrset) {
            const std::byte* record = rrset.records().data();
            for (std::size_t i = 0; i < rrset.count(); ++i) {
                builder.add(node->name(), rrset.type(), rrset.ttl(), RRsetView::rdata(record));
                record += RRsetView::record_size(record);
            }
        });
    Flaws flaws;
    auto built = builder.build(flaws, made);
    REQUIRE(built != nullptr);
    return built;
}

void check_same(const Zone& a, const Zone& b) {
    CHECK(zone_text(a) == zone_text(b));
    CHECK(a.names() == b.names());
    CHECK(a.records() == b.records());
    CHECK(a.serial() == b.serial());
}

// What a zone says of a name, as text that two zones can be compared by.
std::string says(const Zone& zone, const Name& name, Type type) {
    Asking asking;
    asking.type = type;
    asking.transport = Peer::Transport::tcp;
    const Bytes response = reply_to(Catalog().with(History(zone.with({}, zone.serial()).value())),
                                    query(name.text(), asking), asking);
    return {reinterpret_cast<const char*>(response.data()), response.size()};
}

}  // namespace

TEST_CASE("a change replaces whole RRsets and the serial, and the old version stays") {
    const auto before = zone("example", "www A 192.0.2.1\nwww A 192.0.2.2\nwww TXT x\n");
    const std::string text = zone_text(*before);
    const auto after = changed(before, {{name("WWW.example"), Type::a, Ttl{5}, {address(9)}}}, 77);
    CHECK(lines({*after->rrset(name("www.example"), Type::a)}) ==
          Lines{"www.example 5 A 192.0.2.9"});
    CHECK(after->rrset(name("www.example"), Type::txt).has_value());
    CHECK(after->serial() == Serial(77));
    CHECK(Soa::read(after->soa().first_rdata())->serial == 77);
    CHECK(zone_text(*before) == text);
    CHECK(before->serial() == Serial(1));
    CHECK(before->records() == 5);
    CHECK(after->records() == 4);
}

TEST_CASE("an RRset without data goes, and with the last one the name") {
    const auto before = zone("example", "www A 192.0.2.1\n");
    const auto after = changed(before, {{name("www.example"), Type::a, Ttl{5}, {}}});
    CHECK_FALSE(after->rrset(name("www.example"), Type::a).has_value());
    CHECK(ask(catalog({after}), "www.example", Type::a).rcode == 3);
    CHECK(ask(catalog({before}), "www.example", Type::a).answer.size() == 1);
    CHECK(after->names() == 1);
    // Removing what is not there changes nothing.
    check_same(*changed(before, {{name("no.example"), Type::a, Ttl{5}, {}}}, 1), *before);
}

TEST_CASE("empty non-terminals come and go with the names below them (RFC 8020)") {
    const auto bare = zone("example", "");
    const Name deep = name("a.b.c.example");
    const auto with_deep = changed(bare, {{deep, Type::a, Ttl{5}, {address(1)}}});
    CHECK(with_deep->names() == 4);
    CHECK(ask(catalog({with_deep}), "b.c.example", Type::a).rcode == 0);
    SUBCASE("the last name goes: so do they") {
        const auto gone = changed(with_deep, {{deep, Type::a, Ttl{5}, {}}}, 1);
        CHECK(ask(catalog({gone}), "b.c.example", Type::a).rcode == 3);
        CHECK(ask(catalog({gone}), "c.example", Type::a).rcode == 3);
        check_same(*gone, *bare);
        CHECK(gone->changed() == 1);  // the apex, for its SOA
    }
    SUBCASE("another name keeps them") {
        const auto both =
            changed(with_deep, {{name("x.b.c.example"), Type::a, Ttl{5}, {address(2)}}});
        const auto one = changed(both, {{deep, Type::a, Ttl{5}, {}}});
        CHECK(ask(catalog({one}), "b.c.example", Type::a).rcode == 0);
        CHECK(ask(catalog({one}), "a.b.c.example", Type::a).rcode == 3);
    }
    SUBCASE("one that has got records is a name of its own") {
        const auto owned = changed(with_deep, {{name("c.example"), Type::a, Ttl{5}, {address(3)}}});
        const auto gone = changed(owned, {{deep, Type::a, Ttl{5}, {}}});
        CHECK(ask(catalog({gone}), "c.example", Type::a).answer.size() == 1);
        CHECK(ask(catalog({gone}), "b.c.example", Type::a).rcode == 3);
    }
    SUBCASE("a swap of the only child, in one batch") {
        const auto swapped = changed(
            with_deep,
            {{deep, Type::a, Ttl{5}, {}}, {name("y.b.c.example"), Type::a, Ttl{5}, {address(4)}}});
        CHECK(swapped->names() == 4);
        CHECK(ask(catalog({swapped}), "b.c.example", Type::a).rcode == 0);
        CHECK(ask(catalog({swapped}), "a.b.c.example", Type::a).rcode == 3);
    }
}

TEST_CASE("a change keeps records whose numbers look like letters, and drops real duplicates") {
    const auto before = zone("example", "");
    const auto mx = [](std::uint8_t preference, std::string_view server) {
        Bytes data = bytes({0, preference});
        const Name host = name(server);
        data.insert(data.end(), host.wire().begin(), host.wire().end());
        return Rdata(data);
    };
    const Zone::Change change{
        name("w.example"), Type::mx, {60}, {mx('A', "a.x"), mx('a', "a.x"), mx('A', "A.X")}};
    const auto after = changed(before, {change});
    CHECK(after->rrset(name("w.example"), Type::mx)->rdatas ==
          std::vector<Rdata>{mx('A', "a.x"), mx('a', "a.x")});
}

TEST_CASE("cuts and wildcards take effect and end with the change") {
    const auto before = zone("example", "w.sub A 192.0.2.1\n");
    const auto cut =
        changed(before, {{name("sub.example"), Type::ns, Ttl{5}, {name_rdata(name("ns.x"))}}});
    CHECK(ask(catalog({cut}), "w.sub.example", Type::a).authority.at(0).type == Type::ns);
    const auto open = changed(cut, {{name("sub.example"), Type::ns, Ttl{5}, {}}});
    CHECK(ask(catalog({open}), "w.sub.example", Type::a).answer.size() == 1);
    const auto wild = changed(before, {{name("*.example"), Type::a, Ttl{5}, {address(7)}}});
    CHECK(ask(catalog({wild}), "q.example", Type::a).answer.size() == 1);
    const auto tame = changed(wild, {{name("*.example"), Type::a, Ttl{5}, {}}});
    CHECK(ask(catalog({tame}), "q.example", Type::a).rcode == 3);
    const auto moved =
        changed(before, {{name("sub.example"), Type::dname, Ttl{5}, {name_rdata(name("y"))}}});
    CHECK(ask(catalog({moved}), "w.sub.example", Type::a).answer.at(0).type == Type::dname);
}

TEST_CASE("what would break the zone is refused, and nothing changes") {
    const auto ours = zone("example", "www A 192.0.2.1\nalias CNAME www\n");
    const std::string text = zone_text(*ours);
    const auto with_one = [&](const char* owner, Type type, std::vector<Rdata> rdatas) {
        return refusal(ours, {{name(owner), type, Ttl{5}, std::move(rdatas)}});
    };
    CHECK(with_one("www.example.org", Type::a, {address(1)}) ==
          "'www.example.org' A is not in the zone 'example'");
    CHECK(with_one("alias.example", Type::a, {address(1)}) ==
          "'alias.example' has a CNAME record and other data");
    CHECK(with_one("www.example", Type::cname, {name_rdata(name("x"))}) ==
          "'www.example' has a CNAME record and other data");
    CHECK(with_one("alias.example", Type::cname, {name_rdata(name("x")), name_rdata(name("y"))}) ==
          "'alias.example' has 2 CNAME records");
    CHECK(with_one("example", Type::soa, {}) == "'example' would have no SOA record");
    CHECK(with_one("example", Type::ns, {}) == "'example' has no NS record");
    CHECK(with_one("www.example", Type::soa, {Soa{}.rdata()}) ==
          "'www.example' has an SOA record, but is not the zone's own name");
    CHECK(with_one("x.example", Type::a, {Rdata()}) == "'x.example' A has malformed data");
    CHECK(with_one("x.example", Type::any, {Rdata()}) == "'x.example' has a record of type ANY");
    const std::vector<Rdata> large(1, Rdata(Bytes(rrset_size_max - record_head - 1)));
    std::vector<Rdata> larger = large;
    larger.push_back(Rdata(Bytes(9)));
    CHECK(changed(ours, {{name("x.example"), static_cast<Type>(65280), Ttl{5}, large}}) != nullptr);
    CHECK(with_one("x.example", static_cast<Type>(65280), larger).find("more TYPE65280 data") !=
          std::string::npos);
    CHECK(refusal(ours, {{name("x.example"), Type::a, Ttl{0x8000'0000}, {address(1)}}}) ==
          "'x.example' A has a TTL above 2147483647");
    CHECK(zone_text(*ours) == text);
}

TEST_CASE("the same data twice counts once") {
    const auto after = changed(zone("example", ""),
                               {{name("w.example"), Type::a, Ttl{5}, {address(1), address(1)}}});
    CHECK(after->rrset(name("w.example"), Type::a)->rdatas.size() == 1);
}

TEST_CASE("an SOA may be replaced; its serial is the one that was asked for") {
    const auto before = zone("example", "");
    Soa soa = *Soa::read(before->soa().first_rdata());
    soa.minimum = 5;
    soa.serial = 99;
    const auto after = changed(before, {{name("example"), Type::soa, Ttl{60}, {soa.rdata()}}}, 7);
    CHECK(after->serial() == Serial(7));
    CHECK(after->negative_ttl().seconds == 5);
}

TEST_CASE("random changes make the zone that building it anew would make") {
    Random random(20);
    const char* const labels[] = {"a", "b", "c", "*", "Sub"};
    const auto any_name = [&] {
        Name result = name("example");
        for (std::size_t depth = random.below(4); depth > 0; --depth)
            result = *result.with_label(labels[random.below(5)]);
        return result;
    };
    const Type types[] = {Type::a, Type::txt, Type::ns, Type::dname, Type::cname};
    auto ours = zone("example", "a A 192.0.2.1\nb.c TXT x\nc.b.a A 192.0.2.1\n");
    std::size_t accepted = 0;
    for (std::uint32_t round = 2; round < 1500; ++round) {
        CAPTURE(round);
        Changes changes;
        for (std::size_t count = 1 + random.below(4); count > 0; --count) {
            Zone::Change change{any_name(), types[random.below(5)], Ttl{300}, {}};
            if (random.below(5) < 3) {
                if (change.type == Type::a)
                    change.rdatas = {address(static_cast<std::uint8_t>(random.below(9)))};
                else if (change.type == Type::txt)
                    change.rdatas = {Rdata(bytes({1, 'x'}))};
                else
                    change.rdatas = {name_rdata(any_name())};
            }
            changes.push_back(std::move(change));
        }
        const std::string text = zone_text(*ours);
        const auto next = ours->with(changes, Serial(round));
        CHECK(zone_text(*ours) == text);
        if (!next) continue;
        ++accepted;
        const auto anew = rebuilt(**next);
        check_same(**next, *anew);
        for (int i = 0; i < 5; ++i) {
            const Name asked = *any_name().with_label(labels[random.below(5)]);
            const Type type = types[random.below(5)];
            CAPTURE(asked.text());
            REQUIRE(says(**next, asked, type) == says(*anew, asked, type));
        }
        ours = *next;
    }
    CHECK(accepted > 500);
    CHECK(ours->names() > 10);
}

TEST_CASE("an overlay that outgrows its bound is folded into a new base, unseen from outside") {
    auto ours = zone("example", "www A 192.0.2.1\n");
    std::size_t largest = 0;
    for (std::uint32_t i = 0; i < 3000; ++i) {
        const Name owner = *name("example").with_label("h" + std::to_string(i));
        ours = changed(ours, {{owner, Type::a, Ttl{5}, {address(1)}}}, i + 2);
        largest = std::max(largest, ours->changed());
    }
    CHECK(largest <= 1024);
    CHECK(largest > 1000);
    CHECK(ours->names() == 3002);
    check_same(*ours, *rebuilt(*ours));
    // And down again: names that the base has and the version has not.
    for (std::uint32_t i = 0; i < 3000; ++i) {
        const Name owner = *name("example").with_label("h" + std::to_string(i));
        ours = changed(ours, {{owner, Type::a, Ttl{5}, {}}}, i + 5000);
    }
    CHECK(ours->names() == 2);
    check_same(*ours, *rebuilt(*ours));
}
