// The real program, started and signalled as an operator or systemd does it.
#include "tests/dnsd/daemon.h"
#include "dnsd/publish/notifier.h"
#include "tests/dnsd/support.h"
#include "zones/respond.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <memory>

using namespace dnsd;
using namespace test;

namespace {

struct Site {
    Site() {
        std::filesystem::create_directory(folder.path("zones"));
        write("example.org", zone_text(5, "www A 192.0.2.80\n"));
    }
    void write(const std::string& zone, const std::string& text) const {
        folder.write("zones/" + zone + ".zone", text);
    }
    std::vector<std::string> arguments(const std::vector<std::string>& more = {}) const {
        std::vector<std::string> all{"--listen",           endpoint.text(), "--zones",
                                     folder.path("zones"), "--workers",     "2"};
        all.insert(all.end(), more.begin(), more.end());
        return all;
    }
    std::optional<zones::Answer> ask(const std::string& what, zones::Type type) const {
        return UdpClient(endpoint).ask(what, type);
    }
    std::optional<std::uint32_t> serial(const std::string& zone) const {
        const auto answer = ask(zone, zones::Type::soa);
        const auto serial = answer ? answer->serial() : std::nullopt;
        return serial ? std::optional(serial->value()) : std::nullopt;
    }
    Folder folder;
    Endpoint endpoint = loopback(free_port());
};

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
    // Once it serves, nothing is held back.
    CHECK_FALSE(daemon.holds(SIGHUP));
    daemon.signal(SIGTERM);
    CHECK(daemon.exit_code() == 0);
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
