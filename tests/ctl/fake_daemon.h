#pragma once
// A socket that answers as it is told, for the errors of the way to a daemon. What a real one
// answers is tested with a real one.

#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace dnsd::test {

class Folder {
public:
    Folder() {
        std::string pattern = std::filesystem::temp_directory_path() / "ctl.XXXXXX";
        path_ = ::mkdtemp(pattern.data());
    }
    Folder(const Folder&) = delete;
    ~Folder() { std::filesystem::remove_all(path_); }
    std::string operator/(const std::string& name) const { return path_ + "/" + name; }

private:
    std::string path_;
};

// Serves one connection with what `talk` does to it, then hangs up.
class FakeDaemon {
public:
    using Talk = std::function<void(int connection)>;

    FakeDaemon(const std::string& path, Talk talk) : listener_(listen_at(path)) {
        thread_ = std::thread([this, talk = std::move(talk)] {
            pollfd entry{listener_, POLLIN, 0};
            const bool came = ::poll(&entry, 1, 10'000) == 1;
            const int connection = came ? ::accept(listener_, nullptr, nullptr) : -1;
            ::close(listener_);  // the next one is refused
            if (connection < 0) return;
            talk(connection);
            ::close(connection);
        });
    }
    FakeDaemon(const FakeDaemon&) = delete;
    ~FakeDaemon() { thread_.join(); }

    // What the client asked, to its newline.
    static std::string question(int connection) {
        std::string text;
        for (char c = 0; ::recv(connection, &c, 1, 0) == 1 && c != '\n';) text += c;
        return text;
    }
    static void say(int connection, std::string_view text) {
        while (!text.empty()) {
            const ssize_t put = ::send(connection, text.data(), text.size(), MSG_NOSIGNAL);
            if (put <= 0) return;
            text.remove_prefix(static_cast<std::size_t>(put));
        }
    }
    static Talk answers(std::string line) {
        return [line = std::move(line)](int connection) {
            question(connection);
            say(connection, line + '\n');
        };
    }
    // Until the client goes, at most ten seconds.
    static void wait_for_end(int connection) {
        pollfd entry{connection, POLLRDHUP, 0};
        ::poll(&entry, 1, 10'000);
    }

    static int listen_at(const std::string& path) {
        const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
        if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
            ::listen(fd, 1) != 0)
            throw std::runtime_error("no socket at " + path);
        return fd;
    }

private:
    int listener_;
    std::thread thread_;
};

}  // namespace dnsd::test
