// arbiterctl keys tsig: what it writes, prints and refuses, and that real servers take it.

#include "dnsd/ctl/daemon.h"
#include "dnsd/ctl/tsig_snippets.h"
#include "tests/ctl/fake_daemon.h"
#include "zones/tsig_text.h"

#include <fstream>
#include <iterator>

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <nlohmann/json.hpp>

using namespace dnsd;
using namespace dnsd::test;
using Json = nlohmann::ordered_json;

namespace {

Ran ctl(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"keys", "tsig"});
    auto ran = run_program(std::string(ARBITER_BIN_DIR) + "/arbiterctl", arguments, Output::kept);
    REQUIRE(ran);
    return *ran;
}

void says(const Ran& ran, int exit_code, std::string_view words) {
    CAPTURE(ran.output);
    CHECK(ran.exit_code == exit_code);
    CHECK(ran.output.find(words) != std::string::npos);
}

std::string text_of(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

unsigned mode_of(const std::string& path) {
    struct stat about {};
    REQUIRE(::stat(path.c_str(), &about) == 0);
    return about.st_mode & 07777;
}

SnippetFacts facts() {
    SnippetFacts out;
    out.key.name = *zones::Name::parse("ns2.example");
    out.key.secret.assign(32, std::byte{0x61});
    out.key_file = "/etc/arbiter/tsig.key";
    out.zone = *zones::Name::parse("wiki.example");
    out.primary = Endpoint::parse("192.0.2.1", 53);
    out.secondary = Endpoint::parse("203.0.113.9", 53);
    return out;
}

constexpr const char* config = R"([dns]
listen = "192.0.2.1:5300"
[transfer]
key_file = "my.key"
[[zone]]
name = "wiki.example"
file = "w"
secondaries = ["198.51.100.1", "203.0.113.9:5353 key ns2.example"]
[[zone]]
name = "other.example"
file = "o"
)";

}  // namespace

TEST_CASE("what is to be pasted, word for word") {
    CHECK(dnsd_toml(facts()) ==
          "secondaries = [\"203.0.113.9 key ns2.example\"]    # of wiki.example\n"
          "[transfer]\nkey_file = \"/etc/arbiter/tsig.key\"\n");
    const std::string secret = "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE=";
    CHECK(named_conf(facts()) ==
          "# options { } needs: serial-query-rate 10000;    the default, 20, holds changes back\n"
          "key \"ns2.example\" {\n    algorithm hmac-sha256;\n    secret \"" +
              secret +
              "\";\n};\n"
              "zone \"wiki.example\" {\n    type secondary;\n"
              "    primaries { 192.0.2.1 port 53 key \"ns2.example\"; };\n"
              "    allow-notify { key \"ns2.example\"; };\n    file \"wiki.example.zone\";\n};\n");
    CHECK(nsd_conf(facts()) ==
          "key:\n    name: \"ns2.example\"\n    algorithm: hmac-sha256\n    secret: \"" + secret +
              "\"\nzone:\n    name: \"wiki.example\"\n"
              "    request-xfr: 192.0.2.1@53 ns2.example\n"
              "    allow-notify: 192.0.2.1 ns2.example\n    zonefile: \"wiki.example.zone\"\n");
    CHECK(knot_conf(facts()) ==
          "key:\n  - id: \"ns2.example\"\n    algorithm: hmac-sha256\n    secret: \"" + secret +
              "\"\nremote:\n  - id: \"arbiter-ns2.example\"\n    address: \"192.0.2.1@53\"\n"
              "    key: \"ns2.example\"\nacl:\n  - id: \"notify-ns2.example\"\n"
              "    address: \"192.0.2.1\"\n    key: \"ns2.example\"\n    action: notify\n"
              "zone:\n  - domain: \"wiki.example\"\n    master: \"arbiter-ns2.example\"\n"
              "    acl: \"notify-ns2.example\"\n");
}

TEST_CASE("what is not known is a word in capitals") {
    SnippetFacts unknown = facts();
    unknown.zone.reset();
    unknown.primary.reset();
    unknown.secondary.reset();
    CHECK(dnsd_toml(unknown).starts_with("secondaries = [\"SECONDARY-ADDRESS key ns2.example\"]"));
    CHECK(named_conf(unknown).find("zone \"ZONE\"") != std::string::npos);
    CHECK(named_conf(unknown).find("{ ARBITER-ADDRESS port 53 key") != std::string::npos);
    CHECK(nsd_conf(unknown).find("request-xfr: ARBITER-ADDRESS@53") != std::string::npos);
    CHECK(knot_conf(unknown).find("address: \"ARBITER-ADDRESS@53\"") != std::string::npos);
}

TEST_CASE("BIND, NSD and Knot take what is printed for them") {
    const auto takes = [](const std::string& program, const std::vector<std::string>& arguments) {
        const auto ran = run_program(program, arguments, Output::kept);
        REQUIRE(ran);
        CAPTURE(program);
        CAPTURE(ran->output);
        CHECK(ran->exit_code == 0);
    };
    const Folder folder;
    for (const char* primary : {"192.0.2.1:5300", "[2001:db8::1]:53"})
        for (const char* algorithm : {"hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512"}) {
            CAPTURE(primary);
            CAPTURE(algorithm);
            const Ran made =
                ctl({"ns2.wiki-key_1.example", "--json", "--algorithm", algorithm, "--zone",
                     "wiki.example", "--primary", primary, "--secondary", "203.0.113.9"});
            REQUIRE(made.exit_code == 0);
            const Json json = Json::parse(made.output);
            for (const char* key : {"named_conf", "nsd_conf", "knot_conf"})
                std::ofstream(folder / key) << json[key].get<std::string>();
            takes("/usr/bin/named-checkconf", {folder / "named_conf"});
            takes("/usr/sbin/nsd-checkconf", {folder / "nsd_conf"});
            takes("/usr/sbin/knotc", {"-c", folder / "knot_conf", "conf-check"});
        }
}

TEST_CASE("a key is as long as its hash, and no two are alike") {
    for (const auto& [algorithm, size] :
         {std::pair("hmac-sha224", 28U), std::pair("hmac-sha256", 32U),
          std::pair("hmac-sha384", 48U), std::pair("hmac-sha512", 64U)}) {
        std::string last;
        for (int i = 0; i < 2; ++i) {
            const Ran ran = ctl({"k.example", "--algorithm", algorithm, "--json"});
            REQUIRE(ran.exit_code == 0);
            const std::string clause = Json::parse(ran.output)["key"];
            const auto keys = zones::read_tsig_keys("key", clause);
            REQUIRE(keys);
            REQUIRE(keys->size() == 1);
            CHECK(zones::text(keys->front().algorithm) == algorithm);
            CHECK(keys->front().secret.size() == size);
            CHECK(clause != last);
            last = clause;
        }
    }
}

TEST_CASE("--out makes a file that nobody else reads, adds to it, and overwrites no key") {
    const Folder folder;
    const std::string file = folder / "tsig.key";
    says(ctl({"one.example", "--out", file}), 0, "wrote " + file + " (keep it secret)");
    CHECK(mode_of(file) == 0600);
    const std::string first = text_of(file);
    says(ctl({"ONE.example", "--out", file}), 1, "has a key 'ONE.example' already");
    CHECK(text_of(file) == first);
    says(ctl({"two.example", "--out", file}), 0, "named.conf");
    CHECK(text_of(file).starts_with(first));
    CHECK(mode_of(file) == 0600);
    const auto keys = zones::read_tsig_keys(file, text_of(file));
    REQUIRE(keys);
    CHECK(keys->size() == 2);
    CHECK(::access((file + ".new").c_str(), F_OK) != 0);

    ::chmod(file.c_str(), 0640);
    says(ctl({"three.example", "--out", file}), 1, "run: chmod 600 " + file);
    ::chmod(file.c_str(), 0600);
    std::ofstream(file) << "no keys here";
    says(ctl({"three.example", "--out", file}), 1, file + ":1:");
    CHECK(text_of(file) == "no keys here");
    says(ctl({"three.example", "--out", folder / "none/tsig.key"}), 1, "can not be made");
}

TEST_CASE("--show prints a key that is there, and makes none (keyfile_mode_refused)") {
    const Folder folder;
    const std::string file = folder / "tsig.key";
    REQUIRE(ctl({"ns2.example", "--out", file}).exit_code == 0);
    const std::string before = text_of(file);
    const Ran shown = ctl({"ns2.example", "--show", "--key-file", file, "--json"});
    REQUIRE(shown.exit_code == 0);
    CHECK(Json::parse(shown.output)["key"] == before);
    says(ctl({"ns3.example", "--show", "--key-file", file}), 1, "did you mean 'ns2.example'?");
    CHECK(text_of(file) == before);
    ::chmod(file.c_str(), 0644);
    const Ran loose = ctl({"ns2.example", "--show", "--key-file", file});
    says(loose, 1, "(mode 0644); run: chmod 600 " + file);
    says(loose, 1, "others than its owner '");
    CHECK(loose.output.find("secret \"") == std::string::npos);
}

TEST_CASE("a configuration tells zone, addresses and key file, though its key is not there yet") {
    const Folder folder;
    std::ofstream(folder / "dnsd.toml") << config;
    const auto with = [&](std::vector<std::string> more) {
        more.insert(more.begin(), {"ns2.example", "--json", "--config", folder / "dnsd.toml"});
        const Ran ran = ctl(more);
        CAPTURE(ran.output);
        REQUIRE(ran.exit_code == 0);
        return Json::parse(ran.output);
    };
    Json json = with({"--zone", "wiki.example"});
    CHECK(json["dnsd_toml"] ==
          "secondaries = [\"203.0.113.9:5353 key ns2.example\"]    # of wiki.example\n[transfer]\n"
          "key_file = \"" +
              (folder / "my.key") + "\"\n");
    CHECK(json["nsd_conf"].get<std::string>().find("request-xfr: 192.0.2.1@5300 ns2.example") !=
          std::string::npos);
    json = with({"--zone", "wiki.example", "--primary", "192.0.2.77", "--secondary", "192.0.2.8"});
    CHECK(json["nsd_conf"].get<std::string>().find("192.0.2.77@53") != std::string::npos);
    CHECK(json["dnsd_toml"].get<std::string>().find("\"203.0.113.9") == std::string::npos);
    json = with({});  // two zones: which one, nobody said
    CHECK(json["nsd_conf"].get<std::string>().find("name: \"ZONE\"") != std::string::npos);
    says(ctl({"ns2.example", "--config", folder / "dnsd.toml", "--zone", "wiki.exmaple"}), 2,
         "did you mean 'wiki.example'?");
    std::ofstream(folder / "bad.toml") << "zone = 7\n";
    says(ctl({"ns2.example", "--config", folder / "bad.toml"}), 2, "arbiterctl check");
}

TEST_CASE("what is no name, algorithm or address is refused with what to write") {
    says(ctl({}), 2, "keys tsig --help");
    says(ctl({"a..b"}), 2, "is no name of a key");
    says(ctl({"a\"b"}), 2, "letters, digits, '-', '_' and '.'");
    says(ctl({"."}), 2, "is no good name of a key");
    says(ctl({"k", "--algorithm", "hmac-sah256"}), 2, "did you mean 'hmac-sha256'?");
    for (const char* weak : {"hmac-md5", "hmac-sha1"})
        says(ctl({"k", "--algorithm", weak}), 2, "is no algorithm for a key");
    says(ctl({"k", "--primary", "ns0.example"}), 2, "is no address with a port");
    says(ctl({"k", "--secondary", "192.0.2.1:0"}), 2, "is no address with a port");
    says(ctl({"k", "--zone", "a..b"}), 2, "is no name of a zone");
}
