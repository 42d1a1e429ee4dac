// The real program, started and signalled as an operator or systemd does it.
#include "tests/dnsd/daemon.h"
#include "dnsd/publish/notifier.h"
#include "tests/dnsd/site.h"
#include "zones/respond.h"

#include <sys/stat.h>
#include <sys/un.h>
#include <array>
#include <csignal>
#include <cstring>

using namespace dnsd;
using namespace test;

TEST_CASE("zones of a directory are served over UDP and TCP, and SIGTERM ends it cleanly") {
    const Site site;
    site.write("root", zone_text(1));
    std::filesystem::create_symlink(site.folder.path("zones/example.org.zone"),
                                    site.folder.path("zones/linked.org.zone"));
    Daemon daemon(site.folder, site.arguments());
    REQUIRE(daemon.says("ready"));
    CHECK(site.ask("www.example.org", zones::Type::a)->answer.size() == 1);
    CHECK(site.ask("www.linked.org", zones::Type::a)->answer.size() == 1);
    CHECK(site.serial(".") == 1);
    {
        const TcpClient client(site.endpoint);
        client.send(zones::make_query(name("example.org"), zones::Type::axfr, 1));
        CHECK(client.receive_answer()->rcode == 0);
        daemon.signal(SIGTERM);  // with a connection open
        CHECK(daemon.exit_code(2s) == 0);
    }
    CHECK(open_query_sockets({site.endpoint}, 1));
}

TEST_CASE("a secondary is told when zones are loaded and when they change") {
    const Site site;
    const auto ear = open_query_udp(loopback(0));
    REQUIRE(ear);
    SocketAddress bound;
    bound.size = sizeof bound.storage;
    REQUIRE(::getsockname(ear->get(), bound.get(), &bound.size) == 0);
    Daemon daemon(site.folder, site.arguments({"--notify", to_endpoint(bound.storage).text()}));
    const auto told = [&](std::uint32_t serial) {
        for (int datagrams = 0; datagrams < 20 && readable(ear->get(), 5s); ++datagrams) {
            Bytes message(4096);
            SocketAddress from;
            from.size = sizeof from.storage;
            const ssize_t got =
                ::recvfrom(ear->get(), message.data(), message.size(), 0, from.get(), &from.size);
            REQUIRE(got > 12);
            const bool notify = (std::to_integer<int>(message[2]) >> 3 & 15) == 4;
            if (!notify) continue;
            CHECK(to_endpoint(from.storage).address == site.endpoint.address);
            message.resize(static_cast<std::size_t>(got));
            message[2] |= std::byte{0x80};  // as its answer would be
            const auto answer = zones::read_answer(message);
            if (answer && answer->serial() == zones::Serial(serial)) {
                ::sendto(ear->get(), message.data(), message.size(), 0, from.get(), from.size);
                return true;
            }
        }
        return false;
    };
    CHECK(told(5));
    site.write("example.org", zone_text(6));
    daemon.signal(SIGHUP);
    CHECK(told(6));
}

TEST_CASE("the limits of TCP come from the configuration, and its secondaries have the reserve") {
    const Site site;
    const std::string config = site.folder.write(
        "dnsd.toml",
        fmt::format("[dns]\nlisten = \"{}\"\nworkers = 1\n[dns.tcp]\nconnections = 4\n"
                    "reserve = 2\nrequest = \"20s\"\n[state]\ndirectory = \"{}\"\ncontrol = "
                    "\"{}\"\n[monitor]\nlisten = \"\"\n[[zone]]\nname = \"example.org\"\n"
                    "file = \"zones/example.org.zone\"\nsecondaries = \"127.0.42.250\"\n",
                    site.endpoint.text(), site.folder.path(), site.folder.path("control.sock")));
    Daemon daemon(site.folder, {"--config", config});
    REQUIRE(daemon.says("ready"));
    const Endpoint secondary{heartbeat::Address::v4({127, 0, 42, 250}), 0};
    std::vector<TcpClient> busy;
    for (int i = 0; i < 2; ++i) {
        busy.emplace_back(site.endpoint);
        busy.back().send(zones::make_query(name("www.example.org"), zones::Type::a, 1));
        REQUIRE(busy.back().receive_answer());
        busy.back().send_raw({std::byte{1}});
    }
    const TcpClient follower(site.endpoint, 0, secondary);
    follower.send(zones::make_query(name("example.org"), zones::Type::soa, 2));
    CHECK(follower.receive_answer()->serial() == zones::Serial(5));
    CHECK(TcpClient(site.endpoint).ended());
}

TEST_CASE("more pairs of zone and secondary than the bound stop a start, but not a daemon") {
    constexpr unsigned secondaries = 64;
    constexpr unsigned zones_at_bound = Notifier::targets_max / secondaries;
    const Site site;  // has one zone
    for (unsigned i = 1; i < zones_at_bound; ++i)
        site.write(fmt::format("z{}.org", i), zone_text(1));
    std::vector<std::string> notify;
    for (unsigned i = 1; i <= secondaries; ++i) {
        notify.emplace_back("--notify");
        notify.push_back(fmt::format("127.9.0.{}:9", i));
    }
    Daemon daemon(site.folder, site.arguments(notify));
    REQUIRE(daemon.says("ready"));
    site.write("zz.org", zone_text(1));
    daemon.signal(SIGHUP);
    REQUIRE(daemon.says("make 65600 pairs to send NOTIFY to; the bound is 65536; the last 64"));
    REQUIRE(daemon.says("reload: 1 zone read anew"));
    CHECK(site.serial("zz.org") == 1);
    daemon.signal(SIGTERM);
    CHECK(daemon.exit_code() == 0);
    Daemon again(site.folder, site.arguments(notify));
    CHECK(again.exit_code() == 78);
    CHECK(
        again.says("make 65600 pairs to send NOTIFY to; the bound is 65536; nothing was started"));
}

TEST_CASE("what cannot start says why in its last line, and leaves with the fitting code") {
    const Site site;
    std::vector<std::string> arguments = site.arguments();
    int code = 0;
    std::string text;
    std::optional<QuerySockets> taken;
    SUBCASE("every mistake in every zone file, with its place") {
        site.write("example.org", zone_text(5, "www A 192.0.2\nmail MX\n"));
        site.write("other.org", "@ A 192.0.2.1\n");
        code = 65;
        text = "in the zone files; nothing was started";
    }
    SUBCASE("a directory that is not there") {
        arguments[3] = site.folder.path("absent");
        code = 66;
        text = "cannot read the directory " + arguments[3] + ": No such file or directory";
    }
    SUBCASE("a port in use") {
        auto opened = open_query_sockets({site.endpoint}, 1);
        REQUIRE(opened);
        taken.emplace(std::move(*opened));
        code = 69;
        text = "cannot listen on " + site.endpoint.text() + " (TCP): the port is in use";
    }
    SUBCASE("an address that is none") {
        arguments[1] = "localhost:http";
        code = 64;
        text = "--listen localhost:http: this is no ADDRESS:PORT";
    }
    SUBCASE("an address that this machine lacks") {
        arguments[1] = "192.0.2.1:15654";
        code = 78;
        text = "this machine does not have that address";
    }
    SUBCASE("no zones and no configuration") {
        arguments.clear();
        code = 64;
        text = "either --config FILE, or --zones DIR";
    }
    SUBCASE("options that do not belong together") {
        arguments.emplace_back("--check");
        code = 64;
        text = "--check and --init go with --config FILE";
    }
    SUBCASE("an option that there is not") {
        arguments.emplace_back("--zone");
        code = 64;
        text = "--zone";
    }
    SUBCASE("a configuration that is not there") {
        arguments = {"--config", site.folder.path("absent.toml")};
        code = 78;
        text = "absent.toml";
    }
    Daemon daemon(site.folder, arguments);
    CHECK(daemon.exit_code() == code);
    const std::string log = daemon.log();
    CAPTURE(log);
    CHECK(log.find(text) != std::string::npos);
    CHECK(log.find("ready") == std::string::npos);
    if (code == 65) {
        CHECK(log.find("example.org.zone:5:") != std::string::npos);
        CHECK(log.find("example.org.zone:6:") != std::string::npos);
        CHECK(log.find("other.org.zone:") != std::string::npos);
    } else if (code != 78) {
        CHECK(std::count(log.begin(), log.end(), '\n') == 1);
    }
}

TEST_CASE("SIGTERM while large zones are read ends it cleanly, too") {
    const Site site;
    site.write("large.org", zone_text(1, "$GENERATE 1-500000 host$ A 192.0.2.1\n"));
    Daemon daemon(site.folder, site.arguments());
    REQUIRE(eventually([&] { return daemon.catches(SIGTERM); }, 20s));
    CHECK(daemon.log().find("ready") == std::string::npos);
    daemon.signal(SIGTERM);
    CHECK(daemon.exit_code(2s) == 0);
}

TEST_CASE("the service manager is told when it is ready") {
    const Site site;
    const Fd ear(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = site.folder.path("notify");
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    REQUIRE(::bind(ear.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    const Daemon daemon(site.folder, site.arguments(), {"NOTIFY_SOCKET=" + path});
    REQUIRE(readable(ear.get(), 20s));
    std::array<char, 64> text{};
    CHECK(::recv(ear.get(), text.data(), text.size(), 0) == 7);
    CHECK(std::string(text.data()) == "READY=1");
    CHECK(site.serial("example.org") == 5);
}
