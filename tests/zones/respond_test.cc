// The door: headers, EDNS, sizes, opcodes, classes and types that are not of the zone.
#include "tests/zones/support.h"
#include "zones/notify.h"
#include "zones/wire.h"

#include <doctest/doctest.h>

using namespace zones;
using namespace zones::testing;

namespace {

std::string many(const std::string& record, int count) {
    std::string text;
    for (int i = 0; i < count; ++i) text += record + std::to_string(i) + "\n";
    return text;
}

}  // namespace

TEST_CASE("the header repeats id, opcode and RD alone, and promises no recursion") {
    // RFC 4035 §3.1.6: CD is cleared in authoritative responses.
    Bytes request = query("www.example");
    store16(&request[2], Flag::rd | Flag::cd | Flag::ad | Flag::ra | Flag::aa | 0x0040);
    const Bytes response = reply_to(example(), request);
    CHECK(load16(&response[0]) == 0x1234);
    CHECK(flags_of(response) == (Flag::qr | Flag::aa | Flag::rd));
}

TEST_CASE("what is no request is met with silence") {
    const Bytes good = query("www.example");
    CHECK(reply_to(example(), {}).empty());
    CHECK(reply_to(example(), Bytes(good.begin(), good.begin() + 11)).empty());
    Bytes response = good;
    response[2] |= std::byte{0x80};
    CHECK(reply_to(example(), response).empty());
    CHECK(respond(example(), good, Peer{}, Turn{}, {}) == 0);
}

TEST_CASE("one question, no more and no fewer (RFC 9619)") {
    for (const std::uint16_t count : {0, 2, 65535}) {
        CAPTURE(count);
        Bytes request = query("www.example");
        store16(&request[4], count);
        const Bytes response = reply_to(example(), request);
        CHECK(rcode_of(response) == 1);
        CHECK(response.size() == header_size);
        append_opt(request, 1232);
        // Without a question the OPT can be read; behind one that was not announced it cannot.
        CHECK(reply_to(example(), request).size() == header_size);
    }
}

TEST_CASE("malformed requests are FORMERR") {
    Bytes request = query("www.example");
    SUBCASE("a header alone") {
        request.resize(header_size);
    }
    SUBCASE("a question cut short") {
        request.resize(request.size() - 1);
    }
    SUBCASE("bytes behind the message") {
        request.push_back(std::byte{0});
    }
    SUBCASE("a pointer in the question") {
        request = bytes({0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 0x0c, 0, 1, 0, 1});
    }
    SUBCASE("a label of a kind that does not exist") {
        request[12] = std::byte{0x43};
    }
    SUBCASE("a record that is announced and not there") {
        store16(&request[6], 1);
    }
    SUBCASE("two OPT records") {
        append_opt(request, 1232);
        append_opt(request, 1232);
    }
    SUBCASE("an OPT that is not the root's") {
        append_opt(request, 1232);
        const auto at = static_cast<std::ptrdiff_t>(request.size() - opt_size);
        const Bytes label = bytes({1, 'x'});
        request.insert(request.begin() + at, label.begin(), label.end());
    }
    SUBCASE("an OPT among the answers") {
        append_opt(request, 1232);
        store16(&request[10], 0);
        store16(&request[6], 1);
    }
    SUBCASE("an option that is longer than its record") {
        append_opt(request, 1232);
        store16(&request[request.size() - 2], 4);
        const Bytes option = bytes({0, 3, 0, 1});
        request.insert(request.end(), option.begin(), option.end());
    }
    SUBCASE("a TSIG that is not the last record") {
        append_opt(request, 1232);
        store16(&request[request.size() - 10], static_cast<std::uint16_t>(Type::tsig));
        append_opt(request, 1232);
    }
    CHECK(rcode_of(reply_to(example(), request)) == 1);
}

TEST_CASE("EDNS is answered with EDNS (RFC 6891)") {
    Asking asking;
    CHECK_FALSE(ask(example(), "www.example", asking).udp_size.has_value());
    asking.edns = 4096;
    CHECK(ask(example(), "www.example", asking).udp_size == 1232);
    SUBCASE("DO is copied (RFC 3225)") {
        asking.dnssec_ok = true;
        const Bytes response = reply_to(example(), query("www.example", asking));
        CHECK(load16(&response[response.size() - 4]) == 0x8000);
    }
    SUBCASE("another version is BADVERS, with ours") {
        Bytes request = query("www.example");
        append_opt(request, 1232, false, 1);
        const auto answer = read_answer(reply_to(example(), request));
        REQUIRE(answer.has_value());
        CHECK(answer->rcode == 16);
        CHECK(answer->answer.empty());
        CHECK(answer->udp_size == 1232);
    }
    SUBCASE("options that we do not know are passed over") {
        Bytes request = query("www.example");
        append_opt(request, 1232);
        store16(&request[request.size() - 2], 5);
        const Bytes option = bytes({0xff, 0xf0, 0, 1, 9});
        request.insert(request.end(), option.begin(), option.end());
        CHECK(rcode_of(reply_to(example(), request)) == 0);
    }
}

TEST_CASE(
    "a datagram is as long as the client allows, 512 at least, the server's maximum at most") {
    const Catalog zones = example(many("w TXT " + std::string(40, 'x'), 60));
    Asking asking;
    asking.type = Type::txt;
    for (const auto& [edns, limit] : {std::pair{-1, 512}, {0, 512}, {600, 600}, {65535, 1232}}) {
        CAPTURE(edns);
        asking.edns = edns;
        const Bytes response = reply_to(zones, query("w.example", asking));
        CHECK(response.size() <= static_cast<std::size_t>(limit));
        CHECK((flags_of(response) & Flag::tc) != 0);
    }
    asking.transport = Peer::Transport::tcp;
    const Answer whole = ask(zones, "w.example", asking);
    CHECK_FALSE(whole.truncated);
    CHECK(whole.answer.at(0).rdatas.size() == 60);
}

TEST_CASE("an RRset goes whole or not at all, and TC says so") {
    for (int count = 1; count < 60; ++count) {
        CAPTURE(count);
        const Catalog zones = example(many("w TXT some-text-", count));
        const Answer answer = ask(zones, "w.example", Type::txt);
        const std::size_t sent = answer.answer.empty() ? 0 : answer.answer[0].rdatas.size();
        CHECK(sent == (answer.truncated ? 0U : static_cast<std::size_t>(count)));
    }
    // An alias fits, what it leads to does not.
    const Catalog zones = example("a CNAME w\n" + many("w TXT some-longer-text-", 40));
    const Answer answer = ask(zones, "a.example", Type::txt);
    CHECK(answer.truncated);
    CHECK(answer.answer.size() == 1);
    CHECK(answer.answer.at(0).type == Type::cname);
}

TEST_CASE("additional addresses that do not fit are left out without TC") {
    std::string text;
    for (int i = 0; i < 15; ++i) {
        text += "@ MX 10 m" + std::to_string(i) + "\n";
        for (int j = 0; j < 3; ++j)
            text += "m" + std::to_string(i) + " A 192.0.2." + std::to_string(i * 3 + j) + "\n";
    }
    const Answer answer = ask(example(text), "example", Type::mx);
    CHECK_FALSE(answer.truncated);
    CHECK(answer.answer.at(0).rdatas.size() == 15);
    CHECK(answer.additional.size() > 0);
    CHECK(answer.additional.size() < 15);
    for (const RRset& rrset : answer.additional) CHECK(rrset.rdatas.size() == 3);
}

TEST_CASE("glue of a referral that does not fit sets TC (RFC 9471)") {
    const auto referral = [](const std::string& below, const std::string& host, int count) {
        std::string text;
        for (int i = 0; i < count; ++i) {
            const std::string full = host + std::to_string(i) + below;
            text += "sub NS " + full + "\n" + full + " AAAA 2001:db8::" + std::to_string(i) + "\n";
        }
        return example(text);
    };
    // 13 servers with an AAAA each are 12+17+13*18+13*28 bytes and more: above 512.
    const Answer in_domain = ask(referral(".sub", "ns", 13), "x.sub.example", Type::a);
    CHECK(in_domain.truncated);
    CHECK(in_domain.authority.at(0).rdatas.size() == 13);
    Asking tcp;
    tcp.transport = Peer::Transport::tcp;
    CHECK(ask(referral(".sub", "ns", 50), "x.sub.example", tcp).additional.size() == 50);
    CHECK_FALSE(ask(referral(".sub", "ns", 50), "x.sub.example", tcp).truncated);
    CHECK_FALSE(ask(referral(".sub", "ns", 5), "x.sub.example", Type::a).truncated);
    // Glue in another domain may be left out (§3.2).
    const Answer sibling = ask(referral(".beside", "ns", 13), "x.sub.example", Type::a);
    CHECK_FALSE(sibling.truncated);
    CHECK(sibling.additional.size() < 13);
}

TEST_CASE("other opcodes do no work") {
    Asking asking;
    for (std::uint8_t opcode = 1; opcode < 16; ++opcode) {
        CAPTURE(opcode);
        asking.opcode = opcode;
        const Bytes response = reply_to(example(), query("example", asking));
        const bool known = opcode == 4 || opcode == 5;
        CHECK(rcode_of(response) == (known ? 5 : 4));
        CHECK((flags_of(response) >> 11 & 0xf) == opcode);
        CHECK((flags_of(response) & Flag::aa) == 0);
    }
    asking.edns = 1232;
    CHECK(ask(example(), "example", asking).udp_size == 1232);
    // UPDATE is refused before its sections are looked at.
    asking.opcode = 5;
    Bytes garbage = query("example", asking);
    store16(&garbage[8], 77);
    CHECK(rcode_of(reply_to(example(), garbage)) == 5);
}

TEST_CASE("only class IN is served; CH tells who we are to those who may ask") {
    const Catalog zones = example()
                              .with(Identity{"arbiter 1", "ns0"})
                              .with(Access{{}, {*Prefix::parse("192.0.2.53")}});
    Asking asking;
    for (const std::uint16_t other : {0, 2, 4, 254, 255, 65535}) {
        CAPTURE(other);
        asking.qclass = other;
        CHECK(ask(zones, "www.example", asking).rcode == 5);
    }
    asking.qclass = 3;
    asking.type = Type::txt;
    CHECK(lines(ask(zones, "Version.BIND", asking).answer) ==
          Lines{"Version.BIND 0 TXT \"arbiter 1\""});
    CHECK(lines(ask(zones, "id.server", asking).answer) == Lines{"id.server 0 TXT \"ns0\""});
    CHECK(lines(ask(zones, "hostname.bind", asking).answer).size() == 1);
    CHECK(ask(zones, "www.example", asking).rcode == 5);
    const Bytes response = reply_to(zones, query("id.server", asking), asking);
    CHECK(load16(&response[response.size() - 4 - 8]) == 3);  // class of the record
    SUBCASE("others are refused") {
        asking.peer = "192.0.2.54";
        CHECK(ask(zones, "id.server", asking).rcode == 5);
    }
    SUBCASE("what has no text is refused") {
        CHECK(ask(zones.with(Identity{}), "id.server", asking).rcode == 5);
    }
    SUBCASE("another type is NODATA") {
        asking.type = Type::a;
        CHECK(ask(zones, "id.server", asking).rcode == 0);
        CHECK(ask(zones, "id.server", asking).answer.empty());
    }
}

TEST_CASE("types that mean nothing in a question are refused for what they are") {
    CHECK(ask(example(), "www.example", Type::opt).rcode == 1);
    CHECK(ask(example(), "www.example", Type::tsig).rcode == 1);
    CHECK(ask(example(), "www.example", static_cast<Type>(128)).rcode == 1);
    CHECK(ask(example(), "www.example", Type::tkey).rcode == 4);
    CHECK(ask(example(), "www.example", Type::maila).rcode == 4);
    CHECK(ask(example(), "www.example", Type::mailb).rcode == 4);
    CHECK(ask(example(), "www.example", Type::axfr).rcode == 1);  // over UDP
    CHECK(ask(example(), "www.example", Type::ixfr).rcode == 1);  // without its SOA
}

TEST_CASE("a NOTIFY has AA, the question and the new SOA (RFC 1996 §3)") {
    const auto ours = zone("example", "");
    const auto soa = ours->rrset(ours->origin(), Type::soa);
    REQUIRE(soa.has_value());
    Bytes message = make_notify(ours->origin(), Serial(42), *soa, 0x7777);
    CHECK(flags_of(message) == (4 << 11 | Flag::aa));
    CHECK(load16(&message[4]) == 1);
    message[2] |= std::byte{0x80};  // as a response it may be read
    const auto read = read_answer(message);
    REQUIRE(read.has_value());
    CHECK(read->id == 0x7777);
    CHECK(read->question == name("example"));
    CHECK(read->serial() == Serial(42));
    const auto answer = read_notify_answer(message);
    REQUIRE(answer.has_value());
    CHECK(answer->id == 0x7777);
    CHECK(answer->zone == name("example"));
    CHECK(answer->rcode == 0);
}

TEST_CASE("what is no answer to a NOTIFY is not read as one") {
    const auto soa = zone("example", "")->rrset(name("example"), Type::soa);
    const Bytes notify = make_notify(name("example"), Serial(1), *soa, 1);
    CHECK_FALSE(read_notify_answer(notify).has_value());  // the NOTIFY itself
    CHECK_FALSE(read_notify_answer(reply_to(example(), query("example"))).has_value());
    CHECK_FALSE(read_notify_answer({}).has_value());
    // One whose question is broken is still an answer, of no zone.
    Bytes answer = bytes({0, 9, 0xa0, 5, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 12});
    REQUIRE(read_notify_answer(answer).has_value());
    CHECK(read_notify_answer(answer)->rcode == 5);
    CHECK(read_notify_answer(answer)->zone.is_root());
}

TEST_CASE("a NOTIFY of any zone's name is whole, and no answer to it breaks (notify_out_badname)") {
    const auto label = [](char letter, std::size_t size) { return std::string(size, letter); };
    const std::string longest =
        label('a', 63) + "." + label('b', 63) + "." + label('c', 63) + "." + label('d', 61);
    std::string most_labels = "x";
    for (std::size_t i = 1; i < labels_max; ++i) most_labels += ".x";
    for (const std::string& origin :
         {longest, most_labels, std::string("."), std::string("\\000.\\255\\.\\(.example")}) {
        CAPTURE(origin);
        // Other names in the SOA, so that nothing is compressed but the owner.
        const auto ours = zone(origin, "@ 300 SOA " + label('m', 63) + "." + label('n', 63) +
                                           ".invalid. " + label('r', 63) + "." + label('s', 63) +
                                           ".test. 1 2 3 4 5\n@ 300 NS ns.invalid.\n");
        Bytes message =
            make_notify(ours->origin(), Serial(42), *ours->rrset(ours->origin(), Type::soa), 7);
        message[2] |= std::byte{0x80};
        const auto read = read_answer(message);
        REQUIRE(read.has_value());
        CHECK(read->question == ours->origin());
        CHECK(read->serial() == Serial(42));
        CHECK(read_notify_answer(message)->zone == ours->origin());
        // Hostile answers: cut anywhere, and any byte of the question turned into another.
        for (std::size_t size = 0; size < message.size(); ++size) {
            const auto cut = read_notify_answer(std::span(message).first(size));
            CHECK(cut.has_value() == (size >= header_size));
        }
        for (std::size_t at = header_size; at < header_size + ours->origin().wire().size(); ++at)
            for (const int value : {0, 1, 63, 64, 0x80, 0xc0, 0xff}) {
                Bytes bent = message;
                bent[at] = static_cast<std::byte>(value);
                const auto answer = read_notify_answer(bent);
                REQUIRE(answer.has_value());
                CHECK(answer->zone.wire().size() <= name_size_max);
            }
    }
}

TEST_CASE("compression makes names short and loses none") {
    const Catalog zones = example(
        "@ MX 10 a.very.long.name.indeed\n@ MX 20 b.very.long.name.indeed\n"
        "@ MX 30 A.VERY.LONG.NAME.INDEED.ELSEWHERE.\n"
        "a.very.long.name.indeed A 192.0.2.1\nb.very.long.name.indeed A 192.0.2.2\n");
    const Bytes response = reply_to(zones, query("example", {.type = Type::mx}));
    const auto answer = read_answer(response);
    REQUIRE(answer.has_value());
    CHECK(lines(answer->answer) == Lines{"example 300 MX 10 a.very.long.name.indeed.example.",
                                         "example 300 MX 20 b.very.long.name.indeed.example.",
                                         "example 300 MX 30 A.VERY.LONG.NAME.INDEED.ELSEWHERE."});
    CHECK(answer->additional.size() == 2);
    // Owner 2, head 10, preference 2: then 1+1+4+1+4+1+4+1+6 and a pointer; the second only 'b'.
    CHECK(response.size() == 12 + 13 + (14 + 24 + 2) + (14 + 2 + 2) + (14 + 35) + 2 * 16);
}
