// What the real program takes up when it is told that something changed.
#include "tests/dnsd/daemon.h"
#include "tests/dnsd/site.h"
#include "zones/respond.h"

#include <sys/stat.h>
#include <csignal>
#include <cstring>

using namespace dnsd;
using namespace test;

TEST_CASE("SIGHUP takes up what changed") {
    const Site site;
    site.write("gone.org", zone_text(1));
    Daemon daemon(site.folder, site.arguments());
    REQUIRE(daemon.says("ready"));
    site.write("example.org", zone_text(6, "mail A 192.0.2.25\n"));
    site.write("new.org", zone_text(1));
    std::filesystem::remove(site.folder.path("zones/gone.org.zone"));
    daemon.signal(SIGHUP);
    REQUIRE(daemon.says("reload: 2 zones read anew, 0 unchanged"));
    CHECK(site.serial("example.org") == 6);
    CHECK(site.ask("mail.example.org", zones::Type::a)->answer.size() == 1);
    CHECK(site.serial("new.org") == 1);
    CHECK(site.ask("gone.org", zones::Type::soa)->rcode == 5);  // REFUSED: not ours any more

    site.write("example.org", zone_text(6, "mail A 192.0.2.26\n"));
    daemon.signal(SIGHUP);
    REQUIRE(daemon.says("served as 7"));
    CHECK(eventually([&] { return site.serial("example.org") == 7; }));

    site.write("example.org", zone_text(8, "mail A 192.0.2\n"));
    daemon.signal(SIGHUP);
    REQUIRE(daemon.says("serial 7 is still served"));
    CHECK(daemon.says("example.org.zone:5:"));
    CHECK(site.serial("example.org") == 7);
}

TEST_CASE("a reload's sum tells what is served as before from what is not served at all") {
    const Site site;
    Daemon daemon(site.folder, site.arguments());
    REQUIRE(daemon.says("ready"));
    site.write("example.org", zone_text(6, "www A 192.0.2\n"));
    site.write("new.org", "nonsense\n");
    site.write("newer.org", "nonsense\n");
    site.write("a..b", zone_text(1));
    daemon.signal(SIGHUP);
    REQUIRE(
        daemon.says("reload: 0 zones read anew, 0 unchanged, 1 with errors: served as before, "
                    "2 with errors: not served, 1 file left out\n"));
    CHECK(site.serial("example.org") == 5);
    CHECK(site.ask("new.org", zones::Type::soa)->rcode == 5);
}

TEST_CASE("a reload reads the configuration, says what waits for a restart, and refuses mistakes") {
    const Site site;
    const auto configure = [&](const std::string& dns) {
        return site.folder.write(
            "dnsd.toml", fmt::format(""
                                     "[dns]\nlisten = \"{}\"\n{}\n[state]\ndirectory = \"{}\"\n"
                                     "control = \"{}\"\n[monitor]\nlisten = \"\"\n[[zone]]\nname = "
                                     "\"example.org\"\nfile = \"zones/example.org.zone\"\n",
                                     site.endpoint.text(), dns, site.folder.path(),
                                     site.folder.path("control.sock")));
    };
    Daemon daemon(site.folder, {"--config", configure("workers = 1")});
    REQUIRE(daemon.says("ready"));

    configure("workers = 1\nwrkers = 2");
    site.write("example.org", zone_text(6));
    daemon.signal(SIGHUP);
    CHECK(daemon.says("dnsd.toml:4:1: error: "));
    CHECK(daemon.says("The running configuration stays; no zone file was read"));
    CHECK(site.serial("example.org") == 5);

    configure("workers = 2");
    daemon.signal(SIGHUP);
    CHECK(daemon.says("~ dns.workers 1 -> 2"));
    CHECK(daemon.says("take effect at a restart"));
    CHECK(daemon.says("reload: 1 zone read anew"));
    CHECK(site.serial("example.org") == 6);
}

TEST_CASE("cookie secrets and names come from the configuration; secrets change at a reload") {
    const Site site;
    const std::string first = "e5e973e5a6b2a43f48e7dc849e37bfcf";
    const std::string second = "445536bcd2513298075a5d379663c962";
    const auto keep = [&](const std::string& secrets, int mode = 0600) {
        const std::string path = site.folder.write("cookies.key", secrets);
        REQUIRE(::chmod(path.c_str(), static_cast<mode_t>(mode)) == 0);
    };
    keep(first + "\n");
    const std::string config = site.folder.write(
        "dnsd.toml",
        fmt::format("[dns]\nlisten = \"{}\"\nworkers = 1\nnsid = \"ns-7\"\nversion = \"\"\n"
                    "cookie_file = \"cookies.key\"\n[state]\ndirectory = \"{}\"\ncontrol = "
                    "\"{}\"\n[monitor]\nlisten = \"\"\n[[zone]]\nname = \"example.org\"\n"
                    "file = \"zones/example.org.zone\"\n",
                    site.endpoint.text(), site.folder.path(), site.folder.path("control.sock")));
    Daemon daemon(site.folder, {"--config", config});
    REQUIRE(daemon.says("ready"));

    const UdpClient client(site.endpoint);
    const auto reply = [&](std::initializer_list<int> option) {
        Bytes request = zones::make_query(name("example.org"), zones::Type::soa, 1);
        request[11] = std::byte{1};  // one OPT
        for (const int byte : {0, 0, 41, 4, 208, 0, 0, 0, 0, 0, static_cast<int>(option.size())})
            request.push_back(static_cast<std::byte>(byte));
        for (const int byte : option) request.push_back(static_cast<std::byte>(byte));
        client.send(request);
        const auto message = client.receive();
        REQUIRE(message);
        return *message;  // the one option that is answered ends it
    };
    const Bytes named = reply({0, 3, 0, 0});
    CHECK(std::memcmp(named.data() + named.size() - 4, "ns-7", 4) == 0);
    const auto chaos = [&](const std::string& what) {
        Bytes request = zones::make_query(name(what), zones::Type::txt, 1);
        request.back() = std::byte{3};
        client.send(request);
        return zones::read_answer(client.receive().value()).value();
    };
    CHECK(chaos("version.bind").rcode == 5);
    CHECK(chaos("id.server").answer.size() == 1);

    // Which secret made a cookie is seen by making it again.
    const auto made_by = [&](const std::string& secret) {
        const Bytes message = reply({0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8});
        const auto cookie = std::span(message).last<24>();
        std::uint32_t stamp = 0;
        for (const std::byte byte : cookie.subspan<12, 4>())
            stamp = stamp << 8 | std::to_integer<std::uint32_t>(byte);
        const zones::AddressBytes self{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1};
        const auto made = zones::make_cookie(*zones::CookieSecrets::parse(secret),
                                             cookie.first<8>(), self, stamp);
        return std::equal(made.begin(), made.end(), cookie.begin() + 8);
    };
    CHECK(made_by(first));
    CHECK_FALSE(made_by(second));

    keep(first + "\n" + second + "\n");
    daemon.signal(SIGHUP);
    CHECK(daemon.says("2 cookie secrets in use"));
    CHECK(made_by(first));
    keep(second + "\n");
    daemon.signal(SIGHUP);
    CHECK(daemon.says("1 cookie secret in use"));
    CHECK(eventually([&] { return made_by(second); }));

    // With a mistake in it, or others who can read it, the file is not taken.
    keep("nonsense\n");
    daemon.signal(SIGHUP);
    CHECK(daemon.says("cookies.key: line 1: a cookie secret is 32 hexadecimal digits"));
    keep(first + "\n", 0644);
    daemon.signal(SIGHUP);
    CHECK(daemon.says("run: chmod 600"));
    CHECK(made_by(second));

    Daemon again(site.folder, {"--config", config});
    CHECK(again.exit_code() == 77);
}

TEST_CASE("SIGHUP while the configuration and the zones are read ends nobody, and is not lost") {
    const Site site;
    site.write("large.org", zone_text(1, "$GENERATE 1-20000 host$ A 192.0.2.1\n"));
    std::string config = fmt::format(
        "[dns]\nlisten = \"{}\"\n[state]\ndirectory = \"{}\"\ncontrol = \"{}\"\n[monitor]\n"
        "listen = \"\"\n[[zone]]\nname = \"large.org\"\nfile = \"zones/large.org.zone\"\n",
        site.endpoint.text(), site.folder.path(), site.folder.path("control.sock"));
    // Long to read, and read before anything else.
    for (int i = 0; i < 2000; ++i)
        config +=
            fmt::format("[[zone]]\nname = \"z{}.org\"\nfile = \"zones/example.org.zone\"\n", i);
    Daemon daemon(site.folder, {"--config", site.folder.write("dnsd.toml", config)});
    REQUIRE(eventually([&] { return daemon.holds(SIGHUP) || daemon.catches(SIGHUP); }, 20s));
    unsigned early = 0;
    REQUIRE(eventually(
        [&] {
            daemon.signal(SIGHUP);
            early += daemon.holds(SIGHUP);
            return daemon.log().find("ready: ") != std::string::npos;
        },
        60s));
    CHECK(early > 0);
    CHECK(daemon.says("reload: 0 zones read anew, 2001 unchanged"));
    // Once it serves, nothing is held back, but for the moment in which a reload's thread is made.
    CHECK(eventually([&] { return !daemon.holds(SIGHUP); }));
    daemon.signal(SIGTERM);
    CHECK(daemon.exit_code() == 0);
}
