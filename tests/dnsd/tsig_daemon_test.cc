// What the running program signs, and whose signatures it believes: of secondaries that are told,
// of transfers, and over reloads of its keys.
#include "tests/dnsd/daemon.h"
#include "zones/respond.h"
#include "zones/tsig_text.h"
#include "zones/wire.h"

#include <cstring>
#include <ctime>
#include <regex>

#include <sys/stat.h>

using namespace dnsd;
using namespace test;

namespace {

constexpr unsigned refused = 5, notauth = 9;

std::uint64_t now() {
    return static_cast<std::uint64_t>(std::time(nullptr));
}

zones::TsigKey key_of(const std::string& text, int seed) {
    return {name(text), zones::TsigAlgorithm::hmac_sha256, Bytes(32, static_cast<std::byte>(seed))};
}

std::size_t count_of(const std::string& text, const std::string& what) {
    std::size_t count = 0;
    for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += what.size())
        ++count;
    return count;
}

struct Site {
    explicit Site(const std::vector<std::string>& zones) {
        std::filesystem::create_directory(folder.path("zones"));
        for (const std::string& zone : zones)
            folder.write("zones/" + zone + ".zone", zone_text(5, "www A 192.0.2.80\n"));
    }
    void keep(const std::string& keys) const {
        const std::string path = folder.write("tsig.key", keys);
        REQUIRE(::chmod(path.c_str(), 0600) == 0);
    }
    std::string configure(const std::string& rest, const std::string& monitor = "") const {
        return folder.write(
            "dnsd.toml",
            fmt::format("[dns]\nlisten = \"{}\"\nworkers = 1\n[state]\ndirectory = \"{}\"\n"
                        "control = \"{}\"\n[monitor]\nlisten = \"{}\"\n"
                        "[transfer]\nkey_file = \"tsig.key\"\n{}",
                        endpoint.text(), folder.path(), folder.path("control.sock"), monitor,
                        rest));
    }
    static std::string zone_entry(const std::string& zone, const std::string& more) {
        return fmt::format("[[zone]]\nname = \"{0}\"\nfile = \"zones/{0}.zone\"\n{1}\n", zone,
                           more);
    }

    struct Transfer {
        unsigned rcode;
        std::size_t records;
        bool verified;
    };
    Transfer transfer(const std::string& zone, const zones::TsigKey* key,
                      const std::string& from = "127.0.0.1") const {
        const TcpClient client(endpoint, 0, Endpoint{heartbeat::Address::parse(from).value(), 0});
        Bytes request = zones::make_query(name(zone), zones::Type::axfr, 1), mac;
        if (key != nullptr) request = zones::tsig_sign(request, *key, now(), &mac);
        client.send(request);
        const auto message = client.receive();
        REQUIRE(message);
        const auto answer = zones::read_answer(*message);
        REQUIRE(answer);
        Transfer out{answer->rcode, 0, false};
        for (const auto& rrset : answer->answer) out.records += rrset.rdatas.size();
        out.verified =
            key != nullptr && zones::tsig_verify_answer(*message, *key, mac, now()).has_value();
        return out;
    }

    Folder folder;
    Endpoint endpoint = loopback(free_port());
};

// A secondary that the test speaks for.
class FakeSecondary {
public:
    FakeSecondary() : socket_(std::move(open_query_udp(loopback(0)).value())) {
        SocketAddress bound;
        bound.size = sizeof bound.storage;
        REQUIRE(::getsockname(socket_.get(), bound.get(), &bound.size) == 0);
        endpoint = to_endpoint(bound.storage);
    }
    // The next message of this kind that comes; the others are left without an answer.
    Bytes next(zones::Opcode opcode) {
        for (int datagrams = 0; datagrams < 50 && readable(socket_.get(), 20s); ++datagrams) {
            Bytes message(4096);
            from_.size = sizeof from_.storage;
            const ssize_t got = ::recvfrom(socket_.get(), message.data(), message.size(), 0,
                                           from_.get(), &from_.size);
            REQUIRE(got > 12);
            message.resize(static_cast<std::size_t>(got));
            const auto query = zones::read_query(message);
            if (query && query->opcode == opcode) return message;
        }
        FAIL("nothing came");
        return {};
    }
    void answer(const Bytes& message) const {
        REQUIRE(::sendto(socket_.get(), message.data(), message.size(), 0, from_.get(),
                         from_.size) == static_cast<ssize_t>(message.size()));
    }
    Endpoint endpoint = loopback(0);

private:
    Fd socket_;
    SocketAddress from_;
};

// The answer to it, before it is signed; an SOA with this serial is in it, if there is one.
Bytes bare_answer(const Bytes& request, std::optional<std::uint8_t> serial = std::nullopt) {
    const auto query = zones::read_query(request).value();
    Bytes out(request.begin(), request.begin() + zones::header_size + query.name_size + 4);
    out[2] |= std::byte{0x84};
    std::fill(out.begin() + 6, out.begin() + 12, std::byte{0});
    if (!serial) return out;
    out[7] = std::byte{1};
    for (const int byte : {0xc0, 12, 0, 6, 0, 1, 0, 0, 0, 60, 0, 22, 0, 0, 0, 0, 0, int{*serial}})
        out.push_back(static_cast<std::byte>(byte));
    out.resize(out.size() + 16);
    return out;
}

// Judges the request's signature, and signs the answer to it.
struct Judged {
    Judged(const Bytes& request, const zones::TsigKeys& keys)
        : signer(keys, request, zones::read_query(request).value().tsig_at, now()) {}
    Bytes sign(Bytes answer) {
        const std::size_t size = answer.size();
        answer.resize(size + signer.size());
        answer.resize(signer.seal(answer, size, now()));
        return answer;
    }
    zones::TsigSigner signer;
};

std::string metrics(const Endpoint& monitor) {
    const TcpClient client(monitor);
    const std::string request =
        fmt::format("GET /metrics HTTP/1.0\r\nHost: {}\r\n\r\n", monitor.text());
    const auto* bytes = reinterpret_cast<const std::byte*>(request.data());
    client.send_raw({bytes, bytes + request.size()});
    std::string text;
    std::array<char, 4096> some;
    while (readable(client.fd(), 5s)) {
        const ssize_t got = ::recv(client.fd(), some.data(), some.size(), 0);
        if (got <= 0) break;
        text.append(some.data(), static_cast<std::size_t>(got));
    }
    return text;
}

}  // namespace

TEST_CASE(
    "NOTIFY and SOA questions to a secondary with a key are signed; only such answers count") {
    const Site site({"example.org"});
    FakeSecondary secondary;
    const zones::TsigKey key = key_of("ns2.example", 1);
    const zones::TsigKeys keys({key});
    site.keep(zones::tsig_key_text(key));
    const Endpoint monitor = loopback(free_port());
    Daemon daemon(
        site.folder,
        {"--config",
         site.configure(Site::zone_entry("example.org",
                                         fmt::format("secondaries = [\"{} key {}\"]",
                                                     secondary.endpoint.text(), key.name.text())),
                        monitor.text())});
    REQUIRE(daemon.says("ready"));
    const auto shows = [&](const std::string& what) {
        return eventually([&] { return metrics(monitor).find(what) != std::string::npos; });
    };
    const auto signed_by_us = [&](const Bytes& request) {
        REQUIRE(zones::read_query(request).value().tsig_at != 0);
        Judged judged(request, keys);
        REQUIRE(judged.signer.signer() != nullptr);
        CHECK(*judged.signer.signer() == key.name);
        return judged;
    };

    Bytes notify = secondary.next(zones::Opcode::notify);
    signed_by_us(notify);
    secondary.answer(bare_answer(notify));
    CHECK(daemon.says("its answer is not to be trusted: "));
    CHECK(shows("result=\"unverified\"} 1\n"));

    // By the right key, but not for this request; and it is told again, as if nothing had come.
    notify = secondary.next(zones::Opcode::notify);
    signed_by_us(notify);
    secondary.answer(zones::tsig_sign(bare_answer(notify), key, now()));
    CHECK(shows("result=\"unverified\"} 2\n"));
    CHECK(shows("result=\"acknowledged\"} 0\n"));
    CHECK(count_of(daemon.log(), "its answer is not to be trusted: ") == 1);

    notify = secondary.next(zones::Opcode::notify);
    secondary.answer(signed_by_us(notify).sign(bare_answer(notify)));
    CHECK(shows("result=\"acknowledged\"} 1\n"));

    // It is asked what it has; a serial that anybody may have said is none.
    Bytes question = secondary.next(zones::Opcode::query);
    signed_by_us(question);
    secondary.answer(bare_answer(question, 5));
    CHECK(shows("result=\"unverified\"} 3\n"));
    CHECK(metrics(monitor).find("arbiter_secondary_serial{") == std::string::npos);
    question = secondary.next(zones::Opcode::query);
    secondary.answer(signed_by_us(question).sign(bare_answer(question, 5)));
    CHECK(shows(fmt::format("arbiter_secondary_serial{{zone=\"example.org\",secondary=\"{}\"}} 5\n",
                            secondary.endpoint.text())));
}

TEST_CASE(
    "a reload with a bad key file keeps the old keys and says where; one with a new key adds it") {
    const Site site({"example.org"});
    const zones::TsigKey first = key_of("one.key", 1), second = key_of("two.key", 2);
    const std::string text = zones::tsig_key_text(first);
    const auto allow = [&](const std::string& keys) {
        return site.configure(Site::zone_entry("example.org", "allow = [" + keys + "]"));
    };
    site.keep(text);
    Daemon daemon(site.folder, {"--config", allow("\"key one.key\"")});
    REQUIRE(daemon.says("ready"));
    const auto passes = [&](const zones::TsigKey& key) {
        const auto seen = site.transfer("example.org", &key);
        return seen.rcode == 0 && seen.records >= 4 && seen.verified;
    };
    CHECK(passes(first));
    CHECK(site.transfer("example.org", &second).rcode == notauth);  // BADKEY

    std::string good = text;
    if (!good.ends_with('\n')) good += '\n';
    const auto line = std::count(good.begin(), good.end(), '\n') + 1;
    site.keep(good + "key \"two.key\" { algorithm hmac-sha256; secrt \"AAAA\"; };\n");
    daemon.signal(SIGHUP);
    REQUIRE(daemon.says("The running configuration stays; no zone file was read"));
    CHECK(std::regex_search(daemon.log(),
                            std::regex(fmt::format("tsig\\.key:{}:[0-9]+: error: ", line))));
    CHECK(passes(first));
    CHECK(site.transfer("example.org", &second).rcode == notauth);
    CHECK(UdpClient(site.endpoint).ask("www.example.org", zones::Type::a)->answer.size() == 1);

    site.keep(good + zones::tsig_key_text(second));
    allow("\"key one.key\", \"key two.key\"");
    daemon.signal(SIGHUP);
    REQUIRE(daemon.says("+ key two.key"));
    REQUIRE(eventually([&] { return passes(second); }));
    CHECK(passes(first));

    site.keep(zones::tsig_key_text(second));
    allow("\"key two.key\"");
    daemon.signal(SIGHUP);
    REQUIRE(daemon.says("- key one.key"));
    CHECK(eventually([&] { return site.transfer("example.org", &first).rcode == notauth; }));
    CHECK(passes(second));
}

TEST_CASE("who may transfer which zone is told by address and key, and a refusal by its reason") {
    const std::vector<std::string> all_zones = {"a.test", "b.test", "c.test"};
    const Site site(all_zones);
    const zones::TsigKey all = key_of("all.key", 1), b = key_of("b.key", 2);
    const zones::TsigKey unknown = key_of("other.key", 3), forged = key_of("b.key", 4);
    site.keep(zones::tsig_key_text(all) + "\n" + zones::tsig_key_text(b) + "\n");
    Daemon daemon(site.folder,
                  {"--config",
                   site.configure("allow = [\"key all.key\"]\n" +
                                  Site::zone_entry("a.test", "allow = [\"127.0.43.1\"]") +
                                  Site::zone_entry("b.test", "allow = [\"127.0.43.2 key b.key\"]") +
                                  Site::zone_entry("c.test", ""))});
    REQUIRE(daemon.says("ready"));
    unsigned passed = 0;
    for (const std::string& zone : all_zones)
        for (const int host : {1, 2, 3})
            for (const zones::TsigKey* key :
                 std::initializer_list<const zones::TsigKey*>{nullptr, &all, &b}) {
                const bool may = key == &all || (zone == "a.test" && host == 1) ||
                                 (zone == "b.test" && host == 2 && key == &b);
                CAPTURE(zone);
                CAPTURE(host);
                CAPTURE((key == nullptr ? "no key" : key->name.text()));
                const auto seen = site.transfer(zone, key, fmt::format("127.0.43.{}", host));
                CHECK(seen.rcode == (may ? 0 : refused));
                CHECK((seen.records != 0) == may);
                CHECK(seen.verified == (key != nullptr));  // a refusal is signed as well
                passed += seen.rcode == 0;
            }
    CHECK(passed == 9 + 2 + 1);  // by all.key; a.test without and with b.key; b.test

    struct Case {
        const char* zone;
        const zones::TsigKey* key;
        unsigned rcode;
        zones::Refusal why;
    };
    int host = 10;
    for (const Case& one : {Case{"a.test", nullptr, refused, zones::Refusal::not_allowed},
                            Case{"b.test", &b, refused, zones::Refusal::not_allowed},
                            Case{"b.test", &unknown, notauth, zones::Refusal::key_unknown},
                            Case{"b.test", &forged, notauth, zones::Refusal::bad_signature},
                            Case{"d.test", nullptr, notauth, zones::Refusal::no_such_zone}}) {
        const std::string from = fmt::format("127.0.43.{}", ++host);
        CAPTURE(from);
        for (int times = 0; times < 3; ++times)
            CHECK(site.transfer(one.zone, one.key, from).rcode == one.rcode);
        CHECK(daemon.says(fmt::format("refused transfer of {} to {}: {}\n", one.zone, from,
                                      zones::text(one.why))));
        CHECK(count_of(daemon.log(), " to " + from + ": ") == 1);
    }
}
