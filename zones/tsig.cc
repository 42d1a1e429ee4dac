#include "zones/tsig.h"

#include "zones/node.h"
#include "zones/tsig_record.h"
#include "zones/wire.h"

#include <algorithm>
#include <cassert>

namespace zones {

namespace {

// RFC 8945 §4.3.3: names count in canonical form (RFC 4034 §6.2).
void add_name(Hmac& hmac, std::span<const std::byte> name) {
    std::array<std::byte, name_size_max> lowered;
    std::transform(name.begin(), name.end(), lowered.begin(), [](std::byte byte) {
        return static_cast<std::byte>(lower1(std::to_integer<std::uint8_t>(byte)));
    });
    hmac.add(std::span(lowered).first(name.size()));
}

void add16(Hmac& hmac, std::size_t value) {
    std::array<std::byte, 2> bytes;
    store16(bytes.data(), static_cast<std::uint16_t>(value));
    hmac.add(bytes);
}

// RFC 8945 §4.3.1: the MAC of the message before, behind its size.
void add_mac(Hmac& hmac, std::span<const std::byte> mac) {
    add16(hmac, mac.size());
    hmac.add(mac);
}

// RFC 8945 §4.3.2: the message as it was before its TSIG record, with the id that it began with.
void add_message(Hmac& hmac, std::span<const std::byte> message, std::uint16_t id,
                 std::uint16_t additionals) {
    std::array<std::byte, header_size> header;
    std::copy_n(message.begin(), header_size, header.begin());
    store16(header.data(), id);
    store16(header.data() + 10, additionals);
    hmac.add(header);
    hmac.add(message.subspan(header_size));
}

void add_timers(Hmac& hmac, const TsigRecord& record) {
    std::array<std::byte, 8> timers;
    store48(timers.data(), record.time_seconds);
    store16(timers.data() + 6, record.fudge_seconds);
    hmac.add(timers);
}

// RFC 8945 §4.3.3, for all messages but the later ones of several.
void add_variables(Hmac& hmac, std::span<const std::byte> owner, const TsigRecord& record) {
    add_name(hmac, owner);
    add16(hmac, static_cast<std::uint16_t>(Class::any));
    add16(hmac, 0);  // the TTL
    add16(hmac, 0);
    add_name(hmac, record.algorithm);
    add_timers(hmac, record);
    add16(hmac, record.error);
    add16(hmac, record.other.size());
    hmac.add(record.other);
}

// What is before its TSIG record, of a request or of the answer to one whose MAC is `prior`.
std::array<std::byte, mac_size_max> mac_of(const HmacKey& key, std::span<const std::byte> message,
                                           std::size_t tsig_at, std::span<const std::byte> owner,
                                           const TsigRecord& record,
                                           std::span<const std::byte> prior) {
    Hmac hmac(key);
    if (!prior.empty()) add_mac(hmac, prior);
    add_message(hmac, message.first(tsig_at), record.original_id,
                static_cast<std::uint16_t>(load16(message.data() + 10) - 1));
    add_variables(hmac, owner, record);
    return hmac.finish();
}

bool is_algorithm(std::span<const std::byte> name, TsigAlgorithm algorithm) {
    const auto ours = wire_name(algorithm);
    return ours.size() == name.size() && equal_names(ours.data(), name.data(), name.size());
}

// RFC 8945 §5.2.2.1.
bool may_be_mac(std::size_t size, TsigAlgorithm algorithm) {
    const std::size_t whole = mac_size(algorithm);
    return size <= whole && size >= std::max<std::size_t>(10, (whole + 1) / 2);
}

bool in_time(const TsigRecord& record, std::uint64_t now_seconds) {
    const std::uint64_t time = record.time_seconds;
    return (now_seconds > time ? now_seconds - time : time - now_seconds) <= record.fudge_seconds;
}

constexpr std::size_t time_size = 6;

}  // namespace

std::string_view text(TsigError error) noexcept {
    switch (error) {
        case TsigError::none:
            return "no error";
        case TsigError::bad_sig:
            return "the signature is wrong";
        case TsigError::bad_key:
            return "the key is not known";
        case TsigError::bad_time:
            return "the time is too far from ours";
        case TsigError::bad_trunc:
            return "the signature is cut too short";
        case TsigError::malformed:
            return "the signature is malformed";
        case TsigError::missing:
            return "there is no signature";
        case TsigError::peer_bad_sig:
            return "the other side finds our signature wrong (BADSIG)";
        case TsigError::peer_bad_key:
            return "the other side does not know our key (BADKEY)";
        case TsigError::peer_bad_time:
            return "the other side's clock is too far from ours (BADTIME)";
        case TsigError::peer_bad_trunc:
            return "the other side finds our signature cut too short (BADTRUNC)";
    }
    return "an error of another kind";
}

TsigKeys::TsigKeys(std::vector<TsigKey> keys, TsigPolicy policy) : policy_(policy) {
    assert(keys.size() <= keys_max);
    held_.reserve(keys.size());
    for (TsigKey& key : keys) {
        const HmacKey hmac(key.algorithm, key.secret);
        const Hash hash = hash_name(key.name.wire());
        assert(find(key.name) == nullptr);
        const auto at = std::lower_bound(held_.begin(), held_.end(), hash,
                                         [](const Held& held, Hash h) { return held.hash < h; });
        held_.insert(at, Held{hash, std::move(key), hmac});
    }
}

const TsigKeys::Held* TsigKeys::find(std::span<const std::byte> name) const noexcept {
    const Hash hash = hash_name(name);
    auto at = std::lower_bound(held_.begin(), held_.end(), hash,
                               [](const Held& held, Hash h) { return held.hash < h; });
    for (; at != held_.end() && at->hash == hash; ++at) {
        const auto own = at->key.name.wire();
        if (own.size() == name.size() && equal_names(own.data(), name.data(), name.size()))
            return &*at;
    }
    return nullptr;
}

const TsigKey* TsigKeys::find(const Name& name) const {
    const Held* held = find(name.wire());
    return held == nullptr ? nullptr : &held->key;
}

TsigSigner::TsigSigner(const TsigKeys& keys, std::span<const std::byte> request,
                       std::size_t tsig_at, std::uint64_t now_seconds) noexcept {
    error_ = judge(keys, request, tsig_at, now_seconds);
}

// CVE-2017-11104, CVE-2017-3142, CVE-2017-3143: nothing is judged, or signed, before the MAC.
TsigError TsigSigner::judge(const TsigKeys& keys, std::span<const std::byte> request,
                            std::size_t tsig_at, std::uint64_t now_seconds) noexcept {
    const auto record = read_tsig(request, tsig_at);
    std::size_t behind = tsig_at;
    const std::size_t size = record ? expand_name(request, behind, owner_) : 0;
    if (size == 0) return TsigError::malformed;
    owner_size_ = static_cast<std::uint8_t>(size);
    their_algorithm_ = record->algorithm;
    fudge_ = keys.policy().fudge_seconds;

    held_ = keys.find(owner());
    if (held_ == nullptr || !is_algorithm(record->algorithm, held_->key.algorithm)) {
        held_ = nullptr;
        return TsigError::bad_key;
    }
    if (!may_be_mac(record->mac.size(), held_->key.algorithm)) return TsigError::malformed;
    const auto mac = mac_of(held_->hmac, request, tsig_at, owner(), *record, {});
    if (!equal_macs(std::span(mac).first(record->mac.size()), record->mac))
        return TsigError::bad_sig;
    mac_size_ = static_cast<std::uint8_t>(record->mac.size());
    std::copy(record->mac.begin(), record->mac.end(), mac_.begin());
    if (!in_time(*record, now_seconds)) {
        time_ = record->time_seconds;
        fudge_ = record->fudge_seconds;
        return TsigError::bad_time;
    }
    const std::size_t whole = mac_size(held_->key.algorithm);
    const std::size_t least = keys.policy().mac_size_min;
    if (mac_size_ < (least == 0 ? whole : std::min(least, whole))) return TsigError::bad_trunc;
    return TsigError::none;
}

std::span<const std::byte> TsigSigner::owner() const noexcept {
    return held_ != nullptr ? held_->key.name.wire() : std::span(owner_).first(owner_size_);
}

std::span<const std::byte> TsigSigner::algorithm() const noexcept {
    return held_ != nullptr ? wire_name(held_->key.algorithm) : their_algorithm_;
}

std::size_t TsigSigner::size() const noexcept {
    if (silent()) return 0;
    TsigRecord record;
    record.algorithm = algorithm();
    std::size_t size = tsig_size(owner(), record);
    if (signs()) size += mac_size(held_->key.algorithm);
    if (error_ == TsigError::bad_time) size += time_size;
    return size;
}

std::size_t TsigSigner::seal(std::span<std::byte> out, std::size_t size,
                             std::uint64_t now_seconds) noexcept {
    if (silent()) return size;
    std::array<std::byte, time_size> now;
    store48(now.data(), now_seconds);
    TsigRecord record;
    record.algorithm = algorithm();
    record.time_seconds = now_seconds;
    record.fudge_seconds = fudge_;
    record.original_id = load16(out.data());
    record.error = static_cast<std::uint16_t>(error_);
    if (error_ == TsigError::bad_time) {
        // RFC 8945 §5.2.3: by their clock, so that they do not find our answer out of time.
        record.time_seconds = time_;
        record.other = now;
    }
    const std::uint16_t additionals = load16(out.data() + 10);
    if (signs()) {
        Hmac hmac(held_->hmac);
        add_mac(hmac, std::span(mac_).first(mac_size_));
        add_message(hmac, out.first(size), record.original_id, additionals);
        if (first_)
            add_variables(hmac, owner(), record);
        else
            add_timers(hmac, record);  // RFC 8945 §5.3.1
        mac_ = hmac.finish();
        mac_size_ = static_cast<std::uint8_t>(mac_size(held_->key.algorithm));
        record.mac = std::span(mac_).first(mac_size_);
        first_ = false;
    }
    write_tsig(out.subspan(size), owner(), record);
    store16(out.data() + 10, static_cast<std::uint16_t>(additionals + 1));
    return size + tsig_size(owner(), record);
}

std::vector<std::byte> tsig_sign(std::span<const std::byte> message, const TsigKey& key,
                                 std::uint64_t now_seconds, std::vector<std::byte>* mac_out) {
    assert(message.size() >= header_size);
    TsigRecord record;
    record.algorithm = wire_name(key.algorithm);
    record.time_seconds = now_seconds;
    record.fudge_seconds = TsigPolicy{}.fudge_seconds;
    record.original_id = load16(message.data());
    const std::uint16_t additionals = load16(message.data() + 10);
    const HmacKey ready(key.algorithm, key.secret);
    Hmac hmac(ready);
    add_message(hmac, message, record.original_id, additionals);
    add_variables(hmac, key.name.wire(), record);
    const auto mac = hmac.finish();
    record.mac = std::span(mac).first(mac_size(key.algorithm));
    if (mac_out != nullptr) mac_out->assign(record.mac.begin(), record.mac.end());

    std::vector<std::byte> result(message.begin(), message.end());
    result.resize(message.size() + tsig_size(key.name.wire(), record));
    write_tsig(std::span(result).subspan(message.size()), key.name.wire(), record);
    store16(result.data() + 10, static_cast<std::uint16_t>(additionals + 1));
    return result;
}

tl::expected<void, TsigError> tsig_verify_answer(std::span<const std::byte> answer,
                                                 const TsigKey& key,
                                                 std::span<const std::byte> request_mac,
                                                 std::uint64_t now_seconds) {
    const auto refuse = [](TsigError error) { return tl::unexpected(error); };
    const std::size_t at = last_record(answer);
    if (at == 0) return refuse(TsigError::malformed);
    const std::size_t head = at == answer.size() ? 0 : skip_name(answer, at);
    if (head == 0 || static_cast<Type>(load16(answer.data() + head)) != Type::tsig)
        return refuse(TsigError::missing);
    const auto record = read_tsig(answer, at);
    std::array<std::byte, name_size_max> owner;
    std::size_t behind = at;
    const std::size_t size = record ? expand_name(answer, behind, owner) : 0;
    if (size == 0) return refuse(TsigError::malformed);
    // RFC 8945 §5.3.2: these two are not signed.
    const bool refused =
        (load16(answer.data() + 2) & 0xf) == static_cast<std::uint16_t>(Rcode::notauth);
    if (refused && record->mac.empty()) {
        if (record->error == static_cast<std::uint16_t>(TsigError::bad_key))
            return refuse(TsigError::peer_bad_key);
        if (record->error == static_cast<std::uint16_t>(TsigError::bad_sig))
            return refuse(TsigError::peer_bad_sig);
    }
    const auto name = std::span(owner).first(size);
    const auto ours = key.name.wire();
    if (ours.size() != size || !equal_names(ours.data(), name.data(), size) ||
        !is_algorithm(record->algorithm, key.algorithm))
        return refuse(TsigError::bad_key);
    if (!may_be_mac(record->mac.size(), key.algorithm)) return refuse(TsigError::malformed);
    const auto mac =
        mac_of(HmacKey(key.algorithm, key.secret), answer, at, name, *record, request_mac);
    if (!equal_macs(std::span(mac).first(record->mac.size()), record->mac))
        return refuse(TsigError::bad_sig);
    if (!in_time(*record, now_seconds)) return refuse(TsigError::bad_time);
    if (record->mac.size() < mac_size(key.algorithm)) return refuse(TsigError::bad_trunc);
    if (record->error == static_cast<std::uint16_t>(TsigError::bad_time))
        return refuse(TsigError::peer_bad_time);
    if (record->error == static_cast<std::uint16_t>(TsigError::bad_trunc))
        return refuse(TsigError::peer_bad_trunc);
    return {};
}

}  // namespace zones
