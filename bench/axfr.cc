// bench-axfr PROGRAMS [NAMES [ROUNDS]]: a zone of a million names by AXFR over loopback, from us,
// NSD, Knot and BIND: how fast, for how much processor time, and what 200 transfers at once that
// nobody reads to the end add to the memory of the server.

#include "bench/drain.h"
#include "bench/family.h"
#include "bench/million.h"
#include "tests/lab/ask.h"
#include "tests/lab/process.h"

#include <algorithm>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

namespace {

using namespace lab;

constexpr int port = 21290;
constexpr std::size_t storm = 200;
constexpr std::size_t storm_bytes = 256 * 1024;  // that each of them reads
constexpr const char* zone = bench::million_zone;

struct Measure {
    double seconds = 0, cpu = 0;          // of one transfer
    double storm_kib = 0, after_kib = 0;  // for each of the transfers at once
    std::size_t bytes = 0, messages = 0, records = 0;
};

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

std::optional<Measure> measure(const bench::Contender& contender, const std::string& folder,
                               int names, int rounds) {
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
    bench::write_million(scratch.path(), names, 10);
    std::printf("AXFR of %d names, medians of %d; %zu at once, KiB for each\n", names, rounds,
                storm);
    std::printf("%-8s %8s %9s %9s %8s %9s %9s %9s %9s\n", "server", "ms", "MB/s", "Mrec/s",
                "CPU ms", "messages", "MB", "storm KiB", "after");
    for (const bench::Contender& one : bench::contenders(argv[1], scratch.path(), port)) {
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
