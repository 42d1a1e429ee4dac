#include "dnsd/ctl/daemon.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace dnsd {

namespace {

class Actions {
public:
    Actions() { posix_spawn_file_actions_init(&actions_); }
    Actions(const Actions&) = delete;
    Actions& operator=(const Actions&) = delete;
    ~Actions() { posix_spawn_file_actions_destroy(&actions_); }
    posix_spawn_file_actions_t* get() { return &actions_; }

private:
    posix_spawn_file_actions_t actions_{};
};

std::string read_to_end(int fd) {
    std::string text;
    std::array<char, 16384> buffer;
    while (true) {
        const ssize_t got = ::read(fd, buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return text;
        // Read on behind the bound, or the program would wait for us for ever.
        const std::size_t room = output_size_max - text.size();
        text.append(buffer.data(), std::min(static_cast<std::size_t>(got), room));
    }
}

int exit_code_of(pid_t child) {
    int status = 0;
    while (::waitpid(child, &status, 0) < 0)
        if (errno != EINTR) return 1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

std::string daemon_program() {
    constexpr const char* name = "arbiter-dnsd";
    std::error_code error;
    const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
    if (error) return name;
    const std::filesystem::path beside = self.parent_path() / name;
    return ::access(beside.c_str(), X_OK) == 0 ? beside.string() : name;
}

tl::expected<Ran, std::string> run_program(const std::string& program,
                                           const std::vector<std::string>& arguments,
                                           Output output) {
    std::vector<char*> argv{const_cast<char*>(program.c_str())};
    for (const std::string& each : arguments) argv.push_back(const_cast<char*>(each.c_str()));
    argv.push_back(nullptr);

    Actions actions;
    std::array<int, 2> pipe{-1, -1};
    if (output == Output::kept) {
        if (::pipe2(pipe.data(), O_CLOEXEC) != 0)
            return tl::unexpected(std::string("no pipe: ") + std::strerror(errno));
        posix_spawn_file_actions_adddup2(actions.get(), pipe[1], STDOUT_FILENO);
        posix_spawn_file_actions_adddup2(actions.get(), pipe[1], STDERR_FILENO);
    }
    pid_t child = 0;
    const int error =
        ::posix_spawnp(&child, program.c_str(), actions.get(), nullptr, argv.data(), environ);
    if (output == Output::kept) ::close(pipe[1]);
    Ran ran;
    if (error == 0 && output == Output::kept) ran.output = read_to_end(pipe[0]);
    if (output == Output::kept) ::close(pipe[0]);
    if (error != 0) return tl::unexpected(program + " can not be run: " + std::strerror(error));
    ran.exit_code = exit_code_of(child);
    return ran;
}

}  // namespace dnsd
