// Key files: clauses of named.conf.
#include "zones/tsig_text.h"
#include "tests/zones/tsig_support.h"

#include <doctest/doctest.h>

using namespace zones;
using namespace zones::testing;

namespace {

std::vector<TsigKey> keys_in(std::string_view text) {
    const auto keys = read_tsig_keys("zone", text);
    if (!keys)
        for (const Mistake& mistake : keys.error()) FAIL_CHECK(mistake.text());
    return keys.value_or(std::vector<TsigKey>{});
}

Lines mistakes_in(std::string_view text, bool weak_algorithms = true) {
    const auto keys = read_tsig_keys("zone", text, weak_algorithms);
    return keys ? Lines{} : texts(keys.error());
}

}  // namespace

TEST_CASE("key clauses are read as BIND reads them") {
    const auto keys = keys_in(
        "# one\n// two\n/* three\n */ key \"NS2.example\" {\n\talgorithm hmac-sha256;\n"
        "\tsecret \"c2VjcmV0\"; };\r\n"
        "KEY ns3.example. { SECRET c2Vj/+A=; /**/ Algorithm \"HMAC-SHA512\"; };"
        "key k{algorithm hmac-md5.sig-alg.reg.int;secret\"AA==\";};");
    REQUIRE(keys.size() == 3);
    CHECK(keys[0] == TsigKey{name("ns2.example"), TsigAlgorithm::hmac_sha256, hex("736563726574")});
    CHECK(keys[1] == TsigKey{name("ns3.example"), TsigAlgorithm::hmac_sha512, hex("736563ffe0")});
    CHECK(keys[2] == TsigKey{name("k"), TsigAlgorithm::hmac_md5, hex("00")});
    CHECK(keys_in("").empty());
    CHECK(keys_in("# nothing").empty());
}

TEST_CASE("what is written is read again") {
    std::string text;
    std::vector<TsigKey> keys;
    for (std::size_t i = 0; i < tsig_algorithms; ++i)
        for (const std::size_t size : {1, 2, 3, 32, 512}) {
            keys.push_back(tsig_key("k" + std::to_string(i) + "-" + std::to_string(size),
                                    static_cast<TsigAlgorithm>(i), size));
            text += tsig_key_text(keys.back());
        }
    CHECK(keys_in(text) == keys);
    CHECK(tsig_key_text({name("a\\\".b"), TsigAlgorithm::hmac_sha256, hex("00")}).find('\\') !=
          std::string::npos);
}

TEST_CASE("mistakes in key files are told at their place, all of them") {
    struct Case {
        const char* text;
        Lines says;
    };
    for (const Case& one : std::vector<Case>{
             {"keys \"a\" { algorithm hmac-sha256; };\nkey b { algorithm hmac-sha256; secret "
              "\"AA==\"; };",
              {"1:1: error: only key clauses stand in a key file"}},
             {"key { algorithm hmac-sha256; };", {"1:5: error: a key has a name"}},
             {"key \".\" { algorithm hmac-sha256; secret AA==; };",
              {"1:5: error: the root is no name for a key"}},
             {"key a algorithm hmac-sha256;", {"1:7: error: '{' is missing behind the key's name"}},
             {"key a { algorithm hmac-sha256; };", {"1:5: error: this key has no secret"}},
             {"key a { secret AA==; };", {"1:5: error: this key has no algorithm"}},
             {"key a {\n algorithm hmac-sha257;\n secret \"AA=\";\n};",
              {"2:12: error: this algorithm is not known",
               "3:9: error: this is no secret in base64"}},
             {"key a { algorithm hmac-sha256; secret AA==; algorithm hmac-sha1; };",
              {"1:45: error: this key has two algorithms"}},
             {"key a { algorithm hmac-sha256; secret AA==; secret AA==; };",
              {"1:45: error: this key has two secrets"}},
             {"key a { algorithm hmac-sha256; secret AA==; }",
              {"1:46: error: ';' is missing behind '}'"}},
             {"key a { algorithm hmac-sha256; secret AA==;",
              {"1:44: error: '}' is missing at the end of the key"}},
             {"key a { algorithm hmac-sha256 secret AA==; };",
              {"1:31: error: ';' is missing here"}},
             {"key a { algorithm; secret AA==; };",
              {"1:18: error: the algorithm's name is missing"}},
             {"key a { algorithm hmac-sha256; secret; };", {"1:38: error: the secret is missing"}},
             {"key a { id 7; algorithm hmac-sha256; secret AA==; };",
              {"1:9: error: 'algorithm' or 'secret' is expected here"}},
             {"key A { algorithm hmac-sha256; secret AA==; };\n"
              "key a { algorithm hmac-sha256; secret AA==; };",
              {"2:5: error: the key a is there already"}},
             {"key a { algorithm hmac-sha256; secret \"AA==; };\n",
              {"1:39: error: this string is not closed on its line",
               "1:39: error: this is no secret in base64"}},
             {"/* key", {"1:1: error: this comment is not closed"}},
         }) {
        CAPTURE(one.text);
        const Lines says = mistakes_in(one.text);
        REQUIRE(says.size() >= one.says.size());
        CHECK(Lines(says.begin(), says.begin() + static_cast<std::ptrdiff_t>(one.says.size())) ==
              one.says);
    }
    CHECK(mistakes_in(";").size() == 1);
}

TEST_CASE("base64 is whole, and has no bit that means nothing (RFC 4648)") {
    for (const char* wrong : {"\"\"", "A", "AA", "AAA", "AB==", "AAB=", "A===", "====", "AA==AA==",
                              "AA=A", "AA*A", "\"AAAA AAAA\"", "AAAA="}) {
        CAPTURE(wrong);
        CHECK(mistakes_in(std::string("key a { algorithm hmac-sha256; secret ") + wrong + "; };") ==
              Lines{"1:39: error: this is no secret in base64"});
    }
}

TEST_CASE("weak algorithms are a mistake unless they are allowed") {
    for (const char* weak : {"hmac-md5", "hmac-sha1", "HMAC-MD5.SIG-ALG.REG.INT"}) {
        const std::string text = std::string("key a { algorithm ") + weak + "; secret AA==; };";
        CHECK(mistakes_in(text).empty());
        const Lines says = mistakes_in(text, false);
        REQUIRE(says.size() == 1);
        CHECK(says[0].starts_with("1:19: error: hmac-"));
        CHECK(says[0].ends_with(" is weak and not allowed"));
    }
    CHECK(mistakes_in("key a { algorithm hmac-sha224; secret AA==; };", false).empty());
}

TEST_CASE("no mistake repeats a secret, wherever it stands") {
    const std::string secret = "U3VwZXJTZWNyZXQhU3VwZXJTZWNyZXQh";
    const std::string good = "key a { algorithm hmac-sha256; secret \"" + secret + "\"; };";
    // One word or mark too few, too many or in the wrong place.
    std::vector<std::string> words{"key",         "a", "{",      "algorithm",
                                   "hmac-sha256", ";", "secret", "\"" + secret + "\"",
                                   ";",           "}", ";"};
    const auto check = [&](const std::vector<std::string>& some) {
        std::string text;
        for (const std::string& word : some) text += word + " ";
        const auto keys = read_tsig_keys("zone", text + good + good);
        REQUIRE_FALSE(keys.has_value());
        for (const Mistake& mistake : keys.error()) {
            CAPTURE(text);
            REQUIRE(mistake.text().find(secret.substr(0, 8)) == std::string::npos);
        }
    };
    for (std::size_t i = 0; i < words.size(); ++i) {
        std::vector<std::string> fewer = words;
        fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
        if (i != 1) check(fewer);
        for (std::size_t k = 0; k < words.size(); ++k) {
            if (i == 1 || k == 1) continue;  // a name is told; a secret that is called one, too
            std::vector<std::string> swapped = words;
            std::swap(swapped[i], swapped[k]);
            check(swapped);
        }
    }
}

TEST_CASE("a key file and what is told of it are bounded") {
    std::string many;
    for (std::size_t i = 0; i <= TsigKeys::keys_max; ++i)
        many += "key k" + std::to_string(i) + " { algorithm hmac-sha256; secret AA==; };\n";
    CHECK(mistakes_in(many) == Lines{"1025:5: error: there are more than 1024 keys"});
    std::string wrong;
    for (int i = 0; i < 1000; ++i) wrong += "key { };\n";
    CHECK(mistakes_in(wrong).size() == tsig_mistakes_max);
    CHECK(mistakes_in(std::string(tsig_text_max, ' ')).empty());
    CHECK(mistakes_in(std::string(tsig_text_max + 1, ' ')).size() == 1);
    const std::string longest(tsig_secret_max / 3 * 4, 'A');  // 510 bytes
    CHECK(keys_in("key a { algorithm hmac-sha256; secret " + longest + "AAA=; };").size() == 1);
    CHECK(mistakes_in("key a { algorithm hmac-sha256; secret " + longest + "AAAA; };").size() == 1);
}

TEST_CASE("whatever a key file says, it is read or told why not (tsig_fuzz)") {
    Random random(7);
    const std::vector<std::string> pieces{
        "key",  " ",  "\"a\"", "b", "{",  "}",  ";",  "algorithm ", "hmac-sha256",        "secret ",
        "AA==", "\"", "\n",    "#", "//", "/*", "*/", "\\",         std::string(1, '\0'), "\xff"};
    std::size_t good = 0;
    for (int round = 0; round < 20'000; ++round) {
        std::string text;
        for (std::size_t i = random.below(30); i > 0; --i)
            text += pieces[random.below(pieces.size())];
        if (random.below(4) == 0) text = "key a { algorithm hmac-sha256; secret AA==; };" + text;
        const auto keys = read_tsig_keys("zone", text);
        if (keys) {
            ++good;
        } else {
            REQUIRE(!keys.error().empty());
            REQUIRE(keys.error().size() <= tsig_mistakes_max);
        }
    }
    CHECK(good > 0);
}
