#pragma once
// The packet of docs/PROTOCOL.md, "Bytes", written down a second time from the page, by libsodium
// alone: what seal.cc makes must open here, and what no honest peer would send is made here.

#include "tests/heartbeat/world.h"

#include <array>
#include <string>
#include <vector>

#include <sodium.h>

namespace heartbeat::test {

class Forge {
public:
    // With all the secrets of `self`.
    Forge(const SecretKeys& self, const PublicKeys& peer) : peer_(peer) {
        const std::string line = self.text();
        const std::size_t begin = line.find(':', line.find(':') + 1) + 1;
        std::array<unsigned char, 64> secrets{};
        std::size_t size = 0;
        const int decoded = sodium_base642bin(secrets.data(), secrets.size(), line.data() + begin,
                                              line.find(':', begin) - begin, nullptr, &size,
                                              nullptr, sodium_base64_VARIANT_ORIGINAL);
        if (decoded != 0 || size != secrets.size()) throw std::logic_error("not a key line");
        crypto_sign_seed_keypair(own_signing_.data(), signing_.data(), secrets.data());
        std::array<unsigned char, 32> own_sealing{};
        crypto_scalarmult_base(own_sealing.data(), secrets.data() + 32);

        std::array<unsigned char, 32> shared{};
        if (crypto_box_beforenm(shared.data(), peer.sealing.data(), secrets.data() + 32) != 0)
            throw std::logic_error("not a key");
        const bool first = std::memcmp(own_sealing.data(), peer.sealing.data(), 32) < 0;
        crypto_kdf_derive_from_key(out_.data(), 32, first ? 1 : 2, "arb-pair", shared.data());
        crypto_kdf_derive_from_key(in_.data(), 32, first ? 2 : 1, "arb-pair", shared.data());

        std::array<unsigned char, 32> hash{};
        crypto_generichash_state state;
        crypto_generichash_init(&state, nullptr, 0, hash.size());
        crypto_generichash_update(&state, own_signing_.data(), 32);
        crypto_generichash_update(&state, own_sealing.data(), 32);
        crypto_generichash_update(&state, peer.signing.data(), 32);
        crypto_generichash_update(&state, peer.sealing.data(), 32);
        crypto_generichash_final(&state, hash.data(), hash.size());
        std::memcpy(key_id_.data(), hash.data(), 4);
    }

    // `body` as it is, sealed; signed too, unless `signature_good` is false.
    std::vector<std::byte> seal(MessageType type, std::vector<std::byte> body, const Nonce& nonce,
                                bool signature_good = true) const {
        std::vector<unsigned char> header{0xA7, 'B', 1, static_cast<unsigned char>(type)};
        header.insert(header.end(), key_id_.begin(), key_id_.end());
        header.insert(header.end(), nonce.begin(), nonce.end());
        std::vector<unsigned char> plain = bytes_of(body);
        std::vector<unsigned char> said = signed_part(header, plain);
        std::array<unsigned char, 64> signature{};
        crypto_sign_detached(signature.data(), nullptr, said.data(), said.size(), signing_.data());
        if (!signature_good) signature[10] ^= 1;
        plain.insert(plain.end(), signature.begin(), signature.end());
        std::vector<unsigned char> out = header;
        out.resize(header.size() + plain.size() + 16);
        crypto_aead_xchacha20poly1305_ietf_encrypt(out.data() + 32, nullptr, plain.data(),
                                                   plain.size(), header.data(), header.size(),
                                                   nullptr, nonce.data(), out_.data());
        std::vector<std::byte> datagram(out.size());
        std::memcpy(datagram.data(), out.data(), out.size());
        return datagram;
    }

    // The body of what the peer sealed; empty when it does not open or is not signed.
    std::vector<std::byte> open(const std::vector<std::byte>& datagram) const {
        const std::vector<unsigned char> all = bytes_of(datagram);
        std::vector<unsigned char> plain(all.size() - 32 - 16);
        if (crypto_aead_xchacha20poly1305_ietf_decrypt(plain.data(), nullptr, nullptr,
                                                       all.data() + 32, all.size() - 32, all.data(),
                                                       32, all.data() + 8, in_.data()) != 0)
            return {};
        const std::vector<unsigned char> signature(plain.end() - 64, plain.end());
        plain.resize(plain.size() - 64);
        const auto said = signed_part({all.begin(), all.begin() + 32}, plain);
        if (crypto_sign_verify_detached(signature.data(), said.data(), said.size(),
                                        peer_.signing.data()) != 0)
            return {};
        std::vector<std::byte> body(plain.size());
        std::memcpy(body.data(), plain.data(), plain.size());
        return body;
    }

    // A letter as the body has it, with `zeros` of padding.
    static std::vector<std::byte> body_of(const Letter& letter, std::size_t zeros) {
        std::vector<std::byte> bytes = encode(letter);
        const std::size_t size = bytes.size();
        bytes.insert(bytes.begin(),
                     {static_cast<std::byte>(size >> 8), static_cast<std::byte>(size)});
        bytes.resize(bytes.size() + zeros);
        return bytes;
    }

private:
    static std::vector<unsigned char> bytes_of(const std::vector<std::byte>& bytes) {
        std::vector<unsigned char> copy(bytes.size());
        std::memcpy(copy.data(), bytes.data(), bytes.size());
        return copy;
    }
    static std::vector<unsigned char> signed_part(const std::vector<unsigned char>& header,
                                                  const std::vector<unsigned char>& body) {
        const std::string context = "arbiter-heartbeat-v1";
        std::vector<unsigned char> said(context.begin(), context.end());
        said.insert(said.end(), header.begin(), header.end());
        said.insert(said.end(), body.begin(), body.end());
        return said;
    }

    PublicKeys peer_;
    std::array<unsigned char, 32> own_signing_{};
    std::array<unsigned char, 64> signing_{};
    std::array<unsigned char, 32> out_{};
    std::array<unsigned char, 32> in_{};
    KeyId key_id_{};
};

}  // namespace heartbeat::test
