// The battery of RFC 8906 §8, by which operators and registries judge whether a server answers what
// it should: each probe as the RFC gives it to dig, each expectation as it stands there.
#include "tests/zones/support.h"
#include "zones/wire.h"

#include <doctest/doctest.h>

using namespace zones;
using namespace zones::testing;

namespace {

Catalog served() {
    EdnsRules rules;
    rules.nsid = bytes({'n', 's'});
    rules.cookies = *CookieSecrets::parse("e5e973e5a6b2a43f48e7dc849e37bfcf");
    return catalog({zone("example", "www A 192.0.2.1\n")}).with(std::move(rules));
}

constexpr std::uint16_t z_bit = 0x0040;

struct Seen {
    std::uint16_t rcode, flags, answers;
    bool soa, question;
    std::optional<OptSeen> opt;
};

Seen probe(const Bytes& request, Peer::Transport transport = Peer::Transport::udp) {
    Asking asking;
    asking.transport = transport;
    const Bytes response = reply_to(served(), request, asking);
    const auto answer = read_answer(response);
    REQUIRE(answer.has_value());
    return {answer->rcode,
            flags_of(response),
            load16(&response[6]),
            answer->answer.size() == 1 && answer->answer[0].type == Type::soa,
            answer->question.has_value(),
            opt_of(response)};
}

// dig +noedns +noad +norec soa; the options follow.
Bytes soa(std::uint16_t flags = 0) {
    Bytes request = query("example", {.type = Type::soa});
    store16(&request[2], flags);
    return request;
}
Bytes soa_edns(std::uint8_t version = 0, bool dnssec_ok = false, std::uint16_t flags = 0) {
    Bytes request = soa(flags);
    append_opt(request, 4096, dnssec_ok, version);
    return request;
}

void expect_plain_soa(const Seen& seen) {
    CHECK(seen.rcode == 0);
    CHECK(seen.soa);
    CHECK((seen.flags & Flag::aa) != 0);
    CHECK((seen.flags & (Flag::rd | Flag::ra | Flag::ad | z_bit)) == 0);
    CHECK_FALSE(seen.opt.has_value());
}
void expect_edns_soa(const Seen& seen) {
    CHECK(seen.rcode == 0);
    CHECK(seen.soa);
    CHECK((seen.flags & Flag::aa) != 0);
    REQUIRE(seen.opt.has_value());
    CHECK(seen.opt->version == 0);
}
void expect_badvers(const Seen& seen) {
    CHECK(seen.rcode == 16);
    CHECK_FALSE(seen.soa);
    REQUIRE(seen.opt.has_value());
    CHECK(seen.opt->version == 0);
    CHECK(seen.opt->options.empty());
}

}  // namespace

TEST_CASE("RFC 8906 §8.1.1: is the server configured for the zone") {
    expect_plain_soa(probe(soa()));
}

TEST_CASE("RFC 8906 §8.1.2: an unknown type is NOERROR without an answer") {
    Bytes request = query("example", {.type = static_cast<Type>(1000)});
    const Seen seen = probe(request);
    CHECK(seen.rcode == 0);
    CHECK(seen.answers == 0);
    CHECK((seen.flags & Flag::aa) != 0);
}

TEST_CASE("RFC 8906 §8.1.3: header bits make no difference, and none that is not ours is set") {
    SUBCASE("§8.1.3.1 CD") {
        expect_plain_soa(probe(soa(Flag::cd)));
    }
    SUBCASE("§8.1.3.2 AD") {
        expect_plain_soa(probe(soa(Flag::ad)));
    }
    SUBCASE("§8.1.3.3 the reserved bit") {
        expect_plain_soa(probe(soa(z_bit)));
    }
    SUBCASE("§8.1.3.4 RD: copied, and no recursion promised") {
        const Seen seen = probe(soa(Flag::rd));
        CHECK(seen.rcode == 0);
        CHECK(seen.soa);
        CHECK((seen.flags & Flag::rd) != 0);
        CHECK((seen.flags & (Flag::ra | Flag::ad | z_bit)) == 0);
    }
    SUBCASE("bits that only answers have, and a code") {
        expect_plain_soa(probe(soa(Flag::aa | Flag::tc | Flag::ra | 0xf)));
    }
}

TEST_CASE("RFC 8906 §8.1.4: an unknown opcode is NOTIMP") {
    for (const unsigned opcode : {3U, 7U, 8U, 9U, 10U, 11U, 12U, 13U, 14U, 15U}) {
        CAPTURE(opcode);
        Bytes alone(header_size);  // dig +header-only
        store16(&alone[2], static_cast<std::uint16_t>(opcode << 11));
        for (const Bytes& request : {alone, soa(static_cast<std::uint16_t>(opcode << 11))}) {
            const Seen seen = probe(request);
            CHECK(seen.rcode == 4);
            CHECK((seen.flags >> 11 & 0xf) == opcode);
            CHECK((seen.flags & (Flag::aa | Flag::ra | Flag::ad | z_bit)) == 0);
            CHECK(seen.answers == 0);
            CHECK_FALSE(seen.opt.has_value());
        }
    }
}

TEST_CASE("RFC 8906 §8.1.5: over TCP as over UDP") {
    expect_plain_soa(probe(soa(), Peer::Transport::tcp));
    expect_edns_soa(probe(soa_edns(), Peer::Transport::tcp));
}

TEST_CASE("RFC 8906 §8.2.1: EDNS version 0") {
    expect_edns_soa(probe(soa_edns()));
    CHECK((probe(soa_edns(0, false, Flag::ad)).flags & Flag::ad) == 0);
}

TEST_CASE("RFC 8906 §8.2.2: EDNS version 1 is BADVERS") {
    expect_badvers(probe(soa_edns(1)));
}

TEST_CASE("RFC 8906 §8.2.3: an unknown option is ignored and not in the answer") {
    Bytes request = soa_edns();
    append_option(request, 100, {});
    expect_edns_soa(probe(request));
    CHECK(probe(request).opt->options.empty());
}

TEST_CASE("RFC 8906 §8.2.4: an unknown flag is ignored and not in the answer") {
    Bytes request = soa_edns();
    store16(&request[request.size() - 4], 0x0040);
    expect_edns_soa(probe(request));
    CHECK(probe(request).opt->flags == 0);
}

TEST_CASE("RFC 8906 §8.2.5: EDNS version 1 with an unknown flag is BADVERS, without the flag") {
    Bytes request = soa_edns(1);
    store16(&request[request.size() - 4], 0x0040);
    expect_badvers(probe(request));
    CHECK(probe(request).opt->flags == 0);
}

TEST_CASE("RFC 8906 §8.2.6: EDNS version 1 with an unknown option is BADVERS, without the option") {
    Bytes request = soa_edns(1);
    append_option(request, 100, {});
    expect_badvers(probe(request));
}

TEST_CASE("RFC 8906 §8.2.7: a truncated answer has an OPT") {
    Bytes request = query("www.example", {.type = Type::txt});
    append_opt(request, 512, true);
    std::string text;
    for (int i = 0; i < 12; ++i)
        text += "www TXT " + std::string(100, static_cast<char>('a' + i)) + "\n";
    const Catalog zones = catalog({zone("example", text)});
    const Bytes response = reply_to(zones, request);
    const auto opt = opt_of(response);
    CHECK((flags_of(response) & Flag::tc) != 0);
    REQUIRE(opt.has_value());
    CHECK(opt->version == 0);
    CHECK(opt->flags == 0x8000);
}

TEST_CASE("RFC 8906 §8.2.8: DO is in the answer when it is in the request (RFC 3225 §3)") {
    expect_edns_soa(probe(soa_edns(0, true)));
    CHECK(probe(soa_edns(0, true)).opt->flags == 0x8000);
    CHECK(probe(soa_edns()).opt->flags == 0);
}

TEST_CASE("RFC 8906 §8.2.9: EDNS version 1 with DO is BADVERS") {
    expect_badvers(probe(soa_edns(1, true)));
    CHECK(probe(soa_edns(1, true)).opt->flags == 0x8000);
}

TEST_CASE("RFC 8906 §8.2.10: several options that are defined") {
    Bytes request = soa_edns();
    append_option(request, 3, {});                        // +nsid
    append_option(request, 10, hex("2464c4abcf10c957"));  // +cookie
    append_option(request, 9, {});                        // +expire
    append_option(request, 8, hex("00010000"));           // +subnet=0.0.0.0/0
    const Seen seen = probe(request);
    expect_edns_soa(seen);
    CHECK(seen.opt->option(3) != nullptr);
    CHECK(seen.opt->option(10) != nullptr);
    CHECK(seen.opt->option(9) != nullptr);  // RFC 7314 §3.1
    CHECK(seen.opt->option(8) != nullptr);
    CHECK(seen.opt->options.size() == 4);
    Bytes newer = soa_edns(1);
    append_option(newer, 3, {});
    expect_badvers(probe(newer));
}
