// Signatures: a request with a TSIG record, of which each field may be anything, is answered by a
// whole response that is signed only to whoever has the key; the same record on an answer is judged
// without harm; and so is any key file.
#include "tests/fuzz/check.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/served.h"
#include "zones/respond.h"
#include "zones/soa_query.h"
#include "zones/tsig_record.h"
#include "zones/tsig_text.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

using namespace zones;

namespace {

using Bytes = std::vector<std::byte>;

constexpr std::uint64_t now = 1'800'000'000;

Name name(std::string_view text) {
    return *Name::parse(text);
}

const std::vector<TsigKey>& keys() {
    static const std::vector<TsigKey> all = [] {
        std::vector<TsigKey> made;
        for (std::size_t i = 0; i < tsig_algorithms; ++i)
            made.push_back({name("k" + std::to_string(i) + ".example"),
                            static_cast<TsigAlgorithm>(i), Bytes(16, std::byte{7})});
        return made;
    }();
    return all;
}

// A field of the record as the input wants it: mostly as it was.
template <class Field>
void change(fuzz::Input& input, Field& field) {
    if (input.below(4) != 0) return;
    field = static_cast<Field>(input.below(65536));
}

void key_file(fuzz::Input& input) {
    const bool weak = input.below(2) == 0;
    const auto bytes = input.rest();
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    const auto read = read_tsig_keys("keys", text, weak);
    if (!read) {
        FUZZ_CHECK(!read.error().empty() && read.error().size() <= tsig_mistakes_max);
        return;
    }
    std::string written;
    for (const TsigKey& key : *read) written += tsig_key_text(key);
    const auto again = read_tsig_keys("keys", written);
    FUZZ_CHECK(again && *again == *read);
}

// One label of seven bytes, which may read as anything where a reader is out of step.
Name any_label(fuzz::Input& input) {
    std::array<std::byte, 9> wire{std::byte{7}};
    for (std::size_t i = 1; i <= 7; ++i) wire[i] = static_cast<std::byte>(input.byte());
    return *Name::from_wire(wire);
}

// A request with a TSIG record that is somewhat changed, or not at all.
Bytes request_of(fuzz::Input& input, const TsigKey& key, bool& untouched) {
    const Type type = std::array{Type::a, Type::soa, Type::axfr, Type::tkey}[input.below(4)];
    const Bytes plain = make_query(name("example"), type, 7);
    const Bytes good = tsig_sign(plain, key, now);
    untouched = input.below(8) == 0;
    if (untouched) return good;
    TsigRecord record = *read_tsig(good, last_record(good));
    Bytes other(input.below(80)), mac(record.mac.begin(), record.mac.end());
    if (input.below(4) == 0) mac.resize(input.below(80));
    record.mac = mac;
    if (input.below(4) == 0) record.other = other;
    change(input, record.fudge_seconds);
    change(input, record.original_id);
    change(input, record.error);
    if (input.below(4) == 0) record.time_seconds = input.below(65536) << input.below(33);
    const Name algorithms[] = {name("hmac-sha256"), name("hmac-md5.sig-alg.reg.int"),
                               name("gss-tsig"), Name::root()};
    const Name owners[] = {key.name, name("forged"), Name::root()};
    const Name& algorithm = algorithms[input.below(4)];
    if (input.below(4) == 0) record.algorithm = algorithm.wire();
    const std::size_t whose = input.below(4) == 0 ? input.below(4) : 0;
    const Name owner = whose < 3 ? owners[whose] : any_label(input);
    Bytes request = plain;
    const std::size_t tsig_at = request.size();
    request.resize(tsig_at + tsig_size(owner.wire(), record));
    write_tsig(std::span(request).subspan(tsig_at), owner.wire(), record);
    store16(&request[10], 1);
    // And bytes of it anyhow.
    for (std::size_t flips = input.below(4); flips > 0; --flips)
        request[tsig_at + input.below(request.size() - tsig_at)] =
            static_cast<std::byte>(input.byte());
    if (input.below(4) == 0) request.resize(request.size() - input.below(16));
    const auto tail = input.bytes(input.below(32));
    request.insert(request.end(), tail.begin(), tail.end());
    return request;
}

void signatures(fuzz::Input& input) {
    static const Catalog zones = fuzz::served(false)->with(TsigKeys(keys()));
    static Bytes out(message_size_max);
    const TsigKey& key = keys()[input.below(tsig_algorithms)];
    bool untouched = false;
    const Bytes request = request_of(input, key, untouched);
    Peer peer;
    peer.transport = input.below(2) == 0 ? Peer::Transport::udp : Peer::Transport::tcp;
    Outcome outcome;
    const std::size_t size = respond(zones, request, peer, Turn{0, now}, out, &outcome);
    FUZZ_CHECK(size >= header_size && size <= message_size_max);
    FUZZ_CHECK(static_cast<std::size_t>(outcome.rcode) < rcodes_max);
    FUZZ_CHECK(peer.transport == Peer::Transport::tcp || size <= udp_size_default);
    const Bytes response(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(size));
    FUZZ_CHECK(read_answer(response).has_value());
    const std::size_t asked_at = last_record(request);
    const auto asked = asked_at == 0 ? std::nullopt : read_tsig(request, asked_at);
    const auto said = read_tsig(response, last_record(response));
    if (untouched) {
        FUZZ_CHECK(said && said->error == 0);
        FUZZ_CHECK(tsig_verify_answer(response, key, asked->mac, now).has_value());
    }
    // A signed response is one that verifies against the MAC that came, which was right then.
    if (said && !said->mac.empty()) {
        FUZZ_CHECK(asked.has_value());
        const auto verdict = tsig_verify_answer(response, key, asked->mac, said->time_seconds);
        FUZZ_CHECK(verdict || verdict.error() == TsigError::peer_bad_time ||
                   verdict.error() == TsigError::peer_bad_trunc);
        FUZZ_CHECK(outcome.refusal != Refusal::bad_signature &&
                   outcome.refusal != Refusal::key_unknown);
    }
    // The same bytes as an answer.
    Bytes answer = request;
    if (answer.size() > 2) answer[2] |= std::byte{0x80};
    (void)tsig_verify_answer(answer, key, {}, now);
    (void)read_answer(answer);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    if (input.below(4) == 0)
        key_file(input);
    else
        signatures(input);
    return 0;
}
