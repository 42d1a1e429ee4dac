#include "zones/tsig_hmac.h"

#include <cstring>
#include <type_traits>

// The low-level hashes are plain structs; OpenSSL 3 calls them deprecated in favour of EVP, whose
// contexts are allocated.
#define OPENSSL_API_COMPAT 0x10100000L
#include <openssl/crypto.h>
#include <openssl/md5.h>
#include <openssl/sha.h>

namespace zones {

namespace {

// One hash of libcrypto. SHA-224 and SHA-384 have the contexts of their longer siblings.
template <class Context, auto init, auto update, auto final, std::size_t digest, std::size_t block>
struct Hash {
    static_assert(std::is_trivially_copyable_v<Context> && sizeof(Context) <= sizeof(HashState) &&
                  alignof(Context) <= alignof(HashState) && digest <= mac_size_max);
    static constexpr std::size_t digest_size = digest, block_size = block;

    static HashState begin() {
        Context context{};
        init(&context);
        HashState state{};
        std::memcpy(state.bytes.data(), &context, sizeof context);
        return state;
    }
    static void add(HashState& state, std::span<const std::byte> bytes) {
        Context context;
        std::memcpy(&context, state.bytes.data(), sizeof context);
        update(&context, bytes.data(), bytes.size());
        std::memcpy(state.bytes.data(), &context, sizeof context);
    }
    static void finish(const HashState& state, std::byte* out) {
        Context context;
        std::memcpy(&context, state.bytes.data(), sizeof context);
        final(reinterpret_cast<unsigned char*>(out), &context);
    }
};

using Md5 = Hash<MD5_CTX, MD5_Init, MD5_Update, MD5_Final, 16, 64>;
using Sha1 = Hash<SHA_CTX, SHA1_Init, SHA1_Update, SHA1_Final, 20, 64>;
using Sha224 = Hash<SHA256_CTX, SHA224_Init, SHA224_Update, SHA224_Final, 28, 64>;
using Sha256 = Hash<SHA256_CTX, SHA256_Init, SHA256_Update, SHA256_Final, 32, 64>;
using Sha384 = Hash<SHA512_CTX, SHA384_Init, SHA384_Update, SHA384_Final, 48, 128>;
using Sha512 = Hash<SHA512_CTX, SHA512_Init, SHA512_Update, SHA512_Final, 64, 128>;

// use(Hash) of the algorithm.
template <class Use>
auto with_hash(TsigAlgorithm algorithm, Use use) {
    switch (algorithm) {
        case TsigAlgorithm::hmac_md5:
            return use(Md5{});
        case TsigAlgorithm::hmac_sha1:
            return use(Sha1{});
        case TsigAlgorithm::hmac_sha224:
            return use(Sha224{});
        case TsigAlgorithm::hmac_sha256:
            return use(Sha256{});
        case TsigAlgorithm::hmac_sha384:
            return use(Sha384{});
        case TsigAlgorithm::hmac_sha512:
            break;
    }
    return use(Sha512{});
}

struct Spelling {
    std::string_view text, wire;  // the wire without the root label, which a literal has for free
};
constexpr std::array<Spelling, tsig_algorithms> spellings{{
    {"hmac-md5", "\10hmac-md5\7sig-alg\3reg\3int"},
    {"hmac-sha1", "\11hmac-sha1"},
    {"hmac-sha224", "\13hmac-sha224"},
    {"hmac-sha256", "\13hmac-sha256"},
    {"hmac-sha384", "\13hmac-sha384"},
    {"hmac-sha512", "\13hmac-sha512"},
}};

}  // namespace

std::size_t mac_size(TsigAlgorithm algorithm) noexcept {
    return with_hash(algorithm, [](auto hash) { return hash.digest_size; });
}

std::string_view text(TsigAlgorithm algorithm) noexcept {
    return spellings[static_cast<std::size_t>(algorithm)].text;
}

std::span<const std::byte> wire_name(TsigAlgorithm algorithm) noexcept {
    const std::string_view wire = spellings[static_cast<std::size_t>(algorithm)].wire;
    return std::as_bytes(std::span(wire.data(), wire.size() + 1));
}

HmacKey::HmacKey(TsigAlgorithm algorithm, std::span<const std::byte> secret) noexcept
    : algorithm_(algorithm) {
    with_hash(algorithm, [&](auto hash) {
        constexpr std::size_t block_size = decltype(hash)::block_size;
        std::array<std::byte, block_size> block{};
        if (secret.size() > block_size) {  // RFC 2104 §2: a long key is hashed first
            HashState state = hash.begin();
            hash.add(state, secret);
            hash.finish(state, block.data());
        } else if (!secret.empty()) {
            std::memcpy(block.data(), secret.data(), secret.size());
        }
        for (std::byte& byte : block) byte ^= std::byte{0x36};
        inner_ = hash.begin();
        hash.add(inner_, block);
        for (std::byte& byte : block) byte ^= std::byte{0x36 ^ 0x5c};
        outer_ = hash.begin();
        hash.add(outer_, block);
        OPENSSL_cleanse(block.data(), block.size());
    });
}

void Hmac::add(std::span<const std::byte> bytes) noexcept {
    with_hash(key_.algorithm_, [&](auto hash) { hash.add(state_, bytes); });
}

std::array<std::byte, mac_size_max> Hmac::finish() noexcept {
    std::array<std::byte, mac_size_max> mac{};
    with_hash(key_.algorithm_, [&](auto hash) {
        hash.finish(state_, mac.data());
        HashState outer = key_.outer_;
        hash.add(outer, std::span(mac).first(hash.digest_size));
        hash.finish(outer, mac.data());
    });
    return mac;
}

bool equal_macs(std::span<const std::byte> one, std::span<const std::byte> other) noexcept {
    return one.size() == other.size() && CRYPTO_memcmp(one.data(), other.data(), one.size()) == 0;
}

}  // namespace zones
