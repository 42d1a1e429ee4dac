#pragma once
// Real programs as children: started, watched by pidfd, stopped by process id, never by name. A
// child dies with its parent (PR_SET_PDEATHSIG), so that a test that is killed leaves nothing
// running.

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace lab {

using namespace std::chrono_literals;
using Milliseconds = std::chrono::milliseconds;

struct Command {
    std::vector<std::string> argv;         // argv[0] as found_program() finds it
    std::vector<std::string> environment;  // NAME=VALUE, beside our own
    std::string log;  // file for stdout and stderr (appended); empty: /dev/null
};

class Process {
public:
    explicit Process(const Command&);  // throws std::runtime_error when it can not be started
    ~Process();                        // stop()
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;
    Process(Process&&) noexcept;
    Process& operator=(Process&&) noexcept;

    pid_t pid() const { return pid_; }
    bool running();
    void signal(int number);
    // To all processes that it has started and that stayed in its group, too.
    void signal_all(int number);
    // True when it has ended within that time.
    bool wait(Milliseconds at_most);
    // SIGTERM, and SIGKILL when it has not ended by then.
    void stop(Milliseconds grace = 10s);
    // SIGKILL, and waits for the end.
    void kill();
    // Exit code, or 128 + signal; nullopt while it runs.
    std::optional<int> status() const { return status_; }

private:
    pid_t pid_ = -1;
    int pidfd_ = -1;
    std::optional<int> status_;
};

struct Outcome {
    int status = 0;  // exit code, or 128 + signal
    std::string out;
    std::string err;
};
// Runs to the end, at most that long (then it is killed and status is 124).
Outcome run(const std::vector<std::string>& argv, const std::string& input = {},
            Milliseconds at_most = 60s, const std::vector<std::string>& environment = {});

// A folder of our own under TMPDIR, removed with all that is in it.
class Scratch {
public:
    explicit Scratch(const std::string& purpose);
    ~Scratch();
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    const std::string& path() const { return path_; }
    std::string operator/(const std::string& name) const { return path_ + "/" + name; }

private:
    std::string path_;
};

void write_file(const std::string& path, const std::string& text, int mode = 0644);
std::string read_file(const std::string& path);  // empty when there is none

// Asks `fact` again and again until it holds; false when it does not in time.
template <typename Fact>
bool until(Milliseconds at_most, Fact fact, Milliseconds pause = 20ms);

// Ctrl-C and SIGTERM, after catch_interrupts(): pause_for() throws this, and all that lives on the
// stack is stopped and removed on the way out.
struct Interrupted {};
void catch_interrupts();
void pause_for(std::chrono::microseconds);
std::chrono::steady_clock::time_point now();
double seconds_since(std::chrono::steady_clock::time_point);

template <typename Fact>
bool until(Milliseconds at_most, Fact fact, Milliseconds pause) {
    const auto end = now() + at_most;
    while (!fact()) {
        if (now() >= end) return false;
        pause_for(pause);
    }
    return true;
}

}  // namespace lab
