// The OPT record and its options, one by one, from their RFCs.
#include "zones/edns.h"
#include "tests/zones/support.h"
#include "zones/wire.h"

#include <doctest/doctest.h>

using namespace zones;
using namespace zones::testing;

namespace {

constexpr std::uint16_t nsid = 3, subnet = 8, cookie = 10, keepalive = 11, padding = 12, ede = 15;

Catalog with_nsid(const std::string& id) {
    EdnsRules rules;
    for (const char c : id) rules.nsid.push_back(static_cast<std::byte>(c));
    return example().with(std::move(rules));
}

Catalog with_everything(const Catalog& zones) {
    EdnsRules rules;
    rules.nsid.assign(nsid_size_max, std::byte{'n'});
    rules.cookies = *CookieSecrets::parse("e5e973e5a6b2a43f48e7dc849e37bfcf");
    return zones.with(std::move(rules));
}

OptSeen opt_for(const Catalog& zones, const Bytes& request, const Asking& asking = {}) {
    const auto opt = opt_of(reply_to(zones, request, asking));
    REQUIRE(opt.has_value());
    return *opt;
}

// Every option that we answer, in one request.
void append_all(Bytes& request) {
    append_option(request, nsid, {});
    append_option(request, cookie, hex("2464c4abcf10c957"));
    append_option(request, subnet, hex("0002800020010db8000000000000000000000001"));
    append_option(request, keepalive, {});
    append_option(request, padding, Bytes(31));
}

// What the additional section costs when the OPT is all that it has.
std::size_t opt_cost(const OptSeen& opt) {
    std::size_t size = opt_size;
    for (const auto& [code, data] : opt.options) size += 4 + data.size();
    return size;
}

}  // namespace

TEST_CASE("what is wrong with an OPT is answered by FORMERR with an OPT (RFC 6891 §7)") {
    Bytes request = query("www.example");
    SUBCASE("two OPT records (§6.1.1)") {
        append_opt(request, 1232);
        append_opt(request, 1232);
    }
    SUBCASE("an option that is longer than its record") {
        append_opt(request, 1232);
        append_option(request, 100, hex("00"));
        store16(&request[request.size() - 3], 2);
    }
    SUBCASE("an option cut in its head") {
        append_opt(request, 1232);
        for (int i = 0; i < 3; ++i) request.push_back(std::byte{0});
        store16(&request[request.size() - 5], 3);
    }
    for (const int opcode : {0, 1, 2, 4, 5, 6, 15}) {
        CAPTURE(opcode);
        request[2] = static_cast<std::byte>(opcode << 3);
        const OptSeen opt = opt_for(example(), request);
        CHECK(opt.rcode == 1);
        CHECK(opt.version == 0);
        CHECK(opt.udp_size == 1232);
        CHECK(load16(&reply_to(example(), request)[6]) == 0);
    }
}

TEST_CASE("an OPT in a place that is not its own is FORMERR, and was none (RFC 6891 §6.1.1)") {
    Bytes request = query("www.example");
    append_opt(request, 1232);
    SUBCASE("not the root's") {
        const auto at = static_cast<std::ptrdiff_t>(request.size() - opt_size);
        const Bytes label = bytes({1, 'x'});
        request.insert(request.begin() + at, label.begin(), label.end());
    }
    SUBCASE("among the answers") {
        store16(&request[10], 0);
        store16(&request[6], 1);
    }
    SUBCASE("in the authority section") {
        store16(&request[10], 0);
        store16(&request[8], 1);
    }
    const Bytes response = reply_to(example(), request);
    CHECK(rcode_of(response) == 1);
    CHECK_FALSE(opt_of(response).has_value());
}

TEST_CASE("of another version nothing but its number is read (RFC 6891 §6.1.3)") {
    for (const int version : {1, 2, 100, 255})
        for (const int opcode : {0, 2, 4, 5, 15}) {
            CAPTURE(version);
            CAPTURE(opcode);
            Bytes request = query("www.example");
            append_opt(request, 4096, true, static_cast<std::uint8_t>(version));
            append_option(request, nsid, {});
            append_option(request, cookie, hex("2464c4"));  // malformed, were it version 0
            request[2] = static_cast<std::byte>(opcode << 3);
            const Bytes response = reply_to(with_everything(example()), request);
            const auto opt = opt_of(response);
            REQUIRE(opt.has_value());
            CHECK(opt->rcode == 16);
            CHECK(opt->version == 0);
            CHECK(opt->options.empty());
            CHECK((flags_of(response) & Flag::aa) == 0);
            CHECK(load16(&response[6]) == 0);
        }
}

TEST_CASE("errors have an OPT when the request has one, and only then (RFC 6891 §6.1.1)") {
    struct Case {
        const char* name;
        std::uint16_t qclass;
        Type type;
        std::uint8_t opcode;
        std::uint16_t rcode;
    };
    for (const Case& c : {Case{"www.other", 1, Type::a, 0, 5}, Case{"no.example", 1, Type::a, 0, 3},
                          Case{"www.example", 4, Type::a, 0, 5}, Case{"x", 3, Type::txt, 0, 5},
                          Case{"example", 1, Type::soa, 2, 4}, Case{"example", 1, Type::soa, 4, 5},
                          Case{"example", 1, Type::soa, 5, 5}, Case{"example", 1, Type::axfr, 0, 1},
                          Case{"www.example", 1, Type::tkey, 0, 4}}) {
        CAPTURE(c.name);
        CAPTURE(c.rcode);
        Asking asking;
        asking.type = c.type;
        asking.qclass = c.qclass;
        asking.opcode = c.opcode;
        const Bytes without = reply_to(example(), query(c.name, asking));
        CHECK(rcode_of(without) == c.rcode);
        CHECK_FALSE(opt_of(without).has_value());
        asking.edns = 1232;
        CHECK(opt_for(example(), query(c.name, asking)).rcode == c.rcode);
    }
}

TEST_CASE("flags that we do not know are not read and not echoed (RFC 6891 §6.1.4)") {
    for (int bit = 0; bit < 16; ++bit) {
        CAPTURE(bit);
        Bytes request = query("www.example");
        append_opt(request, 1232);
        store16(&request[request.size() - 4], static_cast<std::uint16_t>(1U << bit));
        CHECK(opt_for(example(), request).flags == (bit == 15 ? 0x8000 : 0));
        CHECK(opt_for(example(), request).rcode == 0);
    }
}

TEST_CASE("options that we do not know are passed over, in any number (RFC 6891 §6.1.2)") {
    const Catalog zones = with_everything(example());
    for (unsigned code = 0; code <= 0xffff; ++code) {
        if (code == nsid || code == subnet || code == cookie) continue;
        Bytes request = query_with_option(static_cast<std::uint16_t>(code), hex("00ff"));
        const OptSeen opt = opt_for(zones, request);
        REQUIRE(opt.rcode == 0);
        REQUIRE(opt.options.empty());
    }
    Bytes request = query("www.example");
    append_opt(request, 1232);
    for (int i = 0; i < 10'000; ++i) append_option(request, 65001, {});
    append_option(request, nsid, {});
    CHECK(opt_for(zones, request).options.size() == 1);
}

TEST_CASE("the room that the options take is kept, no byte more and no byte less") {
    // One TXT RRset of growing size: the answer is whole as long as it fits beside the OPT.
    for (const bool options : {false, true}) {
        std::size_t longest = 0, shortest_cut = 10'000;
        for (int size = 1; size <= 250; ++size) {
            CAPTURE(size);
            const std::string text = "w TXT " + std::string(250, 'x') + " " +
                                     std::string(static_cast<std::size_t>(size), 'y') + "\n";
            const Catalog zones = with_everything(example(text));
            Bytes request = query("w.example", {.type = Type::txt});
            append_opt(request, 512);
            if (options) append_all(request);
            const Bytes response = reply_to(zones, request);
            const auto opt = opt_of(response);
            REQUIRE(opt.has_value());
            CHECK(response.size() <= 512);
            const std::size_t whole = header_size + 11 + 4 + 12 + 251 + 1 +
                                      static_cast<std::size_t>(size) + opt_cost(*opt);
            if ((flags_of(response) & Flag::tc) == 0) {
                CHECK(response.size() == whole);
                longest = std::max(longest, whole);
            } else {
                shortest_cut = std::min(shortest_cut, whole);
            }
        }
        CHECK(longest == 512);
        CHECK(shortest_cut == 513);
    }
}

TEST_CASE("NSID: our name goes to those who ask for it (RFC 5001)") {
    const Catalog zones = with_nsid("ns0.ams");
    const OptSeen asked = opt_for(zones, query_with_option(nsid, {}));
    REQUIRE(asked.option(nsid) != nullptr);
    CHECK(hex_text(*asked.option(nsid)) == "6e73302e616d73");
    // §2.2: what a request says in it is ignored, and once is enough.
    Bytes twice = query_with_option(nsid, hex("2a"));
    append_option(twice, nsid, {});
    REQUIRE(opt_for(zones, twice).option(nsid) != nullptr);
    CHECK(hex_text(*opt_for(zones, twice).option(nsid)) == "6e73302e616d73");
    Bytes unasked = query("www.example");
    append_opt(unasked, 1232);
    CHECK(opt_for(zones, unasked).options.empty());
    CHECK(opt_for(example(), query_with_option(nsid, {})).options.empty());
}

TEST_CASE("TCP keepalive: over TCP the idle timeout, over UDP nothing (RFC 7828)") {
    Asking tcp;
    tcp.transport = Peer::Transport::tcp;
    tcp.tcp_idle_ds = 300;
    for (const char* sent : {"", "0001", "00"}) {  // as BIND, NSD and Knot: whatever is in it
        CAPTURE(sent);
        const Bytes request = query_with_option(keepalive, hex(sent));
        const OptSeen told = opt_for(example(), request, tcp);
        REQUIRE(told.option(keepalive) != nullptr);
        CHECK(hex_text(*told.option(keepalive)) == "012c");
        Asking udp;
        udp.tcp_idle_ds = 300;
        const OptSeen silent = opt_for(example(), request, udp);
        CHECK(silent.rcode == 0);
        CHECK(silent.options.empty());
    }
    Bytes unasked = query("www.example");
    append_opt(unasked, 1232);
    CHECK(opt_for(example(), unasked, tcp).options.empty());
    tcp.tcp_idle_ds = 0;
    CHECK(opt_for(example(), query_with_option(keepalive, {}), tcp).options.empty());
}

TEST_CASE("padding is accepted and never sent: nothing here is encrypted (RFC 7830 §6)") {
    Asking tcp;
    tcp.transport = Peer::Transport::tcp;
    for (const std::size_t size : {0, 1, 128, 400})
        for (const Asking& asking : {Asking{}, tcp}) {
            const OptSeen opt = opt_for(example(), query_with_option(padding, Bytes(size)), asking);
            CHECK(opt.rcode == 0);
            CHECK(opt.options.empty());
        }
}

TEST_CASE("client subnet comes back with a scope of 0 (RFC 7871 §7.2.1)") {
    for (const char* good : {
             "00011800c00002",    // 192.0.2.0/24
             "00012000c0000201",  // a whole IPv4 address
             "00010000",          // no network
             "00000000",          // of no family
             "00011400c000f0",    // 20 bits
             "00010100"
             "80",                                        // one bit
             "0002380020010db8000000",                    // 2001:db8::/56
             "0002800020010db8000000000000000000000001",  // a whole IPv6 address
         }) {
        CAPTURE(good);
        const OptSeen opt = opt_for(example(), query_with_option(subnet, hex(good)));
        CHECK(opt.rcode == 0);
        REQUIRE(opt.option(subnet) != nullptr);
        CHECK(hex_text(*opt.option(subnet)) == good);
    }
    // Of two the first counts.
    Bytes two = query_with_option(subnet, hex("00010000"));
    append_option(two, subnet, hex("00011800c00002"));
    REQUIRE(opt_for(example(), two).option(subnet) != nullptr);
    CHECK(hex_text(*opt_for(example(), two).option(subnet)) == "00010000");
    // Not for who does not ask; and for names that are not ours as well.
    Bytes refused = query("www.other");
    append_opt(refused, 1232);
    CHECK(opt_for(example(), refused).option(subnet) == nullptr);
    append_option(refused, subnet, hex("00010000"));
    CHECK(opt_for(example(), refused).option(subnet) != nullptr);
}

TEST_CASE("a malformed client subnet is FORMERR (RFC 7871 §6, §7.1.2)") {
    for (const char* bad : {
             "",                                            // nothing
             "000100",                                      // cut in its head
             "00011818c00002",                              // a scope in a request
             "00011400c000ff",                              // bits behind the prefix
             "00011800c0000200",                            // more address than prefix
             "00011800c000",                                // less
             "00012100c000020100",                          // 33 bits of IPv4
             "0002810020010db800000000000000000000000100",  // 129 bits of IPv6
             "0000080001",                                  // a network of no family
             "00000000"
             "00",  // bytes behind nothing
             "00030800"
             "01",  // a family that nobody knows
             "ffff0000",
         }) {
        CAPTURE(bad);
        const Bytes response = reply_to(example(), query_with_option(subnet, hex(bad)));
        const auto opt = opt_of(response);
        REQUIRE(opt.has_value());
        CHECK(opt->rcode == 1);
        CHECK(opt->option(subnet) == nullptr);
        CHECK(load16(&response[6]) == 0);
    }
}

TEST_CASE("errors say why (RFC 8914), to those who speak EDNS") {
    struct Case {
        const char* name;
        std::uint16_t qclass;
        Type type;
        std::uint8_t opcode;
        Peer::Transport transport;
        int why;
    };
    constexpr auto udp = Peer::Transport::udp, tcp = Peer::Transport::tcp;
    const Catalog zones = example().with(Identity{"v", "i"});  // nobody may ask for more than names
    for (const Case& c :
         {Case{"www.other", 1, Type::a, 0, udp, 20}, Case{"example", 1, Type::axfr, 0, tcp, 18},
          Case{"id.server", 3, Type::txt, 0, udp, 18}, Case{"www.example", 4, Type::a, 0, udp, 21},
          Case{"www.example", 255, Type::a, 0, udp, 21},
          Case{"www.example", 1, Type::tkey, 0, udp, 21}, Case{"example", 1, Type::soa, 1, udp, 21},
          Case{"example", 1, Type::soa, 2, udp, 21}, Case{"example", 1, Type::soa, 4, udp, 21},
          Case{"example", 1, Type::soa, 5, udp, 21}, Case{"example", 1, Type::soa, 6, udp, 21},
          Case{"www.example", 1, Type::a, 0, udp, -1}, Case{"no.example", 1, Type::a, 0, udp, -1},
          Case{"other", 1, Type::axfr, 0, tcp, -1}}) {
        CAPTURE(c.name);
        CAPTURE(static_cast<int>(c.opcode));
        Asking asking;
        asking.type = c.type;
        asking.qclass = c.qclass;
        asking.opcode = c.opcode;
        asking.transport = c.transport;
        CHECK_FALSE(opt_of(reply_to(zones, query(c.name, asking), asking)).has_value());
        asking.edns = 1232;
        const OptSeen opt = opt_for(zones, query(c.name, asking), asking);
        const Bytes* why = opt.option(ede);
        if (c.why < 0) {
            CHECK(opt.options.empty());
        } else {
            REQUIRE(why != nullptr);
            CHECK(*why == bytes({0, c.why}));
        }
    }
}

TEST_CASE("the reason of an error never costs the answer, only itself (RFC 8914 §2)") {
    Bytes request = query("www.other");
    append_opt(request, 512);
    const std::size_t bare = header_size + 11 + 4 + opt_size;
    for (std::size_t room = bare; room < bare + 20; ++room) {
        CAPTURE(room);
        Bytes out(room);
        out.resize(respond(example(), request, peer({}), Turn{}, out));
        CHECK(rcode_of(out) == 5);
        CHECK((flags_of(out) & Flag::tc) == 0);
        const auto opt = opt_of(out);
        REQUIRE(opt.has_value());
        CHECK((opt->option(ede) != nullptr) == (room >= bare + 6));
    }
}

TEST_CASE("an OPT with every option is answered in full by TCP, transfers included") {
    const Catalog zones = with_everything(example()).with(
        Access{{{*Prefix::parse("0.0.0.0/0"), {}}}, {*Prefix::parse("0.0.0.0/0")}});
    for (const Type type : {Type::a, Type::axfr}) {
        Bytes request = query("example", {.type = type});
        append_opt(request, 4096, true);
        append_all(request);
        Asking asking;
        asking.transport = Peer::Transport::tcp;
        Response response = respond(std::make_shared<const Catalog>(zones), request, peer(asking),
                                    Turn{.tcp_idle_ds = 100});
        Bytes message;
        REQUIRE(response.next(message));
        const auto opt = opt_of(message);
        REQUIRE(opt.has_value());
        CHECK(opt->udp_size == 1232);
        CHECK(opt->flags == 0x8000);
        CHECK(opt->options.size() == 4);
        for (const std::uint16_t code : {nsid, cookie, subnet, keepalive})
            CHECK(opt->option(code) != nullptr);
    }
}
