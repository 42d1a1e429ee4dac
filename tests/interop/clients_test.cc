// The clients that people have get what they expect: dig, kdig, drill, host, delv, and an Unbound
// resolver whose stub zone is ours.

#include "tests/lab/ask.h"
#include "tests/lab/process.h"
#include "tests/lab/program.h"

#include <filesystem>
#include <memory>
#include <sstream>

#include <doctest/doctest.h>

namespace {

using namespace lab;

constexpr const char* address = "127.0.0.1";
constexpr int port = 15330;
constexpr int resolver_port = 15331;

const char* const parent = R"($TTL 300
@ 3600 IN SOA ns0 hostmaster 7 3600 600 86400 60
@ IN NS ns0
ns0 IN A 127.0.0.1
www IN A 192.0.2.1
www IN A 192.0.2.2
www IN AAAA 2001:db8::1
www IN HTTPS 1 . alpn=h2,h3
alias IN CNAME www
far IN CNAME host.kin.clients.example.
mail IN MX 10 www
txt IN TXT "a b" "c;\"d\"" "\001"
_sip._udp IN SRV 1 2 5060 www
caa IN CAA 0 issue "ca.example"
loc IN LOC 52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m
naptr IN NAPTR 100 10 "S" "SIP+D2U" "!^.*$!sip:x@clients.example!" .
ssh IN SSHFP 4 2 123456789abcdef67890123456789abcdef67890123456789abcdef123456789
odd IN TYPE65280 \# 3 0102ff
*.wild IN A 192.0.2.9
a.b.c.deep IN A 192.0.2.10
old IN DNAME new
x.new IN A 192.0.2.11
$GENERATE 1-99 big A 10.0.0.$
kin IN NS ns0
MixedCase IN A 192.0.2.12
)";
const char* const child = R"($TTL 300
@ 3600 IN SOA ns0.clients.example. hostmaster 1 3600 600 86400 60
@ IN NS ns0.clients.example.
host IN A 192.0.2.20
)";

std::string at_port() {
    return std::to_string(port);
}

struct Served {
    Scratch scratch{"clients"};
    std::unique_ptr<Process> daemon;

    Served() {
        std::filesystem::create_directories(scratch / "zones");
        write_file(scratch / "zones/clients.example.zone", parent);
        write_file(scratch / "zones/kin.clients.example.zone", child);
        daemon = std::make_unique<Process>(
            Command{{std::string(ARBITER_BIN_DIR) + "/arbiter-dnsd", "--listen",
                     std::string(address) + ":" + at_port(), "--zones", scratch / "zones"},
                    {},
                    scratch / "arbiter.log"});
        REQUIRE_MESSAGE(
            until(10s, [&] { return serial_at(address, port, "clients.example") == 7U; }),
            read_file(scratch / "arbiter.log"));
    }
};

std::string output(const std::vector<std::string>& argv) {
    const Outcome done = run(argv, {}, 20s);
    INFO(argv[0] << " says: " << done.out << done.err);
    CHECK(done.status == 0);
    return done.out;
}

std::string dig(std::vector<std::string> words) {
    words.insert(words.begin(), {"dig", "@127.0.0.1", "-p", at_port(), "+norecurse", "+tries=1"});
    return output(words);
}

// The words of the first line that begins with `start`, one blank between them.
std::string line_of(const std::string& text, const std::string& start) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with(start)) continue;
        std::istringstream words(line);
        std::string result;
        for (std::string word; words >> word;) result += (result.empty() ? "" : " ") + word;
        return result;
    }
    return "no line begins with " + start + " in:\n" + text;
}

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

std::size_t count(const std::string& text, const std::string& part) {
    std::size_t found = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
        ++found;
    return found;
}

}  // namespace

TEST_CASE("dig") {
    const Served served;
    SUBCASE("prints each type's data as they were written") {
        const auto data = [](const std::string& name, const std::string& type) {
            return dig({"+short", name + ".clients.example", type});
        };
        CHECK(data("txt", "TXT") == "\"a b\" \"c;\\\"d\\\"\" \"\\001\"\n");
        CHECK(data("www", "AAAA") == "2001:db8::1\n");
        CHECK(data("www", "HTTPS") == "1 . alpn=\"h2,h3\"\n");
        CHECK(data("mail", "MX") == "10 www.clients.example.\n");
        CHECK(data("_sip._udp", "SRV") == "1 2 5060 www.clients.example.\n");
        CHECK(data("caa", "CAA") == "0 issue \"ca.example\"\n");
        CHECK(data("loc", "LOC") == "52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m\n");
        CHECK(data("naptr", "NAPTR") ==
              "100 10 \"S\" \"SIP+D2U\" \"!^.*$!sip:x@clients.example!\" .\n");
        CHECK(data("ssh", "SSHFP") ==
              "4 2 123456789ABCDEF67890123456789ABCDEF67890123456789ABCDEF1 23456789\n");
        CHECK(data("odd", "TYPE65280") == "\\# 3 0102FF\n");
    }
    SUBCASE("follows an alias into another zone, a DNAME and a wildcard") {
        CHECK(dig({"+short", "far.clients.example"}) == "host.kin.clients.example.\n192.0.2.20\n");
        CHECK(dig({"+short", "x.old.clients.example"}) ==
              "new.clients.example.\nx.new.clients.example.\n192.0.2.11\n");
        CHECK(dig({"+short", "any.thing.wild.clients.example"}) == "192.0.2.9\n");
    }
    SUBCASE("sees what kind of answer it is") {
        const std::string missing = dig({"nothing.clients.example"});
        CHECK(has(missing, "status: NXDOMAIN"));
        CHECK(has(missing, "flags: qr aa;"));
        CHECK(line_of(missing, "clients.example.") ==
              "clients.example. 60 IN SOA ns0.clients.example. hostmaster.clients.example. 7 3600 "
              "600 86400 60");
        CHECK(has(dig({"b.c.deep.clients.example"}), "status: NOERROR"));
        CHECK(has(dig({"www.elsewhere.example"}), "status: REFUSED"));
        CHECK(has(dig({"+opcode=status", "www.clients.example"}), "status: NOTIMP"));
        CHECK(has(dig({"+edns=1", "+noednsneg", "www.clients.example"}), "status: BADVERS"));
        CHECK(has(dig({"+edns=1", "+ednsneg", "www.clients.example"}), "ANSWER: 2"));
    }
    SUBCASE("gets its spelling of the question back") {
        CHECK(has(dig({"wWw.cLiEnTs.eXaMpLe"}), ";wWw.cLiEnTs.eXaMpLe."));
    }
    SUBCASE("comes back by TCP for what is too long") {
        const std::string cut = dig({"+ignore", "+bufsize=512", "big.clients.example"});
        CHECK(has(cut, "flags: qr aa tc;"));
        const std::string whole = dig({"+bufsize=512", "big.clients.example"});
        CHECK(has(whole, ";; Truncated, retrying in TCP mode."));
        CHECK(count(whole, "\tA\t10.0.0.") == 99);
    }
    SUBCASE("has several questions answered on one connection") {
        const std::string out = dig({"+tcp", "+keepopen", "+short", "www.clients.example", "AAAA",
                                     "mail.clients.example", "MX", "+tcp", "+keepopen", "+short"});
        CHECK(out == "2001:db8::1\n10 www.clients.example.\n");
    }
    SUBCASE("shows a cookie that is good, the client's subnet at scope 0, and the keepalive") {
        CHECK(has(dig({"+cookie", "www.clients.example"}), "(good)"));
        CHECK(has(dig({"+subnet=198.51.100.0/24", "www.clients.example"}),
                  "; CLIENT-SUBNET: 198.51.100.0/24/0"));
        CHECK(has(dig({"+tcp", "+keepalive", "www.clients.example"}), "; TCP KEEPALIVE: "));
        CHECK(has(dig({"www.elsewhere.example"}), "; EDE: 20 (Not Authoritative)"));
    }
    SUBCASE("transfers the zone") {
        const std::string zone = dig({"clients.example", "AXFR"});
        CHECK(count(zone, "\tSOA\t") == 2);
        CHECK(has(zone, "MixedCase.clients.example."));
    }
}

TEST_CASE("kdig") {
    const Served served;
    const auto kdig = [](std::vector<std::string> words) {
        words.insert(words.begin(), {"kdig", "@127.0.0.1", "-p", at_port(), "+retry=0"});
        return output(words);
    };
    CHECK(kdig({"+short", "www.clients.example", "AAAA"}) == "2001:db8::1\n");
    CHECK(has(kdig({"+tcp", "www.clients.example"}), "status: NOERROR"));
    const std::string options = kdig({"+cookie", "+padding=64", "+nsid", "+ednsopt=65001:c0ffee",
                                      "+subnet=2001:db8::/32", "www.clients.example"});
    CHECK(has(options, "status: NOERROR"));
    CHECK(has(options, "ANSWER: 2"));
    CHECK(has(kdig({"+keepopen", "+tcp", "www.clients.example", "mail.clients.example", "MX"}),
              "10 www.clients.example."));
    CHECK(has(kdig({"clients.example", "AXFR"}), "MixedCase.clients.example."));
    CHECK(has(kdig({"clients.example", "IXFR=6"}), "SOA"));
}

TEST_CASE("drill") {
    const Served served;
    const auto drill = [](std::vector<std::string> words) {
        words.insert(words.begin(), {"drill", "-p", at_port()});
        words.push_back("@127.0.0.1");
        return output(words);
    };
    CHECK(line_of(drill({"www.clients.example", "AAAA"}), "www.clients.example.") ==
          "www.clients.example. 300 IN AAAA 2001:db8::1");
    CHECK(has(drill({"nothing.clients.example"}), "rcode: NXDOMAIN"));
    CHECK(count(drill({"-t", "big.clients.example"}), "\tA\t10.0.0.") == 99);
    CHECK(count(drill({"clients.example", "AXFR"}), "\tSOA\t") == 2);
}

TEST_CASE("host") {
    const Served served;
    const auto host = [](std::vector<std::string> words) {
        words.insert(words.begin(), {"host", "-p", at_port()});
        words.push_back(address);
        return output(words);
    };
    const std::string www = host({"www.clients.example"});
    CHECK(has(www, "www.clients.example has address 192.0.2.1"));
    CHECK(has(www, "www.clients.example has IPv6 address 2001:db8::1"));
    CHECK(has(host({"alias.clients.example"}),
              "alias.clients.example is an alias for www.clients.example."));
    CHECK(has(host({"-t", "MX", "mail.clients.example"}),
              "mail.clients.example mail is handled by 10 www.clients.example."));
    CHECK(has(host({"-l", "clients.example"}), "ns0.clients.example has address 127.0.0.1"));
}

TEST_CASE("delv") {
    const Served served;
    const std::string out =
        output({"delv", "@127.0.0.1", "-p", at_port(), "-i", "www.clients.example", "AAAA"});
    CHECK(line_of(out, "www.clients.example.") == "www.clients.example. 300 IN AAAA 2001:db8::1");
}

TEST_CASE("an Unbound resolver that plays all its tricks resolves our names") {
    const Served served;
    // Minimised names (RFC 9156) ask for every empty non-terminal on the way; capitals at random
    // (0x20) must come back as they went.
    write_file(served.scratch / "unbound.conf",
               "server:\n"
               "  interface: 127.0.0.1@" +
                   std::to_string(resolver_port) +
                   "\n"
                   "  do-daemonize: no\n  chroot: \"\"\n  username: \"\"\n  pidfile: \"\"\n"
                   "  use-syslog: no\n  logfile: \"\"\n  do-ip6: no\n"
                   "  do-not-query-localhost: no\n  access-control: 127.0.0.0/8 allow\n"
                   "  module-config: \"iterator\"\n  use-caps-for-id: yes\n"
                   "  qname-minimisation: yes\n  qname-minimisation-strict: yes\n"
                   "  num-threads: 1\n"
                   "remote-control:\n  control-enable: no\n"
                   "stub-zone:\n  name: clients.example\n  stub-addr: 127.0.0.1@" +
                   at_port() +
                   "\n"
                   "stub-zone:\n  name: kin.clients.example\n  stub-addr: 127.0.0.1@" +
                   at_port() + "\n");
    Process unbound({{unconfined_program("unbound", served.scratch.path()), "-d", "-c",
                      served.scratch / "unbound.conf"},
                     {},
                     served.scratch / "unbound.log"});
    const auto resolve = [](std::vector<std::string> words) {
        words.insert(words.begin(),
                     {"dig", "@127.0.0.1", "-p", std::to_string(resolver_port), "+tries=1"});
        return output(words);
    };
    const auto resolves = [&] {
        return has(run({"dig", "@127.0.0.1", "-p", std::to_string(resolver_port), "+tries=1",
                        "+timeout=1", "www.clients.example"})
                       .out,
                   "ANSWER: 2");
    };
    REQUIRE_MESSAGE(until(10s, resolves), read_file(served.scratch / "unbound.log"));
    CHECK(resolve({"+short", "mail.clients.example", "MX"}) == "10 www.clients.example.\n");
    CHECK(resolve({"+short", "a.b.c.deep.clients.example"}) == "192.0.2.10\n");
    CHECK(resolve({"+short", "far.clients.example"}) == "host.kin.clients.example.\n192.0.2.20\n");
    CHECK(resolve({"+short", "q.w.wild.clients.example"}) == "192.0.2.9\n");
    CHECK(has(resolve({"+short", "x.old.clients.example"}), "192.0.2.11"));
    CHECK(count(resolve({"big.clients.example"}), "\tA\t10.0.0.") == 99);
    CHECK(has(resolve({"nothing.clients.example"}), "status: NXDOMAIN"));
    CHECK(has(resolve({"www.clients.example", "TXT"}), "status: NOERROR"));
    CHECK(has(resolve({"c.deep.clients.example"}), "status: NOERROR"));
    CHECK(resolve({"+short", "www.clients.example", "HTTPS"}) == "1 . alpn=\"h2,h3\"\n");
}
