// The judge must see what there is to see: its reader refuses what is malformed, its comparison
// finds each kind of difference, and its rules excuse no fault.
#include "tests/interop/differential/exchange.h"
#include "tests/interop/differential/rules.h"

#include <algorithm>

#include <doctest/doctest.h>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

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

// What else the judge knows of a question.
struct Known {
    std::uint16_t type = type::a;
    std::uint16_t edns = 0;
    std::string our_whole, their_whole;  // by TCP
    std::string typed;                   // theirs, to a question for the type of our answer to ANY
};

// Whether some rule excuses that we say `ours` where every peer says `theirs`.
bool excused(const std::string& ours, const std::string& theirs, const Known& known = {}) {
    const Zones zones = one_zone();
    Question question;
    question.name = plain("w.z.test");
    question.type = known.type;
    question.edns = known.edns;
    const Reply a = read_reply(ours), b = read_reply(theirs);
    REQUIRE(a.fault == "");
    REQUIRE(b.fault == "");
    const auto differing = differences(a, b);
    REQUIRE_FALSE(differing.empty());
    Replies whole, typed;
    if (!known.our_whole.empty()) whole[us] = read_reply(known.our_whole);
    for (const Peer peer : peers) {
        if (!known.their_whole.empty()) whole[number_of(peer)] = read_reply(known.their_whole);
        if (!known.typed.empty()) typed[number_of(peer)] = read_reply(known.typed);
    }
    return std::any_of(std::begin(peers), std::end(peers), [&](Peer peer) {
        const Case one{question, zones, peer, a, b, false, &whole, &typed};
        return !explanations(one, differing).empty();
    });
}

// An alias for each number from 1 to `count`, and what the last leads to.
Section chain(unsigned count) {
    Section records;
    for (unsigned i = 0; i < count; ++i) {
        const std::string name = i == 0 ? "w" : "l" + std::to_string(i);
        records.push_back(record(name + ".z.test", type::cname,
                                 wire(plain("l" + std::to_string(i + 1) + ".z.test"))));
    }
    return records;
}
Section some(std::size_t count, const std::string& owner, std::uint16_t type, std::size_t size) {
    Section records;
    for (std::size_t i = 0; i < count; ++i)
        records.push_back(record(owner, type, std::string(size - 1, '\0') + static_cast<char>(i)));
    return records;
}
std::string opt(unsigned size, unsigned version, unsigned flags) {
    return std::string(1, '\0') + number(type::opt, 2) + number(size, 2) + number(version, 2) +
           number(flags, 2) + number(0, 2);
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

TEST_CASE("no rule excuses a cut that is wrong (RFC 2181 §9, RFC 9471 §3)") {
    constexpr unsigned aa = 0x0400, tc = 0x0200;
    const Section ns{record("cut.z.test", type::ns, wire(plain("ns.cut.z.test")))};
    const Section glue = some(30, "ns.cut.z.test", type::aaaa, 16);
    const std::string whole = message(0, {}, ns, glue);
    SUBCASE("no TC though glue below the cut is missing") {
        CHECK_FALSE(
            excused(message(0, {}, ns), message(tc, {}, ns), {type::a, 0, whole, whole, ""}));
        // Nor when we have forgotten it altogether.
        CHECK_FALSE(excused(message(0, {}, ns), message(tc, {}, ns),
                            {type::a, 0, message(0, {}, ns), whole, ""}));
        // The other way round is what BIND and NSD do.
        CHECK(excused(message(tc, {}, ns), message(0, {}, ns), {type::a, 0, whole, whole, ""}));
    }
    SUBCASE("glue left out beside a peer's that has it") {
        CHECK_FALSE(excused(message(0, {}, ns), message(0, {}, ns, glue)));
    }
    SUBCASE("TC because optional addresses do not fit") {
        const Section mx{record("w.z.test", type::mx, number(1, 2) + wire(plain("h.z.test")))};
        const std::string all = message(aa, mx, {}, some(30, "h.z.test", type::aaaa, 16));
        CHECK_FALSE(excused(message(aa | tc, {}), message(aa, mx), {type::mx, 0, all, all, ""}));
    }
    SUBCASE("TC below the size that was asked for") {
        const std::string all = message(aa, some(30, "w.z.test", type::aaaa, 16));
        REQUIRE(all.size() > 1000);
        REQUIRE(all.size() < 1232 - 11);
        const std::string cut = message(aa | tc, {});
        CHECK_FALSE(excused(cut, all, {type::aaaa, 1232, all, all, ""}));
    }
    SUBCASE("an answer that is not whole, without TC") {
        const std::string all = message(aa, some(60, "w.z.test", type::aaaa, 16));
        const std::string part = message(aa, some(10, "w.z.test", type::aaaa, 16));
        CHECK_FALSE(excused(part, message(aa | tc, {}), {type::aaaa, 0, all, all, ""}));
    }
}

TEST_CASE("no rule excuses a fault in an answer to ANY (RFC 8482 §4.1)") {
    constexpr unsigned aa = 0x0400, servfail = 2;
    const std::string a = record("w.z.test", type::a, address);
    const std::string txt = record("w.z.test", type::txt, std::string("\1t"));
    const std::string other = record("w.z.test", type::txt, std::string("\1t"), 61);
    const Known known{type::any, 0, "", "", message(aa, {a})};
    CHECK(excused(message(aa, {a}), message(aa, {txt}), known));
    CHECK(excused(message(aa, {a}), message(aa, {txt, a}), {type::any, 0, "", "", ""}));
    CHECK_FALSE(excused(message(aa | servfail, {a}), message(aa, {a}), known));
    CHECK_FALSE(excused(message(aa | servfail, {a}), message(aa, {txt}), known));
    CHECK_FALSE(excused(message(0, {a}), message(aa, {txt}), known));
    CHECK_FALSE(excused(message(aa, {other}), message(aa, {a}),
                        {type::any, 0, "", "", message(aa, {txt})}));
    CHECK_FALSE(excused(message(aa, {txt}), message(aa, {a}), known));
}

TEST_CASE("no rule excuses data of other types beside an answer") {
    constexpr unsigned aa = 0x0400;
    const std::string mx = record("w.z.test", type::mx, number(1, 2) + wire(plain("h.z.test")));
    const std::string a = record("h.z.test", type::a, address);
    const std::string txt = record("h.z.test", type::txt, std::string("\1t"));
    CHECK(excused(message(aa, {mx}, {}, {a}), message(aa, {mx})));
    CHECK_FALSE(excused(message(aa, {mx}, {}, {a, txt}), message(aa, {mx}, {}, {a})));
    CHECK_FALSE(excused(message(aa, {mx}, {}, {txt}), message(aa, {mx})));
    const std::string ptr = record("w.z.test", type::ptr, wire(plain("h.z.test")));
    CHECK_FALSE(excused(message(aa, {ptr}, {}, {a}), message(aa, {ptr})));
}

TEST_CASE("no rule excuses a chain that ends too early, or with another rcode") {
    constexpr unsigned aa = 0x0400, nxdomain = 3;
    const std::string end = record("l12.z.test", type::a, address);
    Section whole = chain(12);
    whole.push_back(end);
    CHECK_FALSE(excused(message(aa, chain(8)), message(aa, whole)));
    CHECK_FALSE(excused(message(aa | nxdomain, whole), message(aa, whole)));
    whole = chain(16);
    whole.push_back(record("l16.z.test", type::a, address));
    CHECK_FALSE(excused(message(aa | nxdomain, whole), message(aa, whole)));
    CHECK_FALSE(excused(message(aa, chain(15)), message(aa, whole)));
    // Behind so many everybody may stop.
    whole = chain(19);
    CHECK(excused(message(aa, chain(17)), message(aa, whole)));
}

TEST_CASE("no rule excuses another OPT record (RFC 6891 §6.1.3, RFC 3225 §3)") {
    const std::string a = record("w.z.test", type::a, address);
    const std::string good = message(0x0400, {a}, {}, {opt(1232, 0, 0x8000)});
    for (const std::string& other : {opt(512, 0, 0x8000), opt(1232, 7, 0x8000), opt(1232, 0, 0)}) {
        CHECK_FALSE(excused(message(0x0400, {a}, {}, {other}), good));
        CHECK_FALSE(excused(message(0x0400, {a}, {}, {other}), good, {type::tsig, 0, "", "", ""}));
    }
    CHECK_FALSE(excused(message(0x0400, {a}), good));
}

TEST_CASE("a server that answers nothing is given up after so many questions") {
    const int silent = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_in here{};
    socklen_t size = sizeof here;
    here.sin_family = AF_INET;
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(bind(silent, reinterpret_cast<sockaddr*>(&here), size) == 0);
    REQUIRE(getsockname(silent, reinterpret_cast<sockaddr*>(&here), &size) == 0);
    const std::string question = request(Question{});
    std::vector<Errand> errands(2);
    for (Errand& errand : errands) errand.port = ntohs(here.sin_port);
    errands[0].requests.assign(unanswered_max - 1, &question);
    errands[1].requests.assign(3 * window_max, &question);
    ask_by_udp(errands);
    close(silent);
    CHECK_FALSE(errands[0].gave_up);
    CHECK(errands[1].gave_up);
    CHECK(errands[1].answers == std::vector<std::string>(3 * window_max));
}
