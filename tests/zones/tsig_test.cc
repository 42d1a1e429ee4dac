// Signatures against ldns, which makes and checks MACs by itself, and against the order of
// RFC 8945 §5.2.
#include "zones/tsig.h"

#include "tests/zones/support.h"
#include "zones/tsig_record.h"

#include <doctest/doctest.h>

#include <cstring>

#include <stdbool.h>

#include <ldns/ldns.h>

using namespace zones;
using namespace zones::testing;

namespace {

constexpr std::uint64_t now = 1'800'000'000;

Bytes secret(std::size_t size) {
    Bytes bytes(size);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i * 37 + 11);
    return bytes;
}

TsigKey key(std::string_view of = "ns2.example",
            TsigAlgorithm algorithm = TsigAlgorithm::hmac_sha256, std::size_t size = 32) {
    return {name(of), algorithm, secret(size)};
}

Catalog keyed(std::vector<TsigKey> keys, TsigPolicy policy = {}) {
    return catalog({zone("example", "www A 192.0.2.1\n")}).with(TsigKeys(std::move(keys), policy));
}

TsigError verify(const Bytes& answer, const TsigKey& by, const Bytes& request_mac,
                 std::uint64_t at = now) {
    const auto verdict = tsig_verify_answer(answer, by, request_mac, at);
    return verdict ? TsigError::none : verdict.error();
}

}  // namespace

TEST_CASE("what a key of ours has signed is answered, and the answer signed") {
    for (std::size_t i = 0; i < tsig_algorithms; ++i) {
        const TsigKey ours = key("ns2.example", static_cast<TsigAlgorithm>(i));
        CAPTURE(std::string(text(ours.algorithm)));
        const Catalog zones = keyed({key("other"), ours});
        Bytes mac;
        const Bytes request = tsig_sign(query("www.example"), ours, now, &mac);
        const Bytes response = reply_to(zones, request, {.now_seconds = now});
        const auto read = read_answer(response);
        REQUIRE(read.has_value());
        CHECK(read->signed_by_tsig);
        CHECK(read->rcode == 0);
        CHECK(lines(read->answer) == Lines{"www.example 300 A 192.0.2.1"});
        CHECK(verify(response, ours, mac) == TsigError::none);
    }
}
