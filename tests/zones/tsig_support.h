#pragma once
// Keys, and signed messages of every good and bad kind.

#include "tests/zones/support.h"
#include "zones/tsig.h"
#include "zones/tsig_record.h"

#include <optional>
#include <string_view>
#include <utility>

namespace zones::testing {

inline constexpr std::uint64_t signed_now = 1'800'000'000;

inline TsigKey tsig_key(std::string_view of = "ns2.example",
                        TsigAlgorithm algorithm = TsigAlgorithm::hmac_sha256,
                        std::size_t secret_size = 32) {
    TsigKey key{name(of), algorithm, Bytes(secret_size)};
    for (std::size_t i = 0; i < secret_size; ++i)
        key.secret[i] = static_cast<std::byte>(i * 37 + 11);
    return key;
}

inline TsigError verify(const Bytes& answer, const TsigKey& by, const Bytes& request_mac,
                        std::uint64_t at = signed_now) {
    const auto verdict = tsig_verify_answer(answer, by, request_mac, at);
    return verdict ? TsigError::none : verdict.error();
}

// The TSIG record of a message, which outlives it; nullopt for none.
inline std::optional<TsigRecord> tsig_of(const Bytes& message) {
    const std::size_t at = last_record(message);
    REQUIRE(at != 0);
    return at == message.size() ? std::nullopt : read_tsig(message, at);
}

// The message without its last record.
inline Bytes unsigned_part(Bytes message) {
    message.resize(last_record(message));
    store16(&message[10], static_cast<std::uint16_t>(load16(&message[10]) - 1));
    return message;
}

inline Bytes with_tsig(Bytes message, const Name& owner, const TsigRecord& record) {
    const std::size_t size = message.size();
    message.resize(size + tsig_size(owner.wire(), record));
    write_tsig(std::span(message).subspan(size), owner.wire(), record);
    store16(&message[10], static_cast<std::uint16_t>(load16(&message[10]) + 1));
    return message;
}

// The message with its TSIG record changed by `change`, under the MAC that it had.
template <class Change>
Bytes resigned(const Bytes& message, const Name& owner, Change change) {
    TsigRecord record = *tsig_of(message);
    change(record);
    return with_tsig(unsigned_part(message), owner, record);
}

// A request with just these fields in its TSIG record and a MAC that covers them, by the letter of
// RFC 8945 §4.3.
inline Bytes signed_with(const Bytes& message, const TsigKey& key, TsigRecord record) {
    record.algorithm = wire_name(key.algorithm);
    Bytes digest = message;
    store16(digest.data(), record.original_id);
    const auto put = [&](std::span<const std::byte> bytes) {
        digest.insert(digest.end(), bytes.begin(), bytes.end());
    };
    const auto put16 = [&](std::size_t value) {
        put(bytes({static_cast<int>(value >> 8 & 0xff), static_cast<int>(value & 0xff)}));
    };
    put(key.name.lowered().wire());
    put(hex("00ff00000000"));  // class ANY, TTL 0
    put(record.algorithm);
    Bytes time(6);
    store48(time.data(), record.time_seconds);
    put(time);
    put16(record.fudge_seconds);
    put16(record.error);
    put16(record.other.size());
    put(record.other);
    const HmacKey hmac_key(key.algorithm, key.secret);
    Hmac hmac(hmac_key);
    hmac.add(digest);
    const auto mac = hmac.finish();
    record.mac = std::span(mac).first(mac_size(key.algorithm));
    return with_tsig(message, key.name, record);
}

inline const Asking in_time{.now_seconds = signed_now};

inline Catalog keyed(std::vector<TsigKey> keys, TsigPolicy policy = {}) {
    return catalog({zone("example", "www A 192.0.2.1\n")}).with(TsigKeys(std::move(keys), policy));
}

inline std::uint16_t error_of(const Bytes& response) {
    const auto record = tsig_of(response);
    return record ? record->error : std::uint16_t{0xffff};
}

// An answer that says why, and bears no MAC (RFC 8945 §5.3.2).
inline void check_unsigned_error(const Bytes& response, TsigError error) {
    CHECK(rcode_of(response) == 9);
    CHECK(load32(&response[6]) == 0);
    const auto record = tsig_of(response);
    REQUIRE(record.has_value());
    CHECK(record->error == static_cast<std::uint16_t>(error));
    CHECK(record->mac.empty());
    CHECK(record->other.empty());
    CHECK(record->original_id == load16(response.data()));
}

inline Outcome outcome_of(const Catalog& zones, const Bytes& request) {
    Bytes out(message_size_max);
    Outcome outcome;
    CHECK(respond(zones, request, peer(in_time), Turn{0, signed_now}, out, &outcome) > 0);
    return outcome;
}

inline Refusal refusal_of(const Catalog& zones, const Bytes& request) {
    return outcome_of(zones, request).refusal;
}

}  // namespace zones::testing
