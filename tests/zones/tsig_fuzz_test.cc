// Signed messages of which anything may be anything else.
#include "tests/zones/tsig_support.h"

#include <doctest/doctest.h>

using namespace zones;
using namespace zones::testing;

namespace {

constexpr std::uint64_t now = signed_now;

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
