// Requests that are signed, and the answers to them. In which order they are judged is
// tsig_order_test.cc's, the hashes themselves are checked by tsig_ldns_test.cc.
#include "tests/zones/tsig_support.h"
#include "zones/notify.h"

#include <algorithm>

#include <doctest/doctest.h>

using namespace zones;
using namespace zones::testing;

namespace {

constexpr std::uint64_t now = signed_now;

}  // namespace

TEST_CASE("what a key of ours has signed is answered, and the answer signed") {
    for (std::size_t i = 0; i < tsig_algorithms; ++i) {
        const TsigKey ours = tsig_key("ns2.example", static_cast<TsigAlgorithm>(i));
        CAPTURE(std::string(text(ours.algorithm)));
        const Catalog zones = keyed({tsig_key("other"), ours});
        Bytes mac;
        const Bytes request = tsig_sign(query("www.example"), ours, now, &mac);
        const Bytes response = reply_to(zones, request, in_time);
        const auto read = read_answer(response);
        REQUIRE(read.has_value());
        CHECK(read->signed_by_tsig);
        CHECK(read->rcode == 0);
        CHECK(read->additional.empty());
        CHECK(lines(read->answer) == Lines{"www.example 300 A 192.0.2.1"});
        CHECK(verify(response, ours, mac) == TsigError::none);
        // The answer is to this request, of this key, and now.
        CHECK(verify(response, ours, Bytes(mac.size())) == TsigError::bad_sig);
        CHECK(verify(response, tsig_key("other"), mac) == TsigError::bad_key);
        CHECK(verify(response, ours, mac, now + 301) == TsigError::bad_time);
        Bytes changed = response;
        changed[header_size + 5] ^= std::byte{1};
        CHECK(verify(changed, ours, mac) == TsigError::bad_sig);
    }
}

TEST_CASE("TSIG stands behind OPT, and both are counted") {
    const TsigKey ours = tsig_key();
    Bytes mac;
    Bytes asked = query("nope.example");
    append_opt(asked, 1232, true);
    const Bytes request = tsig_sign(asked, ours, now, &mac);
    const Bytes response = reply_to(keyed({ours}), request, in_time);
    CHECK(verify(response, ours, mac) == TsigError::none);
    CHECK(load16(&response[10]) == 2);
    CHECK(opt_of(unsigned_part(response)).value().rcode == 3);
    CHECK(outcome_of(keyed({ours}), request).rcode == Rcode::nxdomain);
}

TEST_CASE("a code that the OPT extends is told of a signed response too") {
    const TsigKey ours = tsig_key();
    Bytes asked = query("www.example");
    append_opt(asked, 1232, false, 1);
    Bytes mac;
    const Bytes request = tsig_sign(asked, ours, now, &mac);
    const Bytes response = reply_to(keyed({ours}), request, in_time);
    CHECK(opt_of(unsigned_part(response)).value().rcode == 16);
    CHECK(outcome_of(keyed({ours}), request).rcode == Rcode::badvers);
    CHECK(verify(response, ours, mac) == TsigError::none);
}

TEST_CASE("the key's and the algorithm's names are blind to case and may be compressed") {
    const TsigKey ours = tsig_key("www.EXAMPLE", TsigAlgorithm::hmac_md5);
    const Catalog zones = keyed({tsig_key("www.example", TsigAlgorithm::hmac_md5)});
    Bytes mac;
    const Bytes good = tsig_sign(query("www.example"), ours, now, &mac);
    CHECK(verify(reply_to(zones, good, in_time), ours, mac) == TsigError::none);
    Bytes shouted = good;
    for (std::size_t i = last_record(good); i < last_record(good) + 13; ++i)
        if (const auto c = std::to_integer<int>(shouted[i]); c >= 'a' && c <= 'z')
            shouted[i] = static_cast<std::byte>(c - 'a' + 'A');
    CHECK(verify(reply_to(zones, shouted, in_time), ours, mac) == TsigError::none);

    // ldns points at the question when the key is called as that is.
    Bytes pointing = good;
    const auto owner = pointing.begin() + static_cast<std::ptrdiff_t>(last_record(good));
    *owner = std::byte{0xc0};
    *(owner + 1) = std::byte{12};
    pointing.erase(owner + 2, owner + 13);
    CHECK(verify(reply_to(zones, pointing, in_time), ours, mac) == TsigError::none);
    // But a name that leads nowhere is none.
    for (const int to : {13, 200, 255}) {
        pointing[last_record(pointing) + 1] = static_cast<std::byte>(to);
        const Bytes response = reply_to(zones, pointing, in_time);
        CHECK(last_record(response) == response.size());
        CHECK(rcode_of(response) == 1);
        pointing[last_record(pointing) + 1] = std::byte{12};
    }
}

TEST_CASE("the id that was signed counts, not the one that a forwarder gave it (RFC 8945 §5.4)") {
    const TsigKey ours = tsig_key();
    const Catalog zones = keyed({ours});
    Bytes mac;
    Bytes request = tsig_sign(query("www.example"), ours, now, &mac);
    store16(request.data(), 0x4242);
    Bytes response = reply_to(zones, request, in_time);
    CHECK(rcode_of(response) == 0);
    CHECK(load16(response.data()) == 0x4242);
    CHECK(verify(response, ours, mac) == TsigError::none);
    store16(response.data(), 0x1111);  // the forwarder gives the client its own id back
    CHECK(verify(response, ours, mac) == TsigError::none);
}

TEST_CASE("what does not fit beside its signature is the question and TC (RFC 8945 §5.3)") {
    std::string text = "$TTL 300\n";
    for (int i = 0; i < 40; ++i) text += "many A 10.0.0." + std::to_string(i) + "\n";
    const std::string label(60, 'q');
    const std::string longest = label + "." + label + "." + label + "." + label.substr(0, 50);
    EdnsRules rules;
    rules.nsid = Bytes(nsid_size_max);
    for (const std::string& key_name : {std::string("k"), longest, longest + ".example"}) {
        const TsigKey ours = tsig_key(key_name, TsigAlgorithm::hmac_sha512);
        const Catalog zones = catalog({zone("example", text)}).with(TsigKeys({ours})).with(rules);
        for (const std::string& qname :
             {std::string("many.example"), longest + ".example", std::string("nope.example")})
            for (const int edns : {-1, 512, 700, 1232}) {
                CAPTURE(qname);
                CAPTURE(edns);
                CAPTURE(key_name.size());
                Bytes asked = query(qname, {.edns = edns});
                if (edns > 0) append_option(asked, 3, {});
                Bytes mac;
                const Bytes request = tsig_sign(asked, ours, now, &mac);
                const Bytes response = reply_to(zones, request, in_time);
                CHECK(response.size() <= static_cast<std::size_t>(std::max(edns, 512)));
                CHECK(verify(response, ours, mac) == TsigError::none);
                const auto read = read_answer(response);
                REQUIRE(read.has_value());
                if (!read->truncated) continue;
                CHECK(read->rcode == 0);
                CHECK(load32(&response[6]) == 0);
                // Nothing but the signature is cut off for its sake.
                CHECK(reply_to(zones, request,
                               {.transport = Peer::Transport::tcp, .now_seconds = now})
                          .size() > static_cast<std::size_t>(std::max(edns, 512)));
            }
        // An error is told as far as there is room for it.
        TsigKey wrong = ours;
        wrong.secret[0] ^= std::byte{1};
        const Bytes refused =
            reply_to(zones, tsig_sign(query(longest + ".example"), wrong, now), in_time);
        CHECK(refused.size() <= 512);
        CHECK(rcode_of(refused) == 9);
        CHECK(error_of(refused) == 16);
    }
}

TEST_CASE("NOTIFY and UPDATE are refused, signed when they were (axfr_acl_matrix)") {
    const TsigKey ours = tsig_key();
    const Catalog zones = keyed({ours}).with(Access{{{{}, ours.name}}, {}});
    for (const std::uint8_t opcode : {4, 5, 6}) {
        Bytes mac;
        const Bytes plain = query("example", {.type = Type::soa, .opcode = opcode});
        const Bytes response = reply_to(zones, tsig_sign(plain, ours, now, &mac), in_time);
        CHECK(rcode_of(response) == (opcode == 6 ? 4 : 5));
        CHECK(verify(response, ours, mac) == TsigError::none);
        const Bytes forged = tsig_sign(plain, tsig_key("forged"), now);
        check_unsigned_error(reply_to(zones, forged, in_time), TsigError::bad_key);
    }
}

TEST_CASE("TKEY, GSS-TSIG and SIG(0) are answered unread (tsig_fuzz)") {
    const TsigKey ours = tsig_key();
    const Catalog zones = keyed({ours});
    Bytes tkey = query("www.example", {.type = Type::tkey});
    Bytes mac;
    const Bytes response = reply_to(zones, tsig_sign(tkey, ours, now, &mac), in_time);
    CHECK(rcode_of(response) == 4);
    CHECK(verify(response, ours, mac) == TsigError::none);
    // RFC 3645: a GSS token in place of a MAC, of a key that TKEY would have made.
    const Name gss = name("gss-tsig");
    const Bytes token(1500);
    const Bytes request = resigned(tsig_sign(query("www.example"), ours, now),
                                   name("1234.sig-ns.example"), [&](TsigRecord& record) {
                                       record.algorithm = gss.wire();
                                       record.mac = token;
                                   });
    check_unsigned_error(reply_to(zones, request, in_time), TsigError::bad_key);
}

TEST_CASE("keys are found by name, in any case, up to their bound") {
    std::vector<TsigKey> keys;
    for (std::size_t i = 0; i < TsigKeys::keys_max; ++i)
        keys.push_back(tsig_key("k" + std::to_string(i) + ".example"));
    const TsigKeys all(keys);
    CHECK(all.size() == TsigKeys::keys_max);
    for (const TsigKey& key : keys) {
        REQUIRE(all.find(key.name) != nullptr);
        REQUIRE(*all.find(key.name) == key);
    }
    CHECK(all.find(name("K7.EXAMPLE")) != nullptr);
    CHECK(all.find(name("k1024.example")) == nullptr);
    CHECK(TsigKeys().find(name("k1.example")) == nullptr);
}

TEST_CASE("a signed NOTIFY has its TSIG, and so has the answer that it gets") {
    const TsigKey ours = tsig_key();
    const auto soa = zone("example", "")->rrset(name("example"), Type::soa);
    const Bytes notify = make_notify(name("example"), Serial(7), *soa, 99);
    Bytes mac;
    const Bytes sealed = tsig_sign(notify, ours, now, &mac);
    CHECK(unsigned_part(sealed) == notify);
    CHECK(mac.size() == 32);
    // As a secondary's answer: the same question, and a TSIG record.
    const Bytes answer = reply_to(keyed({ours}), sealed, in_time);
    const auto read = read_notify_answer(answer);
    REQUIRE(read.has_value());
    CHECK(read->id == 99);
    CHECK(read->zone == name("example"));
    CHECK(verify(answer, ours, mac) == TsigError::none);
    CHECK(verify(unsigned_part(answer), ours, mac) == TsigError::missing);
    CHECK(verify({}, ours, mac) == TsigError::malformed);
    CHECK(verify(Bytes(answer.begin(), answer.end() - 1), ours, mac) == TsigError::malformed);
}
