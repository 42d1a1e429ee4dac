// bench-load PROGRAMS [NAMES]: how long a zone of a million names takes from start to its first
// answer, and how much memory it holds then: we, NSD, Knot and BIND on the same zone file, one
// after the other.

#include "bench/family.h"
#include "tests/lab/ask.h"
#include "tests/lab/process.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace {

using namespace lab;

constexpr int port = 15390;
constexpr int rounds = 3;
const char* const zone = "million.example";

struct Contender {
    std::string name;
    std::vector<std::string> argv;
};

struct Measure {
    double ready = 0;   // seconds from start to the first right answer
    double cpu = 0;     // seconds, user and system, of the whole process tree
    double memory = 0;  // MiB, proportional share of the whole process tree, when ready
    double peak = 0;    // MiB, high-water mark of the first process
};

void write_zone(const std::string& path, int names) {
    std::ofstream file(path);
    file << "$ORIGIN " << zone << ".\n$TTL 3600\n"
         << "@ IN SOA ns0 hostmaster 1 3600 600 86400 60\n@ IN NS ns0\nns0 IN A 127.0.0.1\n";
    for (int i = 0; i < names; ++i)
        file << "host" << i << " IN A 10." << (i >> 16 & 255) << '.' << (i >> 8 & 255) << '.'
             << (i & 255) << '\n';
}

Measure measure(const Contender& contender, const std::string& folder, int names) {
    const std::string last = "host" + std::to_string(names - 1) + "." + zone;
    const auto begun = now();
    Process server({contender.argv, {}, folder + "/" + contender.name + ".log"});
    const bool up = until(
        120s, [&] { return !server.running() || !addresses_at("127.0.0.1", port, last).empty(); },
        5ms);
    Measure result;
    result.ready = seconds_since(begun);
    if (!up || !server.running()) {
        std::fprintf(stderr, "%s: %s\n", contender.name.c_str(),
                     read_file(folder + "/" + contender.name + ".log").c_str());
        return {};
    }
    const auto processes = bench::family(server.pid());
    result.memory = bench::pss_mib(processes);
    result.cpu = bench::cpu_seconds(processes);
    result.peak = bench::peak_mib(server.pid());
    server.stop();
    return result;
}

std::vector<Contender> contenders(const std::string& programs, const std::string& folder) {
    const std::string at = std::to_string(port);
    const std::string file = folder + "/zones/" + zone + ".zone";
    write_file(folder + "/nsd.conf", "server:\n ip-address: 127.0.0.1@" + at +
                                         "\n server-count: 1\n username: \"\"\n"
                                         " zonesdir: \"" +
                                         folder + "\"\n pidfile: \"" + folder +
                                         "/nsd.pid\"\n"
                                         " xfrdfile: \"" +
                                         folder + "/xfrd\"\n zonelistfile: \"" + folder +
                                         "/list\"\n"
                                         " xfrdir: \"" +
                                         folder + "\"\n logfile: \"" + folder +
                                         "/nsd.log\"\n"
                                         "remote-control:\n control-enable: no\nzone:\n name: " +
                                         zone + "\n zonefile: \"" + file + "\"\n");
    std::filesystem::create_directories(folder + "/knot");
    write_file(folder + "/knot.conf",
               "server:\n  rundir: " + folder + "/knot\n  listen: 127.0.0.1@" + at +
                   "\n  udp-workers: 1\n  tcp-workers: 1\n  background-workers: 1\n"
                   "database:\n  storage: " +
                   folder + "/knot\nzone:\n  - domain: " + zone + "\n    file: " + file + "\n");
    write_file(folder + "/named.conf",
               "options { directory \"" + folder +
                   "\"; pid-file none; session-keyfile none;\n"
                   " listen-on port " +
                   at +
                   " { 127.0.0.1; }; listen-on-v6 { none; };\n"
                   " recursion no; dnssec-validation no; notify no; };\ncontrols { };\n"
                   "zone \"" +
                   std::string(zone) + "\" { type primary; file \"" + file + "\"; };\n");
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

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fprintf(stderr, "usage: bench-load PROGRAMS [NAMES]\n");
        return 64;
    }
    const int names = argc > 2 ? std::stoi(argv[2]) : 1'000'000;
    const Scratch scratch("bench-load");
    std::filesystem::create_directories(scratch / "zones");
    write_zone(scratch / ("zones/" + std::string(zone) + ".zone"), names);
    const std::vector<Contender> all = contenders(argv[1], scratch.path());
    std::map<std::string, std::vector<Measure>> measured;
    for (int round = 0; round < rounds; ++round)
        for (const Contender& one : all)
            measured[one.name].push_back(measure(one, scratch.path(), names));
    const auto of = [&](const std::string& name, double Measure::*field) {
        std::vector<double> values;
        for (const Measure& one : measured[name]) values.push_back(one.*field);
        return median(values);
    };
    std::printf("%d names, medians of %d rounds; × is beside arbiter\n", names, rounds);
    std::printf("%-8s %9s %7s %9s %7s %12s %7s %10s\n", "server", "ready s", "x", "CPU s", "x",
                "memory MiB", "x", "peak MiB");
    for (const Contender& one : all) {
        std::printf("%-8s", one.name.c_str());
        for (const auto& [field, width] :
             {std::pair{&Measure::ready, 9}, {&Measure::cpu, 9}, {&Measure::memory, 12}})
            std::printf(" %*.2f %7.2f", width, of(one.name, field),
                        of(one.name, field) / of("arbiter", field));
        std::printf(" %10.1f\n", of(one.name, &Measure::peak));
    }
    return 0;
}
