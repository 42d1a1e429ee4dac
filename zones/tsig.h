#pragma once
// Transaction signatures (RFC 8945): keys, what a request's signature is worth, and the signing of
// responses. On the query path nothing here allocates; what is off it says so.

#include "zones/name.h"
#include "zones/path.h"
#include "zones/tsig_hmac.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

namespace zones {

struct TsigKey {
    Name name;
    TsigAlgorithm algorithm = TsigAlgorithm::hmac_sha256;
    std::vector<std::byte> secret;
    friend bool operator==(const TsigKey&, const TsigKey&) = default;
};

struct TsigPolicy {
    std::uint16_t fudge_seconds = 300;  // told in what we sign; of requests theirs counts
    // MACs of requests that are cut, but to no fewer bytes than this, are accepted; never ones that
    // RFC 8945 §5.2.2.1 forbids. 0: whole ones alone, as BIND has it.
    std::size_t mac_size_min = 0;
};

// Field ERROR of a TSIG record (RFC 8945 §3), and what else may be wrong with a signature.
enum class TsigError : std::uint16_t {
    none = 0,
    bad_sig = 16,
    bad_key = 17,
    bad_time = 18,
    bad_trunc = 22,
    // Not on the wire:
    malformed = 0xff00,  // a MAC of a size that RFC 8945 §5.2.2.1 forbids; a message that is none
    missing,             // there is no signature
    // An answer in which the other side says so of our request. Without a signature, which these
    // have by nature, anybody may have said it.
    peer_bad_sig,
    peer_bad_key,
    peer_bad_time,  // this one is signed (RFC 8945 §5.2.3)
    peer_bad_trunc,
};
// For people: "the key is not known".
std::string_view text(TsigError error) noexcept;

// Immutable; shared by the catalogs and the transfers that use it.
class TsigKeys {
public:
    static constexpr std::size_t keys_max = 1024;

    TsigKeys() = default;
    // At most keys_max, each name once.
    explicit TsigKeys(std::vector<TsigKey> keys, TsigPolicy policy = {});

    const TsigKey* find(const Name& name) const;
    std::size_t size() const { return held_.size(); }
    const TsigPolicy& policy() const { return policy_; }

    // A key, ready for use.
    struct Held {
        Hash hash;
        TsigKey key;
        HmacKey hmac;
    };
    // `name` is a whole uncompressed name, in any case.
    const Held* find(std::span<const std::byte> name) const noexcept;

private:
    std::vector<Held> held_;  // by hash
    TsigPolicy policy_;
};

// What one signed request asks of the responses to it. Refers to the keys; and to the request when
// that was signed by none of them.
class TsigSigner {
public:
    // Judges the TSIG record at `tsig_at`, which read_query() found, in the order of RFC 8945 §5.2:
    // key, MAC, time, truncation. `now` is Unix time.
    TsigSigner(const TsigKeys& keys, std::span<const std::byte> request, std::size_t tsig_at,
               std::uint64_t now_seconds) noexcept;

    TsigError error() const { return error_; }
    // By whom the request is signed, validly; null when it is not.
    const Name* signer() const { return error_ == TsigError::none ? &held_->key.name : nullptr; }
    // No response to this request has a TSIG record: the one it came with cannot be read.
    bool silent() const { return error_ == TsigError::malformed; }

    // Bytes of the record that seal() adds.
    std::size_t size() const noexcept;
    // Ends the message of `size` bytes at the front of `out` with its TSIG record, and returns the
    // new size. Of several messages the first is signed with the request's MAC, each other with the
    // one before (RFC 8945 §5.3.1). `out` has room for size().
    std::size_t seal(std::span<std::byte> out, std::size_t size,
                     std::uint64_t now_seconds) noexcept;

private:
    TsigError judge(const TsigKeys& keys, std::span<const std::byte> request, std::size_t tsig_at,
                    std::uint64_t now_seconds) noexcept;
    bool signs() const { return error_ != TsigError::bad_key && error_ != TsigError::bad_sig; }
    std::span<const std::byte> owner() const noexcept;
    std::span<const std::byte> algorithm() const noexcept;

    const TsigKeys::Held* held_ = nullptr;
    TsigError error_ = TsigError::none;
    std::uint16_t fudge_ = 0;
    std::uint64_t time_ = 0;  // of the request
    bool first_ = true;
    std::uint8_t mac_size_ = 0;
    std::array<std::byte, mac_size_max> mac_;  // of the request, then of the last message
    // Of a request that no key of ours signed, for the record that says so.
    std::uint8_t owner_size_ = 0;
    std::span<const std::byte> their_algorithm_;
    std::array<std::byte, name_size_max> owner_;
};

// Off the query path: for NOTIFY, for questions to other servers and for tests. They allocate.

// `message` with a TSIG record behind it. Its MAC, which the answer is signed with, goes to
// `mac_out` if that is not null.
std::vector<std::byte> tsig_sign(std::span<const std::byte> message, const TsigKey& key,
                                 std::uint64_t now_seconds,
                                 std::vector<std::byte>* mac_out = nullptr);
// Is `answer` signed by `key`, as the answer to the request whose MAC was `request_mac`, and at
// this time (RFC 8945 §5.4)? To an unsigned answer TsigError::missing.
tl::expected<void, TsigError> tsig_verify_answer(std::span<const std::byte> answer,
                                                 const TsigKey& key,
                                                 std::span<const std::byte> request_mac,
                                                 std::uint64_t now_seconds);

}  // namespace zones
