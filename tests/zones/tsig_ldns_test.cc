// Our MACs against those of RFC 2202 and RFC 4231, and our signatures against ldns, which makes and
// checks them by code of its own.
#include "tests/zones/tsig_support.h"
#include "zones/tsig_text.h"

#include <cstdlib>
#include <ctime>
#include <memory>

#include <doctest/doctest.h>

#include <stdbool.h>

#include <ldns/ldns.h>

using namespace zones;
using namespace zones::testing;

namespace {

std::string hmac_text(TsigAlgorithm algorithm, const Bytes& key, std::string_view data) {
    const HmacKey ready(algorithm, key);
    Hmac hmac(ready);
    for (const char c : data) hmac.add(std::as_bytes(std::span(&c, 1)));  // in pieces
    const auto mac = hmac.finish();
    return hex_text(std::span(mac).first(mac_size(algorithm)));
}

struct PacketDeleter {
    void operator()(ldns_pkt* packet) const { ldns_pkt_free(packet); }
};
using Packet = std::unique_ptr<ldns_pkt, PacketDeleter>;

Packet packet_of(const Bytes& message) {
    ldns_pkt* packet = nullptr;
    REQUIRE(ldns_wire2pkt(&packet, reinterpret_cast<const std::uint8_t*>(message.data()),
                          message.size()) == LDNS_STATUS_OK);
    return Packet(packet);
}

Bytes wire_of(const ldns_pkt* packet) {
    std::uint8_t* wire = nullptr;
    std::size_t size = 0;
    REQUIRE(ldns_pkt2wire(&wire, packet, &size) == LDNS_STATUS_OK);
    const auto* begin = reinterpret_cast<const std::byte*>(wire);
    Bytes bytes(begin, begin + size);
    std::free(wire);
    return bytes;
}

// ldns's names of algorithms end in a dot.
std::string algorithm_name(TsigAlgorithm algorithm) {
    return Name::from_wire(wire_name(algorithm))->text() + ".";
}

// What ldns says to a message; `mac` is of the one before.
bool ldns_verifies(const Bytes& message, const TsigKey& key, const Bytes& mac,
                   bool timers_only = false) {
    const Packet packet = packet_of(message);
    Bytes prefixed(2);
    store16(prefixed.data(), static_cast<std::uint16_t>(mac.size()));
    prefixed.insert(prefixed.end(), mac.begin(), mac.end());
    ldns_rdf* orig = mac.empty() ? nullptr
                                 : ldns_rdf_new_frm_data(LDNS_RDF_TYPE_INT16_DATA, prefixed.size(),
                                                         prefixed.data());
    const bool good = ldns_pkt_tsig_verify_next(
        packet.get(), reinterpret_cast<const std::uint8_t*>(message.data()), message.size(),
        (key.name.text() + ".").c_str(), tsig_secret_text(key).c_str(), orig, timers_only ? 1 : 0);
    ldns_rdf_deep_free(orig);
    return good;
}

// ldns 1.8 lacks HMAC-SHA224 and calls HMAC-SHA384 something else.
const std::vector<TsigAlgorithm> algorithms_of_ldns{
    TsigAlgorithm::hmac_md5, TsigAlgorithm::hmac_sha1, TsigAlgorithm::hmac_sha256,
    TsigAlgorithm::hmac_sha512};

}  // namespace

TEST_CASE("our HMACs are those of RFC 2202 and RFC 4231") {
    using enum TsigAlgorithm;
    const Bytes jefe = hex("4a656665");
    const std::string_view what = "what do ya want for nothing?";
    CHECK(hmac_text(hmac_md5, jefe, what) == "750c783e6ab0b503eaa86e310a5db738");
    CHECK(hmac_text(hmac_sha1, jefe, what) == "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    CHECK(hmac_text(hmac_sha224, jefe, what) ==
          "a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44");
    CHECK(hmac_text(hmac_sha256, jefe, what) ==
          "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    CHECK(hmac_text(hmac_sha384, jefe, what) ==
          "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e"
          "8e2240ca5e69e2c78b3239ecfab21649");
    CHECK(hmac_text(hmac_sha512, jefe, what) ==
          "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
          "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737");
    // A key that is longer than a block.
    const std::string_view large = "Test Using Larger Than Block-Size Key - Hash Key First";
    CHECK(hmac_text(hmac_md5, Bytes(80, std::byte{0xaa}), large) ==
          "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd");
    CHECK(hmac_text(hmac_sha256, Bytes(131, std::byte{0xaa}), large) ==
          "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    CHECK(hmac_text(hmac_sha512, Bytes(131, std::byte{0xaa}), large) ==
          "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
          "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598");
}

TEST_CASE("MACs are equal when every byte is") {
    const Bytes mac = hex("000102030405");
    CHECK(equal_macs(mac, mac));
    for (std::size_t i = 0; i < mac.size(); ++i) {
        Bytes other = mac;
        other[i] ^= std::byte{0x80};
        CHECK_FALSE(equal_macs(mac, other));
    }
    CHECK_FALSE(equal_macs(mac, std::span(mac).first(5)));
}

TEST_CASE("what ldns signs we answer, and what we sign ldns finds good") {
    const auto now = static_cast<std::uint64_t>(std::time(nullptr));  // ldns reads the clock
    for (const TsigAlgorithm algorithm : algorithms_of_ldns)
        for (const std::size_t secret_size : {1, 16, 64, 200})
            for (const char* called : {"ns2.example", "WWW.example", "k"}) {
                const TsigKey key = tsig_key(called, algorithm, secret_size);
                CAPTURE(std::string(text(algorithm)));
                const Catalog zones =
                    catalog({zone("example", "www A 192.0.2.1\n")}).with(TsigKeys({key}));
                Bytes plain = query("www.example");
                append_opt(plain, 1232);
                const Packet packet = packet_of(plain);
                REQUIRE(ldns_pkt_tsig_sign(packet.get(), (key.name.text() + ".").c_str(),
                                           tsig_secret_text(key).c_str(), 300,
                                           algorithm_name(algorithm).c_str(),
                                           nullptr) == LDNS_STATUS_OK);
                const Bytes request = wire_of(packet.get());
                const auto record = read_tsig(request, last_record(request));
                REQUIRE(record.has_value());
                const Bytes mac(record->mac.begin(), record->mac.end());
                const Bytes response = reply_to(zones, request, {.now_seconds = now});
                CHECK(rcode_of(response) == 0);
                CHECK(ldns_verifies(response, key, mac));
                CHECK(verify(response, key, mac, now) == TsigError::none);
                CHECK_FALSE(ldns_verifies(response, tsig_key(called, algorithm, 99), mac));
                // The other way round: a question of ours.
                CHECK(ldns_verifies(tsig_sign(plain, key, now), key, {}));
            }
}

TEST_CASE("each message of a signed transfer is signed by the one before (RFC 8945 §5.3.1)") {
    std::string text = "$TTL 300\n";
    for (int i = 0; i < 6000; ++i)
        text += "h" + std::to_string(i) + " TXT \"" + std::string(40, 'x') + "\"\n";
    const auto now = static_cast<std::uint64_t>(std::time(nullptr));
    for (const TsigAlgorithm algorithm : algorithms_of_ldns) {
        const TsigKey key = tsig_key("ns2.example", algorithm);
        CAPTURE(std::string(zones::text(algorithm)));
        const auto zones = std::make_shared<const Catalog>(catalog({zone("example", text)})
                                                               .with(TsigKeys({key}))
                                                               .with(Access{{{{}, key.name}}, {}}));
        const Asking asking{.type = Type::axfr,
                            .edns = 1232,
                            .transport = Peer::Transport::tcp,
                            .now_seconds = now};
        Bytes mac;
        const Bytes request = tsig_sign(query("example", asking), key, now, &mac);
        Response response = respond(zones, request, peer(asking), Turn{0, now});
        Bytes message;
        std::size_t messages = 0, records = 0;
        for (; response.next(message); ++messages) {
            REQUIRE(message.size() <= message_size_max);
            REQUIRE(ldns_verifies(message, key, mac, messages > 0));
            REQUIRE_FALSE(ldns_verifies(message, key, mac, messages == 0));
            const auto record = tsig_of(message);
            mac.assign(record->mac.begin(), record->mac.end());
            const auto read = read_answer(message);
            REQUIRE(read.has_value());
            CHECK(read->udp_size.has_value() == (messages == 0));
            for (const RRset& rrset : read->answer) records += rrset.rdatas.size();
        }
        CHECK(messages > 4);
        CHECK(records == 6000 + 3);
    }
}
