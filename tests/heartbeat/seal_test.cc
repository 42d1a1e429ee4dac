#include "heartbeat/seal.h"

#include "tests/heartbeat/world.h"

#include <algorithm>
#include <stdexcept>

#include <doctest/doctest.h>

using namespace heartbeat;
using namespace heartbeat::test;

namespace {

struct TwoEnds {
    SecretKeys ns0 = keys("ns0", 1);
    SecretKeys wiki1 = keys("wiki1", 2);
    Pair agent{wiki1, ns0.public_keys()};
    Pair arbiter{ns0, wiki1.public_keys()};
    Nonces nonces{3};
    Letter letter{{id("wiki"), id("wiki1"), id("ns0"), boot(1), 1, {}, {}}, Hello{42}};
};

std::string with_character(const std::string& line, std::size_t where, char c) {
    std::string changed = line;
    changed[where] = c;
    return changed;
}

}  // namespace

TEST_CASE("what one end seals the other opens and finds signed") {
    TwoEnds ends;
    const auto datagram = ends.agent.seal(ends.letter, ends.nonces.next(), hello_size);
    CHECK(datagram.size() == hello_size);
    const auto header = read_header(datagram);
    REQUIRE(header);
    CHECK(header->type == MessageType::hello);
    CHECK(header->key == ends.arbiter.hears_as());
    const auto unsealed = ends.arbiter.unseal(datagram);
    REQUIRE(unsealed);
    CHECK(ends.arbiter.verify(*unsealed));
    const auto letter = decode(unsealed->type(), unsealed->letter());
    REQUIRE(letter);
    CHECK((letter->message == ends.letter.message));
}

TEST_CASE("the clear part of a datagram is magic, version, type, key id and nonce") {
    TwoEnds ends;
    const Nonce nonce = ends.nonces.next();
    const auto datagram = ends.agent.seal(ends.letter, nonce);
    CHECK(datagram.size() == encode(ends.letter).size() + seal_overhead);
    CHECK(datagram[0] == std::byte{0xA7});
    CHECK(datagram[1] == std::byte{'B'});
    CHECK(datagram[2] == std::byte{1});
    CHECK(datagram[3] == std::byte{1});
    CHECK(std::memcmp(datagram.data() + 4, ends.agent.sends_as().data(), 4) == 0);
    CHECK(std::memcmp(datagram.data() + 8, nonce.data(), 24) == 0);
}

TEST_CASE("a datagram that is cut anywhere never opens") {
    TwoEnds ends;
    const auto datagram = ends.agent.seal(ends.letter, ends.nonces.next());
    for (std::size_t size = 0; size < datagram.size(); ++size) {
        const auto unsealed = ends.arbiter.unseal(std::span(datagram).first(size));
        CAPTURE(size);
        REQUIRE_FALSE(unsealed);
        CHECK(unsealed.error() ==
              (size < seal_overhead ? Rejection::too_short : Rejection::bad_seal));
    }
}

TEST_CASE("a datagram with any bit changed never opens") {
    TwoEnds ends;
    const auto datagram = ends.agent.seal(ends.letter, ends.nonces.next());
    for (std::size_t bit = 0; bit < 8 * datagram.size(); ++bit) {
        auto changed = datagram;
        changed[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
        CAPTURE(bit);
        REQUIRE_FALSE(ends.arbiter.unseal(changed));
    }
}

TEST_CASE("a reflected datagram never opens, whatever key id it shows") {
    TwoEnds ends;
    auto datagram = ends.agent.seal(ends.letter, ends.nonces.next());
    CHECK(ends.agent.sends_as() != ends.agent.hears_as());
    CHECK_FALSE(ends.agent.unseal(datagram));
    std::memcpy(datagram.data() + 4, ends.agent.hears_as().data(), 4);
    CHECK_FALSE(ends.agent.unseal(datagram));
}

TEST_CASE("another machine's key opens nothing") {
    TwoEnds ends;
    const SecretKeys wiki2 = keys("wiki2", 9);
    const auto datagram = ends.agent.seal(ends.letter, ends.nonces.next());
    CHECK_FALSE(Pair(wiki2, ends.wiki1.public_keys()).unseal(datagram));
    CHECK_FALSE(Pair(ends.ns0, wiki2.public_keys()).unseal(datagram));
}

TEST_CASE("who has only the X25519 key of a machine can seal in its name but not sign") {
    TwoEnds ends;
    // wiki1's line with the signing half of another key: the seal is right, the signature is not.
    PublicKeys mixed = keys("wiki1", 8).public_keys();
    mixed.sealing = ends.wiki1.public_keys().sealing;
    const Pair fooled(ends.ns0, mixed);
    const auto unsealed = fooled.unseal(ends.agent.seal(ends.letter, ends.nonces.next()));
    REQUIRE(unsealed);
    CHECK_FALSE(fooled.verify(*unsealed));
}

TEST_CASE("keys come back from their line of text") {
    const SecretKeys secret = keys("wiki1", 2);
    const auto again = SecretKeys::parse(" " + secret.text() + "\n");
    REQUIRE(again);
    CHECK(again->public_keys() == secret.public_keys());
    CHECK(again->text() == secret.text());
    CHECK(secret.text().starts_with("arb-secret-1:wiki1:"));
    const auto open = PublicKeys::parse(secret.public_keys().text() + "\n");
    REQUIRE(open);
    CHECK(*open == secret.public_keys());
    CHECK(open->text().starts_with("arb-public-1:wiki1:"));
}

TEST_CASE("two seeds give two keys, and neither half of a key is that of the other") {
    const PublicKeys one = keys("wiki1", 2).public_keys();
    const PublicKeys other = keys("wiki1", 3).public_keys();
    CHECK(one.signing != other.signing);
    CHECK(one.sealing != other.sealing);
    CHECK(one.signing != one.sealing);
}

TEST_CASE("a key line with any character changed or missing is refused") {
    const SecretKeys secret = keys("wiki1", 2);
    for (const std::string& line : {secret.text(), secret.public_keys().text()}) {
        for (std::size_t i = 0; i < line.size(); ++i) {
            CAPTURE(i);
            const std::string changed = with_character(line, i, line[i] == 'a' ? 'b' : 'a');
            REQUIRE_FALSE(SecretKeys::parse(changed));
            REQUIRE_FALSE(PublicKeys::parse(changed));
            REQUIRE_FALSE(SecretKeys::parse(line.substr(0, i)));
            REQUIRE_FALSE(PublicKeys::parse(line.substr(0, i)));
        }
    }
}

TEST_CASE("a key line that is refused says why") {
    const SecretKeys secret = keys("wiki1", 2);
    const std::string open = secret.public_keys().text();
    const auto why = [](const auto& parsed) { return parsed ? "" : parsed.error(); };
    CHECK(why(PublicKeys::parse(secret.text())).find("secret key") != std::string::npos);
    CHECK(why(SecretKeys::parse(open)).find("public key") != std::string::npos);
    CHECK(why(PublicKeys::parse("ssh-ed25519 AAAA")).find("'arb-public-1:'") != std::string::npos);
    CHECK(why(PublicKeys::parse("arb-public-2:x:y:z")).find("'arb-public-2'") != std::string::npos);
    CHECK(why(PublicKeys::parse(open + ":")).find("four parts") != std::string::npos);
    CHECK(why(PublicKeys::parse(with_character(open, 20, open[20] == 'A' ? 'B' : 'A')))
              .find("checksum") != std::string::npos);
}

TEST_CASE("a key that is no point of the curve, or one of small order, is refused") {
    PublicKeys bad = keys("wiki1", 2).public_keys();
    bad.sealing = {};  // of order 4: every secret would come out as zero
    CHECK_FALSE(PublicKeys::parse(bad.text()));
    bad = keys("wiki1", 2).public_keys();
    bad.signing = {1};  // the neutral element: any message would verify
    CHECK_FALSE(PublicKeys::parse(bad.text()));
}

TEST_CASE("a pair of a machine with itself is refused") {
    const SecretKeys secret = keys("wiki1", 2);
    CHECK_THROWS_AS(Pair(secret, secret.public_keys()), std::invalid_argument);
}

TEST_CASE("cookies differ by key and by what they are about") {
    const std::array<std::uint8_t, 3> about{1, 2, 3};
    const std::array<std::uint8_t, 3> other{1, 2, 4};
    const Cookie cookie = CookieKey(seed(1)).make(about);
    CHECK(equal_in_constant_time(cookie, CookieKey(seed(1)).make(about)));
    CHECK_FALSE(equal_in_constant_time(cookie, CookieKey(seed(2)).make(about)));
    CHECK_FALSE(equal_in_constant_time(cookie, CookieKey(seed(1)).make(other)));
}

TEST_CASE("wiped bytes are gone") {
    Seed bytes = seed(4);
    wipe(bytes);
    CHECK(bytes == Seed{});
    std::string text = "secret";
    wipe(text);
    CHECK(text.empty());
}

TEST_CASE("every rejection has a name of its own") {
    std::vector<std::string_view> names;
    for (std::size_t i = 0; i < rejection_count; ++i)
        names.push_back(name_of(static_cast<Rejection>(i)));
    std::sort(names.begin(), names.end());
    CHECK(std::adjacent_find(names.begin(), names.end()) == names.end());
    CHECK(names.front() != "");
    CHECK(name_of(Rejection::bad_signature) == "bad_signature");
    CHECK(name_of(Rejection::bad_seal) == "bad_seal");
}
