#pragma once
// The real program as a child, started and signalled as an operator or systemd does it.

#include "tests/dnsd/support.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <csignal>

namespace test {

class Daemon {
public:
    Daemon(const Folder& folder, const std::vector<std::string>& arguments,
           const std::vector<std::string>& environment = {})
        : log_(folder.path("log")) {
        std::vector<std::string> texts{ARBITER_BIN_DIR "/arbiter-dnsd"};
        texts.insert(texts.end(), arguments.begin(), arguments.end());
        std::vector<char*> argv, envp;
        for (std::string& text : texts) argv.push_back(text.data());
        argv.push_back(nullptr);
        std::vector<std::string> settings = environment;
        for (std::string& setting : settings) envp.push_back(setting.data());
        envp.push_back(nullptr);
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_addopen(&actions, 2, log_.c_str(), O_WRONLY | O_CREAT | O_TRUNC,
                                         0600);
        REQUIRE(::posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), envp.data()) == 0);
        posix_spawn_file_actions_destroy(&actions);
    }
    ~Daemon() {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;

    std::string log() const {
        std::ifstream file(log_);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    bool says(const std::string& text) const {
        return eventually([&] { return log().find(text) != std::string::npos; }, 20s);
    }
    void signal(int number) const { REQUIRE(::kill(pid_, number) == 0); }
    // Does it have a handler of its own for that signal?
    bool catches(int number) const { return among("SigCgt:", number); }
    // Does that signal wait until the program is ready for it?
    bool holds(int number) const { return among("SigBlk:", number); }
    pid_t pid() const { return pid_; }
    // The exit code; -1 when it did not end in time, or by a signal.
    int exit_code(std::chrono::milliseconds within = 20s) {
        int status = 0;
        if (!eventually([&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; }, within))
            return -1;
        pid_ = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }

private:
    bool among(const std::string& signals, int number) const {
        std::ifstream status("/proc/" + std::to_string(pid_) + "/status");
        for (std::string line; std::getline(status, line);)
            if (line.starts_with(signals))
                return (std::stoull(line.substr(signals.size()), nullptr, 16) >> (number - 1) &
                        1) != 0;
        return false;
    }

    std::string log_;
    pid_t pid_ = -1;
};

}  // namespace test
