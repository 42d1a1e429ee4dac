// bench-axfr PROGRAMS [NAMES [ROUNDS]]: a zone of a million names by AXFR over loopback, from us,
// NSD, Knot and BIND: how fast, for how much processor time, and what 200 transfers at once that
// nobody reads to the end add to the memory of the server.

#include "bench/drain.h"
#include "bench/family.h"
#include "tests/lab/ask.h"
#include "tests/lab/process.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

namespace {

using namespace lab;

constexpr int port = 21290;
constexpr std::size_t storm = 200;
constexpr std::size_t storm_bytes = 256 * 1024;  // that each of them reads
const char* const zone = "million.example";

struct Contender {
    std::string name;
    std::vector<std::string> argv;
};

struct Measure {
    double seconds = 0, cpu = 0;          // of one transfer
    double storm_kib = 0, after_kib = 0;  // for each of the transfers at once
    std::size_t bytes = 0, messages = 0, records = 0;
};

// Addresses, and here and there names in data, as zones have them.
void write_zone(const std::string& path, int names) {
    std::ofstream file(path);
    file << "$ORIGIN " << zone << ".\n$TTL 3600\n"
         << "@ IN SOA ns0 hostmaster 1 3600 600 86400 60\n@ IN NS ns0\nns0 IN A 127.0.0.1\n";
    for (int i = 0; i < names; ++i) {
        file << "host" << i << " IN A 10." << (i >> 16 & 255) << '.' << (i >> 8 & 255) << '.'
             << (i & 255) << '\n';
        if (i % 10 == 0) file << "mail" << i << " IN MX 10 host" << i << '\n';
    }
}

std::vector<Contender> contenders(const std::string& programs, const std::string& folder) {
    const std::string at = std::to_string(port);
    const std::string file = folder + "/zones/" + zone + ".zone";
    write_file(folder + "/nsd.conf",
               "server:\n ip-address: 127.0.0.1@" + at + "\n server-count: 1\n username: \"\"\n" +
                   " zonesdir: \"" + folder + "\"\n pidfile: \"" + folder +
                   "/nsd.pid\"\n xfrdfile: \"" + folder + "/xfrd\"\n zonelistfile: \"" + folder +
                   "/list\"\n xfrdir: \"" + folder + "\"\n logfile: \"" + folder +
                   "/nsd.log\"\n tcp-count: 300\nremote-control:\n control-enable: no\nzone:\n" +
                   " name: " + zone + "\n zonefile: \"" + file +
                   "\"\n provide-xfr: 127.0.0.0/8 NOKEY\n");
    std::filesystem::create_directories(folder + "/knot");
    write_file(folder + "/knot.conf",
               "server:\n  rundir: " + folder + "/knot\n  listen: 127.0.0.1@" + at +
                   "\n  udp-workers: 1\n  tcp-workers: 1\n  background-workers: 1\n" +
                   "database:\n  storage: " + folder +
                   "/knot\nacl:\n  - id: local\n    address: 127.0.0.0/8\n    action: transfer\n" +
                   "zone:\n  - domain: " + zone + "\n    file: " + file +
                   "\n    acl: local\n    zonefile-sync: -1\n    journal-content: none\n");
    write_file(folder + "/named.conf",
               "options { directory \"" + folder +
                   "\"; pid-file none; session-keyfile none;\n listen-on port " + at +
                   " { 127.0.0.1; }; listen-on-v6 { none; };\n recursion no; notify no;\n" +
                   " dnssec-validation no; allow-transfer { any; }; transfers-out 300;\n" +
                   " tcp-clients 400; };\ncontrols { };\nzone \"" + std::string(zone) +
                   "\" { type primary; file \"" + file + "\"; };\n");
    std::vector<Contender> all = {{"arbiter",
                                   {programs + "/arbiter-dnsd", "--listen", "127.0.0.1:" + at,
                                    "--zones", folder + "/zones", "--workers", "1"}}};
    if (std::filesystem::exists("/usr/sbin/nsd"))
        all.push_back({"nsd", {"/usr/sbin/nsd", "-d", "-c", folder + "/nsd.conf"}});
    if (std::filesystem::exists("/usr/sbin/knotd"))
        all.push_back({"knot", {"/usr/sbin/knotd", "-c", folder + "/knot.conf"}});
    if (std::filesystem::exists("/usr/sbin/named")) {
        std::filesystem::copy_file("/usr/sbin/named", folder + "/named");
        all.push_back({"bind", {folder + "/named", "-g", "-n", "1", "-c", folder + "/named.conf"}});
    }
    return all;
}

// Each from an address of its own for ten, as servers bound what one address may have.
std::string source(std::size_t i) {
    return "127.0.1." + std::to_string(1 + i / 10);
}

// Begins all, reads a part of each and lets them stand; then hangs up.
void measure_storm(const Process& server, Measure& result) {
    const double before = bench::pss_mib(bench::family(server.pid()));
    std::size_t begun = 0;
    {
        std::vector<bench::Drain> drains;
        for (std::size_t i = 0; i < storm; ++i) drains.emplace_back(source(i), port, zone);
        // A server that tells one after the other does not come to the rest of them.
        constexpr std::size_t failures_max = 3;
        for (std::size_t i = 0; i < storm && i - begun < failures_max; ++i)
            begun += drains[i].read(storm_bytes).bytes >= storm_bytes;
        pause_for(500ms);
        const double with_all = bench::pss_mib(bench::family(server.pid()));
        result.storm_kib = begun == 0 ? 0 : (with_all - before) * 1024 / static_cast<double>(begun);
    }
    if (begun != storm) std::fprintf(stderr, "  only %zu transfers at once\n", begun);
    pause_for(1000ms);
    const double after = bench::pss_mib(bench::family(server.pid()));
    result.after_kib = (after - before) * 1024 / static_cast<double>(storm);
}

std::optional<Measure> measure(const Contender& contender, const std::string& folder, int names,
                               int rounds) {
    const std::string last = "host" + std::to_string(names - 1) + "." + zone;
    const std::string log = folder + "/" + contender.name + ".log";
    Process server({contender.argv, {}, log});
    const bool up = until(
        120s, [&] { return !server.running() || !addresses_at("127.0.0.1", port, last).empty(); },
        20ms);
    if (!up || !server.running()) {
        std::fprintf(stderr, "%s: %s\n", contender.name.c_str(), read_file(log).c_str());
        return std::nullopt;
    }
    Measure result;
    bench::Drain(source(0), port, zone).read();  // the first one warms up
    const auto processes = bench::family(server.pid());
    const double cpu = bench::cpu_seconds(processes);
    std::vector<double> seconds;
    for (int round = 0; round < rounds; ++round) {
        const auto begun = now();
        bench::Drain drain(source(0), port, zone);
        const bench::Drained& drained = drain.read();
        seconds.push_back(seconds_since(begun));
        if (!drained.whole) std::fprintf(stderr, "%s: cut short\n", contender.name.c_str());
        result.bytes = drained.bytes;
        result.messages = drained.messages;
        result.records = drained.records;
    }
    result.cpu = (bench::cpu_seconds(processes) - cpu) / rounds;
    std::sort(seconds.begin(), seconds.end());
    result.seconds = seconds[seconds.size() / 2];
    measure_storm(server, result);
    server.stop();
    return result;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fprintf(stderr, "usage: bench-axfr PROGRAMS [NAMES [ROUNDS]]\n");
        return 64;
    }
    const int names = argc > 2 ? std::stoi(argv[2]) : 1'000'000;
    const int rounds = argc > 3 ? std::stoi(argv[3]) : 9;
    const Scratch scratch("bench-axfr");
    std::filesystem::create_directories(scratch / "zones");
    write_zone(scratch / ("zones/" + std::string(zone) + ".zone"), names);
    std::printf("AXFR of %d names, medians of %d; %zu at once, KiB for each\n", names, rounds,
                storm);
    std::printf("%-8s %8s %9s %9s %8s %9s %9s %9s %9s\n", "server", "ms", "MB/s", "Mrec/s",
                "CPU ms", "messages", "MB", "storm KiB", "after");
    for (const Contender& one : contenders(argv[1], scratch.path())) {
        const auto measured = measure(one, scratch.path(), names, rounds);
        if (!measured) continue;
        const double megabytes = static_cast<double>(measured->bytes) / 1e6;
        std::printf("%-8s %8.1f %9.1f %9.2f %8.1f %9zu %9.1f %9.1f %9.1f\n", one.name.c_str(),
                    measured->seconds * 1e3, megabytes / measured->seconds,
                    static_cast<double>(measured->records) / 1e6 / measured->seconds,
                    measured->cpu * 1e3, measured->messages, megabytes, measured->storm_kib,
                    measured->after_kib);
        std::fflush(stdout);
    }
    return 0;
}
