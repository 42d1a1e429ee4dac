// bench-follow PROGRAMS [--quick] [--only PRIMARY] [--secondary NAME] [--folder DIR]:
// milliseconds from the moment a primary answers a new serial to the moment a secondary answers it:
// us, BIND, Knot and NSD as primaries, each with BIND, NSD and Knot as secondaries, in one run, for
// changes that come alone and for changes of which each follows the last at once.

#include "bench/follow_primaries.h"
#include "tests/lab/secondary.h"
#include "tests/lab/socket_address.h"
#include "zones/soa_query.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <future>
#include <map>
#include <optional>
#include <stdexcept>

#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

using namespace lab;

const char* const zone = "follow.example";
constexpr int primary_port = 21900;
constexpr int secondary_port = 21901;
constexpr std::chrono::microseconds pause_between{50};

// Asks one server for the zone's SOA again and again, by one socket.
class Watch {
public:
    Watch(const std::string& address, int port) : socket_(::socket(AF_INET, SOCK_DGRAM, 0)) {
        const sockaddr_in to = socket_address(address, port);
        connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof to);
    }
    ~Watch() { close(socket_); }
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

    std::optional<zones::Serial> serial() {
        const auto query = zones::make_query(*zones::Name::parse(zone), zones::Type::soa, ++id_);
        if (send(socket_, query.data(), query.size(), 0) < 0) return std::nullopt;
        std::array<std::byte, 4096> bytes;
        pollfd readable{socket_, POLLIN, 0};
        while (poll(&readable, 1, 100) > 0) {
            const ssize_t size = recv(socket_, bytes.data(), bytes.size(), 0);
            if (size < 0) return std::nullopt;
            const auto answer = zones::read_answer({bytes.data(), static_cast<std::size_t>(size)});
            if (answer && answer->id == id_ && answer->authoritative) return answer->serial();
        }
        return std::nullopt;
    }
    // Returns when it has another serial than `old`; throws when it has not in time.
    zones::Serial other_than(zones::Serial old, Milliseconds at_most) {
        std::optional<zones::Serial> found;
        const bool changed = until(
            at_most,
            [&] {
                found = serial();
                return found && *found != old;
            },
            Milliseconds(0));
        if (!changed) throw std::runtime_error("no change within the time");
        return *found;
    }

private:
    int socket_;
    std::uint16_t id_ = 0;
};

struct Plan {
    int alone = 5;
    Milliseconds apart = 6s;  // longer than BIND holds a NOTIFY back (notify-delay)
    int row = 50;             // each follows the last at once; and as many `steps` apart
    // As fast as the slowest way to order a change, so that all primaries are asked alike.
    Milliseconds steps = 20ms;
    Milliseconds row_at_most = 30s;
    std::string folder = "/dev/shm";  // so that no disk is measured
    std::string only;                 // this primary
    std::string secondary;            // this one
};

struct Series {
    std::vector<double> milliseconds;
    double median() const {
        if (milliseconds.empty()) return 0;
        auto sorted = milliseconds;
        std::sort(sorted.begin(), sorted.end());
        return sorted[sorted.size() / 2];
    }
    double worst() const {
        return milliseconds.empty() ? 0
                                    : *std::max_element(milliseconds.begin(), milliseconds.end());
    }
};

struct SecondaryKind {
    std::string name;
    ServerKind kind;
    int serial_query_rate = 20;
    int xfrd_reload_timeout = 1;
};
const SecondaryKind secondary_kinds[] = {
    {"BIND, serial-query-rate 1000", ServerKind::bind, 1000},
    {"BIND, serial-query-rate 10000", ServerKind::bind, 10'000},
    {"BIND", ServerKind::bind},
    {"NSD, xfrd-reload-timeout 0", ServerKind::nsd, 20, 0},
    {"NSD", ServerKind::nsd},
    {"Knot", ServerKind::knot},
};

// One change, from the moment the primary answers it.
double follow(bench::Primary& primary, Watch& there, Watch& here) {
    const auto old = there.serial();
    if (!old) throw std::runtime_error("the primary does not answer");
    // The order may return only after the version has been made, which is to be seen at once.
    auto ordered = std::async(std::launch::async, [&] { primary.change(); });
    const zones::Serial serial = there.other_than(*old, 10s);
    const auto begun = now();
    while (here.serial() != serial) {
        if (now() - begun > 60s) throw std::runtime_error("the secondary does not follow");
        pause_for(pause_between);
    }
    const double milliseconds = seconds_since(begun) * 1e3;
    ordered.get();
    return milliseconds;
}

struct Measured {
    Series alone, steps, row;
};

Measured measure(const bench::PrimaryKind& kind, const SecondaryKind& follower, const Plan& plan,
                 const std::string& programs, const std::string& folder) {
    std::filesystem::create_directories(folder + "/primary");
    const auto primary = kind.start(
        {programs, folder + "/primary", primary_port, zone, "127.0.0.1", secondary_port});
    Secondary secondary({follower.kind, folder + "/secondary", "127.0.0.1", secondary_port, zone,
                         "127.0.0.1", primary_port, std::nullopt, follower.serial_query_rate,
                         follower.xfrd_reload_timeout});
    secondary.start();
    Watch there("127.0.0.1", primary_port);
    Watch here("127.0.0.1", secondary_port);
    if (!until(60s, [&] { return here.serial() && here.serial() == there.serial(); }))
        throw std::runtime_error("the secondary does not begin: " + secondary.log());
    follow(*primary, there, here);
    Measured measured;
    for (int change = 0; change < plan.alone; ++change) {
        pause_for(plan.apart);
        measured.alone.milliseconds.push_back(follow(*primary, there, here));
    }
    pause_for(plan.apart);
    auto begun = now();
    for (int change = 0; change < plan.row && now() - begun < plan.row_at_most; ++change) {
        const auto next = now() + plan.steps;
        measured.steps.milliseconds.push_back(follow(*primary, there, here));
        if (now() < next)
            pause_for(std::chrono::duration_cast<std::chrono::microseconds>(next - now()));
    }
    pause_for(plan.apart);
    begun = now();
    for (int change = 0; change < plan.row && now() - begun < plan.row_at_most; ++change)
        measured.row.milliseconds.push_back(follow(*primary, there, here));
    return measured;
}

std::string load() {
    double averages[3] = {};
    getloadavg(averages, 3);
    char text[64];
    std::snprintf(text, sizeof text, "%.2f %.2f", averages[0], averages[1]);
    return text;
}

void print(const std::string& name, const Measured& its, const Measured* ours) {
    std::printf("  %-20s", name.c_str());
    for (const auto series : {&Measured::alone, &Measured::steps, &Measured::row}) {
        const Series& it = its.*series;
        std::printf("  %8.2f %8.2f", it.median(), it.worst());
        const double our_median = ours != nullptr ? (ours->*series).median() : 0;
        if (our_median > 0)
            std::printf(" x%-7.1f", it.median() / our_median);
        else
            std::printf("         ");
    }
    std::printf("\n");
    std::fflush(stdout);
}

int run_all(const std::string& programs, const Plan& plan) {
    setenv("TMPDIR", plan.folder.c_str(), 1);
    std::printf(
        "milliseconds from the primary's answer to the secondary's, median and worst;\n"
        "x: medians beside ours; load average %s\n",
        load().c_str());
    bool broken = false;
    for (const SecondaryKind& follower : secondary_kinds) {
        if (!plan.secondary.empty() && follower.name != plan.secondary) continue;
        std::printf("%-24s%-28s%-28s%s\n", follower.name.c_str(), "alone", "steps", "back to back");
        std::optional<Measured> ours;
        for (const bench::PrimaryKind& kind : bench::primaries()) {
            if (!plan.only.empty() && kind.name != plan.only) continue;
            const Scratch scratch("bench-follow");
            try {
                const Measured its = measure(kind, follower, plan, programs, scratch.path());
                print(kind.name, its, ours ? &*ours : nullptr);
                if (!ours) ours = its;
            } catch (const std::exception& error) {
                std::printf("  %-22s %s\n", kind.name.c_str(), error.what());
                broken = true;
            }
        }
    }
    std::printf("load average %s\n", load().c_str());
    return broken ? 1 : 0;
}

}  // namespace

int main(int count, char** arguments) {
    std::string programs;
    Plan plan;
    for (int i = 1; i < count; ++i) {
        const std::string argument = arguments[i];
        const bool more = i + 1 < count;
        if (argument == "--quick") {
            plan.alone = 3;
            plan.apart = 1100ms;
            plan.row = 30;
            plan.row_at_most = 5s;
        } else if (argument == "--only" && more) {
            plan.only = arguments[++i];
        } else if (argument == "--secondary" && more) {
            plan.secondary = arguments[++i];
        } else if (argument == "--folder" && more) {
            plan.folder = arguments[++i];
        } else if (programs.empty() && !argument.starts_with("-")) {
            programs = std::filesystem::absolute(argument);
        } else {
            programs.clear();
            break;
        }
    }
    if (programs.empty()) {
        std::fprintf(stderr,
                     "usage: bench-follow PROGRAMS [--quick] [--only PRIMARY] "
                     "[--secondary NAME] [--folder DIR]\n");
        return 64;
    }
    catch_interrupts();
    return run_all(programs, plan);
}
