// The judge must see what there is to see: its reader refuses what is malformed, its comparison
// finds each kind of difference, and its rules excuse no fault.
#include "tests/interop/differential/rules.h"

#include <algorithm>

#include <doctest/doctest.h>

using namespace differential;

namespace {

std::string number(unsigned value, std::size_t bytes) {
    std::string result;
    for (std::size_t i = bytes; i > 0; --i)
        result += static_cast<char>(value >> (8 * (i - 1)) & 0xff);
    return result;
}

std::string record(const std::string& owner, std::uint16_t type, const std::string& rdata,
                   unsigned ttl = 60) {
    return wire(plain(owner)) + number(type, 2) + number(1, 2) + number(ttl, 4) +
           number(static_cast<unsigned>(rdata.size()), 2) + rdata;
}

using Section = std::vector<std::string>;

std::string message(unsigned flags, const Section& answer, const Section& authority = {},
                    const Section& additional = {}) {
    std::string bytes = number(1, 2) + number(0x8000 | flags, 2) + number(1, 2);
    for (const Section* section : {&answer, &authority, &additional})
        bytes += number(static_cast<unsigned>(section->size()), 2);
    bytes += wire(plain("w.z.test")) + number(type::a, 2) + number(1, 2);
    for (const Section* section : {&answer, &authority, &additional})
        for (const std::string& one : *section) bytes += one;
    return bytes;
}

const std::string address("\300\000\002\001", 4), other_address("\300\000\002\002", 4);

Zones one_zone() {
    Zones zones;
    zones.origins = {plain("z.test")};
    zones.kinds = {ZoneKind::common};
    zones.owners = {
        {plain("z.test"), plain("w.z.test"), plain("cut.z.test"), plain("ns.cut.z.test")}};
    return zones;
}

// Whether some rule excuses that we say `ours` where every peer says `theirs`.
bool excused(const std::string& ours, const std::string& theirs) {
    const Zones zones = one_zone();
    Question question;
    question.name = plain("w.z.test");
    const Reply a = read_reply(ours), b = read_reply(theirs);
    REQUIRE(a.fault == "");
    REQUIRE(b.fault == "");
    const auto differing = differences(a, b);
    REQUIRE_FALSE(differing.empty());
    return std::any_of(std::begin(peers), std::end(peers), [&](Peer peer) {
        return !explanations({question, zones, peer, a, b, false}, differing).empty();
    });
}

}  // namespace

TEST_CASE("the same seed makes the same zones and questions, another makes others") {
    const auto zones = make_batch(7, 3, 20), again = make_batch(7, 3, 20);
    REQUIRE(zones.size() == 20);
    for (std::size_t i = 0; i < zones.size(); ++i) {
        CHECK(zones[i].text == again[i].text);
        const auto asked = make_questions(zones[i], i, 10, Random(5));
        const auto asked_again = make_questions(again[i], i, 10, Random(5));
        for (std::size_t k = 0; k < asked.size(); ++k)
            CHECK(request(asked[k]) == request(asked_again[k]));
    }
    CHECK(make_batch(8, 3, 20)[0].text != zones[0].text);
    CHECK(make_batch(7, 2, 20)[0].text != zones[0].text);
}

TEST_CASE("the reader refuses what is malformed") {
    std::string why;
    const std::string good = message(0, {record("w.z.test", type::a, address)});
    REQUIRE(read_message(good, why));
    CHECK_FALSE(read_message(good + "x", why));
    for (std::size_t size = 0; size < good.size(); ++size)
        CHECK_FALSE(read_message(good.substr(0, size), why));
    SUBCASE("a pointer forwards, or to itself") {
        std::string bytes = message(0, {std::string("\300\032", 2) + number(1, 2) + number(1, 2) +
                                        number(0, 4) + number(4, 2) + address});
        REQUIRE(bytes.size() > 0x1a);
        CHECK_FALSE(read_message(bytes, why));
    }
    SUBCASE("a compressed name where RFC 3597 §4 wants none") {
        const std::string pointer("\300\014", 2);
        CHECK(read_message(message(0, {record("w.z.test", type::ns, pointer)}), why));
        CHECK_FALSE(
            read_message(message(0, {record("w.z.test", type::https, "\1\1" + pointer)}), why));
    }
}

TEST_CASE("what differs is found, and order of records and case of names are no difference") {
    const Reply base = read_reply(message(0x0400, {record("w.z.test", type::a, address),
                                                   record("w.z.test", type::a, other_address)}));
    const auto found = [&](const std::string& bytes) {
        return differences(base, read_reply(bytes));
    };
    CHECK(found(message(0x0400, {record("W.Z.test", type::a, other_address),
                                 record("w.z.test", type::a, address)}))
              .empty());
    CHECK(found(message(0x0400, {record("w.z.test", type::a, address)})) ==
          std::vector{Part::answer});
    CHECK(found(message(0x0400, {record("w.z.test", type::a, address, 61),
                                 record("w.z.test", type::a, other_address, 61)})) ==
          std::vector{Part::answer});
    CHECK(found(message(0x0403, {record("w.z.test", type::a, address),
                                 record("w.z.test", type::a, other_address)})) ==
          std::vector{Part::rcode});
    CHECK(found(message(0x0600, {})) == std::vector{Part::truncation});
    CHECK(found(message(0, {record("w.z.test", type::a, address),
                            record("w.z.test", type::a, other_address)})) ==
          std::vector{Part::flags});
    CHECK(found("") == std::vector{Part::reply});
}

TEST_CASE("no rule excuses a fault") {
    const std::string a = record("w.z.test", type::a, address);
    const std::string b = record("w.z.test", type::a, other_address);
    const std::string ns = record("cut.z.test", type::ns, wire(plain("ns.cut.z.test")));
    const std::string glue = record("ns.cut.z.test", type::a, address);
    const std::string soa = record("z.test", type::soa,
                                   wire(plain("ns")) + wire(plain("host")) + std::string(20, '\1'));
    SUBCASE("another address") {
        CHECK_FALSE(excused(message(0x0400, {a}), message(0x0400, {b})));
    }
    SUBCASE("a record too few") {
        CHECK_FALSE(excused(message(0x0400, {a}), message(0x0400, {a, b})));
    }
    SUBCASE("NXDOMAIN for NODATA, and the other way round") {
        CHECK_FALSE(excused(message(0x0403, {}, {soa}), message(0x0400, {}, {soa})));
        CHECK_FALSE(excused(message(0x0400, {}, {soa}), message(0x0403, {}, {soa})));
    }
    SUBCASE("a negative answer without its SOA") {
        CHECK_FALSE(excused(message(0x0400, {}), message(0x0400, {}, {soa})));
    }
    SUBCASE("an answer for a referral, and authority over what is delegated") {
        CHECK_FALSE(excused(message(0x0400, {a}), message(0, {}, {ns}, {glue})));
        CHECK_FALSE(excused(message(0x0400, {}, {ns}, {glue}), message(0, {}, {ns}, {glue})));
    }
    SUBCASE("a referral without the glue below the cut") {
        CHECK_FALSE(excused(message(0, {}, {ns}), message(0, {}, {ns}, {glue})));
    }
    SUBCASE("something told beside an answer that nobody asked for") {
        CHECK_FALSE(excused(message(0x0400, {a}, {}, {glue}), message(0x0400, {a})));
    }
}
