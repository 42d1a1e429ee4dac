#pragma once
// What each command of arbiterctl does: answers to stdout, all else to stderr, and an exit code.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dnsd {

// UX.md, "arbiterctl".
enum class Exit {
    done = 0,
    refused = 1,      // or failed
    usage = 2,        // or a configuration with mistakes
    unreachable = 3,  // no arbiter answered
};

struct CommandOptions {
    bool json = false;
    std::string socket;
};

// "error: …" and "hint: …" on stderr, or as the one JSON document on stdout.
Exit complain(bool json, Exit exit, std::string_view error, std::string_view hint = {});

Exit keys_new(const CommandOptions&, const std::string& name, const std::string& folder);
Exit keys_show(const CommandOptions&, const std::string& path);

// Empty texts are not said.
struct TsigOptions {
    std::string name;
    std::string algorithm = "hmac-sha256";
    std::string out;  // adds the key to this file
    bool show = false;
    std::string key_file = "/etc/arbiter/tsig.key";  // where --show looks
    std::string configuration, zone, primary, secondary;
};
Exit keys_tsig(const CommandOptions&, const TsigOptions&);

enum class DaemonTask { init, check };
Exit run_daemon(const CommandOptions&, DaemonTask task, const std::string& configuration);

Exit status(const CommandOptions&, bool watch);
Exit reload(const CommandOptions&);
Exit explain(const CommandOptions&, const std::string& server);

}  // namespace dnsd
