// arbiter-sim --seed N [--trace]   one world, told event by event
// arbiter-sim --seeds K [--from N] many, one line for each that breaks a rule

#include "tests/sim/world.h"

#include <cstdlib>
#include <iostream>
#include <string_view>

int main(int argc, char** argv) {
    std::uint64_t from = 0;
    std::uint64_t count = 1;
    bool trace = false;
    for (int i = 1; i < argc; ++i) {
        const std::string_view option = argv[i];
        const bool has_value = i + 1 < argc;
        if (option == "--trace")
            trace = true;
        else if (option == "--seed" && has_value)
            from = std::strtoull(argv[++i], nullptr, 10);
        else if (option == "--from" && has_value)
            from = std::strtoull(argv[++i], nullptr, 10);
        else if (option == "--seeds" && has_value)
            count = std::strtoull(argv[++i], nullptr, 10);
        else {
            std::cerr << "usage: arbiter-sim [--seed N [--trace] | --seeds K [--from N]]\n";
            return 64;
        }
    }
    std::uint64_t broken = 0;
    std::uint64_t apart = 0;
    std::uint64_t grants = 0;
    std::uint64_t heartbeats = 0;
    for (std::uint64_t seed = from; seed < from + count; ++seed) {
        const sim::Verdict verdict =
            sim::live(seed, sim::Climate::of(seed), trace ? &std::cout : nullptr);
        grants += verdict.grants;
        heartbeats += verdict.heartbeats;
        apart += verdict.awaits_operator;
        if (verdict.broken.empty()) continue;
        std::cout << "seed " << seed << ": " << verdict.broken << '\n';
        ++broken;
    }
    std::cout << count << " worlds, " << broken << " broken, " << apart << " wait for an operator; "
              << heartbeats << " heartbeats, " << grants << " grants\n";
    return broken == 0 ? 0 : 1;
}
