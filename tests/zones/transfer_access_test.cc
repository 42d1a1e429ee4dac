// Who may transfer what: address × key × zone × type × transport, and nobody else learns a thing
// (CVE-2019-6465, CVE-2018-5741, CVE-2017-3142).
#include "tests/zones/tsig_support.h"
#include "zones/conversation.h"
#include "zones/notify.h"

#include <algorithm>
#include <utility>

#include <doctest/doctest.h>

using namespace zones;
using namespace zones::testing;

namespace {

constexpr std::uint64_t now = signed_now;

Prefix prefix(std::string_view text) {
    return *Prefix::parse(text);
}

// How a request is signed.
struct Signed {
    const char* key;  // null: not at all
    bool rightly = true;
};

// The table of rules that the matrix is checked against, as sentences, not as code of ours.
//   every zone:   from 192.0.2.1, without a key
//   a.example:    by key ka from anywhere; from 198.51.100.0/24 by key kb alone
//   b.example:    from 2001:db8::/32, without a key
//   c.example:    nobody more
bool expected(std::string_view zone, std::string_view from, const Signed& how) {
    const std::string key = how.key == nullptr || !how.rightly ? "" : how.key;
    if (how.key != nullptr && (!how.rightly || key == "forged")) return false;
    if (zone == "none.example" || zone == "www.a.example" || zone == "example") return false;
    if (from == "192.0.2.1") return true;
    if (zone == "a.example" && key == "ka") return true;
    if (zone == "a.example" && key == "kb") return from.starts_with("198.51.100.");
    return zone == "b.example" && from.starts_with("2001:db8:");
}

Catalog guarded() {
    const auto a = name("a.example"), b = name("b.example");
    std::string text = "www A 192.0.2.80\n";
    return catalog({zone("a.example", text), zone("b.example", text), zone("c.example", text)})
        .with(TsigKeys({tsig_key("ka"), tsig_key("kb")}))
        .with(Access{{{prefix("192.0.2.1"), {}}}, {}})
        .with(a, {{{}, name("ka")}, {prefix("198.51.100.0/24"), name("KB")}})
        .with(b, {{prefix("2001:db8::/32"), {}}});
}

Bytes transfer_query(std::string_view zone, Type type, std::uint32_t serial = 0) {
    Bytes request = query(zone, {.type = type});
    if (type != Type::ixfr) return request;
    Soa soa;
    soa.serial = serial;
    const Rdata rdata = soa.rdata();
    Bytes record(2 + record_head + rdata.bytes().size());
    store16(record.data(), 0xc00c);
    write_record(record.data() + 2, 6, 0, rdata.bytes());
    request.insert(request.end(), record.begin(), record.end());
    store16(&request[8], 1);
    return request;
}

Bytes signed_by(const Signed& how, const Bytes& request, Bytes* mac = nullptr) {
    if (how.key == nullptr) return request;
    TsigKey key = tsig_key(how.key);
    if (!how.rightly) key.secret[3] ^= std::byte{4};
    return tsig_sign(request, key, now, mac);
}

struct Given {
    std::vector<Bytes> messages;
    std::vector<Conversation::Refused> refused;
    std::size_t transferred = 0;
};

Given by_tcp(const Catalog& zones, const Bytes& request, std::string_view from) {
    Peer peer{prefix(from).address, 53, Peer::Transport::tcp, 1232};
    Conversation conversation(peer);
    Bytes framed(2);
    store16(framed.data(), static_cast<std::uint16_t>(request.size()));
    framed.insert(framed.end(), request.begin(), request.end());
    REQUIRE(conversation.feed(framed) == framed.size());
    Given given;
    Bytes out(Conversation::speech_max);
    Turn turn;
    turn.now_seconds = now;
    do {
        auto said = conversation.speak(zones, turn, out);
        std::span<const std::byte> rest(out.data(), said.size);
        while (!rest.empty()) {
            const std::size_t size = load16(rest.data());
            given.messages.emplace_back(rest.begin() + 2,
                                        rest.begin() + static_cast<std::ptrdiff_t>(2 + size));
            rest = rest.subspan(2 + size);
        }
        given.transferred += said.transferred.size();
        for (auto& refused : said.refused) given.refused.push_back(std::move(refused));
    } while (conversation.more());
    return given;
}

constexpr std::string_view zone_names[] = {"a.example",    "b.example",     "c.example",
                                           "none.example", "www.a.example", "example"};
constexpr std::string_view addresses[] = {"192.0.2.1",   "192.0.2.2",   "198.51.100.7",
                                          "203.0.113.9", "2001:db8::1", "2001:db9::1",
                                          "::c000:201"};
const Signed signatures[] = {{nullptr}, {"ka"}, {"kb"}, {"forged"}, {"ka", false}, {"kb", false}};

// No word of the zone is in a refusal, and its code is the one that such a request deserves.
void check_refusal(const Bytes& response, std::string_view zone, const Signed& how) {
    CHECK(load32(&response[6]) == 0);
    const bool ours = zone.size() == 9 && zone.ends_with(".example");
    const bool bad_signature =
        how.key != nullptr && (!how.rightly || how.key == std::string("forged"));
    CHECK(rcode_of(response) == (bad_signature || !ours ? 9 : 5));
    const auto record = tsig_of(response);
    CHECK((record.has_value() == (how.key != nullptr)));
    if (record) CHECK(record->mac.empty() == bad_signature);
}

}  // namespace

TEST_CASE("who may transfer is who a rule says, over TCP (axfr_acl_matrix)") {
    const Catalog zones = guarded();
    std::size_t given_to = 0;
    for (const std::string_view zone : zone_names)
        for (const std::string_view from : addresses)
            for (const Signed& how : signatures)
                for (const Type type : {Type::axfr, Type::ixfr}) {
                    CAPTURE(std::string(zone));
                    CAPTURE(std::string(from));
                    CAPTURE(std::string(how.key == nullptr ? "no key" : how.key));
                    Bytes mac;
                    const Bytes request = signed_by(how, transfer_query(zone, type), &mac);
                    const Given given = by_tcp(zones, request, from);
                    REQUIRE(given.messages.size() == 1);
                    const Bytes& response = given.messages.front();
                    if (!expected(zone, from, how)) {
                        check_refusal(response, zone, how);
                        CHECK(given.transferred == 0);
                        REQUIRE(given.refused.size() == 1);
                        const auto& [asked, outcome] = given.refused.front();
                        CHECK(asked.size() == transfer_query(zone, Type::axfr).size());
                        CHECK(std::equal(asked.begin(), asked.end(), request.begin()));
                        CHECK(outcome.transfer);
                        CHECK(*Name::from_wire(outcome.name(asked)) == name(zone));
                        CHECK((outcome.refusal == Refusal::not_allowed) ==
                              (rcode_of(response) == 5));
                        continue;
                    }
                    ++given_to;
                    CHECK(given.refused.empty());
                    CHECK(given.transferred == 1);
                    CHECK(rcode_of(response) == 0);
                    CHECK(load16(&response[6]) == 4);
                    if (how.key != nullptr)
                        CHECK(verify(response, tsig_key(how.key), mac) == TsigError::none);
                    else
                        CHECK_FALSE(tsig_of(response).has_value());
                }
    CHECK(given_to > 20);
}

TEST_CASE("over UDP there is the SOA for IXFR, for the same ones alone (axfr_acl_matrix)") {
    const Catalog zones = guarded();
    Bytes out(message_size_max);
    for (const std::string_view zone : zone_names)
        for (const std::string_view from : addresses)
            for (const Signed& how : signatures) {
                const Peer peer{prefix(from).address, 53, Peer::Transport::udp, 1232};
                const auto ask = [&](Type type, Outcome& outcome) {
                    const Bytes request = signed_by(how, transfer_query(zone, type));
                    const std::size_t size =
                        respond(zones, request, peer, Turn{0, now}, out, &outcome);
                    return Bytes(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(size));
                };
                Outcome outcome;
                const Bytes ixfr = ask(Type::ixfr, outcome);
                CHECK(outcome.transfer);
                if (expected(zone, from, how)) {
                    CHECK(rcode_of(ixfr) == 0);
                    CHECK(load16(&ixfr[6]) == 1);
                    CHECK(outcome.refusal == Refusal::none);
                } else {
                    check_refusal(ixfr, zone, how);
                    CHECK(outcome.refusal != Refusal::none);
                }
                // RFC 5936 §4.2.
                const Bytes axfr = ask(Type::axfr, outcome);
                CHECK(load32(&axfr[6]) == 0);
                const bool bad =
                    how.key != nullptr && (!how.rightly || how.key == std::string("forged"));
                CHECK(rcode_of(axfr) == (bad ? 9 : 1));
                CHECK((outcome.refusal == Refusal::bad_form) == !bad);
                CHECK(outcome.refusal != Refusal::none);
            }
}

TEST_CASE("a network of IPv6 lets nobody in who comes by IPv4 (axfr_acl_matrix)") {
    const Catalog zones = catalog({zone("a.example", "")}).with(Access{{{prefix("::/0"), {}}}, {}});
    const auto code = [&](std::string_view from) {
        const Bytes request = transfer_query("a.example", Type::axfr);
        return rcode_of(by_tcp(zones, request, from).messages.at(0));
    };
    CHECK(code("192.0.2.2") == 5);
    CHECK(code("2001:db8::1") == 0);
}

TEST_CASE("a transfer that is refused for its form has a reason, too (axfr_acl_matrix)") {
    const Catalog zones = guarded();
    const TsigKey ka = tsig_key("ka");
    const Bytes axfr = transfer_query("a.example", Type::axfr);
    const Bytes cut(9);
    const Bytes short_mac =
        resigned(tsig_sign(axfr, ka, now), ka.name, [&](TsigRecord& record) { record.mac = cut; });
    Bytes no_tsig = tsig_sign(axfr, ka, now);
    no_tsig.back() = std::byte{1};  // other data that is not there
    Bytes sig0 = axfr;
    const Bytes sig = hex("00001800ff00000000000a00000000000000000000");
    sig0.insert(sig0.end(), sig.begin(), sig.end());
    store16(&sig0[10], 1);
    const Bytes no_serial = query("a.example", {.type = Type::ixfr});
    for (const Bytes& request : {short_mac, no_tsig, sig0, no_serial}) {
        const Given given = by_tcp(zones, request, "192.0.2.1");
        REQUIRE(given.messages.size() == 1);
        CHECK(rcode_of(given.messages[0]) == (request == sig0 ? 4 : 1));
        CHECK(load32(&given.messages[0][6]) == 0);
        CHECK(given.transferred == 0);
        REQUIRE(given.refused.size() == 1);
        CHECK(given.refused[0].outcome.refusal == Refusal::bad_form);
        CHECK(given.refused[0].outcome.transfer);
    }
    // And a MAC of no size of its algorithm's, whatever was asked.
    const Bytes question = resigned(tsig_sign(query("www.a.example"), ka, now), ka.name,
                                    [&](TsigRecord& record) { record.mac = cut; });
    const Given given = by_tcp(zones, question, "192.0.2.1");
    REQUIRE(given.refused.size() == 1);
    CHECK(given.refused[0].outcome.refusal == Refusal::bad_form);
    CHECK_FALSE(given.refused[0].outcome.transfer);
    for (std::size_t i = 1; i < refusals; ++i) {
        CHECK(text(static_cast<Refusal>(i)) != text(Refusal::none));
        CHECK(text(static_cast<Refusal>(i)) != "refused");
    }
}

TEST_CASE("of a request that was refused its header and its question are kept, not 64 KiB") {
    Bytes request = transfer_query("a.example", Type::axfr);
    const Bytes front(request.begin(), request.end());
    while (request.size() < 60'000) append_opt(request, 1232);  // FORMERR from the second on
    const Given given = by_tcp(guarded(), request, "203.0.113.9");
    REQUIRE(given.refused.size() == 1);
    const Bytes& kept = given.refused[0].request;
    CHECK(kept.size() == front.size());
    CHECK(std::equal(kept.begin() + header_size, kept.end(), front.begin() + header_size));
    // There may be no question: a TSIG alone.
    Bytes nothing = query("a.example");
    nothing.resize(header_size);
    store16(&nothing[4], 0);
    const Given forged =
        by_tcp(guarded(), tsig_sign(nothing, tsig_key("forged"), now), "203.0.113.9");
    REQUIRE(forged.refused.size() == 1);
    CHECK(forged.refused[0].request.size() == header_size);
}

TEST_CASE("what only looks like a transfer is told as none (axfr_acl_matrix)") {
    // No question: a record in its place, of TYPE252, and a cookie to be made (RFC 7873 §5.4).
    Bytes request = query("a.example", {.type = Type::axfr});
    const Bytes rest = hex("000000000000");  // TTL and RDLENGTH
    request.insert(request.end(), rest.begin(), rest.end());
    store16(&request[4], 0);
    store16(&request[10], 2);
    const Bytes cookie = hex("00002904d000000000000c000a00082464c4abcf10c957");
    request.insert(request.end(), cookie.begin(), cookie.end());
    EdnsRules rules;
    rules.cookies = *CookieSecrets::parse("000102030405060708090a0b0c0d0e0f\n");
    const Given given = by_tcp(guarded().with(rules), request, "203.0.113.9");
    REQUIRE(given.messages.size() == 1);
    CHECK(rcode_of(given.messages[0]) == 0);
    CHECK(given.transferred == 0);
    CHECK(given.refused.empty());
    // Another opcode.
    const Bytes notify = query("a.example", {.type = Type::axfr, .opcode = 4});
    CHECK(by_tcp(guarded(), notify, "192.0.2.1").transferred == 0);
}

TEST_CASE("to be current tells nothing to who may not transfer (axfr_acl_matrix)") {
    const Catalog zones = guarded();
    for (const std::uint32_t serial : {0U, 1U, 2U, 0xffff'ffffU}) {
        const Bytes request = transfer_query("c.example", Type::ixfr, serial);
        const Given given = by_tcp(zones, request, "203.0.113.9");
        REQUIRE(given.messages.size() == 1);
        check_refusal(given.messages.front(), "c.example", {nullptr});
    }
}

TEST_CASE("NOTIFY and UPDATE are refused to everybody (axfr_acl_matrix)") {
    const Catalog zones = guarded();
    for (const std::string_view zone : zone_names)
        for (const std::string_view from : addresses)
            for (const Signed& how : signatures)
                for (const std::uint8_t opcode : {4, 5}) {
                    const Bytes request =
                        signed_by(how, query(zone, {.type = Type::soa, .opcode = opcode}));
                    const Given given = by_tcp(zones, request, from);
                    REQUIRE(given.messages.size() == 1);
                    const Bytes& response = given.messages.front();
                    CHECK(load32(&response[6]) == 0);
                    const bool bad =
                        how.key != nullptr && (!how.rightly || how.key == std::string("forged"));
                    CHECK(rcode_of(response) == (bad ? 9 : 5));
                    CHECK(given.refused.size() == (bad ? 1 : 0));
                    CHECK(given.transferred == 0);
                }
}

TEST_CASE("without rules nobody may transfer, with a key neither") {
    const Catalog zones = catalog({zone("a.example", "")}).with(TsigKeys({tsig_key("ka")}));
    for (const Signed& how : {Signed{nullptr}, Signed{"ka"}})
        for (const char* from : {"127.0.0.1", "::1", "192.0.2.1"}) {
            const Given given =
                by_tcp(zones, signed_by(how, transfer_query("a.example", Type::axfr)), from);
            CHECK(rcode_of(given.messages.at(0)) == 5);
        }
    // A rule that asks for nothing is met by nobody.
    const TransferRule empty;
    CHECK_FALSE(empty.met_by(prefix("192.0.2.1").address, nullptr));
    const Name key = name("ka");
    CHECK_FALSE(empty.met_by(prefix("192.0.2.1").address, &key));
}

TEST_CASE("rules of a zone go with their table, not with the zone") {
    const auto from = prefix("203.0.113.9").address;
    const Name a = name("a.example"), b = name("B.example");
    const Catalog none = catalog({zone("a.example", "")});
    const Catalog one = none.with(a, {{prefix("203.0.113.9"), {}}});
    CHECK_FALSE(none.may_transfer(a, from, nullptr));
    CHECK(one.may_transfer(name("A.EXAMPLE"), from, nullptr));
    CHECK_FALSE(one.may_transfer(b, from, nullptr));
    CHECK(one.without(a).may_transfer(a, from, nullptr));
    CHECK_FALSE(one.with(a, {}).may_transfer(a, from, nullptr));
    const Catalog other = one.with({{b, {{prefix("203.0.113.9"), {}}}}});
    CHECK_FALSE(other.may_transfer(a, from, nullptr));
    CHECK(other.may_transfer(b, from, nullptr));
    CHECK(one.with(Access{}).may_transfer(a, from, nullptr));
}

TEST_CASE("refusals told by one speak() are bounded, and none is lost") {
    const Catalog zones = guarded();
    Peer peer{prefix("203.0.113.9").address, 53, Peer::Transport::tcp, 1232};
    Conversation conversation(peer);
    const Bytes request = transfer_query("a.example", Type::axfr);
    Bytes framed(2);
    store16(framed.data(), static_cast<std::uint16_t>(request.size()));
    framed.insert(framed.end(), request.begin(), request.end());
    constexpr std::size_t asked = 5 * Conversation::refused_max + 1;
    for (std::size_t i = 0; i < asked; ++i) REQUIRE(conversation.feed(framed) == framed.size());
    Bytes out(Conversation::speech_max);
    Turn turn;
    std::size_t told = 0, most = 0;
    do {
        const auto said = conversation.speak(zones, turn, out);
        told += said.refused.size();
        most = std::max(most, said.refused.size());
    } while (conversation.more());
    CHECK(told == asked);
    CHECK(most == Conversation::refused_max);
}
