#pragma once
// Runs arbiter-dnsd for what only it can do, so that daemon and tool have one reader of
// configurations and one maker of ledgers.

#include <string>
#include <vector>

#include <tl/expected.hpp>

namespace dnsd {

// Beside this program, or else as the shell would find it.
std::string daemon_program();

enum class Output {
    passed_on,  // to our own stdout and stderr
    kept,       // both together, in Ran::output
};
struct Ran {
    int exit_code = 0;  // 128 + the signal when it was killed
    std::string output;
};
// Output that is kept is cut behind this.
constexpr std::size_t output_size_max = 1 << 20;

// Waits for its end. The error says why it could not be started.
tl::expected<Ran, std::string> run_program(const std::string& program,
                                           const std::vector<std::string>& arguments,
                                           Output output);

}  // namespace dnsd
