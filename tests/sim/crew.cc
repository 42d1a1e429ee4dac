#include "tests/sim/crew.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstring>
#include <functional>
#include <iostream>
#include <new>
#include <vector>

#include <fmt/format.h>

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sim {

namespace {

using SteadyTime = std::chrono::steady_clock;

// A world that takes this long has hung.
constexpr std::chrono::seconds patience{120};
constexpr std::size_t found_max = 64;  // violations that one worker may wait to have printed

struct Found {
    std::uint64_t seed = 0;
    char what[232] = {};
};
// Of one worker, in memory that it shares with the parent: only the worker writes, and the parent
// reads what is published by the counts.
struct Bench {
    std::atomic<std::uint64_t> next = 0;   // the seed that it lives through, or is to begin with
    std::atomic<std::uint64_t> found = 0;  // how many stand in `ring`
    Tally tally;
    Found ring[found_max];
};

template <typename T>
T* shared(std::size_t count) {
    void* memory =
        mmap(nullptr, sizeof(T) * count, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    T* items = static_cast<T*>(memory);
    for (std::size_t i = 0; i < count; ++i) new (items + i) T{};
    return items;
}

volatile std::sig_atomic_t interrupted = 0;

void listen_for_signals() {
    struct sigaction action {};
    action.sa_handler = [](int) { interrupted = 1; };
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
}

std::string end_of(int status) {
    if (WIFSIGNALED(status))
        return fmt::format("the process dies of {} (an assertion, or worse)",
                           strsignal(WTERMSIG(status)));
    return fmt::format("the process ends with status {}", WEXITSTATUS(status));
}

[[noreturn]] void work(Bench& bench, const Run& run) {
    std::signal(SIGINT, SIG_DFL);
    std::signal(SIGTERM, SIG_DFL);
    for (; bench.next < run.from + run.count; bench.next += run.jobs) {
        const Script script = script_of(bench.next, run.mix);
        const Verdict verdict = live(script);
        bench.tally.add(script, verdict);
        if (verdict.broken.empty() || bench.found >= found_max) continue;
        Found& found = bench.ring[bench.found];
        found.seed = bench.next;
        std::strncpy(found.what, verdict.broken.c_str(), sizeof found.what - 1);
        ++bench.found;
    }
    std::_Exit(0);
}

class Crew {
public:
    explicit Crew(const Run& run) : run_(run), benches_(shared<Bench>(run.jobs)) {
        workers_.resize(run.jobs);
        for (unsigned i = 0; i < run.jobs; ++i) {
            benches_[i].next = run.from + i;
            begin(i);
        }
    }

    bool working() const {
        return std::any_of(workers_.begin(), workers_.end(),
                           [](const Worker& worker) { return worker.pid > 0; });
    }

    void look() {
        for (unsigned i = 0; i < run_.jobs; ++i) {
            Worker& worker = workers_[i];
            Bench& bench = benches_[i];
            for (; worker.printed < bench.found; ++worker.printed)
                tell(bench.ring[worker.printed].seed, bench.ring[worker.printed].what);
            if (worker.pid <= 0) continue;
            int status = 0;
            if (waitpid(worker.pid, &status, WNOHANG) == worker.pid) {
                worker.pid = 0;
                if (status != 0) lost(i, end_of(status));
            } else if (bench.next != worker.seed) {
                worker.seed = bench.next;
                worker.since = SteadyTime::now();
            } else if (SteadyTime::now() - worker.since > patience) {
                kill(worker.pid, SIGKILL);
                waitpid(worker.pid, &status, 0);
                worker.pid = 0;
                lost(i, "it hangs");
            }
        }
    }

    void end() {
        for (Worker& worker : workers_) {
            if (worker.pid <= 0) continue;
            kill(worker.pid, SIGKILL);
            waitpid(worker.pid, nullptr, 0);
            worker.pid = 0;
        }
    }

    Tally tally() const {
        Tally sum = dead_;
        for (unsigned i = 0; i < run_.jobs; ++i) sum.add(benches_[i].tally);
        return sum;
    }

private:
    struct Worker {
        pid_t pid = 0;
        std::uint64_t printed = 0;
        std::uint64_t seed = 0;
        SteadyTime::time_point since;
    };

    void begin(unsigned i) {
        std::cout.flush();
        std::cerr.flush();
        workers_[i].seed = benches_[i].next;
        workers_[i].since = SteadyTime::now();
        workers_[i].pid = fork();
        if (workers_[i].pid == 0) work(benches_[i], run_);
        if (workers_[i].pid < 0) throw std::bad_alloc();
    }

    // The world that it lived through is a violation; another worker goes on after it.
    void lost(unsigned i, const std::string& why) {
        tell(benches_[i].next, why);
        ++dead_.seeds;
        ++dead_.violations;
        benches_[i].next += run_.jobs;
        begin(i);
    }

    void tell(std::uint64_t seed, std::string_view what) const {
        std::cout << fmt::format("seed {}: {}\n  arbiter-sim --seed {}{} --story\n", seed, what,
                                 seed, run_.mix == Mix::heavy ? " --heavy" : "")
                  << std::flush;
    }

    Run run_;
    Bench* benches_;
    std::vector<Worker> workers_;
    Tally dead_;
};

// Of all workers that have ended: what a run costs, however busy the machine is.
double cpu_seconds() {
    rusage used{};
    getrusage(RUSAGE_CHILDREN, &used);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
}

double seconds_since(SteadyTime::time_point begun) {
    return std::chrono::duration<double>(SteadyTime::now() - begun).count();
}

// Lives in a process of its own and says how it ended; empty when all held.
std::string guarded(const std::function<std::string()>& life) {
    int pipes[2];
    if (pipe(pipes) != 0) throw std::bad_alloc();
    std::cout.flush();
    const pid_t pid = fork();
    if (pid < 0) throw std::bad_alloc();
    if (pid == 0) {
        const std::string what = life();
        const bool written =
            write(pipes[1], what.data(), what.size()) == static_cast<ssize_t>(what.size());
        std::_Exit(written ? 0 : 1);
    }
    close(pipes[1]);
    std::string what;
    char bytes[512];
    for (ssize_t got = 0; (got = read(pipes[0], bytes, sizeof bytes)) > 0;)
        what.append(bytes, static_cast<std::size_t>(got));
    close(pipes[0]);
    int status = 0;
    waitpid(pid, &status, 0);
    return status == 0 ? what : end_of(status);
}

}  // namespace

std::uint64_t run_seeds(const Run& run) {
    listen_for_signals();
    const auto begun = SteadyTime::now();
    std::cout << fmt::format("seeds {} to {}\n", run.from, run.from + run.count - 1);
    Crew crew(run);
    auto told = begun;
    while (crew.working() && !interrupted) {
        usleep(50'000);
        crew.look();
        if (!run.progress || SteadyTime::now() - told < std::chrono::seconds(15)) continue;
        told = SteadyTime::now();
        const Tally now = crew.tally();
        std::cerr << fmt::format("{:.0f} s: {} worlds, {} violations, {} grants\n",
                                 seconds_since(begun), now.seeds, now.violations, now.grants);
    }
    crew.end();
    crew.look();
    const Tally tally = crew.tally();
    if (interrupted)
        std::cout << fmt::format("interrupted; every seed before {} was lived through or told\n",
                                 run.from + tally.seeds / run.jobs * run.jobs);
    std::cout << closing_lines(tally, seconds_since(begun), cpu_seconds(), run.jobs);
    return tally.violations + (interrupted ? 1 : 0) + (run.all_moments ? tally.missed() : 0);
}

std::string fate_of(const Script& script) {
    return guarded([&] {
        alarm(static_cast<unsigned>(patience.count()));
        return live(script).broken;
    });
}

namespace {

constexpr std::string_view rule_texts[] = {
#define SIM_NAME(name, text) text,
    SIM_RULES(SIM_NAME)
#undef SIM_NAME
};
constexpr std::string_view rule_names[] = {
#define SIM_NAME(name, text) #name,
    SIM_RULES(SIM_NAME)
#undef SIM_NAME
};
constexpr std::size_t rules = std::size(rule_names);

struct Caught {
    std::atomic<std::uint64_t> at = 0;     // where the life that goes on is
    std::atomic<std::uint64_t> seeds = 0;  // how many it took; 0: none of them noticed
    std::atomic<bool> asked = false;       // a machine came to where it keeps the rule
    char what[232] = {};
};

// Lives on until a check notices; what is broken without the rule's breach too does not count.
[[noreturn]] void hunt(Caught& caught, std::size_t rule, const Run& run) {
    for (; caught.at < run.count; ++caught.at) {
        const Script script = script_of(run.from + caught.at);
        alarm(static_cast<unsigned>(patience.count()));
        broken_rule = static_cast<Rule>(rule);
        const std::string what = live(script).broken;
        broken_rule = Rule::none;
        if (rule_asked) caught.asked = true;
        if (what.empty()) continue;
        alarm(static_cast<unsigned>(patience.count()));
        if (!live(script).broken.empty()) continue;
        std::strncpy(caught.what, what.c_str(), sizeof caught.what - 1);
        caught.seeds = caught.at + 1;
        break;
    }
    std::_Exit(0);
}

}  // namespace

std::size_t run_mutants(const Run& run, const std::vector<Rule>& mutants) {
    listen_for_signals();
    Caught* caught = shared<Caught>(rules);
    std::vector<std::size_t> waiting;
    for (auto rule = mutants.rbegin(); rule != mutants.rend(); ++rule)
        waiting.push_back(static_cast<std::size_t>(*rule));
    std::vector<std::pair<pid_t, std::size_t>> hunters;
    std::vector<SteadyTime::time_point> begun(rules);
    std::size_t escaped = 0;
    std::size_t killed = 0;
    while ((!waiting.empty() || !hunters.empty()) && !interrupted) {
        while (hunters.size() < run.jobs && !waiting.empty()) {
            const std::size_t rule = waiting.back();
            waiting.pop_back();
            begun[rule] = SteadyTime::now();
            std::cout.flush();
            const pid_t pid = fork();
            if (pid < 0) throw std::bad_alloc();
            if (pid == 0) hunt(caught[rule], rule, run);
            hunters.emplace_back(pid, rule);
        }
        int status = 0;
        const pid_t ended = waitpid(-1, &status, 0);
        if (ended < 0) continue;  // a signal
        const auto at = std::find_if(hunters.begin(), hunters.end(),
                                     [&](const auto& each) { return each.first == ended; });
        const std::size_t rule = at->second;
        hunters.erase(at);
        Caught& fate = caught[rule];
        // What the unbroken machines die of too, or one of the two lives hung over, is no catch.
        if (status != 0 && !fate_of(script_of(run.from + fate.at)).empty()) {
            ++fate.at;
            waiting.push_back(rule);
            continue;
        }
        if (status != 0) {
            std::strncpy(fate.what, end_of(status).c_str(), sizeof fate.what - 1);
            fate.seeds = fate.at + 1;
        }
        const double took = seconds_since(begun[rule]);
        if (fate.seeds == 0) {
            ++escaped;
            std::cout << fmt::format("NOT CAUGHT in {} seeds ({:.0f} s): {}, \"{}\"{}\n", run.count,
                                     took, rule_names[rule], rule_texts[rule],
                                     fate.asked ? "" : "; no machine ever came to it");
        } else {
            ++killed;
            std::cout << fmt::format("{:42} {:6} seeds, seed {}: {}\n", rule_names[rule],
                                     fate.seeds.load(), run.from + fate.seeds - 1,
                                     std::string_view(fate.what));
        }
        std::cout.flush();
    }
    for (const auto& [pid, rule] : hunters) {
        kill(pid, SIGKILL);
        waitpid(pid, nullptr, 0);
    }
    std::cout << fmt::format("{} mutants caught, {} not, within {} seeds each\n", killed, escaped,
                             run.count);
    return escaped + (interrupted ? 1 : 0);
}

}  // namespace sim
