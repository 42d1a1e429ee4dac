// bench-load PROGRAMS [NAMES]: how long a zone of a million names takes from start to its first
// answer, and how much memory it holds then: we, NSD, Knot and BIND on the same zone file, one
// after the other.

#include "bench/family.h"
#include "bench/million.h"
#include "tests/lab/ask.h"
#include "tests/lab/process.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

namespace {

using namespace lab;

constexpr int port = 15390;
constexpr int rounds = 3;
constexpr const char* zone = bench::million_zone;

struct Measure {
    double ready = 0;   // seconds from start to the first right answer
    double cpu = 0;     // seconds, user and system, of the whole process tree
    double memory = 0;  // MiB, proportional share of the whole process tree, when ready
    double peak = 0;    // MiB, high-water mark of the first process
};

Measure measure(const bench::Contender& contender, const std::string& folder, int names) {
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
    bench::write_million(scratch.path(), names, 0);
    const std::vector<bench::Contender> all = bench::contenders(argv[1], scratch.path(), port);
    std::map<std::string, std::vector<Measure>> measured;
    for (int round = 0; round < rounds; ++round)
        for (const bench::Contender& one : all)
            measured[one.name].push_back(measure(one, scratch.path(), names));
    const auto of = [&](const std::string& name, double Measure::*field) {
        std::vector<double> values;
        for (const Measure& one : measured[name]) values.push_back(one.*field);
        return median(values);
    };
    std::printf("%d names, medians of %d rounds; × is beside arbiter\n", names, rounds);
    std::printf("%-8s %9s %7s %9s %7s %12s %7s %10s\n", "server", "ready s", "x", "CPU s", "x",
                "memory MiB", "x", "peak MiB");
    for (const bench::Contender& one : all) {
        std::printf("%-8s", one.name.c_str());
        for (const auto& [field, width] :
             {std::pair{&Measure::ready, 9}, {&Measure::cpu, 9}, {&Measure::memory, 12}})
            std::printf(" %*.2f %7.2f", width, of(one.name, field),
                        of(one.name, field) / of("arbiter", field));
        std::printf(" %10.1f\n", of(one.name, &Measure::peak));
    }
    return 0;
}
