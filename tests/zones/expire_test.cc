// EDNS EXPIRE (RFC 7314): for how long a secondary may go on without us.
#include "tests/zones/history_support.h"

#include <doctest/doctest.h>

using namespace zones;
using namespace zones::testing;

namespace {

constexpr std::uint16_t expire = 9, keepalive = 11;

Catalog served() {
    Access access;
    access.transfer = {{*Prefix::parse("192.0.2.53"), {}}};
    const auto first =
        zone("example", "@ SOA ns h 1 2 3 86401 5\n@ NS ns.elsewhere.\nsub NS ns.elsewhere.\n");
    const auto next = first->with({}, Serial(2)).value();
    return Catalog().with(History(first).advance(next)).with(access);
}

Bytes asking_expire(Bytes request, const Bytes& data = {}) {
    append_opt(request, 1232);
    // Behind an authority section, where append_option() does not find its way.
    store16(&request[request.size() - 2], static_cast<std::uint16_t>(4 + data.size()));
    Bytes option(4);
    store16(option.data(), expire);
    store16(option.data() + 2, static_cast<std::uint16_t>(data.size()));
    option.insert(option.end(), data.begin(), data.end());
    request.insert(request.end(), option.begin(), option.end());
    return request;
}

Bytes expire_of(const Bytes& response) {
    const auto opt = opt_of(response);
    REQUIRE(opt.has_value());
    const Bytes* told = opt->option(expire);
    return told == nullptr ? Bytes() : *told;
}

Asking of(Type type, Peer::Transport transport) {
    Asking asking;
    asking.type = type;
    asking.transport = transport;
    return asking;
}

const Bytes seconds = bytes({0, 1, 0x51, 0x81});

}  // namespace

TEST_CASE("EXPIRE comes with the SOA, to who asks for it (RFC 7314 §3.1)") {
    const Catalog zones = served();
    for (const auto transport : {Peer::Transport::udp, Peer::Transport::tcp}) {
        const Asking soa = of(Type::soa, transport);
        const auto reply = [&](const std::string& name, const Asking& asking) {
            return reply_to(zones, asking_expire(query(name, asking)), asking);
        };
        CHECK(expire_of(reply("example", soa)) == seconds);
        CHECK(expire_of(reply("EXAMPLE", soa)) == seconds);
        CHECK(expire_of(reply_to(zones, asking_expire(ixfr_query(name("example"), 2)), soa)) ==
              seconds);
        // With data the option is the same question, as for BIND.
        CHECK(expire_of(reply_to(zones, asking_expire(query("example", soa), bytes({1, 2, 3, 4})),
                                 soa)) == seconds);
        // Not with other answers, nor with an SOA that is but beside them.
        CHECK(expire_of(reply("example", of(Type::ns, transport))).empty());
        CHECK(expire_of(reply("www.example", soa)).empty());
        CHECK(expire_of(reply("sub.example", soa)).empty());
        CHECK(expire_of(reply("other", soa)).empty());
        Asking stranger = of(Type::ixfr, transport);
        stranger.peer = "192.0.2.99";
        CHECK(expire_of(reply_to(zones, asking_expire(ixfr_query(name("example"), 1)), stranger))
                  .empty());
        Bytes unasked = query("example", soa);
        append_opt(unasked, 1232);
        CHECK(expire_of(reply_to(zones, unasked, soa)).empty());
    }
}

TEST_CASE("EXPIRE comes with the first message of a transfer, and with differences by UDP") {
    const Catalog zones = served();
    const Asking tcp = of(Type::axfr, Peer::Transport::tcp);
    for (const Bytes& request : {query("example", tcp), ixfr_query(name("example"), 1)}) {
        const auto messages = stream(zones, asking_expire(request), tcp);
        REQUIRE(messages.size() == 1);
        CHECK(expire_of(messages[0]) == seconds);
        const auto plain = stream(zones, request, tcp);
        CHECK_FALSE(opt_of(plain[0]).has_value());
    }
    const Asking udp = of(Type::ixfr, Peer::Transport::udp);
    const Bytes by_udp = reply_to(zones, asking_expire(ixfr_query(name("example"), 1)), udp);
    CHECK(expire_of(by_udp) == seconds);
    CHECK(told({by_udp}).size() == 4);
}

TEST_CASE("the room of EXPIRE is kept beside an answer that fills the message") {
    std::string servers;
    for (int i = 0; i < 40; ++i) servers += "@ NS host" + std::to_string(i) + ".some.where.\n";
    const Catalog zones = catalog({zone("example", "@ SOA ns h 1 2 3 86401 5\n" + servers)});
    const Asking soa = of(Type::soa, Peer::Transport::udp);
    for (int size = 512; size < 640; ++size) {
        Bytes request = query("example", soa);
        append_opt(request, static_cast<std::uint16_t>(size));
        append_option(request, expire, {});
        append_option(request, keepalive, {});
        const Bytes response = reply_to(zones, request, soa);
        REQUIRE(response.size() <= static_cast<std::size_t>(size));
        REQUIRE(expire_of(response) == seconds);
    }
}
