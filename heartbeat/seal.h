#pragma once
// Keys, and letters turned into sealed datagrams and back (docs/PROTOCOL.md, "Bytes"). All of
// libsodium is behind this header. Pure: seeds and nonces are handed in.
//
//   magic 2 · version 1 · type 1 · key id 4 · nonce 24 | XChaCha20-Poly1305-IETF( body ‖ signature
//   )
//
// body = length of the letter 2 · letter · zeros. The header is associated data; the Ed25519
// signature covers "arbiter-heartbeat-v1" ‖ header ‖ body.

#include "heartbeat/identity.h"
#include "heartbeat/message.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

namespace heartbeat {

constexpr std::size_t header_size = 32;
constexpr std::size_t tag_size = 16;
constexpr std::size_t signature_size = 64;
constexpr std::size_t length_size = 2;
constexpr std::size_t seal_overhead = header_size + tag_size + signature_size + length_size;
constexpr std::size_t letter_size_max = datagram_max - seal_overhead;

// Requests have one size each on the wire, and no answer to them is larger, so nobody gains by
// having one sent under a false address: a HEARTBEAT fills a datagram, a HELLO is as large as the
// largest CHALLENGE. Nothing is ever dropped from a reply to make it fit: the bounds of its lists
// (message.h) are such that the largest one does.
constexpr std::size_t hello_size = 320;
constexpr std::size_t heartbeat_size = datagram_max;

using Nonce = std::array<std::uint8_t, 24>;  // from a random source, never used twice
using KeyId = std::array<std::uint8_t, 4>;
using Seed = std::array<std::uint8_t, 32>;

// Why a datagram was not believed. Each is silent on the wire and counted.
enum class Rejection : std::uint8_t {
    too_short,
    too_long,
    bad_magic,
    bad_version,
    bad_type,
    unknown_key,
    wrong_address,   // a known key, from an address that is not its server's
    nonce_seen,      // a replay
    bad_seal,        // forged or damaged
    malformed,       // sealed by the peer, and yet not a letter
    wrong_receiver,  // another cluster, receiver or sender than the key's
    wrong_boot,      // for another boot of the arbiter: answered by a challenge
    old_counter,     // a replay, or overtaken on the way
    cloned,          // two machines speak under one name
    bad_cookie,      // a new boot without a good cookie: answered by a challenge
    not_expected,    // a reply to nothing that this boot of the agent asked
    flood,           // more than a peer ever has to say
    bad_signature,
};
constexpr std::size_t rejection_count = 18;
std::string_view name_of(Rejection);

struct PublicKeys {
    ServerId name;
    std::array<std::uint8_t, 32> signing;  // Ed25519
    std::array<std::uint8_t, 32> sealing;  // X25519

    // "arb-public-1:NAME:BASE64:CHECKSUM"; blanks and a newline around it are let pass. The error
    // is a clause: "its checksum does not match: a character was changed or lost".
    static tl::expected<PublicKeys, std::string> parse(std::string_view line);
    std::string text() const;  // without newline
    friend bool operator==(const PublicKeys&, const PublicKeys&) = default;
};

// The secret half of both pairs. Copies share one locked piece of memory, wiped with the last.
class SecretKeys {
public:
    // Different seeds, different keys; a seed must come from a random source and be wiped.
    static SecretKeys make(const ServerId& name, const Seed& seed);
    // "arb-secret-1:NAME:BASE64:CHECKSUM"
    static tl::expected<SecretKeys, std::string> parse(std::string_view line);

    const ServerId& name() const;
    const PublicKeys& public_keys() const;
    std::string text() const;  // the caller wipes it

private:
    friend class Pair;
    struct Material;
    explicit SecretKeys(std::shared_ptr<const Material> material);
    std::shared_ptr<const Material> material_;
};

// Overwrites bytes in a way that no compiler takes out.
void wipe(std::string& text);
void wipe(std::span<std::uint8_t> bytes);

// The readable part of a datagram.
struct Header {
    MessageType type;
    KeyId key;
    Nonce nonce;
};
// Length, magic, version and type, in this order: all that costs nothing.
tl::expected<Header, Rejection> read_header(std::span<const std::byte> datagram);

// A datagram that its peer's key opened; its signature is still to be checked.
class Unsealed {
public:
    MessageType type() const { return type_; }
    std::span<const std::byte> letter() const;

private:
    friend class Pair;
    MessageType type_{};
    std::size_t letter_size_ = 0;
    std::vector<std::byte> signed_;  // context ‖ header ‖ body ‖ signature, in one piece
};

// What two machines share: one key a direction, so that a reflected datagram never opens.
class Pair {
public:
    // Throws std::invalid_argument when both are the same machine's.
    Pair(const SecretKeys& self, const PublicKeys& peer);

    const KeyId& sends_as() const { return sends_as_; }  // in the header of what we send
    const KeyId& hears_as() const { return hears_as_; }  // in the header of what the peer sends

    // The size of the datagram is at least pad_to, and at most datagram_max.
    std::vector<std::byte> seal(const Letter&, const Nonce&, std::size_t pad_to = 0) const;
    // AEAD only: cheap, and refuses all that was not sealed by the peer. Needs a good header.
    tl::expected<Unsealed, Rejection> unseal(std::span<const std::byte> datagram) const;
    // Ed25519: 150 times as dear.
    bool verify(const Unsealed&) const;

private:
    struct Material;
    std::shared_ptr<const Material> material_;
    KeyId sends_as_{};
    KeyId hears_as_{};
};

// Cookies that need no memory: keyed BLAKE2b.
class CookieKey {
public:
    explicit CookieKey(const Seed& secret) : secret_(secret) {}
    CookieKey(const CookieKey&) = default;
    CookieKey& operator=(const CookieKey&) = default;
    ~CookieKey() { wipe(secret_); }
    Cookie make(std::span<const std::uint8_t> about) const;

private:
    Seed secret_;
};
bool equal_in_constant_time(const Cookie&, const Cookie&);

}  // namespace heartbeat
