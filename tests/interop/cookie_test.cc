// Servers that share a secret share their cookies (RFC 9018): what BIND, NSD or Knot made is good
// here, and what was made here is good there.

#include "zones/cookie.h"
#include "tests/lab/process.h"
#include "tests/lab/socket_address.h"
#include "zones/soa_query.h"

#include <array>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <ctime>

#include <doctest/doctest.h>

namespace {

using namespace lab;
using Bytes = std::vector<std::byte>;

constexpr int our_port = 15460, bind_port = 15461, nsd_port = 15462, knot_port = 15463;
constexpr const char* secret = "e5e973e5a6b2a43f48e7dc849e37bfcf";
constexpr const char* zone_text =
    "$TTL 300\n@ SOA ns0.invalid. host.invalid. 1 3600 600 86400 60\n@ NS ns0.invalid.\n";
constexpr std::size_t cookie_size = zones::client_cookie_size + zones::server_cookie_size;
constexpr std::uint16_t badcookie = 23;

struct Reply {
    std::uint16_t rcode;
    Bytes cookie;
};

std::optional<Bytes> datagram_from(int port, const Bytes& request) {
    const int udp = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const sockaddr_in to = lab::socket_address("127.0.0.1", port);
    Bytes answer(65535);
    ssize_t size = -1;
    pollfd readable{udp, POLLIN, 0};
    if (::connect(udp, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0 &&
        ::send(udp, request.data(), request.size(), 0) > 0 && ::poll(&readable, 1, 2000) > 0)
        size = ::recv(udp, answer.data(), answer.size(), 0);
    ::close(udp);
    if (size < 12) return std::nullopt;
    answer.resize(static_cast<std::size_t>(size));
    return answer;
}

// From 127.0.0.1, with the cookie as the only option, as it comes back: last in the message.
std::optional<Reply> ask_with(int port, const Bytes& cookie) {
    Bytes request = zones::make_query(*zones::Name::parse("cookie.example"), zones::Type::soa, 7);
    request[11] = std::byte{1};
    const auto size = static_cast<int>(cookie.size());
    for (const int byte : {0, 0, 41, 4, 208, 0, 0, 0, 0, 0, size + 4, 0, 10, 0, size})
        request.push_back(static_cast<std::byte>(byte));
    request.insert(request.end(), cookie.begin(), cookie.end());
    const auto message = datagram_from(port, request);
    if (!message) return std::nullopt;
    const auto answer = zones::read_answer(*message);
    if (!answer || message->size() < cookie_size) return std::nullopt;
    return Reply{answer->rcode,
                 Bytes(message->end() - static_cast<std::ptrdiff_t>(cookie_size), message->end())};
}

const Bytes client_cookie{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4},
                          std::byte{5}, std::byte{6}, std::byte{7}, std::byte{8}};

// As our server makes it, some time ago.
Bytes ours(int seconds_ago) {
    const zones::AddressBytes self{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1};
    const auto then = static_cast<std::uint32_t>(std::time(nullptr) - seconds_ago);
    const auto made = zones::make_cookie(*zones::CookieSecrets::parse(secret),
                                         std::span<const std::byte, 8>(client_cookie), self, then);
    Bytes cookie = client_cookie;
    cookie.insert(cookie.end(), made.begin(), made.end());
    return cookie;
}

Bytes forged(Bytes cookie) {
    cookie.back() ^= std::byte{1};
    return cookie;
}

// A server in its own folder; a copy of the program, as Debian's AppArmor confines some by path.
struct Server {
    Server(const Scratch& scratch, const std::string& name, const std::string& program,
           const std::string& config_file, const std::string& config,
           std::vector<std::string> arguments, int its_port)
        : port(its_port), log(scratch / (name + "/log")) {
        const std::string folder = scratch / name;
        std::filesystem::create_directories(folder);
        std::filesystem::copy_file(program, folder + "/program");
        write_file(folder + "/cookie.example.zone", zone_text);
        write_file(folder + "/" + config_file, config);
        arguments.insert(arguments.begin(), folder + "/program");
        process.emplace(Command{arguments, {}, log});
        const bool up = until(
            20s, [&] { return !process->running() || ask_with(port, client_cookie).has_value(); });
        REQUIRE_MESSAGE((up && process->running()), name << ": " << read_file(log));
    }
    int port;
    std::string log;
    std::optional<Process> process;
};

std::string at(int port) {
    return "127.0.0.1:" + std::to_string(port);
}

}  // namespace

TEST_CASE("cookies of BIND, NSD and Knot are good at ours, and ours at theirs") {
    const Scratch scratch("cookie");
    write_file(scratch / "cookies.key", std::string(secret) + "\n", 0600);
    const std::string folder = scratch.path();
    const Server us(scratch, "arbiter", std::string(ARBITER_BIN_DIR) + "/arbiter-dnsd", "dnsd.toml",
                    "[dns]\nlisten = \"" + at(our_port) +
                        "\"\ncookies = \"require\"\ncookie_file = \"../cookies.key\"\n"
                        "[state]\ndirectory = \"" +
                        folder + "\"\ncontrol = \"" + folder +
                        "/control\"\n[monitor]\nlisten = \"\"\n[[zone]]\n"
                        "name = \"cookie.example\"\nfile = \"cookie.example.zone\"\n",
                    {"--config", folder + "/arbiter/dnsd.toml"}, our_port);
    const Server bind(
        scratch, "bind", "/usr/sbin/named", "named.conf",
        "options { directory \"" + folder + "/bind\"; listen-on port " + std::to_string(bind_port) +
            " { 127.0.0.1; }; listen-on-v6 { none; }; pid-file none; session-keyfile none;\n"
            "managed-keys-directory \"" +
            folder + "/bind\"; recursion no; dnssec-validation no; notify no;\ncookie-secret \"" +
            secret +
            "\"; require-server-cookie yes; };\ncontrols { };\n"
            "zone \"cookie.example\" { type primary; file \"cookie.example.zone\"; };\n",
        {"-g", "-n", "1", "-c", folder + "/bind/named.conf"}, bind_port);
    const Server nsd(
        scratch, "nsd", "/usr/sbin/nsd", "nsd.conf",
        "server:\n  ip-address: 127.0.0.1@" + std::to_string(nsd_port) +
            "\n  username: \"\"\n  chroot: \"\"\n  database: \"\"\n  zonesdir: \"" + folder +
            "/nsd\"\n  pidfile: \"\"\n  xfrdfile: \"" + folder + "/nsd/xfrd\"\n  zonelistfile: \"" +
            folder + "/nsd/list\"\n  xfrdir: \"" + folder +
            "/nsd\"\n  server-count: 1\n  answer-cookie: yes\n  cookie-secret: " + secret +
            "\n  cookie-secret-file: \"" + folder +
            "/nsd/none\"\nremote-control:\n  control-enable: no\nzone:\n"
            "  name: cookie.example\n  zonefile: cookie.example.zone\n",
        {"-d", "-c", folder + "/nsd/nsd.conf"}, nsd_port);
    const Server knot(scratch, "knot", "/usr/sbin/knotd", "knot.conf",
                      "server:\n  listen: 127.0.0.1@" + std::to_string(knot_port) +
                          "\n  rundir: " + folder + "/knot\ndatabase:\n  storage: " + folder +
                          "/knot\nmod-cookies:\n  - id: all\n    secret: 0x" + secret +
                          "\ntemplate:\n  - id: default\n    storage: " + folder +
                          "/knot\n    global-module: mod-cookies/all\nzone:\n"
                          "  - domain: cookie.example\n    file: cookie.example.zone\n",
                      {"-c", folder + "/knot/knot.conf"}, knot_port);

    const auto told = [](const Server& server, const Bytes& cookie) {
        const auto reply = ask_with(server.port, cookie);
        REQUIRE(reply.has_value());
        return *reply;
    };
    // Theirs at ours, which is strict.
    for (const Server* theirs : {&bind, &nsd, &knot}) {
        CAPTURE(theirs->port);
        const Bytes cookie = told(*theirs, client_cookie).cookie;
        CHECK(told(us, cookie).rcode == 0);
        CHECK(told(us, cookie).cookie == cookie);
        CHECK(told(us, forged(cookie)).rcode == badcookie);
    }
    // Ours at theirs. BIND and Knot are strict.
    for (const Server* theirs : {&bind, &knot}) {
        CAPTURE(theirs->port);
        const Bytes cookie = told(us, client_cookie).cookie;
        CHECK(told(*theirs, cookie).rcode == 0);
        CHECK(told(*theirs, ours(600)).rcode == 0);
        CHECK(told(*theirs, forged(cookie)).rcode == badcookie);
        CHECK(told(*theirs, ours(4000)).rcode == badcookie);
    }
    // NSD never refuses: it gives a good cookie back, and makes a new one in place of a bad one.
    const Bytes aged = ours(600), stale = ours(4000);
    CHECK(told(nsd, aged).cookie == aged);
    CHECK(told(nsd, forged(aged)).cookie != forged(aged));
    CHECK(told(nsd, stale).cookie != stale);
}
