#include "heartbeat/seal.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <new>
#include <optional>
#include <stdexcept>

#include <sodium.h>

namespace heartbeat {

namespace {

static_assert(std::tuple_size_v<Nonce> == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES);
static_assert(tag_size == crypto_aead_xchacha20poly1305_ietf_ABYTES);
static_assert(signature_size == crypto_sign_BYTES);
static_assert(crypto_box_BEFORENMBYTES == crypto_kdf_KEYBYTES);
static_assert(std::tuple_size_v<Seed> == crypto_kdf_KEYBYTES);

constexpr std::array<std::byte, 2> magic{std::byte{0xA7}, std::byte{'B'}};
constexpr std::byte version{1};
constexpr std::string_view signature_context = "arbiter-heartbeat-v1";
constexpr char kdf_context[crypto_kdf_CONTEXTBYTES + 1] = "arb-pair";
constexpr char seed_context[crypto_kdf_CONTEXTBYTES + 1] = "arb-keys";
constexpr std::string_view public_kind = "arb-public-1";
constexpr std::string_view secret_kind = "arb-secret-1";
constexpr std::size_t checksum_size = 4;

// Chooses the implementation for this processor; every other call needs it.
void start_sodium() {
    static const int result = sodium_init();
    if (result < 0) throw std::runtime_error("libsodium can not start on this machine");
}

const unsigned char* raw(const std::byte* bytes) {
    return reinterpret_cast<const unsigned char*>(bytes);
}
unsigned char* raw(std::byte* bytes) {
    return reinterpret_cast<unsigned char*>(bytes);
}

// A T in memory of libsodium's: between guard pages, never swapped or dumped, wiped when freed.
template <typename T>
std::shared_ptr<T> make_locked(auto&&... arguments) {
    start_sodium();
    void* memory = sodium_malloc(sizeof(T));
    if (memory == nullptr) throw std::bad_alloc();
    T* object = new (memory) T(std::forward<decltype(arguments)>(arguments)...);
    return std::shared_ptr<T>(object, [](T* gone) {
        gone->~T();
        sodium_free(gone);
    });
}

// ---- Text of keys ------------------------------------------------------------------------------

constexpr int base64_kind = sodium_base64_VARIANT_ORIGINAL;

std::string base64(std::span<const std::uint8_t> bytes) {
    std::string text(sodium_base64_encoded_len(bytes.size(), base64_kind), '\0');
    sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(), base64_kind);
    text.pop_back();  // the terminating zero is ours already
    return text;
}

std::string checksum(std::string_view text) {
    std::array<std::uint8_t, crypto_generichash_BYTES> hash{};
    crypto_generichash(hash.data(), hash.size(),
                       reinterpret_cast<const unsigned char*>(text.data()), text.size(), nullptr,
                       0);
    std::array<char, 2 * checksum_size + 1> hex{};
    sodium_bin2hex(hex.data(), hex.size(), hash.data(), checksum_size);
    return hex.data();
}

std::string line_of(std::string_view kind, const ServerId& name,
                    std::span<const std::uint8_t> bytes) {
    std::string encoded = base64(bytes);
    std::string line;
    // All at once: a string that grows leaves copies of itself in memory.
    line.reserve(kind.size() + name.text().size() + encoded.size() + 2 * checksum_size + 3);
    line.append(kind).append(":").append(name.text()).append(":").append(encoded);
    wipe(encoded);
    const std::string sum = checksum(line);
    line.append(":").append(sum);
    return line;
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blank = " \t\r\n";
    const std::size_t begin = text.find_first_not_of(blank);
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(blank) - begin + 1);
}

std::string wrong_kind(std::string_view line, std::string_view kind) {
    const std::string_view found = line.substr(0, line.find(':'));
    if (found == secret_kind && kind == public_kind)
        return "it is a secret key, and a public one is wanted: the line in the .pub file";
    if (found == public_kind && kind == secret_kind)
        return "it is a public key, and the secret one is wanted: the line in the .key file";
    if (found.starts_with("arb-"))
        return "its kind is '" + std::string(found) + "', and this version knows only '" +
               std::string(kind) + "'";
    return "it is no key: a line that begins with '" + std::string(kind) + ":' is wanted";
}

// The name of a line and, in `bytes`, what it carries.
tl::expected<ServerId, std::string> parse_line(std::string_view line, std::string_view kind,
                                               std::span<std::uint8_t> bytes) {
    line = trimmed(line);
    if (!line.starts_with(kind) || line.substr(kind.size()).substr(0, 1) != ":")
        return tl::unexpected(wrong_kind(line, kind));
    if (std::count(line.begin(), line.end(), ':') != 3)
        return tl::unexpected(
            std::string("it is cut or mangled: four parts, with ':' between "
                        "them, are wanted"));
    const std::size_t last = line.rfind(':');
    if (checksum(line.substr(0, last)) != line.substr(last + 1))
        return tl::unexpected(
            std::string("its checksum does not match: a character was changed or lost"));
    const std::string_view middle = line.substr(kind.size() + 1, last - kind.size() - 1);
    const std::size_t colon = middle.find(':');
    const std::optional<ServerId> name = ServerId::parse(middle.substr(0, colon));
    if (!name)
        return tl::unexpected(std::string("its name is not one of 1 to 32 of a-z, 0-9 and '-'"));
    const std::string_view encoded = middle.substr(colon + 1);
    std::size_t size = 0;
    if (sodium_base642bin(bytes.data(), bytes.size(), encoded.data(), encoded.size(), nullptr,
                          &size, nullptr, base64_kind) != 0 ||
        size != bytes.size())
        return tl::unexpected(std::string("its key is not whole"));
    return *name;
}

}  // namespace

std::string_view name_of(Rejection why) {
    constexpr std::array<std::string_view, rejection_count> names{
        "too_short",      "too_long",      "bad_magic",    "bad_version", "bad_type",
        "unknown_key",    "wrong_address", "nonce_seen",   "bad_seal",    "malformed",
        "wrong_receiver", "wrong_boot",    "old_counter",  "cloned",      "bad_cookie",
        "not_expected",   "flood",         "bad_signature"};
    static_assert(static_cast<std::size_t>(Rejection::bad_signature) + 1 == rejection_count);
    return names[static_cast<std::size_t>(why)];
}

void wipe(std::string& text) {
    sodium_memzero(text.data(), text.size());
    text.clear();
}

void wipe(std::span<std::uint8_t> bytes) {
    sodium_memzero(bytes.data(), bytes.size());
}

// ---- Keys --------------------------------------------------------------------------------------

struct SecretKeys::Material {
    explicit Material(const ServerId& name) : open{name, {}, {}} {}

    std::array<std::uint8_t, crypto_sign_SEEDBYTES> signing_seed{};
    std::array<std::uint8_t, crypto_sign_SECRETKEYBYTES> signing{};
    std::array<std::uint8_t, crypto_scalarmult_SCALARBYTES> sealing{};
    PublicKeys open;

    // The two secrets of the text are there; makes all that follows from them.
    void complete() {
        crypto_sign_seed_keypair(open.signing.data(), signing.data(), signing_seed.data());
        crypto_scalarmult_base(open.sealing.data(), sealing.data());
    }
};

SecretKeys::SecretKeys(std::shared_ptr<const Material> material) : material_(std::move(material)) {}

SecretKeys SecretKeys::make(const ServerId& name, const Seed& seed) {
    auto material = make_locked<Material>(name);
    crypto_kdf_derive_from_key(material->signing_seed.data(), material->signing_seed.size(), 1,
                               seed_context, seed.data());
    crypto_kdf_derive_from_key(material->sealing.data(), material->sealing.size(), 2, seed_context,
                               seed.data());
    material->complete();
    return SecretKeys(std::move(material));
}

tl::expected<SecretKeys, std::string> SecretKeys::parse(std::string_view line) {
    start_sodium();
    std::array<std::uint8_t, 64> bytes{};
    const auto name = parse_line(line, secret_kind, bytes);
    if (!name) {
        wipe(bytes);
        return tl::unexpected(name.error());
    }
    auto material = make_locked<Material>(*name);
    std::copy_n(bytes.begin(), 32, material->signing_seed.begin());
    std::copy_n(bytes.begin() + 32, 32, material->sealing.begin());
    wipe(bytes);
    material->complete();
    return SecretKeys(std::move(material));
}

const ServerId& SecretKeys::name() const {
    return material_->open.name;
}

const PublicKeys& SecretKeys::public_keys() const {
    return material_->open;
}

std::string SecretKeys::text() const {
    std::array<std::uint8_t, 64> bytes{};
    std::copy_n(material_->signing_seed.begin(), 32, bytes.begin());
    std::copy_n(material_->sealing.begin(), 32, bytes.begin() + 32);
    std::string line = line_of(secret_kind, name(), bytes);
    wipe(bytes);
    return line;
}

tl::expected<PublicKeys, std::string> PublicKeys::parse(std::string_view line) {
    start_sodium();
    std::array<std::uint8_t, 64> bytes{};
    const auto name = parse_line(line, public_kind, bytes);
    if (!name) return tl::unexpected(name.error());
    PublicKeys keys{*name, {}, {}};
    std::copy_n(bytes.begin(), 32, keys.signing.begin());
    std::copy_n(bytes.begin() + 32, 32, keys.sealing.begin());
    // Points of small order would give every peer the same secret, or accept any signature.
    const Seed probe{1};
    std::array<std::uint8_t, crypto_scalarmult_BYTES> shared{};
    if (crypto_core_ed25519_is_valid_point(keys.signing.data()) != 1 ||
        crypto_scalarmult(shared.data(), probe.data(), keys.sealing.data()) != 0)
        return tl::unexpected(std::string("its key is not a point of the curve"));
    return keys;
}

std::string PublicKeys::text() const {
    start_sodium();
    std::array<std::uint8_t, 64> bytes{};
    std::copy(signing.begin(), signing.end(), bytes.begin());
    std::copy(sealing.begin(), sealing.end(), bytes.begin() + 32);
    return line_of(public_kind, name, bytes);
}

// ---- Header ------------------------------------------------------------------------------------

tl::expected<Header, Rejection> read_header(std::span<const std::byte> datagram) {
    if (datagram.size() < seal_overhead) return tl::unexpected(Rejection::too_short);
    if (datagram.size() > datagram_max) return tl::unexpected(Rejection::too_long);
    if (datagram[0] != magic[0] || datagram[1] != magic[1])
        return tl::unexpected(Rejection::bad_magic);
    if (datagram[2] != version) return tl::unexpected(Rejection::bad_version);
    const auto type = static_cast<MessageType>(datagram[3]);
    if (type < MessageType::hello || type > MessageType::deny)
        return tl::unexpected(Rejection::bad_type);
    Header header{type, {}, {}};
    std::memcpy(header.key.data(), datagram.data() + 4, header.key.size());
    std::memcpy(header.nonce.data(), datagram.data() + 8, header.nonce.size());
    return header;
}

// ---- Pair --------------------------------------------------------------------------------------

struct Pair::Material {
    explicit Material(std::shared_ptr<const SecretKeys::Material> self) : own(std::move(self)) {}

    std::shared_ptr<const SecretKeys::Material> own;
    std::array<std::uint8_t, 32> peer_signing{};
    std::array<std::uint8_t, crypto_aead_xchacha20poly1305_ietf_KEYBYTES> sends{};
    std::array<std::uint8_t, crypto_aead_xchacha20poly1305_ietf_KEYBYTES> hears{};
};

namespace {

// Names the direction, so that a receiver with two keys finds the right one at once.
KeyId key_id(const PublicKeys& from, const PublicKeys& to) {
    std::array<std::uint8_t, crypto_generichash_BYTES> hash{};
    crypto_generichash_state state;
    crypto_generichash_init(&state, nullptr, 0, hash.size());
    for (const PublicKeys* keys : {&from, &to}) {
        crypto_generichash_update(&state, keys->signing.data(), keys->signing.size());
        crypto_generichash_update(&state, keys->sealing.data(), keys->sealing.size());
    }
    crypto_generichash_final(&state, hash.data(), hash.size());
    KeyId id{};
    std::copy_n(hash.begin(), id.size(), id.begin());
    return id;
}

}  // namespace

Pair::Pair(const SecretKeys& self, const PublicKeys& peer) {
    const PublicKeys& own = self.public_keys();
    if (own.sealing == peer.sealing || own.signing == peer.signing)
        throw std::invalid_argument("the keys of '" + std::string(peer.name.text()) +
                                    "' are those of '" + std::string(own.name.text()) +
                                    "' itself: each machine needs its own");
    auto material = make_locked<Material>(self.material_);
    material->peer_signing = peer.signing;
    std::array<std::uint8_t, crypto_box_BEFORENMBYTES> shared{};
    if (crypto_box_beforenm(shared.data(), peer.sealing.data(), self.material_->sealing.data()) !=
        0)
        throw std::invalid_argument("the key of '" + std::string(peer.name.text()) +
                                    "' is not a point of the curve");
    // Both sides agree on who is first by the order of their public keys.
    const bool first = own.sealing < peer.sealing;
    crypto_kdf_derive_from_key(material->sends.data(), material->sends.size(), first ? 1 : 2,
                               kdf_context, shared.data());
    crypto_kdf_derive_from_key(material->hears.data(), material->hears.size(), first ? 2 : 1,
                               kdf_context, shared.data());
    wipe(shared);
    material_ = std::move(material);
    sends_as_ = key_id(own, peer);
    hears_as_ = key_id(peer, own);
}

std::span<const std::byte> Unsealed::letter() const {
    return std::span(signed_).subspan(signature_context.size() + header_size + length_size,
                                      letter_size_);
}

std::vector<std::byte> Pair::seal(const Letter& letter, const Nonce& nonce,
                                  std::size_t pad_to) const {
    const std::vector<std::byte> bytes = encode(letter);
    assert(bytes.size() <= letter_size_max && pad_to <= datagram_max);
    const std::size_t total = std::max(bytes.size() + seal_overhead, pad_to);
    const std::size_t body = total - header_size - tag_size - signature_size;

    // context ‖ header ‖ body ‖ signature, as the signature wants it in one piece.
    std::vector<std::byte> plain(signature_context.size() + header_size + body + signature_size);
    std::memcpy(plain.data(), signature_context.data(), signature_context.size());
    std::byte* header = plain.data() + signature_context.size();
    header[0] = magic[0];
    header[1] = magic[1];
    header[2] = version;
    header[3] = static_cast<std::byte>(type_of(letter.message));
    std::memcpy(header + 4, sends_as_.data(), sends_as_.size());
    std::memcpy(header + 8, nonce.data(), nonce.size());
    std::byte* content = header + header_size;
    content[0] = static_cast<std::byte>(bytes.size() >> 8);
    content[1] = static_cast<std::byte>(bytes.size());
    std::copy(bytes.begin(), bytes.end(), content + length_size);
    crypto_sign_detached(raw(content + body), nullptr, raw(plain.data()),
                         signature_context.size() + header_size + body,
                         material_->own->signing.data());

    std::vector<std::byte> datagram(total);
    std::memcpy(datagram.data(), header, header_size);
    crypto_aead_xchacha20poly1305_ietf_encrypt(
        raw(datagram.data() + header_size), nullptr, raw(content), body + signature_size,
        raw(header), header_size, nullptr, nonce.data(), material_->sends.data());
    return datagram;
}

tl::expected<Unsealed, Rejection> Pair::unseal(std::span<const std::byte> datagram) const {
    const auto header = read_header(datagram);
    if (!header) return tl::unexpected(header.error());
    const std::size_t sealed = datagram.size() - header_size;
    Unsealed unsealed;
    unsealed.type_ = header->type;
    unsealed.signed_.resize(signature_context.size() + datagram.size() - tag_size);
    std::byte* out = unsealed.signed_.data();
    std::memcpy(out, signature_context.data(), signature_context.size());
    std::memcpy(out + signature_context.size(), datagram.data(), header_size);
    std::byte* content = out + signature_context.size() + header_size;
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(
            raw(content), nullptr, nullptr, raw(datagram.data() + header_size), sealed,
            raw(datagram.data()), header_size, header->nonce.data(), material_->hears.data()) != 0)
        return tl::unexpected(Rejection::bad_seal);

    const std::size_t room = sealed - tag_size - signature_size - length_size;
    unsealed.letter_size_ =
        std::to_integer<std::size_t>(content[0]) << 8 | std::to_integer<std::size_t>(content[1]);
    if (unsealed.letter_size_ > room) return tl::unexpected(Rejection::malformed);
    const std::byte* padding = content + length_size + unsealed.letter_size_;
    const std::byte* end = content + length_size + room;
    if (std::any_of(padding, end, [](std::byte b) { return b != std::byte{0}; }))
        return tl::unexpected(Rejection::malformed);
    return unsealed;
}

bool Pair::verify(const Unsealed& unsealed) const {
    const std::vector<std::byte>& all = unsealed.signed_;
    const std::size_t size = all.size() - signature_size;
    return crypto_sign_verify_detached(raw(all.data() + size), raw(all.data()), size,
                                       material_->peer_signing.data()) == 0;
}

// ---- Cookies -----------------------------------------------------------------------------------

Cookie CookieKey::make(std::span<const std::uint8_t> about) const {
    start_sodium();
    static_assert(std::tuple_size_v<Cookie> >= crypto_generichash_BYTES_MIN);
    Cookie cookie{};
    crypto_generichash(cookie.data(), cookie.size(), about.data(), about.size(), secret_.data(),
                       secret_.size());
    return cookie;
}

bool equal_in_constant_time(const Cookie& a, const Cookie& b) {
    return sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace heartbeat
