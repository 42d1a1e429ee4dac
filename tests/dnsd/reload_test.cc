// Ten thousand zones under a stream of questions, while reloads add, change, break and remove some.
#include "dnsd/io/check.h"
#include "dnsd/io/zone_files.h"
#include "tests/dnsd/daemon.h"

#include <atomic>
#include <mutex>
#include <random>
#include <thread>

using namespace dnsd;
using namespace test;

namespace {

constexpr int refused = 5;

std::string config_text(const Folder& folder, const Endpoint& endpoint,
                        const std::vector<std::string>& zones) {
    std::string text = fmt::format(
        "[dns]\nlisten = \"{}\"\nworkers = 2\n[state]\ndirectory = \"{}\"\ncontrol = \"{}\"\n"
        "[monitor]\nlisten = \"\"\n",
        endpoint.text(), folder.path(), folder.path("control.sock"));
    for (const std::string& zone : zones)
        text += fmt::format("[[zone]]\nname = \"{0}\"\nfile = \"zones/{0}.zone\"\n", zone);
    return text;
}

// What the daemon may answer for each zone: its serial, 0 for REFUSED.
class Expected {
public:
    using Pair = std::pair<std::uint32_t, std::uint32_t>;

    explicit Expected(std::size_t zones) : may_(zones, {0, 0}) {}
    void set(std::size_t zone, std::uint32_t serial) { may(zone, serial, serial); }
    void may(std::size_t zone, std::uint32_t before, std::uint32_t after) {
        const std::lock_guard lock(mutex_);
        may_[zone] = {before, after};
    }
    Pair of(std::size_t zone) const {
        const std::lock_guard lock(mutex_);
        return may_[zone];
    }

private:
    mutable std::mutex mutex_;
    std::vector<Pair> may_;
};

std::string name_of(std::size_t zone) {
    return fmt::format("z{}.test", zone);
}

std::optional<std::uint32_t> serial_of(const UdpClient& client, std::size_t zone) {
    const auto answer = client.ask(name_of(zone), zones::Type::soa);
    if (!answer) return std::nullopt;
    if (answer->rcode == refused) return 0;
    const auto serial = answer->serial();
    return serial ? std::optional(serial->value()) : std::nullopt;
}

// Asks without a pause, mostly for the zones that change.
class Stream {
public:
    Stream(const Endpoint& server, const Expected& expected, std::size_t hot, std::size_t zones)
        : thread_([this, server, &expected, hot, zones] {
              const UdpClient client(server);
              std::mt19937_64 random(7);
              while (!done_) {
                  const std::size_t zone = random() % (random() % 2 ? hot : zones);
                  const auto before = expected.of(zone);
                  const auto serial = serial_of(client, zone);
                  const auto after = expected.of(zone);
                  ++asked_;
                  if (!serial)
                      ++unanswered_;
                  else if (*serial != before.first && *serial != before.second &&
                           *serial != after.first && *serial != after.second)
                      ++wrong_;
              }
          }) {}
    ~Stream() {
        done_ = true;
        if (thread_.joinable()) thread_.join();
    }
    void end() {
        done_ = true;
        thread_.join();
    }
    std::size_t asked() const { return asked_; }
    std::size_t unanswered() const { return unanswered_; }
    std::size_t wrong() const { return wrong_; }

private:
    std::atomic<bool> done_{false};
    std::atomic<std::size_t> asked_{0}, unanswered_{0}, wrong_{0};
    std::thread thread_;
};

std::size_t resident_kib(pid_t pid) {
    std::ifstream status("/proc/" + std::to_string(pid) + "/status");
    for (std::string line; std::getline(status, line);)
        if (line.starts_with("VmRSS:")) return std::stoul(line.substr(6));
    return 0;
}

std::size_t count_of(const std::string& text, const std::string& what) {
    std::size_t count = 0;
    for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += what.size())
        ++count;
    return count;
}

}  // namespace

TEST_CASE("ten thousand zones are reloaded under questions: all are answered, each rightly") {
    constexpr std::size_t zones = 10'000, hot = 40, reloads = 20;
    const Folder folder;
    std::filesystem::create_directory(folder.path("zones"));
    const Endpoint endpoint = loopback(free_port());
    const auto write = [&](std::size_t zone, const std::string& text) {
        folder.write("zones/" + name_of(zone) + ".zone", text);
    };
    Expected expected(zones + reloads);
    std::vector<bool> there(zones + reloads, false);
    for (std::size_t zone = 0; zone < zones; ++zone) {
        write(zone, zone_text(1));
        expected.set(zone, 1);
        there[zone] = true;
    }
    const auto configure = [&] {
        std::vector<std::string> names;
        for (std::size_t zone = 0; zone < there.size(); ++zone)
            if (there[zone]) names.push_back(name_of(zone));
        return folder.write("dnsd.toml", config_text(folder, endpoint, names));
    };
    // Freed memory goes back to the system, so that what is resident tells what is kept.
    Daemon daemon(folder, {"--config", configure()},
                  {"ASAN_OPTIONS=quarantine_size_mb=1", "MALLOC_TRIM_THRESHOLD_=131072"});
    REQUIRE(eventually([&] { return daemon.log().find("ready: ") != std::string::npos; }, 120s));

    Stream stream(endpoint, expected, hot, zones);
    const UdpClient client(endpoint);
    std::mt19937_64 random(1);
    std::size_t resident = 0;
    for (std::uint32_t round = 1; round <= reloads; ++round) {
        const std::uint32_t serial = round + 1;
        const std::size_t changed = random() % (hot / 2), broken = hot / 2 + random() % (hot / 4),
                          removed = zones - round, added = zones + round - 1;
        const std::uint32_t was = expected.of(changed).first, kept = expected.of(broken).first;
        expected.may(changed, was, serial);
        expected.may(removed, 1, 0);
        expected.may(added, 0, serial);
        write(changed, zone_text(serial, "www A 192.0.2.80\n"));
        write(broken, zone_text(serial, "www A 192.0.2\n"));
        write(added, zone_text(serial));
        there[removed] = false;
        there[added] = true;
        configure();
        daemon.signal(SIGHUP);
        REQUIRE(eventually([&] { return count_of(daemon.log(), "reload: ") == round; }, 60s));
        expected.set(changed, serial);
        expected.set(removed, 0);
        expected.set(added, serial);
        for (const auto& [zone, now] : {std::pair(changed, serial),
                                        {broken, kept},
                                        {added, serial},
                                        {removed, std::uint32_t{0}}}) {
            CAPTURE(zone);
            CHECK(serial_of(client, zone) == now);
        }
        const std::string log = daemon.log();
        CHECK(log.find(fmt::format("zone {}: serial {} -> {}\n", name_of(changed), was, serial)) !=
              std::string::npos);
        CHECK(log.find(fmt::format("zone {}: added, serial {}\n", name_of(added), serial)) !=
              std::string::npos);
        CHECK(log.find(fmt::format("zone {}: removed, with its serial 1\n", name_of(removed))) !=
              std::string::npos);
        CHECK(log.find(name_of(broken) + ".zone:5:7: error: ") != std::string::npos);
        CHECK(log.find(fmt::format("zone {}: the file has errors; serial {} is still served\n",
                                   name_of(broken), kept)) != std::string::npos);
        CHECK(count_of(log,
                       "reload: 2 zones read anew, 9997 unchanged, 1 added, 1 removed, 1 with "
                       "errors: served as before\n") == round);
        write(broken, zone_text(kept, kept == 1 ? "" : "www A 192.0.2.80\n"));
        if (round == 5) resident = resident_kib(daemon.pid());
    }
    stream.end();
    CHECK(stream.asked() > 100);
    CHECK(stream.unanswered() == 0);
    CHECK(stream.wrong() == 0);
    // Versions that are gone are gone from memory, too.
    CHECK(resident_kib(daemon.pid()) < resident + resident / 5);
    daemon.signal(SIGTERM);
    CHECK(daemon.exit_code() == 0);
}

TEST_CASE("a reload that changes everything does not flood the journal") {
    constexpr std::size_t zones = 2000;
    const Folder folder;
    std::filesystem::create_directory(folder.path("zones"));
    const Endpoint endpoint = loopback(free_port());
    const auto write_all = [&](unsigned serial, const std::string& more) {
        for (std::size_t zone = 0; zone < zones; ++zone)
            folder.write("zones/" + name_of(zone) + ".zone", zone_text(serial, more));
    };
    write_all(1, "a_b A 192.0.2.1\n");
    Daemon daemon(folder, {"--listen", endpoint.text(), "--zones", folder.path("zones")});
    REQUIRE(eventually([&] { return daemon.log().find("ready: ") != std::string::npos; }, 60s));
    CHECK(count_of(daemon.log(), "is no host name") == 500);
    CHECK(daemon.log().find("1500 more lines about zones are not shown") != std::string::npos);
    write_all(2, "a_b A 192.0.2.1\nw A 192.0.2\n");
    daemon.signal(SIGHUP);
    REQUIRE(daemon.says("reload: 0 zones read anew, 0 unchanged, 2000 with errors"));
    CHECK(count_of(daemon.log(), "\n") < 3000);
    CHECK(serial_of(UdpClient(endpoint), 1999) == 1);
}

TEST_CASE("an entry of the configuration that changes takes effect: its file, its secondaries") {
    const Folder folder;
    std::filesystem::create_directory(folder.path("zones"));
    folder.write("zones/z1.test.zone", zone_text(1));
    const Endpoint endpoint = loopback(free_port());
    const std::string before = config_text(folder, endpoint, {"z1.test"});
    Daemon daemon(folder, {"--config", folder.write("dnsd.toml", before)});
    REQUIRE(daemon.says("ready: "));
    const auto transfer = [&] {
        const TcpClient client(endpoint);
        client.send(zones::make_query(name("z1.test"), zones::Type::axfr, 1));
        return client.receive_answer()->rcode;
    };
    CHECK(transfer() == refused);
    folder.write("zones/other", zone_text(9));
    std::string after = before + "secondaries = [\"127.0.0.1:9\"]\n";
    after.replace(after.find("zones/z1.test.zone"), 18, "zones/other");
    folder.write("dnsd.toml", after);
    daemon.signal(SIGHUP);
    REQUIRE(daemon.says("reload: 1 zone read anew"));
    CHECK(daemon.says("~ zone z1.test secondaries none -> 127.0.0.1:9"));
    CHECK(serial_of(UdpClient(endpoint), 1) == 9);
    CHECK(transfer() == 0);
    SUBCASE("and is not told again") {
        folder.write("zones/other", zone_text(10));
        daemon.signal(SIGHUP);
        REQUIRE(daemon.says("zone z1.test: serial 9 -> 10"));
        CHECK(count_of(daemon.log(), "~ zone") == 2);
    }
    SUBCASE("a file that is not there leaves the old one") {
        after.replace(after.find("zones/other"), 11, "zones/none");
        folder.write("dnsd.toml", after);
        daemon.signal(SIGHUP);
        REQUIRE(daemon.says("zone z1.test: the file has errors; serial 9 is still served"));
        CHECK(serial_of(UdpClient(endpoint), 1) == 9);
    }
    SUBCASE("the last zone may go, and what is new and broken is not served") {
        folder.write("dnsd.toml", config_text(folder, endpoint, {"z2.test"}));
        daemon.signal(SIGHUP);
        REQUIRE(daemon.says("zone z2.test: the file has errors; it is not served"));
        CHECK(daemon.says("zone z1.test: removed, with its serial 9"));
        CHECK(serial_of(UdpClient(endpoint), 1) == 0);
        CHECK(serial_of(UdpClient(endpoint), 2) == 0);
    }
}

TEST_CASE("a zone in which a running group makes names cannot be reloaded away") {
    const Folder folder;
    const Endpoint endpoint = loopback(free_port());
    const std::string group =
        "[[group]]\nzone = \"z1.test\"\nname = \"wiki\"\n[group.servers]\nwiki1 = \"192.0.2.1\"\n";
    const std::string file =
        folder.write("dnsd.toml", config_text(folder, endpoint, {"z1.test", "z2.test"}) + group);
    const Config running = read_config_or_throw(file);
    REQUIRE(running.groups.size() == 1);
    CHECK(read_config_again(file, running).ok);

    folder.write("dnsd.toml", config_text(folder, endpoint, {"z1.test"}) + group);
    ConfigAgain again = read_config_again(file, running);
    CHECK(again.ok);
    CHECK(again.zones.size() == 1);
    CHECK(again.changes == std::vector<std::string>{"- zone z2.test"});
    CHECK(again.waits_for_restart.empty());

    // The group goes with its zone, in the file; in the daemon it still runs.
    folder.write("dnsd.toml", config_text(folder, endpoint, {"z2.test"}));
    again = read_config_again(file, running);
    CHECK_FALSE(again.ok);
    CHECK(again.zones.empty());
    CHECK(again.mistakes.find("error: the zone z1.test is gone, but the running group wiki makes "
                              "www.z1.test in it") != std::string::npos);
    CHECK(again.mistakes.find("restart with this configuration") != std::string::npos);
}

TEST_CASE(
    "--check tells what is wrong with zones at its place, and refuses what cannot be served") {
    const Folder folder;
    std::filesystem::create_directory(folder.path("zones"));
    const std::string zone =
        folder.write("zones/z1.test.zone", zone_text(1, "sub NS ns.sub\n@ MX 1 w\n"));
    const std::string file =
        folder.write("dnsd.toml", config_text(folder, loopback(1), {"z1.test"}));
    CheckReport report = check(file);
    CHECK(report.ok);
    CHECK(report.text ==
          zone +
              ":5:1: warning: NS of 'sub.z1.test' names 'ns.sub.z1.test', which has no glue "
              "address, without which nobody finds it\n"
              "      hint: add its A or AAAA record to this zone (RFC 1034 §4.2.1)\n" +
              zone +
              ":6:1: warning: MX of 'z1.test' names 'w.z1.test', which has no address\n"
              "      hint: add its A or AAAA record to this zone\n"
              "2 warnings.\n");
    folder.write("zones/z1.test.zone", zone_text(1, "@ NS w\n"));
    report = check(file);
    CHECK_FALSE(report.ok);
    CHECK(report.text.starts_with(
        zone + ":5:1: error: NS of 'z1.test' names 'w.z1.test', which has no address\n"));
}

TEST_CASE("neither --check nor a reload takes a zone that hides what a group makes in it") {
    const Folder folder;
    std::filesystem::create_directory(folder.path("zones"));
    const std::string zone =
        folder.write("zones/z1.test.zone",
                     "$TTL 300\n@ SOA ns.x. admin 1 3600 600 86400 60\n@ NS ns.x.\n@ DNAME x.\n");
    const std::string file = folder.write(
        "dnsd.toml", config_text(folder, loopback(1), {"z1.test"}) +
                         "[[group]]\nzone = \"z1.test\"\nname = \"wiki\"\n[group.servers]\nwiki1 "
                         "= \"192.0.2.1\"\n");
    const std::string mistake =
        zone + ":4:1: error: the DNAME of 'z1.test' takes 'www.z1.test' away";
    CHECK(check(file).text.find(mistake) != std::string::npos);

    const std::vector<GroupConfig> groups = read_config_or_throw(file).groups;
    ZoneReader reader([&](const zones::Loaded& loaded) { return live_names_in(loaded, groups); });
    const auto read = reader.read({{name("z1.test"), zone, live_names(name("z1.test"), groups)}});
    CHECK(read.at(0).outcome == ZoneRead::Outcome::failed);
    CHECK(read.at(0).mistakes.at(0).text().starts_with(mistake));
}
