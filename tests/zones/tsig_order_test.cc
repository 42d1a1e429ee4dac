// Requests that are signed wrongly, in the order of RFC 8945 §5.2.
#include "tests/zones/tsig_support.h"

#include <algorithm>
#include <cstdlib>

#include <doctest/doctest.h>

using namespace zones;
using namespace zones::testing;

namespace {

constexpr std::uint64_t now = signed_now;

}  // namespace

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
