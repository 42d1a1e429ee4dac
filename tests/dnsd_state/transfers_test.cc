// [transfer] and what zones say of the same: who is told, who may transfer, and by which keys.
#include "dnsd/config/config.h"

#include <doctest/doctest.h>

#include <map>

namespace {

using namespace dnsd;

constexpr const char* keys = R"(key "ns2.example" {
    algorithm hmac-sha256;
    secret "c2VjcmV0IG9mIHRoZSBzZWNvbmRhcnksIDMyIGJ5dGVz";
};
key "backup.example" { algorithm hmac-sha512; secret "c2VjcmV0IG9mIHRoZSBiYWNrdXAsIDMyIGJ5dGVzIGFsc28="; };
)";

using Files = std::map<std::string, std::string>;

zones::Opener opener(Files files) {
    return [files = std::move(files)](
               const std::string& path) -> tl::expected<std::string, std::string> {
        const auto found = files.find(path);
        if (found == files.end())
            return tl::unexpected("key file " + path + " can not be opened: No such file");
        return found->second;
    };
}

// `body` before the [servers] of a configuration of one zone.
ConfigRead read(const std::string& body, const std::string& key_text = keys) {
    const std::string text = "zone = \"wiki.example\"\nzone_file = \"wiki.example.zone\"\n" + body +
                             "\n[servers]\nwiki1 = \"192.0.2.11\"\n";
    return read_config("/etc/arbiter/dnsd.toml", opener({{"/etc/arbiter/dnsd.toml", text}}),
                       opener({{"/etc/arbiter/tsig.key", key_text}}));
}

Config good(const std::string& body, const std::string& key_text = keys) {
    const ConfigRead out = read(body, key_text);
    CHECK(out.report() == "");
    REQUIRE(out.config);
    return *out.config;
}

// Without the last line, which counts.
std::string errors(const std::string& body, const std::string& key_text = keys) {
    const ConfigRead out = read(body, key_text);
    CHECK_FALSE(out.config);
    std::string report = out.report();
    report.pop_back();
    return report.substr(0, report.rfind('\n') + 1);
}

using Texts = std::vector<std::string>;

Texts texts(const std::vector<Secondary>& secondaries) {
    Texts out;
    for (const Secondary& one : secondaries) out.push_back(one.text());
    return out;
}
Texts texts(const std::vector<zones::TransferRule>& rules) {
    Texts out;
    for (const auto& rule : rules) out.push_back(rule_text(rule));
    return out;
}

const std::string with_keys = "[transfer]\nkey_file = \"tsig.key\"\n";

}  // namespace

TEST_CASE("nothing is allowed, no key is known and the NS set is told when nothing is said") {
    const Config config = good("");
    CHECK(config.transfer.key_file.empty());
    CHECK(config.transfer.keys.empty());
    CHECK(config.transfer.allow.empty());
    CHECK(config.transfer.notify_ns);
    CHECK_FALSE(config.transfer.weak_algorithms);
    CHECK(config.transfer.history == zones::HistoryLimits{});
    REQUIRE(config.zones.size() == 1);
    CHECK(config.zones[0].allow.empty());
    CHECK(config.zones[0].notify_ns);
    CHECK(config.zones[0].serial == SerialStyle::counter);
}

TEST_CASE("secondaries and rules may name keys of the key file, which stands beside the file") {
    const Config config = good(
        "secondaries = [\"198.51.100.1\", \"203.0.113.9:5353 key ns2.example\", "
        "\"2001:db8::9  key NS2.example.\"]\nserial = \"date\"\n" +
        with_keys +
        "allow = [\"192.0.2.0/24\", \"key backup.example\", \"2001:db8::/32 key backup.example\"]\n"
        "notify_ns = false\n[transfer.history]\nversions = 50\nbytes = \"2MiB\"\n");
    CHECK(config.transfer.key_file == "/etc/arbiter/tsig.key");
    REQUIRE(config.transfer.keys.size() == 2);
    CHECK(config.transfer.keys[1].algorithm == zones::TsigAlgorithm::hmac_sha512);
    CHECK(texts(config.zones[0].secondaries) == Texts{"198.51.100.1:53",
                                                      "203.0.113.9:5353 key ns2.example",
                                                      "[2001:db8::9]:53 key NS2.example"});
    CHECK(texts(config.transfer.allow) ==
          Texts{"192.0.2.0/24", "key backup.example", "2001:db8::/32 key backup.example"});
    CHECK_FALSE(config.zones[0].notify_ns);
    CHECK(config.zones[0].serial == SerialStyle::date);
    CHECK(config.transfer.history.deltas_max == 50);
    CHECK(config.transfer.history.bytes_max == 2u << 20);
}

TEST_CASE("a zone has rules, secondaries, a style of serials and a word on its NS set of its own") {
    const ConfigRead out =
        read_config("/etc/arbiter/dnsd.toml", opener({{"/etc/arbiter/dnsd.toml", R"([transfer]
key_file = "/etc/arbiter/tsig.key"
notify_ns = false
[[zone]]
name = "a.example"
file = "a"
secondaries = "198.51.100.1 key ns2.example"
allow = ["192.0.2.7", "key backup.example"]
notify_ns = true
serial = "unixtime"
[[zone]]
name = "b.example"
file = "b"
)"}}),
                    opener({{"/etc/arbiter/tsig.key", keys}}));
    CHECK(out.report() == "");
    REQUIRE(out.config);
    const ZoneConfig& a = out.config->zones[0];
    CHECK(texts(a.secondaries) == Texts{"198.51.100.1:53 key ns2.example"});
    CHECK(texts(a.allow) == Texts{"192.0.2.7", "key backup.example"});
    CHECK(a.notify_ns);
    CHECK(a.serial == SerialStyle::unixtime);
    const ZoneConfig& b = out.config->zones[1];
    CHECK(b.secondaries.empty());
    CHECK(b.allow.empty());
    CHECK_FALSE(b.notify_ns);
    CHECK(b.serial == SerialStyle::counter);
}

TEST_CASE("a key that is named and not there is shown at its place, with what was meant") {
    CHECK(
        errors("secondaries = [\"198.51.100.1\", \"203.0.113.9 key ns2.exmaple\"]\n" + with_keys) ==
        "/etc/arbiter/dnsd.toml:3:32: error: the key 'ns2.exmaple' is not in "
        "/etc/arbiter/tsig.key\n      hint: did you mean 'ns2.example'?\n");
    CHECK(
        errors("secondaries = \"203.0.113.9 key ns2.example\"\n") ==
        "/etc/arbiter/dnsd.toml:3:15: error: there is no key 'ns2.example', as [transfer] has no "
        "key_file\n      hint: key_file = \"/etc/arbiter/tsig.key\" in [transfer]; arbiterctl keys "
        "tsig NAME makes one\n");
    CHECK(errors(with_keys + "allow = \"key other.example.org\"\n") ==
          "/etc/arbiter/dnsd.toml:5:9: error: the key 'other.example.org' is not in "
          "/etc/arbiter/tsig.key\n      hint: arbiterctl keys tsig NAME makes one\n");
}

TEST_CASE("what is no secondary and what is no rule is shown at its place, with an example") {
    for (const char* wrong :
         {"", "ns2.example", "198.51.100.1 ns2.example", "198.51.100.1 key",
          "198.51.100.1 key ns2.example more", "198.51.100.0/24", "key ns2.example"}) {
        CAPTURE(wrong);
        const std::string report =
            errors("secondaries = [\"" + std::string(wrong) + "\"]\n" + with_keys);
        CHECK(report.find("/etc/arbiter/dnsd.toml:3:16: error: \"" + std::string(wrong) +
                          "\" is no address with a ") == 0);
        CHECK(report.find("\"192.0.2.1 key ns2.example\"") != std::string::npos);
    }
    for (const char* wrong : {"", "key", "192.0.2.0/33", "192.0.2.1 key", "192.0.2.1 ns2.example",
                              "192.0.2.1 key ns2.example more", "192.0.2.1:53", "key a..b"}) {
        CAPTURE(wrong);
        const std::string report = errors(with_keys + "allow = [\"" + std::string(wrong) + "\"]\n");
        CHECK(report.find("/etc/arbiter/dnsd.toml:5:10: error: \"") == 0);
    }
    CHECK(errors("secondaries = [\"198.51.100.1\", \"198.51.100.1 key ns2.example\"]\n" +
                 with_keys) ==
          "/etc/arbiter/dnsd.toml:3:32: error: 198.51.100.1:53 is there twice\n");
    CHECK(errors(with_keys + "allow = [\"key ns2.example\", \"key NS2.example\"]\n") ==
          "/etc/arbiter/dnsd.toml:5:29: error: key NS2.example is there twice\n");
    CHECK(
        errors("[transfer.history]\nbytes = \"16MB\"\n") ==
        "/etc/arbiter/dnsd.toml:4:9: error: 'bytes' in [transfer.history] is \"16MB\", which is no "
        "size\n      hint: as in \"64KiB\", \"16MiB\" or \"1GiB\"\n");
    CHECK(errors("[transfer.history]\nbytes = 16\n").find("must be a size, not a number") !=
          std::string::npos);
    CHECK(errors("[transfer.history]\nbytes = \"65GiB\"\n")
              .find("is not between \"0B\" and \"64GiB\"") != std::string::npos);
    CHECK(errors("serial = \"dates\"\n").find("did you mean \"date\"?") != std::string::npos);
}

TEST_CASE("mistakes of the key file are told at their place in it") {
    const std::string report = errors(with_keys, "key \"a.example\" { algorithm hmac-sha3; };\n");
    CHECK(report.find("/etc/arbiter/tsig.key:1:") == 0);
    CHECK(report.find("dnsd.toml") == std::string::npos);
}

TEST_CASE("a key file that can not be read is told once, not again for each key that is named") {
    const ConfigRead out = read(
        "secondaries = \"203.0.113.9 key ns2.example\"\n[transfer]\n"
        "key_file = \"other.key\"\n");
    CHECK_FALSE(out.config);
    CHECK(
        out.report() ==
        "/etc/arbiter/dnsd.toml:5:12: error: key file /etc/arbiter/other.key can not be opened: No "
        "such file\n1 error.\n");
}

TEST_CASE("weak algorithms are taken when it is said that they may be") {
    const std::string weak =
        "key \"old.example\" { algorithm hmac-md5; secret \"c2VjcmV0c2VjcmV0\"; };\n";
    CHECK(errors(with_keys, weak).find("/etc/arbiter/tsig.key:1:") == 0);
    CHECK(good(with_keys + "weak_algorithms = true\n", weak).transfer.keys.size() == 1);
}

TEST_CASE("MACs that are cut are taken as far as it is said, and else not at all (tsig_order)") {
    CHECK(good(with_keys).transfer.mac_bytes_min == 0);
    CHECK(good(with_keys + "mac_bytes_min = 16\n").transfer.mac_bytes_min == 16);
    CHECK(good(with_keys + "mac_bytes_min = 64\n").transfer.mac_bytes_min == 64);
    CHECK(errors(with_keys + "mac_bytes_min = 65\n").find("/etc/arbiter/dnsd.toml:") == 0);
}

TEST_CASE("rules are bounded") {
    std::string list;
    for (std::size_t i = 0; i < allow_max; ++i)
        list += (i ? ", " : "") +
                ("\"10." + std::to_string(i / 256) + ".0." + std::to_string(i % 256) + "\"");
    CHECK(good("[transfer]\nallow = [" + list + "]\n").transfer.allow.size() == allow_max);
    CHECK(errors("[transfer]\nallow = [" + list + ", \"10.9.0.1\"]\n")
              .find("1025 entries, more than 1024") != std::string::npos);
}

TEST_CASE("a reload says which keys and rules changed, and never what is secret") {
    const auto lines = [](const std::string& before, const std::string& before_keys,
                          const std::string& after, const std::string& after_keys) {
        return transfer_differences(good(before, before_keys).transfer,
                                    good(after, after_keys).transfer);
    };
    CHECK(lines(with_keys, keys, with_keys, keys).empty());
    std::string changed = keys;
    changed.replace(changed.find("c2Vj"), 4, "AAAA");
    CHECK(lines(with_keys, keys, with_keys, changed) == Texts{"~ key ns2.example changed"});
    CHECK(lines(with_keys, keys, with_keys, changed.substr(0, changed.find("key \"backup"))) ==
          Texts{"- key backup.example", "~ key ns2.example changed"});
    CHECK(lines("", keys, with_keys + "allow = \"key backup.example\"\nnotify_ns = false\n",
                keys) == Texts{"~ transfer.key_file \"\" -> \"/etc/arbiter/tsig.key\"",
                               "+ key ns2.example", "+ key backup.example",
                               "~ transfer.allow none -> key backup.example",
                               "~ transfer.notify_ns true -> false"});
    CHECK(restart_differences(good(with_keys), good(with_keys + "[transfer.history]\nversions = 5\n"
                                                                "bytes = \"1MiB\"\n")) ==
          Texts{"~ transfer.history.versions 1000 -> 5", "~ transfer.history.bytes 16MiB -> 1MiB"});
    CHECK(
        zone_differences(
            good("secondaries = \"198.51.100.1\"\n").zones,
            good("secondaries = \"198.51.100.1 key ns2.example\"\nserial = \"date\"\n" + with_keys)
                .zones) ==
        Texts{"~ zone wiki.example secondaries 198.51.100.1:53 -> 198.51.100.1:53 key ns2.example",
              "~ zone wiki.example serial counter -> date"});
}
