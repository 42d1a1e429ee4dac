// Cookies, from RFC 7873 and RFC 9018 and its vectors.
#include "zones/cookie.h"
#include "tests/zones/support.h"
#include "zones/wire.h"

#include <doctest/doctest.h>

using namespace zones;
using namespace zones::testing;

namespace {

constexpr std::uint16_t cookie_option = 10;
constexpr const char* secret_text = "e5e973e5a6b2a43f48e7dc849e37bfcf";
constexpr const char* client_text = "2464c4abcf10c957";
constexpr std::uint32_t then = 1'559'731'985;  // RFC 9018 A.1
constexpr const char* told_then = "2464c4abcf10c957010000005cf79f111f8130c3eee29480";

Catalog serving(const std::string& secrets, bool required = false) {
    EdnsRules rules;
    rules.cookies = *CookieSecrets::parse(secrets);
    rules.cookies_required = required;
    return catalog({zone("example", "www A 192.0.2.1\n")}).with(std::move(rules));
}

struct Reply {
    Bytes message;
    OptSeen opt;
    std::string cookie() const {
        const Bytes* data = opt.option(cookie_option);
        return data == nullptr ? "none" : hex_text(*data);
    }
    std::size_t answers() const { return load16(&message[6]); }
};

Reply send(const Catalog& zones, const Bytes& request, std::uint32_t now,
           const std::string& from = "198.51.100.100",
           Peer::Transport transport = Peer::Transport::udp) {
    Asking asking;
    asking.peer = from;
    asking.now_seconds = now;
    asking.transport = transport;
    Reply reply{reply_to(zones, request, asking), {}};
    const auto opt = opt_of(reply.message);
    REQUIRE(opt.has_value());
    reply.opt = *opt;
    return reply;
}

Reply send_cookie(const Catalog& zones, const std::string& cookie, std::uint32_t now,
                  const std::string& from = "198.51.100.100") {
    return send(zones, query_with_option(cookie_option, hex(cookie)), now, from);
}

// Without a question (RFC 7873 §5.4).
Bytes cookie_alone(const std::string& cookie) {
    Bytes request(header_size);
    append_opt(request, 1232);
    const Bytes data = hex(cookie);
    request.resize(request.size() + 4);
    store16(&request[header_size + opt_size - 2], static_cast<std::uint16_t>(4 + data.size()));
    store16(&request[header_size + opt_size], cookie_option);
    store16(&request[header_size + opt_size + 2], static_cast<std::uint16_t>(data.size()));
    request.insert(request.end(), data.begin(), data.end());
    return request;
}

}  // namespace

TEST_CASE("the test vectors of RFC 9018, appendix A") {
    const Catalog zones = serving(secret_text);
    SUBCASE("A.1: a client learns a cookie") {
        CHECK(send_cookie(zones, client_text, then).cookie() == told_then);
    }
    SUBCASE("A.2: 40 minutes later it is told a fresh one") {
        CHECK(send_cookie(zones, told_then, 1'559'734'385).cookie() ==
              "2464c4abcf10c957010000005cf7a871d4a564a1442aca77");
    }
    SUBCASE("A.3: reserved bytes are hashed as they came, and are zero in the new cookie") {
        CHECK(send_cookie(zones, "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5", 1'559'734'700,
                          "203.0.113.203")
                  .cookie() == "fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e");
        // That the one which came was good is seen where bad ones are refused.
        const Catalog strict = serving(secret_text, true);
        CHECK(send_cookie(strict, "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5",
                          1'559'727'985 + 3600, "203.0.113.203")
                  .opt.rcode == 0);
    }
    SUBCASE("A.4: IPv6, and a secret that was changed") {
        const Catalog changed =
            serving("445536bcd2513298075a5d379663c962\ndd3bdf9344b678b185a6f5cb60fca715\n", true);
        const Reply reply = send_cookie(changed, "22681ab97d52c298010000005cf7c57926556bd0934c72f8",
                                        1'559'741'961, "2001:db8:220:1:59de:d0f4:8769:82b8");
        CHECK(reply.opt.rcode == 0);
        CHECK(reply.cookie() == "22681ab97d52c298010000005cf7c609a6bb79d16625507a");
    }
}

TEST_CASE("how old a cookie may be (RFC 9018 §4.3)") {
    const CookieSecrets secrets = *CookieSecrets::parse(secret_text);
    const Bytes cookie = hex(told_then);
    const AddressBytes client = Prefix::parse("198.51.100.100")->address;
    const auto at = [&](std::int64_t age) {
        return check_cookie(secrets, cookie, client, static_cast<std::uint32_t>(then + age));
    };
    CHECK(at(-301) == CookieState::unknown);
    CHECK(at(-300) == CookieState::good);
    CHECK(at(0) == CookieState::good);
    CHECK(at(1800) == CookieState::good);
    CHECK(at(1801) == CookieState::fading);
    CHECK(at(3600) == CookieState::fading);
    CHECK(at(3601) == CookieState::unknown);
    // The clock's number may wrap between the two (2106).
    const Bytes client_cookie = hex(client_text);
    const auto made =
        make_cookie(secrets, std::span<const std::byte, 8>(client_cookie), client, 0xffff'fff0);
    Bytes whole = client_cookie;
    whole.insert(whole.end(), made.begin(), made.end());
    CHECK(check_cookie(secrets, whole, client, 100) == CookieState::good);
    CHECK(check_cookie(secrets, whole, client, 0xffff'fff0 - 301) == CookieState::unknown);
}

TEST_CASE("a cookie is good for one client cookie, one address and its secrets alone") {
    const CookieSecrets secrets = *CookieSecrets::parse(secret_text);
    const Bytes cookie = hex(told_then);
    const AddressBytes client = Prefix::parse("198.51.100.100")->address;
    REQUIRE(check_cookie(secrets, cookie, client, then) == CookieState::good);
    for (std::size_t bit = 0; bit < cookie.size() * 8; ++bit) {
        CAPTURE(bit);
        Bytes changed = cookie;
        changed[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
        CHECK(check_cookie(secrets, changed, client, then) == CookieState::unknown);
    }
    for (std::size_t bit = 0; bit < 32; ++bit) {
        AddressBytes other = client;
        other[12 + bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
        CHECK(check_cookie(secrets, cookie, other, then) == CookieState::unknown);
    }
    CHECK(check_cookie(*CookieSecrets::parse(client_text + std::string(client_text)), cookie,
                       client, then) == CookieState::unknown);
    // The IPv6 address whose last bytes are the IPv4 address is somebody else.
    AddressBytes v6 = client;
    v6[0] = 0x20;
    CHECK(check_cookie(secrets, cookie, v6, then) == CookieState::unknown);
}

TEST_CASE("a secret is changed in three stages, and no client loses its cookie (RFC 9018 §5)") {
    const std::string old_secret = std::string(secret_text) + "\n";
    const std::string new_secret = "445536bcd2513298075a5d379663c962\n";
    const Catalog before = serving(old_secret, true);
    const Catalog staged = serving(old_secret + new_secret, true);
    const Catalog turned = serving(new_secret + old_secret, true);
    const Catalog after = serving(new_secret, true);
    const std::string from_old = send_cookie(before, client_text, then).cookie();
    const std::string from_new = send_cookie(turned, client_text, then).cookie();
    CHECK(send_cookie(staged, client_text, then).cookie() == from_old);
    CHECK(from_old != from_new);
    for (const Catalog* zones : {&before, &staged, &turned})
        CHECK(send_cookie(*zones, from_old, then).opt.rcode == 0);
    for (const Catalog* zones : {&staged, &turned, &after})
        CHECK(send_cookie(*zones, from_new, then).opt.rcode == 0);
    // A cookie of the old secret is at once exchanged for one of the new.
    CHECK(send_cookie(turned, from_old, then).cookie() == from_new);
    CHECK(send_cookie(after, from_old, then).opt.rcode == 23);
}

TEST_CASE("what a request's cookie is answered by (RFC 7873 §5.2)") {
    const Catalog zones = serving(secret_text);
    SUBCASE("no OPT, no OPT in the answer; no cookie, no cookie") {
        CHECK_FALSE(opt_of(reply_to(zones, query("www.example"))).has_value());
        Bytes request = query("www.example");
        append_opt(request, 1232);
        CHECK(send(zones, request, then).opt.options.empty());
    }
    SUBCASE("lengths other than 8 and 16 to 40 are FORMERR, with an OPT") {
        for (std::size_t size = 0; size <= 64; ++size) {
            CAPTURE(size);
            const bool good = size == 8 || (size >= 16 && size <= 40);
            const Reply reply =
                send(zones, query_with_option(cookie_option, Bytes(size, std::byte{7})), then);
            CHECK(reply.opt.rcode == (good ? 0 : 1));
            CHECK(reply.answers() == (good ? 1 : 0));
            CHECK((reply.opt.option(cookie_option) != nullptr) == good);
        }
    }
    SUBCASE("the first of two counts, the other may be anything (§5.2)") {
        Bytes request = query_with_option(cookie_option, hex(client_text));
        append_option(request, cookie_option, hex("00"));
        CHECK(send(zones, request, then).opt.rcode == 0);
        CHECK(send(zones, request, then).cookie() == told_then);
    }
    SUBCASE("a false server cookie is as none: a normal answer and a good cookie (§5.2.4)") {
        const Reply reply =
            send_cookie(zones, std::string(client_text) + std::string(32, '0'), then);
        CHECK(reply.opt.rcode == 0);
        CHECK(reply.answers() == 1);
        CHECK(reply.cookie() == told_then);
    }
    SUBCASE("a good one comes back (§5.2.5)") {
        CHECK(send_cookie(zones, told_then, then + 1800).cookie() == told_then);
    }
    SUBCASE("errors have the cookie, too: a client must not take them for somebody else's") {
        for (const int opcode : {1, 4, 5, 6}) {
            Bytes request = query_with_option(cookie_option, hex(client_text));
            request[2] |= static_cast<std::byte>(opcode << 3);
            CHECK(send(zones, request, then).cookie() == told_then);
        }
        Bytes broken = query_with_option(cookie_option, hex(client_text));
        append_option(broken, 8, {});
        CHECK(send(zones, broken, then).opt.rcode == 1);
        CHECK(send(zones, broken, then).cookie() == told_then);
    }
    SUBCASE("without secrets the option is one that we do not know") {
        const Catalog none = catalog({zone("example", "www A 192.0.2.1\n")});
        const Reply reply = send_cookie(none, client_text, then);
        CHECK(reply.opt.rcode == 0);
        CHECK(reply.cookie() == "none");
        CHECK(send(none, cookie_alone(client_text), then).opt.rcode == 1);
    }
}

TEST_CASE("where cookies are required, a client with a false one is told a good one and no more") {
    const Catalog zones = serving(secret_text, true);
    for (const std::string server : {"", "0100000000000000", "010000005cf79f110000000000000000"}) {
        CAPTURE(server);
        const Reply reply = send_cookie(zones, client_text + server, then);
        CHECK(reply.opt.rcode == 23);
        CHECK(reply.answers() == 0);
        CHECK((flags_of(reply.message) & Flag::aa) == 0);
        CHECK(reply.cookie() == told_then);
        // RFC 7873 §5.2.3: by TCP it is answered.
        const Reply stream =
            send(zones, query_with_option(cookie_option, hex(client_text + server)), then,
                 "198.51.100.100", Peer::Transport::tcp);
        CHECK(stream.opt.rcode == 0);
        CHECK(stream.answers() == 1);
    }
    CHECK(send_cookie(zones, told_then, then).opt.rcode == 0);
    // Whoever knows of no cookies is served as ever.
    CHECK(rcode_of(reply_to(zones, query("www.example"))) == 0);
}

TEST_CASE("a cookie may be asked for without a question (RFC 7873 §5.4)") {
    const Catalog zones = serving(secret_text);
    const Reply learned = send(zones, cookie_alone(client_text), then);
    CHECK(learned.opt.rcode == 0);
    CHECK(learned.cookie() == told_then);
    CHECK(load16(&learned.message[4]) == 0);
    CHECK(learned.answers() == 0);
    CHECK((flags_of(learned.message) & Flag::aa) == 0);
    CHECK(send(zones, cookie_alone(told_then), then).opt.rcode == 0);
    const Reply wrong = send(zones, cookie_alone(told_then), then + 3601);
    CHECK(wrong.opt.rcode == 23);
    CHECK(wrong.cookie().substr(0, 16) == client_text);
    CHECK(wrong.cookie() != told_then);
    // Neither of another opcode nor without a whole cookie.
    Bytes status = cookie_alone(client_text);
    status[2] = std::byte{2 << 3};
    CHECK(send(zones, status, then).opt.rcode == 4);
    CHECK(send(zones, cookie_alone("00"), then).opt.rcode == 1);
    Bytes empty(header_size);
    append_opt(empty, 1232);
    CHECK(send(zones, empty, then).opt.rcode == 1);
}

TEST_CASE("a secret that is rolled is good once more, and then no longer (RFC 7873 §7.1)") {
    const auto secret = [](int byte) { return Bytes(16, static_cast<std::byte>(byte)); };
    const auto fixed = [](const Bytes& bytes) { return std::span<const std::byte, 16>(bytes); };
    const Bytes one = secret(1), two = secret(2), three = secret(3), client = hex(client_text);
    const AddressBytes address = Prefix::parse("198.51.100.100")->address;
    const CookieSecrets first = CookieSecrets().rolled(fixed(one));
    CHECK(first == CookieSecrets::of(fixed(one)));
    const CookieSecrets second = first.rolled(fixed(two)), third = second.rolled(fixed(three));
    CHECK(second.size() == 2);
    CHECK(third.size() == 2);
    const auto made = make_cookie(first, std::span<const std::byte, 8>(client), address, then);
    Bytes cookie = client;
    cookie.insert(cookie.end(), made.begin(), made.end());
    CHECK(check_cookie(first, cookie, address, then) == CookieState::good);
    CHECK(check_cookie(second, cookie, address, then) == CookieState::fading);
    CHECK(check_cookie(third, cookie, address, then) == CookieState::unknown);
}

TEST_CASE("cookie secrets are read from lines of 32 hexadecimal digits") {
    const std::string one = secret_text, two = "445536bcd2513298075a5d379663c962";
    const auto read = CookieSecrets::parse("# ours\n\n" + one + " \r\n" + two);
    REQUIRE(read.has_value());
    CHECK(read->size() == 2);
    CHECK(CookieSecrets::parse("E5E973E5A6B2A43F48E7DC849E37BFCF") == CookieSecrets::parse(one));
    CHECK(CookieSecrets::of(std::span<const std::byte, 16>(hex(one))) ==
          *CookieSecrets::parse(one));
    const auto error = [](const std::string& text) { return CookieSecrets::parse(text).error(); };
    CHECK(error("") == "it holds no cookie secret");
    CHECK(error("# none\n") == "it holds no cookie secret");
    CHECK(error("\n" + one.substr(1)) == "line 2: a cookie secret is 32 hexadecimal digits");
    CHECK(error(one + "0") == "line 1: a cookie secret is 32 hexadecimal digits");
    CHECK(error(one.substr(1) + "g") == "line 1: a cookie secret is 32 hexadecimal digits");
    CHECK(error(one + "\n" + one) == "line 2: this secret is there twice");
    std::string many;
    for (std::size_t i = 0; i < CookieSecrets::secrets_max; ++i)
        many += std::string(31, '0') + std::to_string(i) + "\n";
    CHECK(CookieSecrets::parse(many)->size() == CookieSecrets::secrets_max);
    CHECK(error(many + one) == "line 5: more than 4 secrets");
}
