// What dig is told in class CH by the real program.
#include "tests/dnsd/daemon.h"
#include "tests/dnsd/site.h"
#include "zones/respond.h"

#include <array>
#include <csignal>
#include <cstdio>
#include <memory>

using namespace dnsd;
using namespace test;

namespace {

// What dig prints, from its own address or from another of this machine.
std::string dig(const Endpoint& server, const std::string& words) {
    const std::string command = fmt::format("dig @{} -p {} +tries=1 +time=5 +norecurse {} 2>&1",
                                            server.address.text(), server.port, words);
    std::string printed;
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), ::pclose);
    std::array<char, 4096> buffer;
    for (std::size_t got = 0;
         pipe && (got = std::fread(buffer.data(), 1, buffer.size(), pipe.get())) > 0;)
        printed.append(buffer.data(), got);
    return printed;
}

}  // namespace

TEST_CASE("dig is told in class CH how a secondary stands, and only whom monitor.allow lists") {
    const Site site;
    const auto ear = open_query_udp(loopback(0));
    REQUIRE(ear);
    SocketAddress bound;
    bound.size = sizeof bound.storage;
    REQUIRE(::getsockname(ear->get(), bound.get(), &bound.size) == 0);
    const std::string told = to_endpoint(bound.storage).text();
    const std::string config = site.folder.write(
        "dnsd.toml",
        fmt::format("[dns]\nlisten = \"{}\"\nworkers = 1\n[state]\ndirectory = \"{}\"\n"
                    "control = \"{}\"\n[monitor]\nlisten = \"\"\nallow = [\"127.0.0.1\"]\n"
                    "[[zone]]\nname = \"example.org\"\nfile = \"zones/example.org.zone\"\n"
                    "secondaries = [\"{}\"]\n",
                    site.endpoint.text(), site.folder.path(), site.folder.path("control.sock"),
                    told));
    Daemon daemon(site.folder, {"--config", config});
    REQUIRE(daemon.says("ready"));
    const std::string secondary = "CH TXT 127-0-0-1.Secondary.arbiter";
    CHECK(dig(site.endpoint, secondary + " +short") ==
          fmt::format("\"serial=unknown\" \"behind=unknown\" \"zone=example.org\" "
                      "\"address={}\"\n",
                      told));
    CHECK(dig(site.endpoint, "CH TXT standing.arbiter +short").find("\"zones=1\"") !=
          std::string::npos);
    CHECK(dig(site.endpoint, secondary + " +tcp +short").find("zone=example.org") !=
          std::string::npos);
    for (const char* what : {"CH TXT standing.arbiter", "CH TXT 127-0-0-1.secondary.arbiter"}) {
        const std::string refused = dig(site.endpoint, fmt::format("-b 127.0.0.2 {}", what));
        CHECK(refused.find("status: REFUSED") != std::string::npos);
        CHECK(refused.find("ANSWER: 0") != std::string::npos);
    }

    // Asked for its SOA it shows an old version: that is told within a second, without a change.
    const auto old = catalog(zone("example.org", zone_text(4)));
    bool answered = false;
    for (int datagrams = 0; datagrams < 20 && !answered && readable(ear->get(), 5s); ++datagrams) {
        Bytes message(4096), reply(4096);
        SocketAddress from;
        from.size = sizeof from.storage;
        const ssize_t got =
            ::recvfrom(ear->get(), message.data(), message.size(), 0, from.get(), &from.size);
        REQUIRE(got > 12);
        message.resize(static_cast<std::size_t>(got));
        if ((std::to_integer<int>(message[2]) >> 3 & 15) != 0) continue;  // NOTIFY
        reply.resize(zones::respond(old, message, zones::Peer{}, zones::Turn{}, reply));
        ::sendto(ear->get(), reply.data(), reply.size(), 0, from.get(), from.size);
        answered = true;
    }
    REQUIRE(answered);
    CHECK(eventually([&] {
        return dig(site.endpoint, secondary + " +short")
                   .find("\"serial=4\" \"behind=1\" \"since=") == 0;
    }));
}

TEST_CASE("dig on this machine is told of zones of a directory") {
    const Site site;
    Daemon daemon(site.folder, site.arguments());
    REQUIRE(daemon.says("ready"));
    CHECK(dig(site.endpoint, "CH TXT standing.arbiter +short") == "\"state=ok\" \"zones=1\"\n");
    site.write("new.org", zone_text(1));
    daemon.signal(SIGHUP);
    REQUIRE(daemon.says("1 added"));
    CHECK(dig(site.endpoint, "CH TXT standing.arbiter +short") == "\"state=ok\" \"zones=2\"\n");
}
