#include "agent/io/hooks.h"

#include "heartbeat/io/asio.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <list>

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace agent {

namespace {

namespace asio = heartbeat::asio;
using heartbeat::ErrorCode;

// What a script may rely on; the rest of our own environment is none of its business.
constexpr const char* path_of_hooks =
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

struct Child {
    std::string what;
    std::string path;
    pid_t pid;
    std::unique_ptr<asio::steady_timer> deadline;
};

// In a process group of its own, with stdin from nowhere; 0 and errno when it can not be started.
pid_t start(const std::string& path, std::vector<std::string> environment) {
    environment.emplace_back(path_of_hooks);
    std::vector<char*> env;
    for (std::string& entry : environment) env.push_back(entry.data());
    env.push_back(nullptr);
    std::string program = path;
    std::array<char*, 2> argv{program.data(), nullptr};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
    ::posix_spawnattr_init(&attributes);
    sigset_t none;
    ::sigemptyset(&none);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
    pid_t pid = 0;
    const int error =
        ::posix_spawn(&pid, program.c_str(), &files, &attributes, argv.data(), env.data());
    ::posix_spawn_file_actions_destroy(&files);
    ::posix_spawnattr_destroy(&attributes);
    errno = error;
    return error == 0 ? pid : 0;
}

}  // namespace

struct Hooks::State : std::enable_shared_from_this<Hooks::State> {
    State(asio::io_context& io, HookRules with, Say to)
        : loop(io), rules(std::move(with)), say(std::move(to)), ended(io, SIGCHLD) {}

    void listen() {
        ended.async_wait([self = shared_from_this()](ErrorCode error, int) {
            if (error) return;
            self->reap();
            self->listen();
        });
    }
    void reap() {
        for (auto child = children.begin(); child != children.end();) {
            int status = 0;
            if (::waitpid(child->pid, &status, WNOHANG) != child->pid) {
                ++child;
                continue;
            }
            if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
                report(*child, "event=hook_done", "");
            } else if (WIFEXITED(status)) {
                report(*child, "event=hook_failed",
                       fmt::format("exit code {}", WEXITSTATUS(status)));
            } else {
                report(*child, "event=hook_failed", fmt::format("signal {}", WTERMSIG(status)));
            }
            child = children.erase(child);
        }
    }
    void report(const Child& child, const char* event, const std::string& why) const {
        say(fmt::format("{} hook={} program={}{}", event, child.what, child.path,
                        why.empty() ? std::string() : fmt::format(" why=\"{}\"", why)));
    }
    void run(const std::string& what, const std::string& path, const Facts& facts) {
        if (path.empty()) return;
        Child child{what, path, 0, std::make_unique<asio::steady_timer>(loop)};
        if (children.size() >= running_max) {
            return report(child, "event=hook_failed",
                          fmt::format("{} hooks still run", children.size()));
        }
        std::vector<std::string> environment{"ARBITER_HOOK=" + what};
        for (const auto& [key, value] : facts) environment.push_back(key + "=" + value);
        child.pid = start(path, std::move(environment));
        if (child.pid == 0) return report(child, "event=hook_failed", std::strerror(errno));
        child.deadline->expires_after(rules.deadline);
        child.deadline->async_wait([pid = child.pid](ErrorCode error) {
            if (!error) ::kill(-pid, SIGKILL);
        });
        children.push_back(std::move(child));
    }

    asio::io_context& loop;
    HookRules rules;
    Say say;
    asio::signal_set ended;
    std::list<Child> children;
};

Hooks::Hooks(asio::io_context& loop, HookRules rules, Say say)
    : state_(std::make_shared<State>(loop, std::move(rules), std::move(say))) {
    state_->listen();
}

Hooks::~Hooks() {
    ErrorCode ignored;
    state_->ended.cancel(ignored);
    for (const Child& child : state_->children) {
        ::kill(-child.pid, SIGKILL);
        ::waitpid(child.pid, nullptr, 0);
    }
    state_->children.clear();
}

void Hooks::promoted(const Facts& facts) {
    state_->run("promote", state_->rules.promote, facts);
}
void Hooks::demoted(const Facts& facts) {
    state_->run("demote", state_->rules.demote, facts);
}
void Hooks::followed(const Facts& facts) {
    state_->run("follow", state_->rules.follow, facts);
}
std::size_t Hooks::running() const {
    return state_->children.size();
}

}  // namespace agent
