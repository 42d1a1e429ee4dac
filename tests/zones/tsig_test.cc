// Requests that are signed, and the answers to them, in the order of RFC 8945 §5.2. The hashes
// themselves are checked by tsig_ldns_test.cc.
#include "tests/zones/tsig_support.h"
#include "zones/notify.h"

#include <algorithm>
#include <cstdlib>

#include <doctest/doctest.h>

using namespace zones;
using namespace zones::testing;

namespace {

constexpr std::uint64_t now = signed_now;
const Asking in_time{.now_seconds = now};

Catalog keyed(std::vector<TsigKey> keys, TsigPolicy policy = {}) {
    return catalog({zone("example", "www A 192.0.2.1\n")}).with(TsigKeys(std::move(keys), policy));
}

std::uint16_t error_of(const Bytes& response) {
    const auto record = tsig_of(response);
    return record ? record->error : std::uint16_t{0xffff};
}

// An answer that says why, and bears no MAC (RFC 8945 §5.3.2).
void check_unsigned_error(const Bytes& response, TsigError error) {
    CHECK(rcode_of(response) == 9);
    CHECK(load32(&response[6]) == 0);
    const auto record = tsig_of(response);
    REQUIRE(record.has_value());
    CHECK(record->error == static_cast<std::uint16_t>(error));
    CHECK(record->mac.empty());
    CHECK(record->other.empty());
    CHECK(record->original_id == load16(response.data()));
}

Outcome outcome_of(const Catalog& zones, const Bytes& request) {
    Bytes out(message_size_max);
    Outcome outcome;
    CHECK(respond(zones, request, peer(in_time), Turn{0, now}, out, &outcome) > 0);
    return outcome;
}

Refusal refusal_of(const Catalog& zones, const Bytes& request) {
    return outcome_of(zones, request).refusal;
}

// A name of any bytes, mostly of few labels.
Name any_name(Random& random) {
    Bytes wire;
    do {
        const std::size_t size = 1 + random.below(random.below(4) == 0 ? 63 : 8);
        if (wire.size() + size + 2 > name_size_max) break;
        wire.push_back(static_cast<std::byte>(size));
        for (std::size_t i = 0; i < size; ++i) {
            const std::size_t kind = random.below(4);
            wire.push_back(static_cast<std::byte>(kind == 0 ? 0 : kind == 1 ? 41 : random.next()));
        }
    } while (random.below(3) != 0);
    wire.push_back(std::byte{0});
    return *Name::from_wire(wire);
}

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

TEST_CASE("a key that we do not have is BADKEY, whatever else is wrong (tsig_order)") {
    const TsigKey ours = tsig_key();
    const Catalog zones = keyed({ours});
    const Bytes plain = query("www.example");
    for (const TsigKey& theirs :
         {tsig_key("forged.example"), tsig_key("example"), tsig_key("a.ns2.example"),
          tsig_key("ns2.example", TsigAlgorithm::hmac_sha512)})
        for (const std::uint64_t at : {now, now + 1000}) {
            const Bytes request = tsig_sign(plain, theirs, at);
            const Bytes response = reply_to(zones, request, in_time);
            check_unsigned_error(response, TsigError::bad_key);
            const auto asked = tsig_of(request), said = tsig_of(response);
            CHECK(std::equal(asked->algorithm.begin(), asked->algorithm.end(),
                             said->algorithm.begin(), said->algorithm.end()));
            CHECK(refusal_of(zones, request) == Refusal::key_unknown);
            CHECK(verify(response, theirs, {}) == TsigError::peer_bad_key);
        }
    // Also with a MAC of a size that the algorithm, which we do not know, may well have.
    for (const std::size_t size : {0, 1, 9, 16, 200}) {
        const Bytes mac(size);
        const Bytes request = resigned(tsig_sign(plain, ours, now), name("forged"),
                                       [&](TsigRecord& record) { record.mac = mac; });
        check_unsigned_error(reply_to(zones, request, in_time), TsigError::bad_key);
    }
    check_unsigned_error(reply_to(keyed({}), tsig_sign(plain, ours, now), in_time),
                         TsigError::bad_key);
}

TEST_CASE("a MAC is judged before the time, and the time before the content (tsig_order)") {
    const TsigKey ours = tsig_key();
    const Catalog zones = keyed({ours});
    TsigKey wrong = ours;
    wrong.secret[0] ^= std::byte{1};
    Bytes bad_content = query("www.example");
    append_opt(bad_content, 1232);
    append_opt(bad_content, 1232);  // RFC 6891 §6.1.1: FORMERR
    for (const Bytes& plain : {query("www.example"), bad_content}) {
        for (const std::uint64_t at : {now, now - 1000, std::uint64_t{0}}) {
            const Bytes request = tsig_sign(plain, wrong, at);
            check_unsigned_error(reply_to(zones, request, in_time), TsigError::bad_sig);
            CHECK(refusal_of(zones, request) == Refusal::bad_signature);
        }
        Bytes mac;
        const Bytes late = tsig_sign(plain, ours, now - 1000, &mac);
        const Bytes response = reply_to(zones, late, in_time);
        CHECK(rcode_of(response) == 9);
        CHECK(error_of(response) == static_cast<std::uint16_t>(TsigError::bad_time));
        CHECK(refusal_of(zones, late) == Refusal::bad_time);
    }
    Bytes mac;
    const Bytes response = reply_to(zones, tsig_sign(bad_content, ours, now, &mac), in_time);
    CHECK(rcode_of(response) == 1);
    CHECK(error_of(response) == 0);
    CHECK(verify(response, ours, mac) == TsigError::none);
}

TEST_CASE("BADTIME is signed, by their clock, and tells ours (RFC 8945 §5.2.3)") {
    const TsigKey ours = tsig_key();
    const Catalog zones = keyed({ours});
    const Bytes plain = query("www.example");
    constexpr std::uint64_t far = std::uint64_t{1} << 47;
    for (const std::uint64_t theirs : {now - 301, now + 301, std::uint64_t{0}, far}) {
        Bytes mac;
        const Bytes request = tsig_sign(plain, ours, theirs, &mac);
        const Bytes response = reply_to(zones, request, in_time);
        CHECK(rcode_of(response) == 9);
        CHECK(load32(&response[6]) == 0);
        const auto record = tsig_of(response);
        REQUIRE(record.has_value());
        CHECK(record->error == 18);
        CHECK(record->time_seconds == theirs);
        CHECK(record->fudge_seconds == 300);
        Bytes clock(6);
        store48(clock.data(), now);
        CHECK(Bytes(record->other.begin(), record->other.end()) == clock);
        CHECK(verify(response, ours, mac, theirs) == TsigError::peer_bad_time);
    }
    // The fudge that counts is the client's; it is told back.
    for (const int fudge : {0, 1, 600, 0xffff})
        for (const int off : {-1, 0, 1}) {
            TsigRecord record;
            record.fudge_seconds = static_cast<std::uint16_t>(fudge);
            record.time_seconds = now - static_cast<std::uint64_t>(fudge + off);
            const Bytes response = reply_to(zones, signed_with(plain, ours, record), in_time);
            const bool late = std::abs(fudge + off) > fudge;
            CHECK((error_of(response) == 18) == late);
            if (late) CHECK(tsig_of(response)->fudge_seconds == fudge);
        }
    // Beyond the 32 bits of a clock that ends in 2106.
    const std::uint64_t later = (std::uint64_t{1} << 32) + 5;
    CHECK(rcode_of(reply_to(zones, tsig_sign(plain, ours, later), {.now_seconds = later})) == 0);
    CHECK(error_of(reply_to(zones, tsig_sign(plain, ours, 5), {.now_seconds = later})) == 18);
}

TEST_CASE("nothing of what a forger sends is ever signed (tsig_order)") {
    const TsigKey ours = tsig_key("Key.Example");
    const Catalog zones = keyed({ours});
    Bytes plain = query("www.example");
    append_opt(plain, 1232);
    for (const std::uint64_t at : {now, now - 1000}) {
        const Bytes good = tsig_sign(plain, ours, at);
        const std::size_t owner_at = last_record(good);
        std::size_t passed = 0;
        for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
            Bytes forged = good;
            forged[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
            const Bytes response = reply_to(zones, forged, in_time);
            if (response.empty()) continue;  // it says of itself that it is an answer
            if (last_record(response) == response.size()) {
                REQUIRE(load32(&response[6]) == 0);
                continue;
            }
            const auto record = tsig_of(response);
            const bool is_signed = record && !record->mac.empty();
            if (!is_signed) continue;
            ++passed;
            CAPTURE(bit);
            // RFC 8945 §4.3: the MAC does not cover the id that came, and is blind to the case of
            // the key's and the algorithm's names.
            const bool id = bit < 16;
            const bool letter = bit / 8 >= owner_at && bit % 8 == 5;
            REQUIRE((id || letter));
        }
        CHECK(passed == 16 + 10 + 7);
    }
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

TEST_CASE("TSIG is one record, and the last, whatever the opcode (tsig_order)") {
    const TsigKey ours = tsig_key();
    const Catalog zones = keyed({ours});
    for (const std::uint8_t opcode : {0, 4, 5}) {
        const Bytes good =
            tsig_sign(query("example", {.type = Type::soa, .opcode = opcode}), ours, now);
        Bytes followed = good;
        append_opt(followed, 1232);
        const Bytes twice = tsig_sign(good, ours, now);
        Bytes answer = good, authority = good;
        for (Bytes* message : {&answer, &authority}) store16(&(*message)[10], 0);
        store16(&answer[6], 1);
        store16(&authority[8], 1);
        for (const Bytes& request : {followed, twice, answer, authority}) {
            const Bytes response = reply_to(zones, request, in_time);
            CHECK(rcode_of(response) == 1);
            CHECK(load32(&response[6]) == 0);
            if (load16(&response[10]) != 0) CHECK(opt_of(response).has_value());
        }
    }
}

TEST_CASE("a MAC may be cut as far as the operator allows, and never further (tsig_order)") {
    const Bytes plain = query("www.example");
    for (std::size_t i = 0; i < tsig_algorithms; ++i) {
        const TsigKey ours = tsig_key("ns2.example", static_cast<TsigAlgorithm>(i));
        const std::size_t whole = mac_size(ours.algorithm);
        const std::size_t half = std::max<std::size_t>(10, whole / 2);  // RFC 8945 §5.2.2.1
        for (const std::size_t allowed : {std::size_t{0}, std::size_t{1}, half + 3, whole}) {
            const Catalog zones = keyed({ours}, {.mac_size_min = allowed});
            const Bytes good = tsig_sign(plain, ours, now);
            const Bytes late = tsig_sign(plain, ours, now - 301);
            for (std::size_t size = 0; size <= whole + 1; ++size) {
                CAPTURE(size);
                Bytes cut(tsig_of(good)->mac.begin(), tsig_of(good)->mac.end());
                cut.resize(size);
                const auto with_cut = [&](TsigRecord& record) { record.mac = cut; };
                const Bytes request = resigned(good, ours.name, with_cut);
                const Bytes response = reply_to(zones, request, in_time);
                if (size < half || size > whole) {
                    CHECK(rcode_of(response) == 1);
                    CHECK(last_record(response) == response.size());  // no TSIG
                    continue;
                }
                const bool enough = size >= (allowed == 0 ? whole : allowed);
                CHECK(rcode_of(response) == (enough ? 0 : 9));
                CHECK(verify(response, ours, cut) ==
                      (enough ? TsigError::none : TsigError::peer_bad_trunc));
                CHECK(refusal_of(zones, request) ==
                      (enough ? Refusal::none : Refusal::bad_truncation));
                // A cut MAC that is wrong is wrong, and one that is late is late.
                Bytes wrong = cut;
                wrong.back() ^= std::byte{1};
                const Bytes forged =
                    resigned(good, ours.name, [&](TsigRecord& record) { record.mac = wrong; });
                CHECK(error_of(reply_to(zones, forged, in_time)) == 16);
                cut.assign(tsig_of(late)->mac.begin(), tsig_of(late)->mac.end());
                cut.resize(std::min(size, whole));
                CHECK(error_of(reply_to(zones, resigned(late, ours.name, with_cut), in_time)) ==
                      18);
            }
        }
    }
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

TEST_CASE(
    "any field of a TSIG may be anything: the answer is whole and within its size (tsig_fuzz)") {
    const TsigKey ours = tsig_key();
    const Catalog zones = keyed({ours, tsig_key("short", TsigAlgorithm::hmac_md5, 1)})
                              .with(Access{{{{}, ours.name}}, {}});
    Random random(8945);
    const Bytes junk = [&] {
        Bytes some(300);
        for (std::byte& byte : some) byte = static_cast<std::byte>(random.next());
        return some;
    }();
    const auto some = [&](std::size_t most) {
        return std::span(junk).first(random.below(most + 1));
    };
    const std::vector<Name> names{ours.name, name("short"), name("forged")};
    const std::vector<Name> algorithms{name("hmac-sha256"), name("HMAC-MD5.sig-alg.reg.int"),
                                       name("hmac-sha512"), name("gss-tsig"), Name::root()};
    std::size_t answered = 0, codes[16] = {};
    for (int round = 0; round < 30'000; ++round) {
        const auto type = random.below(2) == 0 ? Type::axfr : Type::a;
        Bytes plain = query("example", {.type = type, .edns = random.below(2) == 0 ? -1 : 1232});
        Bytes request = tsig_sign(plain, ours, now);
        if (random.below(8) != 0) {
            const Name& algorithm = algorithms[random.below(algorithms.size())];
            const std::size_t owner = random.below(names.size() + 2);
            const Name by = owner < names.size() ? names[owner] : any_name(random);
            request = resigned(request, by, [&](TsigRecord& record) {
                if (random.below(4) == 0) record.algorithm = algorithm.wire();
                if (random.below(3) == 0) record.time_seconds = random.next() >> 16;
                if (random.below(4) == 0)
                    record.fudge_seconds = static_cast<std::uint16_t>(random.next());
                if (random.below(3) == 0) record.mac = some(80);
                if (random.below(4) == 0) record.other = some(300);
                if (random.below(4) == 0) record.error = static_cast<std::uint16_t>(random.next());
            });
        }
        const std::size_t tsig_at = last_record(request);
        for (std::size_t flips = random.below(3); flips > 0; --flips)
            request[tsig_at + random.below(request.size() - tsig_at)] =
                static_cast<std::byte>(random.next());
        if (random.below(8) == 0) request.resize(request.size() - random.below(20));
        const Bytes response = reply_to(zones, request, in_time);
        REQUIRE(!response.empty());
        REQUIRE(response.size() <= 1232);
        REQUIRE(read_answer(response).has_value());
        // No code that these get is one that needs an OPT.
        REQUIRE(static_cast<unsigned>(outcome_of(zones, request).rcode) == rcode_of(response));
        ++codes[rcode_of(response)];
        ++answered;
    }
    CHECK(answered == 30'000);
    for (const int code : {1, 9}) CHECK(codes[code] > 1000);
    CHECK(codes[0] > 100);
}

TEST_CASE("an answer that was changed or cut on its way is not taken (tsig_fuzz)") {
    const TsigKey ours = tsig_key("K.example");
    const Catalog zones = keyed({ours});
    Bytes mac;
    Bytes plain = query("www.example");
    append_opt(plain, 1232);
    const Bytes request = tsig_sign(plain, ours, now, &mac);
    const Bytes good = reply_to(zones, request, in_time);
    REQUIRE(verify(good, ours, mac) == TsigError::none);
    for (std::size_t size = 0; size < good.size(); ++size) {
        const Bytes cut(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size));
        REQUIRE(verify(cut, ours, mac) == TsigError::malformed);
    }
    const std::size_t owner_at = last_record(good);
    std::size_t taken = 0;
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
        Bytes changed = good;
        changed[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
        if (verify(changed, ours, mac) != TsigError::none) continue;
        ++taken;
        CAPTURE(bit);
        REQUIRE((bit < 16 || (bit / 8 >= owner_at && bit % 8 == 5)));
    }
    CHECK(taken == 16 + 8 + 7);
    // CVE-2020-8622: the end of the answer to one request is not the end of another's.
    Bytes other_mac;
    const Bytes other = tsig_sign(query("nope.example"), ours, now, &other_mac);
    CHECK(verify(reply_to(zones, other, in_time), ours, mac) == TsigError::bad_sig);
    // A MAC that is cut, though the rules of a request would let it pass: we ask whole ones.
    const Bytes whole(tsig_of(good)->mac.begin(), tsig_of(good)->mac.end());
    for (std::size_t size = 0; size <= whole.size(); ++size) {
        const Bytes cut_mac(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
        const Bytes answer =
            resigned(good, ours.name, [&](TsigRecord& record) { record.mac = cut_mac; });
        CHECK(verify(answer, ours, mac) == (size < 16   ? TsigError::malformed
                                            : size < 32 ? TsigError::bad_trunc
                                                        : TsigError::none));
    }
}
