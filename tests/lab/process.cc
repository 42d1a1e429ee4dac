#include "tests/lab/process.h"

#include "tests/lab/program.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace lab {

namespace {

[[noreturn]] void fail(const std::string& what) {
    throw std::runtime_error(what + ": " + std::strerror(errno));
}

volatile sig_atomic_t interrupted = 0;
void note_interrupt(int) {
    interrupted = 1;
}

std::vector<char*> pointers(const std::vector<std::string>& strings) {
    std::vector<char*> result;
    for (const std::string& one : strings) result.push_back(const_cast<char*>(one.c_str()));
    result.push_back(nullptr);
    return result;
}

struct Streams {
    int in, out, err;
};

// All that allocates is done before the fork.
pid_t start(const std::vector<std::string>& argv, const std::vector<std::string>& extra,
            const Streams& streams) {
    std::vector<std::string> environment;
    for (char** one = environ; *one != nullptr; ++one) environment.emplace_back(*one);
    environment.insert(environment.end(), extra.begin(), extra.end());
    const std::string program = found_program(argv.at(0));
    std::vector<char*> arguments = pointers(argv);
    std::vector<char*> variables = pointers(environment);
    const pid_t parent = getpid();
    const pid_t pid = fork();
    if (pid < 0) fail("fork");
    if (pid > 0) return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(127);  // it died before we asked
    setpgid(0, 0);                        // Ctrl-C at the terminal is for the parent alone
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    dup2(streams.in, 0);
    dup2(streams.out, 1);
    dup2(streams.err, 2);
    execve(program.c_str(), arguments.data(), variables.data());
    dprintf(2, "can not run %s: %s\n", arguments[0], std::strerror(errno));
    _exit(127);
}

int code_of(int wait_status) {
    return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
}

}  // namespace

Process::Process(const Command& command) {
    const std::string log = command.log.empty() ? "/dev/null" : command.log;
    const int out = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (out < 0) fail(log);
    const int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
    pid_ = start(command.argv, command.environment, {in, out, out});
    close(in);
    close(out);
    pidfd_ = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
    if (pidfd_ < 0) fail("pidfd_open");
}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      pidfd_(std::exchange(other.pidfd_, -1)),
      status_(std::exchange(other.status_, std::nullopt)) {}

Process& Process::operator=(Process&& other) noexcept {
    std::swap(pid_, other.pid_);
    std::swap(pidfd_, other.pidfd_);
    std::swap(status_, other.status_);
    return *this;
}

Process::~Process() {
    if (pid_ < 0) return;
    stop();
    close(pidfd_);
}

bool Process::running() {
    return !wait(0ms);
}

void Process::signal(int number) {
    if (running()) syscall(SYS_pidfd_send_signal, pidfd_, number, nullptr, 0);
}

void Process::signal_all(int number) {
    // Its own group, whose number is not given out again before it has been waited for.
    if (running()) ::kill(-pid_, number);
}

bool Process::wait(Milliseconds at_most) {
    if (status_) return true;
    pollfd ended{pidfd_, POLLIN, 0};
    const auto end = now() + at_most;
    for (;;) {
        const auto left = std::chrono::duration_cast<Milliseconds>(end - now());
        const int ready = poll(&ended, 1, std::max<int>(0, static_cast<int>(left.count())));
        if (ready > 0) break;
        if (ready == 0 || errno != EINTR) return false;
    }
    int status = 0;
    if (waitpid(pid_, &status, 0) == pid_) status_ = code_of(status);
    return status_.has_value();
}

void Process::stop(Milliseconds grace) {
    signal(SIGTERM);
    signal(SIGCONT);  // a stopped one could not end
    if (!wait(grace)) kill();
}

void Process::kill() {
    signal(SIGKILL);
    wait(30s);
}

Outcome run(const std::vector<std::string>& argv, const std::string& input, Milliseconds at_most,
            const std::vector<std::string>& environment) {
    const Scratch scratch("run");
    write_file(scratch / "in", input);
    const int in = open((scratch / "in").c_str(), O_RDONLY | O_CLOEXEC);
    const int flags = O_WRONLY | O_CREAT | O_CLOEXEC;
    const int out = open((scratch / "out").c_str(), flags, 0600);
    const int err = open((scratch / "err").c_str(), flags, 0600);
    const pid_t pid = start(argv, environment, {in, out, err});
    close(in);
    close(out);
    close(err);
    const auto end = now() + at_most;
    Outcome outcome;
    int status = 0;
    // It may be a script with children of its own, all of its process group.
    const auto end_it = [&] {
        ::kill(-pid, SIGKILL);
        waitpid(pid, &status, 0);
    };
    try {
        while (waitpid(pid, &status, WNOHANG) != pid && outcome.status == 0) {
            if (now() >= end) {
                end_it();
                outcome.status = 124;
            } else {
                pause_for(2ms);
            }
        }
    } catch (const Interrupted&) {
        end_it();
        throw;
    }
    if (outcome.status == 0) outcome.status = code_of(status);
    outcome.out = read_file(scratch / "out");
    outcome.err = read_file(scratch / "err");
    return outcome;
}

Scratch::Scratch(const std::string& purpose) {
    const char* where = getenv("TMPDIR");
    path_ = std::string(where != nullptr ? where : "/tmp") + "/arbiter-" + purpose + "-XXXXXX";
    if (mkdtemp(path_.data()) == nullptr) fail(path_);
}

Scratch::~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

void write_file(const std::string& path, const std::string& text, int mode) {
    const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (file < 0) fail(path);
    std::size_t written = 0;
    while (written < text.size()) {
        const ssize_t more = write(file, text.data() + written, text.size() - written);
        if (more <= 0) fail(path);
        written += static_cast<std::size_t>(more);
    }
    close(file);
}

std::string read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void catch_interrupts() {
    struct sigaction action {};
    action.sa_handler = note_interrupt;
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaction(number, &action, nullptr);
}

void pause_for(std::chrono::microseconds time) {
    if (interrupted != 0) {
        interrupted = 0;  // said once: what is cleaned up behind it may pause again
        throw Interrupted();
    }
    std::this_thread::sleep_for(time);
}

std::chrono::steady_clock::time_point now() {
    return std::chrono::steady_clock::now();
}
double seconds_since(std::chrono::steady_clock::time_point begin) {
    return std::chrono::duration<double>(now() - begin).count();
}

}  // namespace lab
