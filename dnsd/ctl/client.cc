#include "dnsd/ctl/client.h"

#include "heartbeat/io/clock.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

namespace dnsd {

namespace {

using Json = nlohmann::ordered_json;
using heartbeat::Duration;
using heartbeat::Instant;

class Socket {
public:
    Socket() : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {}
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    ~Socket() {
        if (fd_ >= 0) ::close(fd_);
    }
    int get() const { return fd_; }

private:
    int fd_;
};

// False when the deadline came first.
bool wait_for(int fd, short what, Instant deadline) {
    while (true) {
        const Duration left = deadline - heartbeat::boot_now();
        if (left <= Duration(0)) return false;
        const auto ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
        pollfd entry{fd, what, 0};
        const int ready = ::poll(&entry, 1, static_cast<int>(std::min<std::int64_t>(ms, 60'000)));
        if (ready > 0) return true;
        if (ready < 0 && errno != EINTR) return false;
    }
}

// "user 'root' and group 'arbiter'", as the socket's owner and mode have it.
std::string who_may(const std::string& path) {
    struct stat about {};
    if (::stat(path.c_str(), &about) != 0) return "root";
    const passwd* user = ::getpwuid(about.st_uid);
    const group* members = ::getgrgid(about.st_gid);
    std::string text = user != nullptr ? fmt::format("user '{}'", user->pw_name)
                                       : fmt::format("uid {}", about.st_uid);
    if ((about.st_mode & S_IWGRP) != 0)
        text += members != nullptr ? fmt::format(" and group '{}'", members->gr_name)
                                   : fmt::format(" and gid {}", about.st_gid);
    return text + ", and root";
}

NoAnswer not_reached(const std::string& path, int error) {
    NoAnswer no{fmt::format("no arbiter reached at {}: {}", path, std::strerror(error)), {}, false};
    if (error == ENOENT)
        no.hint = "is arbiter-dnsd running? another socket: --socket PATH or ARBITER_SOCKET";
    else if (error == EACCES || error == EPERM)
        no.hint = fmt::format("may connect: {}", who_may(path));
    else if (error == ECONNREFUSED)
        no.hint = "the socket is there but nobody listens: arbiter-dnsd has ended; start it again";
    else
        no.hint = "another socket: --socket PATH or ARBITER_SOCKET";
    return no;
}

NoAnswer silent(const std::string& path, Duration patience, bool sent) {
    const auto seconds = std::chrono::duration<double>(patience).count();
    NoAnswer no{fmt::format("the arbiter at {} did not answer within {:.0f} s", path, seconds),
                "it is stopped or overloaded: systemctl status arbiter-dnsd", sent, true};
    if (sent) no.hint = "what was asked for may be going on still; see: arbiterctl status";
    return no;
}

std::optional<NoAnswer> connect_to(int fd, const std::string& path, Instant deadline,
                                   Duration patience) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
        return NoAnswer{fmt::format("{} is too long for a socket's path", path),
                        fmt::format("at most {} bytes", sizeof address.sun_path - 1), false};
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    // EAGAIN: its queue of connections is full, and poll() does not tell when that ends.
    while (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        if (errno != EAGAIN && errno != EINTR) return not_reached(path, errno);
        if (heartbeat::boot_now() >= deadline) return silent(path, patience, false);
        ::poll(nullptr, 0, 10);
    }
    return std::nullopt;
}

std::optional<NoAnswer> send_all(int fd, std::string_view text, const std::string& path,
                                 Instant deadline, Duration patience) {
    while (!text.empty()) {
        const ssize_t put = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
        if (put >= 0) {
            text.remove_prefix(static_cast<std::size_t>(put));
        } else if (errno == EAGAIN) {
            if (!wait_for(fd, POLLOUT, deadline)) return silent(path, patience, false);
        } else if (errno != EINTR) {
            return not_reached(path, errno);
        }
    }
    return std::nullopt;
}

// Up to the next newline; `rest` is what came behind it.
tl::expected<std::string, NoAnswer> read_line(int fd, std::string& rest, const std::string& path,
                                              Instant deadline, Duration patience) {
    std::string line = std::exchange(rest, {});
    std::array<char, 16384> buffer;
    std::size_t looked = 0;
    while (true) {
        const std::size_t end = line.find('\n', looked);
        if (end != std::string::npos) {
            rest = line.substr(end + 1);
            line.resize(end);
            return line;
        }
        looked = line.size();
        if (line.size() > answer_size_max)
            return tl::unexpected(NoAnswer{fmt::format("the answer from {} is too long", path),
                                           "is that the socket of arbiter-dnsd?", true});
        const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && errno == EAGAIN) {
            if (!wait_for(fd, POLLIN, deadline))
                return tl::unexpected(silent(path, patience, true));
            continue;
        }
        if (got <= 0)
            return tl::unexpected(
                NoAnswer{fmt::format("the arbiter at {} hung up in the middle of its answer", path),
                         "its journal says why: journalctl -u arbiter-dnsd", true});
        line.append(buffer.data(), static_cast<std::size_t>(got));
    }
}

}  // namespace

tl::expected<Json, NoAnswer> ask(const std::string& socket_path, const Json& question,
                                 Duration patience, const OnStep& on_step) {
    const Instant deadline = heartbeat::boot_now() + patience;
    const Socket socket;
    if (socket.get() < 0) return tl::unexpected(not_reached(socket_path, errno));
    if (auto failed = connect_to(socket.get(), socket_path, deadline, patience))
        return tl::unexpected(*std::move(failed));
    if (auto failed =
            send_all(socket.get(), question.dump() + '\n', socket_path, deadline, patience))
        return tl::unexpected(*std::move(failed));
    std::string rest;
    while (true) {
        auto line = read_line(socket.get(), rest, socket_path, deadline, patience);
        if (!line) return tl::unexpected(std::move(line.error()));
        Json answer = Json::parse(*line, nullptr, false);
        if (!answer.is_object())
            return tl::unexpected(
                NoAnswer{fmt::format("what {} answered is no answer of an arbiter", socket_path),
                         "is that the socket of arbiter-dnsd, and of this release?", true});
        if (answer.value("going_on", Json(false)) != Json(true)) return answer;
        if (on_step) on_step(answer);
    }
}

}  // namespace dnsd
