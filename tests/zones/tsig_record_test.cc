// A TSIG record as it may stand in a request, read before any key is looked for.
#include "tests/zones/support.h"

#include <doctest/doctest.h>

using namespace zones;
using namespace zones::testing;

namespace {

// RFC 8945 §4.2: a TSIG record of the key "k", from its class on to the end of its data.
struct Tsig {
    std::uint16_t rclass = 255;
    std::uint32_t ttl = 0;
    Bytes algorithm = hex("0b686d61632d73686132353600");  // hmac-sha256
    Bytes mac = Bytes(32);
    std::uint16_t mac_size = 32;
    Bytes other{};
    std::uint16_t other_size = 0;
    std::size_t cut = 0;  // bytes that the data lack at their end
};

Bytes signed_by(const Tsig& tsig, Bytes request = query("www.example")) {
    Bytes rdata = tsig.algorithm;
    const auto append = [&rdata](const Bytes& more) {
        rdata.insert(rdata.end(), more.begin(), more.end());
    };
    append(hex("000065a0b1c2012c"));  // time and fudge
    append({static_cast<std::byte>(tsig.mac_size >> 8), static_cast<std::byte>(tsig.mac_size)});
    append(tsig.mac);
    append(hex("12340000"));  // original id and error
    append({static_cast<std::byte>(tsig.other_size >> 8), static_cast<std::byte>(tsig.other_size)});
    append(tsig.other);
    rdata.resize(rdata.size() - std::min(tsig.cut, rdata.size()));
    Bytes head(13);
    head[0] = std::byte{1};
    head[1] = std::byte{'k'};
    store16(&head[3], static_cast<std::uint16_t>(Type::tsig));
    store16(&head[5], tsig.rclass);
    store32(&head[7], tsig.ttl);
    store16(&head[11], static_cast<std::uint16_t>(rdata.size()));
    request.insert(request.end(), head.begin(), head.end());
    request.insert(request.end(), rdata.begin(), rdata.end());
    request[11] = static_cast<std::byte>(std::to_integer<int>(request[11]) + 1);
    return request;
}

}  // namespace

TEST_CASE("a request that is signed with TSIG is not answered as if it were not") {
    Bytes with_opt = query("www.example");
    append_opt(with_opt, 1232);
    for (const Bytes& request :
         {signed_by({}), signed_by({}, with_opt), signed_by({.mac = {}, .mac_size = 0}),
          signed_by({.other = Bytes(6), .other_size = 6}), signed_by({.algorithm = Bytes(1)})}) {
        const Bytes response = reply_to(example(), request);
        CHECK(rcode_of(response) == 9);
        CHECK(load16(&response[6]) == 0);
    }
}

TEST_CASE("a TSIG record that is none is FORMERR (RFC 8945 §5.2)") {
    for (const std::uint16_t rclass : {0, 1, 3, 254})
        CHECK(rcode_of(reply_to(example(), signed_by({.rclass = rclass}))) == 1);
    CHECK(rcode_of(reply_to(example(), signed_by({.ttl = 1}))) == 1);
    CHECK(rcode_of(reply_to(example(), signed_by({.ttl = 0x8000'0000}))) == 1);
    // Wherever its data end too soon; and with bytes behind them.
    const std::size_t whole = Tsig{}.algorithm.size() + 16 + 32;
    for (std::size_t cut = 1; cut <= whole; ++cut) {
        CAPTURE(cut);
        CHECK(rcode_of(reply_to(example(), signed_by({.cut = cut}))) == 1);
    }
    CHECK(rcode_of(reply_to(example(), signed_by({.other = Bytes(1)}))) == 1);
    CHECK(rcode_of(reply_to(example(), signed_by({.other_size = 1}))) == 1);
    for (const std::uint16_t mac_size : {0, 31, 33, 0xffff})
        CHECK(rcode_of(reply_to(example(), signed_by({.mac_size = mac_size}))) == 1);
    // The algorithm's name is not compressed (RFC 3597 §4), and is a name.
    for (const char* algorithm : {"c00c", "40", "80"})
        CHECK(rcode_of(reply_to(example(), signed_by({.algorithm = hex(algorithm)}))) == 1);
}
