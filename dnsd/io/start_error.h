#pragma once
// Why the daemon could not start: main prints the text and exits with the code.

#include <stdexcept>
#include <string>

namespace dnsd {

// sysexits(3), as this daemon uses them.
enum ExitCode : int {
    exit_ok = 0,
    exit_usage = 64,        // the command line
    exit_data = 65,         // a zone file or the ledger says nonsense
    exit_no_input = 66,     // a file or directory is not there
    exit_unavailable = 69,  // a port is in use
    exit_software = 70,     // a defect of ours
    exit_os = 71,           // the kernel refuses
    exit_io = 74,           // a disk refuses
    exit_try_again = 75,    // another process holds what we need
    exit_no_right = 77,     // a right that we lack
    exit_config = 78,       // the configuration
};

class StartError : public std::runtime_error {
public:
    StartError(int code, const std::string& text) : std::runtime_error(text), code_(code) {}
    int code() const { return code_; }

private:
    int code_;
};

}  // namespace dnsd
