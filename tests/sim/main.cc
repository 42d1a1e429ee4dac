// arbiter-sim: whole clusters on a virtual clock (docs/SIMULATION.md).

#include "tests/sim/crew.h"
#include "tests/sim/script_text.h"
#include "tests/sim/shrink.h"
#include "tests/sim/story.h"

#include <charconv>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>
#include <string_view>
#include <thread>

#include <fmt/format.h>

namespace {

constexpr int usage_error = 64;
constexpr std::size_t shrink_lives = 3000;

constexpr std::string_view usage_text =
    R"(usage: arbiter-sim --seed N [--trace | --story] [--break RULE]
       arbiter-sim --play FILE [--trace | --story] [--break RULE]
       arbiter-sim --seeds COUNT [--from N] [--jobs J] [--all-moments]
       arbiter-sim --shrink N [--break RULE]
       arbiter-sim --mutants [RULE] [--part I/N] [--seeds COUNT] [--from N] [--jobs J]
       arbiter-sim --list | --digest | --help

  --seed     one world; --story tells it, --trace with each datagram
  --play     one that was kept: tests/sim/worlds
  --seeds    many, with what they came to; each that breaks a rule is told
  --all-moments  a moment that none of them came to is a failure
  --shrink   the fewest faults of that seed that break the same rule, their story, and the file
             to keep it in
  --mutants  each rule of docs/PROTOCOL.md broken alone: every breach must be noticed, within 10,000
             seeds or as many as --seeds says; --part 2/8: only the second of each eight rules
  --heavy    with --seed, --seeds or --shrink: only worlds of five servers with every kind of fault
  --list     the rules that can be broken, the moments, the faults, the excuses and what is left out
  --digest   of the traces of a few seeds, as tests/sim/digest.txt has it
Exit status: 0 when all held (of --mutants: when each was caught), 1 when not, 64 for a wrong call.
)";

struct Wanted {
    enum class What {
        nothing,
        seed,
        play,
        seeds,
        shrink,
        mutants,
        list,
        digest
    } what = What::nothing;
    std::uint64_t seed = 0;
    std::string file;
    bool trace = false;
    bool story = false;
    bool all_moments = false;
    sim::Mix mix = sim::Mix::usual;
    std::optional<sim::Rule> rule;
    std::size_t part = 1;
    std::size_t parts = 1;
    std::optional<std::uint64_t> count;
    std::uint64_t from = 0;
    unsigned jobs = std::max(1U, std::thread::hardware_concurrency());
};

std::optional<std::uint64_t> number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::optional<sim::Rule> rule_of(std::string_view name) {
#define SIM_NAME(rule, text) \
    if (name == #rule) return sim::Rule::rule;
    SIM_RULES(SIM_NAME)
#undef SIM_NAME
    return std::nullopt;
}

// nullopt after it has said what is wrong.
std::optional<Wanted> parse(int argc, char** argv) {
    using What = Wanted::What;
    Wanted wanted;
    const auto wrong = [](const std::string& what) {
        std::cerr << "arbiter-sim: " << what << '\n' << usage_text;
        return std::nullopt;
    };
    for (int i = 1; i < argc; ++i) {
        const std::string_view option = argv[i];
        const std::string_view next = i + 1 < argc ? argv[i + 1] : "";
        const auto is = [&](What what) {
            const bool first = wanted.what == What::nothing;
            wanted.what = what;
            return first;
        };
        if (option == "--trace") {
            wanted.trace = true;
        } else if (option == "--all-moments") {
            wanted.all_moments = true;
        } else if (option == "--story") {
            wanted.story = true;
        } else if (option == "--heavy") {
            wanted.mix = sim::Mix::heavy;
        } else if (option == "--digest") {
            if (!is(What::digest)) return wrong("one thing at a time");
        } else if (option == "--list") {
            if (!is(What::list)) return wrong("one thing at a time");
        } else if (option == "--mutants") {
            if (!is(What::mutants)) return wrong("one thing at a time");
            if (next.empty() || next.starts_with("--")) continue;
            wanted.rule = rule_of(next);
            if (!wanted.rule) return wrong(fmt::format("'{}' is no rule; see --list", next));
            ++i;
        } else if (option == "--play") {
            if (!is(What::play)) return wrong("one thing at a time");
            if (next.empty()) return wrong("--play wants a file");
            wanted.file = next;
            ++i;
        } else if (option == "--part") {
            const auto slash = next.find('/');
            const auto part = number(next.substr(0, slash));
            const auto parts = slash == next.npos ? std::nullopt : number(next.substr(slash + 1));
            if (!part || !parts || *part < 1 || *part > *parts) return wrong("--part wants I/N");
            wanted.part = *part;
            wanted.parts = *parts;
            ++i;
        } else if (option == "--break") {
            wanted.rule = rule_of(next);
            if (!wanted.rule) return wrong(fmt::format("'{}' is no rule; see --list", next));
            ++i;
        } else if (option == "--seed" || option == "--shrink" || option == "--seeds" ||
                   option == "--from" || option == "--jobs") {
            const auto value = number(next);
            if (!value) return wrong(fmt::format("{} wants a number", option));
            ++i;
            if (option == "--from") {
                wanted.from = *value;
            } else if (option == "--jobs") {
                if (*value < 1 || *value > 256) return wrong("--jobs is from 1 to 256");
                wanted.jobs = static_cast<unsigned>(*value);
            } else if (option == "--seeds") {
                if (*value < 1) return wrong("--seeds wants at least 1");
                wanted.count = *value;
                if (wanted.what == What::nothing) wanted.what = What::seeds;
            } else {
                if (!is(option == "--seed" ? What::seed : What::shrink))
                    return wrong("one thing at a time");
                wanted.seed = *value;
            }
        } else {
            return wrong(fmt::format("'{}' is unknown", option));
        }
    }
    if (wanted.what == What::nothing) return wrong("what is wanted?");
    if ((wanted.trace || wanted.story) && wanted.what != What::seed && wanted.what != What::play)
        return wrong("--trace and --story go with --seed and --play");
    if (wanted.mix == sim::Mix::heavy && wanted.what != What::seed && wanted.what != What::seeds &&
        wanted.what != What::shrink)
        return wrong("--heavy goes with --seed, --seeds and --shrink");
    return wanted;
}

int play(const sim::Script& script, const std::string& name, const Wanted& wanted) {
    sim::broken_rule = wanted.rule.value_or(sim::Rule::none);
    std::string broken;
    if (wanted.trace || wanted.story) {
        const auto detail = wanted.trace ? sim::Detail::trace : sim::Detail::story;
        broken = sim::tell_world(script, detail, std::cout);
    } else {
        broken = sim::live(script).broken;
        std::cout << fmt::format("{}: {}\n", name, broken.empty() ? "all rules held" : broken);
    }
    return broken.empty() ? 0 : 1;
}

int play_file(const Wanted& wanted) {
    std::ifstream file(wanted.file);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    if (!file) {
        std::cerr << fmt::format("arbiter-sim: {} can not be read\n", wanted.file);
        return usage_error;
    }
    const auto script = sim::script_in(text);
    if (!script) {
        std::cerr << fmt::format("{}:{}\n", wanted.file, script.error());
        return usage_error;
    }
    return play(*script, wanted.file, wanted);
}

int shrink(const Wanted& wanted) {
    sim::broken_rule = wanted.rule.value_or(sim::Rule::none);
    const sim::Script script = sim::script_of(wanted.seed, wanted.mix);
    const sim::Shrunk shrunk = sim::shrink(script, sim::fate_of, shrink_lives);
    if (shrunk.violation.empty()) {
        std::cout << fmt::format("seed {}: all rules held\n", wanted.seed);
        return 0;
    }
    std::cout << fmt::format("{} of {} faults are enough ({} worlds): {}\n\n",
                             shrunk.script.faults.size(), script.faults.size(), shrunk.lives,
                             shrunk.violation)
              << std::flush;
    sim::tell_world(shrunk.script, sim::Detail::story, std::cout);
    std::cout << fmt::format("\nTo keep it, tests/sim/worlds/NAME.world:\n# {}\n{}",
                             shrunk.violation, sim::text_of(shrunk.script));
    return 1;
}

int mutants(const Wanted& wanted) {
    std::vector<sim::Rule> rules;
    std::size_t place = 0;
#define SIM_NAME(rule, text)                                                             \
    if (sim::Rule::rule != sim::Rule::none && place++ % wanted.parts == wanted.part - 1) \
        rules.push_back(sim::Rule::rule);
    SIM_RULES(SIM_NAME)
#undef SIM_NAME
    if (wanted.rule) rules = {*wanted.rule};
    const sim::Run run{wanted.from, wanted.count.value_or(10'000), wanted.jobs, true};
    return sim::run_mutants(run, rules) == 0 ? 0 : 1;
}

int list() {
#define SIM_NAME(name, text) std::cout << fmt::format("  {:44} {}\n", #name, text);
    std::cout << "rules that can be broken:\n";
    SIM_RULES(SIM_NAME)
    std::cout << "moments:\n";
    SIM_MOMENTS(SIM_NAME)
    std::cout << "faults:\n";
    SIM_FAULTS(SIM_NAME)
    std::cout << "excuses:\n";
    SIM_EXCUSES(SIM_NAME)
    std::cout << "what is left out:\n";
    SIM_OMISSIONS(SIM_NAME)
#undef SIM_NAME
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc == 2 && std::string_view(argv[1]) == "--help") {
        std::cout << usage_text;
        return 0;
    }
    const auto wanted = parse(argc, argv);
    if (!wanted) return usage_error;
    switch (wanted->what) {
        case Wanted::What::seed:
            return play(sim::script_of(wanted->seed, wanted->mix),
                        fmt::format("seed {}", wanted->seed), *wanted);
        case Wanted::What::play:
            return play_file(*wanted);
        case Wanted::What::shrink:
            return shrink(*wanted);
        case Wanted::What::list:
            return list();
        case Wanted::What::digest:
            std::cout << sim::digest();
            return 0;
        case Wanted::What::mutants:
            return mutants(*wanted);
        default: {
            const sim::Run run{wanted->from, *wanted->count,      wanted->jobs,
                               true,         wanted->all_moments, wanted->mix};
            return sim::run_seeds(run) == 0 ? 0 : 1;
        }
    }
}
